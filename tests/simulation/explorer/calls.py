"""The steps of ``writing`` and ``pushing`` as calls that a scheduler carries out."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, Protocol

from chalicelib.pace import Pace
from chalicelib.protocol import Entry
from chalicelib.steps import Claim, Claims, Draft, Place, RoomState, Stored
from tests.simulation.explorer.room import Room
from tests.simulation.explorer.scheduler import Call, Scheduler

#: As settings.py has it by default.
FRAME_PACE_MS: Final = 200


class Surroundings(Protocol):
    """What is around a room."""

    room: Room
    scheduler: Scheduler

    def post(self, entries: Sequence[Entry]) -> None:
        """Post entries to all who listen."""

    def start_worker(self, holder: str, delivered: int) -> bool:
        """Invoke a worker; False if that fails."""


@types.coroutine
def call(
    name: str, function: Callable[..., Any], *arguments: Any, **named: Any
) -> Generator[Call, Any, Any]:
    """Suspend until the scheduler has carried out a call."""
    return (yield (name, function, arguments, named))


def _nothing(*_: Any) -> None:
    """Waiting has no effect."""


class ModelSteps:
    """The steps of one Lambda (``chalicelib.steps.PushingSteps``)."""

    def __init__(
        self,
        around: Surroundings,
        skew: int = 0,
        *,
        received: int | None = None,
        chat_window_ms: int = 0,
    ) -> None:
        self._around = around
        self._room = around.room
        self._scheduler = around.scheduler
        #: By how much (ms) this Lambda's clock is wrong.
        self._skew = skew
        #: When a chat came that is to be said.
        self._received = received
        self._chat_window_ms = chat_window_ms
        #: Called when a claim is made.
        self.on_claim: Callable[[], None] | None = None

    @property
    def room_id(self) -> str:
        return self._room.room_id

    @property
    def frame_pace_ms(self) -> int:
        return FRAME_PACE_MS

    def now(self) -> int:
        return int(self._scheduler.now) + self._skew

    async def wait(self, seconds: float) -> None:
        await call("wait", _nothing, seconds)

    async def take_place(self, draft: Draft, *, again: bool = False) -> RoomState:
        state: RoomState = await call("take_place", self._room.take_place, draft, self.now())
        return state

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        entry: Entry | None = await call("store", self._room.store, draft, place)
        return entry

    async def read_room(self) -> RoomState | None:
        state: RoomState | None = await call("read_room", self._room.read_room)
        return state

    async def read_entries(self, first: int, last: int) -> list[Entry]:
        entries: list[Entry] = await call("read_entries", self._room.read_entries, first, last)
        return entries

    async def nearest(self, seq: int, *, later: bool) -> Stored | None:
        stored: Stored | None = await call("nearest", self._room.nearest, seq, later=later)
        return stored

    async def fill(self, voids: Sequence[Place], lost: Sequence[int], room: RoomState) -> bool:
        is_done: bool = await call("fill", self._room.fill, voids, lost, room, self.now())
        return is_done

    @property
    def chat_window_ms(self) -> int:
        return self._chat_window_ms

    async def claim(
        self,
        user_id: str,
        claim: Claim,
        pace: Pace,
        *,
        reads: bool = True,
        seen: Claims | None = None,
    ) -> bool:
        how = {"reads": reads, "seen": seen}
        is_done: bool = await call("claim", self._claim, user_id, claim, pace, **how)
        return is_done

    def _claim(
        self, user_id: str, claim: Claim, pace: Pace, *, reads: bool, seen: Claims | None
    ) -> bool:
        is_done = self._room.claim(
            user_id, claim, pace, reads=reads, seen=seen, received=self._received
        )
        if is_done and self.on_claim is not None:
            self.on_claim()
        return is_done

    async def claims(self, user_id: str) -> Claims:
        claims: Claims = await call("claims", self._room.claims, user_id, self._received)
        return claims

    async def move_claim(self, user_id: str, old: Claim, slot: int, new: Claim) -> bool:
        is_done: bool = await call("move_claim", self._room.move_claim, user_id, old, slot, new)
        return is_done

    async def acquire(self, holder: str, delivered: int, now: int, until: int) -> RoomState | None:
        state: RoomState | None = await call(
            "acquire", self._room.acquire, holder, delivered, now, until
        )
        return state

    async def advance(self, holder: str, delivered: int, until: int) -> RoomState | None:
        state: RoomState | None = await call(
            "advance", self._room.advance, holder, delivered, until
        )
        return state

    async def release(self, holder: str, delivered: int) -> bool:
        is_done: bool = await call("release", self._room.release, holder, delivered)
        return is_done

    async def post(self, entries: Sequence[Entry]) -> None:
        await call("post", self._around.post, entries)

    async def hand_over(self, holder: str, delivered: int) -> bool:
        is_done: bool = await call("hand_over", self._around.start_worker, holder, delivered)
        return is_done
