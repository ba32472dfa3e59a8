"""Many people who seek, and Lambdas that die."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from chalicelib import limits, matching
from chalicelib.errors import StaleError
from chalicelib.matching import Found, Over, Seeker, Ticket, TooFast, Waiting, Who, Wish
from tests.simulation.explorer.calls import call
from tests.simulation.matches.table import Table

#: When people begin to come: any time will do.
EPOCH = 1_800_000_000_000
#: A client repeats what got no answer after this.
REPEAT_MS = limits.REPEAT_AFTER_MS


@dataclass(frozen=True)
class Plan:
    """A run."""

    people: int
    #: People come within this (ms).
    span: int
    languages: int = 1
    #: So many tags there are, of which each has up to so many; 0: nobody has any.
    tags: int = 0
    tags_max: int = 3
    #: How probable it is that two have blocked each other.
    blocked: float = 0.0
    #: So often people want another after their first.
    more: int = 0
    #: How probable it is, of a call, that its Lambda is killed before or after it.
    killed: float = 0.0
    #: How probable it is that a call takes seconds.
    held: float = 0.0
    #: How probable it is, of a search, that it is cancelled, or loses its connection.
    cancels: float = 0.0
    cuts: float = 0.0


class Steps:
    """``matching.MatchSteps`` of one Lambda."""

    def __init__(self, world: World, skew: int) -> None:
        self._world = world
        self._table = world.table
        self._skew = skew

    def now(self) -> int:
        return int(self._world.now) + self._skew

    def random(self) -> random.Random:
        return self._world.random

    async def read(self, user_id: str) -> Seeker | None:
        found: Seeker | None = await call("read", self._table.read, user_id)
        return found

    async def write(self, old: Seeker | None, new: Seeker) -> bool:
        while True:
            done: bool | None = await call("write", self._write, old, new)
            if done is not None:
                return done

    def _write(self, old: Seeker | None, new: Seeker) -> bool | None:
        if self._table.is_busy(self._world.now, new.user_id):
            return None
        return self._table.write(old, new)

    async def waiting(self, pool: str, start: int, limit: int) -> list[Ticket]:
        found: list[Ticket] = await call("waiting", self._table.waiting, pool, start, limit)
        return found

    async def drop(self, pool: str, ticket: Ticket) -> None:
        await call("drop", self._table.drop, pool, ticket)

    async def is_blocked(self, one: str, other: str) -> bool:
        return frozenset((one, other)) in self._table.blocked

    async def claim(self, mine: Seeker, other: Ticket) -> str | None:
        room_id: str | None = await call("claim", self._claim, mine, other)
        return room_id

    def _claim(self, mine: Seeker, other: Ticket) -> str | None:
        if self._table.is_busy(self._world.now, mine.user_id, other.user_id):
            return None
        return self._table.claim(self.now(), mine, other)


@dataclass
class Person:
    """Somebody with a client."""

    user_id: str
    wish: Wish
    searches_left: int
    connection_id: str = ""
    cid: str = ""
    is_seeking: bool = False
    has_cancelled: bool = False
    is_gone: bool = False
    asked_at: float = 0
    #: Of each search that led to a room: how long they waited until they were told.
    waits: list[float] = field(default_factory=list)
    #: Whether something was done to the search that lets it take longer.
    is_struck: bool = False


class World:
    """A run of a plan."""

    def __init__(self, plan: Plan, seed: int, code: ModuleType = matching) -> None:
        self.plan = plan
        self.random = random.Random(seed)
        self.code = code
        self.table = Table()
        self.now = float(EPOCH)
        self.faults: Counter[str] = Counter()
        #: How long people waited until they were told, of searches to which nothing was done.
        self.waits: list[float] = []
        #: Searches of which their person was told that they are cancelled, and when.
        self.ended: dict[tuple[str, str], float] = {}
        self.people: dict[str, Person] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        for number in range(plan.people):
            person = Person(f"p{number}", self._wish(), 1 + self.random.randint(0, plan.more))
            self.people[person.user_id] = person
            self.later(self.random.random() * plan.span, self._begin(person))
        for one, other in self._pairs(plan.blocked):
            self.table.blocked.add(frozenset((one, other)))

    def _wish(self) -> Wish:
        plan, draw = self.plan, self.random
        known = draw.sample(range(plan.languages), min(plan.languages, draw.choice((1, 1, 1, 2))))
        tags = draw.sample(range(plan.tags), min(plan.tags, draw.randint(0, plan.tags_max)))
        return Wish(tuple(map(str, known)), frozenset(map(str, tags)))

    def _pairs(self, share: float) -> Iterable[tuple[str, str]]:
        count = int(share * self.plan.people * (self.plan.people - 1) / 2)
        for _ in range(count):
            one, other = self.random.sample(list(self.people), 2)
            yield one, other

    # --- Time

    def later(self, ms: float, act: Callable[[], None]) -> None:
        """Do something after so many ms."""
        heapq.heappush(self._events, (self.now + ms, next(self._numbers), act))

    def run(self, until_ms: float = float("inf")) -> None:
        """Go on until nothing happens any more, or for so long."""
        end = self.now + until_ms
        while self._events and self._events[0][0] <= end:
            self.now, _, act = heapq.heappop(self._events)
            act()

    def start(
        self,
        coroutine: Coroutine[Any, Any, Any],
        on_end: Callable[[Any], None],
        on_death: Callable[[], None],
    ) -> None:
        """Run a Lambda, which may die."""

        def go_on(result: Any) -> None:
            try:
                _, function, arguments, named = coroutine.send(result)
            except StopIteration as stop:
                on_end(stop.value)
                return
            except StaleError:
                on_death()
                return
            draw = self.random
            ms = 1 + draw.expovariate(1 / 4)
            if draw.random() < self.plan.held:
                self.faults["held"] += 1
                ms += draw.random() * 3_000
            dies_at = draw.random() / self.plan.killed if self.plan.killed else 2

            def take_effect() -> None:
                if dies_at < 0.5:
                    die("killed before")
                    return
                value = function(*arguments, **named)
                if dies_at < 1:
                    die("killed after")
                    return
                self.later(1 + draw.random() * 2, lambda: go_on(value))

            self.later(ms, take_effect)

        def die(how: str) -> None:
            self.faults[how] += 1
            coroutine.close()
            on_death()

        go_on(None)

    # --- People

    def _begin(self, person: Person) -> Callable[[], None]:
        def act() -> None:
            person.searches_left -= 1
            number = next(self._numbers)
            person.cid, person.asked_at = f"cid{number}", self.now
            person.is_seeking, person.is_struck = True, False
            person.has_cancelled = False
            self._connect(person)
            self._ask(person, again=False)
            self._trouble(person)

        return act

    def _connect(self, person: Person) -> None:
        self.table.connected.discard(person.connection_id)
        person.connection_id = f"c{next(self._numbers)}"
        self.table.connected.add(person.connection_id)

    def _trouble(self, person: Person) -> None:
        cid, draw = person.cid, self.random

        def if_still(act: Callable[[], None]) -> Callable[[], None]:
            return lambda: act() if person.is_seeking and person.cid == cid else None

        if draw.random() < self.plan.cancels:
            self.later(draw.random() * 8_000, if_still(lambda: self._cancel(person)))
        if draw.random() < self.plan.cuts:
            self.later(draw.random() * 3_000, if_still(lambda: self._cut(person)))

    def _cut(self, person: Person) -> None:
        """The connection is lost; half of the people come back."""
        person.is_struck = True
        self.faults["cut"] += 1
        self.table.connected.discard(person.connection_id)
        if self.random.random() < 0.5:
            person.is_gone, person.is_seeking = True, False
            return

        def back() -> None:
            if person.is_seeking:
                self._connect(person)
                self._ask(person, again=True)

        self.later(self.random.random() * 5_000, back)

    def _ask(self, person: Person, *, again: bool) -> None:
        cid = person.cid
        connection_id = person.connection_id
        who = Who(person.user_id, person.user_id, connection_id)
        steps = Steps(self, self.random.randint(-5, 5))

        def answered(outcome: Any) -> None:
            if person.cid != cid or not person.is_seeking:
                return
            if isinstance(outcome, Found) and outcome.other is not None:
                self._tell(self.people[outcome.other.user_id], outcome.room_id)
            if connection_id not in self.table.connected:
                return  # the answer finds nobody; they ask again when they are back
            self._answered(person, outcome)

        def died() -> None:
            person.is_struck = True
            if person.is_gone:
                return
            self.later(
                REPEAT_MS,
                lambda: (
                    self._ask(person, again=again)
                    if person.cid == cid and person.is_seeking and not person.has_cancelled
                    else None
                ),
            )

        seek = self.code.seek(steps, who, cid, person.wish, again=again)
        self.start(seek, answered, died)

    def _answered(self, person: Person, outcome: Any) -> None:
        if isinstance(outcome, Found):
            self._told(person)
        elif isinstance(outcome, Waiting):
            cid = person.cid
            assert outcome.again_ms > 0

            def again() -> None:
                is_on = person.is_seeking and person.cid == cid and not person.has_cancelled
                if is_on and person.connection_id in self.table.connected:
                    self._ask(person, again=True)

            self.later(outcome.again_ms, again)
        elif isinstance(outcome, TooFast):
            person.is_seeking = False
            self.faults["too fast"] += 1
        else:
            assert isinstance(outcome, Over)
            # Nothing ends a search but its person, or a first try that never came.
            assert person.has_cancelled or person.is_struck, person
            if not person.has_cancelled:
                person.searches_left += 1
                self._begin(person)()

    def _tell(self, person: Person, room_id: str) -> None:
        """The push, some ms later, unless its Lambda dies."""
        cid = person.cid
        if self.random.random() < self.plan.killed:
            self.faults["untold"] += 1
            person.is_struck = True
            return

        def told() -> None:
            if person.cid == cid and person.is_seeking and not person.is_gone:
                self._told(person)

        self.later(self.random.random() * 20, told)

    def _told(self, person: Person) -> None:
        person.is_seeking = False
        waited = self.now - person.asked_at
        person.waits.append(waited)
        if not person.is_struck:
            self.waits.append(waited)
        if person.searches_left > 0:
            self.later(self.random.random() * 20_000, self._begin(person))

    def _cancel(self, person: Person) -> None:
        person.has_cancelled = True
        cid = person.cid

        def answered(outcome: Any) -> None:
            if person.cid != cid:
                return
            person.is_seeking = False
            if isinstance(outcome, Over):
                self.faults["cancelled"] += 1
                self.ended[person.user_id, cid] = self.now
                if person.searches_left > 0:
                    self.later(self.random.random() * 1_000, self._begin(person))

        def died() -> None:
            self.later(REPEAT_MS, lambda: self._cancel(person) if person.cid == cid else None)

        self.start(self.code.cancel(Steps(self, 0), person.user_id, cid), answered, died)
