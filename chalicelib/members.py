"""Who is in which room, as rows; authorisation begins here.

Every command that reads or writes a room goes through ``membership``: nobody sees or does
anything in a room that they have not joined. How people come and go is in joining.py.
"""

from __future__ import annotations

from typing import Any

from pynamodb.exceptions import UpdateError

from chalicelib import limits
from chalicelib.errors import NotMemberError, TooManyRoomsError
from chalicelib.tables import MemberRow, is_condition_failure, retry_conflicts


def find_member(user_id: str, room_id: str) -> MemberRow | None:
    """A membership, also one that is being ended. One consistent GetItem."""
    try:
        return MemberRow.get(user_id, room_id, consistent_read=True)
    except MemberRow.DoesNotExist:
        return None


def membership(user_id: str, room_id: str) -> MemberRow:
    """A membership. Raises NotMemberError."""
    member = find_member(user_id, room_id)
    if member is None or member.leaving:
        raise NotMemberError(room_id)
    return member


def memberships(user_id: str) -> list[MemberRow]:
    """All of a person's memberships, also those being ended. One consistent Query."""
    return list(MemberRow.query(user_id, consistent_read=True))


def mark_read(user_id: str, room_id: str, seq: int) -> bool:
    """Note that somebody has seen a room up to ``seq``; False if it was noted before.

    Raises:
        NotMemberError: they are not in the room.
    """
    is_later = (
        MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist() & (MemberRow.read_seq < seq)
    )
    try:
        member = MemberRow(user_id, room_id)
        retry_conflicts(lambda: member.update([MemberRow.read_seq.set(seq)], condition=is_later))
    except UpdateError as error:
        if not is_condition_failure(error):
            raise
        membership(user_id, room_id)
        return False
    return True


def mark_retried(member: MemberRow, cid: str) -> None:
    """Note that a chat is being sent again, so that its first try is not written later.

    Raises:
        NotMemberError: they have left meanwhile.
    """
    cids: list[str] = [str(known) for known in member.retried_cids or () if known != cid]
    latest: Any = [*cids, cid][-limits.RETRIED_CIDS_MAX :]  # PynamoDB's type wants attributes
    try:
        retry_conflicts(
            lambda: member.update(
                [MemberRow.retried_cids.set(latest)], condition=MemberRow.user_id.exists()
            )
        )
    except UpdateError as error:
        if not is_condition_failure(error):
            raise
        raise NotMemberError(member.room_id) from error


def check_room_for_one_more(user_id: str) -> None:
    """Raise TooManyRoomsError if somebody is in as many rooms as one may be. One Query."""
    if MemberRow.count(user_id) >= limits.ROOMS_PER_USER_MAX:
        raise TooManyRoomsError(limits.ROOMS_PER_USER_MAX)
