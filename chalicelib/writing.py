"""How entries get into a room's log: each once, in one order, with no hole that stays.

A writer takes a place (the next ``seq``) in one call and stores its entry there in another. If
it dies between them it leaves a hole. Whoever reads the log and finds one waits for it briefly
and then *fills* it with a void, as CORFU does; the writer's own write has the same condition,
so exactly one of them wins, and a writer that lost takes a new place. So what a reader was
given never changes and no entry can appear behind it.

A chat is also *claimed* between the two: its place is noted with its ``cid`` on the sender's
membership, in the call that checks the membership. From then on whoever sends it again, or gets
it delivered twice, writes it to that very place (docs/decisions/0013-claims.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import NotMemberError, RoomNotFoundError, StaleError
from chalicelib.pace import Pace
from chalicelib.protocol import Entry
from chalicelib.steps import Claim, Claims, Draft, Place, RoomState, WritingSteps

#: How long a reader waits for entries that are being written, in seconds, try by try.
HOLE_WAITS: Final = (0.02, 0.04, 0.08, 0.16)
#: So many holes are filled at once; a transaction can't have more than 100 parts.
FILL_MAX: Final = 90


@dataclass(frozen=True, slots=True)
class Written:
    """An entry that is in the log."""

    entry: Entry
    #: The room as the write left it; None if somebody else's write did it.
    room: RoomState | None


async def append(steps: WritingSteps, draft: Draft) -> Written:
    """Write what is no chat at the end of the log.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        RoomChangedError: the room is not as the caller wants it.
    """
    room = await steps.take_place(draft)
    while True:
        entry = await steps.store(draft, _place(room))
        if entry is not None:
            return Written(entry, room)
        room = await steps.take_place(draft, again=True)


async def say(steps: WritingSteps, draft: Draft, retry_since: int | None = None) -> Written:
    """Write a member's chat, which may be in the log already.

    Args:
        retry_since: the chat may have been sent before, not earlier than when the log ended
            there.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        NotMemberError: the sender is not a member.
        StaleError: a repeat must find out whether it is done.
        NotYetError: it is too fast, and not in the log.
    """
    claim: Claim | None = None
    seen: Claims | None = None
    pace = Pace(draft.at, steps.chat_window_ms)
    if retry_since is not None:
        seen = await steps.claims(draft.user_id)
        claim = seen.of(draft.cid)
        if claim is None and not seen.has_all_since(retry_since):
            entry = await find(steps, draft, retry_since)
            if entry is not None:
                return Written(entry, None)
        refusal = seen.pacing.refusal(pace, steps.now()) if claim is None else None
        if refusal is not None:
            raise refusal
    room: RoomState | None = None
    while True:
        if claim is None:
            room = await steps.take_place(draft)
            place = _place(room)
            pace = replace(pace, slow_ms=0 if room.host_id == draft.user_id else room.slow_ms)
            claim = await _claim(steps, draft, place, pace, seen)
            if claim is None:
                continue
            if claim.place != place:
                room = None
        entry = await steps.store(replace(draft, at=claim.at), claim.place)
        if entry is not None:
            return Written(entry, room)
        room = await steps.take_place(draft, again=True)
        mine = replace(claim, place=_place(room))
        claim = await _move(steps, draft, claim, mine)
        if claim != mine:
            room = None


async def _claim(
    steps: WritingSteps, draft: Draft, place: Place, pace: Pace, seen: Claims | None
) -> Claim | None:
    """Claim a place for a chat, which a repeat has not ``seen`` among the claims.

    Returns the claim that stands for the chat, which may be another's; None if they have left
    and joined since the place was taken, so it can't be theirs.

    Raises:
        NotYetError: it is too fast; the place is given up.
        StaleError: so much was said since the claims were seen that this may be among it.
    """
    mine = Claim(draft.cid, place, draft.at)
    while not await steps.claim(draft.user_id, mine, pace, reads=mine.in_order, seen=seen):
        claims = await _claims(steps, draft.user_id, place)
        standing = claims.of(draft.cid)
        if standing is not None and standing.place == place:  # the call was repeated on its way
            return standing
        if standing is not None or place.seq <= claims.joined_seq:
            await give_up(steps, place)
            return standing
        if seen is not None and not seen.reach(claims):
            await give_up(steps, place)
            raise StaleError
        refusal = claims.pacing.refusal(pace, steps.now())
        if refusal is not None:
            if not await give_up(steps, place):
                raise RoomNotFoundError(steps.room_id)
            raise refusal
        # Another chat of theirs, or a read mark, has overtaken this; or they have just joined.
        at = max(mine.at, claims.pacing.newest_at)
        mine = replace(mine, in_order=claims.read_seq < place.seq, at=at)
    return mine


async def _move(steps: WritingSteps, draft: Draft, lost: Claim, mine: Claim) -> Claim:
    """Claim a new place for a chat whose place was lost; returns the claim that stands."""
    while True:
        claims = await _claims(steps, draft.user_id, mine.place)
        standing = claims.of(draft.cid)
        if standing == mine:
            return mine
        if standing is None:  # forgotten, so a repeat may have written it
            await give_up(steps, mine.place)
            raise StaleError
        if standing != lost:
            await give_up(steps, mine.place)
            return standing
        if await steps.move_claim(draft.user_id, lost, claims.latest.index(lost), mine):
            return mine


async def _claims(steps: WritingSteps, user_id: str, place: Place) -> Claims:
    """The claims of somebody for whom a place is taken, which is given up if there are none."""
    try:
        return await steps.claims(user_id)
    except (NotMemberError, StaleError):
        if not await give_up(steps, place):
            raise RoomNotFoundError(steps.room_id) from None
        raise


async def give_up(steps: WritingSteps, place: Place, *, is_chat: bool = True) -> bool:
    """Make a place that one has taken a void; False if the room is gone."""
    while True:
        room = await steps.read_room()
        if room is None:
            return False
        if await steps.fill([place], [place.number] if is_chat else [], room):
            return True
        stored = await steps.nearest(place.seq, later=True)
        if stored is not None and stored.place.seq == place.seq:
            return True


async def find(steps: WritingSteps, draft: Draft, since: int) -> Entry | None:
    """What was written of a draft after ``since``; what is not there by now will not be.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
    """
    room = await steps.read_room()
    if room is None:
        raise RoomNotFoundError(steps.room_id)
    for entry in await complete(steps, since + 1, room.last_seq):
        if entry.cid == draft.cid and entry.user_id == draft.user_id and entry.kind is draft.kind:
            return entry
    return None


async def complete(steps: WritingSteps, first: int, last: int) -> list[Entry]:
    """All entries from ``first`` to ``last``; holes are waited for, then filled.

    Raises:
        RoomNotFoundError: the room is closed meanwhile.
    """
    if last < first:
        return []
    for wait in HOLE_WAITS:
        entries = await steps.read_entries(first, last)
        if len(entries) == last - first + 1:
            return entries
        await steps.wait(wait)
    while True:
        entries = await steps.read_entries(first, last)
        hole = first_hole(entries, first, last)
        if hole is None:
            return entries
        if not await fill(steps, hole):
            raise RoomNotFoundError(steps.room_id)


def first_hole(entries: list[Entry], first: int, last: int) -> int | None:
    """The first place from ``first`` to ``last`` that has no entry."""
    for seq, entry in enumerate(entries, first):
        if entry.seq != seq:
            return seq
    return first + len(entries) if first + len(entries) <= last else None


async def fill(steps: WritingSteps, hole: int) -> bool:
    """Make voids of a hole and of those next to it; False if the room is gone.

    How many of them were for chats follows from the numbers around them, however many writers
    have died. Which of them does not matter: what is remembered of a lost chat is its number.
    """
    while True:
        room = await steps.read_room()
        if room is None:
            return False
        before = await steps.nearest(hole, later=False)
        if before is not None and before.place.seq == hole:
            return True
        after = await steps.nearest(hole, later=True)
        if after is not None and after.place.seq == hole:
            return True
        start = before.place if before is not None else Place(0, 0)
        if after is not None:
            # (A void that was a chat's place is lost with its number already; once more is fine.)
            end, number = after.place.seq, after.place.number - after.is_chat
        else:
            end, number = room.last_seq + 1, room.chats
        holes = range(start.seq + 1, end)
        # All numbers between are lost, but for those that may be in places that are left open.
        number = max(start.number, number - len(holes[FILL_MAX:]))
        voids = [
            Place(seq, min(start.number + count, number))
            for count, seq in enumerate(holes[:FILL_MAX], 1)
        ]
        await steps.fill(voids, range(start.number + 1, number + 1), room)


def _place(room: RoomState) -> Place:
    return Place(room.last_seq, room.chats)
