"""Being quiet about a room: for one person, on all their devices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person

pytestmark = pytest.mark.localstack


def as_told(client: ChatClient, room_id: str) -> list[bool]:
    """Whether a room is muted, by all that tell of it."""
    (room,) = client.ask("session.hello")["rooms"]
    (listed,) = client.ask("room.list", room_ids=[room_id])["rooms"]
    entered = client.ask("room.enter", room_id=room_id)["room"]
    position: Frame = {"room_id": room_id, "after": room["last_seq"], "epoch": room["epoch"]}
    (synced,) = client.ask("room.sync", rooms=[position])["rooms"]
    return [each.get("muted", False) for each in (room, listed, entered, synced)]


def test_a_room_is_muted_for_one_person_on_all_their_devices(site: Site) -> None:
    host, guest_browser = new_person(site).chat(), new_person(site)
    guest, phone = guest_browser.chat(), guest_browser.chat()
    room_id = room_of(host, guest)
    assert as_told(phone, room_id) == [False] * 4
    for on in (True, False):
        command: Frame = {"room_id": room_id} if on else {"room_id": room_id, "on": False}
        for _ in range(2):  # repeating it does no harm
            reply = guest.ask("room.mute", **command)
            assert reply.keys() == {"type", "ref"}
        told = {"type": "room.muted", "room_id": room_id, "muted": on}
        assert phone.wait_for("room.muted") == told
        assert as_told(guest, room_id) == as_told(phone, room_id) == [on] * 4
    assert as_told(host, room_id) == [False] * 4
    # Commands are answered after what came before was posted, so nothing is under way.
    for client in (host, guest, phone):
        client.ask("room.sync", rooms=[])
        assert "room.muted" not in [event["type"] for event in client.events]


@pytest.mark.stack_only
def test_what_is_said_in_a_muted_room_is_told_and_counted_all_the_same(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    guest.ask("room.mute", room_id=room_id)
    said = say(host, room_id, "조용히")
    assert guest.wait_for_entry(seq=said["seq"]) == said
    (room,) = guest.ask("session.hello")["rooms"]
    assert (room["unread"], room["muted"]) == (1, True)
    # Reading and saying something leave it as it is.
    guest.ask("room.read", room_id=room_id, seq=said["seq"])
    say(guest, room_id, "네")
    assert as_told(guest, room_id) == [True] * 4


@pytest.mark.stack_only
def test_who_comes_back_hears_the_room_again(site: Site) -> None:
    host, browser = new_person(site).chat(), new_person(site)
    guest, phone = browser.chat(), browser.chat()
    room_id = room_of(host, guest)
    guest.ask("room.mute", room_id=room_id)
    guest.ask("room.leave", room_id=room_id)
    guest.ask("room.enter", room_id=room_id)
    joined = phone.wait_for("room.joined", lambda event: event["room"]["last_seq"] > 2)
    assert "muted" not in joined["room"]
    assert as_told(guest, room_id) == [False] * 4


@pytest.mark.stack_only
@pytest.mark.alike
@pytest.mark.parametrize("on", [True, False])
def test_only_members_can(site: Site, on: bool) -> None:
    host, guest, stranger = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, guest)
    guest.ask("room.leave", room_id=room_id)
    for who in (guest, stranger):
        assert refused(who, "room.mute", room_id=room_id, on=on) == "not_member"
        assert who.ask("session.hello")["rooms"] == []


@pytest.mark.parametrize("on", [True, False])
def test_muting_while_another_tab_leaves_brings_nothing_back(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, on: bool
) -> None:
    from chalicelib import members
    from chalicelib.tables import MemberRow

    one, two = guest.chat(), guest.chat()
    room_id = room_of(host, one)
    before(monkeypatch, members, "mute", lambda: two.ask("room.leave", room_id=room_id))
    assert refused(one, "room.mute", room_id=room_id, on=on) == "not_member"
    assert MemberRow.count(one.ask("session.hello")["me"]["user_id"], consistent_read=True) == 0


def test_a_member_who_is_leaving_mutes_nothing(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    """The leaving may have been cut off."""
    from chalicelib.clock import now_ms
    from chalicelib.tables import MemberRow

    client = guest.chat()
    room_id = room_of(host, client)
    row = MemberRow(client.ask("session.hello")["me"]["user_id"], room_id)
    row.update([MemberRow.leaving.set(now_ms())])
    assert refused(client, "room.mute", room_id=room_id) == "not_member"
    row.refresh(consistent_read=True)
    assert row.muted is None


def test_a_frame_that_comes_again_late_undoes_nothing(
    host: ChatClient, at: Callable[[int], None]
) -> None:
    room_id = open_room(host)
    for after, on, is_muted in ((0, True, True), (5, False, False), (0, True, False)):
        at(after)
        host.ask("room.mute", room_id=room_id, on=on)
        assert as_told(host, room_id) == [is_muted] * 4


def test_a_room_of_ones_own_can_be_muted(host: ChatClient) -> None:
    room_id = open_room(host)
    host.ask("room.mute", room_id=room_id)
    assert as_told(host, room_id) == [True] * 4
