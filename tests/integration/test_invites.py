"""Links that let people into a room: who makes them, what they are worth, and for how many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_moderation import done, manage
from tests.integration.test_races import before
from tests.integration.test_renaming import room_at
from tests.integration.test_sending import kinds, log_of
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Answer, Browser, Site, new_person

pytestmark = pytest.mark.localstack


def invite(client: ChatClient, room_id: str, **fields: Any) -> tuple[str, str]:
    """A link that somebody makes: its id and its secret."""
    reply = client.ask("invite.create", room_id=room_id, **fields)
    return reply["invite"]["invite_id"], reply["token"]


def enter(client: ChatClient, room_id: str, token: str) -> Frame:
    return client.ask("room.enter", room_id=room_id, invite=token)


def listed(client: ChatClient, room_id: str) -> list[Frame]:
    found: list[Frame] = client.ask("invite.list", room_id=room_id)["invites"]
    return found


def used(client: ChatClient, room_id: str, invite_id: str) -> int:
    (row,) = [each for each in listed(client, room_id) if each["invite_id"] == invite_id]
    count: int = row.get("used", 0)
    return count


def peek(site: Site, room_id: str, token: str) -> Answer:
    """What a link leads to, for somebody who is not signed in."""
    query = urlencode({"room_id": room_id, "token": token})
    return Browser(site).get(f"/api/invitation?{query}")


# --- Making and using -------------------------------------------------------------------------


def test_a_link_lets_people_in_and_counts_them(site: Site) -> None:
    host, guest, other = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    reply = host.ask("invite.create", room_id=room_id)
    made, token = reply["invite"], reply["token"]
    assert made["user_id"] == my_id(host)
    lasts = made["expires_at"] - made["at"]
    assert abs(lasts - limits.INVITE_SECONDS_DEFAULT * 1000) <= 1000
    assert len(token) >= 40  # of 6 bits each
    for count, client in ((1, guest), (2, other)):
        joined = enter(client, room_id, token)
        assert joined["joined"]
        assert used(host, room_id, made["invite_id"]) == count
    # Who is in enters as always: nothing is counted, and a wrong link is no obstacle.
    for again in (token, "x" * 43):
        assert "joined" not in enter(guest, room_id, again)
    assert used(host, room_id, made["invite_id"]) == 2
    assert kinds(log_of(host, room_id)) == ["created", "joined", "joined"]


def test_a_link_of_one_use_lets_in_one(site: Site) -> None:
    host, guest, late = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=1)
    assert used(host, room_id, invite_id) == 0
    assert enter(guest, room_id, token)["joined"]
    # It is not among the live ones any more, and says why.
    assert listed(host, room_id) == []
    assert refused(late, "room.enter", room_id=room_id, invite=token) == "invite_used_up"
    assert late.ask("session.hello")["rooms"] == []
    assert peek(site, room_id, token).json["code"] == "invite_used_up"
    assert room_at(host, room_id)["member_count"] == 2


@pytest.mark.stack_only
def test_a_link_of_ten_uses_lets_in_ten(host: ChatClient, handlers: HandlerSite) -> None:
    from chalicelib.tables import InviteRow

    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=10)
    InviteRow(room_id, invite_id).update([InviteRow.used.set(8)])
    for count in (9, 10):
        assert enter(new_person(handlers).chat(), room_id, token)["joined"]
        assert [each["used"] for each in listed(host, room_id)] == ([9] if count == 9 else [])
    late = new_person(handlers).chat()
    assert refused(late, "room.enter", room_id=room_id, invite=token) == "invite_used_up"


def test_the_last_use_is_taken_by_one_of_two(site: Site) -> None:
    host = new_person(site).chat()
    room_id = open_room(host)
    guests = [new_person(site).chat() for _ in range(4)]
    _, token = invite(host, room_id, uses=1)

    def attempt(client: ChatClient) -> str:
        try:
            enter(client, room_id, token)
        except CommandRefusedError as error:
            return error.code
        return "in"

    with ThreadPoolExecutor(len(guests)) as threads:
        outcomes = sorted(threads.map(attempt, guests))
    assert outcomes == ["in", *["invite_used_up"] * 3]
    assert room_at(host, room_id)["member_count"] == 2
    assert len(host.ask("room.members", room_id=room_id)["members"]) == 2


@pytest.mark.stack_only
def test_who_is_a_moment_late_for_the_last_use_is_told_so(
    host: ChatClient, guest: Browser, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import admission

    room_id = open_room(host)
    _, token = invite(host, room_id, uses=1)
    late, faster = guest.chat(), new_person(handlers).chat()
    before(monkeypatch, admission, "let_in", lambda: enter(faster, room_id, token))
    assert refused(late, "room.enter", room_id=room_id, invite=token) == "invite_used_up"
    assert late.ask("session.hello")["rooms"] == []
    assert room_at(host, room_id)["member_count"] == 2


@pytest.mark.stack_only
def test_two_tabs_of_one_person_use_a_link_once(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import admission

    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=10)
    one, two = guest.chat(), guest.chat()
    before(monkeypatch, admission, "let_in", lambda: enter(two, room_id, token))
    assert "joined" not in enter(one, room_id, token)
    assert used(host, room_id, invite_id) == 1
    assert kinds(log_of(host, room_id)) == ["created", "joined"]


# --- What a link is worth no more -------------------------------------------------------------


def test_a_revoked_link_lets_nobody_in(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    invite_id, token = invite(host, room_id)
    for _ in range(2):  # repeating it does no harm
        done(host, "invite.revoke", room_id, invite_id=invite_id)
    assert refused(guest, "room.enter", room_id=room_id, invite=token) == "invite_not_found"
    assert listed(host, room_id) == []
    assert peek(site, room_id, token).status == 404


@pytest.mark.stack_only
def test_a_link_that_has_expired_is_none_also_before_dynamodb_deletes_it(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    from chalicelib.clock import now_ms, seconds
    from chalicelib.tables import InviteRow

    room_id = open_room(host)
    invite_id, token = invite(host, room_id, seconds=3600)
    InviteRow(room_id, invite_id).update([InviteRow.expires_at.set(seconds(now_ms()))])
    client = guest.chat()
    assert refused(client, "room.enter", room_id=room_id, invite=token) == "invite_not_found"
    assert listed(host, room_id) == []
    assert peek(handlers, room_id, token).status == 404


def test_a_link_is_of_one_room_and_its_secret_is_whole(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id, other_id = open_room(host), open_room(host)
    invite_id, token = invite(host, room_id)
    for where, secret in (
        (other_id, token),
        (room_id, token[:-1]),
        (room_id, invite_id),  # what is stored is not what lets in
        (room_id, token.swapcase()),
    ):
        assert refused(guest, "room.enter", room_id=where, invite=secret) == "invite_not_found"
        assert peek(site, where, secret).json["code"] == "invite_not_found"


@pytest.mark.stack_only
def test_what_is_stored_of_a_link_does_not_let_in(host: ChatClient) -> None:
    from chalicelib.tables import InviteRow

    room_id = open_room(host)
    _, token = invite(host, room_id)
    (row,) = InviteRow.query(room_id)
    assert token not in str(row.to_simple_dict())


# --- Who may ----------------------------------------------------------------------------------


@pytest.mark.stack_only
def test_members_invite_and_see_and_revoke_their_own(site: Site) -> None:
    host, helper, guest, stranger = (new_person(site).chat() for _ in range(4))
    room_id = room_of(host, helper, guest)
    manage(host, room_id, helper)
    made = {who: invite(who, room_id)[0] for who in (host, helper, guest)}
    every = {made[guest], made[helper], made[host]}
    for who, seen in ((host, every), (helper, every), (guest, {made[guest]})):
        assert {each["invite_id"] for each in listed(who, room_id)} == seen
    names = host.ask("invite.list", room_id=room_id)["users"]
    assert names.keys() == {my_id(who) for who in (host, helper, guest)}
    assert refused(guest, "invite.revoke", room_id=room_id, invite_id=made[host]) == "not_allowed"
    done(helper, "invite.revoke", room_id, invite_id=made[guest])
    done(helper, "invite.revoke", room_id, invite_id=made[host])
    assert [each["invite_id"] for each in listed(host, room_id)] == [made[helper]]
    for command, fields in (
        ("invite.create", {}),
        ("invite.list", {}),
        ("invite.revoke", {"invite_id": made[helper]}),
    ):
        assert refused(stranger, command, room_id=room_id, **fields) == "not_member"


@pytest.mark.stack_only
def test_nobody_is_invited_into_a_room_for_two(host: ChatClient) -> None:
    from chalicelib import listing
    from chalicelib.tables import PAIR, RoomRow

    room_id = open_room(host)
    RoomRow(room_id).update([RoomRow.kind.set(PAIR), *listing.unlist()])
    assert refused(host, "invite.create", room_id=room_id) == "not_allowed"


@pytest.mark.alike
@pytest.mark.parametrize(("field", "value"), [("seconds", 5), ("uses", 2)])
def test_links_last_and_let_in_as_offered(host: ChatClient, field: str, value: int) -> None:
    room_id = open_room(host)
    with pytest.raises(CommandRefusedError) as refusal:
        host.ask("invite.create", room_id=room_id, **{field: value})
    assert (refusal.value.code, refusal.value.frame["field"]) == ("invalid_field", field)
    assert listed(host, room_id) == []


@pytest.mark.stack_only
def test_there_are_so_many_links_at_once(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INVITES_MAX", 3)
    monkeypatch.setattr(limits, "INVITES_PER_PERSON_MAX", 2)
    host, one, two = (new_person(handlers).chat() for _ in range(3))
    room_id = room_of(host, one, two)
    own = [invite(one, room_id)[0] for _ in range(2)]
    assert refused(one, "invite.create", room_id=room_id) == "too_many_invites"
    invite(two, room_id)
    assert refused(two, "invite.create", room_id=room_id) == "too_many_invites"
    # Members can't keep the host from inviting.
    assert invite(host, room_id)
    done(one, "invite.revoke", room_id, invite_id=own[0])
    done(host, "invite.revoke", room_id, invite_id=own[1])
    assert invite(one, room_id)


# --- What holds whatever a link says ----------------------------------------------------------


@pytest.mark.stack_only
def test_a_link_lets_in_neither_the_banned_nor_anybody_into_a_locked_room(site: Site) -> None:
    host, banned, guest = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=10)
    done(host, "room.kick", room_id, user_id=my_id(banned), ban=True)
    assert refused(banned, "room.enter", room_id=room_id, invite=token) == "banned"
    done(host, "room.lock", room_id)
    assert refused(guest, "room.enter", room_id=room_id, invite=token) == "room_locked"
    assert used(host, room_id, invite_id) == 0
    done(host, "room.lock", room_id, on=False)
    assert enter(guest, room_id, token)["joined"]
    assert used(host, room_id, invite_id) == 1


@pytest.mark.stack_only
def test_who_is_locked_out_in_the_last_moment_has_not_used_the_link(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=1)
    client = guest.chat()
    before(monkeypatch, joining, "announce", lambda: done(host, "room.lock", room_id))
    assert refused(client, "room.enter", room_id=room_id, invite=token) == "room_locked"
    assert used(host, room_id, invite_id) == 0
    done(host, "room.lock", room_id, on=False)
    assert enter(client, room_id, token)["joined"]
    assert listed(host, room_id) == []


@pytest.mark.stack_only
def test_a_revoked_link_does_not_keep_who_is_locked_out_in_the_room(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    invite_id, token = invite(host, room_id)
    client = guest.chat()

    def lock() -> None:
        done(host, "invite.revoke", room_id, invite_id=invite_id)
        done(host, "room.lock", room_id)

    before(monkeypatch, joining, "announce", lock)
    assert refused(client, "room.enter", room_id=room_id, invite=token) == "room_locked"
    assert client.ask("session.hello")["rooms"] == []


@pytest.mark.stack_only
def test_a_join_by_a_link_that_died_is_finished_and_counted_once(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id = open_room(host)
    invite_id, token = invite(host, room_id, uses=1)
    client = guest.chat()

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("the Lambda has died")

    with monkeypatch.context() as dying:
        dying.setattr(joining, "announce", die)
        assert refused(client, "room.enter", room_id=room_id, invite=token) == "internal"
    monkeypatch.setattr(joining, "UNFINISHED_AFTER_MS", -1)
    # The link is used up, by oneself.
    assert enter(client, room_id, token)["joined"]
    assert kinds(log_of(host, room_id)) == ["created", "joined"]
    assert listed(host, room_id) == []
    assert invite_id


@pytest.mark.stack_only
def test_erasing_a_room_forgets_its_links(handlers: HandlerSite) -> None:
    from chalicelib.tables import InviteRow

    host = new_person(handlers).chat()
    room_id = open_room(host)
    _, token = invite(host, room_id)
    host.ask("room.leave", room_id=room_id, close=True)
    handlers.management.finish_jobs()
    assert InviteRow.count(room_id, consistent_read=True) == 0
    assert peek(handlers, room_id, token).status == 404


# --- Before one signs in ----------------------------------------------------------------------


def test_whoever_has_a_link_sees_where_it_leads(site: Site) -> None:
    host = new_person(site).chat()
    room_id = open_room(host)
    _, token = invite(host, room_id)
    answer = peek(site, room_id, token)
    assert answer.status == 200
    assert answer.headers["cache-control"] == ["no-store"]
    assert answer.json == {"name": room_at(host, room_id)["name"], "member_count": 1}


@pytest.mark.alike
@pytest.mark.parametrize(
    "query",
    ["", "room_id=x", "room_id=&token=", "room_id=name%23x&token=x", "room_id=x&token=%0A"],
)
def test_what_is_no_link_is_not_found(site: Site, query: str) -> None:
    answer = Browser(site).get(f"/api/invitation?{query}")
    assert (answer.status, answer.json["code"]) == (404, "invite_not_found")
