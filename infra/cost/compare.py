"""All ways beside each other: what they cost, also idle, and from when on which is cheaper."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from infra.cost import bill, ours, sample, servers
from infra.cost.bill import Bill
from infra.cost.load import Load
from infra.cost.measured import Measured
from infra.cost.prices import Prices
from infra.cost.template import TemplateFacts

#: Up to so many people ways are compared: beyond, nobody would have servers of these sizes, and
#: prices are negotiated.
COMPARED_MAX: Final = 1_000_000
#: Numbers of people that are tried between the least and the most, on a logarithmic scale.
STEPS: Final = 160


@dataclass(frozen=True)
class World:
    """Everything that a bill depends on but the load."""

    prices: Prices
    measured: Measured
    facts: TemplateFacts
    free_tier: bool = True

    def ours(self, load: Load) -> Bill:
        """Ping-Pong's month."""
        return bill.of("Ping-Pong", ours.items(load, self.measured, self.facts), self.prices)

    def idle(self, load: Load) -> Bill:
        """A month in which nobody comes, after those in which the load was."""
        items = ours.idle_items(load, self.measured, self.facts)
        return bill.of("Ping-Pong, idle", items, self.prices)

    def dollars(self, found: Bill | None) -> float:
        """What a bill comes to; what can't be is dearer than anything."""
        return math.inf if found is None else found.total(free_tier=self.free_tier)


@dataclass(frozen=True)
class Way:
    """Another way to carry the same load."""

    name: str
    #: Its month; None where it can't carry that.
    bill: Callable[[Load], Bill | None]
    #: What remains with nobody there.
    idle: Callable[[Load], Bill | None]
    #: Whether it is somebody else's way, so that break-evens are asked for.
    is_other: bool = True


def ways(world: World) -> list[Way]:
    """Ours, ours with less, and the other ways."""

    def nothing(_: Load) -> Bill:
        return bill.of("nothing", [], world.prices)

    def scanning(name: str, by_room: bool) -> Callable[[Load], Bill]:
        def month(load: Load) -> Bill:
            items = sample.items(load, world.measured, by_room=by_room)
            return bill.of(name, items, world.prices)

        return month

    def serving(spare: bool, atlas: bool = False) -> Callable[[Load], Bill | None]:
        def month(load: Load) -> Bill | None:
            plan = servers.plan(load, world.measured, world.facts, spare=spare, atlas=atlas)
            return None if plan is None else bill.of(plan.name, plan.items, world.prices)

        return month

    def empty(spare: bool, atlas: bool = False) -> Callable[[Load], Bill | None]:
        # The least that there can be: nobody is there, and nothing is stored.
        month = serving(spare, atlas)
        return lambda load: month(replace(load, users=0))

    def at_once(load: Load) -> Bill:
        return world.ours(replace(load, frame_pace_ms=0))

    def changed(**habits: float) -> Callable[[Load], Bill]:
        return lambda load: world.ours(replace(load, habits=replace(load.habits, **habits)))

    scan, query = (
        Way(name, scanning(name, by_room), nothing)
        for name, by_room in (
            ("simple-websockets-chat-app", False),
            ("… asking for the room only", True),
        )
    )
    return [
        Way("Ping-Pong", world.ours, world.idle, is_other=False),
        Way("… each chat posted at once", at_once, world.idle, is_other=False),
        Way("… if nobody saw chats come", changed(looking=0), world.idle, is_other=False),
        Way(
            "… nor typed: chats alone",
            changed(looking=0, typing_seconds=0),
            world.idle,
            is_other=False,
        ),
        scan,
        query,
        Way("EC2, one of each", serving(False), empty(False)),
        Way("EC2, MongoDB Atlas", serving(False, atlas=True), empty(False, atlas=True)),
        Way("EC2, any may fail", serving(True), empty(True)),
    ]


class Cheaper(Enum):
    """Which of two ways is."""

    OURS = "ours"
    OTHER = "other"
    #: There is no other: it can't carry so many.
    NO_OTHER = "no other"


@dataclass(frozen=True)
class Crossing:
    """From so many people on it is so."""

    users: int
    cheaper: Cheaper


def crossings(world: World, way: Way, load: Load) -> list[Crossing]:
    """Numbers of people from which on another way is cheaper, or ours is.

    Ascending, from the least number of people that the load allows up to COMPARED_MAX. Costs of
    servers are steps, so there can be several; two within 1/STEPS of the scale may be missed.
    """

    def cheaper(users: int) -> Cheaper:
        now = load.of(users)
        other = way.bill(now)
        if other is None:
            return Cheaper.NO_OTHER
        is_ours = world.dollars(world.ours(now)) <= world.dollars(other)
        return Cheaper.OURS if is_ours else Cheaper.OTHER

    least = load.room
    ratio = (COMPARED_MAX / least) ** (1 / STEPS)
    tried = sorted({round(least * ratio**step) for step in range(STEPS + 1)})
    known = {users: cheaper(users) for users in tried}
    found = [Crossing(tried[0], known[tried[0]])]
    for low, high in itertools.pairwise(tried):
        begin, end = low, high
        if known[low] is known[high]:
            continue
        while end - begin > 1:
            middle = (begin + end) // 2
            if cheaper(middle) is known[low]:
                begin = middle
            else:
                end = middle
        found.append(Crossing(end, known[high]))
    return found
