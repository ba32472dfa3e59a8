"""Who gets into a room: private ones, those with a passcode, and full ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room
from tests.integration.test_invites import enter, invite, listed, peek, used
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_moderation import done, last, manage
from tests.integration.test_races import before
from tests.integration.test_renaming import room_at
from tests.integration.test_sending import kinds, log_of
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person, unique

pytestmark = pytest.mark.localstack


def close_to_others(host: ChatClient, room_id: str, access: str, **fields: Any) -> None:
    done(host, "room.set_access", room_id, access=access, **fields)


def outcome(client: ChatClient, room_id: str, **fields: Any) -> str:
    """How an attempt to enter ends."""
    try:
        client.ask("room.enter", room_id=room_id, **fields)
    except CommandRefusedError as error:
        return error.code
    return "in"


# --- Private rooms ----------------------------------------------------------------------------


def test_a_private_room_is_found_and_entered_by_nobody_uninvited(site: Site) -> None:
    host, member, stranger = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, member)
    name = room_at(host, room_id)["name"]
    for _ in range(2):  # repeating it does no harm
        close_to_others(host, room_id, "private")
    assert last(host, room_id) == {
        "user_id": my_id(host),
        "kind": "access_changed",
        "text": "private",
    }
    assert kinds(log_of(host, room_id)).count("access_changed") == 1
    assert room_at(member, room_id)["access"] == "private"
    assert refused(stranger, "room.open", name=name) == "room_name_taken"
    assert refused(stranger, "room.enter", room_id=room_id) == "invite_needed"
    # Who is in finds it, and goes in and out of its page.
    assert member.ask("room.open", name=name)["room"]["access"] == "private"
    assert "joined" not in member.ask("room.enter", room_id=room_id)
    _, token = invite(host, room_id)
    assert enter(stranger, room_id, token)["joined"]
    # Who leaves is a stranger again.
    member.ask("room.leave", room_id=room_id)
    assert refused(member, "room.enter", room_id=room_id) == "invite_needed"
    close_to_others(host, room_id, "open")
    assert member.ask("room.enter", room_id=room_id)["joined"]
    assert "access" not in room_at(member, room_id)


@pytest.mark.stack_only
def test_into_a_private_room_its_host_and_managers_invite(site: Site) -> None:
    host, helper, member, guest, other = (new_person(site).chat() for _ in range(5))
    room_id = room_of(host, helper, member)
    manage(host, room_id, helper)
    own_id, own = invite(member, room_id)
    close_to_others(host, room_id, "private")
    assert refused(member, "invite.create", room_id=room_id) == "not_allowed"
    # What a member made before is worth nothing now, and not listed as if it were.
    assert refused(guest, "room.enter", room_id=room_id, invite=own) == "invite_not_found"
    assert peek(site, room_id, own).status == 404
    assert listed(host, room_id) == listed(member, room_id) == []
    _, token = invite(helper, room_id)
    assert peek(site, room_id, token).status == 200
    assert enter(guest, room_id, token)["joined"]
    # A manager's links are worth as much as the manager.
    manage(host, room_id, helper, "member")
    assert refused(other, "room.enter", room_id=room_id, invite=token) == "invite_not_found"
    close_to_others(host, room_id, "open")
    assert used(host, room_id, own_id) == 0
    assert enter(other, room_id, own)["joined"]


def test_a_room_is_private_from_the_beginning(site: Site) -> None:
    host, stranger = new_person(site).chat(), new_person(site).chat()
    name = unique("비공개")
    made = host.ask("room.open", name=name, access="private")
    assert made["created"]
    room_id = made["room"]["room_id"]
    assert (made["room"]["access"], room_at(host, room_id)["access"]) == ("private", "private")
    assert refused(stranger, "room.enter", room_id=room_id) == "invite_needed"
    # A repeat finds it; who wants a private room of one's own does not get into that of others.
    again = host.ask("room.open", name=name, access="private")
    assert again["room"]["room_id"] == room_id
    public = unique("공개")
    open_room(host, public)
    for access, fields in (("private", {}), ("passcode", {"passcode": "1234"})):
        wanted = {"name": public, "access": access, **fields}
        assert refused(stranger, "room.open", **wanted) == "room_name_taken"


def test_the_directory_has_no_private_room_and_says_which_ask_for_a_passcode(site: Site) -> None:
    host, stranger = new_person(site).chat(), new_person(site).chat()
    name = unique("숨은방")
    room_id = host.ask("room.open", name=name, access="private")["room"]["room_id"]

    def found() -> list[tuple[str, str, int]]:
        page = stranger.ask("directory.search", text=name)["rooms"]
        return [
            (room["room_id"], room.get("access", "open"), room.get("capacity", 0)) for room in page
        ]

    assert found() == []
    close_to_others(host, room_id, "passcode", passcode="1234")
    done(host, "room.set_capacity", room_id, capacity=9)
    assert found() == [(room_id, "passcode", 9)]
    close_to_others(host, room_id, "open")
    assert found() == [(room_id, "open", 9)]
    close_to_others(host, room_id, "private")
    assert found() == []
    # Not by another name either.
    host.ask("room.rename", room_id=room_id, name=(name := unique("새이름")))
    assert found() == []


# --- Passcodes --------------------------------------------------------------------------------


def test_a_room_asks_for_its_passcode(site: Site) -> None:
    host, guest, friend = (new_person(site).chat() for _ in range(3))
    name = unique("암호")
    made = host.ask("room.open", name=name, access="passcode", passcode="서브-1234")
    room_id = made["room"]["room_id"]
    found = guest.ask("room.open", name=name)["room"]
    assert (found["access"], found["is_member"]) == ("passcode", False)
    assert outcome(guest, room_id) == "passcode_needed"
    assert outcome(guest, room_id, passcode="서브-1235") == "passcode_wrong"
    assert outcome(guest, room_id, passcode="서브") == "invalid_field"
    assert guest.ask("session.hello")["rooms"] == []
    # However it was typed.
    assert outcome(guest, room_id, passcode=" 서브-1234 ") == "in"
    assert outcome(guest, room_id) == "in"
    # Who is invited need not know it; nobody is told it.
    _, token = invite(host, room_id)
    assert enter(friend, room_id, token)["joined"]
    assert refused(friend, "invite.create", room_id=room_id) == "not_allowed"
    assert "passcode" not in {*room_at(guest, room_id), *room_at(host, room_id)}
    assert "1234" not in str(log_of(guest, room_id))


@pytest.mark.stack_only
def test_a_passcode_is_changed_and_taken_away(site: Site) -> None:
    host, one, two = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    for passcode in ("1234", "1234", "5678"):
        close_to_others(host, room_id, "passcode", passcode=passcode)
    assert kinds(log_of(host, room_id)) == ["created", "access_changed", "access_changed"]
    assert outcome(one, room_id, passcode="1234") == "passcode_wrong"
    assert outcome(one, room_id, passcode="5678") == "in"
    close_to_others(host, room_id, "open")
    assert outcome(two, room_id) == "in"


@pytest.mark.stack_only
def test_one_has_so_many_tries_at_a_room_in_a_while(
    host: ChatClient, guest: Browser, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the test takes.
    monkeypatch.setattr(limits, "PASSCODE_WINDOW_MS", 10**12)
    room_id, other_id = open_room(host), open_room(host)
    for each in (room_id, other_id):
        close_to_others(host, each, "passcode", passcode="1234")
    client, other = guest.chat(), new_person(handlers).chat()
    for _ in range(limits.PASSCODE_TRIES):
        assert outcome(client, room_id, passcode="0000") == "passcode_wrong"
    with pytest.raises(CommandRefusedError) as refusal:  # even the right one, on any device
        guest.chat().ask("room.enter", room_id=room_id, passcode="1234")
    assert refusal.value.code == "too_fast"
    assert 0 < refusal.value.frame["retry_after_ms"] <= limits.PASSCODE_WINDOW_MS
    # That is their business at this room.
    assert outcome(client, other_id, passcode="1234") == "in"
    assert outcome(other, room_id, passcode="1234") == "in"
    _, token = invite(host, room_id)
    assert outcome(client, room_id, invite=token) == "in"


@pytest.mark.stack_only
def test_a_try_is_given_again_when_the_oldest_is_long_ago(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    """In no time of that length there are more: not on both sides of an edge, either."""
    from chalicelib import passcodes
    from chalicelib.clock import now_ms
    from chalicelib.errors import TooFastError
    from chalicelib.tables import PasscodeTriesRow

    room_id, user_id = open_room(host), my_id(guest.chat())
    window = limits.PASSCODE_WINDOW_MS
    edge = now_ms() // window * window

    def tries_at(*times: int) -> None:
        for at in times:
            passcodes._take_try(user_id, room_id, edge + at)

    def waits_at(at: int) -> int:
        with pytest.raises(TooFastError) as refusal:
            tries_at(at)
        return refusal.value.retry_after_ms

    tries_at(-50, -40, -3, -2, -1)
    assert waits_at(0) == window - 50
    assert waits_at(window - 51) == 1
    tries_at(window - 50)
    assert waits_at(window - 49) == 9
    tries_at(window - 40, window - 3, window - 2, window - 1)
    assert waits_at(window) == window - 50
    (row,) = PasscodeTriesRow.query(room_id, PasscodeTriesRow.invite_id.startswith("tries#"))
    assert (row.tried_0, row.tried_4) == (edge + window - 1, edge + window - 50)
    # They do not count as links.
    assert listed(host, room_id) == []


def test_who_asks_many_lambdas_at_once_has_no_more_tries(site: Site) -> None:
    host, guesser = new_person(site).chat(), new_person(site)
    room_id = open_room(host)
    close_to_others(host, room_id, "passcode", passcode="1234")
    devices = [guesser.chat() for _ in range(limits.PASSCODE_TRIES + 4)]
    with ThreadPoolExecutor(len(devices)) as threads:
        outcomes = list(threads.map(lambda each: outcome(each, room_id, passcode="0000"), devices))
    assert set(outcomes) == {"passcode_wrong", "too_fast"}
    assert outcomes.count("passcode_wrong") == limits.PASSCODE_TRIES


# --- How many ---------------------------------------------------------------------------------


def test_a_full_room_lets_nobody_in_until_somebody_leaves(site: Site) -> None:
    host, one, two = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, one)
    invite_id, token = invite(host, room_id, uses=10)
    for _ in range(2):
        done(host, "room.set_capacity", room_id, capacity=2)
    assert last(host, room_id) == {
        "user_id": my_id(host),
        "kind": "capacity_changed",
        "text": "2",
    }
    assert room_at(one, room_id)["capacity"] == 2
    assert outcome(two, room_id) == outcome(two, room_id, invite=token) == "room_full"
    assert used(host, room_id, invite_id) == 0
    assert outcome(one, room_id) == "in"
    one.ask("room.leave", room_id=room_id)
    assert outcome(two, room_id) == "in"
    assert outcome(one, room_id) == "room_full"
    done(host, "room.set_capacity", room_id, capacity=0)
    assert "capacity" not in room_at(host, room_id)
    assert outcome(one, room_id) == "in"
    assert kinds(log_of(host, room_id)).count("capacity_changed") == 2


@pytest.mark.stack_only
def test_who_is_in_stays_when_a_room_becomes_smaller(site: Site) -> None:
    host, one, two, late = (new_person(site).chat() for _ in range(4))
    room_id = room_of(host, one, two)
    done(host, "room.set_capacity", room_id, capacity=2)
    assert room_at(host, room_id)["member_count"] == 3
    assert outcome(two, room_id) == "in"
    two.ask("room.leave", room_id=room_id)
    assert outcome(late, room_id) == "room_full"
    one.ask("room.leave", room_id=room_id)
    assert outcome(late, room_id) == "in"


def test_the_last_place_is_taken_by_one_of_many(site: Site) -> None:
    host = new_person(site).chat()
    room_id = open_room(host)
    done(host, "room.set_capacity", room_id, capacity=2)
    guests = [new_person(site).chat() for _ in range(4)]
    with ThreadPoolExecutor(len(guests)) as threads:
        outcomes = sorted(threads.map(lambda each: outcome(each, room_id), guests))
    assert outcomes == ["in", *["room_full"] * 3]
    assert room_at(host, room_id)["member_count"] == 2
    assert len(host.ask("room.members", room_id=room_id)["members"]) == 2
    assert kinds(log_of(host, room_id)).count("joined") == 1


# --- What changes while somebody comes --------------------------------------------------------


@pytest.mark.stack_only
@pytest.mark.parametrize(
    ("command", "fields", "code"),
    [
        ("room.set_access", {"access": "private"}, "invite_needed"),
        ("room.set_access", {"access": "passcode", "passcode": "1234"}, "passcode_needed"),
        ("room.set_capacity", {"capacity": 2}, "room_full"),
        ("room.lock", {}, "room_locked"),
    ],
)
def test_what_a_room_asks_for_in_the_last_moment_is_asked_for(
    host: ChatClient,
    guest: Browser,
    handlers: HandlerSite,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    fields: dict[str, Any],
    code: str,
) -> None:
    from chalicelib import joining

    room_id = room_of(host, new_person(handlers).chat())
    client = guest.chat()
    before(monkeypatch, joining, "announce", lambda: done(host, command, room_id, **fields))
    assert outcome(client, room_id) == code
    assert client.ask("session.hello")["rooms"] == []
    assert room_at(host, room_id)["member_count"] == 2
    assert kinds(log_of(host, room_id)).count("joined") == 1


@pytest.mark.stack_only
def test_a_passcode_that_is_changed_in_the_last_moment_is_asked_for(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    close_to_others(host, room_id, "passcode", passcode="1234")
    client = guest.chat()
    before(
        monkeypatch,
        joining,
        "announce",
        lambda: close_to_others(host, room_id, "passcode", passcode="5678"),
    )
    assert outcome(client, room_id, passcode="1234") == "passcode_wrong"
    assert outcome(client, room_id, passcode="5678") == "in"


@pytest.mark.stack_only
def test_who_is_invited_gets_in_though_the_room_is_closed_to_others_meanwhile(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    _, token = invite(host, room_id, uses=1)
    before(monkeypatch, joining, "announce", lambda: close_to_others(host, room_id, "private"))
    assert outcome(guest.chat(), room_id, invite=token) == "in"
    assert kinds(log_of(host, room_id)) == ["created", "access_changed", "joined"]


@pytest.mark.stack_only
def test_who_was_counted_and_died_takes_no_place_of_a_room_that_is_full_since(
    host: ChatClient, guest: Browser, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    client, other = guest.chat(), new_person(handlers).chat()

    async def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("the Lambda has died")

    with monkeypatch.context() as dying:
        dying.setattr(LogSteps, "store", die)
        assert outcome(client, room_id) == "internal"
    assert room_at(host, room_id)["member_count"] == 2
    assert outcome(other, room_id) == "in"
    done(host, "room.set_capacity", room_id, capacity=2)
    monkeypatch.setattr(joining, "UNFINISHED_AFTER_MS", -1)
    # Counted by a Lambda that died, not heard of since: the place goes to who is there.
    assert outcome(client, room_id) == "room_full"
    assert room_at(host, room_id)["member_count"] == 2
    other.ask("room.leave", room_id=room_id)
    assert outcome(client, room_id) == "in"
    assert room_at(host, room_id)["member_count"] == 2


@pytest.mark.stack_only
def test_the_banned_hear_that_they_are_whatever_a_room_asks_for(
    host: ChatClient, guest: Browser
) -> None:
    room_id = open_room(host)
    client = guest.chat()
    done(host, "room.kick", room_id, user_id=my_id(client), ban=True)
    for access, fields in (("private", {}), ("passcode", {"passcode": "1234"})):
        close_to_others(host, room_id, access, **fields)
        assert outcome(client, room_id, **fields) == "banned"
    done(host, "room.set_capacity", room_id, capacity=2)
    assert outcome(client, room_id) == "banned"


@pytest.mark.stack_only
def test_a_room_for_two_has_neither_passcode_nor_places(host: ChatClient) -> None:
    from chalicelib import listing
    from chalicelib.tables import PAIR, RoomRow

    room_id = open_room(host)
    RoomRow(room_id).update([RoomRow.kind.set(PAIR), RoomRow.host_id.set("-"), *listing.unlist()])
    for command, fields in (
        ("room.set_access", {"access": "private"}),
        ("room.set_capacity", {"capacity": 5}),
    ):
        assert refused(host, command, room_id=room_id, **fields) == "not_host"
