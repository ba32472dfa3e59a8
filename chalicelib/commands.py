"""What each command does: authorise, act, tell the others, reply.

DynamoDB calls and posts of each are counted by tests/integration/test_counts.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from chalicelib import (
    background,
    blocks,
    chats,
    connections,
    delivery,
    directory_commands,
    invite_commands,
    joining,
    limits,
    log_commands,
    match_commands,
    members,
    moderation_commands,
    names,
    newcomers,
    nicknaming,
    protocol,
    renaming,
    reports,
    rooms,
    sessions,
    users,
)
from chalicelib.admission import Key
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.errors import (
    HelloFirstError,
    HostMustChooseError,
    NotMemberError,
    SignedOutError,
)
from chalicelib.protocol import Reply, User
from chalicelib.rooms import Shown
from chalicelib.rows import find_open_room, find_room, to_state
from chalicelib.rows import open_room as found_room
from chalicelib.tables import MemberRow, RoomRow, UserRow


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
    if person is not None:
        users.check_may_act(person, at.now)
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
    new_until = newcomers.new_until(person.created_at, at.now)
    if not connections.greet(caller, person.nickname, heard, new_until):
        raise SignedOutError
    # Rooms that were joined or left in another tab while this subscribed.
    mine = [member for member in members.memberships(caller.user_id) if not member.leaving]
    for room_id in heard - {member.room_id for member in mine}:
        connections.unsubscribe(caller.connection_id, room_id)
    for room_id in {member.room_id for member in mine} - heard:
        connections.subscribe(caller, room_id)
    found = rooms.of_members(mine)
    _forget_closed(mine, {each.room.room_id for each in found})
    # After it can be told of others: what is blocked meanwhile comes as a push.
    blocked = blocks.blocked_by(caller.user_id)
    page, left = _rooms_page(found, used=limits.USER_ID_BYTES_MAX * len(blocked))
    return protocol.HelloReply(
        ref=command.ref,
        me=users.me(person),
        rooms=[each.room for each in page],
        users=rooms.names_in(page),
        now=at.now,
        more_room_ids=left,
        blocked=blocked,
    )


def update_profile(caller: Caller, command: protocol.UpdateProfile, at: Moment) -> Reply:
    me = users.rename(caller.user_id, command.nickname)
    if me is None:
        raise SignedOutError
    own = connections.set_nickname(caller.user_id, me.nickname)
    event = protocol.ProfileUpdated(me=me)
    delivery.push_to_connections(own, event, but=caller.connection_id)
    return protocol.ProfileReply(ref=command.ref, me=me)


def block_user(caller: Caller, command: protocol.BlockUser, at: Moment) -> Reply:
    if command.room_id is not None:
        # How its members are called there is theirs to know.
        members.membership(caller.user_id, command.room_id)
    if blocks.set_block(
        caller.user_id,
        command.user_id,
        on=command.on,
        received=at.received,
        met_in=command.room_id,
    ):
        own = connections.of_user(caller.user_id)
        event = protocol.UserBlocked(user_id=command.user_id, blocked=command.on)
        delivery.push_to_connections(own, event, but=caller.connection_id)
    return Reply(ref=command.ref)


def list_blocks(caller: Caller, command: protocol.ListBlocks, at: Moment) -> Reply:
    page, after = blocks.page(caller.user_id, command.after)
    met_in, called = blocks.names_of(page)
    return protocol.BlocksReply(
        ref=command.ref,
        user_ids=[row.blocked_id for row in page],
        users=called,
        met_in=met_in,
        after=after,
    )


def send_report(caller: Caller, command: protocol.SendReport, at: Moment) -> Reply:
    about = reports.Report(
        command.room_id, command.user_id, command.reason, command.note, command.seq
    )
    reports.send(caller.user_id, about, at.now)
    return Reply(ref=command.ref)


# --- Rooms -----------------------------------------------------------------------------


def list_rooms(caller: Caller, command: protocol.ListRooms, at: Moment) -> Reply:
    keys = {(caller.user_id, room_id) for room_id in command.room_ids}
    mine = [row for row in MemberRow.batch_get(keys, consistent_read=True) if not row.leaving]
    page, left = _rooms_page(rooms.of_members(mine))
    return protocol.RoomsReply(
        ref=command.ref,
        rooms=[each.room for each in page],
        users=rooms.names_in(page),
        more_room_ids=left,
    )


def open_room(caller: Caller, command: protocol.OpenRoom, at: Moment) -> Reply:
    found, made = rooms.find_or_create(
        command.name,
        caller.user_id,
        at.now,
        topic=command.topic,
        tags=command.tags,
        access=command.access,
        passcode=command.passcode,
        before_making=lambda: newcomers.count_room(caller.user_id, caller.new_until, at.now),
    )
    if made is not None:
        member = members.membership(caller.user_id, made.room_id)
        _after_joining(caller, made, member)
    return protocol.OpenReply(ref=command.ref, room=found, created=made is not None)


def enter_room(caller: Caller, command: protocol.EnterRoom, at: Moment) -> Reply:
    key = Key(command.invite, command.passcode)
    joined = joining.enter(caller.user_id, command.room_id, at.now, key)
    row = joined.room
    room = rooms.to_room(row, joined.member)
    if joined.is_new or room.room_id not in caller.room_ids:
        # (Not new, but not heard: joined in another tab that did not see this connection.)
        _after_joining(caller, row, joined.member, is_new=joined.is_new)
        # Subscribed before the log is read: what is said in between comes as a push.
        row = find_open_room(room.room_id) or row
        room = rooms.to_room(row, joined.member)
    own = names.of_member(joined.member, caller.own_name)
    for notice in joined.notices:
        delivery.deliver(room.room_id, notice, own, but=caller.connection_id)
    delivery.resume(room.room_id, to_state(row))
    page = chats.read_before(room.room_id, room.last_seq + 1, command.limit, limits.PAGE_BYTES_MAX)
    people = chats.people_in(page.entries) | rooms.people_in([room])
    if row.named:
        people.add(caller.user_id)
    return protocol.EnterReply(
        ref=command.ref,
        room=room,
        entries=page.entries,
        users=names.in_room(row, room.room_id, people),
        joined=joined.is_new,
        has_before=page.has_before,
    )


def list_members(caller: Caller, command: protocol.ListMembers, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    room = found_room(command.room_id)
    page, after = rooms.members_page(room, command.after, at.now)
    called = names.in_room(room, room.room_id, (member.user_id for member in page))
    return protocol.MembersReply(ref=command.ref, members=page, users=called, after=after)


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
    for notice in notices:
        delivery.deliver(command.room_id, notice)
    return Reply(ref=command.ref)


def rename_room(caller: Caller, command: protocol.RenameRoom, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    notice = renaming.rename(caller.user_id, command.room_id, command.name, at)
    if notice is not None:
        # Also to this connection: the reply has no entry.
        delivery.deliver(command.room_id, notice, caller.own_name)
    return Reply(ref=command.ref)


def set_room_nickname(caller: Caller, command: protocol.SetRoomNickname, at: Moment) -> Reply:
    members.membership(caller.user_id, command.room_id)
    notice = nicknaming.set_nickname(caller.user_id, command.room_id, command.nickname, at)
    if notice is not None:
        # Also to this connection: the reply has no entry.
        own = names.of_member(notice.member, caller.own_name)
        delivery.deliver(command.room_id, notice, own)
    return Reply(ref=command.ref)


def mute_room(caller: Caller, command: protocol.MuteRoom, at: Moment) -> Reply:
    if members.mute(caller.user_id, command.room_id, on=command.on, received=at.received):
        own = connections.of_user(caller.user_id)
        event = protocol.RoomMuted(room_id=command.room_id, muted=command.on)
        delivery.push_to_connections(own, event, but=caller.connection_id)
    return Reply(ref=command.ref)


# --- Shared ----------------------------------------------------------------------------


def _after_joining(caller: Caller, row: RoomRow, member: MemberRow, *, is_new: bool = True) -> None:
    """Make the person's connections hear the room, and show a new one in their other tabs."""
    room = rooms.to_room(row, member)
    connections.subscribe(caller, room.room_id)
    others = (
        connections.subscribe_user(caller.user_id, room.room_id, but=caller.connection_id)
        if is_new
        else []
    )
    there = members.find_member(caller.user_id, room.room_id)
    if there is None or there.leaving:  # left in another tab meanwhile
        for connection_id in (caller.connection_id, *others):
            connections.unsubscribe(connection_id, room.room_id)
        raise NotMemberError(room.room_id)
    called = names.in_room(row, room.room_id, rooms.people_in([room])) if others else {}
    delivery.push_to_connections(others, protocol.RoomJoined(room=room, users=called))


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
    own = names.of_member(member, {person.user_id: User(nickname=person.nickname)})
    for notice in notices:
        delivery.deliver(member.room_id, notice, own)
    return False


def _forget_closed(mine: Sequence[MemberRow], still_open: Collection[str]) -> None:
    """Drop memberships of rooms that were closed; erasing one may have been cut off."""
    for member in mine:
        if member.room_id in still_open:
            continue
        room = find_room(member.room_id)
        if room is None:
            member.delete()
        elif room.closed_at:
            background.forget_closed(member, room)


def _rooms_page(found: Sequence[Shown], used: int = 0) -> tuple[list[Shown], list[str]]:
    """As many rooms as fit into a frame, of which so much is used; the ids of the others."""
    for count, each in enumerate(found):
        used += chats.encoded_size(each.room) + 1
        used += limits.USER_BYTES_MAX * len(rooms.people_in([each.room]))
        if used > limits.PAGE_BYTES_MAX and count > 0:
            return list(found[:count]), [later.room.room_id for later in found[count:]]
    return list(found), []


HANDLERS: Final[dict[type[protocol.Command], Callable[[Caller, Any, Moment], Reply]]] = {
    protocol.Hello: hello,
    protocol.UpdateProfile: update_profile,
    protocol.ListRooms: list_rooms,
    protocol.OpenRoom: open_room,
    protocol.EnterRoom: enter_room,
    protocol.ListMembers: list_members,
    protocol.LeaveRoom: leave_room,
    protocol.RenameRoom: rename_room,
    protocol.SetRoomNickname: set_room_nickname,
    protocol.DescribeRoom: directory_commands.describe,
    protocol.ListDirectory: directory_commands.list_rooms,
    protocol.SearchDirectory: directory_commands.search,
    protocol.MuteRoom: mute_room,
    protocol.SetRole: moderation_commands.set_role,
    protocol.TransferRoom: moderation_commands.transfer,
    protocol.KickMember: moderation_commands.kick,
    protocol.Unban: moderation_commands.unban,
    protocol.ListBans: moderation_commands.list_bans,
    protocol.SilenceMember: moderation_commands.silence,
    protocol.SlowRoom: moderation_commands.slow,
    protocol.PinChat: moderation_commands.pin,
    protocol.LockRoom: moderation_commands.lock,
    protocol.SetAccess: moderation_commands.set_access,
    protocol.SetCapacity: moderation_commands.set_capacity,
    protocol.SetWords: moderation_commands.set_words,
    protocol.ListWords: moderation_commands.list_words,
    protocol.CreateInvite: invite_commands.create,
    protocol.ListInvites: invite_commands.list_live,
    protocol.RevokeInvite: invite_commands.revoke,
    protocol.MarkRead: log_commands.mark_read,
    protocol.SyncRooms: log_commands.sync_rooms,
    protocol.SendChat: log_commands.send_chat,
    protocol.EditChat: log_commands.edit_chat,
    protocol.DeleteChat: log_commands.delete_chat,
    protocol.React: log_commands.react,
    protocol.SignalTyping: log_commands.signal_typing,
    protocol.ListPresent: log_commands.list_present,
    protocol.BlockUser: block_user,
    protocol.ListBlocks: list_blocks,
    protocol.SendReport: send_report,
    protocol.ReadHistory: log_commands.read_history,
    protocol.SeekMatch: match_commands.seek,
    protocol.NextMatch: match_commands.seek_next,
    protocol.CancelMatch: match_commands.cancel,
    protocol.KeepMatch: match_commands.keep,
}
