"""A crowd on Ping-Pong itself, from a process of its own: `python -m tests.benchmarks.load_crowd`.

Takes the people's seats and what they are to do as JSON from stdin, writes how it went to
stdout. Fails when anybody's history is not complete, in order, and the same as the others'.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from tests.support.crowd import Seat, talk


def main() -> None:
    """Have them talk."""
    task: dict[str, Any] = json.load(sys.stdin)
    seats = [Seat(**seat) for seat in task.pop("seats")]
    print(json.dumps(asdict(asyncio.run(talk(seats, **task)))))


if __name__ == "__main__":
    main()
