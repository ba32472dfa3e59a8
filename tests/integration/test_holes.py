"""Writers that die between taking a place in the log and filling it."""

from __future__ import annotations

import threading

import pytest

from tests.integration.test_conversation import open_room, say
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@pytest.fixture
def client(handlers: HandlerSite) -> ChatClient:
    return new_person(handlers).chat()


def take_place(room_id: str) -> int:
    """What a writer does that dies right after it."""
    from chalicelib.tables import RoomRow

    room = RoomRow(room_id)
    room.update([RoomRow.last_seq.add(1)])
    return room.last_seq


def kinds(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [entry.get("kind", "chat") for entry in page["entries"]]


def test_a_hole_is_filled_by_who_reads_it(client: ChatClient) -> None:
    room_id = open_room(client)
    hole = take_place(room_id)
    say(client, room_id, "뒤에")
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "void", "chat"]
    assert page["entries"][1]["seq"] == hole
    synced = client.ask("room.sync", rooms=[{"room_id": room_id, "after": 1}])["rooms"][0]
    assert kinds(synced) == ["void", "chat"]
    assert synced["complete"]


def test_a_hole_at_the_end_is_filled_too(client: ChatClient) -> None:
    room_id = open_room(client)
    take_place(room_id)
    assert kinds(client.ask("room.enter", room_id=room_id)) == ["created", "void"]


def test_a_late_writer_finds_its_place_filled_and_takes_another(client: ChatClient) -> None:
    from chalicelib import chats
    from chalicelib.protocol import Entry, EntryKind

    room_id = open_room(client)
    late = take_place(room_id)
    assert kinds(client.ask("chat.history", room_id=room_id)) == ["created", "void"]
    entry = Entry(seq=late, user_id="late", at=1, text="늦은 말", cid="cid-late-123")
    assert not chats._store(room_id, entry)
    # The whole write, with the place filled right after it was taken.
    take_seq = chats._take_seq
    filled: list[int] = []

    def take_and_be_overtaken(*arguments: object) -> object:
        room = take_seq(*arguments)  # type: ignore[arg-type]
        if not filled:
            filled.append(room.last_seq)
            chats._store(room_id, Entry(seq=room.last_seq, user_id="", at=0, kind=EntryKind.VOID))
        return room

    chats._take_seq = take_and_be_overtaken  # type: ignore[assignment]
    try:
        said = say(client, room_id, "그래도 말해요")
    finally:
        chats._take_seq = take_seq
    assert said["seq"] == filled[0] + 1
    page = client.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "void", "void", "chat"]


def test_a_put_whose_answer_was_lost_is_not_written_twice(client: ChatClient) -> None:
    from chalicelib import chats
    from chalicelib.protocol import Entry

    room_id = open_room(client)
    entry = Entry(seq=take_place(room_id), user_id="me", at=1, text="한 번", cid="cid-lost-456")
    assert chats._store(room_id, entry)
    assert chats._store(room_id, entry)  # as botocore repeats it
    other = Entry(seq=entry.seq, user_id="me", at=1, text="다른 말", cid="cid-lost-789")
    assert not chats._store(room_id, other)


def test_readers_wait_for_a_writer_that_is_only_slow(client: ChatClient) -> None:
    from chalicelib import chats
    from chalicelib.protocol import Entry

    room_id = open_room(client)
    entry = Entry(seq=take_place(room_id), user_id="slow", at=1, text="천천히", cid="cid-slow-12")
    query, asked = chats._query, threading.Event()

    def query_then_store(*arguments: object) -> object:
        found = query(*arguments)  # type: ignore[arg-type]
        if not asked.is_set():
            asked.set()
            assert chats._store(room_id, entry)
        return found

    chats._query = query_then_store  # type: ignore[assignment]
    try:
        page = client.ask("chat.history", room_id=room_id)
    finally:
        chats._query = query
    assert kinds(page) == ["created", "chat"]


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
