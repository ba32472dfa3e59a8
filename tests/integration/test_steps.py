"""The explorer's room in memory does call by call what DynamoDB does.

That is what makes worth something what tests/simulation/explorer finds, or does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib import limits
from chalicelib.pace import Pace
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Claim, Claims, Draft, Place, RoomState, run
from tests.simulation.explorer.room import Member, Room
from tests.support.handlers import HandlerSite

if TYPE_CHECKING:
    from chalicelib.dynamodb_steps import LogSteps

pytestmark = pytest.mark.localstack

#: What a step returned, or the name of what it raised.
Outcome = Any

USERS = ("jimin", "haeun", "stranger")
HOLDERS = ("holder-1", "holder-2")
KINDS = (EntryKind.CHAT, EntryKind.CHAT, EntryKind.CHAT, EntryKind.HOST_CHANGED)
CALLS = 150
#: On LocalStack two of them: it is another engine, and each takes 10 s there.
SEEDS = [
    pytest.param(seed, marks=[pytest.mark.stack_only] if seed >= 2 else []) for seed in range(16)
]


class Pair:
    """A room in memory and one in DynamoDB, to which the same is done."""

    def __init__(self, seed: int) -> None:
        from chalicelib import ids
        from chalicelib.dynamodb_steps import LogSteps
        from chalicelib.tables import EntryRow, MemberRow, RoomRow

        self.random = random.Random(seed)
        self.clock = 1_000
        pair = self

        class Steps(LogSteps):
            """With a clock that both rooms have."""

            def now(self) -> int:
                return pair.clock

        self.room_id = ids.new_id()
        self.model = Room(self.room_id, slots=limits.CLAIMS_PER_MEMBER, slow_ms=7)
        self.real: LogSteps = Steps(self.room_id)
        #: With what came just when the second member joined, and just before.
        self.received = {None: self.real} | {at: Steps(self.room_id, received=at) for at in (4, 5)}
        self.states: list[RoomState] = []
        self.drafts: list[tuple[Draft, Place]] = []
        self.claims: list[Claim] = []
        #: What was read of somebody's claims, lately.
        self.seen: list[Claims] = []
        self.users = [f"{name}-{self.room_id}" for name in USERS]
        self.model.last_seq = 1
        self.model.host_id = self.users[0]
        self.model.entries[1] = Entry(1, self.users[0], 0, EntryKind.CREATED)
        self.model.numbers[1] = 0
        RoomRow(
            self.room_id, name="r", name_key="r", host_id=self.users[0], epoch="e", created_at=0,
            active_at=0, last_seq=1, member_count=2, slow_ms=7,
        ).save()  # fmt: skip
        EntryRow(
            self.room_id, 1, kind=EntryKind.CREATED.value, user_id=self.users[0], created_at=0
        ).save()
        for user_id, at in zip(self.users, (0, 5), strict=False):
            claims: list[Claim | None] = [None] * limits.CLAIMS_PER_MEMBER
            self.model.members[user_id] = Member(1, 1, 0, claims, joined_at=at)
            MemberRow(
                user_id, self.room_id, role="member", joined_at=at, joined_seq=1, read_seq=1
            ).save()

    def check_state(self) -> None:
        """Both rooms hold the same."""
        from chalicelib import rows
        from chalicelib.members import find_member
        from chalicelib.tables import EntryRow, RoomRow

        row = RoomRow.get(self.room_id, consistent_read=True)
        assert rows.to_state(row) == self.model.state()
        assert bool(row.closed_at) == self.model.is_closed
        found = list(EntryRow.query(self.room_id, consistent_read=True))
        assert {each.seq: rows.to_entry(each) for each in found} == self.model.entries
        assert {each.seq: each.number for each in found} == self.model.numbers
        for user_id in self.users:
            member, there = self.model.members.get(user_id), find_member(user_id, self.room_id)
            assert (member is None) == (there is None)
            if member is None or there is None:
                continue
            assert rows.to_claims(there).latest == tuple(member.claims)
            assert (there.read_seq, there.read_number) == (member.read_seq, member.read_number)
            assert rows.unread(row, there) == rows.unread(self.model, member)  # type: ignore[arg-type]


def outcome(action: Callable[[], Any]) -> Outcome:
    try:
        return action()
    except Exception as error:
        return type(error)


def both(pair: Pair, model: Callable[[], Any], real: Callable[[], Any]) -> Any:
    """Do a step in both rooms; returns what both returned."""
    expected, found = outcome(model), outcome(real)
    assert found == expected
    return found


def a_claim(pair: Pair) -> Claim:
    """One of before, or a new one, of a place that is taken, filled or neither."""
    chance = pair.random
    if pair.claims and chance.random() < 0.4:
        return chance.choice(pair.claims)
    seq = max(1, pair.model.last_seq + chance.randint(-3, 1))
    claim = Claim(
        f"cid-{chance.randint(1, 12)}",
        Place(seq, chance.randint(0, pair.model.chats)),
        pair.clock,
        in_order=chance.random() < 0.7,
    )
    pair.claims.append(claim)
    return claim


def take_place(pair: Pair) -> None:
    kind, user_id = pair.random.choice(KINDS), pair.random.choice(pair.users)
    cid = f"cid-{pair.clock}" if kind is EntryKind.CHAT else ""
    draft = Draft(user_id, pair.clock, kind, text="말" if cid else "", cid=cid)
    state = both(
        pair,
        lambda: pair.model.take_place(draft, pair.clock),
        lambda: run(pair.real.take_place(draft)),
    )
    if isinstance(state, RoomState):
        pair.drafts.append((draft, Place(state.last_seq, state.chats)))


def store(pair: Pair) -> None:
    if not pair.drafts:
        return
    draft, place = pair.random.choice(pair.drafts)
    if pair.random.random() < 0.2:
        place = pair.random.choice(pair.drafts)[1]
    both(pair, lambda: pair.model.store(draft, place), lambda: run(pair.real.store(draft, place)))


def read_room(pair: Pair) -> None:
    state = both(pair, pair.model.read_room, lambda: run(pair.real.read_room()))
    if state is not None:
        pair.states.append(state)


def read_entries(pair: Pair) -> None:
    first = pair.random.randint(1, pair.model.last_seq)
    last = first + pair.random.randint(0, 8)
    both(
        pair,
        lambda: pair.model.read_entries(first, last),
        lambda: run(pair.real.read_entries(first, last)),
    )


def nearest(pair: Pair) -> None:
    seq, later = pair.random.randint(1, pair.model.last_seq + 1), pair.random.random() < 0.5
    both(
        pair,
        lambda: pair.model.nearest(seq, later=later),
        lambda: run(pair.real.nearest(seq, later=later)),
    )


def fill(pair: Pair) -> None:
    if not pair.drafts or not pair.states:
        return
    room = pair.states[-1] if pair.random.random() < 0.8 else pair.random.choice(pair.states)
    free = [place for _, place in pair.drafts if place.seq not in pair.model.entries]
    some = free if pair.random.random() < 0.8 else [place for _, place in pair.drafts]
    voids = some[-pair.random.randint(1, 3) :]
    if not voids:
        return
    lost = [place.number for place in voids if pair.random.random() < 0.5]
    both(
        pair,
        lambda: pair.model.fill(voids, lost, room, pair.clock),
        lambda: run(pair.real.fill(voids, lost, room)),
    )


def claim(pair: Pair) -> None:
    user_id = pair.random.choice((*pair.users, *pair.users[:2]))
    mine = a_claim(pair)
    received, real = pair.random.choice(list(pair.received.items()))
    slow_ms = pair.random.choice((0, 0, pair.model.slow_ms))
    pace = Pace(pair.clock, pair.random.choice((0, 20, 60)), slow_ms)
    member = pair.model.members.get(user_id)
    reads = member is None or member.read_seq < mine.place.seq
    if pair.random.random() < 0.2:
        reads = not reads
    seen = pair.random.choice((None, *pair.seen))
    both(
        pair,
        lambda: pair.model.claim(user_id, mine, pace, reads=reads, seen=seen, received=received),
        lambda: run(real.claim(user_id, mine, pace, reads=reads, seen=seen)),
    )


def silence(pair: Pair) -> None:
    """Somebody may say nothing for a while, or keeps the order from now on."""
    from chalicelib.tables import MemberRow

    user_id = pair.users[1]
    until, role = pair.clock + pair.random.randint(0, 8), pair.random.choice(("member", "manager"))
    member = pair.model.members[user_id]
    member.silenced_until, member.is_exempt = until, role != "member"
    MemberRow(user_id, pair.room_id).update(
        [MemberRow.silenced_until.set(until), MemberRow.role.set(role)]
    )


def claims(pair: Pair) -> None:
    user_id = pair.random.choice(pair.users)
    received, real = pair.random.choice(list(pair.received.items()))
    found = both(
        pair,
        lambda: pair.model.claims(user_id, received),
        lambda: run(real.claims(user_id)),
    )
    if isinstance(found, Claims):
        pair.seen = [*pair.seen, found][-4:]


def move_claim(pair: Pair) -> None:
    user_id = pair.random.choice(pair.users[:2])
    member = pair.model.members[user_id]
    there = [(slot, each) for slot, each in enumerate(member.claims) if each]
    if not there:
        return
    slot, old = pair.random.choice(there)
    if pair.random.random() < 0.3:
        old = a_claim(pair)
    new = Claim(old.cid, a_claim(pair).place, old.at, old.in_order)
    both(
        pair,
        lambda: pair.model.move_claim(user_id, old, slot, new),
        lambda: run(pair.real.move_claim(user_id, old, slot, new)),
    )


def mark_read(pair: Pair) -> None:
    from chalicelib import members

    user_id = pair.random.choice(pair.users[:2])
    seq = pair.random.choice(list(pair.model.entries))
    place = Place(seq, pair.model.numbers[seq])
    if not pair.model.members[user_id].leaving:
        both(
            pair,
            lambda: pair.model.mark_read(user_id, place),
            lambda: members.mark_read(user_id, pair.room_id, place),
        )


def acquire(pair: Pair) -> None:
    holder, delivered = pair.random.choice(HOLDERS), pair.random.randint(0, pair.model.last_seq)
    now, until = pair.clock, pair.clock + pair.random.choice((0, 1, 2, 3, 8))
    both(
        pair,
        lambda: pair.model.acquire(holder, delivered, now, until),
        lambda: run(pair.real.acquire(holder, delivered, now, until)),
    )


def advance(pair: Pair) -> None:
    holder, delivered = pair.random.choice(HOLDERS), pair.random.randint(0, pair.model.last_seq)
    until = pair.clock + pair.random.choice((1, 20))
    both(
        pair,
        lambda: pair.model.advance(holder, delivered, until),
        lambda: run(pair.real.advance(holder, delivered, until)),
    )


def release(pair: Pair) -> None:
    holder = pair.random.choice(HOLDERS)
    delivered = pair.model.last_seq - pair.random.choice((0, 0, 1))
    both(
        pair,
        lambda: pair.model.release(holder, delivered),
        lambda: run(pair.real.release(holder, delivered)),
    )


def begin_leaving(pair: Pair) -> None:
    from chalicelib.tables import MemberRow

    user_id = pair.users[1]
    pair.model.begin_leaving(user_id, "left")
    MemberRow(user_id, pair.room_id).update([MemberRow.leaving.set(1)])


def close(pair: Pair) -> None:
    from chalicelib.tables import RoomRow

    pair.model.close()
    RoomRow(pair.room_id).update([RoomRow.closed_at.set(1)])


STEPS = (
    take_place, take_place, take_place, store, store, read_room, read_entries, nearest, fill, fill,
    claim, claim, claim, claims, silence, move_claim, mark_read, acquire, acquire, advance, release,
)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_the_room_in_memory_is_like_the_one_in_dynamodb(handlers: HandlerSite, seed: int) -> None:
    pair = Pair(seed)
    for number in range(CALLS):
        pair.clock += pair.random.randint(0, 5)
        step = pair.random.choice(STEPS)
        if number == CALLS * 2 // 3 and seed % 2:
            step = begin_leaving
        elif number == CALLS * 5 // 6 and seed % 3 == 0:
            step = close
        step(pair)
        if number % 10 == 9:
            pair.check_state()
    # The sequence was worth it: places were taken, stored or filled, and claimed.
    assert len(pair.drafts) > 3
    assert len(pair.model.entries) > 2
    assert pair.model.claimed
