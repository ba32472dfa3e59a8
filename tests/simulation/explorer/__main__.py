"""``python -m tests.simulation.explorer RUNS``, or ``--seed SEED`` for one run again."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from tests.conftest import DEFAULTS

BATCH = 500


def explore_batch(seeds: range) -> object:
    """One batch, in a worker: a tally, or what was found."""
    from tests.simulation.explorer.explore import FoundError, explore

    try:
        return explore(seeds)
    except FoundError as found:
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="make explore", description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, help="do this run again, and print all of it")
    parser.add_argument("--first", type=int, default=time.time_ns() % 10**12, help="first seed")
    arguments = parser.parse_args()
    # The app reads its environment when it is imported.
    os.environ.update(DEFAULTS)
    if arguments.seed is not None:
        return show(arguments.seed)
    return explore_all(arguments.first, arguments.runs)


def show(seed: int) -> int:
    """Print one run."""
    from tests.simulation.explorer.explore import FoundError, explore, trace

    try:
        explore([seed])
    except FoundError as found:
        print(found)
        return 1
    print("\n".join(trace(seed)))
    return 0


def explore_all(first: int, runs: int) -> int:
    """Explore with all CPUs, and tell how it goes."""
    from tests.simulation.explorer.explore import FoundError, Tally

    whole = Tally()
    began = told = time.monotonic()
    with multiprocessing.get_context("fork").Pool() as pool:
        for result in pool.imap_unordered(explore_batch, _batches(first, runs)):
            if isinstance(result, FoundError):
                print(result)
                return 1
            assert isinstance(result, Tally)
            whole.add(result)
            if time.monotonic() - told > 5 or whole.runs == runs:
                told = time.monotonic()
                rate = whole.runs / (told - began)
                print(f"{rate:.0f}/s, {whole}", flush=True)
    return 0


def _batches(first: int, runs: int) -> Iterator[range]:
    for start in range(first, first + runs, BATCH):
        yield range(start, min(start + BATCH, first + runs))


if __name__ == "__main__":
    sys.exit(main())
