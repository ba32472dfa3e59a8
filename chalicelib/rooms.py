"""Rooms: found or made by their name, handed over, closed, and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pynamodb.transactions import TransactWrite

from chalicelib import access as ways_in
from chalicelib import ids, limits, listing, members, names, texts
from chalicelib.errors import (
    HostMustChooseError,
    NotHostError,
    RoomNameTakenError,
)
from chalicelib.protocol import (
    Access,
    EntryKind,
    FoundRoom,
    Member,
    Pin,
    Preview,
    Room,
    Topic,
    Users,
)
from chalicelib.rows import find_open_room, find_room_id, unread
from chalicelib.ruling import role_of
from chalicelib.tables import (
    TRANSACTION_TRIES,
    EntryRow,
    MemberRow,
    RoomNameRow,
    RoomRow,
    transact,
)


def find_or_create(
    name: str,
    user_id: str,
    now: int,
    *,
    topic: Topic | None = None,
    tags: Iterable[str] = (),
    access: Access = Access.OPEN,
    passcode: str | None = None,
    before_making: Callable[[], None] = lambda: None,
) -> tuple[FoundRoom, RoomRow | None]:
    """The room of that name, or a new one with ``user_id`` as its host and first member.

    Returns what anybody may know of it, and the whole row if it was made just now.

    Args:
        topic: what a new room is about, as are ``tags``.
        access: who can join a new one. If not everybody, no room of others is found.
        passcode: what goes with that.
        before_making: raises if ``user_id`` may not make one.

    Raises:
        InvalidFieldError: the name breaks the rules, or a tag, or the passcode.
        RoomNameTakenError: there is a room of that name which is not to be found.
        TooManyRoomsError: a room would have to be made for somebody who has too many.
    """
    name = texts.clean_room_name(name)
    key = texts.room_name_key(name)
    given: dict[str, Any] = listing.attributes(topic, texts.ordered_tags(tags))
    passcode = ways_in.checked_passcode(access, passcode)
    for _ in range(TRANSACTION_TRIES):
        room = _find_by_key(key)
        if room is not None:
            member = members.find_member(user_id, room.room_id)
            is_member = member is not None and not member.leaving
            if not is_member and (access != Access.OPEN or room.access == Access.PRIVATE):
                raise RoomNameTakenError
            return _found(room, is_member=is_member), None
        members.check_room_for_one_more(user_id)
        before_making()
        made = _create(name, key, user_id, now, given | ways_in.attributes(access, passcode))
        if made is not None:
            return _found(made, is_member=True), made
    raise RuntimeError("the room was made and closed by others, each time this looked")


def _find_by_key(key: str) -> RoomRow | None:
    room_id = find_room_id(key)
    room = find_open_room(room_id) if room_id is not None else None
    # Renamed between these two reads: then its lock is another one.
    return room if room is not None and room.name_key == key else None


def _create(name: str, key: str, user_id: str, now: int, given: dict[str, Any]) -> RoomRow | None:
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
        **given,
    )
    listing.put(room)
    lock = RoomNameRow(RoomNameRow.key(key), target_id=room.room_id)
    host = members.new_member(user_id, room, now)
    first = EntryRow(room.room_id, 1, kind=EntryKind.CREATED.value, user_id=user_id, created_at=now)

    def write(transaction: TransactWrite) -> None:
        transaction.save(lock, condition=RoomNameRow.room_id.does_not_exist())
        transaction.save(room)
        transaction.save(host)
        transaction.save(first)

    return room if transact(write) else None


def members_page(room: RoomRow, after: str | None, now: int) -> tuple[list[Member], str | None]:
    """A page of a room's members, by user id, and where the next page starts after."""
    room_id = room.room_id
    later = MemberRow.by_room.query(
        room_id,
        MemberRow.user_id > after if after else None,
        limit=limits.MEMBERS_PAGE_MAX,
    )
    found = list(later)
    read = members.read_seqs(room_id, (row.user_id for row in found)) if _tells(room) else {}
    page = [
        Member(
            user_id=row.user_id,
            joined_at=row.joined_at,
            role=role_of(room, row.user_id),
            read_seq=read.get(row.user_id),
            silenced_until=row.silenced_until if (row.silenced_until or 0) > now else None,
        )
        for row in found
    ]
    return page, page[-1].user_id if len(page) == limits.MEMBERS_PAGE_MAX else None


def _tells(room: RoomRow) -> bool:
    """Whether a room is so small that its members see who has read up to where."""
    return room.member_count <= limits.TELLING_AUDIENCE_MAX


def close_room(room: RoomRow, now: int, *, if_unchanged: bool = False) -> None:
    """Close a room for everybody and free its name, at once. What it held is erased later.

    Args:
        room: as it was read.
        if_unchanged: only if nothing was said and nobody came since then.

    Raises:
        NotHostError: the host has changed meanwhile.
        HostMustChooseError: ``if_unchanged``, and something has changed.
    """
    is_same = (RoomRow.host_id == room.host_id) & RoomRow.closed_at.does_not_exist()
    if if_unchanged:
        is_same &= RoomRow.last_seq == room.last_seq

    def write(transaction: TransactWrite) -> None:
        transaction.update(
            RoomRow(room.room_id),
            actions=[RoomRow.closed_at.set(now), *listing.unlist()],
            condition=is_same,
        )
        transaction.delete(
            RoomNameRow(RoomNameRow.key(room.name_key)),
            # Also fails if the room has another name by now.
            condition=RoomNameRow.target_id == room.room_id,
        )

    if transact(write):
        return
    still_open = find_open_room(room.room_id)
    if still_open is None:
        return
    if still_open.host_id != room.host_id:
        raise NotHostError
    if if_unchanged:
        raise HostMustChooseError
    # Renamed in another tab meanwhile: the lock to free is that on the new name.
    close_room(still_open, now)


@dataclass(frozen=True)
class Shown:
    """A room as one of its members sees it, and whether somebody may go by another name in it."""

    room: Room
    named: bool


def of_members(mine: Iterable[MemberRow]) -> list[Shown]:
    """The open rooms of those memberships, most recently active first.

    One consistent BatchGetItem per 100.
    """
    by_room = {member.room_id: member for member in mine}
    if not by_room:
        return []
    rows = RoomRow.batch_get(by_room, consistent_read=True)
    found = [
        Shown(to_room(row, by_room[row.room_id]), bool(row.named))
        for row in rows
        if not row.closed_at
    ]
    return sorted(found, key=lambda each: (-each.room.active_at, each.room.room_id))


def names_in(shown: Iterable[Shown]) -> Users:
    """How the people are called whom room lists refer to. See ``names.look_up``."""
    people: set[str] = set()
    in_rooms: dict[str, set[str]] = {}
    for each in shown:
        those = people_in([each.room])
        if each.named:
            in_rooms[each.room.room_id] = those
        else:
            people |= those
    return names.look_up(people, in_rooms)


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
        unread=unread(row, member),
        active_at=row.active_at,
        preview=Preview(
            user_id=preview.user_id,
            text=preview.text or "",
            at=preview.at,
            deleted=bool(preview.deleted),
        )
        if preview
        else None,
        name_seq=row.name_seq or 0,
        muted=bool(member.muted),
        partner_id=next(iter((row.pair or set()) - {member.user_id}), ""),
        keepers=sorted(row.keepers or ()),
        manager_ids=sorted(row.manager_ids or ()),
        slow_ms=row.slow_ms or 0,
        locked=bool(row.locked),
        pinned=Pin(seq=row.pinned_seq, user_id=row.pinned_by or "") if row.pinned_seq else None,
        access=Access(row.access or Access.OPEN),
        capacity=row.capacity or 0,
        rules_seq=row.rules_seq or 0,
        silenced_until=member.silenced_until or 0,
        topic=listing.topic_of(row),
        tags=listing.tags_of(row),
    )


def people_in(rooms: Iterable[Room]) -> set[str]:
    """The user ids that room lists refer to."""
    people: set[str] = set()
    for room in rooms:
        people.add(room.partner_id)
        if room.preview:
            people.add(room.preview.user_id)
            people |= texts.mentions(room.preview.text)
        if room.pinned:
            people.add(room.pinned.user_id)
    return people - {""}


def _found(row: RoomRow, *, is_member: bool) -> FoundRoom:
    return FoundRoom(
        room_id=row.room_id,
        name=row.name,
        member_count=row.member_count,
        is_member=is_member,
        access=Access(row.access or Access.OPEN),
    )
