"""What the commands of hosts and managers do.

As in commands.py: authorise, act, tell the others, reply. The notice goes to the one who acts,
too: the reply has no entry.
"""

from __future__ import annotations

from chalicelib import (
    access,
    background,
    delivery,
    expelling,
    listing,
    members,
    moderation,
    names,
    protocol,
    room_words,
)
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.protocol import Ban, LeaveReason, Reply
from chalicelib.rows import open_room
from chalicelib.writing import Written


def set_role(caller: Caller, command: protocol.SetRole, at: Moment) -> Reply:
    """Make a manager, or a member again."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.set_role(caller.user_id, command.room_id, command.user_id, command.role, at)
    return _told(caller, command.ref, command.room_id, notice)


def transfer(caller: Caller, command: protocol.TransferRoom, at: Moment) -> Reply:
    """Hand the room over and stay."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.transfer(caller.user_id, command.room_id, command.user_id, at)
    return _told(caller, command.ref, command.room_id, notice)


def kick(caller: Caller, command: protocol.KickMember, at: Moment) -> Reply:
    """Put somebody out; their devices hear nothing of the room from then on."""
    members.membership(caller.user_id, command.room_id)

    def when_out(reason: LeaveReason) -> None:
        background.after_leaving(command.user_id, command.room_id, reason=reason)

    notices = expelling.kick(
        caller.user_id,
        command.room_id,
        command.user_id,
        at,
        ban=command.ban,
        when_out=when_out,
    )
    return _told(caller, command.ref, command.room_id, *notices)


def unban(caller: Caller, command: protocol.Unban, at: Moment) -> Reply:
    """Let somebody enter again."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.unban(caller.user_id, command.room_id, command.user_id, at)
    return _told(caller, command.ref, command.room_id, notice)


def list_bans(caller: Caller, command: protocol.ListBans, at: Moment) -> Reply:
    """Who can't enter."""
    members.membership(caller.user_id, command.room_id)
    room = open_room(command.room_id)
    page, after = moderation.bans(caller.user_id, room, command.after)
    bans = [Ban(user_id=row.user_id, by=row.banned_by or "", at=row.banned_at or 0) for row in page]
    people = {ban.user_id for ban in bans} | {ban.by for ban in bans}
    called = names.in_room(room, room.room_id, people)
    return protocol.BansReply(ref=command.ref, bans=bans, users=called, after=after)


def silence(caller: Caller, command: protocol.SilenceMember, at: Moment) -> Reply:
    """Have somebody say nothing for a while."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.silence(
        caller.user_id, command.room_id, command.user_id, command.seconds, at
    )
    return _told(caller, command.ref, command.room_id, notice)


def slow(caller: Caller, command: protocol.SlowRoom, at: Moment) -> Reply:
    """Have members wait between chats."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.slow(caller.user_id, command.room_id, command.seconds, at)
    return _told(caller, command.ref, command.room_id, notice)


def pin(caller: Caller, command: protocol.PinChat, at: Moment) -> Reply:
    """Have a chat stand at the top."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.pin(caller.user_id, command.room_id, command.seq, at)
    return _told(caller, command.ref, command.room_id, notice)


def lock(caller: Caller, command: protocol.LockRoom, at: Moment) -> Reply:
    """Let nobody new in."""
    members.membership(caller.user_id, command.room_id)
    notice = moderation.lock(caller.user_id, command.room_id, at, on=command.on)
    if notice is not None:
        listing.relist(open_room(command.room_id))
    return _told(caller, command.ref, command.room_id, notice)


def set_access(caller: Caller, command: protocol.SetAccess, at: Moment) -> Reply:
    """Say who can join."""
    members.membership(caller.user_id, command.room_id)
    notice = access.set_access(
        caller.user_id, command.room_id, command.access, command.passcode, at
    )
    if notice is not None:
        listing.relist(open_room(command.room_id))
    return _told(caller, command.ref, command.room_id, notice)


def set_capacity(caller: Caller, command: protocol.SetCapacity, at: Moment) -> Reply:
    """Say how many can be in a room."""
    members.membership(caller.user_id, command.room_id)
    notice = access.set_capacity(caller.user_id, command.room_id, command.capacity, at)
    return _told(caller, command.ref, command.room_id, notice)


def set_words(caller: Caller, command: protocol.SetWords, at: Moment) -> Reply:
    """Have words of the room's own masked in it."""
    members.membership(caller.user_id, command.room_id)
    notice = room_words.set_words(caller.user_id, command.room_id, command.words, at)
    return _told(caller, command.ref, command.room_id, notice)


def list_words(caller: Caller, command: protocol.ListWords, at: Moment) -> Reply:
    """Which words those are."""
    members.membership(caller.user_id, command.room_id)
    words = room_words.seen_by(caller.user_id, open_room(command.room_id))
    return protocol.WordsReply(ref=command.ref, words=list(words))


def _told(caller: Caller, ref: str, room_id: str, *notices: Written | None) -> Reply:
    for notice in notices:
        if notice is not None:
            delivery.deliver(room_id, notice, caller.own_name)
    return Reply(ref=ref)
