"""What hosts and managers do, and what it meets: each in the order that hurts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.test_changes import room_of
from tests.integration.test_conversation import say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_moderation import done, manage, role_of
from tests.integration.test_races import before
from tests.integration.test_renaming import room_at
from tests.integration.test_sending import kinds, log_of
from tests.support.chat import TIMEOUT, ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Site, new_person, unique

pytestmark = pytest.mark.localstack


@dataclass(frozen=True)
class Cast:
    """A room of a host, a manager and a member; the host has a second tab."""

    room_id: str
    host: ChatClient
    tab: ChatClient
    manager: ChatClient
    guest: ChatClient

    def kick(self, by: ChatClient, whom: ChatClient, *, ban: bool = False) -> None:
        """Put somebody out."""
        done(by, "room.kick", self.room_id, user_id=my_id(whom), ban=ban)

    def hand_over(self, by: ChatClient, to: ChatClient) -> None:
        """Make somebody the host."""
        done(by, "room.transfer", self.room_id, user_id=my_id(to))

    def log(self) -> list[str]:
        """What is in the log after what made the cast."""
        entries = kinds(log_of(self.host, self.room_id))
        assert entries[:4] == ["created", "joined", "joined", "role_changed"]
        return entries[4:]

    def host_id(self) -> str:
        """Whom the room's row and the list of its members say to be the host."""
        (host_id,) = [
            each["user_id"]
            for each in self.host.ask("room.members", room_id=self.room_id)["members"]
            if each.get("role") == "host"
        ]
        assert room_at(self.host, self.room_id)["host_id"] == host_id
        found: str = host_id
        return found


@pytest.fixture
def cast(handlers: HandlerSite) -> Cast:
    browser = new_person(handlers)
    host, tab = browser.chat(), browser.chat()
    manager, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, manager, guest)
    manage(host, room_id, manager)
    return Cast(room_id, host, tab, manager, guest)


# --- Somebody who is just saying something --------------------------------------------------


@pytest.mark.parametrize(
    ("step", "log"),
    [
        ("take_place", ["kicked", "void"]),
        ("claim", ["void", "kicked"]),
        ("store", ["chat", "kicked"]),
    ],
)
def test_who_is_kicked_while_they_speak_has_said_it_before_or_not_at_all(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, step: str, log: list[str]
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    before(monkeypatch, LogSteps, step, lambda: cast.kick(cast.host, cast.guest))
    chat = {"room_id": cast.room_id, "text": "잠깐만요", "cid": unique("cid")}
    if "chat" in log:
        assert cast.guest.ask("chat.send", **chat)["entry"]["text"] == "잠깐만요"
    else:
        assert refused(cast.guest, "chat.send", **chat) == "not_member"
    assert cast.log() == log


@pytest.mark.stack_only
@pytest.mark.parametrize(
    ("step", "log"), [("claim", ["void", "silenced"]), ("store", ["chat", "silenced"])]
)
def test_who_is_silenced_while_they_speak_has_said_it_before_or_not_at_all(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, step: str, log: list[str]
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    guest_id = my_id(cast.guest)
    before(
        monkeypatch,
        LogSteps,
        step,
        lambda: done(cast.manager, "room.silence", cast.room_id, user_id=guest_id, seconds=60),
    )
    chat = {"room_id": cast.room_id, "text": "잠깐만요", "cid": unique("cid")}
    if "chat" in log:
        assert cast.guest.ask("chat.send", **chat)["entry"]["text"] == "잠깐만요"
    else:
        assert refused(cast.guest, "chat.send", **chat) == "silenced"
    assert cast.log() == log


# --- Somebody who is just coming or going ---------------------------------------------------


def test_who_is_banned_while_they_enter_does_not_get_in(
    cast: Cast, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import admission

    stranger = new_person(handlers).chat()
    before(monkeypatch, admission, "let_in", lambda: cast.kick(cast.host, stranger, ban=True))
    assert refused(stranger, "room.enter", room_id=cast.room_id) == "banned"
    assert cast.log() == ["banned"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 3


@pytest.mark.stack_only
def test_a_room_that_is_locked_while_somebody_enters_does_not_let_them_in(
    cast: Cast, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    stranger = new_person(handlers).chat()
    before(monkeypatch, joining, "announce", lambda: done(cast.tab, "room.lock", cast.room_id))
    assert refused(stranger, "room.enter", room_id=cast.room_id) == "room_locked"
    assert cast.log() == ["locked"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 3
    assert stranger.ask("session.hello")["rooms"] == []


@pytest.mark.stack_only
def test_who_leaves_while_they_are_kicked_has_left_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import expelling

    def leave() -> None:
        cast.guest.ask("room.leave", room_id=cast.room_id)

    before(monkeypatch, expelling, "transact", leave)
    cast.kick(cast.host, cast.guest)
    assert cast.log() == ["left"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 2


@pytest.mark.stack_only
def test_who_is_kicked_after_a_leaving_that_was_cut_off_has_left(
    cast: Cast, at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import clock, expelling, joining

    def leave() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(joining, "write_left", die)
            assert refused(cast.guest, "room.leave", room_id=cast.room_id) == "internal"

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("cut off")

    before(monkeypatch, expelling, "transact", leave)
    guest = {"room_id": cast.room_id, "user_id": my_id(cast.guest)}
    # Whoever leaves may still be at it.
    assert refused(cast.host, "room.kick", **guest) == "stale"
    later = joining.UNFINISHED_AFTER_MS + 1_000
    at(later)
    now_ms = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms() + later)
    cast.kick(cast.host, cast.guest)
    assert cast.log() == ["left"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 2


def test_who_is_kicked_hears_nothing_more_though_the_kick_was_cut_off(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import background

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("cut off")

    guest_id = my_id(cast.guest)
    with monkeypatch.context() as patch:
        patch.setattr(background, "after_leaving", die)
        to_kick = {"room_id": cast.room_id, "user_id": guest_id}
        assert refused(cast.host, "room.kick", **to_kick) == "internal"
    cast.guest.events.clear()
    say(cast.host, cast.room_id, "우리끼리")
    assert refused(cast.guest, "room.read", room_id=cast.room_id, seq=1) == "not_member"
    assert cast.guest.events == []


def test_who_leaves_does_not_become_the_host(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.ruling import _RulingSteps

    before(
        monkeypatch,
        _RulingSteps,
        "store",
        lambda: cast.guest.ask("room.leave", room_id=cast.room_id),
    )
    to_guest = {"room_id": cast.room_id, "user_id": my_id(cast.guest)}
    assert refused(cast.host, "room.transfer", **to_guest) == "member_not_found"
    assert cast.host_id() == my_id(cast.host)
    assert cast.log() == ["void", "left"]


@pytest.mark.stack_only
def test_who_becomes_the_host_while_they_leave_is_still_in(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    before(monkeypatch, joining, "_leave_as_member", lambda: cast.hand_over(cast.host, cast.guest))
    assert refused(cast.guest, "room.leave", room_id=cast.room_id) == "host_must_choose"
    assert cast.host_id() == my_id(cast.guest)
    assert cast.log() == ["host_changed"]
    cast.guest.ask("chat.send", room_id=cast.room_id, text="제가요?", cid=unique("cid"))


# --- Two who rule at once -------------------------------------------------------------------


def test_a_room_that_is_handed_over_twice_at_once_has_one_host(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.ruling import _RulingSteps

    before(monkeypatch, _RulingSteps, "store", lambda: cast.hand_over(cast.tab, cast.guest))
    to_manager = {"room_id": cast.room_id, "user_id": my_id(cast.manager)}
    assert refused(cast.host, "room.transfer", **to_manager) == "not_host"
    assert cast.host_id() == my_id(cast.guest)
    assert role_of(cast.host, cast.room_id, my_id(cast.manager)) == "manager"
    assert cast.log() == ["void", "host_changed"]


@pytest.mark.stack_only
def test_two_who_kick_somebody_at_once_do_it_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import expelling

    before(monkeypatch, expelling, "transact", lambda: cast.kick(cast.manager, cast.guest))
    cast.kick(cast.host, cast.guest)
    assert cast.log() == ["kicked"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 2


def test_a_ban_that_meets_a_kick_is_one_all_the_same(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import expelling

    before(monkeypatch, expelling, "transact", lambda: cast.kick(cast.manager, cast.guest))
    cast.kick(cast.host, cast.guest, ban=True)
    assert cast.log() == ["kicked", "banned"]
    assert refused(cast.guest, "room.enter", room_id=cast.room_id) == "banned"


@pytest.mark.stack_only
def test_a_host_who_hands_over_kicks_nobody_any_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import expelling

    before(monkeypatch, expelling, "transact", lambda: cast.hand_over(cast.tab, cast.guest))
    guest = {"room_id": cast.room_id, "user_id": my_id(cast.guest)}
    assert refused(cast.host, "room.kick", **guest) == "not_allowed"
    assert cast.host_id() == my_id(cast.guest)
    assert cast.log() == ["host_changed"]


RULINGS: dict[str, dict[str, Any]] = {
    "room.slow": {"seconds": 5},
    "room.lock": {},
    "room.set_words": {"words": ["스포일러"]},
    "room.silence": {"seconds": 60},
    "room.pin": {},
}


@pytest.mark.alike
@pytest.mark.parametrize("end", ["role_changed", "kicked"])
@pytest.mark.parametrize("command", RULINGS)
def test_who_is_no_manager_any_more_rules_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, command: str, end: str
) -> None:
    from chalicelib.ruling import _RulingSteps

    fields = dict(RULINGS[command], room_id=cast.room_id)
    if command == "room.silence":
        fields["user_id"] = my_id(cast.guest)
    chats = []
    if command == "room.pin":
        said = cast.guest.ask("chat.send", room_id=cast.room_id, text="공지요", cid=unique("cid"))
        fields["seq"] = said["entry"]["seq"]
        chats = ["chat"]
    demote = {"user_id": my_id(cast.manager), "role": "member"}

    def act() -> None:
        if end == "kicked":
            cast.kick(cast.host, cast.manager)
        else:
            done(cast.host, "room.set_role", cast.room_id, **demote)

    before(monkeypatch, _RulingSteps, "store", act)
    assert refused(cast.manager, command, **fields) == "not_allowed"
    assert cast.log() == [*chats, "void", end]
    room = room_at(cast.guest, cast.room_id)
    assert not {"slow_ms", "locked", "pinned", "silenced_until"} & set(room)


@pytest.mark.stack_only
def test_who_is_no_manager_any_more_kicks_nobody(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import expelling

    demote = {"user_id": my_id(cast.manager), "role": "member"}
    before(
        monkeypatch,
        expelling,
        "transact",
        lambda: done(cast.host, "room.set_role", cast.room_id, **demote),
    )
    guest = {"room_id": cast.room_id, "user_id": my_id(cast.guest)}
    assert refused(cast.manager, "room.kick", **guest) == "not_allowed"
    assert cast.log() == ["role_changed"]
    assert room_at(cast.host, cast.room_id)["member_count"] == 3


# --- All at once ------------------------------------------------------------------------------


@pytest.mark.stack_only
@pytest.mark.parametrize("round_", range(4))
def test_all_at_once(site: Site, round_: int) -> None:
    """Real Lambdas in parallel, in whatever order it comes."""
    browser = new_person(site)
    host, tab = browser.chat(), browser.chat()
    managers = [new_person(site).chat() for _ in range(2)]
    loud, quiet = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, *managers, loud, quiet)
    for each in managers:
        manage(host, room_id, each)
    loud_id, ids = my_id(loud), [my_id(each) for each in managers]
    chats = [unique("cid") for _ in range(5)]

    def say(cid: str) -> Future[Frame]:
        return loud.begin("chat.send", room_id=room_id, text="말", cid=cid)

    to_kick = {"room_id": room_id, "user_id": loud_id}
    begin: list[Callable[[], Future[Frame]]] = [
        *(lambda cid=cid: say(cid) for cid in chats),
        lambda: managers[0].begin("room.kick", **to_kick),
        lambda: managers[1].begin("room.kick", **to_kick),
        lambda: host.begin("room.transfer", room_id=room_id, user_id=ids[0]),
        lambda: tab.begin("room.transfer", room_id=room_id, user_id=ids[1]),
        lambda: quiet.begin("room.leave", room_id=room_id),
    ]
    turned = begin[round_:] + begin[:round_]
    replies = [reply.result(TIMEOUT) for reply in [each() for each in turned]]
    replies = replies[len(begin) - round_ :] + replies[: len(begin) - round_]
    log = log_of(host, room_id)
    # Nobody says anything after they were put out; what was said is there once.
    (kicked,) = [entry["seq"] for entry in log if entry.get("kind") == "kicked"]
    said = {entry["cid"]: entry["seq"] for entry in log if entry.get("cid") in chats}
    assert all(seq < kicked for seq in said.values())
    answered = {reply["entry"]["cid"] for reply in replies[:5] if reply["type"] == "ok"}
    assert answered == set(said)
    assert {r["code"] for r in replies[:5] if r["type"] == "error"} <= {"not_member"}
    # One of two handed it over, and there is one host.
    assert sorted(reply.get("code", "") for reply in replies[7:9]) == ["", "not_host"]
    members = host.ask("room.members", room_id=room_id)["members"]
    hosts = [each["user_id"] for each in members if each.get("role") == "host"]
    assert hosts == [room_at(host, room_id)["host_id"]]
    assert hosts[0] in ids
    assert len(members) == room_at(host, room_id)["member_count"] == 3
    assert loud_id not in {each["user_id"] for each in members}
