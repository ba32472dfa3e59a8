"""What so many people online ask of AWS: `python -m tests.benchmarks.sizes`.

A day's average would hide the evening, so this is per second, of people who are there. The model is
stated in docs/operations.md, which has this table; money is infra/cost's business.
"""

from __future__ import annotations

from typing import Final

PEOPLE: Final = (100, 10_000, 1_000_000)
#: Of each person who is online.
FRAMES_PER_MINUTE: Final = 3.0
CHATS_PER_MINUTE: Final = 0.4
#: A person's room: so many people, all of them listening.
ROOM: Final = 10
READ_UNITS_PER_FRAME: Final = 5.0
WRITE_UNITS_PER_FRAME: Final = 1.5
LAMBDA_SECONDS_PER_FRAME: Final = 0.15
#: A connection is renewed after 105 to 115 minutes.
RENEWAL_SECONDS: Final = 110 * 60


def row(people: int) -> list[float]:
    """Per second: frames, chats, posts, RRU, WRU, Lambdas at once, new connections."""
    frames = people * FRAMES_PER_MINUTE / 60
    chats = people * CHATS_PER_MINUTE / 60
    return [
        frames,
        chats,
        chats * (ROOM - 1),
        frames * READ_UNITS_PER_FRAME,
        frames * WRITE_UNITS_PER_FRAME,
        frames * LAMBDA_SECONDS_PER_FRAME,
        people / RENEWAL_SECONDS,
    ]


def table() -> str:
    """The table in Markdown."""
    lines = [
        "| people online | frames a second | chats | posts | RRU | WRU | Lambdas at once "
        "| renewed connections |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for people in PEOPLE:
        cells = " | ".join(
            f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in row(people)
        )
        lines.append(f"| {people:,} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
