"""What the commands of invitations do; as in commands.py."""

from __future__ import annotations

from chalicelib import invites, members, names, protocol
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.protocol import Reply
from chalicelib.rows import open_room


def create(caller: Caller, command: protocol.CreateInvite, at: Moment) -> Reply:
    """Make a link."""
    members.membership(caller.user_id, command.room_id)
    room = open_room(command.room_id)
    row, token = invites.create(caller.user_id, room, command.seconds, command.uses, at.now)
    return protocol.InviteReply(ref=command.ref, invite=invites.to_invite(row), token=token)


def list_live(caller: Caller, command: protocol.ListInvites, at: Moment) -> Reply:
    """Which links there are."""
    members.membership(caller.user_id, command.room_id)
    room = open_room(command.room_id)
    found = [invites.to_invite(row) for row in invites.seen_by(caller.user_id, room, at.now)]
    called = names.in_room(room, room.room_id, {invite.user_id for invite in found})
    return protocol.InvitesReply(ref=command.ref, invites=found, users=called)


def revoke(caller: Caller, command: protocol.RevokeInvite, at: Moment) -> Reply:
    """Take a link away."""
    members.membership(caller.user_id, command.room_id)
    invites.revoke(caller.user_id, open_room(command.room_id), command.invite_id)
    return Reply(ref=command.ref)
