"""P12: back after a drop, with something missed in each of 50 rooms.

The peer asks for each room's history by itself, one after another, which is how clients do it
whose servers know one room at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.benchmarks import driver, prices, rig
from tests.benchmarks.result import Result
from tests.benchmarks.units import Units

#: People who talk in each room.
PEOPLE: Final = 10


def measure(rooms: int = 50, endpoint: str = "") -> dict[str, Result]:
    """P12, with one chat missed in each room; the note has three."""
    with rig.tables(endpoint) as tables:
        driver.run(
            "seed",
            environment=tables,
            rooms=list(range(rooms)),
            people=PEOPLE,
            listeners=PEOPLE,
            chats_each=3,
            read=False,
        )
        one, three = (
            driver.run(
                "in_process",
                environment=tables,
                kind="catch_up",
                rooms=rooms,
                after=3 - missed,
                until=3,
            )
            for missed in (1, 3)
        )
    ours, peer = one["together"], one["each"]
    missed = f"one chat missed in each of {rooms} rooms"
    more = len(three["together"]["frames"])
    return {
        "P12": Result(
            ours=len(ours["frames"]),
            peer=len(peer["frames"]),
            unit=f"requests, and as many replies, {missed}",
            goal="1",
            note=f"{more} with three missed in each: a reply is one message of 32 KB at most",
        ),
        "P12 messages": Result(
            ours=_messages(ours),
            peer=_messages(peer),
            unit="messages billed by API Gateway",
            goal="2",
            note=f"the largest reply has {max(size for _, size in ours['frames'])} bytes",
        ),
        "P12 calls": Result(
            ours=sum(ours["calls"].values()),
            peer=sum(peer["calls"].values()),
            unit="DynamoDB calls",
            goal="-",
            note=f"ours {_reads(ours):g} RRU, the peer {_reads(peer):g}",
        ),
        "P12 time": Result(
            ours=round(ours["seconds"] * 1000),
            peer=round(peer["seconds"] * 1000),
            unit="ms in the handler, the peer's requests one after another",
            goal="-",
            note=f"CPU {ours['cpu_seconds'] * 1000:.0f} and {peer['cpu_seconds'] * 1000:.0f} ms",
        ),
    }


def _messages(found: Mapping[str, Any]) -> int:
    return sum(prices.messages(size) for frames in found["frames"] for size in frames)


def _reads(found: Mapping[str, Any]) -> float:
    return Units(**found["units"]).reads
