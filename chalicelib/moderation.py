"""What hosts and managers change about a room, and impose on those in it.

Every function can be repeated; a frame that comes again late undoes nothing that was done since
(``…_at``: when API Gateway took the frame that something is from). Putting somebody out is in
expelling.py.
"""

from __future__ import annotations

from typing import Final

from pynamodb.expressions.condition import size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import clock, limits, members
from chalicelib.clock import Moment
from chalicelib.errors import (
    ChatNotFoundError,
    InvalidFieldError,
    MemberNotFoundError,
    TooManyManagersError,
)
from chalicelib.protocol import EntryKind, NamedRole, Role
from chalicelib.ruling import (
    DoneError,
    Ruling,
    check_host,
    check_moderator,
    is_manager,
    is_news,
    may,
    rule,
)
from chalicelib.steps import Draft
from chalicelib.tables import IS_IN, EntryRow, MemberRow, RoomRow, SanctionRow
from chalicelib.writing import Written

#: So long the mark of a sanction that is over is kept, in seconds: no frame comes later.
MARK_SECONDS: Final = 24 * 3600


def find_target(user_id: str, room_id: str, received: int) -> MemberRow:
    """A member that something is to be done to.

    Raises:
        MemberNotFoundError: they are not in the room.
        DoneError: they came after the frame, which was delivered once before.
    """
    member = members.find_member(user_id, room_id)
    if member is None or member.leaving:
        raise MemberNotFoundError
    if member.joined_at > received:
        raise DoneError
    return member


def check_other(user_id: str, target_id: str) -> None:
    """Raise InvalidFieldError if somebody means themselves."""
    if user_id == target_id:
        raise InvalidFieldError("user_id", "must be somebody else")


# --- Roles --------------------------------------------------------------------------------


def set_role(
    user_id: str, room_id: str, target_id: str, role: NamedRole, at: Moment
) -> Written | None:
    """Make a member a manager or a plain member; None if they are that already.

    Raises:
        NotHostError: only the host may.
        MemberNotFoundError: the other is not in the room.
        TooManyManagersError: there are as many as there can be.
    """
    check_other(user_id, target_id)
    to_manager = role is NamedRole.MANAGER

    def check(room: RoomRow) -> None:
        check_host(room, user_id)
        member = find_target(target_id, room_id, at.received)
        if is_manager(room, target_id) == to_manager or (member.role_at or 0) >= at.received:
            raise DoneError
        if to_manager and len(room.manager_ids or ()) >= limits.MANAGERS_MAX:
            raise TooManyManagersError(limits.MANAGERS_MAX)

    condition = RoomRow.host_id == user_id
    action: Action = RoomRow.manager_ids.delete({target_id})
    if to_manager:
        action = RoomRow.manager_ids.add({target_id})
        condition &= RoomRow.manager_ids.does_not_exist() | (
            size(RoomRow.manager_ids) < limits.MANAGERS_MAX
        )

    def also(transaction: TransactWrite) -> None:
        transaction.update(
            MemberRow(target_id, room_id),
            actions=[MemberRow.role.set(role.value), MemberRow.role_at.set(at.received)],
            condition=IS_IN
            & (MemberRow.joined_at <= at.received)
            & is_news(MemberRow.role_at, at.received),
        )

    notice = Draft(user_id, at.now, EntryKind.ROLE_CHANGED, text=role.value, about=target_id)
    return rule(Ruling(room_id, notice, check, condition, [action], also))


def transfer(user_id: str, room_id: str, target_id: str, at: Moment) -> Written | None:
    """Make another member the host; None if that was done.

    Raises:
        NotHostError: only the host may.
        MemberNotFoundError: the other is not in the room.
    """
    check_other(user_id, target_id)

    def check(room: RoomRow) -> None:
        is_done = room.host_id == target_id and room.previous_host_id == user_id
        if is_done or (room.host_id == user_id and (room.host_at or 0) >= at.received):
            raise DoneError
        check_host(room, user_id)
        find_target(target_id, room_id, at.received)

    actions: list[Action] = [
        RoomRow.host_id.set(target_id),
        RoomRow.previous_host_id.set(user_id),
        RoomRow.host_at.set(at.received),
        RoomRow.manager_ids.delete({target_id}),
    ]

    def also(transaction: TransactWrite) -> None:
        transaction.update(
            MemberRow(target_id, room_id),
            actions=[MemberRow.role.set(Role.MEMBER.value)],
            condition=IS_IN & (MemberRow.joined_at <= at.received),
        )

    notice = Draft(target_id, at.now, EntryKind.HOST_CHANGED)
    condition = (RoomRow.host_id == user_id) & is_news(RoomRow.host_at, at.received)
    return rule(Ruling(room_id, notice, check, condition, actions, also))


# --- The room -----------------------------------------------------------------------------


def slow(user_id: str, room_id: str, seconds: int, at: Moment) -> Written | None:
    """Have members wait so long between two chats; None if they do already.

    Raises:
        InvalidFieldError: that is none of the times that there are.
        NotAllowedError: only the host and managers may.
    """
    if seconds not in limits.SLOW_SECONDS:
        rule_text = ", ".join(map(str, limits.SLOW_SECONDS))
        raise InvalidFieldError("seconds", f"must be one of {rule_text}")
    ms = seconds * 1000

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id)
        if (room.slow_ms or 0) == ms or (room.slow_at or 0) >= at.received:
            raise DoneError

    change: Action = RoomRow.slow_ms.set(ms) if ms else RoomRow.slow_ms.remove()
    actions = [change, RoomRow.slow_at.set(at.received)]
    condition = may(user_id) & is_news(RoomRow.slow_at, at.received)
    notice = Draft(user_id, at.now, EntryKind.SLOWED, text=str(seconds))
    return rule(Ruling(room_id, notice, check, condition, actions))


def lock(user_id: str, room_id: str, at: Moment, *, on: bool) -> Written | None:
    """Let nobody new in, or end that; None if it is so already. Raises NotAllowedError."""

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id)
        if bool(room.locked) == on or (room.locked_at or 0) >= at.received:
            raise DoneError

    change: Action = RoomRow.locked.set(True) if on else RoomRow.locked.remove()
    actions = [change, RoomRow.locked_at.set(at.received)]
    condition = may(user_id) & is_news(RoomRow.locked_at, at.received)
    notice = Draft(user_id, at.now, EntryKind.LOCKED if on else EntryKind.UNLOCKED)
    return rule(Ruling(room_id, notice, check, condition, actions))


def pin(user_id: str, room_id: str, seq: int | None, at: Moment) -> Written | None:
    """Have a chat, or none, stand at the top of a room; None if it does already.

    Raises:
        NotAllowedError: only the host and managers may.
        ChatNotFoundError: there is no such chat, or it is deleted.
    """

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id)
        if room.pinned_seq == seq or (room.pinned_at or 0) >= at.received:
            raise DoneError
        if seq is not None:
            _check_can_be_pinned(room_id, seq)

    actions: list[Action] = [
        RoomRow.pinned_seq.set(seq) if seq is not None else RoomRow.pinned_seq.remove(),
        RoomRow.pinned_by.set(user_id) if seq is not None else RoomRow.pinned_by.remove(),
        RoomRow.pinned_at.set(at.received),
    ]

    def also(transaction: TransactWrite) -> None:
        if seq is not None:
            is_there = EntryRow.deleted.does_not_exist()
            is_there &= EntryRow.kind == EntryKind.CHAT.value
            transaction.condition_check(EntryRow, room_id, seq, condition=is_there)

    condition = may(user_id) & is_news(RoomRow.pinned_at, at.received)
    kind = EntryKind.UNPINNED if seq is None else EntryKind.PINNED
    notice = Draft(user_id, at.now, kind, reply_to=seq or 0)
    return rule(Ruling(room_id, notice, check, condition, actions, also))


def _check_can_be_pinned(room_id: str, seq: int) -> None:
    try:
        row = EntryRow.get(room_id, seq, consistent_read=True)
    except EntryRow.DoesNotExist:
        raise ChatNotFoundError(seq) from None
    if row.kind != EntryKind.CHAT or row.deleted:
        raise ChatNotFoundError(seq)


# --- People -------------------------------------------------------------------------------


def silence(user_id: str, room_id: str, target_id: str, seconds: int, at: Moment) -> Written | None:
    """Have somebody say nothing for so long; 0 ends it. None if there is nothing to do.

    Raises:
        NotAllowedError: one's role is not above the other's.
        MemberNotFoundError: the other is not in the room.
    """
    check_other(user_id, target_id)
    until = at.now + seconds * 1000

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id, over=target_id)
        member = find_target(target_id, room_id, at.received)
        if (member.silenced_at or 0) >= at.received:
            raise DoneError
        if not seconds and (member.silenced_until or 0) <= at.now:
            raise DoneError

    def also(transaction: TransactWrite) -> None:
        on_member: Action = MemberRow.silenced_until.remove()
        beside: Action = SanctionRow.silenced_until.remove()
        if seconds:
            on_member = MemberRow.silenced_until.set(until)
            beside = SanctionRow.silenced_until.set(until)
        transaction.update(
            MemberRow(target_id, room_id),
            actions=[on_member, MemberRow.silenced_at.set(at.received)],
            condition=IS_IN
            & (MemberRow.joined_at <= at.received)
            & is_news(MemberRow.silenced_at, at.received),
        )
        # So that leaving and coming back does not end it.
        transaction.update(
            SanctionRow(room_id, target_id),
            actions=[
                beside,
                SanctionRow.silenced_at.set(at.received),
                SanctionRow.expires_at.set(clock.seconds(until) + MARK_SECONDS),
            ],
        )

    notice = Draft(user_id, at.now, EntryKind.SILENCED, text=str(seconds), about=target_id)
    return rule(Ruling(room_id, notice, check, may(user_id, over=target_id), (), also))


def unban(user_id: str, room_id: str, target_id: str, at: Moment) -> Written | None:
    """Let somebody enter again; None if they are not banned. Raises NotAllowedError."""

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id)
        sanction = find_sanction(room_id, target_id)
        if sanction is None or not sanction.banned_by:
            raise DoneError
        if (sanction.banned_at or 0) >= at.received:
            raise DoneError

    def also(transaction: TransactWrite) -> None:
        # A silence may go on: the mark stays as long as the longest of them.
        expires_at = clock.seconds(at.now) + limits.SILENCE_SECONDS_MAX + MARK_SECONDS
        transaction.update(
            SanctionRow(room_id, target_id),
            actions=[
                SanctionRow.banned_by.remove(),
                SanctionRow.banned_at.set(at.received),
                SanctionRow.expires_at.set(expires_at),
            ],
            condition=SanctionRow.banned_by.exists() & (SanctionRow.banned_at < at.received),
        )

    notice = Draft(user_id, at.now, EntryKind.UNBANNED, about=target_id)
    return rule(Ruling(room_id, notice, check, may(user_id), (), also))


def find_sanction(room_id: str, user_id: str) -> SanctionRow | None:
    """What was imposed on somebody in a room. One consistent GetItem."""
    try:
        return SanctionRow.get(room_id, user_id, consistent_read=True)
    except SanctionRow.DoesNotExist:
        return None


def bans(user_id: str, room: RoomRow, after: str | None) -> tuple[list[SanctionRow], str | None]:
    """A page of who is banned, by user id, and where the next page starts after. One Query.

    Raises:
        NotAllowedError: for the host and managers only.
    """
    check_moderator(room, user_id)
    found = SanctionRow.query(
        room.room_id,
        SanctionRow.user_id > after if after else None,
        filter_condition=SanctionRow.banned_by.exists(),
        consistent_read=True,
        limit=limits.BANS_PAGE_MAX,
    )
    page = list(found)
    return page, page[-1].user_id if len(page) == limits.BANS_PAGE_MAX else None
