"""Nobody is matched twice or waits for ever, whoever comes when and whatever dies (decision 30)."""

from __future__ import annotations

import inspect
import statistics
from collections import Counter
from dataclasses import replace
from types import ModuleType

import pytest

from chalicelib import limits, matching
from tests.simulation.matches.world import Plan, World

#: Where everything happens: few people, so that they meet again.
ROUGH = Plan(
    people=24,
    span=3_000,
    languages=2,
    tags=4,
    blocked=0.1,
    more=3,
    killed=0.03,
    held=0.02,
    cancels=0.2,
    cuts=0.2,
)

#: Frames that come very late, when the next search has begun.
SLOW = replace(ROUGH, people=8, killed=0.0, cuts=0.0, held=0.2, cancels=0.6, more=6)


def check(world: World) -> None:
    """The promises."""
    searches = Counter[tuple[str, str]]()
    met: dict[frozenset[str], float] = {}
    for match in world.table.matches:
        one, other = match.people
        pair = frozenset((one.user_id, other.user_id))
        assert len(pair) == 2, "with oneself"
        searches.update(zip((one.user_id, other.user_id), match.cids, strict=True))
        assert pair not in world.table.blocked, "blocked"
        assert met.get(pair, 0) <= match.at, "met again"
        met[pair] = match.at + limits.MATCH_MET_MS
        assert set(one.wish.languages) & set(other.wish.languages), "without a common language"
        if not one.wish.tags & other.wish.tags:
            for each in (one, other):
                waited = match.at - each.since
                assert not each.wish.tags or waited >= limits.MATCH_PREFER_MS - 20, "too early"
        for search in zip((one.user_id, other.user_id), match.cids, strict=True):
            assert world.ended.get(search, match.at) >= match.at, "after it was cancelled"
    assert not [search for search, times in searches.items() if times > 1], "twice"


def leave_alone(world: World) -> None:
    """Of those who still wait, no two could be matched."""
    waiting = [
        seeker
        for person in world.people.values()
        if person.is_seeking and not person.has_cancelled
        if (seeker := world.table.seekers.get(person.user_id)) and seeker.ticket
    ]
    for seeker in waiting:
        ticket = seeker.ticket
        assert ticket is not None
        others = [each.ticket for each in waiting if each is not seeker and each.ticket]
        shared = [each for each in others if set(each.wish.languages) & set(ticket.wish.languages)]
        could = [
            each.user_id
            for each in matching.rank(seeker, ticket, shared, int(world.now))
            if frozenset((seeker.user_id, each.user_id)) not in world.table.blocked
        ]
        assert not could, f"{seeker.user_id} waits in vain beside {could}"


def simulate(plan: Plan, seed: int, code: ModuleType = matching) -> World:
    """A run until everybody is matched, or has waited for minutes after the last came."""
    world = World(plan, seed, code)
    world.run(plan.span + 180_000)
    check(world)
    leave_alone(world)
    return world


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_promises_hold_whatever_happens(first: int) -> None:
    faults, matches = Counter[str](), 0
    for seed in range(first, first + 50):
        world = simulate(ROUGH, seed)
        faults += world.faults
        matches += len(world.table.matches)
    assert matches > 750
    assert {"killed before", "killed after", "held", "cut", "cancelled", "untold"} <= faults.keys()


def test_of_two_who_come_at_once_nobody_waits() -> None:
    for seed in range(200):
        world = simulate(Plan(people=2, span=15), seed)
        assert len(world.waits) == 2
        assert max(world.waits) < 1_000, seed


def test_three_thousand_at_once_are_all_matched_soon() -> None:
    world = simulate(Plan(people=3_000, span=2_000, languages=3, tags=30, blocked=0.001), 7)
    waits = sorted(world.waits)
    counts = world.table.counts
    report = {
        "matches": len(world.table.matches),
        "median": statistics.median(waits),
        "99 %": waits[len(waits) * 99 // 100],
        "last": waits[-1],
        **{name: round(count / len(world.table.matches), 2) for name, count in counts.items()},
    }
    print(report)
    # One is left over where their number is odd.
    assert len(waits) >= 2_990, report
    assert report["99 %"] < limits.MATCH_PREFER_MS + 3_000, report
    assert counts["claims"] < 8 * len(world.table.matches), report


def test_a_steady_stream_waits_no_longer_than_for_a_common_tag() -> None:
    world = simulate(Plan(people=3_000, span=600_000, languages=2, tags=10), 11)
    waits = sorted(world.waits)
    assert len(waits) >= 2_990
    # Five a second: there is nearly always somebody else.
    assert waits[len(waits) * 99 // 100] < limits.MATCH_PREFER_MS + 2_000
    assert world.table.counts["claims"] < 1.5 * len(world.table.matches)


def mutant(right: str, wrong: str) -> ModuleType:
    """The module with something broken."""
    source = inspect.getsource(matching)
    assert source.count(right) == 1, right
    module = ModuleType(matching.__name__)
    # What is raised, or told apart by its class, stays the same.
    exec(compile(source.replace(right, wrong), "<mutant>", "exec"), vars(module))
    for name in ("Found", "Over", "TooFast", "Waiting"):
        setattr(module, name, getattr(matching, name))
    return module


@pytest.mark.parametrize(
    ("right", "wrong", "breaks"),
    [
        # A frame that comes twice begins a second search.
        ("(old is not None and old.cid == cid)", "False", "twice|cancelled"),
        # An earlier search's late frame begins it again.
        ("cid in old.past", "False", "twice|cancelled"),
        # Whoever has an interest is given to anybody at once.
        ("(_takes_anybody(one, now) and _takes_anybody(other, now))", "True", "too early"),
        # Nobody asks again once they take anybody.
        ("return prefers_for if prefers_for > 0 else", "return 10**9 +", "in vain"),
        # Whoever has blocked the other is offered again and again, and nobody else.
        ("for _ in range(CLAIM_TRIES):", "for _ in range(0):", "in vain"),
    ],
)
def test_a_mistake_would_be_found(right: str, wrong: str, breaks: str) -> None:
    code = mutant(right, wrong)
    with pytest.raises(AssertionError, match=breaks):
        simulate_many(code)


def simulate_many(code: ModuleType) -> None:
    for seed in range(60):
        simulate(ROUGH, seed, code)
        simulate(SLOW, seed, code)
