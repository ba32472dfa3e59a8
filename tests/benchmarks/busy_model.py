"""A busy room in time that is counted, not waited for: the code of the push on a room in memory.

`python -m tests.benchmarks.busy_model`. Exact, and the same on every machine; but every call
takes a fixed time, and Lambdas never wait for a CPU. The explorer (tests/simulation) has the
room and its calls.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

from chalicelib import pushing, writing
from chalicelib.protocol import Entry
from chalicelib.steps import Draft
from tests.benchmarks import prices, units
from tests.benchmarks.prices import Bill
from tests.benchmarks.units import Units
from tests.simulation.explorer.calls import ModelSteps, Surroundings
from tests.simulation.explorer.room import Room

#: What a call takes, in ms; those of DynamoDB take the one that is named "".
CALLS_MS: Final = {"": 5.0, "post": 20.0, "hand_over": 20.0}
#: From a job's acceptance until a worker begins.
WORKER_START_MS: Final = 50.0
#: Calls that are writes, of rows below 1 KB; and a row of the audience.
WRITES: Final = ("take_place", "claim", "store", "acquire", "advance", "release")
SUBSCRIPTION_BYTES: Final = 103
#: The room was quiet before.
START_MS: Final = 60_000.0


@dataclass
class Clock:
    """Carries out the calls of coroutines, in the order of their times."""

    now: float = START_MS
    #: How often each was made.
    calls: Counter[str] = field(default_factory=Counter)
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def start(self, coroutine: Coroutine[Any, Any, Any], at: float) -> None:
        """Have a coroutine begin at a time, in ms."""
        self._at(at, lambda: self._go_on(coroutine, None))

    def run(self) -> None:
        """Go on until all have ended."""
        while self._due:
            self.now, _, act = heapq.heappop(self._due)
            act()

    def _at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._order), act))

    def _go_on(self, coroutine: Coroutine[Any, Any, Any], result: Any) -> None:
        try:
            name, function, arguments, named = coroutine.send(result)
        except StopIteration:
            return
        self.calls[name] += 1
        ms = arguments[0] * 1000 if name == "wait" else CALLS_MS.get(name, CALLS_MS[""])

        def done() -> None:
            self._go_on(coroutine, function(*arguments, **named))

        self._at(self.now + ms, done)


class Model:
    """A room, those who talk in it, and what they were posted."""

    def __init__(self, people: int, pace_ms: int) -> None:
        self.room = Room()
        self.scheduler = Clock()
        self.pace_ms = pace_ms
        self.posts = 0
        self.frames = 0
        #: Of each chat, ms until it was posted.
        self.ways_ms: list[float] = []
        #: Seconds of each invocation of the message Lambda, and of the push worker.
        self.message_seconds: list[float] = []
        self.push_seconds: list[float] = []
        #: Names of writers, which frames of several chats have with them.
        self.names_read = 0
        self._people = people
        self._asked: dict[str, float] = {}
        for number in range(people):
            self.room.save_member(f"user-{number}", self.room.state(), "", int(START_MS))

    def send(self, number: int, at_ms: float) -> None:
        """Have a chat sent so many ms after the beginning."""
        self.scheduler.start(self._send(number), START_MS + at_ms)

    async def _send(self, number: int) -> None:
        steps, cid, began = self._steps(), f"chat-{number}", self.scheduler.now
        self._asked[cid] = began
        draft = Draft(f"user-{number % self._people}", steps.now(), text="chat", cid=cid)
        written = await writing.say(steps, draft)
        assert written.room is not None
        await pushing.push(steps, written.entry, written.room, f"holder-{number}")
        # Before all that, it was looked up whose connection it is.
        self.message_seconds.append((self.scheduler.now - began + CALLS_MS[""]) / 1000)

    def post(self, entries: Sequence[Entry]) -> None:
        """A frame; the sender of a single chat has it as the reply."""
        self.frames += 1
        self.posts += self._people - (len(entries) == 1)
        if len(entries) > 1:
            self.names_read += len({entry.user_id for entry in entries})
        for entry in entries:
            if entry.cid in self._asked:
                self.ways_ms.append(self.scheduler.now - self._asked.pop(entry.cid))

    def start_worker(self, holder: str, delivered: int) -> bool:
        """A job of the push worker."""
        carried = self._carry(holder, delivered)
        self.scheduler.start(carried, self.scheduler.now + WORKER_START_MS)
        return True

    async def _carry(self, holder: str, delivered: int) -> None:
        began = self.scheduler.now
        await pushing.carry(self._steps(), holder, delivered, is_time_left=lambda: True)
        self.push_seconds.append((self.scheduler.now - began) / 1000)

    @property
    def bill(self) -> Bill:
        """What all of it costs, rows being as small as they usually are."""
        calls, chats = self.scheduler.calls, len(self.ways_ms)
        audience = math.ceil(self._people * SUBSCRIPTION_BYTES / units.READ_BYTES)
        charged = Units(
            writes=sum(calls[name] for name in WRITES),
            reads=chats + calls["read_entries"] + self.frames * audience + self.names_read / 2,
        )
        return Bill(
            posts=self.posts * prices.DOLLARS_PER_MESSAGE,
            frames=2 * chats * prices.DOLLARS_PER_MESSAGE,
            dynamodb=charged.dollars_per_million / 1e6,
            lambdas=prices.of_lambda("websocket_message", self.message_seconds)
            + prices.of_lambda("push", self.push_seconds),
        )

    def _steps(self) -> _Steps:
        return _Steps(self)


class _Steps(ModelSteps):
    def __init__(self, model: Model) -> None:
        # The explorer's own surroundings have more, of which steps make no use.
        super().__init__(cast(Surroundings, model))
        self._pace_ms = model.pace_ms

    @property
    def frame_pace_ms(self) -> int:
        return self._pace_ms


def talk(arrivals: Sequence[float], people: int, pace_ms: int) -> Model:
    """Have people talk.

    Args:
        arrivals: when chats come, in seconds.
        people: who all hear it.
        pace_ms: FRAME_PACE_MS.

    Raises:
        AssertionError: a chat was not posted.
    """
    model = Model(people, pace_ms)
    for number, at in enumerate(arrivals):
        model.send(number, at * 1000)
    model.scheduler.run()
    assert len(model.ways_ms) == len(arrivals), "a chat was not posted"
    return model


def main() -> None:
    """Do a task from stdin, and say what came of it."""
    model = talk(**json.load(sys.stdin))
    found = {
        "posts": model.posts,
        "frames": model.frames,
        "ways_ms": sorted(model.ways_ms),
        "bill": asdict(model.bill),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
