"""Coming and going: a membership, and the notice of it in the room's log.

Joining and leaving are two writes that a crash can separate. The membership carries what is
needed to finish them (``notice_cid``, ``notice_since``), and whoever comes next does, once
(docs/decisions/0002-notices-are-entries.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynamodb.exceptions import PutError, UpdateError

from chalicelib import chats
from chalicelib.chats import RoomChangedError, find_open_room
from chalicelib.errors import (
    HostMustChooseError,
    NotHostError,
    NotMemberError,
    RoomNotFoundError,
)
from chalicelib.members import check_room_for_one_more, find_member, membership
from chalicelib.protocol import Entry, EntryKind, Role
from chalicelib.rooms import close_room, hand_over
from chalicelib.tables import MemberRow, RoomRow, is_condition_failure

#: After so long a Lambda that was joining or leaving is finished or dead, in ms.
UNFINISHED_AFTER_MS: Final = 12_000


@dataclass(frozen=True)
class Joined:
    """A person's membership after entering, and the notice if this entering wrote one."""

    member: MemberRow
    room: RoomRow
    notice: Entry | None


def enter(user_id: str, room_id: str, now: int) -> Joined:
    """A person's membership of a room, which they join if they are not in it yet.

    Raises:
        RoomNotFoundError: there is no such open room.
        TooManyRoomsError: they are in too many rooms to join one more.
    """
    member = find_member(user_id, room_id)
    if member is not None and member.leaving:
        finish_leaving(member, now)
        member = None
    room = find_open_room(room_id)
    if room is None:
        if member is not None:
            member.delete()
        raise RoomNotFoundError(room_id)
    if member is None:
        return _join(user_id, room, now)
    if member.notice_cid and now - member.joined_at > UNFINISHED_AFTER_MS:
        return _announce(member, now, is_repeat=True)
    return Joined(member, room, None)


def _join(user_id: str, room: RoomRow, now: int) -> Joined:
    check_room_for_one_more(user_id)
    member = MemberRow(
        user_id,
        room.room_id,
        role=Role.MEMBER.value,
        joined_at=now,
        read_seq=room.last_seq,
        notice_cid=chats.new_cid(),
        notice_since=room.last_seq,
    )
    try:
        member.save(condition=MemberRow.user_id.does_not_exist())
    except PutError as error:
        if not is_condition_failure(error):
            raise
        # Another tab of the same person was faster, and announces it.
        return Joined(membership(user_id, room.room_id), room, None)
    return _announce(member, now, is_repeat=False)


def _announce(member: MemberRow, now: int, *, is_repeat: bool) -> Joined:
    """Write the notice of a join, and count the member, in one log entry."""
    try:
        notice = _write_notice(member, EntryKind.JOINED, now, is_repeat=is_repeat)
    except RoomNotFoundError:
        member.delete()
        raise
    member.update(
        [
            MemberRow.read_seq.set(notice.entry.seq),
            MemberRow.notice_cid.remove(),
            MemberRow.notice_since.remove(),
        ]
    )
    room = notice.room or find_open_room(member.room_id)
    if room is None:
        raise RoomNotFoundError(member.room_id)
    return Joined(member, room, notice.entry if notice.room else None)


def _write_notice(
    member: MemberRow, kind: EntryKind, now: int, *, is_repeat: bool
) -> chats.Appended:
    change = {EntryKind.JOINED: 1, EntryKind.LEFT: -1}[kind]
    return chats.append(
        member.room_id,
        member.user_id,
        now,
        kind=kind,
        cid=member.notice_cid,
        retry_since=member.notice_since if is_repeat else None,
        room_actions=[RoomRow.member_count.add(change)],
        # Whoever became the host meanwhile can't just leave.
        room_condition=(RoomRow.host_id != member.user_id) if kind is EntryKind.LEFT else None,
    )


def leave(
    user_id: str, room_id: str, now: int, *, successor_id: str | None, close: bool
) -> tuple[list[Entry], RoomRow | None]:
    """Leave a room; returns the notices that this wrote, and the room if it was closed.

    Raises:
        NotMemberError: not in the room.
        NotHostError: somebody else than the host names a successor, or wants to close it.
        HostMustChooseError: the host leaves others behind and said neither.
        SuccessorNotMemberError: the successor is not another member.
    """
    member = membership(user_id, room_id)
    room = find_open_room(room_id)
    if room is None:
        member.delete()
        return [], None
    notices: list[Entry] = []
    if room.host_id != user_id:
        if successor_id is not None or close:
            raise NotHostError
    elif successor_id is not None:
        notices.append(hand_over(room, user_id, successor_id, now))
    elif close or room.member_count <= 1:
        close_room(room, now)
        member.delete()
        return [], room
    else:
        raise HostMustChooseError
    left = _leave_as_member(member, room, now)
    return [*notices, *left], None


def _leave_as_member(member: MemberRow, room: RoomRow, now: int) -> list[Entry]:
    try:
        member.update(
            [
                MemberRow.leaving.set(now),
                MemberRow.notice_cid.set(chats.new_cid()),
                MemberRow.notice_since.set(room.last_seq),
            ],
            condition=MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist(),
        )
    except UpdateError as error:
        if not is_condition_failure(error):
            raise
        return []  # another tab of the same person was faster
    return _write_left(member, now, is_repeat=False)


def finish_leaving(member: MemberRow, now: int) -> list[Entry]:
    """Finish a leaving that was cut off; returns the notice if this wrote it.

    Nothing is done while whoever began it may still be at it.
    """
    if now - member.leaving <= UNFINISHED_AFTER_MS:
        raise NotMemberError(member.room_id)
    return _write_left(member, now, is_repeat=True)


def _write_left(member: MemberRow, now: int, *, is_repeat: bool) -> list[Entry]:
    try:
        notice = _write_notice(member, EntryKind.LEFT, now, is_repeat=is_repeat)
    except RoomNotFoundError:
        member.delete()
        return []
    except RoomChangedError:
        member.update(
            [
                MemberRow.leaving.remove(),
                MemberRow.notice_cid.remove(),
                MemberRow.notice_since.remove(),
            ]
        )
        raise HostMustChooseError from None
    member.delete()
    return [notice.entry] if notice.room else []
