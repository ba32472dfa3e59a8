"""Rooms of two who were matched: leaving them, and keeping them.

Such a room has no name and no host, and nobody can join it. A place in its log is taken first; the
notice and what it tells of are then written in one transaction. So whoever is cut off leaves a
hole, which readers fill, and nothing has happened (docs/decisions/0030-match.md).
"""

from __future__ import annotations

from collections.abc import Callable

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib import members, writing
from chalicelib.chats import Appended
from chalicelib.dynamodb_steps import LogSteps
from chalicelib.errors import NotHostError, RoomNotFoundError, StaleError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.rows import find_open_room, open_room
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import (
    PAIR,
    TRANSACTION_TRIES,
    MemberRow,
    RoomRow,
    succeeds,
)

#: What a notice tells of, as parts of the transaction that stores it.
Change = Callable[[TransactWrite], None]


def leave(user_id: str, room_id: str, now: int) -> tuple[list[Appended], RoomRow | None]:
    """Leave a room for two; returns the notice, or the room if it is closed now.

    The other one may go on reading what was said. Who is left alone closes the room by leaving; its
    membership goes with what the room held, so whoever is cut off can leave again.

    Raises:
        NotMemberError: not in the room.
    """
    for _ in range(TRANSACTION_TRIES):
        room = find_open_room(room_id)
        if room is None:
            return [], None
        members.membership(user_id, room_id)
        if room.member_count <= 1:
            if _close(room, now):
                return [], room
            continue
        notice = _append(room_id, Draft(user_id, now, EntryKind.LEFT), _leaving(user_id, room))
        if notice is not None:
            return [notice], None
    raise StaleError


def _leaving(user_id: str, room: RoomRow) -> Change:
    def write(transaction: TransactWrite) -> None:
        transaction.update(
            RoomRow(room.room_id),
            actions=[RoomRow.member_count.add(-1)],
            # Two who leave at once: the second one closes it.
            condition=_is_as(room),
        )
        transaction.delete(MemberRow(user_id, room.room_id), condition=MemberRow.user_id.exists())

    return write


def _close(room: RoomRow, now: int) -> bool:
    return succeeds(
        lambda: RoomRow(room.room_id).update([RoomRow.closed_at.set(now)], condition=_is_as(room))
    )


def keep(user_id: str, room_id: str, now: int) -> Appended | None:
    """Want to keep a room for two; None if they did before, or there is nobody to keep it with.

    Raises:
        NotMemberError: not in the room.
        NotHostError: it is no room for two.
    """
    for _ in range(TRANSACTION_TRIES):
        members.membership(user_id, room_id)
        room = open_room(room_id)
        if room.kind != PAIR:
            raise NotHostError
        wanted = room.keepers or set()
        if user_id in wanted or room.member_count < 2:
            return None
        kind = EntryKind.KEPT if wanted else EntryKind.KEEP_ASKED
        notice = _append(room_id, Draft(user_id, now, kind), _keeping(user_id, room))
        if notice is not None:
            return notice
    raise StaleError


def _keeping(user_id: str, room: RoomRow) -> Change:
    is_same = RoomRow.keepers == room.keepers if room.keepers else RoomRow.keepers.does_not_exist()

    def write(transaction: TransactWrite) -> None:
        transaction.update(
            RoomRow(room.room_id),
            actions=[RoomRow.keepers.add({user_id})],
            condition=_is_as(room) & is_same,
        )
        transaction.condition_check(
            MemberRow, user_id, room.room_id, condition=MemberRow.user_id.exists()
        )

    return write


def _is_as(room: RoomRow) -> Condition:
    """Whether a room is still open, and as many are in it as were."""
    is_open = RoomRow.closed_at.does_not_exist()
    condition: Condition = is_open & (RoomRow.member_count == room.member_count)
    return condition


def _append(room_id: str, draft: Draft, change: Change) -> Appended | None:
    """Write a notice and what it tells of at once; None if that can't be done as things are now."""
    steps = _PairSteps(room_id, change)
    try:
        written = run(writing.append(steps, draft))
    except (_ChangedError, RoomNotFoundError):
        return None
    return Appended(written.entry, written.room, steps.room)


class _ChangedError(Exception):
    """The room, or a membership of it, is not as it was read."""


class _PairSteps(LogSteps):
    """Storing a notice and what it tells of are one step."""

    def __init__(self, room_id: str, change: Change) -> None:
        super().__init__(room_id)
        self._change = change

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One transaction."""
        entry = self.store_with(draft, place, self._change)
        if entry is None:
            await self.free(place)
            raise _ChangedError
        return entry
