"""Who is there, and who is writing: known from live connections, kept nowhere."""

from __future__ import annotations

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person

pytestmark = pytest.mark.localstack


def signals(client: ChatClient) -> list[Frame]:
    """Who was told to be writing, up to now."""
    # Commands are answered after what came before was posted, so nothing is under way.
    client.ask("room.sync", rooms=[])
    return [event for event in client.events if event["type"] == "typing.signalled"]


class Clock:
    """The handlers' time, which goes on only when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from chalicelib import clock

        self.now = clock.now_ms()
        monkeypatch.setattr(clock, "now_ms", lambda: self.now)


# --- Who is there -------------------------------------------------------------------------


@pytest.mark.stack_only
def test_the_people_of_a_room_who_are_connected_are_told_once_each(site: Site) -> None:
    host, browser, away = new_person(site).chat(), new_person(site), new_person(site).chat()
    tabs = [browser.chat() for _ in range(3)]
    room_id = open_room(host)
    for client in (tabs[0], away):
        client.ask("room.enter", room_id=room_id)
    ids = sorted({my_id(client) for client in (host, tabs[0], away)})
    reply = host.ask("room.present", room_id=room_id)
    assert {**reply, "ref": ""} == {"type": "ok", "ref": "", "user_ids": ids, "count": 3}
    away_id = my_id(away)
    away.ask("room.leave", room_id=room_id)
    for tab in tabs[1:]:
        tab.close()
    still = host.ask("room.present", room_id=room_id)
    assert still["user_ids"] == [user_id for user_id in ids if user_id != away_id]
    assert still["count"] == 2


def test_who_goes_is_not_there_and_who_comes_back_is(host: ChatClient, guest: Browser) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    both = host.ask("room.present", room_id=room_id)["user_ids"]
    assert len(both) == 2
    client.close()
    assert host.ask("room.present", room_id=room_id)["user_ids"] == [my_id(host)]
    connected = guest.connect()
    assert host.ask("room.present", room_id=room_id)["count"] == 1  # no hello yet
    connected.ask("session.hello")
    assert host.ask("room.present", room_id=room_id)["user_ids"] == both


def test_of_very_many_only_the_first_are_named_but_all_are_counted(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.tables import SubscriptionRow

    room_id = open_room(host)
    people = [f"{number:022}" for number in range(limits.PRESENT_MAX + 7)]
    with SubscriptionRow.batch_write() as batch:
        for person in people:
            batch.save(SubscriptionRow(room_id, f"of-{person}", user_id=person, expires_at=1))
    reply = host.ask("room.present", room_id=room_id)
    assert reply["count"] == limits.PRESENT_MAX + 8
    assert reply["user_ids"] == sorted([*people, my_id(host)])[: limits.PRESENT_MAX]
    # With ids of the length that people have, and JSON around them.
    assert len(str(reply)) <= limits.FRAME_BYTES_MAX


def test_what_an_older_tab_enters_a_younger_one_hears_until_it_ends(handlers: HandlerSite) -> None:
    """And not only as long as the older one lives: DynamoDB deletes what has expired."""
    from chalicelib.tables import ConnectionRow, SubscriptionRow

    person = new_person(handlers)
    older = person.chat()
    (first,) = ConnectionRow.by_user.query(my_id(older))
    row = ConnectionRow.get(first.connection_id)
    row.update([ConnectionRow.expires_at.set(row.expires_at - 3600)])
    person.chat()
    room_id = open_room(older)
    heard_until = {each.connection_id: each.expires_at for each in SubscriptionRow.query(room_id)}
    assert len(heard_until) == 2
    for connection_id, until in heard_until.items():
        assert until >= ConnectionRow.get(connection_id).expires_at


# --- Who is writing -----------------------------------------------------------------------


def test_everybody_else_is_told_who_is_writing(site: Site) -> None:
    host, browser = new_person(site).chat(), new_person(site)
    here, other_tab = browser.chat(), browser.chat()
    room_id = open_room(host)
    here.ask("room.enter", room_id=room_id)
    assert {**here.ask("typing.signal", room_id=room_id), "ref": ""} == {"type": "ok", "ref": ""}
    told = {"type": "typing.signalled", "room_id": room_id, "user_id": my_id(here)}
    assert host.wait_for("typing.signalled") == told
    assert other_tab.wait_for("typing.signalled") == told
    assert signals(here) == []


@pytest.mark.stack_only
def test_signals_are_passed_on_at_most_so_often_per_connection_and_room(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Clock(monkeypatch)
    one, two = guest.chat(), guest.chat()
    rooms = [open_room(host) for _ in range(2)]
    for room_id in rooms:
        one.ask("room.enter", room_id=room_id)
    for _ in range(5):
        one.ask("typing.signal", room_id=rooms[0])
    assert [event["room_id"] for event in signals(host)] == [rooms[0]]
    # Another room and another connection have times of their own.
    one.ask("typing.signal", room_id=rooms[1])
    two.ask("typing.signal", room_id=rooms[0])
    assert [event["room_id"] for event in signals(host)] == [rooms[0], rooms[1], rooms[0]]
    time.now += limits.TYPING_INTERVAL_MS - 1
    one.ask("typing.signal", room_id=rooms[0])
    assert len(signals(host)) == 3
    time.now += 1
    one.ask("typing.signal", room_id=rooms[0])
    assert len(signals(host)) == 4


def test_not_in_a_large_room(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", 1)
    client.ask("typing.signal", room_id=room_id)
    assert signals(host) == []
    monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", 2)
    host.ask("typing.signal", room_id=room_id)
    assert len(signals(client)) == 1


@pytest.mark.alike
@pytest.mark.parametrize("command", ["typing.signal", "room.present"])
def test_strangers_and_who_left_neither_signal_nor_see(site: Site, command: str) -> None:
    host, guest, stranger = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    guest.ask("room.leave", room_id=room_id)
    for outsider in (guest, stranger):
        assert refused(outsider, command, room_id=room_id) == "not_member"
        assert refused(outsider, command, room_id="nowhere") == "not_member"
    assert signals(host) == []


def test_a_signal_that_can_not_be_posted_is_still_answered(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import sender

    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    monkeypatch.setattr(sender, "post", lambda *_: 1 / 0)
    assert client.ask("typing.signal", room_id=room_id)["type"] == "ok"


def test_who_is_gone_is_not_there_after_a_post_found_out(
    handlers: HandlerSite, host: ChatClient, guest: Browser
) -> None:
    """A connection that ended without API Gateway telling it."""
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    handlers.management.connections.pop(client.transport.connection_id)
    assert host.ask("room.present", room_id=room_id)["count"] == 2
    host.ask("typing.signal", room_id=room_id)
    assert host.ask("room.present", room_id=room_id)["user_ids"] == [my_id(host)]
    assert say(host, room_id, "혼자네요")["seq"] == 3


def test_only_so_many_signals_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that remembers them lives for hours."""
    from chalicelib import presence

    remembered = type(presence._signalled)()
    monkeypatch.setattr(presence, "_signalled", remembered)
    for number in range(presence._REMEMBERED_MAX + 50):
        assert presence.may_signal(f"connection-{number}", "room", 10_000)
    assert len(remembered) == presence._REMEMBERED_MAX
    assert not presence.may_signal(f"connection-{number}", "room", 10_001)
    assert presence.may_signal("connection-0", "room", 10_001)
