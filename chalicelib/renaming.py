"""Giving a room another name: a notice in its log, and the name with it.

A place in the log is taken first; the notice, the name and its lock are then written in one
transaction. So whoever is cut off leaves a hole, which readers fill, and nothing has happened
(docs/decisions/0024-renaming.md).
"""

from __future__ import annotations

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import listing, texts, writing
from chalicelib.clock import Moment
from chalicelib.dynamodb_steps import LogSteps, RoomChangedError
from chalicelib.errors import NotHostError, RoomNameTakenError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.rows import find_room_id, open_room
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import RoomNameRow, RoomRow
from chalicelib.writing import Written


def rename(user_id: str, room_id: str, name: str, at: Moment) -> Written | None:
    """Give a room another name; None if it has it already, or was given a later one.

    Raises:
        InvalidFieldError: the name breaks the rules.
        RoomNotFoundError: the room does not exist or is closed.
        NotHostError: only the host may.
        RoomNameTakenError: another room has the name.
    """
    name = texts.clean_room_name(name)
    steps = _RenamingSteps(room_id, user_id, name, at.received)
    draft = Draft(user_id, at.now, EntryKind.RENAMED, text=name)
    try:
        # The transaction has the same conditions; this spares the log a void.
        steps.check()
        return run(writing.append(steps, draft))
    except RoomChangedError:
        raise NotHostError from None
    except _DoneError:
        return None


class _DoneError(Exception):
    """There is nothing to do: the room has the name already, or was given a later one."""


class _RenamingSteps(LogSteps):
    """Storing the notice and renaming the room are one step."""

    def __init__(self, room_id: str, user_id: str, name: str, received: int) -> None:
        super().__init__(room_id, room_condition=RoomRow.host_id == user_id)
        self._user_id = user_id
        self._name = name
        self._asked_at = received
        self._key = texts.room_name_key(name)

    def check(self) -> None:
        """Check that the room can be given the name, as far as one can tell. Two GetItems.

        Raises:
            RoomNotFoundError: the room does not exist or is closed.
            NotHostError: only the host may.
            RoomNameTakenError: another room has the name.
            _DoneError: there is nothing to do.
        """
        room = open_room(self.room_id)
        if room.host_id != self._user_id:
            raise NotHostError
        if self._is_done(room):
            raise _DoneError
        if find_room_id(self._key) not in (None, self.room_id):
            raise RoomNameTakenError

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One transaction."""
        # As it was when the place was taken.
        room = self.room
        if room is None:
            raise TypeError("the place was not taken by these steps")
        old_key = room.name_key
        condition = (RoomRow.host_id == self._user_id) & RoomRow.closed_at.does_not_exist()
        condition &= RoomRow.name_key == old_key
        # Of two names the later one stays, and its notice is the last one.
        condition &= RoomRow.renamed_at.does_not_exist() | (RoomRow.renamed_at <= self._asked_at)
        condition &= RoomRow.name_seq.does_not_exist() | (RoomRow.name_seq < place.seq)
        actions: list[Action] = [
            RoomRow.name.set(self._name),
            RoomRow.name_key.set(self._key),
            RoomRow.name_seq.set(place.seq),
            RoomRow.renamed_at.set(self._asked_at),
            *listing.renamed(room, self._key),
        ]

        def change(transaction: TransactWrite) -> None:
            transaction.update(RoomRow(self.room_id), actions=actions, condition=condition)
            if self._key != old_key:
                transaction.save(
                    RoomNameRow(RoomNameRow.key(self._key), target_id=self.room_id),
                    condition=RoomNameRow.room_id.does_not_exist(),
                )
                transaction.delete(
                    RoomNameRow(RoomNameRow.key(old_key)),
                    condition=RoomNameRow.target_id == self.room_id,
                )

        entry = None if self._is_done(room) else self.store_with(draft, place, change)
        if entry is None:
            await self.free(place)
            self.check()
        return entry

    def _is_done(self, room: RoomRow) -> bool:
        """Whether a room has the name, or a later frame than that which asks gave it another.

        The frame may be delivered a second time, late.
        """
        return room.name == self._name or (room.renamed_at or 0) > self._asked_at
