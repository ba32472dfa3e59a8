"""`make cost`: what so many people would cost a month, and what they would cost otherwise."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields

from infra.cost import load, measured, prices, report, template
from infra.cost.compare import World
from infra.cost.load import Habits, LoadError
from infra.errors import InfraError

_NUMBERS = {
    "users": "people who use it (USERS=1000)",
    "chats_per_user": "chats a person writes a day (CHATS_PER_USER=50)",
    "room": "members of a room (ROOM=8)",
    "hours_online": "hours a person is connected a day (HOURS_ONLINE=2)",
    "days": "days of the month (DAYS=30)",
    "months": "months that it has been so, as chats stay (MONTHS=12)",
    "frame_pace_ms": "FRAME_PACE_MS, if not as the template has it",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    options = _parser().parse_args(arguments)
    asked = {name: getattr(options, name) for name in _NUMBERS}
    try:
        wanted = load.parse(
            {name: text for name, text in asked.items() if text is not None},
            _habits(options.habits),
            domain=options.domain,
            tracing=options.tracing,
        )
        world = World(
            prices.load(options.region), measured.load(), template.read(), not options.no_free_tier
        )
    except InfraError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report.as_json(world, wanted), indent=1, allow_nan=False))
    else:
        print(report.text(world, wanted, explain=options.explain), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make cost", description=__doc__)
    for name, what in _NUMBERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="N", help=what)
    parser.add_argument(
        "--region", default="ap-northeast-2", help="where it runs (REGION=ap-northeast-2)"
    )
    names = ", ".join(each.name for each in fields(Habits))
    parser.add_argument(
        "--habits",
        default="",
        metavar="'NAME=N …'",
        help=f"how people chat, where it is assumed: {names}",
    )
    parser.add_argument("--domain", action="store_true", help="with a domain in Route 53")
    parser.add_argument("--tracing", action="store_true", help="with X-Ray (Tracing=Active)")
    parser.add_argument("--no-free-tier", action="store_true", help="as if nothing were free")
    parser.add_argument("--explain", action="store_true", help="show the arithmetic (EXPLAIN=1)")
    parser.add_argument("--json", action="store_true", help="for programs (JSON=1)")
    return parser


def _habits(text: str) -> dict[str, str]:
    found = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not equals:
            raise LoadError("HABITS", "must be pairs as looking=0.3", repr(part))
        found[name] = value
    return found


if __name__ == "__main__":
    sys.exit(main())
