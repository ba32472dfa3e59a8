"""People talk in a room, through the real handlers in processes of their own, and all hear it."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks import prices, rig, seed
from tests.benchmarks.lambdas import Fleet, Invocation, running_fleet
from tests.benchmarks.prices import Bill
from tests.benchmarks.units import Units
from tests.support.management_stub import Posted, read_record

#: Processes of each Lambda at most, and so many of the message Lambda before it begins.
CONCURRENCY: Final = 16
WARM: Final = 8
#: Chats before those that count, and the seconds between them.
WARM_UP: Final = 40
WARM_UP_SECONDS: Final = 0.05

#: Ms by which a machine that keeps up is not late.
LATE_MS: Final = 1000

_runs: Final = itertools.count(1)


@dataclass(frozen=True)
class Talk:
    """What came of it."""

    chats: int
    #: Connections besides the sender's.
    others: int
    #: From the first chat's event to the last one's, and to the end of the last invocation.
    offered_seconds: float
    seconds: float
    invocations: Sequence[Invocation]
    posts: Sequence[Posted]
    #: Of each chat to each who did not write it, ms from its event until it is posted, sorted.
    ways_ms: Sequence[float]

    @property
    def deliveries(self) -> int:
        """Chats times those who hear them and did not write them."""
        return self.chats * self.others

    @property
    def keeps_up(self) -> bool:
        """Whether everybody got every chat, and nothing piled up on this machine."""
        is_late = (
            self.way_ms(0.95) > LATE_MS or self.seconds > self.offered_seconds + LATE_MS / 1000
        )
        return len(self.ways_ms) == self.deliveries and not is_late

    @property
    def bill(self) -> Bill:
        """Of all of it."""
        return prices.bill(self.invocations, [len(post.body) for post in self.posts])

    @property
    def units(self) -> Units:
        """Of DynamoDB, all of them."""
        return sum((each.units for each in self.invocations), Units())

    @property
    def calls(self) -> Counter[str]:
        """Of DynamoDB, all of them."""
        return sum((each.calls for each in self.invocations), Counter[str]())

    def way_ms(self, part: float) -> float:
        """So many of the ways are no longer."""
        if not self.ways_ms:
            return math.inf
        return self.ways_ms[min(len(self.ways_ms) - 1, int(part * len(self.ways_ms)))]


def evenly(per_second: float, chats: int) -> list[float]:
    """When chats come, in seconds."""
    return [number / per_second for number in range(chats)]


def poisson(per_second: float, chats: int) -> list[float]:
    """The same number in the same time, each at any moment of it."""
    random_ = random.Random(4)
    return sorted(random_.uniform(0, chats / per_second) for _ in range(chats))


async def talk(
    tables: rig.Environment,
    arrivals: Sequence[float],
    *,
    room: int,
    people: int,
    pace_ms: int,
    warm_up: int = WARM_UP,
    warm: int = WARM,
) -> Talk:
    """Have people talk in a room of which all are members and which all hear.

    Args:
        arrivals: when the chats come, in seconds.
        pace_ms: FRAME_PACE_MS.
        warm_up: so many chats come before, and do not count.
        warm: so many processes there are of the message Lambda before that.
    """
    with tempfile.TemporaryDirectory() as directory:
        record = Path(directory) / "posts.jsonl"
        with rig.management(record) as management:
            environment = {**tables, **management, "FRAME_PACE_MS": str(pace_ms)}
            async with running_fleet(environment, CONCURRENCY) as fleet:
                await fleet.warm("websocket_message", warm)
                await fleet.warm("push", 1)
                before = [number * WARM_UP_SECONDS for number in range(warm_up)]
                await _say(fleet, before, room, people)
                fleet.invocations.clear()
                began = time.monotonic()
                asked = await _say(fleet, arrivals, room, people)
                invocations = list(fleet.invocations)
        posts = [post for post in read_record(record) if post.at >= began]
    ways_ms = _ways_ms(asked, posts)
    return Talk(
        chats=len(arrivals),
        others=people - 1,
        offered_seconds=max(arrivals),
        seconds=max(each.ended for each in invocations) - began,
        invocations=invocations,
        posts=posts,
        ways_ms=ways_ms,
    )


async def _say(fleet: Fleet, arrivals: Sequence[float], room: int, people: int) -> dict[str, float]:
    """Send chats at their times; returns when each was sent that is stored, by its cid."""
    run, random_ = next(_runs), random.Random(5)
    asked: dict[str, float] = {}

    async def one(number: int) -> None:
        cid = f"bench-{run}-{number:06}"
        event = rig.send_chat(random_.randrange(people), room, cid)
        invocation = await fleet.invoke("websocket_message", event)
        if json.loads(invocation.answer["body"])["type"] == "ok":
            asked[cid] = invocation.asked

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number, at in enumerate(arrivals):
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            tasks.create_task(one(number))
    await fleet.drain()
    return asked


def _ways_ms(asked: dict[str, float], posts: Sequence[Posted]) -> list[float]:
    """Of each chat to each connection but the sender's; its first post counts."""
    first: dict[tuple[str, str], float] = {}
    writer: dict[str, str] = {}
    for post in posts:
        for entry in json.loads(post.body)["entries"]:
            first.setdefault((entry["cid"], post.connection_id), post.at)
            writer[entry["cid"]] = seed.connection_of(entry["user_id"])
    return sorted(
        (at - asked[cid]) * 1000
        for (cid, connection_id), at in first.items()
        if cid in asked and writer[cid] != connection_id
    )
