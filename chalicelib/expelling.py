"""Putting people out of a room, and keeping them out.

As leaving is (joining.py): the membership is marked as ended, in one transaction with the check of
who may do it and with the ban; from then on its person can do nothing in the room any more, and
none of their devices hears it: their subscriptions end in the same transaction. The
notice follows, and then the membership goes. Whoever is cut off in between is finished by the next
who comes: the one who was put out, or who asks for it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import connections, joining, members, users
from chalicelib.clock import Moment
from chalicelib.errors import (
    HostMustChooseError,
    MemberNotFoundError,
    NotMemberError,
    StaleError,
)
from chalicelib.moderation import check_other, find_sanction
from chalicelib.protocol import EntryKind, LeaveReason
from chalicelib.rows import open_room
from chalicelib.ruling import (
    DoneError,
    Ruling,
    check_moderator,
    is_news,
    may,
    rule,
)
from chalicelib.steps import Draft
from chalicelib.tables import (
    IS_IN,
    MemberRow,
    RoomRow,
    SanctionRow,
    SubscriptionRow,
    transact,
)
from chalicelib.writing import Written

#: How long to wait for somebody's joining or leaving that is under way, in seconds, try by try.
_WAITS: Final = (0.02, 0.04, 0.08, 0.16, 0.32)
#: So many of a person's devices are deaf at once; what more they have is so a moment later.
_DEVICES_AT_ONCE: Final = 6


def kick(
    user_id: str,
    room_id: str,
    target_id: str,
    at: Moment,
    *,
    ban: bool,
    when_out: Callable[[LeaveReason], None],
) -> list[Written]:
    """Put somebody out of a room; returns the notices that this wrote.

    None if they are not in it, or came (again) after API Gateway took the frame.

    Args:
        user_id: who says so.
        room_id: out of which room.
        target_id: who is put out.
        at: when.
        ban: whether they can't come back.
        when_out: called as soon as they are out, before anything is said about it.

    Raises:
        NotAllowedError: one's role is not above theirs.
        MemberNotFoundError: there is no such person to ban.
        StaleError: they are just coming or going, and it takes long.
    """
    check_other(user_id, target_id)
    notices: list[Written] = []
    for wait in (*_WAITS, None):
        room = open_room(room_id)
        check_moderator(room, user_id, over=target_id)
        member = members.find_member(target_id, room_id)
        is_in = member is not None and not member.leaving
        if member is None or (is_in and member.joined_at > at.received):
            break
        if member.leaving or member.notice_cid:
            if member.expelled_as:  # whoever did it may have been cut off right after
                when_out(LeaveReason(member.expelled_as))
            notices += _finish(member, at.now)
        elif _expel(user_id, room, member, at, ban=ban):
            when_out(_reason(ban=ban))
            return [*notices, *joining.write_left(member, at.now, is_repeat=False)]
        if wait is None:
            raise StaleError
        time.sleep(wait)
    if ban:
        banned = _ban_absent(user_id, room_id, target_id, at)
        notices += [banned] if banned else []
    return notices


def _finish(member: MemberRow, now: int) -> list[Written]:
    """Finish a joining or leaving of somebody who was cut off at it, if that was long ago."""
    began = member.leaving or member.joined_at
    if now - began <= joining.UNFINISHED_AFTER_MS:
        return []  # they may be at it
    try:
        if member.leaving:
            return [*joining.finish_leaving(member, now)]
        return [*joining.announce(member, now, is_repeat=True).notices]
    except (HostMustChooseError, NotMemberError, joining.TurnedAwayError):
        return []  # the next look shows what has become of it


def _expel(user_id: str, room: RoomRow, member: MemberRow, at: Moment, *, ban: bool) -> bool:
    """End a membership; False if something of what was looked at has changed."""
    reason = _reason(ban=ban).value
    member.expelled_by, member.expelled_as = user_id, reason
    actions = [
        *joining.mark_leaving(member, room, at.now),
        MemberRow.expelled_by.set(user_id),
        MemberRow.expelled_as.set(reason),
    ]

    devices = connections.of_user(member.user_id)[:_DEVICES_AT_ONCE]

    def write(transaction: TransactWrite) -> None:
        for connection_id in devices:
            transaction.delete(SubscriptionRow(room.room_id, connection_id))
        transaction.condition_check(
            RoomRow,
            room.room_id,
            condition=may(user_id, over=member.user_id) & RoomRow.closed_at.does_not_exist(),
        )
        transaction.update(
            MemberRow(member.user_id, room.room_id),
            actions=actions,
            condition=IS_IN
            & MemberRow.notice_cid.does_not_exist()
            & (MemberRow.joined_at == member.joined_at),
        )
        if ban:
            _write_ban(transaction, user_id, room.room_id, member.user_id, at.received)

    return transact(write)


def _reason(*, ban: bool) -> LeaveReason:
    return LeaveReason.BANNED if ban else LeaveReason.KICKED


def _ban_absent(user_id: str, room_id: str, target_id: str, at: Moment) -> Written | None:
    """Ban somebody who is not in the room; None if they are banned already."""

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id, over=target_id)
        sanction = find_sanction(room_id, target_id)
        if sanction is not None and (
            sanction.banned_by or (sanction.banned_at or 0) >= at.received
        ):
            raise DoneError
        member = members.find_member(target_id, room_id)
        if member is not None:
            if not member.leaving and member.joined_at > at.received:
                raise DoneError  # this frame is from before they came
            raise StaleError  # came in just now
        if users.find(target_id) is None:
            raise MemberNotFoundError

    def also(transaction: TransactWrite) -> None:
        # Or it would be the ban of a member.
        transaction.condition_check(
            MemberRow, target_id, room_id, condition=MemberRow.user_id.does_not_exist()
        )
        _write_ban(transaction, user_id, room_id, target_id, at.received)

    notice = Draft(user_id, at.now, EntryKind.BANNED, about=target_id)
    return rule(Ruling(room_id, notice, check, may(user_id, over=target_id), (), also))


def _write_ban(
    transaction: TransactWrite, user_id: str, room_id: str, target_id: str, received: int
) -> None:
    actions: list[Action] = [
        SanctionRow.banned_by.set(user_id),
        SanctionRow.banned_at.set(received),
        SanctionRow.expires_at.remove(),
    ]
    transaction.update(
        SanctionRow(room_id, target_id),
        actions=actions,
        condition=is_news(SanctionRow.banned_at, received),
    )
