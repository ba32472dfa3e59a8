"""The promises on delivery hold at random interleavings with faults (decision 15)."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from chalicelib import steps, writing
from chalicelib.errors import StaleError
from tests.simulation.explorer import plan as plans
from tests.simulation.explorer.explore import FoundError, Tally, explore, trace
from tests.simulation.explorer.mutants import mutate
from tests.simulation.explorer.people import Lambdas
from tests.simulation.explorer.room import Member, Room
from tests.simulation.explorer.scheduler import Call, Fault, StuckError
from tests.simulation.explorer.world import REAL, Chat, Client, Code, World

RUNS = 2_500
#: CI does 100,000 runs in all, `make test` a fifth of that, `make explore` ever new ones.
SHARDS = int(os.environ.get("EXPLORE_RUNS", "20000")) // RUNS
#: The same each time, so that a change that lands is not stopped by what was there before.
FIRST = 1_000_000


@pytest.mark.timeout(600)  # a few seconds, on a machine that has nothing else to do
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_promises_hold(shard: int) -> None:
    first = FIRST + shard * RUNS
    tally = explore(range(first, first + RUNS))
    assert tally.runs == RUNS
    assert len(tally.schedules) > RUNS * 0.95
    assert set(tally.faults) == set(Fault)
    assert tally.calls > RUNS * 50


def test_a_run_is_the_same_each_time() -> None:
    seeds = range(1000, 1020)
    assert [trace(seed) for seed in seeds] == [trace(seed) for seed in seeds]
    tallies = [explore(seeds), explore(seeds)]
    assert tallies[0] == tallies[1]


def test_runs_are_of_all_kinds() -> None:
    tally: Tally = explore(range(300))
    assert set(tally.kinds) == {"calm", "busy", "deaths", "losses", "rough"}


def test_a_finding_tells_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Room, "take_place", lambda self, draft, now: self.state())
    with pytest.raises(FoundError) as found:
        explore(range(1000))
    text = str(found.value)
    assert f"make explore SEED={found.value.seed}" in text
    assert "take_place(" in text


def test_a_claim_of_an_early_place_is_no_proof_that_none_is_forgotten() -> None:
    """Too rare to wait for: it takes a writer as slow as all of this."""
    assert repeat_after_a_slow_claim(REAL) == 1
    mutant = mutate(
        steps,
        "claim and claim.in_order and claim.place.seq <= seq",
        "claim and claim.place.seq <= seq",
    )
    assert repeat_after_a_slow_claim(mutant) == 2


def repeat_after_a_slow_claim(code: Code) -> int:
    """How often a chat is in the log whose answer got lost, while another's writer was slow."""
    rng = random.Random(1)
    plan = plans.draw(rng)
    plan.slots, plan.window_ms = 2, 0
    world = World(plan, rng, code, traces=False)
    lambdas, drive = Lambdas(world), world.scheduler.drive
    world.add_member("jimin")
    slow, lost, other = (Chat("jimin", cid, 1, at=10**7) for cid in ("slow", "lost", "other"))
    slow_writer = lambdas.send(slow, None)
    claim = slow_writer.send(carry_out(slow_writer.send(None)))
    # Its place is filled; then the client has it, and says what gets no answer.
    drive(lambdas.sync(Client()))
    lost.since = world.room.last_seq
    drive(lambdas.send(lost, None))
    drive(lambdas.send(other, None))
    assert not carry_out(claim)
    claims = carry_out(slow_writer.send(False))
    assert carry_out(slow_writer.send(claims))
    slow_writer.close()
    drive(lambdas.send(lost, lost.since))
    return sum(1 for entry in world.room.entries.values() if entry.cid == "lost")


def test_a_repeat_that_takes_long_knows_what_came_since_it_looked() -> None:
    """Found in 80,000 runs: two of one chat, slower than all the time that their pace looks at."""
    assert repeat_slowly(REAL) == (1, True)
    mutant = mutate(writing, "reads=mine.in_order, seen=seen)", "reads=mine.in_order)")
    assert repeat_slowly(mutant) == (2, False)


def repeat_slowly(code: Code) -> tuple[int, bool]:
    """How often a chat is in the log that two tries say, and whether one is told to ask again."""
    rng = random.Random(1)
    plan = plans.draw(rng)
    plan.slots, plan.window_ms, plan.skew = 2, 8_000, 0
    world = World(plan, rng, code, traces=False)
    lambdas, drive = Lambdas(world), world.scheduler.drive
    world.add_member("jimin")
    start = world.scheduler.now

    def say(cid: str, after: int) -> None:
        world.scheduler.now = start + after
        chat = Chat("jimin", cid, 1, at=int(world.scheduler.now))
        drive(lambdas.send(chat, None))

    # Both look whether the chat is there, twelve seconds apart, before either takes a place.
    chat = Chat("jimin", "again", 1, at=int(start))
    tries = []
    for after in (0, 12_000):
        world.scheduler.now = start + after
        attempt = lambdas.send(chat, world.room.last_seq)
        tries.append((attempt, carry_out(attempt.send(None))))
    (first, of_first), (second, of_second) = tries
    drive(first, result=of_first)
    say("next", 2_000)
    say("last", 11_000)
    world.scheduler.now = start + 13_000
    is_stale = False
    try:
        drive(second, result=of_second)
    except StaleError:
        is_stale = True
    return sum(1 for entry in world.room.entries.values() if entry.cid == "again"), is_stale


def test_who_joins_at_the_moment_at_which_they_speak_has_read_what_they_said() -> None:
    """Too rare, too: the join must die, or its notice is read as well."""
    assert speak_while_joining(REAL).read_seq == 2
    with pytest.raises(StuckError):
        speak_while_joining(
            mutate(writing, "in_order=claims.read_seq < place.seq", "in_order=False")
        )


def speak_while_joining(code: Code) -> Member:
    """The membership of somebody who was none yet when they first tried to claim a place."""
    rng = random.Random(1)
    world = World(plans.draw(rng), rng, code, traces=False)
    join = Lambdas(world).join("haeun", "joined")
    speak = Lambdas(world).send(Chat("haeun", "hello", 1, at=10**7), None)
    seen = carry_out(join.send(None))
    place = carry_out(speak.send(None))
    is_claimed = carry_out(speak.send(place))
    assert carry_out(join.send(seen))
    join.close()
    world.scheduler.drive(speak, result=is_claimed)
    return world.room.members["haeun"]


def test_who_comes_back_does_not_claim_a_place_from_before() -> None:
    """Whatever the clocks say that tell tries from before by their time."""
    assert speak_while_coming_back(REAL) > 4
    mutant = mutate(
        writing,
        "if standing is not None or place.seq <= claims.joined_seq:",
        "if standing is not None:",
    )
    assert speak_while_coming_back(mutant) == 3


def speak_while_coming_back(code: Code) -> int:
    """Where a chat is whose sender has left before its place and joined after it."""
    rng = random.Random(1)
    world = World(plans.draw(rng), rng, code, traces=False)
    world.add_member("jimin")
    lambdas, drive = Lambdas(world), world.scheduler.drive
    drive(lambdas.leave("jimin", "left"))
    speak = lambdas.send(Chat("jimin", "hello", 1, at=10**7), None)
    place = carry_out(speak.send(None))
    drive(lambdas.join("jimin", "joined"))
    claim = speak.send(place)
    drive(speak, result=carry_out(claim))
    return next(entry.seq for entry in world.room.entries.values() if entry.cid == "hello")


def carry_out(made: Call) -> Any:
    """Let a call take effect; returns its result."""
    _, function, arguments, named = made
    return function(*arguments, **named)
