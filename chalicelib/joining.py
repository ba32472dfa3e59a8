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

from chalicelib import admission, chats, listing, moderation, names, pairs
from chalicelib.admission import NO_KEY, Key
from chalicelib.chats import Appended
from chalicelib.clock import Moment
from chalicelib.dynamodb_steps import RoomChangedError
from chalicelib.errors import (
    BannedError,
    HostMustChooseError,
    InvalidFieldError,
    MemberNotFoundError,
    NotHostError,
    PingPongError,
    RoomNotFoundError,
    StaleError,
    SuccessorNotMemberError,
)
from chalicelib.members import (
    check_room_for_one_more,
    find_member,
    membership,
    new_member,
)
from chalicelib.protocol import EntryKind, LeaveReason
from chalicelib.rooms import close_room
from chalicelib.rows import find_open_room, find_room
from chalicelib.tables import IS_IN, PAIR, MemberRow, RoomRow, SanctionRow, succeeds
from chalicelib.writing import Written

#: After so long a Lambda that was joining or leaving is finished or dead, in ms.
UNFINISHED_AFTER_MS: Final = 12_000
#: So often a join is tried while the room's way in changes.
_TRIES: Final = 4


class TurnedAwayError(Exception):
    """Somebody was let in, but what the room asks for has changed before they were counted."""


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


def enter(user_id: str, room_id: str, now: int, key: Key = NO_KEY) -> Joined:
    """A person's membership of a room, which they join if they are not in it yet.

    Args:
        key: what they bring; of no meaning for who is in the room.

    Raises:
        RoomNotFoundError: there is no such open room.
        BannedError: they may not come in.
        TooManyRoomsError: they are in too many rooms to join one more.
        StaleError: they are just leaving it elsewhere; a moment later they can come back.
        PingPongError: what ``admission.check`` raises.
    """
    for _ in range(_TRIES):
        try:
            return _enter(user_id, room_id, now, key)
        except TurnedAwayError:
            continue
    raise StaleError


def _enter(user_id: str, room_id: str, now: int, key: Key) -> Joined:
    member = find_member(user_id, room_id)
    left: list[Appended] = []
    if member is not None and member.leaving:
        try:
            left = finish_leaving(member, now)
            member = None
        except HostMustChooseError:  # became the host just before leaving: still in
            member = membership(user_id, room_id)
    room = find_open_room(room_id)
    # (Hello forgets the membership of a room that is gone, when it has had it erased.)
    if room is None or (member is None and room.kind == PAIR):
        raise RoomNotFoundError(room_id)
    listing.relist(room)
    if member is None:
        joined = _join(user_id, room, now, key)
        return replace(joined, notices=left + joined.notices)
    if member.notice_cid and now - member.joined_at > UNFINISHED_AFTER_MS:
        return announce(member, now, is_repeat=True)
    return Joined(member, room, left)


def _join(user_id: str, room: RoomRow, now: int, key: Key) -> Joined:
    check_room_for_one_more(user_id)
    try:
        invite = admission.check(user_id, room, key, now)
    except PingPongError:
        _check_not_banned(user_id, room.room_id)  # which is the truer answer
        raise
    member = new_member(user_id, room, now)
    member.notice_cid, member.notice_since = chats.new_cid(), room.last_seq
    member.notice_invite = invite.invite_id if invite is not None else None
    member.notice_access = room.access_at
    former = names.find(room.room_id, user_id) if room.named else None
    if former is not None:
        # They come back as who they were.
        member.nickname, member.nickname_seq = former.nickname, former.nickname_seq
        member.nickname_at = former.nickname_at
    # Hardly anybody was ever sanctioned; whoever was is looked at.
    if not admission.let_in(member, SanctionRow.room_id.does_not_exist(), invite):
        sanction = _check_not_banned(user_id, room.room_id)
        if sanction is not None and (sanction.silenced_until or 0) > now:
            member.silenced_until = sanction.silenced_until
            member.silenced_at = sanction.silenced_at
        if not admission.let_in(member, SanctionRow.banned_by.does_not_exist(), invite):
            _check_not_banned(user_id, room.room_id)
            there = find_member(user_id, room.room_id)
            if there is None:  # others have used the invitation up; or it is as if they had
                raise TurnedAwayError
            if there.leaving:
                raise StaleError
            # Another tab of the same person was faster, and announces it.
            return Joined(there, room, [])
    return announce(member, now, is_repeat=False)


def _check_not_banned(user_id: str, room_id: str) -> SanctionRow | None:
    sanction = moderation.find_sanction(room_id, user_id)
    if sanction is not None and sanction.banned_by:
        raise BannedError
    return sanction


def announce(member: MemberRow, now: int, *, is_repeat: bool) -> Joined:
    """Write the notice of a join, and count the member, in one log entry.

    Raises:
        RoomNotFoundError: the room was closed meanwhile.
        TurnedAwayError: or asks for something else.
        NotMemberError: or they left, or were put out.
    """
    try:
        notice = _write_notice(member, EntryKind.JOINED, now, is_repeat=is_repeat)
    except RoomNotFoundError:
        member.delete()
        raise
    except RoomChangedError:
        admission.turn_away(member, is_counted=is_repeat)
        raise TurnedAwayError from None
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
    actions: list[Action] = [
        MemberRow.notice_cid.remove(),
        MemberRow.notice_since.remove(),
        MemberRow.notice_invite.remove(),
        MemberRow.notice_access.remove(),
        *more,
    ]
    is_ours = MemberRow.notice_cid == member.notice_cid
    if condition is not None:
        is_ours &= condition
    return succeeds(lambda: member.update(actions, condition=is_ours))


def _write_notice(member: MemberRow, kind: EntryKind, now: int, *, is_repeat: bool) -> Appended:
    is_joining = kind is EntryKind.JOINED
    change = 1 if is_joining else -1
    count: Action = RoomRow.member_count.add(change)
    present = None
    if is_repeat:
        # The first try may have counted and then died. By now the index has settled; it has
        # whoever is leaving, too.
        present = MemberRow.by_room.count(member.room_id)
        count = RoomRow.member_count.set(present + min(change, 0))
    actions = [count]
    if is_joining:
        condition = admission.still_holds(member, present)
    else:
        # Whoever became the host meanwhile can't just leave.
        condition = RoomRow.host_id != member.user_id
        actions.append(RoomRow.manager_ids.delete({member.user_id}))
    by = member.expelled_by
    return chats.append(
        member.room_id,
        by or member.user_id,
        now,
        kind=EntryKind.KICKED if by else kind,
        text=LeaveReason.BANNED.value if by and member.expelled_as == LeaveReason.BANNED else "",
        cid=member.notice_cid,
        about=member.user_id if by else "",
        retry_since=member.notice_since if is_repeat else None,
        room_actions=actions,
        room_condition=condition,
    )


def leave(
    user_id: str, room_id: str, now: int, *, successor_id: str | None, close: bool
) -> tuple[list[Written], RoomRow | None]:
    """Leave a room; returns the notices that this wrote, and the room if it is closed now.

    Raises:
        NotMemberError: not in the room.
        NotHostError: somebody else than the host names a successor, or wants to close it.
        HostMustChooseError: the host leaves others behind and said neither.
        SuccessorNotMemberError: the successor is not another member.
    """
    member = membership(user_id, room_id)
    room = find_room(room_id)
    if room is None:
        member.delete()
        return [], None
    if room.closed_at:
        return [], room
    if room.kind == PAIR:
        if close or successor_id is not None:
            raise NotHostError
        written, closed = pairs.leave(user_id, room_id, now)
        return [*written], closed
    notices: list[Written] = []
    if room.host_id != user_id:
        # A repeat finds the room handed over already.
        if close or successor_id not in (None, room.host_id):
            raise NotHostError
    elif successor_id is not None:
        notices += _hand_over(user_id, room_id, successor_id, now)
    elif close or _is_alone(room):
        # The membership goes with what the room held: whoever is cut off here finds it again.
        close_room(room, now, if_unchanged=not close)
        return [], room
    else:
        raise HostMustChooseError
    left = _leave_as_member(member, room, now)
    return [*notices, *left], None


def _hand_over(user_id: str, room_id: str, successor_id: str, now: int) -> list[Written]:
    try:
        notice = moderation.transfer(user_id, room_id, successor_id, Moment(now, now))
    except (InvalidFieldError, MemberNotFoundError):
        raise SuccessorNotMemberError from None
    return [notice] if notice is not None else []


def _is_alone(room: RoomRow) -> bool:
    """Whether nobody but the host is in a room, by its count and by its list."""
    return room.member_count <= 1 and len(list(MemberRow.by_room.query(room.room_id, limit=2))) <= 1


def _leave_as_member(member: MemberRow, room: RoomRow, now: int) -> list[Appended]:
    actions = mark_leaving(member, room, now)
    if not succeeds(lambda: member.update(actions, condition=IS_IN)):
        return []  # another tab of the same person was faster
    return write_left(member, now, is_repeat=False)


def mark_leaving(member: MemberRow, room: RoomRow, now: int) -> list[Action]:
    """Mark a membership as ended; returns what does so in the table.

    The marks let whoever comes next finish it.
    """
    member.leaving, member.notice_cid, member.notice_since = now, chats.new_cid(), room.last_seq
    return [
        MemberRow.leaving.set(now),
        MemberRow.notice_cid.set(member.notice_cid),
        MemberRow.notice_since.set(room.last_seq),
    ]


def finish_leaving(member: MemberRow, now: int) -> list[Appended]:
    """Finish a leaving that was cut off; returns the notice if this wrote it.

    Raises:
        StaleError: whoever began it may still be at it.
        HostMustChooseError: they became the host before it, so they are still in.
    """
    if now - member.leaving <= UNFINISHED_AFTER_MS:
        raise StaleError
    return write_left(member, now, is_repeat=True)


def write_left(member: MemberRow, now: int, *, is_repeat: bool) -> list[Appended]:
    """Write the notice of a membership that is ended, and delete it; see ``finish_leaving``."""
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
