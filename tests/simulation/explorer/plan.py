"""What happens in a run besides its schedule: who does what, and which faults there are."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.simulation.explorer.scheduler import Choice, Fault, Schedule


class Kind(StrEnum):
    """What a run is about."""

    #: Calls are slow and repeated, but nobody dies: everything is pushed without being asked for.
    CALM = "calm"
    #: The same, in a busy room with latencies like real ones: frames are few and not late.
    BUSY = "busy"
    #: Lambdas die.
    DEATHS = "deaths"
    #: Answers get lost, calls arrive late.
    LOSSES = "losses"
    #: All of it.
    ROUGH = "rough"


#: As settings.py has it by default.
CHAT_WINDOW_MS: Final = 8_000
KINDS: Final = (Kind.CALM, Kind.CALM, Kind.BUSY, Kind.DEATHS, Kind.DEATHS, Kind.LOSSES,
                Kind.ROUGH, Kind.ROUGH, Kind.ROUGH, Kind.ROUGH)  # fmt: skip
FAULTS: Final = {
    Kind.CALM: (Fault.TWICE, Fault.HELD),
    Kind.BUSY: (),
    Kind.DEATHS: (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.HELD),
    Kind.LOSSES: (Fault.TWICE, Fault.GHOST, Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.HELD),
    Kind.ROUGH: tuple(Fault),
}


@dataclass(slots=True)
class Plan:
    """A run but for its schedule."""

    kind: Kind
    schedule: Schedule
    #: How many claims of a member are kept.
    slots: int
    #: How many chats each sender says.
    chats: list[int]
    #: Chats of one sender are said without waiting for the ones before.
    is_parallel: bool
    #: After a try without an answer, others are said before it is repeated.
    moves_on: bool
    #: Within how many ms people begin.
    span: int
    notices: int
    readers: int
    marks: int
    #: How many of the senders leave, and how many of those come back.
    leaves: int
    returns: int
    joins: int
    resumes: int
    #: How probable it is that a frame is delivered twice, and that a repeat races its first try.
    twice: float
    races: float
    #: How probable it is that a post is lost, comes twice, comes late.
    loss: float
    is_closed: bool = False
    #: By how many ms clocks may be wrong.
    skew: int = 0
    #: In so many ms a member says as many chats at most as they have claims; 0: any number.
    window_ms: int = 0


def draw(rng: random.Random) -> Plan:
    """A plan by chance."""
    kind = rng.choice(KINDS)
    if kind is Kind.BUSY:
        return _busy(rng)
    rate = rng.choice((0.02, 0.05, 0.1, 0.2))
    choice = rng.choice((Choice.RANDOM, Choice.RANDOM, Choice.PRIORITY, Choice.TIME))
    tick = 0 if choice is Choice.TIME else rng.choice((2, 10, 60, 400))
    jumps = rng.choice((0.0, 0.0, 0.0, 0.02))
    schedule = Schedule(choice, tick, rate, FAULTS[kind], jumps)
    senders = rng.choice((1, 1, 2, 2, 3))
    each = 6 if senders == 1 else 2
    plan = Plan(
        kind=kind,
        schedule=schedule,
        slots=rng.choice((2, 3, 8)),
        chats=[rng.randint(1, each) for _ in range(senders)],
        is_parallel=rng.random() < 0.5,
        moves_on=rng.random() < 0.5,
        span=rng.choice((0, 20, 200, 1500)),
        notices=rng.choice((0, 0, 1, 2)),
        readers=rng.choice((0, 1, 2)),
        marks=rng.choice((0, 1, 2)),
        leaves=rng.choice((0, 0, 0, 1)),
        returns=rng.choice((0, 1)),
        joins=rng.choice((0, 1)),
        resumes=rng.choice((0, 0, 1)),
        twice=rng.choice((0.0, 0.0, 0.3)),
        races=rng.choice((0.0, 0.4)),
        loss=rng.choice((0.0, 0.0, 0.2)),
        is_closed=kind is Kind.ROUGH and rng.random() < 0.05,
        skew=rng.choice((0, 20)),
    )
    plan.window_ms = rng.choice((0, CHAT_WINDOW_MS))
    special = rng.random()
    if special < 0.1:
        _crowd(plan, rng)
    elif special < 0.2:
        _forget(plan, rng)
    elif special < 0.25:
        _join_talking(plan)
    return plan


def _crowd(plan: Plan, rng: random.Random) -> None:
    """Several tries of one chat at once, whose places readers take for holes."""
    plan.chats, plan.twice, plan.races, plan.readers = [1], 1.0, 1.0, 2
    plan.span = rng.choice((0, 20))
    plan.leaves = plan.joins = 0
    if plan.schedule.choice is not Choice.TIME:
        plan.schedule.tick_max = 400


def _forget(plan: Plan, rng: random.Random) -> None:
    """One person says so much at once that their claims are soon forgotten."""
    plan.chats, plan.slots, plan.is_parallel = [rng.randint(4, 7)], 2, True
    plan.readers, plan.moves_on = 2, True
    plan.span = rng.choice((200, 1500))
    plan.leaves = plan.joins = 0


def _join_talking(plan: Plan) -> None:
    """Somebody says something at the moment at which they join."""
    plan.chats, plan.joins, plan.leaves, plan.span = [1], 1, 0, 0
    plan.schedule.fault_rate = 0.2


def _busy(rng: random.Random) -> Plan:
    senders = rng.randint(2, 4)
    return Plan(
        kind=Kind.BUSY,
        schedule=Schedule(Choice.TIME, 0),
        slots=8,
        chats=[rng.randint(1, 5) for _ in range(senders)],
        is_parallel=rng.random() < 0.5,
        moves_on=False,
        span=rng.choice((20, 200, 1000, 3000)),
        notices=rng.choice((0, 1)),
        readers=0,
        marks=rng.choice((0, 2)),
        leaves=0,
        returns=0,
        joins=rng.choice((0, 1)),
        resumes=rng.choice((0, 1)),
        twice=0.0,
        races=0.0,
        loss=0.0,
    )
