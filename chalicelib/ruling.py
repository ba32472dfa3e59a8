"""How a room is ruled: a change by its host or a manager, and the notice of it, are one.

As in renaming.py: a place in the log is taken first; the notice, the change and the checks that
it depends on are then one transaction. So nobody acts by a role that they lost meanwhile, and
whoever is cut off leaves a hole, which readers fill, and nothing has happened
(docs/decisions/0031-moderation.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import rows, writing
from chalicelib.dynamodb_steps import LogSteps, RoomChangedError
from chalicelib.errors import NotAllowedError, NotHostError
from chalicelib.protocol import Entry, Role
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import RoomRow
from chalicelib.writing import Written

#: So often a change is tried that meets others.
_TRIES: Final = 16


def is_news(at: Any, received: int) -> Condition:
    """Whether what stands in an attribute's place is from an earlier frame."""
    condition: Condition = at.does_not_exist() | (at < received)
    return condition


class DoneError(Exception):
    """There is nothing to do: it is so already, or a later command has changed it."""


def _nothing(_: TransactWrite) -> None:
    """No part of a transaction."""


@dataclass(frozen=True)
class Ruling:
    """One change to a room by somebody who may make it."""

    room_id: str
    notice: Draft
    #: Raises why it can't be done, or DoneError, of the room as it is; else it is tried.
    check: Callable[[RoomRow], None]
    #: What must hold for the room in the moment in which it is done.
    condition: Condition
    actions: Sequence[Action] = ()
    #: What else to write in the same transaction.
    also: Callable[[TransactWrite], None] = _nothing


def rule(ruling: Ruling) -> Written | None:
    """Make a change; None if there was nothing to do.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        PingPongError: what ``ruling.check`` raises.
    """
    steps = _RulingSteps(ruling)
    for _ in range(_TRIES):
        try:
            steps.check()
            return run(writing.append(steps, ruling.notice))
        except RoomChangedError:  # between the look and the place
            continue
        except DoneError:
            return None
    raise RuntimeError("the room changed each time this looked")


class _RulingSteps(LogSteps):
    """Storing the notice and making the change are one step."""

    def __init__(self, ruling: Ruling) -> None:
        super().__init__(ruling.room_id, room_condition=ruling.condition)
        self._ruling = ruling
        self._tries = 0

    def check(self) -> None:
        """Look, in one consistent GetItem and what ``ruling.check`` reads, whether it can be."""
        self._ruling.check(rows.open_room(self.room_id))

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One transaction."""
        condition = self._ruling.condition & RoomRow.closed_at.does_not_exist()
        # What the room is like is what its last notice says, in the order of the log.
        condition &= RoomRow.rules_seq.does_not_exist() | (RoomRow.rules_seq < place.seq)
        actions = [*self._ruling.actions, RoomRow.rules_seq.set(place.seq)]

        def change(transaction: TransactWrite) -> None:
            transaction.update(RoomRow(self.room_id), actions=actions, condition=condition)
            self._ruling.also(transaction)

        entry = self.store_with(draft, place, change)
        if entry is not None:
            return entry
        await self.free(place)
        self.check()
        self._tries += 1
        if self._tries >= _TRIES:
            raise RuntimeError("the room changed each time this wrote")
        return None


# --- Who may ----------------------------------------------------------------------------


def is_manager(room: RoomRow, user_id: str) -> bool:
    """Whether somebody is one of a room's managers."""
    return user_id in (room.manager_ids or ())


def is_moderator(room: RoomRow, user_id: str) -> bool:
    """Whether somebody is a room's host or one of its managers."""
    return room.host_id == user_id or is_manager(room, user_id)


def role_of(room: RoomRow, user_id: str) -> Role:
    """Somebody's role in a room, if they are in it."""
    if room.host_id == user_id:
        return Role.HOST
    return Role.MANAGER if is_manager(room, user_id) else Role.MEMBER


def check_host(room: RoomRow, user_id: str) -> None:
    """Raise NotHostError unless somebody is the host."""
    if room.host_id != user_id:
        raise NotHostError


def check_moderator(room: RoomRow, user_id: str, over: str | None = None) -> None:
    """Raise NotAllowedError unless somebody is the host or a manager, and above ``over``."""
    if room.host_id == user_id:
        return
    if not is_manager(room, user_id):
        raise NotAllowedError
    if over is not None and is_moderator(room, over):
        raise NotAllowedError


def may(user_id: str, over: str | None = None) -> Condition:
    """The condition of the room for what ``check_moderator`` looks at.

    Args:
        user_id: who acts.
        over: whom it is done to: somebody else.
    """
    by_manager = RoomRow.manager_ids.contains(user_id)
    if over is not None:
        is_lower = RoomRow.manager_ids.does_not_exist() | ~RoomRow.manager_ids.contains(over)
        by_manager &= (RoomRow.host_id != over) & is_lower
    condition: Condition = (RoomRow.host_id == user_id) | by_manager
    return condition
