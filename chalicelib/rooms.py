"""Rooms and who is in them.

Every command that reads or writes a room goes through ``membership``: nobody sees or
does anything in a room that they have not joined.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactWrite

from chalicelib import chats, ids, limits, texts
from chalicelib.chats import RoomChangedError, find_open_room
from chalicelib.errors import (
    HostMustChooseError,
    NotHostError,
    NotMemberError,
    RoomNotFoundError,
    SuccessorNotMemberError,
    TooManyRoomsError,
)
from chalicelib.protocol import Entry, EntryKind, FoundRoom, Member, Preview, Role, Room
from chalicelib.tables import (
    TRANSACTION_CANCELED,
    EntryRow,
    MemberRow,
    RoomNameRow,
    RoomRow,
    connection,
    is_condition_failure,
)

#: After so long a Lambda that was joining or leaving is finished or dead, in ms.
UNFINISHED_AFTER_MS: Final = 12_000
#: How often a transaction is tried that meets others on the same room.
TRANSACTION_TRIES: Final = 8


@dataclass(frozen=True)
class Joined:
    """A person's membership after entering, and the notice if this entering wrote one."""

    member: MemberRow
    room: RoomRow
    notice: Entry | None


# --- Finding and making ---------------------------------------------------------------


def find_or_create(name: str, user_id: str, now: int) -> tuple[FoundRoom, RoomRow | None]:
    """The room of that name, or a new one with ``user_id`` as its host and first member.

    Returns what anybody may know of it, and the whole row if it was made just now.

    Raises:
        InvalidFieldError: the name breaks the rules.
        TooManyRoomsError: a room would have to be made for somebody who has too many.
    """
    name = texts.clean_room_name(name)
    key = texts.room_name_key(name)
    for _ in range(TRANSACTION_TRIES):
        room = _find_by_key(key)
        if room is not None:
            member = find_member(user_id, room.room_id)
            is_member = member is not None and not member.leaving
            return _found(room, is_member=is_member), None
        _check_room_for_one_more(user_id)
        made = _create(name, key, user_id, now)
        if made is not None:
            return _found(made, is_member=True), made
    raise RuntimeError("the room was made and closed by others, each time this looked")


def _find_by_key(key: str) -> RoomRow | None:
    try:
        lock = RoomNameRow.get(RoomNameRow.key(key), consistent_read=True)
    except RoomNameRow.DoesNotExist:
        return None
    return find_open_room(lock.target_id)


def _create(name: str, key: str, user_id: str, now: int) -> RoomRow | None:
    """Make a room with its name lock, host and first entry at once; None if the name is taken."""
    room = RoomRow(
        ids.new_id(),
        name=name,
        name_key=key,
        host_id=user_id,
        epoch=ids.new_id(),
        created_at=now,
        active_at=now,
        last_seq=1,
        member_count=1,
    )
    lock = RoomNameRow(RoomNameRow.key(key), target_id=room.room_id)
    host = MemberRow(
        user_id, room.room_id, role=Role.MEMBER.value, joined_at=now, read_seq=room.last_seq
    )
    first = EntryRow(room.room_id, 1, kind=EntryKind.CREATED.value, user_id=user_id, created_at=now)

    def write(transaction: TransactWrite) -> None:
        transaction.save(lock, condition=RoomNameRow.room_id.does_not_exist())
        transaction.save(room)
        transaction.save(host)
        transaction.save(first)

    return room if _transact(write) else None


def _check_room_for_one_more(user_id: str) -> None:
    if MemberRow.count(user_id) >= limits.ROOMS_PER_USER_MAX:
        raise TooManyRoomsError(limits.ROOMS_PER_USER_MAX)


# --- Membership ------------------------------------------------------------------------


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
    _check_room_for_one_more(user_id)
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


def memberships(user_id: str) -> list[MemberRow]:
    """All of a person's memberships, also those being ended. One consistent Query."""
    return list(MemberRow.query(user_id, consistent_read=True))


def members_page(room_id: str, after: str | None) -> tuple[list[Member], str | None]:
    """A page of a room's members, by user id, and where the next page starts after.

    Raises:
        RoomNotFoundError: there is no such open room.
    """
    room = find_open_room(room_id)
    if room is None:
        raise RoomNotFoundError(room_id)
    later = MemberRow.by_room.query(
        room_id,
        MemberRow.user_id > after if after else None,
        limit=limits.MEMBERS_PAGE_MAX,
    )
    page = [
        Member(
            user_id=row.user_id,
            joined_at=row.joined_at,
            role=Role.HOST if row.user_id == room.host_id else Role(row.role),
        )
        for row in later
    ]
    return page, page[-1].user_id if len(page) == limits.MEMBERS_PAGE_MAX else None


def mark_read(user_id: str, room_id: str, seq: int) -> bool:
    """Note that somebody has seen a room up to ``seq``; False if it was noted before.

    Raises:
        NotMemberError: they are not in the room.
    """
    is_later = (
        MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist() & (MemberRow.read_seq < seq)
    )
    try:
        MemberRow(user_id, room_id).update([MemberRow.read_seq.set(seq)], condition=is_later)
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
        member.update([MemberRow.retried_cids.set(latest)], condition=MemberRow.user_id.exists())
    except UpdateError as error:
        if not is_condition_failure(error):
            raise
        raise NotMemberError(member.room_id) from error


# --- Leaving ---------------------------------------------------------------------------


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
        notices.append(_hand_over(room, user_id, successor_id, now))
    elif close or room.member_count <= 1:
        close_room(room, now)
        member.delete()
        return [], room
    else:
        raise HostMustChooseError
    left = _leave_as_member(member, room, now)
    return [*notices, *left], None


def close_room(room: RoomRow, now: int) -> None:
    """Close a room for everybody and free its name, at once. What it held is erased later.

    Raises:
        NotHostError: the host has changed meanwhile.
    """

    def write(transaction: TransactWrite) -> None:
        transaction.update(
            RoomRow(room.room_id),
            actions=[RoomRow.closed_at.set(now)],
            condition=(RoomRow.host_id == room.host_id) & RoomRow.closed_at.does_not_exist(),
        )
        transaction.delete(
            RoomNameRow(RoomNameRow.key(room.name_key)),
            condition=RoomNameRow.target_id == room.room_id,
        )

    if _transact(write):
        return
    still_open = find_open_room(room.room_id)
    if still_open is not None:
        raise NotHostError


def _hand_over(room: RoomRow, host_id: str, successor_id: str, now: int) -> Entry:
    """Make another member the host. Raises SuccessorNotMemberError, NotHostError."""
    if successor_id == host_id:
        raise SuccessorNotMemberError

    def write(transaction: TransactWrite) -> None:
        # The check and the change are one: the successor can't leave in between.
        transaction.condition_check(
            MemberRow,
            successor_id,
            room.room_id,
            condition=MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist(),
        )
        transaction.update(
            RoomRow(room.room_id),
            actions=[RoomRow.host_id.set(successor_id)],
            condition=(RoomRow.host_id == host_id) & RoomRow.closed_at.does_not_exist(),
        )

    if not _transact(write):
        successor = find_member(successor_id, room.room_id)
        if successor is None or successor.leaving:
            raise SuccessorNotMemberError
        raise NotHostError
    return chats.append(room.room_id, successor_id, now, kind=EntryKind.HOST_CHANGED).entry


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


# --- What goes over the wire -------------------------------------------------------------


def of_members(members: Iterable[MemberRow]) -> list[Room]:
    """The open rooms of those memberships, most recently active first.

    One consistent BatchGetItem per 100.
    """
    by_room = {member.room_id: member for member in members}
    if not by_room:
        return []
    rows = RoomRow.batch_get(by_room, consistent_read=True)
    rooms = [to_room(row, by_room[row.room_id]) for row in rows if not row.closed_at]
    return sorted(rooms, key=lambda room: (-room.active_at, room.room_id))


def to_room(row: RoomRow, member: MemberRow) -> Room:
    """A room as one of its members sees it."""
    preview = row.preview
    return Room(
        room_id=row.room_id,
        name=row.name,
        host_id=row.host_id,
        member_count=row.member_count,
        last_seq=row.last_seq,
        epoch=row.epoch,
        read_seq=member.read_seq,
        active_at=row.active_at,
        preview=Preview(user_id=preview.user_id, text=preview.text, at=preview.at)
        if preview
        else None,
    )


def people_in(rooms: Iterable[Room]) -> set[str]:
    """The user ids that room lists refer to."""
    return {room.preview.user_id for room in rooms if room.preview}


def _found(row: RoomRow, *, is_member: bool) -> FoundRoom:
    return FoundRoom(
        room_id=row.room_id,
        name=row.name,
        member_count=row.member_count,
        is_member=is_member,
    )


def _transact(write: Callable[[TransactWrite], None]) -> bool:
    """Carry out a transaction; False if one of its conditions does not hold."""
    for attempt in range(TRANSACTION_TRIES):
        try:
            with TransactWrite(connection=connection, client_request_token=ids.new_id()) as open_:
                write(open_)
        except TransactWriteError as error:
            if error.cause_response_code != TRANSACTION_CANCELED:
                raise
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if "ConditionalCheckFailed" in reasons:
                return False
            if attempt == TRANSACTION_TRIES - 1:
                raise
            # Met another write on the same items. Full jitter, as retries together collide.
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        else:
            return True
    raise AssertionError("unreachable: the last attempt returns or raises")
