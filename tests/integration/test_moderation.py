"""What hosts and managers do: each command, who may, and what comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_renaming import room_at
from tests.integration.test_sending import kinds, log_of
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Site, new_person, unique

pytestmark = pytest.mark.localstack


def done(client: ChatClient, command: str, room_id: str, **fields: Any) -> None:
    """A command whose reply has nothing in it."""
    assert client.ask(command, room_id=room_id, **fields).keys() == {"type", "ref"}


def last(client: ChatClient, room_id: str) -> Frame:
    """The last entry of a room's log, without what differs from run to run."""
    entry = log_of(client, room_id)[-1]
    return {name: value for name, value in entry.items() if name not in ("at", "seq", "cid")}


def role_of(client: ChatClient, room_id: str, user_id: str) -> str:
    members = client.ask("room.members", room_id=room_id)["members"]
    (role,) = [each.get("role", "member") for each in members if each["user_id"] == user_id]
    found: str = role
    return found


def manage(host: ChatClient, room_id: str, who: ChatClient, role: str = "manager") -> None:
    done(host, "room.set_role", room_id, user_id=my_id(who), role=role)


# --- Roles ----------------------------------------------------------------------------------


def test_a_host_names_managers_and_takes_it_back(site: Site) -> None:
    host, helper = new_person(site).chat(), new_person(site).chat()
    room_id, helper_id = room_of(host, helper), my_id(helper)
    for role, listed in (("manager", [helper_id]), ("member", None)):
        for _ in range(2):  # repeating it does no harm
            manage(host, room_id, helper, role)
        told = helper.wait_for_entry(kind="role_changed", text=role)
        assert (told["user_id"], told["about"]) == (my_id(host), helper_id)
        for client in (host, helper):
            room = room_at(client, room_id)
            assert room.get("manager_ids") == listed
            assert room["rules_seq"] == told["seq"]
            assert role_of(client, room_id, helper_id) == role
    assert kinds(log_of(host, room_id)).count("role_changed") == 2


@pytest.mark.stack_only
def test_a_room_has_so_many_managers(handlers: HandlerSite) -> None:
    host = new_person(handlers).chat()
    helpers = [new_person(handlers).chat() for _ in range(limits.MANAGERS_MAX + 1)]
    room_id = room_of(host, *helpers)
    for helper in helpers[:-1]:
        manage(host, room_id, helper)
    more = {"room_id": room_id, "user_id": my_id(helpers[-1]), "role": "manager"}
    assert refused(host, "room.set_role", **more) == "too_many_managers"
    # One who leaves makes room, and is a member when they come back.
    helpers[0].ask("room.leave", room_id=room_id)
    done(host, "room.set_role", **more)
    helpers[0].ask("room.enter", room_id=room_id)
    assert role_of(host, room_id, my_id(helpers[0])) == "member"
    assert refused(helpers[0], "room.lock", room_id=room_id) == "not_allowed"


@pytest.mark.stack_only
def test_a_room_is_handed_over_without_leaving(site: Site) -> None:
    host, heir = new_person(site).chat(), new_person(site).chat()
    room_id, heir_id = room_of(host, heir), my_id(heir)
    manage(host, room_id, heir)
    for _ in range(2):
        done(host, "room.transfer", room_id, user_id=heir_id)
    assert heir.wait_for_entry(kind="host_changed")["user_id"] == heir_id
    room = room_at(host, room_id)
    assert (room["host_id"], room.get("manager_ids")) == (heir_id, None)
    assert [role_of(heir, room_id, my_id(each)) for each in (host, heir)] == ["member", "host"]
    assert refused(host, "room.rename", room_id=room_id, name="내 방") == "not_host"
    assert kinds(log_of(host, room_id)).count("host_changed") == 1
    done(heir, "room.transfer", room_id, user_id=my_id(host))
    assert room_at(host, room_id)["host_id"] == my_id(host)


# --- The room -------------------------------------------------------------------------------


def test_slow_mode_is_told_and_kept(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    for seconds in (30, 30, 0):
        done(host, "room.slow", room_id, seconds=seconds)
        assert room_at(guest, room_id).get("slow_ms", 0) == seconds * 1000
    told = [each["text"] for each in log_of(guest, room_id) if each.get("kind") == "slowed"]
    assert told == ["30", "0"]


@pytest.mark.alike
@pytest.mark.parametrize("seconds", [1, 7, 299])
def test_slow_mode_has_fixed_times(host: ChatClient, seconds: int) -> None:
    room_id = open_room(host)
    with pytest.raises(CommandRefusedError) as refusal:
        host.ask("room.slow", room_id=room_id, seconds=seconds)
    assert (refusal.value.code, refusal.value.frame["field"]) == ("invalid_field", "seconds")
    assert kinds(log_of(host, room_id)) == ["created"]


@pytest.mark.stack_only
def test_nobody_new_gets_into_a_locked_room(site: Site) -> None:
    host, guest, late = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, guest)
    name = room_at(host, room_id)["name"]
    for _ in range(2):
        done(host, "room.lock", room_id)
    assert room_at(guest, room_id)["locked"]
    assert refused(late, "room.enter", room_id=room_id) == "room_locked"
    # Who is in is in.
    assert "joined" not in guest.ask("room.enter", room_id=room_id)
    assert late.ask("room.open", name=name)["room"]["room_id"] == room_id
    done(host, "room.lock", room_id, on=False)
    assert late.ask("room.enter", room_id=room_id)["joined"]
    assert "locked" not in room_at(guest, room_id)
    assert [kind for kind in kinds(log_of(host, room_id)) if "lock" in kind] == [
        "locked",
        "unlocked",
    ]


@pytest.mark.stack_only
def test_a_chat_is_pinned_for_everybody(site: Site) -> None:
    host, guest = new_person(site, "방장").chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    seqs = [say(guest, room_id, text)["seq"] for text in ("규칙", "새 규칙")]
    for seq in (*seqs, seqs[-1]):
        done(host, "room.pin", room_id, seq=seq)
    assert guest.wait_for_entry(kind="pinned", reply_to=seqs[1])["user_id"] == my_id(host)
    found = guest.ask("session.hello")
    (room,) = found["rooms"]
    assert room["pinned"] == {"seq": seqs[1], "user_id": my_id(host)}
    assert found["users"][my_id(host)] == {"nickname": "방장"}
    done(host, "room.pin", room_id)
    assert "pinned" not in room_at(guest, room_id)
    log = kinds(log_of(guest, room_id))
    assert (log.count("pinned"), log.count("unpinned")) == (2, 1)


def test_only_chats_that_are_there_can_be_pinned(host: ChatClient) -> None:
    room_id = open_room(host)
    gone = say(host, room_id, "지울 말")["seq"]
    host.ask("chat.delete", room_id=room_id, seq=gone)
    for seq in (1, gone, gone + 1, 999):
        assert refused(host, "room.pin", room_id=room_id, seq=seq) == "chat_not_found"
    assert "pinned" not in room_at(host, room_id)


def test_a_chat_of_another_is_deleted_by_who_may(site: Site) -> None:
    host, helper, guest = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, helper, guest)
    manage(host, room_id, helper)
    said = {who: say(who, room_id, "지울 말")["seq"] for who in (host, helper, guest)}
    assert refused(guest, "chat.delete", room_id=room_id, seq=said[host]) == "not_author"
    assert refused(helper, "chat.delete", room_id=room_id, seq=said[host]) == "not_allowed"
    for client, seq in ((helper, said[guest]), (host, said[helper])):
        assert client.ask("chat.delete", room_id=room_id, seq=seq)["entry"]["changed"] == {
            "seq": seq,
            "user_id": my_id(guest if seq == said[guest] else helper),
            "at": log_of(host, room_id)[seq - 1]["at"],
            "cid": log_of(host, room_id)[seq - 1]["cid"],
            "version": 1,
            "deleted": True,
            "deleted_by": my_id(client),
        }
        # Once more, by whoever may: there is nothing left to do.
        assert host.ask("chat.delete", room_id=room_id, seq=seq).keys() == {"type", "ref"}
    # One's own chat says nothing of who deleted it.
    host.ask("chat.delete", room_id=room_id, seq=said[host])
    assert "deleted_by" not in log_of(guest, room_id)[said[host] - 1]
    assert (
        refused(host, "chat.edit", room_id=room_id, seq=said[guest], text="내 말") == "not_author"
    )


# --- People ---------------------------------------------------------------------------------


def test_who_is_kicked_is_out_at_once_and_may_come_back(site: Site) -> None:
    host, browser = new_person(site).chat(), new_person(site)
    phone, laptop = browser.chat(), browser.chat()
    room_id = room_of(host, phone)
    phone_id = my_id(phone)
    done(host, "room.kick", room_id, user_id=phone_id)
    told = {"type": "room.left", "room_id": room_id, "reason": "kicked"}
    for client in (phone, laptop):
        assert client.wait_for("room.left") == told
    entry = last(host, room_id)
    assert entry == {"user_id": my_id(host), "kind": "kicked", "about": phone_id}
    assert room_at(host, room_id)["member_count"] == 1
    assert phone.ask("session.hello")["rooms"] == []
    for command, fields in (
        ("chat.send", {"text": "아직", "cid": "cid-kicked-1"}),
        ("chat.history", {}),
        ("room.members", {}),
        ("typing.signal", {}),
    ):
        assert refused(phone, command, room_id=room_id, **fields) == "not_member"
    done(host, "room.kick", room_id, user_id=phone_id)  # nothing to do
    assert phone.ask("room.enter", room_id=room_id)["joined"]
    assert room_at(host, room_id)["member_count"] == 2
    assert kinds(log_of(host, room_id))[-2:] == ["kicked", "joined"]


def test_what_is_said_after_a_kick_does_not_reach_them(handlers: HandlerSite) -> None:
    host, browser = new_person(handlers).chat(), new_person(handlers)
    devices = [browser.chat() for _ in range(2)]
    room_id = room_of(host, devices[0])
    done(host, "room.kick", room_id, user_id=my_id(devices[0]))
    for device in devices:
        device.events.clear()
    say(host, room_id, "우리끼리")
    for device in devices:
        device.ask("room.sync", rooms=[])
        assert device.events == []


def test_who_is_banned_does_not_come_back_until_they_may(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site, "손님").chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    name = room_at(host, room_id)["name"]
    for _ in range(2):
        done(host, "room.kick", room_id, user_id=guest_id, ban=True)
    assert guest.wait_for("room.left")["reason"] == "banned"
    told = {"user_id": my_id(host), "kind": "kicked", "about": guest_id, "text": "banned"}
    assert last(host, room_id) == told
    assert guest.ask("room.open", name=name)["room"]["room_id"] == room_id
    assert refused(guest, "room.enter", room_id=room_id) == "banned"
    # Also of a locked room one hears that one is banned: it stays so when it is unlocked.
    done(host, "room.lock", room_id)
    assert refused(guest, "room.enter", room_id=room_id) == "banned"
    done(host, "room.lock", room_id, on=False)
    page = host.ask("room.bans", room_id=room_id)
    assert [(ban["user_id"], ban["by"]) for ban in page["bans"]] == [(guest_id, my_id(host))]
    assert page["users"][guest_id] == {"nickname": "손님"}
    assert "after" not in page
    for _ in range(2):
        done(host, "room.unban", room_id, user_id=guest_id)
    assert host.ask("room.bans", room_id=room_id)["bans"] == []
    assert guest.ask("room.enter", room_id=room_id)["joined"]
    log = kinds(log_of(host, room_id))
    assert (log.count("banned"), log.count("unbanned"), log.count("kicked")) == (0, 1, 1)


def test_who_has_left_can_be_banned_but_nobody_who_is_not(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    guest.ask("room.leave", room_id=room_id)
    done(host, "room.kick", room_id, user_id=guest_id, ban=True)
    assert last(host, room_id) == {"user_id": my_id(host), "kind": "banned", "about": guest_id}
    assert room_at(host, room_id)["member_count"] == 1
    assert refused(guest, "room.enter", room_id=room_id) == "banned"
    nobody = refused(host, "room.kick", room_id=room_id, user_id="nobody", ban=True)
    assert nobody == "member_not_found"


@pytest.mark.stack_only
def test_bans_come_in_pages(host: ChatClient) -> None:
    from chalicelib.tables import SanctionRow

    room_id = open_room(host)
    with SanctionRow.batch_write() as batch:
        for number in range(limits.BANS_PAGE_MAX + 5):
            batch.save(SanctionRow(room_id, f"b{number:03}", banned_by="x", banned_at=number + 1))
            batch.save(SanctionRow(room_id, f"s{number:03}", silenced_until=1, silenced_at=1))
    first = host.ask("room.bans", room_id=room_id)
    second = host.ask("room.bans", room_id=room_id, after=first["after"])
    assert [len(page["bans"]) for page in (first, second)] == [limits.BANS_PAGE_MAX, 5]
    assert "after" not in second
    assert [ban["user_id"] for ban in (*first["bans"], *second["bans"])] == [
        f"b{number:03}" for number in range(limits.BANS_PAGE_MAX + 5)
    ]


@pytest.mark.stack_only
def test_a_silence_outlasts_leaving(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    done(host, "room.silence", room_id, user_id=guest_id, seconds=600)
    entry = guest.wait_for_entry(kind="silenced")
    assert (entry["user_id"], entry["about"], entry["text"]) == (my_id(host), guest_id, "600")
    until = room_at(guest, room_id)["silenced_until"]
    assert until == entry["at"] + 600_000
    # Nobody else's business.
    assert "silenced_until" not in room_at(host, room_id)
    guest.ask("room.leave", room_id=room_id)
    assert guest.ask("room.enter", room_id=room_id)["room"]["silenced_until"] == until
    for _ in range(2):
        done(host, "room.silence", room_id, user_id=guest_id, seconds=0)
    assert "silenced_until" not in room_at(guest, room_id)
    guest.ask("room.leave", room_id=room_id)
    assert "silenced_until" not in guest.ask("room.enter", room_id=room_id)["room"]
    assert kinds(log_of(host, room_id)).count("silenced") == 2


def say_at_last(client: ChatClient, room_id: str, code: str) -> None:
    """Say something that was refused; a Lambda may remember for a moment that it was."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = client.send_raw(
            json.dumps(
                {
                    "type": "chat.send",
                    "ref": "again",
                    "room_id": room_id,
                    "text": "이제",
                    "cid": unique("cid-again-"),
                }
            ),
            "again",
        )
        if answer["type"] == "ok":
            return
        assert answer["code"] == code
    raise AssertionError("refused for too long")


def silenced_in(client: ChatClient, room_id: str) -> set[str]:
    """Who may say nothing, by the list of members."""
    members = client.ask("room.members", room_id=room_id)["members"]
    return {each["user_id"] for each in members if "silenced_until" in each}


def test_who_is_silenced_says_nothing_until_it_is_over(site: Site) -> None:
    host, helper, guest = (new_person(site).chat() for _ in range(3))
    room_id, helper_id = room_of(host, helper, guest), my_id(helper)
    manage(host, room_id, helper)
    for client in (helper, guest):
        done(host, "room.silence", room_id, user_id=my_id(client), seconds=600)
        with pytest.raises(CommandRefusedError) as refusal:
            say(client, room_id, "그래도")
        assert refusal.value.code == "silenced"
        assert 590_000 < refusal.value.frame["retry_after_ms"] <= 600_000
    assert silenced_in(guest, room_id) == {helper_id, my_id(guest)}
    done(host, "room.silence", room_id, user_id=helper_id, seconds=0)
    say_at_last(helper, room_id, "silenced")
    # Of the last, the index may not have heard yet.
    assert my_id(guest) in silenced_in(host, room_id)


@pytest.mark.stack_only
def test_members_wait_in_slow_mode_hosts_and_managers_do_not(site: Site) -> None:
    host, helper, guest = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, helper, guest)
    manage(host, room_id, helper)
    done(helper, "room.slow", room_id, seconds=300)
    for client in (host, helper, host, helper):
        say(client, room_id, "안 기다려요")
    say(guest, room_id, "하나")
    with pytest.raises(CommandRefusedError) as refusal:
        say(guest, room_id, "둘")
    assert refusal.value.code == "slow_mode"
    assert 0 < refusal.value.frame["retry_after_ms"] <= 300_000
    done(host, "room.slow", room_id, seconds=0)
    say_at_last(guest, room_id, "slow_mode")


def test_erasing_a_room_forgets_its_sanctions(handlers: HandlerSite) -> None:
    from chalicelib.tables import SanctionRow

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    done(host, "room.kick", room_id, user_id=my_id(guest), ban=True)
    host.ask("room.leave", room_id=room_id, close=True)
    handlers.management.finish_jobs()
    assert SanctionRow.count(room_id, consistent_read=True) == 0


# --- Who may --------------------------------------------------------------------------------

OK = "ok"
#: Each command, with whom it is done to, by who asks: host, manager, member, stranger.
MAY: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("set_role", "member"): (OK, "not_host", "not_host", "not_member"),
    ("set_role", "manager"): (OK, "not_host", "not_host", "not_member"),
    ("set_role", "host"): ("invalid_field", "not_host", "not_host", "not_member"),
    ("set_role", "absent"): ("member_not_found", "not_host", "not_host", "not_member"),
    ("transfer", "member"): (OK, "not_host", "not_host", "not_member"),
    ("transfer", "manager"): (OK, "not_host", "not_host", "not_member"),
    ("transfer", "absent"): ("member_not_found", "not_host", "not_host", "not_member"),
    ("kick", "member"): (OK, OK, "not_allowed", "not_member"),
    ("kick", "manager"): (OK, "not_allowed", "not_allowed", "not_member"),
    ("kick", "host"): ("invalid_field", "not_allowed", "not_allowed", "not_member"),
    ("kick", "absent"): (OK, OK, "not_allowed", "not_member"),
    ("ban", "member"): (OK, OK, "not_allowed", "not_member"),
    ("ban", "manager"): (OK, "not_allowed", "not_allowed", "not_member"),
    ("ban", "host"): ("invalid_field", "not_allowed", "not_allowed", "not_member"),
    ("ban", "absent"): (OK, OK, "not_allowed", "not_member"),
    ("unban", "absent"): (OK, OK, "not_allowed", "not_member"),
    ("silence", "member"): (OK, OK, "not_allowed", "not_member"),
    ("silence", "manager"): (OK, "not_allowed", "not_allowed", "not_member"),
    ("silence", "host"): ("invalid_field", "not_allowed", "not_allowed", "not_member"),
    ("silence", "absent"): ("member_not_found", "member_not_found", "not_allowed", "not_member"),
    ("delete", "member"): (OK, OK, "not_author", "not_member"),
    ("delete", "manager"): (OK, "not_allowed", "not_author", "not_member"),
    ("delete", "host"): (OK, "not_allowed", "not_author", "not_member"),
    ("slow", ""): (OK, OK, "not_allowed", "not_member"),
    ("lock", ""): (OK, OK, "not_allowed", "not_member"),
    ("pin", ""): (OK, OK, "not_allowed", "not_member"),
    ("unpin", ""): (OK, OK, "not_allowed", "not_member"),
    ("bans", ""): (OK, OK, "not_allowed", "not_member"),
    ("access", ""): (OK, "not_host", "not_host", "not_member"),
    ("capacity", ""): (OK, "not_host", "not_host", "not_member"),
    ("words", ""): (OK, OK, "not_allowed", "not_member"),
    ("list words", ""): (OK, OK, "not_allowed", "not_member"),
}
FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "set_role": ("room.set_role", {"role": "manager"}),
    "transfer": ("room.transfer", {}),
    "kick": ("room.kick", {}),
    "ban": ("room.kick", {"ban": True}),
    "unban": ("room.unban", {}),
    "silence": ("room.silence", {"seconds": 60}),
    "slow": ("room.slow", {"seconds": 5}),
    "lock": ("room.lock", {}),
    "pin": ("room.pin", {"seq": 0}),
    "delete": ("chat.delete", {"seq": 0}),
    "unpin": ("room.pin", {}),
    "bans": ("room.bans", {}),
    "access": ("room.set_access", {"access": "private"}),
    "capacity": ("room.set_capacity", {"capacity": 20}),
    "words": ("room.set_words", {"words": ["스포일러"]}),
    "list words": ("room.words", {}),
}


@dataclass(frozen=True)
class Cast:
    """People of each role in one room, and others."""

    people: dict[str, ChatClient]
    ids: dict[str, str]
    room_id: str

    def ask(self, who: str, command: str, **fields: Any) -> str:
        """What somebody is answered."""
        try:
            self.people[who].ask(command, room_id=self.room_id, **fields)
        except CommandRefusedError as refusal:
            return refusal.code
        return OK

    def in_their_places(self) -> None:
        """Undo what was done."""
        for heir in ("manager", "member"):
            if self.ask(heir, "room.transfer", user_id=self.ids["host"]) == OK:
                break
        self.ask("host", "room.lock", on=False)
        self.ask("host", "room.set_access", access="open")
        self.ask("host", "room.set_capacity", capacity=0)
        for name in ("manager", "member", "absent"):
            assert self.ask("host", "room.unban", user_id=self.ids[name]) == OK
        for name, role in (("manager", "manager"), ("member", "member")):
            assert self.ask(name, "room.enter") == OK
            assert self.ask("host", "room.set_role", user_id=self.ids[name], role=role) == OK
            assert self.ask("host", "room.silence", user_id=self.ids[name], seconds=0) == OK
        self.ask("host", "room.slow", seconds=0)


@pytest.fixture(scope="module")
def cast(site: Site) -> Cast:
    names = ("host", "manager", "second", "member", "other", "absent", "stranger")
    people = {name: new_person(site).chat() for name in names}
    ids = {name: my_id(client) for name, client in people.items()}
    room_id = room_of(*(people[name] for name in names[:5]))
    cast = Cast(people, ids, room_id)
    for name in ("manager", "second"):
        manage(people["host"], room_id, people[name])
    return cast


@pytest.mark.stack_only
@pytest.mark.parametrize(("what", "target"), MAY.keys(), ids=lambda each: each or "room")
def test_who_may_do_what_to_whom(cast: Cast, what: str, target: str) -> None:
    cast.in_their_places()
    target_of = {"user_id": cast.ids[target]} if target and what != "delete" else {}
    said = say(cast.people[target or "member"], cast.room_id, "말") if target != "absent" else {}

    def asked(who: str) -> str:
        command, fields = FIELDS[what]
        fields = {name: said["seq"] if name == "seq" else fields[name] for name in fields}
        return cast.ask(who, command, **fields, **target_of)

    by_host, by_manager, by_member, by_stranger = MAY[what, target]
    before = log_of(cast.people["host"], cast.room_id)
    # None of them is whom it is done to: nobody does any of this to themselves.
    assert asked("stranger") == by_stranger
    assert asked("other") == by_member
    if by_manager != OK:
        assert asked("second") == by_manager
        if by_host != OK:
            assert asked("host") == by_host
        assert log_of(cast.people["host"], cast.room_id) == before
    else:
        assert asked("second") == OK
    if by_host == OK:
        assert asked("host") == OK


@pytest.mark.stack_only
@pytest.mark.parametrize("state", ["kicked", "banned"])
def test_who_is_out_does_nothing_any_more(site: Site, state: str) -> None:
    host, helper, guest = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, helper, guest)
    manage(host, room_id, helper)
    done(host, "room.kick", room_id, user_id=my_id(helper), ban=state == "banned")
    for what, (command, fields) in FIELDS.items():
        sent: dict[str, Any] = {"seq": 1} if "seq" in fields else {}
        if any(target for each, target in MAY if each == what and what != "delete"):
            sent["user_id"] = my_id(guest)
        assert refused(helper, command, room_id=room_id, **{**fields, **sent}) == "not_member", what
    assert room_at(host, room_id).get("manager_ids") is None


# --- Late and twice -------------------------------------------------------------------------


@pytest.mark.stack_only
def test_a_frame_that_comes_again_late_undoes_nothing(
    host: ChatClient, handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    guest = new_person(handlers).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    seqs = [say(host, room_id, text)["seq"] for text in ("하나", "둘")]
    one = {"user_id": guest_id}
    pairs: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
        ("room.slow", {"seconds": 5}, "room.slow", {"seconds": 0}),
        ("room.lock", {"on": True}, "room.lock", {"on": False}),
        ("room.set_access", {"access": "private"}, "room.set_access", {"access": "open"}),
        ("room.set_capacity", {"capacity": 5}, "room.set_capacity", {"capacity": 0}),
        ("room.pin", {"seq": seqs[0]}, "room.pin", {"seq": seqs[1]}),
        ("room.pin", {"seq": seqs[0]}, "room.pin", {}),
        ("room.set_role", {**one, "role": "manager"}, "room.set_role", {**one, "role": "member"}),
        ("room.silence", {**one, "seconds": 60}, "room.silence", {**one, "seconds": 0}),
    ]
    for number, (first, fields, second, later) in enumerate(pairs):
        begin = 1_000 + 100 * number
        for after, command, sent in (
            (begin, first, fields),
            (begin + 5, second, later),
            (begin, first, fields),
        ):
            at(after)
            done(host, command, room_id, **sent)
            room = room_at(guest, room_id)
        passed = {"slow_ms", "locked", "access", "capacity", "manager_ids", "silenced_until"}
        assert not passed & set(room)
        assert room.get("pinned", {}).get("seq") in (None, seqs[1])
    log = kinds(log_of(host, room_id))
    assert sum(kind in ("slowed", "pinned", "unpinned", "role_changed") for kind in log) == 8


def test_a_late_kick_does_not_hit_who_came_back(
    host: ChatClient, handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    guest = new_person(handlers).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    at(1)
    done(host, "room.kick", room_id, user_id=guest_id, ban=True)
    at(5)
    done(host, "room.unban", room_id, user_id=guest_id)
    guest.ask("room.enter", room_id=room_id)
    for ban in (True, False):
        at(1 - 60_000)
        done(host, "room.kick", room_id, user_id=guest_id, ban=ban)
    assert room_at(guest, room_id)["member_count"] == 2
    assert host.ask("room.bans", room_id=room_id)["bans"] == []
