"""A withdrawal that is cut off after each of its calls in turn comes to the same end.

After each that changes something: who is cut off after a read leaves what was there before it.

Not on LocalStack: being matched takes more actions in a transaction than its engine does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id
from tests.integration.test_moderation import manage
from tests.integration.test_sign_in import another_browser
from tests.support import rights_used
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, new_person, unique

READS = ("GetItem", "BatchGetItem", "Query")
#: So many calls no withdrawal takes: what does not end is a mistake.
CALLS_MAX = 400


class CutOffError(BaseException):
    """A Lambda is killed: not even ``except Exception`` sees it."""


class Scissors:
    """Cut this thread off after so many of its writes and calls of Lambdas and of Kakao."""

    def __init__(self) -> None:
        self.unlinked: list[str] = []
        self._thread = threading.get_ident()
        self._left = 0

    def cut(self, after: int, act: Callable[[], object]) -> bool:
        """Do something, and cut it off; False if it came to its end before."""
        self._left = after
        try:
            act()
        except CutOffError:
            return True
        finally:
            self._left = 0
        return False

    def on(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        """Have the calls of a function counted."""
        original = getattr(owner, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            result = original(*arguments, **more)
            if name == "unlink":
                self.unlinked.append(arguments[2])
            is_read = len(arguments) > 1 and arguments[1] in READS
            if threading.get_ident() == self._thread and self._left and not is_read:
                self._left -= 1
                if not self._left:
                    raise CutOffError
            return result

        monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def scissors(handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch) -> Scissors:
    from chalicelib import dynamodb, invocations, joining, kakao, sender, withdrawal

    made = Scissors()
    for owner, name in (
        (dynamodb.Client, "call"),
        (invocations, "start"),
        (kakao, "unlink"),
        (sender, "disconnect"),
    ):
        made.on(monkeypatch, owner, name)
    # A minute passes before Lambda tries again: nobody is at the first try any more.
    monkeypatch.setattr(joining, "UNFINISHED_AFTER_MS", -1)
    monkeypatch.setattr(withdrawal, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(withdrawal, "LEFT_ALONE_MS", -1)
    return made


@dataclass
class Life:
    """Somebody with two devices, who hosts, helps, is a guest, was matched and waits again."""

    browser: Browser
    user_id: str
    kakao_id: str
    #: Of the room that nobody else can host, of one with a manager, of the friend's, of two who
    #: were matched, and of one where nobody else is.
    rooms: list[str]
    #: The locks on their names.
    names: list[str]
    friend_id: str


@pytest.fixture
def life(handlers: HandlerSite) -> Life:
    browser = new_person(handlers, "지민")
    me, friend = browser.chat(), new_person(handlers, "하은").chat()
    closing, handed_over = room_of(me, friend), room_of(me, friend)
    manage(me, handed_over, friend)
    theirs = room_of(friend, me)
    manage(friend, theirs, me)
    say(me, theirs, "남을 말")
    me.ask("invite.create", room_id=theirs)
    friend.ask("invite.create", room_id=theirs)
    tag = unique("t")[-limits.TAG_MAX :]
    wish = {"languages": ["es"], "tags": [tag]}
    friend.ask("match.seek", cid=unique("cid"), **wish)
    pair = me.ask("match.seek", cid=unique("cid"), **wish)["room"]["room_id"]
    me.ask("match.seek", cid=unique("cid"), languages=["ko", "es"], tags=[unique("t")[-9:]])
    me.ask("user.block", user_id=my_id(friend))
    another_browser(browser).chat()
    return live(
        browser, my_id(me), my_id(friend), [closing, handed_over, theirs, pair, open_room(me)]
    )


@pytest.fixture
def short_life(handlers: HandlerSite) -> Life:
    """Of somebody who has just made a room."""
    browser, friend = new_person(handlers, "지민"), new_person(handlers, "하은").chat()
    me = browser.chat()
    return live(browser, my_id(me), my_id(friend), [room_of(me, friend)])


def live(browser: Browser, user_id: str, friend_id: str, rooms: list[str]) -> Life:
    from chalicelib.tables import RoomNameRow, RoomRow, UserRow

    named = [room for room in RoomRow.batch_get(rooms) if room.name_key]
    names = [RoomNameRow.key(room.name_key) for room in named]
    kakao_id = UserRow.get(user_id).provider_id
    return Life(browser, user_id, kakao_id, rooms, names, friend_id)


# --- What there is of a life, in the tables ------------------------------------------------


def rows_of(life: Life) -> Iterator[Model]:
    """All rows that a withdrawal can change."""
    from chalicelib import tables

    yield from tables.UserRow.batch_get([life.user_id])
    for session in tables.SessionRow.by_user.query(life.user_id):
        yield from tables.SessionRow.batch_get([session.session_id])
    for connection in tables.ConnectionRow.by_user.query(life.user_id):
        yield from tables.ConnectionRow.batch_get([connection.connection_id])
    yield from tables.MemberRow.query(life.user_id)
    yield from tables.BlockRow.query(life.user_id)
    seeker = list(tables.SeekerRow.query(tables.SeekerRow.key(life.user_id)))
    yield from seeker
    for language in ("ko", "es"):
        for ticket in tables.TicketRow.query(tables.TicketRow.key(language)):
            if ticket.user_id == life.user_id:
                yield ticket
    pending = tables.WithdrawalRow.PENDING
    yield from tables.WithdrawalRow.batch_get([(pending, life.user_id)])
    yield from tables.RoomRow.batch_get(life.rooms)
    yield from tables.RoomNameRow.batch_get(life.names)
    for room_id in life.rooms:
        yield from tables.MemberRow.batch_get([(life.friend_id, room_id)])
        yield from tables.EntryRow.query(room_id)
        yield from tables.InviteRow.query(room_id)
        yield from tables.SubscriptionRow.query(room_id)


def key_of(row: Model) -> tuple[Any, ...]:
    """Its table, and its key there."""
    model = type(row)
    names = filter(None, (model._hash_keyname, model._range_keyname))
    return model, *(getattr(row, name) for name in names)


def keep(life: Life) -> Callable[[], None]:
    """Remember a life; returns what brings it back as it is now."""
    kept = {key_of(row): row for row in rows_of(life)}

    def bring_back() -> None:
        more = {key_of(row): row for row in rows_of(life)}
        for model in {model for model, *_ in (*kept, *more)}:
            with model.batch_write() as batch:
                for key, row in more.items():
                    if key[0] is model and key not in kept:
                        batch.delete(row)
                for key, row in kept.items():
                    if key[0] is model:
                        batch.save(row)

    return bring_back


def seen(life: Life) -> dict[str, Any]:
    """What is left of a life, without what differs from run to run."""
    from chalicelib import tables

    rooms = {}
    for room in tables.RoomRow.batch_get(life.rooms, consistent_read=True):
        log = tables.EntryRow.query(room.room_id, consistent_read=True)
        rooms[life.rooms.index(room.room_id)] = (
            room.host_id,
            room.member_count,
            sorted(room.manager_ids or ()),
            bool(room.closed_at),
            [entry.kind for entry in log if entry.kind != "void"],
        )
    kept = (tables.RoomRow, tables.EntryRow)
    others = [
        type(row).__name__
        for row in rows_of(life)
        if not isinstance(row, kept) and getattr(row, "user_id", None) != life.friend_id
    ]
    return {"rooms": rooms, "others": sorted(others)}


def end_of(life: Life) -> dict[str, Any]:
    """What is to be left."""
    friend = life.friend_id
    said = ["created", "joined", "role_changed"]
    return {
        "rooms": {
            1: (friend, 1, [], False, [*said, "host_changed", "left"]),
            2: (friend, 1, [], False, [*said, "chat", "left"]),
            3: ("", 1, [], False, ["matched", "left"]),
        },
        # The names of two rooms.
        "others": ["RoomNameRow"] * 2,
    }


# --- Cut off --------------------------------------------------------------------------------


def run_job(handlers: HandlerSite, life: Life) -> None:
    """What Lambda does when it tries again, or the clock."""
    from chalicelib import jobs

    with rights_used.played("background"):
        jobs.run({"job": "finish_withdrawal", "user_id": life.user_id}, lambda: 300_000)
    handlers.management.finish_jobs()


def test_a_job_that_is_cut_off_after_any_call_is_finished_by_the_next_try(
    handlers: HandlerSite, life: Life, scissors: Scissors
) -> None:
    from chalicelib import clock, tables

    tables.WithdrawalRow(
        tables.WithdrawalRow.PENDING,
        life.user_id,
        asked_at=clock.now_ms(),
        kakao_id=life.kakao_id,
    ).save()
    bring_back = keep(life)
    for calls in range(1, CALLS_MAX):
        scissors.unlinked.clear()
        was_cut = scissors.cut(calls, lambda: run_job(handlers, life))
        run_job(handlers, life)
        assert (calls, seen(life)) == (calls, end_of(life))
        assert set(scissors.unlinked) == {life.kakao_id}
        if not was_cut:
            break
        bring_back()
    assert 30 < calls < CALLS_MAX - 1


def test_asking_for_it_that_is_cut_off_after_any_call_is_finished_by_the_clock(
    handlers: HandlerSite, short_life: Life, scissors: Scissors
) -> None:
    from chalicelib import clock, withdrawal

    life = short_life
    bring_back = keep(life)
    cookies = dict(life.browser.cookies)
    for calls in range(1, CALLS_MAX):
        scissors.unlinked.clear()
        was_cut = scissors.cut(calls, lambda: life.browser.post("/api/auth/withdraw"))
        handlers.management.finish_jobs()
        # Not even the person asks again.
        withdrawal.take_up(clock.now_ms())
        handlers.management.finish_jobs()
        assert (calls, seen(life)) == (calls, {"rooms": {}, "others": []})
        assert set(scissors.unlinked) == {life.kakao_id}
        if not was_cut:
            break
        life.browser.cookies = dict(cookies)
        bring_back()
    assert 5 < calls < CALLS_MAX - 1
