"""P4, P5: posts, dollars and delays in a busy room and in a quiet one.

Everything is real (handlers in processes of their own, the emulator's DynamoDB, TLS) but AWS's
own time to start an asynchronous invocation. The peer is the same code with FRAME_PACE_MS=0:
every chat goes to every listener at once, in a post of its own, as chats usually do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.benchmarks import busy_talk, driver, processes, rig
from tests.benchmarks.busy_talk import Talk
from tests.benchmarks.result import Result
from tests.conftest import DEFAULTS

PACE_MS: Final = 200
POSTS_GOAL: Final = "≤ 1/8"


#: When so many chats come at so many a second.
Arrivals = Callable[[float, int], list[float]]


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    listeners: int = 100
    #: Chats a second: the first that this machine keeps up with, naively too.
    rates: Sequence[float] = (50, 40, 30, 20, 10)
    seconds: float = 10
    quiet_chats: int = 20
    warm_up: int = busy_talk.WARM_UP
    warm: int = busy_talk.WARM
    arrivals: Mapping[str, Arrivals] = field(
        default_factory=lambda: {"": busy_talk.evenly, " Poisson": busy_talk.poisson}
    )

    async def talk(
        self, tables: rig.Environment, arrivals: Sequence[float], room: int, pace_ms: int
    ) -> Talk:
        """Have them talk."""
        return await busy_talk.talk(
            tables,
            arrivals,
            room=room,
            people=self.listeners,
            pace_ms=pace_ms,
            warm_up=self.warm_up,
            warm=self.warm,
        )


def measure(size: Size = Size(), endpoint: str = "") -> dict[str, Result]:
    """P4 and P5, on the emulator at ``endpoint`` or on one of its own."""
    results: dict[str, Result] = {}
    with rig.tables(endpoint) as tables:
        rooms = iter(range(100))
        driver.run(
            "seed",
            environment=tables,
            rooms=list(range(4 * len(size.rates) + 2)),
            people=size.listeners,
            listeners=size.listeners,
        )
        for name, arrivals in size.arrivals.items():
            results |= _busy(tables, rooms, size, name, arrivals)
        results |= _quiet(tables, rooms, size)
    return results


def _busy(
    tables: rig.Environment,
    rooms: Any,
    size: Size,
    name: str,
    arrivals: Arrivals,
) -> dict[str, Result]:
    others = processes.Others()
    tried = []
    for rate in size.rates:
        times = arrivals(rate, round(rate * size.seconds))
        ours, peer = (
            asyncio.run(size.talk(tables, times, next(rooms), pace_ms)) for pace_ms in (PACE_MS, 0)
        )
        tried.append((rate, ours))
        told = f"  {rate:g}/s{name}: ours p95 {ours.way_ms(0.95):.0f} ms, kept up"
        told += f" {ours.keeps_up}; peer p95 {peer.way_ms(0.95):.0f} ms, {peer.keeps_up}"
        print(told, file=sys.stderr, flush=True)
        if ours.keeps_up and peer.keeps_up:
            break
    noise = f"others used {others.cpus:.1f} CPUs"
    if not (ours.keeps_up and peer.keeps_up):
        noise = f"too much for this machine as it was: {noise}"
    results = _results(name, rate, ours, peer, noise)
    for higher, alone in tried[:-1]:
        if alone.keeps_up:  # where only the peer did not
            results[f"P4{name}, {higher:g}/s"] = Result(
                ours=_per_delivery(alone),
                unit=f"posts per chat and listener, {higher:g} chats/s, which the peer can't here",
                goal=POSTS_GOAL,
                note=f"{_dollars(alone)}; {_ways(alone)}",
            )
            break
    return results | _modelled(name, size, arrivals)


def _results(name: str, rate: float, ours: Talk, peer: Talk, noise: str) -> dict[str, Result]:
    load = f"{ours.others + 1} listening, {rate:g} chats/s"
    return {
        f"P4{name}": Result(
            ours=_per_delivery(ours),
            peer=_per_delivery(peer),
            unit=f"posts per chat and listener, {load}",
            goal=f"{POSTS_GOAL} at 50/s",
            note=noise,
        ),
        f"P4 cost{name}": Result(
            ours=_dollars_per_million(ours),
            peer=_dollars_per_million(peer),
            unit=f"$ per million delivered chats, {load}",
            goal="≤ 0.20 at 50/s",
            note=f"ours {_dollars(ours)}; peer {_dollars(peer)}",
        ),
        f"P4 way{name}": Result(
            ours=round(ours.way_ms(0.5)),
            peer=round(peer.way_ms(0.5)),
            unit=f"ms from a chat's event to its post, median, {load}",
            goal="-",
            note=f"ours {_ways(ours)}; peer {_ways(peer)}",
        ),
    }


def _modelled(name: str, size: Size, arrivals: Arrivals) -> dict[str, Result]:
    """The count at the first of the rates, in simulated time."""
    rate = size.rates[0]
    times = arrivals(rate, round(rate * size.seconds))
    task = {"arrivals": times, "people": size.listeners}
    ours, peer = (
        driver.run("busy_model", environment=DEFAULTS, pace_ms=pace_ms, **task)
        for pace_ms in (PACE_MS, 0)
    )
    deliveries = len(times) * (size.listeners - 1)
    ways = ours["ways_ms"]
    dollars = [sum(each["bill"].values()) / deliveries * 1e6 for each in (ours, peer)]
    return {
        f"P4 cost{name}, simulated": Result(
            ours=round(dollars[0], 3),
            peer=round(dollars[1], 3),
            unit=f"$ per million delivered chats at {rate:g} chats/s in simulated time",
            goal="≤ 0.20",
        ),
        f"P4{name}, simulated": Result(
            ours=round(ours["posts"] / deliveries, 3),
            peer=round(peer["posts"] / deliveries, 3),
            unit=f"the same at {rate:g} chats/s in simulated time",
            goal=POSTS_GOAL,
            note=f"{ours['frames']} frames in {size.seconds:g} s; "
            f"way {ways[len(ways) // 2]:.0f} ms, p95 {ways[int(0.95 * len(ways))]:.0f} ms",
        ),
    }


def _quiet(tables: rig.Environment, rooms: Any, size: Size) -> dict[str, Result]:
    """Both ways at the same time, by turns, so that a noisy second meets both."""

    async def both() -> list[Talk]:
        return await asyncio.gather(
            *(
                size.talk(
                    tables,
                    [second + shift for second in range(size.quiet_chats)],
                    next(rooms),
                    pace_ms,
                )
                for pace_ms, shift in ((PACE_MS, 0.5), (0, 0.0))
            )
        )

    ours, peer = asyncio.run(both())
    per_chat = f"per chat, one a second, {size.listeners} listening"
    same = "the same"
    return {
        "P5": Result(
            ours=ours.calls.total() / ours.chats,
            peer=peer.calls.total() / peer.chats,
            unit=f"DynamoDB calls {per_chat}",
            goal=same,
            note=f"ours {dict(ours.calls)}; peer {dict(peer.calls)}",
        ),
        "P5 units": Result(
            ours=round(ours.units.dollars_per_million / ours.chats, 4),
            peer=round(peer.units.dollars_per_million / peer.chats, 4),
            unit=f"$ of DynamoDB per million chats, {per_chat}",
            goal=same,
            note=f"ours {_units(ours)}; peer {_units(peer)}",
        ),
        "P5 posts": Result(
            ours=len(ours.posts) / ours.chats,
            peer=len(peer.posts) / peer.chats,
            unit=f"posts {per_chat}",
            goal=same,
        ),
        "P5 way": Result(
            ours=round(ours.way_ms(0.5), 1),
            peer=round(peer.way_ms(0.5), 1),
            unit=f"ms from a chat's event to its post, median, {per_chat}",
            goal=same,
            note=f"ours {_ways(ours)}; peer {_ways(peer)}",
        ),
    }


def _per_delivery(talk: Talk) -> float:
    return round(len(talk.posts) / talk.deliveries, 3)


def _dollars_per_million(talk: Talk) -> float:
    return round(talk.bill.dollars / talk.deliveries * 1e6, 3)


def _dollars(talk: Talk) -> str:
    bill, million = talk.bill, 1e6 / talk.deliveries
    return (
        f"${bill.dollars * million:.3f} (posts {bill.posts * million:.3f}, events and replies "
        f"{bill.frames * million:.3f}, DynamoDB {bill.dynamodb * million:.3f}, Lambda "
        f"{bill.lambdas * million:.3f})"
    )


def _ways(talk: Talk) -> str:
    return f"{talk.way_ms(0.5):.0f} ms, p95 {talk.way_ms(0.95):.0f}, longest {talk.ways_ms[-1]:.0f}"


def _units(talk: Talk) -> str:
    return f"{talk.units.writes / talk.chats:g} WRU, {talk.units.reads / talk.chats:g} RRU a chat"
