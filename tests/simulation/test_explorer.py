"""The promises on delivery hold at random interleavings with faults (decision 15)."""

from __future__ import annotations

import time

import pytest

from tests.simulation.explorer.explore import FoundError, Tally, explore, trace
from tests.simulation.explorer.scheduler import Fault

#: Together 100,000 runs.
SHARDS = 40
RUNS = 2_500


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_promises_hold(shard: int) -> None:
    # New ones each time; a finding says with which seed it comes again.
    first = time.time_ns() // 1000 + shard * RUNS
    tally = explore(range(first, first + RUNS))
    assert tally.runs == RUNS
    assert len(tally.schedules) > RUNS * 0.99
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
    from tests.simulation.explorer.room import Room

    monkeypatch.setattr(Room, "take_place", lambda self, draft, now: self.state())
    with pytest.raises(FoundError) as found:
        explore(range(1000))
    text = str(found.value)
    assert f"make explore SEED={found.value.seed}" in text
    assert "take_place(" in text
