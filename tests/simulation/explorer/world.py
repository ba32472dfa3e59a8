"""What is around a room in a run: its people with their clients, posts, workers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from chalicelib import pushing, rows, writing
from chalicelib.protocol import Entry, EntryKind
from tests.simulation.explorer import room as room_module
from tests.simulation.explorer.plan import Plan
from tests.simulation.explorer.room import Member, Room
from tests.simulation.explorer.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Code:
    """The code that is explored; mutants of it are, too."""

    writing: Any = writing
    pushing: Any = pushing
    unread: Callable[[Any, Any], int] = rows.unread
    room: ModuleType = room_module


REAL = Code()


class ViolationError(AssertionError):
    """A promise is broken."""


class Client:
    """A log as a client holds it that does what docs/protocol.md says."""

    __slots__ = ("end", "entries", "is_syncing")

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        #: Up to where nothing is missing.
        self.end = 0
        self.is_syncing = False

    def take(self, entries: Sequence[Entry]) -> None:
        """Keep what comes, however often and in whatever order."""
        mine = self.entries
        for entry in entries:
            known = mine.setdefault(entry.seq, entry)
            if known is not entry and known != entry:
                raise ViolationError(f"a client was given {known}, and later {entry}")
        while self.end + 1 in mine:
            self.end += 1

    @property
    def has_gap(self) -> bool:
        return len(self.entries) > self.end


@dataclass(slots=True)
class Chat:
    """A chat that somebody wants to say."""

    user_id: str
    cid: str
    #: What the client had at its first try.
    since: int
    #: When that was taken.
    at: int = 0
    #: How often this person had claimed a place by then.
    base: int = 0
    tries: int = 0
    #: What it was answered with.
    seqs: set[int] = field(default_factory=set)
    is_acked: bool = False
    is_refused: bool = False
    #: One try met more chats of this person than claims are kept.
    is_excused: bool = False


class World:
    """Everything of one run."""

    def __init__(self, plan: Plan, rng: random.Random, code: Code, *, traces: bool) -> None:
        self.plan = plan
        self.random = rng
        self.code = code
        self.room: Room = code.room.Room(slots=plan.slots)
        self.scheduler = Scheduler(rng, plan.schedule, traces=traces)
        self.clients: list[Client] = []
        self.chats: dict[str, Chat] = {}
        #: What any reader was given.
        self.given: dict[int, Entry] = {}
        #: When each entry was first posted, and when anything was.
        self.posted_at: dict[int, float] = {}
        self.frames: list[float] = []
        #: Entries of writers whom no fault struck: they must get to all who listen.
        self.clean: set[str] = set()
        self.on_post: Callable[[Client], None] | None = None
        self.new_worker: Callable[[str, int], None] | None = None
        self._ids = 0
        room = self.room
        room.last_seq = 1
        room.active_at = int(self.scheduler.now) - rng.choice((100, 60_000))
        room.entries[1] = Entry(1, "host", 0, EntryKind.CREATED)
        room.numbers[1] = 0
        self.posted_at[1] = 0

    def add_member(self, user_id: str) -> Client:
        """Somebody who is in the room already, with a client that has its log."""
        self.room.members[user_id] = Member(1, 1, 0, [None] * self.plan.slots)
        return self.add_client()

    def add_client(self) -> Client:
        """Somebody who listens."""
        client = Client()
        client.take(self.room.read_entries(1, self.room.last_seq))
        self.clients.append(client)
        return client

    def new_id(self, prefix: str) -> str:
        """An id that no other thing of this run has."""
        self._ids += 1
        return f"{prefix}{self._ids}"

    def skew(self) -> int:
        """By how much a Lambda's clock is wrong."""
        limit = self.plan.skew
        return self.random.randint(-limit, limit) if limit else 0

    def give(self, entries: Sequence[Entry], first: int, last: int) -> None:
        """Note what a reader was given, which may never change."""
        if [entry.seq for entry in entries] != list(range(first, last + 1)):
            raise ViolationError(f"a reader of {first} to {last} was given {entries}")
        for entry in entries:
            known = self.given.setdefault(entry.seq, entry)
            if known is not entry and known != entry:
                raise ViolationError(f"a reader was given {known}, and later {entry}")

    def post(self, entries: Sequence[Entry]) -> None:
        """Post entries to all who listen."""
        now = self.scheduler.now
        self.frames.append(now)
        for entry in entries:
            self.posted_at.setdefault(entry.seq, now)
            if self.room.entries.get(entry.seq) != entry:
                raise ViolationError(f"posted what is not stored: {entry}")
        loss = self.plan.loss
        for client in self.clients:
            if loss and self.random.random() < loss:
                fate = self.random.random()
                if fate < 0.5:
                    continue
                after = self.random.random() * 2000
                self.scheduler.later("late post", ("post", client.take, (entries,), {}), after)
                if fate < 0.75:
                    continue
            client.take(entries)
            if self.on_post is not None:
                self.on_post(client)

    def start_worker(self, holder: str, delivered: int) -> bool:
        """Invoke a worker asynchronously."""
        assert self.new_worker is not None
        self.new_worker(holder, delivered)
        return True
