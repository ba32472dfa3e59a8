"""Who wants to see nothing of whom: a list of each person's own, of which nobody else is told.

A block hides what somebody says on the devices of whoever blocked them, and keeps the two from
being matched. Others see and send as before (docs/decisions/0032-safety.md).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import clock, limits, names, users
from chalicelib.errors import InvalidFieldError, TooManyBlocksError, UserNotFoundError
from chalicelib.protocol import Users
from chalicelib.tables import BlockRow, succeeds

#: A row of a block that has ended stays for so long: until no frame from before can come again.
ENDED_SECONDS: Final = 24 * 3600

_IS_BLOCKED: Final[Condition] = BlockRow.blocked_at.exists()
_IS_NOT_BLOCKED: Final[Condition] = BlockRow.blocked_at.does_not_exist()


def set_block(
    user_id: str, blocked_id: str, *, on: bool, received: int, met_in: str | None = None
) -> bool:
    """Block somebody, or end that; False if it is so already, or was said otherwise later.

    A GetItem of them and a Query of the list before one is added; one UpdateItem.

    Args:
        received: when (ms) API Gateway took it: a frame may be delivered a second time, late.
        met_in: the room in which they met.

    Raises:
        InvalidFieldError: that is oneself.
        UserNotFoundError: nobody has that id.
        TooManyBlocksError: the list is full.
    """
    if user_id == blocked_id:
        raise InvalidFieldError("user_id", "must be somebody else")
    row = BlockRow(user_id, blocked_id)
    is_latest = BlockRow.changed_at.does_not_exist() | (BlockRow.changed_at <= received)
    if not on:
        actions: list[Action] = [
            BlockRow.blocked_at.remove(),
            BlockRow.changed_at.set(received),
            BlockRow.expires_at.set(clock.seconds(received) + ENDED_SECONDS),
        ]
        return succeeds(lambda: row.update(actions, condition=_IS_BLOCKED & is_latest))
    if users.find(blocked_id) is None:
        raise UserNotFoundError
    mine = blocked_by(user_id)
    if blocked_id in mine:
        return False
    # Two at once may both find the last place free: one too many does no harm.
    if len(mine) >= limits.BLOCKS_MAX:
        raise TooManyBlocksError(limits.BLOCKS_MAX)
    actions = [
        BlockRow.blocked_at.set(received),
        BlockRow.changed_at.set(received),
        BlockRow.met_in.set(met_in) if met_in else BlockRow.met_in.remove(),
        BlockRow.expires_at.remove(),
    ]
    return succeeds(lambda: row.update(actions, condition=_IS_NOT_BLOCKED & is_latest))


def blocked_by(user_id: str) -> list[str]:
    """Whom somebody has blocked, in the order of the ids. One consistent Query."""
    return [row.blocked_id for row in rows_of(user_id)]


def rows_of(user_id: str) -> list[BlockRow]:
    """Likewise, as it is stored."""
    return list(BlockRow.query(user_id, consistent_read=True, filter_condition=_IS_BLOCKED))


def page(user_id: str, after: str | None) -> tuple[list[BlockRow], str | None]:
    """A page of whom somebody has blocked, and where the next one begins. One Query."""
    found = [each for each in rows_of(user_id) if after is None or each.blocked_id > after]
    first = found[: limits.BLOCKS_PAGE_MAX]
    return first, first[-1].blocked_id if len(found) > len(first) else None


def names_of(found: Collection[BlockRow]) -> tuple[dict[str, str], Users]:
    """In which room one met people, where they go by another name there; and all their names.

    Whoever knows somebody by that must not learn the account's by blocking them.
    """
    met_in = {row.blocked_id: row.met_in for row in found if row.met_in}
    people = {row.blocked_id for row in found} - met_in.keys()
    called = names.look_up(people, {room_id: _of(room_id, met_in) for room_id in met_in.values()})
    by_room = {
        user_id: room_id
        for user_id, room_id in met_in.items()
        if names.key(room_id, user_id) in called
    }
    return by_room, called


def _of(room_id: str, met_in: Mapping[str, str]) -> set[str]:
    return {user_id for user_id, each in met_in.items() if each == room_id}


def is_blocked_either_way(one: str, other: str) -> bool:
    """Whether one of two people has blocked the other. One consistent BatchGetItem."""
    rows = BlockRow.batch_get([(one, other), (other, one)], consistent_read=True)
    return any(row.blocked_at is not None for row in rows)


def require_none(transaction: TransactWrite, one: str, others: Collection[str]) -> None:
    """Have a transaction fail if somebody has blocked one of these people, or they them."""
    for other in others:
        for key in ((one, other), (other, one)):
            transaction.condition_check(BlockRow, *key, condition=_IS_NOT_BLOCKED)


def forget(user_id: str, *, until: int) -> None:
    """Delete what was on somebody's list at a time (ms), as they withdrew then.

    A Query, a DeleteItem for each.
    """
    is_old = BlockRow.changed_at <= until
    for row in BlockRow.query(user_id, consistent_read=True):
        succeeds(functools.partial(row.delete, condition=is_old))
