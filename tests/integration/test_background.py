"""What takes somebody who withdrew out of rooms, where pushing is not plain.

Each is a path on which its Lambda needs rights that it needs on no other.
"""

from __future__ import annotations

import pytest

from chalicelib.protocol import EntryKind
from chalicelib.steps import run
from tests.integration.test_conversation import open_room, say
from tests.integration.test_holes import kinds, take_place
from tests.integration.test_leaving import my_id
from tests.integration.test_races import before
from tests.support import rights_used
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@pytest.fixture
def guest(handlers: HandlerSite) -> ChatClient:
    return new_person(handlers).chat()


def leave_all_rooms(handlers: HandlerSite, person: ChatClient) -> None:
    """Do what is done after somebody has withdrawn; here a device of theirs was overlooked."""
    from chalicelib import withdrawal
    from chalicelib.tables import UserRow

    row = UserRow.get(my_id(person))
    row.delete()
    with rights_used.played("background"):
        assert withdrawal.leave_rooms(row.user_id, lambda: 300_000)
    handlers.management.finish_jobs()
    row.save()  # to look at what they see


def let_a_holder_die(room_id: str, delivered: int) -> None:
    """What a Lambda does that dies while it pushes, when its lease has ended by now."""
    from chalicelib import clock
    from chalicelib.delivery import RoomSteps

    now = clock.now_ms()
    assert run(RoomSteps(room_id).acquire("dead", delivered, now - 2, now - 1)) is not None


def test_who_is_still_connected_hears_no_more_of_the_rooms(
    handlers: HandlerSite, host: ChatClient, guest: ChatClient
) -> None:
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    leave_all_rooms(handlers, guest)
    assert guest.wait_for("room.left")["room_id"] == room_id
    assert host.wait_for_entry(kind="left")["user_id"] == my_id(guest)
    say(host, room_id, "이제 혼자")
    handlers.management.finish_jobs()
    assert "이제 혼자" not in [entry.get("text") for entry in guest.entries]


@pytest.mark.parametrize("has_workers", [True, False])
def test_what_a_dead_holder_left_is_pushed_with_the_notice(
    handlers: HandlerSite, host: ChatClient, guest: ChatClient, has_workers: bool
) -> None:
    """Changed chats are read as they are now, and a writer that died does not stop it."""
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    said = say(host, room_id, "고칠 말")
    host.ask("chat.edit", room_id=room_id, seq=said["seq"], text="고친 말")
    let_a_holder_die(room_id, said["seq"] - 1)
    take_place(room_id, EntryKind.LEFT)
    push = handlers.management.functions["push"]
    if not has_workers:
        del handlers.management.functions["push"]
    try:
        leave_all_rooms(handlers, guest)
    finally:
        handlers.management.functions["push"] = push
    left = host.wait_for_entry(kind="left", user_id=my_id(guest))
    page = host.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "joined", "chat", "changed", "void", "left"]
    assert page["entries"][-1]["seq"] == left["seq"]


def test_a_notice_whose_place_was_filled_takes_another(
    handlers: HandlerSite, host: ChatClient, guest: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    before(monkeypatch, LogSteps, "store", lambda: host.ask("chat.history", room_id=room_id))
    leave_all_rooms(handlers, guest)
    page = host.ask("chat.history", room_id=room_id)
    assert kinds(page) == ["created", "joined", "void", "left"]
