"""What the app does for each command, as tests counted it: measured.json, and nothing else.

Written by `python -m tests.benchmarks.measure_counts`; a test counts again and compares.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.errors import InfraError

FILE: Final = Path(__file__).with_name("measured.json")
#: A read request unit. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
READ_BYTES: Final = 4096
#: A Lambda has a whole vCPU from so many MB on, and less in proportion below.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VCPU_GB: Final = 1769 / 1024


@dataclass(frozen=True)
class Command:
    """What one takes, in a room of `Measured.people` who all listen."""

    name: str
    function: str
    #: DynamoDB's calls, of whatever kind.
    calls: int
    wru: float
    rru: float
    #: Of the calls, those that ask who listens.
    audience_queries: int
    posts: int
    posts_per_other: float
    request_bytes: float
    reply_bytes: float
    push_bytes: float
    log_bytes: float
    #: Of rows that stay.
    stored_bytes: float
    cpu_ms: float
    #: What one more room of somebody's, or one more member, adds.
    growth: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BusyChat:
    """What a chat takes on average in a room that is as busy as asked."""

    frames: float
    posts_per_other: float
    writes: float
    log_reads: float
    names_read: float
    workers: float
    worker_seconds: float
    message_seconds: float


@dataclass(frozen=True)
class Measured:
    """The file."""

    date: str
    machine: str
    load: float
    people: int
    audience_row_bytes: int
    commands: Mapping[str, Command]
    limits: Mapping[str, int]
    custom_metrics: int
    site: Mapping[str, int]
    post_cpu_ms: float
    call_ms: float
    post_ms: float
    rates: Sequence[float]
    paces_ms: Sequence[float]
    #: By pace, then by rate.
    busy: Sequence[Sequence[Mapping[str, float]]]

    def audience_units(self, listeners: float) -> int:
        """Read units of asking who listens; consistently, hence whole ones.

        Who has to share a large room out to workers asks whether there are so many, and a worker
        then asks for all (chalicelib/push_worker.py).
        """
        most = self.limits["audience_inline_max"]
        asked = [listeners] if listeners <= most else [most + 1, listeners]
        return sum(max(1, math.ceil(each * self.audience_row_bytes / READ_BYTES)) for each in asked)

    def workers(self, others: float) -> int:
        """Push workers that a frame to so many takes: a full number each, and the rest."""
        most = self.limits["audience_inline_max"]
        return math.ceil(others / most) if others >= most else 0

    def busy_chat(self, rate: float, pace_ms: float) -> BusyChat:
        """A chat in a room with so many chats a second, at this FRAME_PACE_MS.

        Between the points that were simulated: in proportion to the logarithm of the rate, and
        to the pace. A room that is quieter than the quietest point is as that; one that is
        busier than the busiest shares frames, whose number a second is bounded, among more
        chats.
        """
        low, high, share = _between(self.paces_ms, pace_ms)
        below, above = (self._at_rate(self.busy[each], rate) for each in (low, high))
        return BusyChat(**{name: _mix(below[name], above[name], share) for name in below})

    def _at_rate(self, points: Sequence[Mapping[str, float]], rate: float) -> dict[str, float]:
        if rate > self.rates[-1]:
            last, shared = points[-1], self.rates[-1] / rate
            if last["frames"] > 0.5:  # nothing is shared at this pace
                return dict(last)
            # What comes with a frame is shared by more; a write, a name and a message are not.
            alone = {"writes": 3.0, "names_read": last["names_read"], "message_seconds": 0.02}
            return {
                name: alone.get(name, 0.0) + (value - alone.get(name, 0.0)) * shared
                for name, value in last.items()
            }
        logarithms = [math.log(each) for each in self.rates]
        low, high, share = _between(logarithms, math.log(max(rate, self.rates[0])))
        return {name: _mix(points[low][name], points[high][name], share) for name in points[low]}


def _between(points: Sequence[float], value: float) -> tuple[int, int, float]:
    """The points around a value, and how far it is from the first to the second."""
    high = min(max(bisect_right(points, value), 1), len(points) - 1)
    low = high - 1
    share = (value - points[low]) / (points[high] - points[low])
    return low, high, min(1.0, max(0.0, share))


def _mix(first: float, second: float, share: float) -> float:
    return first + (second - first) * share


def load(path: Path = FILE) -> Measured:
    """Read the file.

    Raises:
        InfraError: it is not there, or not what the command that writes it writes.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _measured(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InfraError(
            f"{path}: {type(error).__name__}: {error}; "
            "write it anew: python -m tests.benchmarks.measure_counts"
        ) from error


def _measured(content: Mapping[str, Any]) -> Measured:
    busy, cpu = content["busy"], content["cpu"]
    return Measured(
        date=content["date"],
        machine=cpu["machine"],
        load=cpu["load"],
        people=content["people"],
        audience_row_bytes=content["audience_row_bytes"],
        commands={name: _command(name, each) for name, each in content["commands"].items()},
        limits=content["limits"],
        custom_metrics=content["custom_metrics"],
        site=content["site"],
        post_cpu_ms=cpu["post_ms"],
        call_ms=busy["call_ms"],
        post_ms=busy["post_ms"],
        rates=busy["rates"],
        paces_ms=busy["paces_ms"],
        busy=busy["chat"],
    )


def _command(name: str, content: Mapping[str, Any]) -> Command:
    rest = {key: value for key, value in content.items() if key != "calls"}
    growth = rest.pop("per_room", None) or rest.pop("per_member", None) or {}
    return Command(name=name, calls=sum(content["calls"].values()), growth=growth, **rest)
