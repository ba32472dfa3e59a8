"""Two things at once, in the order that hurts. Each was a bug."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.integration.test_leaving import my_id, refused
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, new_person

pytestmark = pytest.mark.localstack


def before(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], object]
) -> None:
    """Have something happen once, right before a function is called."""
    original = getattr(module, name)

    def acting(*arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(module, name, original)
        act()
        return original(*arguments, **more)

    monkeypatch.setattr(module, name, acting)


def test_leaving_while_another_tab_joins_does_not_bring_the_membership_back(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    one, two = guest.chat(), guest.chat()
    before(monkeypatch, joining, "_settle", lambda: two.ask("room.leave", room_id=room_id))
    assert refused(one, "room.enter", room_id=room_id) == "not_member"
    say(host, room_id, "비밀")
    assert refused(one, "chat.history", room_id=room_id) == "not_member"
    assert len(host.ask("room.members", room_id=room_id)["members"]) == 1
    assert one.ask("session.hello")["rooms"] == []


def test_a_stalled_put_is_not_done_twice_by_its_repeat(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    repeats: list[Frame] = []

    def repeat() -> None:
        repeats.append(say(host, room_id, "한 번만", cid="cid-stalled-2", retry_since=1))

    before(monkeypatch, LogSteps, "store", repeat)
    said = say(host, room_id, "한 번만", cid="cid-stalled-2")
    assert repeats == [said]
    assert texts_of(host.ask("chat.history", room_id=room_id)) == ["한 번만"]


def test_a_leave_that_died_after_counting_is_counted_once(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    from chalicelib import joining
    from chalicelib.clock import now_ms
    from chalicelib.tables import MemberRow, RoomRow

    room_id = open_room(host)
    third = new_person(handlers).chat()
    client = guest.chat()
    for person in (client, third):
        person.ask("room.enter", room_id=room_id)
    # What a leaving does until it dies between its two writes to the log.
    began = now_ms() - joining.UNFINISHED_AFTER_MS - 1
    MemberRow(my_id(client), room_id).update(
        [
            MemberRow.leaving.set(began),
            MemberRow.notice_cid.set("cid-died-123"),
            MemberRow.notice_since.set(3),
        ]
    )
    RoomRow(room_id).update([RoomRow.last_seq.add(1), RoomRow.member_count.add(-1)])
    assert guest.chat().ask("session.hello")["rooms"] == []
    assert host.ask("session.hello")["rooms"][0]["member_count"] == 2
    assert refused(host, "room.leave", room_id=room_id) == "host_must_choose"


def test_a_host_who_seems_alone_does_not_close_the_room_under_a_newcomer(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    client = guest.chat()

    def come_and_talk() -> None:
        client.ask("room.enter", room_id=room_id)
        say(client, room_id, "안녕하세요")

    before(monkeypatch, joining, "close_room", come_and_talk)
    assert refused(host, "room.leave", room_id=room_id) == "host_must_choose"
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["안녕하세요"]


def test_who_left_while_another_tab_said_hello_hears_no_more(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import connections

    room_id = open_room(host)
    first = guest.chat()
    first.ask("room.enter", room_id=room_id)
    second = guest.connect()
    before(monkeypatch, connections, "greet", lambda: first.ask("room.leave", room_id=room_id))
    assert second.ask("session.hello")["rooms"] == []
    say(host, room_id, "들리나요")
    assert all(entry.get("text") != "들리나요" for entry in second.entries)


def test_what_is_said_while_somebody_enters_is_on_their_page(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import connections

    room_id = open_room(host)
    client = guest.chat()
    before(monkeypatch, connections, "subscribe", lambda: say(host, room_id, "막 들어올 때"))
    assert texts_of(client.ask("room.enter", room_id=room_id)) == ["막 들어올 때"]


def test_coming_back_on_the_same_connection_is_heard_again(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import commands

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)
    client.ask("room.leave", room_id=room_id)
    # Cut off after joining again, before the connection was made to hear the room.
    before(monkeypatch, commands, "_after_joining", lambda: 1 / 0)
    assert refused(client, "room.enter", room_id=room_id) == "internal"
    client.ask("room.enter", room_id=room_id)
    said = say(host, room_id, "다시 왔네요")
    assert client.wait_for_entry(seq=said["seq"])["text"] == "다시 왔네요"


def test_a_closing_that_was_cut_off_is_finished_by_a_repeat(
    handlers: HandlerSite, host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import background
    from chalicelib.tables import RoomRow

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)
    monkeypatch.setattr(background, "start", lambda *_: 1 / 0)
    assert refused(host, "room.leave", room_id=room_id, close=True) == "internal"
    monkeypatch.undo()
    # The host's row is gone, but the other member's hello finds the room closed.
    assert client.ask("session.hello")["rooms"] == []
    assert client.wait_for("room.closed")["room_id"] == room_id
    handlers.management.finish_jobs()
    with pytest.raises(RoomRow.DoesNotExist):
        RoomRow.get(room_id)


@pytest.mark.parametrize("again", ["room.leave", "session.hello", "room.enter"])
def test_a_room_that_nobody_is_in_any_more_is_erased_though_its_leaving_was_cut_off(
    host: ChatClient, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    from chalicelib import background
    from chalicelib.tables import MemberRow, RoomRow

    room_id = open_room(host)
    with monkeypatch.context() as patch:
        patch.setattr(background, "start", lambda *_: 1 / 0)
        assert refused(host, "room.leave", room_id=room_id) == "internal"
        if again == "session.hello":
            assert refused(host, "session.hello") == "internal"
    if again == "room.leave":
        host.ask("room.leave", room_id=room_id)
    if again == "room.enter":
        assert refused(host, "room.enter", room_id=room_id) == "room_not_found"
    assert host.ask("session.hello")["rooms"] == []
    handlers.management.finish_jobs()
    with pytest.raises(RoomRow.DoesNotExist):
        RoomRow.get(room_id)
    with pytest.raises(MemberRow.DoesNotExist):
        MemberRow.get(my_id(host), room_id)


def test_a_handing_over_that_was_cut_off_can_be_repeated(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)
    successor = my_id(client)
    before(monkeypatch, joining, "_leave_as_member", lambda: 1 / 0)
    leave: Frame = {"room_id": room_id, "successor_id": successor}
    assert refused(host, "room.leave", **leave) == "internal"
    host.ask("room.leave", **leave)
    assert client.ask("session.hello")["rooms"][0]["member_count"] == 1
    assert refused(host, "chat.history", room_id=room_id) == "not_member"


def test_a_push_that_fails_does_not_undo_the_answer(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import sender

    room_id = open_room(host)
    guest.chat().ask("room.enter", room_id=room_id)
    monkeypatch.setattr(sender, "post", lambda *_: 1 / 0)
    assert say(host, room_id, "그래도 남아요")["seq"] == 3
    monkeypatch.undo()
    assert texts_of(host.ask("chat.history", room_id=room_id)) == ["그래도 남아요"]


def test_what_is_not_said_yet_can_not_be_marked_as_read(host: ChatClient) -> None:
    room_id = open_room(host)
    assert refused(host, "room.read", room_id=room_id, seq=2) == "invalid_field"
    host.ask("room.read", room_id=room_id, seq=1)


@pytest.mark.stack_only
def test_no_reply_is_larger_than_a_frame(handlers: HandlerSite, host: ChatClient) -> None:
    positions = []
    for _ in range(8):
        room_id = open_room(host)
        for _ in range(2):
            say(host, room_id, "😀" * limits.CHAT_TEXT_MAX)
        positions.append({"room_id": room_id, "after": 1})
    unknown = [{"room_id": f"none-{number:012}", "after": 0} for number in range(92)]
    host.ask("room.sync", rooms=[])
    connection_id = host.transport.connection_id
    for rooms in (positions, positions + unknown):
        frame = {"type": "room.sync", "ref": "1", "rooms": rooms}
        answer = handlers.call_message(connection_id, json.dumps(frame))
        assert len(answer.encode()) <= limits.FRAME_BYTES_MAX


def test_a_room_that_can_not_be_left_does_not_keep_a_withdrawal_from_the_others(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining, withdrawal
    from chalicelib.tables import UserRow

    client = guest.chat()
    rooms = [open_room(host) for _ in range(3)]
    for room_id in rooms:
        client.ask("room.enter", room_id=room_id)
    user_id, leave = my_id(client), joining.leave
    # Withdrawn while the rooms are left; then back, to look.
    person = UserRow.get(user_id)

    def leave_or_fail(user_id: str, room_id: str, *arguments: Any, **more: Any) -> Any:
        if room_id == min(rooms):
            raise RuntimeError("a room in a bad state")
        return leave(user_id, room_id, *arguments, **more)

    monkeypatch.setattr(joining, "leave", leave_or_fail)

    def run_job() -> bool:
        UserRow(user_id).delete()
        try:
            return withdrawal.leave_rooms(user_id, lambda: 300_000)
        finally:
            person.save()

    with pytest.raises(withdrawal.UnfinishedError):
        run_job()
    assert [room["room_id"] for room in client.ask("session.hello")["rooms"]] == [min(rooms)]
    # Lambda tries again.
    monkeypatch.undo()
    assert run_job()
    assert client.ask("session.hello")["rooms"] == []
