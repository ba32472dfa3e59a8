"""How entries get to those who listen: at once in a quiet room, together in a busy one.

Group commit, as databases do it for their log. A chat after a pause is pushed by the Lambda
that stored it, and nothing else happens. When chats come faster than frames should
(``frame_pace_ms``), one of the senders takes the room's *lease*: it collects what comes
until the next frame is due and pushes it all as one; the others see the lease and return. The
lease is given back on condition that the log ends at what was delivered; if it does not, a
worker goes on (docs/decisions/0014-room-lease.md).

A push is a hint: whoever misses one completes their log by ``seq``. So nothing here needs to
happen exactly once, and a holder that is taken for dead and is not does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chalicelib import limits, writing
from chalicelib.protocol import Entry
from chalicelib.steps import PushingSteps, RoomState

#: Entries that are read for one round.
ROUND_MAX: Final = limits.HISTORY_PAGE_MAX
#: How long (ms) a worker waits for an entry that is being written before it fills its place.
HOLE_MS: Final = 300
#: Between two looks at such a place, in seconds.
LOOK_SECONDS: Final = 0.05
#: Rounds of a Lambda that found no worker to go on.
ROUNDS_MAX: Final = 10


async def push(steps: PushingSteps, entry: Entry, room: RoomState, holder: str) -> None:
    """See to it that an entry that was just stored is pushed.

    Args:
        room: as taking the entry's place left it.
        holder: a new id, to hold the lease by.
    """
    lease, now = room.lease, steps.now()
    if lease is None:
        # Two clocks: that of who took the place before may be ahead.
        since_last = max(0, room.active_at - room.previous_at)
        if since_last >= steps.frame_pace_ms:
            await steps.post([entry])
            return
    elif lease.until > now and entry.seq > lease.delivered:
        return  # its holder can't give it back without having pushed this
    held = await steps.acquire(holder, entry.seq - 1, now, now + limits.LEASE_MS)
    if held is None:
        other = await steps.read_room()
        lease = other.lease if other else None
        if lease is None or entry.seq <= lease.delivered:
            await steps.post([entry])
        return
    if lease is None:  # nobody pushed since the entry before: the next frame is due then
        due = room.previous_at + steps.frame_pace_ms
        await steps.wait(max(0, min(due - now, steps.frame_pace_ms)) / 1000)
    standing = held.lease.delivered if held.lease else entry.seq - 1
    if entry.seq <= standing:  # this was so slow that the lease is a later one's
        await steps.post([entry])
    delivered = await _round(steps, standing)
    if await steps.release(holder, delivered):
        return
    if not await steps.hand_over(holder, delivered):
        await carry(steps, holder, delivered, is_time_left=Rounds(ROUNDS_MAX))


async def resume(steps: PushingSteps, room: RoomState, holder: str) -> None:
    """Have what a dead holder left undelivered pushed."""
    now = steps.now()
    if room.lease is None or room.lease.until > now:
        return
    held = await steps.acquire(holder, room.lease.delivered, now, now + limits.LEASE_MS)
    if held is not None and held.lease is not None:
        await steps.hand_over(holder, held.lease.delivered)


class Rounds:
    """Time for so many rounds."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self) -> bool:
        """Whether there is time for one more."""
        self._left -= 1
        return self._left >= 0


async def carry(
    steps: PushingSteps, holder: str, delivered: int, *, is_time_left: Callable[[], bool]
) -> int | None:
    """Push round by round until the room is quiet.

    Returns None when the lease is given back, or is another's; what is delivered when the time
    is up.
    """
    hole, seen_at, pause = 0, 0, steps.frame_pace_ms / 1000
    while is_time_left():
        await steps.wait(pause)
        now = steps.now()
        room = await steps.advance(holder, delivered, now + limits.LEASE_MS)
        if room is None:
            return None
        if room.last_seq == delivered:
            if await steps.release(holder, delivered):
                return None
            continue
        before = delivered
        delivered = await _round(steps, before)
        pause = steps.frame_pace_ms / 1000 if delivered > before else LOOK_SECONDS
        if delivered > before:
            continue
        if hole != before + 1:
            hole, seen_at = before + 1, now
        elif now - seen_at >= HOLE_MS and not await writing.fill(steps, hole):
            return None
    return delivered


async def _round(steps: PushingSteps, delivered: int) -> int:
    """Push what follows without a hole; returns how far that is."""
    entries = await steps.read_entries(delivered + 1, delivered + ROUND_MAX)
    hole = writing.first_hole(entries, delivered + 1, delivered + len(entries))
    ready = entries if hole is None else entries[: hole - delivered - 1]
    if ready:
        await steps.post(ready)
        delivered = ready[-1].seq
    return delivered
