"""Who is in which room, as rows; authorisation begins here.

Every command that reads or writes a room goes through ``membership``: nobody sees or does
anything in a room that they have not joined. How people come and go is in joining.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import limits
from chalicelib.errors import NotMemberError, TooManyRoomsError
from chalicelib.protocol import Role
from chalicelib.steps import Place
from chalicelib.tables import IS_IN, MemberRow, RoomNicknameRow, RoomRow, succeeds

#: Of the rows of a person: memberships, not names.
_IS_ROOM: Final[Condition] = MemberRow.room_id > RoomNicknameRow.FIRST_ROOM


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


def new_member(user_id: str, room: RoomRow, now: int) -> MemberRow:
    """The membership of somebody who joins a room, and sees it from its end on; not saved yet."""
    return MemberRow(
        user_id,
        room.room_id,
        role=Role.MEMBER.value,
        joined_at=now,
        joined_seq=room.last_seq,
        read_seq=room.last_seq,
        read_number=room.chats,
    )


def memberships(user_id: str) -> list[MemberRow]:
    """All of a person's memberships, also those being ended. One consistent Query."""
    return list(MemberRow.query(user_id, _IS_ROOM, consistent_read=True))


def mark_read(user_id: str, room_id: str, place: Place) -> bool:
    """Note that somebody has seen a room up to a place; False if it was noted before.

    Raises:
        NotMemberError: they are not in the room.
    """
    actions: list[Action] = [
        MemberRow.read_seq.set(place.seq),
        MemberRow.read_number.set(place.number),
    ]
    return _note(user_id, room_id, actions, MemberRow.read_seq < place.seq)


def mute(user_id: str, room_id: str, *, on: bool, received: int) -> bool:
    """Note whether somebody's devices are to be quiet about a room.

    False if it is so already, or they have said something else since.

    Args:
        received: when (ms) API Gateway took it: a frame may be delivered a second time, late.

    Raises:
        NotMemberError: they are not in the room.
    """
    is_news = MemberRow.muted.does_not_exist() if on else MemberRow.muted.exists()
    is_news &= MemberRow.muted_at.does_not_exist() | (MemberRow.muted_at <= received)
    action: Action = MemberRow.muted.set(True) if on else MemberRow.muted.remove()
    return _note(user_id, room_id, [action, MemberRow.muted_at.set(received)], is_news)


def _note(user_id: str, room_id: str, actions: list[Action], is_news: Condition) -> bool:
    """Change a membership, if that is news; False if it is not. Raises NotMemberError."""
    member = MemberRow(user_id, room_id)
    if succeeds(lambda: member.update(actions, condition=IS_IN & is_news)):
        return True
    membership(user_id, room_id)
    return False


def read_seqs(room_id: str, user_ids: Iterable[str]) -> dict[str, int]:
    """How far members have read. One BatchGetItem per 100."""
    keys = {(user_id, room_id) for user_id in user_ids}
    rows = MemberRow.batch_get(keys, attributes_to_get=["user_id", "read_seq"]) if keys else ()
    return {row.user_id: row.read_seq for row in rows}


def check_room_for_one_more(user_id: str) -> None:
    """Raise TooManyRoomsError if somebody is in as many rooms as one may be. One Query."""
    if MemberRow.count(user_id, _IS_ROOM) >= limits.ROOMS_PER_USER_MAX:
        raise TooManyRoomsError(limits.ROOMS_PER_USER_MAX)
