"""What the commands about a room's log do: saying, changing, reading, and who is there.

As in commands.py: authorise, act, tell the others, reply.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib import (
    changes,
    chats,
    connections,
    delivery,
    limits,
    members,
    metering,
    names,
    presence,
    protocol,
)
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.errors import InvalidFieldError, RoomNotFoundError
from chalicelib.metrics import Metric
from chalicelib.protocol import Reply, RoomPosition, SyncedRoom
from chalicelib.rows import open_room, to_state, unread
from chalicelib.steps import Place
from chalicelib.tables import EntryRow, MemberRow, RoomRow
from chalicelib.texts import check_chat
from chalicelib.writing import Written

# --- Saying and changing ---------------------------------------------------------------


def send_chat(caller: Caller, command: protocol.SendChat, at: Moment) -> Reply:
    check_chat(command.text)
    _check_hears(caller, command.room_id)
    written = chats.say(
        command.room_id,
        caller.user_id,
        command.text,
        command.cid,
        at.now,
        reply_to=command.reply_to,
        retry_since=command.retry_since,
        received=at.received,
    )
    own = names.of_member(written.member, caller.own_name)
    delivery.deliver(command.room_id, written, own, but=caller.connection_id)
    return protocol.SendReply(ref=command.ref, entry=written.entry)


def edit_chat(caller: Caller, command: protocol.EditChat, at: Moment) -> Reply:
    check_chat(command.text)
    change = changes.edit(
        caller.user_id, command.room_id, command.seq, command.text, at.now, received=at.received
    )
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
    delivery.deliver(command.room_id, change, caller.own_name, but=caller.connection_id)
    return protocol.ChangeReply(ref=command.ref, entry=change.entry)


def _check_hears(caller: Caller, room_id: str) -> None:
    """Keep strangers from taking places in a room's log.

    Who hears a room is known from the connection's row, which is read anyway. That they are a
    member still is checked in the call that claims the place.
    """
    if room_id not in caller.room_ids:
        members.membership(caller.user_id, room_id)


# --- Reading ----------------------------------------------------------------------------


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
        if not delivery.tell_few(command.room_id, event, but=caller.connection_id):
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
    in_rooms: dict[str, set[str]] = {}
    synced = []
    for position in command.rooms:
        row = open_rooms.get(position.room_id)
        if row is None:
            synced.append(SyncedRoom(room_id=position.room_id, gone=True))
            continue
        # One entry fits in any case, so that a client always gets on; but only one.
        member = mine[row.room_id]
        is_first = not people and not any(in_rooms.values())
        try:
            answer = _sync_one(row, member, position, budget, at_least=int(is_first))
        except RoomNotFoundError:  # closed since it was read
            synced.append(SyncedRoom(room_id=position.room_id, gone=True))
            continue
        delivery.resume(row.room_id, to_state(row))
        named = in_rooms.setdefault(row.room_id, set()) if row.named else people
        new = chats.people_in(answer.entries) - named
        named |= new
        budget -= chats.encoded_size(answer.entries) + limits.USER_BYTES_MAX * len(new)
        synced.append(answer)
    if any(answer.entries or answer.reset for answer in synced):
        metering.count(Metric.CATCH_UPS)
    called = names.look_up(people, in_rooms)
    return protocol.SyncReply(ref=command.ref, rooms=synced, users=called)


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
        muted=bool(member.muted),
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


def read_history(caller: Caller, command: protocol.ReadHistory, at: Moment) -> Reply:
    if command.before is not None and command.after is not None:
        raise InvalidFieldError("before", "must not be given together with after")
    members.membership(caller.user_id, command.room_id)
    room = open_room(command.room_id)
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
        users=names.in_room(room, room.room_id, chats.people_in(page.entries)),
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
