"""How fast one person may say something in a room.

A member's row keeps when their latest chats were claimed, so whether one more is too fast, too
soon for a room in slow mode, or of somebody who is silenced, is a condition of the write that
claims its place (docs/decisions/0029-pace.md): no call more, and nobody gets round it by talking
to many Lambdas at once.

A chat that is refused there has taken a place, which becomes a void. So what this Lambda knows
already is refused before; it never knows better than the row, only less.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from chalicelib import limits
from chalicelib.errors import NotYetError, SilencedError, SlowModeError, TooFastError

#: So many people's last chats are known, each in a room: less than a megabyte.
KNOWN_MAX: Final = 1_000
#: For so long (ms) it is not looked again whether slow mode or a silence is over: who may can end
#: either at any time.
HOLD_MAX_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What must hold of a person's earlier chats in a room for one that is said now."""

    #: When (ms) it is said.
    at: int
    #: In so many ms at most ``limits.CLAIMS_PER_MEMBER`` are said; 0: any number.
    window_ms: int
    #: The last one was said at least so long ago; 0: at any time.
    slow_ms: int = 0

    @property
    def since(self) -> int:
        """Where the window begins: the oldest of the latest chats is of before that.

        What can come twice came in the window (``limits.WRITE_WITHIN_MS`` is shorter), so whoever
        claims a place within the pace sees all claims that were made since their chat was sent.
        """
        return self.at - self.window_ms


@dataclass(frozen=True, slots=True)
class Pacing:
    """What a member's row says of their pace."""

    #: When (ms) the latest of their latest chats was claimed, and the oldest; 0: there is none.
    newest_at: int = 0
    oldest_at: int = 0
    #: Until when (ms) they may say nothing.
    silenced_until: int = 0
    #: Slow mode is not for those who keep the order in a room.
    is_exempt: bool = False

    def refusal(self, pace: Pace, now: int) -> NotYetError | None:
        """Why nothing can be said now; None if it can."""
        if self.silenced_until > pace.at:
            return silenced(self.silenced_until - now)
        if pace.window_ms and self.oldest_at > pace.since:
            return too_fast(self.oldest_at + pace.window_ms - now)
        if pace.slow_ms and not self.is_exempt and self.newest_at > pace.at - pace.slow_ms:
            return SlowModeError(
                f"room_id: in slow mode, one chat in {pace.slow_ms} ms",
                self.newest_at + pace.slow_ms - now,
            )
        return None


#: Of somebody who has said nothing yet.
NO_PACING: Final = Pacing()


def silenced(retry_after_ms: int) -> SilencedError:
    """Somebody may say nothing, nor change what they said."""
    return SilencedError("room_id: silenced in this room", retry_after_ms)


def too_fast(retry_after_ms: int) -> TooFastError:
    """Somebody has said as much as one can in so short a time."""
    most = limits.CLAIMS_PER_MEMBER
    return TooFastError(f"text: at most {most} chats in so short a time", retry_after_ms)


@dataclass(slots=True)
class _Known:
    """What this Lambda knows of somebody in a room."""

    #: When (ms) their latest chats were claimed that it knows of.
    times: deque[int]
    #: Why they could say nothing, and until when that need not be asked again.
    held: NotYetError | None = None
    held_until: int = 0
    #: When what holds them is over.
    over_at: int = 0


class Memory:
    """What one Lambda knows of who said what when, as far as it remembers."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def note(self, user_id: str, room_id: str, at: int) -> None:
        """Somebody's chat was claimed at that time (ms), after those that were noted before."""
        self._of(user_id, room_id).times.append(at)

    def hold(self, user_id: str, room_id: str, error: NotYetError, now: int) -> None:
        """Somebody could say nothing just now."""
        known = self._of(user_id, room_id)
        known.held = error
        known.over_at = now + error.retry_after_ms
        # Nobody can end the window of those who are too fast.
        longest = error.retry_after_ms if isinstance(error, TooFastError) else HOLD_MAX_MS
        known.held_until = min(known.over_at, now + longest)

    def refusal(self, user_id: str, room_id: str, pace: Pace) -> NotYetError | None:
        """Why somebody surely can say nothing now."""
        known = self._known.get((user_id, room_id))
        if known is None:
            return None
        if known.held is not None and known.held_until > pace.at:
            return type(known.held)(known.held.message, known.over_at - pace.at)
        if (
            pace.window_ms
            and len(known.times) == limits.CLAIMS_PER_MEMBER
            and known.times[0] > pace.since
        ):
            return too_fast(known.times[0] + pace.window_ms - pace.at)
        return None

    def _of(self, user_id: str, room_id: str) -> _Known:
        key = (user_id, room_id)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(deque(maxlen=limits.CLAIMS_PER_MEMBER))
        self._known.move_to_end(key)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return known


class Changes:
    """When people last changed chats, as far as one Lambda has seen it.

    A change is in no row of its author's, and to put it there would cost a write each time. So
    this is a bound for each Lambda, which is what a flood over one connection meets one after the
    other; it costs nothing, and needs not be exact, as a change is seen by its chat alone.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()

    def check(self, user_id: str, room_id: str, now: int, window_ms: int) -> None:
        """Note one more change. Raises TooFastError."""
        if not window_ms:
            return
        key = (user_id, room_id)
        times = self._times.setdefault(key, deque(maxlen=limits.CHANGES_MAX))
        self._times.move_to_end(key)
        while len(self._times) > KNOWN_MAX:
            self._times.popitem(last=False)
        if len(times) == limits.CHANGES_MAX and times[0] > now - window_ms:
            most = limits.CHANGES_MAX
            raise TooFastError(
                f"seq: at most {most} changes in so short a time", times[0] + window_ms - now
            )
        times.append(now)


#: This Lambda's.
memory: Final = Memory()
changes: Final = Changes()
