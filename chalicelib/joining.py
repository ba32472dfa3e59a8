"""Coming and going: a membership, and the notice of it in the room's log.

Joining and leaving are two writes that a crash can separate. The membership carries what is
needed to finish them (``notice_cid``, ``notice_since``), and whoever comes next does, once
(docs/decisions/0002-notices-are-entries.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import chats, pairs
from chalicelib.chats import Appended
from chalicelib.dynamodb_steps import RoomChangedError
from chalicelib.errors import (
    HostMustChooseError,
    NotHostError,
    RoomNotFoundError,
    StaleError,
)
from chalicelib.members import (
    check_room_for_one_more,
    find_member,
    membership,
    new_member,
)
from chalicelib.protocol import EntryKind
from chalicelib.rooms import close_room, hand_over
from chalicelib.rows import find_open_room, find_room
from chalicelib.tables import PAIR, MemberRow, RoomRow, succeeds

#: After so long a Lambda that was joining or leaving is finished or dead, in ms.
UNFINISHED_AFTER_MS: Final = 12_000


@dataclass(frozen=True)
class Joined:
    """A person's membership after entering, and the notices that this entering wrote."""

    member: MemberRow
    room: RoomRow
    #: The last is that of the joining, if they were not in the room before.
    notices: list[Appended]

    @property
    def is_new(self) -> bool:
        """Whether this made them a member."""
        return any(notice.entry.kind is EntryKind.JOINED for notice in self.notices)


def enter(user_id: str, room_id: str, now: int) -> Joined:
    """A person's membership of a room, which they join if they are not in it yet.

    Raises:
        RoomNotFoundError: there is no such open room.
        TooManyRoomsError: they are in too many rooms to join one more.
        StaleError: they are just leaving it elsewhere; a moment later they can come back.
    """
    member = find_member(user_id, room_id)
    left: list[Appended] = []
    if member is not None and member.leaving:
        try:
            left = finish_leaving(member, now)
            member = None
        except HostMustChooseError:  # became the host just before leaving: still in
            member = membership(user_id, room_id)
    room = find_open_room(room_id)
    if room is None:
        if member is not None:
            member.delete()
        raise RoomNotFoundError(room_id)
    if member is None and room.kind == PAIR:
        raise RoomNotFoundError(room_id)
    if member is None:
        joined = _join(user_id, room, now)
        return replace(joined, notices=left + joined.notices)
    if member.notice_cid and now - member.joined_at > UNFINISHED_AFTER_MS:
        return _announce(member, now, is_repeat=True)
    return Joined(member, room, left)


def _join(user_id: str, room: RoomRow, now: int) -> Joined:
    check_room_for_one_more(user_id)
    member = new_member(user_id, room, now)
    member.notice_cid, member.notice_since = chats.new_cid(), room.last_seq
    if not succeeds(lambda: member.save(condition=MemberRow.user_id.does_not_exist())):
        # Another tab of the same person was faster, and announces it.
        return Joined(membership(user_id, room.room_id), room, [])
    return _announce(member, now, is_repeat=False)


def _announce(member: MemberRow, now: int, *, is_repeat: bool) -> Joined:
    """Write the notice of a join, and count the member, in one log entry."""
    try:
        notice = _write_notice(member, EntryKind.JOINED, now, is_repeat=is_repeat)
    except RoomNotFoundError:
        member.delete()
        raise
    if notice.room is None:
        settled = _settle(member)
    else:
        # Unless they have said or read something already, in another tab.
        settled = _settle(
            member,
            MemberRow.read_seq.set(notice.entry.seq),
            MemberRow.read_number.set(notice.room.chats),
            condition=MemberRow.read_seq < notice.entry.seq,
        ) or _settle(member)
    if not settled:
        # Announced, or ended, in another tab meanwhile.
        member = membership(member.user_id, member.room_id)
    room = notice.row or find_open_room(member.room_id)
    if room is None:
        raise RoomNotFoundError(member.room_id)
    return Joined(member, room, [notice] if notice.room else [])


def _settle(member: MemberRow, *more: Action, condition: Condition | None = None) -> bool:
    """Take the marks of an unfinished notice away, unless somebody else has.

    The condition also keeps an update from bringing back a row that was deleted.
    """
    actions: list[Action] = [MemberRow.notice_cid.remove(), MemberRow.notice_since.remove(), *more]
    is_ours = MemberRow.notice_cid == member.notice_cid
    if condition is not None:
        is_ours &= condition
    return succeeds(lambda: member.update(actions, condition=is_ours))


def _write_notice(member: MemberRow, kind: EntryKind, now: int, *, is_repeat: bool) -> Appended:
    change = {EntryKind.JOINED: 1, EntryKind.LEFT: -1}[kind]
    count: Action = RoomRow.member_count.add(change)
    if is_repeat:
        # The first try may have counted and then died. By now the index has settled; it has
        # whoever is leaving, too.
        present = MemberRow.by_room.count(member.room_id)
        count = RoomRow.member_count.set(present + min(change, 0))
    return chats.append(
        member.room_id,
        member.user_id,
        now,
        kind=kind,
        cid=member.notice_cid,
        retry_since=member.notice_since if is_repeat else None,
        room_actions=[count],
        # Whoever became the host meanwhile can't just leave.
        room_condition=(RoomRow.host_id != member.user_id) if kind is EntryKind.LEFT else None,
    )


def leave(
    user_id: str, room_id: str, now: int, *, successor_id: str | None, close: bool
) -> tuple[list[Appended], RoomRow | None]:
    """Leave a room; returns the notices that this wrote, and the room if it is closed now.

    Raises:
        NotMemberError: not in the room.
        NotHostError: somebody else than the host names a successor, or wants to close it.
        HostMustChooseError: the host leaves others behind and said neither.
        SuccessorNotMemberError: the successor is not another member.
    """
    member = membership(user_id, room_id)
    room = find_room(room_id)
    if room is None or room.closed_at:
        member.delete()
        return [], room
    if room.kind == PAIR:
        if close or successor_id is not None:
            raise NotHostError
        return pairs.leave(user_id, room_id, now)
    notices: list[Appended] = []
    if room.host_id != user_id:
        # A repeat finds the room handed over already.
        if close or successor_id not in (None, room.host_id):
            raise NotHostError
    elif successor_id is not None:
        notices.append(hand_over(room, user_id, successor_id, now))
    elif close or _is_alone(room):
        close_room(room, now, if_unchanged=not close)
        member.delete()
        return [], room
    else:
        raise HostMustChooseError
    left = _leave_as_member(member, room, now)
    return [*notices, *left], None


def _is_alone(room: RoomRow) -> bool:
    """Whether nobody but the host is in a room, by its count and by its list."""
    return room.member_count <= 1 and len(list(MemberRow.by_room.query(room.room_id, limit=2))) <= 1


def _leave_as_member(member: MemberRow, room: RoomRow, now: int) -> list[Appended]:
    actions: list[Action] = [
        MemberRow.leaving.set(now),
        MemberRow.notice_cid.set(chats.new_cid()),
        MemberRow.notice_since.set(room.last_seq),
    ]
    is_in = MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist()
    if not succeeds(lambda: member.update(actions, condition=is_in)):
        return []  # another tab of the same person was faster
    return _write_left(member, now, is_repeat=False)


def finish_leaving(member: MemberRow, now: int) -> list[Appended]:
    """Finish a leaving that was cut off; returns the notice if this wrote it.

    Raises:
        StaleError: whoever began it may still be at it.
        HostMustChooseError: they became the host before it, so they are still in.
    """
    if now - member.leaving <= UNFINISHED_AFTER_MS:
        raise StaleError
    return _write_left(member, now, is_repeat=True)


def _write_left(member: MemberRow, now: int, *, is_repeat: bool) -> list[Appended]:
    try:
        notice = _write_notice(member, EntryKind.LEFT, now, is_repeat=is_repeat)
    except RoomNotFoundError:
        member.delete()
        return []
    except RoomChangedError:
        _settle(member, MemberRow.leaving.remove())
        raise HostMustChooseError from None
    # Unless it is finished by somebody else, who may even have come back.
    succeeds(lambda: member.delete(condition=MemberRow.notice_cid == member.notice_cid))
    return [notice] if notice.room else []
