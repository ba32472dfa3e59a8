"""What each command does: authorise, act, tell the others, reply.

DynamoDB calls and posts of each are counted by tests/integration/test_counts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib import (
    background,
    changes,
    chats,
    connections,
    delivery,
    joining,
    limits,
    members,
    presence,
    protocol,
    rooms,
    sessions,
    users,
)
from chalicelib.connections import Caller
from chalicelib.errors import (
    HelloFirstError,
    HostMustChooseError,
    InvalidFieldError,
    NotMemberError,
    RoomNotFoundError,
    SignedOutError,
)
from chalicelib.protocol import Reply, Room, RoomPosition, SyncedRoom, User, Users
from chalicelib.rows import find_open_room, find_room, to_state, unread
from chalicelib.steps import Place
from chalicelib.tables import EntryRow, MemberRow, RoomRow, UserRow
from chalicelib.texts import check_chat
from chalicelib.writing import Written


@dataclass(frozen=True)
class Moment:
    """When a command is carried out, in ms since 1970."""

    now: int
    #: When API Gateway took the frame.
    received: int


def run(caller: Caller, command: protocol.AnyCommand, at: Moment) -> Reply:
    """Carry out a command of a connection.

    Raises:
        PingPongError: it is refused.
    """
    if caller.nickname is None and not isinstance(command, protocol.Hello):
        raise HelloFirstError
    return HANDLERS[type(command)](caller, command, at)


# --- Oneself ---------------------------------------------------------------------------


def hello(caller: Caller, command: protocol.Hello, at: Moment) -> Reply:
    """Subscribe the connection to all rooms of its person, then read what to show."""
    person = users.find(caller.user_id)
    # A handshake that met the sign-out may have been registered after that looked for
    # connections to end; nothing but hello is done before hello, so it ends here.
    if person is None or not sessions.is_live(caller.session_id):
        raise SignedOutError
    mine = [
        member
        for member in members.memberships(caller.user_id)
        if _is_still_in(member, person, at.now)
    ]
    # Subscribed before the rooms are read: what is said in between comes as a push.
    heard = {member.room_id for member in mine}
    if not connections.greet(caller, person.nickname, heard):
        raise SignedOutError
    # Rooms that were joined or left in another tab while this subscribed.
    mine = [member for member in members.memberships(caller.user_id) if not member.leaving]
    for room_id in heard - {member.room_id for member in mine}:
        connections.unsubscribe(caller.connection_id, room_id)
    for room_id in {member.room_id for member in mine} - heard:
        connections.subscribe(caller, room_id)
    found = rooms.of_members(mine)
    _forget_closed(mine, found)
    page, left = _rooms_page(found)
    return protocol.HelloReply(
        ref=command.ref,
        me=users.me(person),
        rooms=page,
        users=users.names(rooms.people_in(page)),
        now=at.now,
        more_room_ids=left,
    )


def update_profile(caller: Caller, command: protocol.UpdateProfile, at: Moment) -> Reply:
    me = users.rename(caller.user_id, command.nickname)
    if me is None:
        raise SignedOutError
    own = connections.set_nickname(caller.user_id, me.nickname)
    event = protocol.ProfileUpdated(me=me)
    delivery.push_to_connections(own, event, but=caller.connection_id)
    return protocol.ProfileReply(ref=command.ref, me=me)


# --- Rooms -----------------------------------------------------------------------------


def list_rooms(caller: Caller, command: protocol.ListRooms, at: Moment) -> Reply:
    keys = {(caller.user_id, room_id) for room_id in command.room_ids}
    mine = [row for row in MemberRow.batch_get(keys, consistent_read=True) if not row.leaving]
    page, left = _rooms_page(rooms.of_members(mine))
    names = users.names(rooms.people_in(page))
    return protocol.RoomsReply(ref=command.ref, rooms=page, users=names, more_room_ids=left)


def open_room(caller: Caller, command: protocol.OpenRoom, at: Moment) -> Reply:
    found, made = rooms.find_or_create(command.name, caller.user_id, at.now)
    if made is not None:
        member = members.membership(caller.user_id, made.room_id)
        _after_joining(caller, rooms.to_room(made, member))
    return protocol.OpenReply(ref=command.ref, room=found, created=made is not None)


def enter_room(caller: Caller, command: protocol.EnterRoom, at: Moment) -> Reply:
    joined = joining.enter(caller.user_id, command.room_id, at.now)
    row = joined.room
    room = rooms.to_room(row, joined.member)
    if joined.is_new or room.room_id not in caller.room_ids:
        # (Not new, but not heard: joined in another tab that did not see this connection.)
        _after_joining(caller, room, is_new=joined.is_new)
        # Subscribed before the log is read: what is said in between comes as a push.
        row = find_open_room(room.room_id) or row
        room = rooms.to_room(row, joined.member)
    for notice in joined.notices:
        delivery.deliver(room.room_id, notice, _own_name(caller), but=caller.connection_id)
    delivery.resume(room.room_id, to_state(row))
    page = chats.read_before(room.room_id, room.last_seq + 1, command.limit, limits.PAGE_BYTES_MAX)
    return protocol.EnterReply(
        ref=command.ref,
        room=room,
        entries=page.entries,
        users=users.names(chats.people_in(page.entries) | rooms.people_in([room])),
        joined=joined.is_new,
        has_before=page.has_before,
    )


def list_members(caller: Caller, command: protocol.ListMembers, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    page, after = rooms.members_page(command.room_id, command.after)
    names = users.names(member.user_id for member in page)
    return protocol.MembersReply(ref=command.ref, members=page, users=names, after=after)


def leave_room(caller: Caller, command: protocol.LeaveRoom, at: Moment) -> Reply:
    notices, closed = joining.leave(
        caller.user_id,
        command.room_id,
        at.now,
        successor_id=command.successor_id,
        close=command.close,
    )
    if closed is not None:
        background.after_closing(closed, but=caller.connection_id)
        return Reply(ref=command.ref)
    background.after_leaving(caller.user_id, command.room_id, but=caller.connection_id)
    names = users.names(notice.entry.user_id for notice in notices)
    for notice in notices:
        delivery.deliver(command.room_id, notice, names)
    return Reply(ref=command.ref)


def mark_read(caller: Caller, command: protocol.MarkRead, at: Moment) -> Reply:
    try:
        entry = EntryRow.get(command.room_id, command.seq, consistent_read=True)
    except EntryRow.DoesNotExist:
        # How long the log is, is for members only.
        members.membership(caller.user_id, command.room_id)
        raise InvalidFieldError("seq", "must be of an entry in the room's log") from None
    place = Place(entry.seq, entry.number)
    if members.mark_read(caller.user_id, command.room_id, place):
        event = protocol.ReadMarked(
            room_id=command.room_id, user_id=caller.user_id, seq=command.seq
        )
        if delivery.tell_few(command.room_id, event, but=caller.connection_id) is None:
            own = connections.of_user(caller.user_id)
            delivery.push_to_connections(own, event, but=caller.connection_id)
    return Reply(ref=command.ref)


def sync_rooms(caller: Caller, command: protocol.SyncRooms, at: Moment) -> Reply:
    positions = {position.room_id: position for position in command.rooms}
    if len(positions) != len(command.rooms):
        raise InvalidFieldError("rooms", "must name each room once")
    keys = {(caller.user_id, room_id) for room_id in positions}
    rows = MemberRow.batch_get(keys, consistent_read=True) if keys else ()
    mine = {row.room_id: row for row in rows if not row.leaving}
    found = RoomRow.batch_get(mine, consistent_read=True) if mine else ()
    open_rooms = {row.room_id: row for row in found if not row.closed_at}
    # What the rooms themselves take of the frame, besides their entries and names.
    budget = limits.PAGE_BYTES_MAX - limits.SYNCED_ROOM_BYTES_MAX * len(positions)
    people: set[str] = set()
    synced = []
    for position in command.rooms:
        row = open_rooms.get(position.room_id)
        if row is None:
            synced.append(SyncedRoom(room_id=position.room_id, gone=True))
            continue
        # One entry fits in any case, so that a client always gets on; but only one.
        member = mine[row.room_id]
        answer = _sync_one(row, member, position, budget, at_least=0 if people else 1)
        delivery.resume(row.room_id, to_state(row))
        new = chats.people_in(answer.entries) - people
        people |= new
        budget -= chats.encoded_size(answer.entries) + limits.USER_BYTES_MAX * len(new)
        synced.append(answer)
    return protocol.SyncReply(ref=command.ref, rooms=synced, users=users.names(people))


def _sync_one(
    row: RoomRow, member: MemberRow, position: RoomPosition, budget: int, at_least: int
) -> SyncedRoom:
    is_other_log = position.epoch not in ("", row.epoch) or position.after > row.last_seq
    after = max(0, row.last_seq - limits.HISTORY_PAGE_DEFAULT) if is_other_log else position.after
    answer = SyncedRoom(
        room_id=row.room_id,
        reset=is_other_log,
        epoch=row.epoch,
        last_seq=row.last_seq,
        read_seq=member.read_seq,
        unread=unread(row, member),
    )
    if after == row.last_seq:
        answer.complete = True
    elif budget > 0 or at_least > 0:
        page = chats.read_after(
            row.room_id, after, row.last_seq, limits.HISTORY_PAGE_MAX, budget, at_least=at_least
        )
        answer.entries = page.entries
        answer.complete = not page.has_after
    return answer


# --- Chats -----------------------------------------------------------------------------


def send_chat(caller: Caller, command: protocol.SendChat, at: Moment) -> Reply:
    text = check_chat(command.text)
    _check_hears(caller, command.room_id)
    written = chats.say(
        command.room_id,
        caller.user_id,
        text,
        command.cid,
        at.now,
        retry_since=command.retry_since,
        deadline=at.received + limits.WRITE_WITHIN_MS,
    )
    _deliver(caller, command.room_id, written)
    return protocol.SendReply(ref=command.ref, entry=written.entry)


def edit_chat(caller: Caller, command: protocol.EditChat, at: Moment) -> Reply:
    text = check_chat(command.text)
    change = changes.edit(caller.user_id, command.room_id, command.seq, text, at.now)
    return _changed(caller, command, change)


def delete_chat(caller: Caller, command: protocol.DeleteChat, at: Moment) -> Reply:
    change = changes.delete(caller.user_id, command.room_id, command.seq, at.now)
    return _changed(caller, command, change)


def react(caller: Caller, command: protocol.React, at: Moment) -> Reply:
    change = changes.react(
        caller.user_id, command.room_id, command.seq, command.emoji, at.now, on=command.on
    )
    return _changed(caller, command, change)


def _changed(
    caller: Caller,
    command: protocol.EditChat | protocol.DeleteChat | protocol.React,
    change: Written | None,
) -> Reply:
    if change is None:
        return protocol.ChangeReply(ref=command.ref)
    _deliver(caller, command.room_id, change)
    return protocol.ChangeReply(ref=command.ref, entry=change.entry)


def read_history(caller: Caller, command: protocol.ReadHistory, at: Moment) -> Reply:
    if command.before is not None and command.after is not None:
        raise InvalidFieldError("before", "must not be given together with after")
    members.membership(caller.user_id, command.room_id)
    room = find_open_room(command.room_id)
    if room is None:
        raise RoomNotFoundError(command.room_id)
    if command.after is not None:
        page = chats.read_after(
            command.room_id, command.after, room.last_seq, command.limit, limits.PAGE_BYTES_MAX
        )
    else:
        newest = room.last_seq + 1
        before = newest if command.before is None else min(command.before, newest)
        page = chats.read_before(command.room_id, before, command.limit, limits.PAGE_BYTES_MAX)
        page = replace(page, has_after=bool(page.entries) and before < newest)
    return protocol.HistoryReply(
        ref=command.ref,
        entries=page.entries,
        users=users.names(chats.people_in(page.entries)),
        has_before=page.has_before,
        has_after=page.has_after,
    )


# --- Presence ----------------------------------------------------------------------------


def signal_typing(caller: Caller, command: protocol.SignalTyping, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    if presence.may_signal(caller.connection_id, command.room_id, at.now):
        event = protocol.TypingSignalled(room_id=command.room_id, user_id=caller.user_id)
        delivery.tell_few(command.room_id, event, but=caller.connection_id)
    return Reply(ref=command.ref)


def list_present(caller: Caller, command: protocol.ListPresent, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    user_ids = presence.people(command.room_id)
    return protocol.PresentReply(
        ref=command.ref, user_ids=user_ids[: limits.PRESENT_MAX], count=len(user_ids)
    )


# --- Shared ----------------------------------------------------------------------------


def _check_hears(caller: Caller, room_id: str) -> None:
    """Keep strangers from taking places in a room's log.

    Who hears a room is known from the connection's row, which is read anyway. That they are a
    member still is checked in the call that claims the place.
    """
    if room_id not in caller.room_ids:
        members.membership(caller.user_id, room_id)


def _deliver(caller: Caller, room_id: str, written: Written) -> None:
    delivery.deliver(room_id, written, _own_name(caller), but=caller.connection_id)


def _own_name(caller: Caller) -> Users:
    return {caller.user_id: User(nickname=caller.nickname or "")}


def _after_joining(caller: Caller, room: Room, *, is_new: bool = True) -> None:
    """Make the person's connections hear the room, and show a new one in their other tabs."""
    connections.subscribe(caller, room.room_id)
    others = connections.subscribe_others(caller, room.room_id) if is_new else []
    member = members.find_member(caller.user_id, room.room_id)
    if member is None or member.leaving:  # left in another tab meanwhile
        for connection_id in (caller.connection_id, *others):
            connections.unsubscribe(connection_id, room.room_id)
        raise NotMemberError(room.room_id)
    names = users.names(rooms.people_in([room])) if others else {}
    delivery.push_to_connections(others, protocol.RoomJoined(room=room, users=names))


def _is_still_in(member: MemberRow, person: UserRow, now: int) -> bool:
    """Whether a membership stands; a leaving that was cut off is finished first."""
    if not member.leaving:
        return True
    if now - member.leaving <= joining.UNFINISHED_AFTER_MS:
        return False
    try:
        notices = joining.finish_leaving(member, now)
    except HostMustChooseError:
        return True  # became the host just before leaving, so the leaving did not count
    name = {person.user_id: User(nickname=person.nickname)}
    for notice in notices:
        delivery.deliver(member.room_id, notice, name)
    return False


def _forget_closed(mine: Sequence[MemberRow], found: Sequence[Room]) -> None:
    """Drop memberships of rooms that were closed; erasing one may have been cut off."""
    still_open = {room.room_id for room in found}
    for member in mine:
        if member.room_id in still_open:
            continue
        room = find_room(member.room_id)
        if room is None or room.closed_at:
            member.delete()
        if room is not None and room.closed_at:
            background.start(background.EraseRoom(room.room_id))


def _rooms_page(found: Sequence[Room]) -> tuple[list[Room], list[str]]:
    """As many rooms as fit into a frame, and the ids of the others."""
    used = 0
    for count, room in enumerate(found):
        used += chats.encoded_size(room) + 1
        if used > limits.PAGE_BYTES_MAX and count > 0:
            return list(found[:count]), [later.room_id for later in found[count:]]
    return list(found), []


HANDLERS: Final[dict[type[protocol.Command], Callable[[Caller, Any, Moment], Reply]]] = {
    protocol.Hello: hello,
    protocol.UpdateProfile: update_profile,
    protocol.ListRooms: list_rooms,
    protocol.OpenRoom: open_room,
    protocol.EnterRoom: enter_room,
    protocol.ListMembers: list_members,
    protocol.LeaveRoom: leave_room,
    protocol.MarkRead: mark_read,
    protocol.SyncRooms: sync_rooms,
    protocol.SendChat: send_chat,
    protocol.EditChat: edit_chat,
    protocol.DeleteChat: delete_chat,
    protocol.React: react,
    protocol.SignalTyping: signal_typing,
    protocol.ListPresent: list_present,
    protocol.ReadHistory: read_history,
}
