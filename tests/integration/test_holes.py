"""Writers that die between taking a place in the log and filling it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from unittest.mock import ANY

import pytest

from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Draft, Place, run
from tests.integration.test_conversation import open_room, say
from tests.integration.test_races import before
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@pytest.fixture
def client(handlers: HandlerSite) -> ChatClient:
    return new_person(handlers).chat()


def take_place(
    room_id: str,
    kind: EntryKind = EntryKind.CHAT,
    *,
    user_id: str = "somebody",
    text: str = "",
    cid: str = "",
) -> tuple[Draft, Place]:
    """What a writer does that dies right after it."""
    from chalicelib import clock
    from chalicelib.dynamodb_steps import LogSteps

    if kind is EntryKind.CHAT:
        text = text or "못다 한 말"  # chats have a text; so has what rooms show of them
    draft = Draft(user_id, clock.now_ms(), kind, text=text, cid=cid)
    room = run(LogSteps(room_id).take_place(draft))
    return draft, Place(room.last_seq, room.chats)


def store(room_id: str, draft: Draft, place: Place) -> Entry | None:
    """What a writer does with a place that it took."""
    from chalicelib.dynamodb_steps import LogSteps

    return run(LogSteps(room_id).store(draft, place))


def kinds(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [entry.get("kind", "chat") for entry in page["entries"]]


def test_a_hole_is_filled_by_who_reads_it(client: ChatClient) -> None:
    room_id = open_room(client)
    _, hole = take_place(room_id)
    say(client, room_id, "뒤에")
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "void", "chat"]
    assert page["entries"][1]["seq"] == hole.seq
    synced = client.ask("room.sync", rooms=[{"room_id": room_id, "after": 1}])["rooms"][0]
    assert kinds(synced) == ["void", "chat"]
    assert synced["complete"]


def test_a_hole_at_the_end_is_filled_too(client: ChatClient) -> None:
    room_id = open_room(client)
    take_place(room_id)
    assert kinds(client.ask("room.enter", room_id=room_id)) == ["created", "void"]


@pytest.mark.parametrize("kind", [EntryKind.CHAT, EntryKind.LEFT, EntryKind.CHANGED])
def test_holes_in_a_row_are_filled_at_once(client: ChatClient, kind: EntryKind) -> None:
    room_id = open_room(client)
    for _ in range(3):
        take_place(room_id, kind)
    say(client, room_id, "뒤에")
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "void", "void", "void", "chat"]
    assert client.ask("chat.history", room_id=room_id) == {**page, "ref": ANY}


def test_more_holes_than_a_transaction_has_parts_are_filled(client: ChatClient) -> None:
    from chalicelib import writing

    room_id = open_room(client)
    holes = writing.FILL_MAX + 3
    for _ in range(holes):
        take_place(room_id)
    say(client, room_id, "뒤에")
    page = client.ask("chat.history", room_id=room_id, limit=100)
    assert kinds(page) == ["created", *["void"] * holes, "chat"]


def test_a_late_writer_finds_its_place_filled(client: ChatClient) -> None:
    room_id = open_room(client)
    late, place = take_place(room_id, text="늦은 말", cid="cid-late-123")
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "void"]
    assert store(room_id, late, place) is None
    assert kinds(client.ask("chat.history", room_id=room_id)) == ["created", "void"]


def test_a_chat_whose_place_was_filled_takes_another(
    client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(client)
    read = partial(client.ask, "chat.history", room_id=room_id)
    before(monkeypatch, LogSteps, "store", read)
    said = say(client, room_id, "그래도 말해요")
    assert said["seq"] == 3
    page = read()
    assert kinds(page) == ["created", "void", "chat"]
    assert page["entries"][2] == said


def test_a_notice_whose_place_was_filled_takes_another(
    handlers: HandlerSite, client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(client)
    guest = new_person(handlers).chat()
    before(monkeypatch, LogSteps, "store", lambda: client.ask("chat.history", room_id=room_id))
    entered = guest.ask("room.enter", room_id=room_id)
    assert kinds(entered) == ["created", "void", "joined"]
    assert entered["room"]["member_count"] == 2  # counted once


def test_a_put_whose_answer_was_lost_is_not_written_twice(client: ChatClient) -> None:
    room_id = open_room(client)
    draft, place = take_place(room_id, text="한 번", cid="cid-lost-456")
    stored = store(room_id, draft, place)
    assert stored is not None
    assert store(room_id, draft, place) == stored  # as the client of DynamoDB repeats it
    for other in (
        replace(draft, cid="cid-lost-789"),
        replace(draft, user_id="another"),
        replace(draft, kind=EntryKind.LEFT),
    ):
        assert store(room_id, other, place) is None
    notice, place = take_place(room_id, EntryKind.LEFT)
    assert store(room_id, notice, place) is not None
    assert store(room_id, notice, place) is not None
    assert store(room_id, replace(notice, at=notice.at + 1), place) is None


def test_readers_wait_for_a_writer_that_is_only_slow(
    client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(client)
    draft, place = take_place(room_id, text="천천히", cid="cid-slow-12")
    # Read once without it, then it comes while the reader waits.
    before(monkeypatch, LogSteps, "wait", lambda: store(room_id, draft, place))
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "chat"]


def test_two_readers_fill_a_hole_once(
    handlers: HandlerSite, client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps
    from chalicelib.tables import RoomRow

    room_id = open_room(client)
    take_place(room_id)
    take_place(room_id, EntryKind.LEFT)
    read = partial(client.ask, "chat.history", room_id=room_id)
    before(monkeypatch, LogSteps, "fill", read)
    page = read()
    assert kinds(page) == ["created", "void", "void"]
    assert RoomRow.get(room_id, consistent_read=True).lost == [1]


def test_a_reader_is_overtaken_by_the_writer_it_took_for_dead(
    client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps
    from chalicelib.tables import RoomRow

    room_id = open_room(client)
    draft, place = take_place(room_id, text="살아 있어요", cid="cid-alive-1")
    before(monkeypatch, LogSteps, "fill", lambda: store(room_id, draft, place))
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "chat"]
    assert RoomRow.get(room_id, consistent_read=True).lost is None


def test_a_join_that_was_cut_off_is_announced_later_and_once(
    handlers: HandlerSite, client: ChatClient
) -> None:
    from chalicelib import joining
    from chalicelib.clock import now_ms
    from chalicelib.tables import MemberRow

    room_id = open_room(client)
    guest = new_person(handlers).chat()
    guest_id = guest.ask("session.hello")["me"]["user_id"]
    began = now_ms() - joining.UNFINISHED_AFTER_MS - 1
    member = MemberRow(guest_id, room_id, role="member", joined_at=began, read_seq=1)
    member.notice_cid, member.notice_since = "cid-joined-1", 1
    member.save()
    assert guest.ask("room.enter", room_id=room_id)["joined"]
    assert client.wait_for_entry(kind="joined")["user_id"] == guest_id
    again = guest.ask("room.enter", room_id=room_id)
    assert kinds(again) == ["created", "joined"]
    assert again["room"]["member_count"] == 2


def test_a_leave_that_was_cut_off_is_finished_by_the_next_hello(
    handlers: HandlerSite, client: ChatClient
) -> None:
    from chalicelib import joining
    from chalicelib.clock import now_ms
    from chalicelib.tables import MemberRow

    room_id = open_room(client)
    browser = new_person(handlers)
    guest = browser.chat()
    guest.ask("room.enter", room_id=room_id)
    guest_id = guest.ask("session.hello")["me"]["user_id"]
    began = now_ms() - joining.UNFINISHED_AFTER_MS - 1
    MemberRow(guest_id, room_id).update(
        [
            MemberRow.leaving.set(began),
            MemberRow.notice_cid.set("cid-left-1234"),
            MemberRow.notice_since.set(2),
        ]
    )
    assert browser.chat().ask("session.hello")["rooms"] == []
    assert client.wait_for_entry(kind="left")["user_id"] == guest_id
    page = client.ask("room.enter", room_id=room_id)
    assert kinds(page) == ["created", "joined", "left"]
    assert page["room"]["member_count"] == 1
