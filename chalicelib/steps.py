"""What the log of a room and its delivery ask of the outside, call by call.

``writing`` and ``pushing`` are written against this interface and nothing else. In a Lambda
each step is one call of DynamoDB, of Lambda or of the sender (dynamodb_steps.py) and returns
before the coroutine goes on. In tests/simulation each step is a point at which a scheduler may
hold, repeat, swap or kill it (docs/decisions/0015-explored.md).
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from chalicelib.pace import NO_PACING, Pace, Pacing
from chalicelib.protocol import Entry, EntryKind

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to push a room's entries, which one holder has at a time."""

    holder: str
    #: When (ms) the holder must have been heard of again, or is taken for dead.
    until: int
    #: All entries up to this one are pushed, or somebody else's business.
    delivered: int


@dataclass(frozen=True, slots=True)
class RoomState:
    """A room as one atomic read or write of it found or left it."""

    last_seq: int
    #: How many places for chats were ever taken in its log.
    chats: int
    #: The numbers of places for chats that became voids, in ascending order.
    lost: tuple[int, ...] = ()
    #: When (ms) the last place was taken, and the one before that.
    active_at: int = 0
    previous_at: int = 0
    lease: Lease | None = None
    host_id: str = ""
    #: In slow mode: the least time (ms) between two chats of one person.
    slow_ms: int = 0
    #: Whether somebody may go by another name in it.
    named: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a room's log, and how many places for chats there are up to it."""

    seq: int
    number: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A place that is taken for good, and whether by a chat."""

    place: Place
    is_chat: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A member's chat has this place: whoever writes it, writes it there."""

    cid: str
    place: Place
    #: When (ms) the chat was said; not before those that were claimed before it.
    at: int
    #: When it was claimed, all claims of this member were of places before it.
    in_order: bool = True


@dataclass(frozen=True, slots=True)
class Claims:
    """The latest claims of a member, the latest first."""

    latest: tuple[Claim | None, ...]
    #: Where the log ended when they joined.
    joined_seq: int
    #: How far they have read.
    read_seq: int = 0
    pacing: Pacing = NO_PACING

    def of(self, cid: str) -> Claim | None:
        """The claim of a chat, unless there is none or it is forgotten."""
        return next((claim for claim in self.latest if claim and claim.cid == cid), None)

    def has_all_since(self, seq: int) -> bool:
        """Whether no claim of a place after ``seq`` can be forgotten."""
        if self.joined_seq <= seq and None in self.latest:
            return True
        return any(claim and claim.in_order and claim.place.seq <= seq for claim in self.latest)

    def reach(self, later: Claims) -> bool:
        """Whether what was claimed since these, and until later ones, is all in the later ones."""
        oldest = later.latest[-1]
        return oldest is None or oldest in self.latest


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written into a log."""

    user_id: str
    at: int
    kind: EntryKind = EntryKind.CHAT
    text: str = ""
    cid: str = ""
    #: With kind ``changed``: the place of the chat that is changed.
    target: int = 0
    #: The place of the chat that this one answers, or pins.
    reply_to: int = 0
    #: Of a notice: whom it was done to.
    about: str = ""

    @property
    def is_chat(self) -> bool:
        """Whether it counts as unread where it is not read."""
        return self.kind is EntryKind.CHAT


class WritingSteps(Protocol):
    """The steps of writing a room's log and reading it."""

    @property
    def room_id(self) -> str:
        """Which room."""

    def now(self) -> int:
        """The time in ms. Clocks of Lambdas differ by some milliseconds."""

    async def wait(self, seconds: float) -> None:
        """Do nothing for a while."""

    async def take_place(self, draft: Draft, *, again: bool = False) -> RoomState:
        """Take the next place for a draft.

        Args:
            again: its place was lost; what else was to be done to the room is done.

        Raises:
            RoomNotFoundError: the room does not exist or is closed.
            RoomChangedError: the room is not as the caller wants it.
        """

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """Write a draft into its place, once; None if the place went to something else."""

    async def read_room(self) -> RoomState | None:
        """The room, unless it does not exist or is closed."""

    async def read_entries(self, first: int, last: int) -> list[Entry]:
        """What is stored from ``first`` to ``last``, by ``seq``."""

    async def nearest(self, seq: int, *, later: bool) -> Stored | None:
        """The entry at ``seq``, or the next one before or after it."""

    async def fill(self, voids: Sequence[Place], lost: Sequence[int], room: RoomState) -> bool:
        """Make places voids, all at once and if all are free; False if not.

        Args:
            lost: the numbers of those that were for chats.
            room: as it was read; if more was lost since then, nothing is done.
        """

    @property
    def chat_window_ms(self) -> int:
        """In so many ms a member says as many chats at most as there are claims; 0: any number."""

    async def claim(
        self,
        user_id: str,
        claim: Claim,
        pace: Pace,
        *,
        reads: bool = True,
        seen: Claims | None = None,
    ) -> bool:
        """Claim a place for a new chat; False if that can't be done just so.

        It can't if the person is not a member since before this began, if there is a claim for
        this ``cid``, or if they have read beyond the place, or not, against what ``reads`` says:
        that it notes that they read up to it, or that they have. So all their claims are of places
        they have read. Nor can it if a later chat is claimed already, or against their pace: it is
        too fast (``Pacing.refusal``). Nor, for who has ``seen`` claims before, if some that were
        made since may be forgotten (``Claims.reach``).
        """

    async def claims(self, user_id: str) -> Claims:
        """A member's claims.

        Raises:
            NotMemberError: not a member.
            StaleError: a member since after this began; earlier claims are forgotten.
        """

    async def move_claim(self, user_id: str, old: Claim, slot: int, new: Claim) -> bool:
        """Put a claim in place of one that lost its place; False if that is not there.

        Notes that they read up to the new place, unless they have read beyond.
        """


class PushingSteps(WritingSteps, Protocol):
    """The steps of pushing what was written, too."""

    @property
    def frame_pace_ms(self) -> int:
        """A room's audience gets a frame at once after a pause of this, then one per this."""

    async def acquire(self, holder: str, delivered: int, now: int, until: int) -> RoomState | None:
        """Take the lease if nobody alive has it; None if somebody has, or the room is gone.

        A dead holder's ``delivered`` stands.
        """

    async def advance(self, holder: str, delivered: int, until: int) -> RoomState | None:
        """Note what is delivered, and stay the holder; None if one is not any more."""

    async def release(self, holder: str, delivered: int) -> bool:
        """Give the lease back if the log ends at ``delivered``; False if not, or not the holder."""

    async def post(self, entries: Sequence[Entry]) -> None:
        """Post entries to all who listen. Never fails: a push is a hint."""

    async def hand_over(self, holder: str, delivered: int) -> bool:
        """Have a worker go on as the same holder; False if none could be had."""


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine whose steps return at once, as those in a Lambda do."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a step has suspended; only those of a simulation may")
