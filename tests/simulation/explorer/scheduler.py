"""Runs many coroutines a call at a time, in an order and with faults that a seed decides.

A coroutine suspends at each call of ``calls.py``. When its turn comes the call takes effect, at
once and as a whole, and the coroutine runs on to its next one. So being held before a call is
the same as being held after the one before, and each order in which calls can meet can occur.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tests.simulation.explorer.showing import EPOCH, show, show_call

#: A call that a coroutine waits for: its name, what does it, and with what.
Call = tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]

#: What to do with a task's result or exception (``KilledError`` if it was killed).
OnEnd = Callable[["Task", Any, "BaseException | None"], None]

#: More picks than any run needs that ends at all.
PICKS_MAX: Final = 12_000
#: A coroutine that had so many turns in a row by its priority lets others go on.
TURNS_MAX: Final = 60


class Fault(StrEnum):
    """What can become of a call."""

    #: Its Lambda is killed before it, or after it took effect.
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    #: The client library repeats it; the caller gets the second answer.
    TWICE = "twice"
    #: The same, but the first try arrives last: long after the caller went on.
    GHOST = "ghost"
    #: The caller gets an exception, though it took effect, or before it did.
    ANSWER_LOST = "answer lost"
    NOT_DONE = "not done"
    #: It takes very long.
    HELD = "held"


#: Faults after which a Lambda may not have done all that it is to do.
STRIKING: Final = frozenset(
    {Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.ANSWER_LOST, Fault.NOT_DONE}
)


class AnswerLostError(Exception):
    """What a Lambda gets when DynamoDB does not answer, however often it asks."""


class KilledError(Exception):
    """How a task ended that was killed."""


class StuckError(AssertionError):
    """A run does not come to its end."""


class Choice(StrEnum):
    """How the next coroutine is chosen among those that can go on."""

    #: Any of them.
    RANDOM = "random"
    #: The one with the highest priority; a few times the highest becomes the lowest. Finds what
    #: needs few changes at the right moments (Burckhardt et al., ASPLOS 2010).
    PRIORITY = "priority"
    #: Whose call is done first, by latencies like those of real calls.
    TIME = "time"


@dataclass(slots=True)
class Schedule:
    """How to schedule a run."""

    choice: Choice
    #: Each turn takes up to so many ms.
    tick_max: int
    #: How probable a fault of a call is, and which there are.
    fault_rate: float = 0.0
    faults: tuple[Fault, ...] = ()
    #: How probable it is at a turn that seconds pass at once.
    jump_rate: float = 0.0


class Task:
    """A coroutine, and what it waits for."""

    __slots__ = ("call", "coroutine", "is_repeated", "is_struck", "label", "on_end",
                 "priority", "wake")  # fmt: skip

    def __init__(
        self, label: str, coroutine: Coroutine[Any, Any, Any] | None, wake: float, priority: float
    ) -> None:
        self.label = label
        self.coroutine = coroutine
        #: When it can go on.
        self.wake = wake
        self.priority = priority
        #: None before its first.
        self.call: Call | None = None
        #: Its call took effect and does so again.
        self.is_repeated = False
        self.is_struck = False
        self.on_end: OnEnd | None = None


class Scheduler:
    """Tasks, and the time."""

    def __init__(self, rng: random.Random, schedule: Schedule, *, traces: bool = False) -> None:
        self.random = rng
        self.schedule = schedule
        self.now = float(EPOCH)
        self.tasks: list[Task] = []
        #: What made this run this run.
        self.choices = bytearray()
        self.faults: list[Fault] = []
        self.picks = 0
        self.trace: list[str] | None = [] if traces else None

    def spawn(
        self,
        label: str,
        coroutine: Coroutine[Any, Any, Any],
        *,
        after: float = 0,
        on_end: OnEnd | None = None,
    ) -> Task:
        """Let a coroutine take part, after so many ms."""
        task = Task(label, coroutine, self.now + after, self.random.random())
        task.on_end = on_end
        self.tasks.append(task)
        return task

    def later(self, label: str, call: Call, after: float) -> None:
        """Let a call take effect after so many ms, whose answer nobody hears."""
        task = Task(label, None, self.now + after, self.random.random())
        task.call = call
        self.tasks.append(task)

    def note(self, text: str) -> None:
        """Add something to the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.now - EPOCH:9.0f}  {text}")

    def run(self) -> None:
        """Go on until all tasks have ended. Raises StuckError."""
        choose = {
            Choice.RANDOM: self._any,
            Choice.PRIORITY: self._highest,
            Choice.TIME: self._first,
        }[self.schedule.choice]
        tasks, rng, schedule = self.tasks, self.random.random, self.schedule
        while tasks:
            self.picks += 1
            if self.picks > PICKS_MAX:
                raise StuckError("a run does not come to its end")
            task = choose()
            self.now += rng() * schedule.tick_max
            if schedule.jump_rate and rng() < schedule.jump_rate:
                self.choices.append(255)
                self.now += rng() * 8000
                self.note("(time passes)")
            self._turn(task)

    def drive(self, coroutine: Coroutine[Any, Any, Any], result: Any = None) -> Any:
        """Run a coroutine by itself; returns its result.

        Args:
            result: of the call that it waits for, if it has begun.

        Raises:
            StuckError: it does not come to its end.
        """
        for _ in range(PICKS_MAX):
            try:
                name, function, arguments, named = coroutine.send(result)
            except StopIteration as stop:
                return stop.value
            if name == "wait":
                self.now += arguments[0] * 1000
            result = function(*arguments, **named)
            if self.trace is not None:
                self.note(f"alone: {show_call(name, arguments, named)} -> {show(result)}")
        raise StuckError("a coroutine does not come to its end")

    def close(self) -> None:
        """End what has not ended."""
        for task in self.tasks:
            if task.coroutine is not None:
                task.coroutine.close()
        self.tasks.clear()

    # --- Choosing --------------------------------------------------------------------------

    def _any(self) -> Task:
        ready = self._ready()
        if len(ready) == 1:
            return ready[0]
        chosen = int(self.random.random() * len(ready))
        self.choices.append(chosen)
        return ready[chosen]

    def _highest(self) -> Task:
        ready = self._ready()
        chosen = ready[0]
        for each in ready:
            if each.priority > chosen.priority:
                chosen = each
        if len(ready) > 1:
            self.choices.append(ready.index(chosen))
            if self.random.random() < 0.05 or self.picks % TURNS_MAX == 0:
                chosen.priority = -self.picks
        return chosen

    def _first(self) -> Task:
        chosen = min(self.tasks, key=_wake)
        self.choices.append(self.tasks.index(chosen) & 127)
        self.now = max(self.now, chosen.wake)
        return chosen

    def _ready(self) -> list[Task]:
        now = self.now
        ready = [task for task in self.tasks if task.wake <= now]
        if not ready:
            self.now = now = min(task.wake for task in self.tasks)
            ready = [task for task in self.tasks if task.wake <= now]
        return ready

    # --- Going on --------------------------------------------------------------------------

    def _turn(self, task: Task) -> None:
        call = task.call
        if call is None:
            self.note(f"{task.label} starts")
            self._go_on(task, None, None)
            return
        schedule = self.schedule
        is_faulty = schedule.fault_rate and self.random.random() < schedule.fault_rate
        if not is_faulty or not self._is_struck(task, call):
            self._apply(task, call)

    def _apply(self, task: Task, call: Call) -> None:
        """Let a call take effect, and its caller go on."""
        _, function, arguments, named = call
        try:
            result = function(*arguments, **named)
        except Exception as error:
            shown = show_call(call[0], call[2], call[3])
            self.note(f"{task.label}: {shown} raises {error!r}")
            self._go_on(task, None, error)
        else:
            if self.trace is not None:
                shown = show_call(call[0], call[2], call[3])
                self.note(f"{task.label}: {shown} -> {show(result)}")
            self._go_on(task, result, None)

    def _is_struck(self, task: Task, call: Call) -> bool:
        """Let a fault strike; returns whether that was all for this turn."""
        fault = self.schedule.faults[int(self.random.random() * len(self.schedule.faults))]
        name, function, arguments, named = call
        if name == "wait" and fault not in (Fault.KILLED_BEFORE, Fault.HELD):
            return False
        if name == "post" and fault is Fault.NOT_DONE:
            return False  # what is lost is lost on its way to somebody (``World.post``)
        if task.coroutine is None or (task.is_repeated and fault is Fault.TWICE):
            return False
        self.faults.append(fault)
        self.choices.append(128 + len(fault))
        if self.trace is not None:
            shown = show_call(call[0], call[2], call[3])
            self.note(f"{task.label}: {shown} is struck: {fault}")
        if fault is Fault.HELD:
            task.wake = self.now + self.random.choice((50.0, 400.0, 6000.0, 13000.0))
            return True
        if fault in STRIKING:
            task.is_struck = True
        if fault not in (Fault.KILLED_BEFORE, Fault.NOT_DONE):
            try:
                function(*arguments, **named)
            except Exception as error:
                self.note(f"    {error!r}")
        match fault:
            case Fault.KILLED_BEFORE | Fault.KILLED_AFTER:
                self._end(task, None, KilledError())
            case Fault.TWICE:
                task.is_repeated = True
                task.wake = self.now + self._latency()
            case Fault.GHOST:
                after = self.random.choice((5.0, 300.0, 7000.0))
                self.later(f"{task.label} (ghost)", call, after)
                return False
            case Fault.ANSWER_LOST | Fault.NOT_DONE:
                self._lose(task, name)
        return True

    def _lose(self, task: Task, name: str) -> None:
        # Two calls don't raise: a post is a hint, and who can't hand over goes on.
        if name in ("post", "hand_over"):
            self._go_on(task, False, None)
        else:
            self._go_on(task, None, AnswerLostError(name))

    def _go_on(self, task: Task, result: Any, error: Exception | None) -> None:
        coroutine = task.coroutine
        if coroutine is None:
            self.tasks.remove(task)
            return
        task.is_repeated = False
        try:
            call = coroutine.send(result) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            self._end(task, stop.value, None)
        except AssertionError:
            raise
        except Exception as raised:
            self._end(task, None, raised)
        else:
            task.call = call
            pause = call[2][0] * 1000 if call[0] == "wait" else self._latency()
            task.wake = self.now + pause

    def _latency(self) -> float:
        if self.schedule.choice is not Choice.TIME:
            return 0.0
        draw = self.random.random()
        # A few milliseconds, seldom many.
        return 2 + 6 * draw if draw < 0.95 else 2000 * (draw - 0.95)

    def _end(self, task: Task, result: Any, error: BaseException | None) -> None:
        self.tasks.remove(task)
        if task.coroutine is not None:
            task.coroutine.close()
        if task.on_end is not None:
            task.on_end(task, result, error)


def _wake(task: Task) -> float:
    return task.wake
