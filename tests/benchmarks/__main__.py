"""`make bench [ONLY=P6]`: the benchmarks of the design's performance page that exist so far.

Prints a table and writes .bench/results.json. A peer that is not measured yet is null, never
a figure from elsewhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from tests.benchmarks import (
    busy_room,
    catch_up,
    cold_start,
    cost,
    large_room,
    long_log,
    one_chat,
    package_size,
    push,
    side_by_side,
    site_speed,
    stack_speed,
)
from tests.benchmarks.result import Result
from tests.support.stack import ROOT

RESULTS: Final = ROOT / ".bench" / "results.json"


def p13() -> dict[str, Result]:
    """The local stack: like apps on ours and on serverless-offline, then Ping-Pong itself."""
    return side_by_side.measure() | stack_speed.measure()


BENCHMARKS: Final[dict[str, Callable[[], dict[str, Result]]]] = {
    "P1": push.measure,  # and P2
    "P3": large_room.measure,
    "P4": busy_room.measure,  # and P5
    "P6": cost.measure,
    "P7": cold_start.measure,
    "P8": package_size.measure,
    "P9": one_chat.measure,
    "P10": site_speed.measure,
    "P11": long_log.measure,
    "P12": catch_up.measure,
    "P13": p13,
}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, help="one of them (ONLY=P6)")
    only = parser.parse_args().only
    results: dict[str, Result] = {}
    for name, measure in BENCHMARKS.items():
        if only in (None, name):
            print(f"{name} …", file=sys.stderr, flush=True)
            results |= measure()
    row = "{:<22} {:>10} {:>10} {:>8}  {}  ({})"
    print(row.format("", "ours", "peer", "ratio", "unit", "goal"))
    for name, result in results.items():
        peer = "-" if result.peer is None else f"{result.peer:g}"
        ratio = "-" if result.ratio is None else f"{result.ratio:g}×"
        print(row.format(name, f"{result.ours:g}", peer, ratio, result.unit, result.goal))
        if result.note:
            print(f"{'':<22} {result.note}")
    RESULTS.parent.mkdir(exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known |= {name: {**asdict(r), "ratio": r.ratio} for name, r in results.items()}
    RESULTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
