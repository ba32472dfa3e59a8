"""Links that let people into a room: made, listed, revoked, and used.

A link has the room's id and a secret, of which only the digest is stored: whoever reads the table
can't enter with it, and nobody can be shown it a second time (docs/decisions/0033-getting-in.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import clock, ids, limits
from chalicelib.errors import (
    InvalidFieldError,
    InviteNotFoundError,
    InviteUsedUpError,
    NotAllowedError,
    TooManyInvitesError,
)
from chalicelib.protocol import Invite
from chalicelib.ruling import check_moderator, is_moderator
from chalicelib.tables import PAIR, InviteRow, PasscodeTriesRow, RoomRow


def create(user_id: str, room: RoomRow, seconds: int, uses: int, now: int) -> tuple[InviteRow, str]:
    """Make a link; returns it, and its secret. One Query and one PutItem.

    Raises:
        InvalidFieldError: none of the times, or numbers of uses, that there are.
        NotAllowedError: they may not invite into this room.
        TooManyInvitesError: there are as many as there can be.
    """
    _check_one_of("seconds", seconds, limits.INVITE_SECONDS)
    _check_one_of("uses", uses, limits.INVITE_USES)
    _check_may_invite(user_id, room)
    there = _live(room, now)
    own = sum(1 for row in there if row.user_id == user_id)
    is_full = len(there) >= limits.INVITES_MAX and not is_moderator(room, user_id)
    if is_full or own >= limits.INVITES_PER_PERSON_MAX:
        raise TooManyInvitesError
    token = ids.new_token()
    row = InviteRow(
        room.room_id,
        ids.digest(token),
        user_id=user_id,
        created_at=now,
        uses=uses or None,
        expires_at=clock.seconds(now) + seconds,
    )
    row.save()
    return row, token


def _check_one_of(field: str, value: int, values: Sequence[int]) -> None:
    if value not in values:
        raise InvalidFieldError(field, f"must be one of {', '.join(map(str, values))}")


def _check_may_invite(user_id: str, room: RoomRow) -> None:
    """Raise NotAllowedError, unless a link of theirs would be good."""
    if room.kind == PAIR or not _is_good(user_id, room):
        raise NotAllowedError


def _is_good(user_id: str, room: RoomRow) -> bool:
    """Whether somebody's links let people in, as things are.

    Into a room that everybody can enter, those of every member: they only show the way.
    """
    return not room.access or is_moderator(room, user_id)


def seen_by(user_id: str, room: RoomRow, now: int) -> list[InviteRow]:
    """The live links that somebody may see, the latest first. One Query."""
    found = _live(room, now)
    if not is_moderator(room, user_id):
        found = [row for row in found if row.user_id == user_id]
    return sorted(found, key=lambda row: -row.created_at)


def revoke(user_id: str, room: RoomRow, invite_id: str) -> None:
    """Take a link away, if it is there: one's own, as host or manager any.

    Raises:
        NotAllowedError: it is somebody else's.
    """
    row = _find(room.room_id, invite_id)
    if row is None:
        return
    if row.user_id != user_id:
        check_moderator(room, user_id)
    row.delete()


def find(room: RoomRow, token: str, now: int) -> InviteRow:
    """The link with this secret, if it lets somebody in. One consistent GetItem.

    Raises:
        InviteNotFoundError: there is none, or not any more.
        InviteUsedUpError: it has let in as many as it could.
    """
    row = _find(room.room_id, ids.digest(token))
    # DynamoDB's TTL may take days to delete an expired item.
    if row is None or row.expires_at <= clock.seconds(now):
        raise InviteNotFoundError
    if not _is_good(row.user_id, room):  # any more
        raise InviteNotFoundError
    if row.uses is not None and row.used >= row.uses:
        raise InviteUsedUpError
    return row


def use(transaction: TransactWrite, invite: InviteRow, now: int) -> None:
    """Count somebody who is let in by a link, if it is still good, in a transaction."""
    condition = InviteRow.expires_at > clock.seconds(now)
    if invite.uses is not None:
        condition &= InviteRow.used < invite.uses
    transaction.update(
        InviteRow(invite.room_id, invite.invite_id),
        actions=[InviteRow.used.add(1)],
        condition=condition,
    )


def forget(user_id: str, room_id: str) -> None:
    """Delete the links that somebody made who withdrew. One Query, a BatchWriteItem if any."""
    own = InviteRow.user_id == user_id
    with InviteRow.batch_write() as batch:
        for row in InviteRow.query(room_id, filter_condition=own, consistent_read=True):
            batch.delete(row)


def give_back(transaction: TransactWrite, room_id: str, invite_id: str) -> None:
    """Count somebody out again who did not get in after all, in a transaction."""
    transaction.update(
        InviteRow(room_id, invite_id),
        actions=[InviteRow.used.add(-1)],
        condition=InviteRow.used > 0,
    )


def to_invite(row: InviteRow) -> Invite:
    """A link as it goes over the wire."""
    return Invite(
        invite_id=row.invite_id,
        user_id=row.user_id,
        at=row.created_at,
        expires_at=row.expires_at * 1000,
        used=row.used,
        uses=row.uses or 0,
    )


def _live(room: RoomRow, now: int) -> list[InviteRow]:
    is_live: Any = InviteRow.expires_at > clock.seconds(now)
    is_live &= InviteRow.uses.does_not_exist() | (InviteRow.used < InviteRow.uses)
    found = InviteRow.query(
        room.room_id,
        InviteRow.invite_id < PasscodeTriesRow.PREFIX,
        filter_condition=is_live,
        consistent_read=True,
    )
    return [row for row in found if _is_good(row.user_id, room)]


def _find(room_id: str, invite_id: str) -> InviteRow | None:
    try:
        return InviteRow.get(room_id, invite_id, consistent_read=True)
    except InviteRow.DoesNotExist:
        return None
