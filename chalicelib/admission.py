"""Who is let into a room: by what it asks for, as long as it asks for the same.

What is looked at before somebody is let in may change until they are counted. So the write that
counts them has it as its condition, and who does not meet it is turned away
(docs/decisions/0033-getting-in.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib import invites, passcodes
from chalicelib.errors import (
    InviteNeededError,
    PasscodeNeededError,
    RoomFullError,
    RoomLockedError,
)
from chalicelib.protocol import Access
from chalicelib.rows import find_open_room
from chalicelib.tables import (
    InviteRow,
    MemberRow,
    RoomRow,
    SanctionRow,
    succeeds,
    transact,
)

#: So often a room's count is mended that others change meanwhile.
_TRIES: Final = 3


@dataclass(frozen=True)
class Key:
    """What somebody brings who wants into a room."""

    #: The secret of an invitation.
    invite: str | None = None
    passcode: str | None = None


NO_KEY: Final = Key()


def check(user_id: str, room: RoomRow, key: Key, now: int) -> InviteRow | None:
    """Whether somebody may join a room as it is; the invitation that they come by.

    Raises:
        RoomLockedError: nobody new may.
        RoomFullError: as many are in it as can be.
        InviteNotFoundError, InviteUsedUpError: the invitation lets in nobody any more.
        InviteNeededError, PasscodeNeededError: it asks for what they did not bring.
        PasscodeWrongError, TooFastError: or what they brought is wrong, too often.
    """
    if room.locked:
        raise RoomLockedError
    if room.capacity is not None and room.member_count >= room.capacity:
        raise RoomFullError
    if key.invite is not None:
        return invites.find(room, key.invite, now)
    if room.access == Access.PRIVATE:
        raise InviteNeededError
    if room.access == Access.PASSCODE:
        if key.passcode is None:
            raise PasscodeNeededError
        passcodes.check(user_id, room, key.passcode, now)
    return None


def let_in(member: MemberRow, unless: Condition, invite: InviteRow | None) -> bool:
    """Make somebody a member, unless they are, or were sanctioned. One transaction.

    The check and the write are one, or a ban could come in between; and an invitation counts
    them exactly if it lets them in.
    """

    def write(transaction: TransactWrite) -> None:
        transaction.save(member, condition=MemberRow.user_id.does_not_exist())
        transaction.condition_check(SanctionRow, member.room_id, member.user_id, condition=unless)
        if invite is not None:
            invites.use(transaction, invite, member.joined_at)

    return transact(write)


def still_holds(member: MemberRow, present: int | None) -> Condition:
    """What must hold of the room for a new member to be counted.

    Args:
        present: how many are in it with them, if they may be counted already.
    """
    seen = member.notice_access
    condition: Condition = RoomRow.locked.does_not_exist()
    condition &= RoomRow.access_at == seen if seen else RoomRow.access_at.does_not_exist()
    has_place = RoomRow.capacity.does_not_exist()
    if present is None:
        has_place |= RoomRow.member_count < RoomRow.capacity
    else:
        has_place |= RoomRow.capacity >= present
    condition &= has_place
    return condition


def turn_away(member: MemberRow, *, is_counted: bool) -> None:
    """End a membership that was never announced; its invitation has not let anybody in then.

    Args:
        is_counted: they may have been counted by a Lambda that died before it said so.
    """
    is_ours = MemberRow.notice_cid == member.notice_cid

    def write(transaction: TransactWrite) -> None:
        transaction.delete(MemberRow(member.user_id, member.room_id), condition=is_ours)
        invites.give_back(transaction, member.room_id, member.notice_invite or "")

    # Without the invitation, if that was revoked.
    if not member.notice_invite or not transact(write):
        succeeds(lambda: member.delete(condition=is_ours))
    if is_counted:
        for _ in range(_TRIES):
            if _recount(member):
                return


def _recount(away: MemberRow) -> bool:
    """Have a room count who is in it, but for one whose membership has just ended.

    False if somebody came or went meanwhile.
    """
    room = find_open_room(away.room_id)
    if room is None:
        return True
    # The index may still have who is away.
    rows = MemberRow.by_room.query(away.room_id)
    count = sum(1 for row in rows if row.user_id != away.user_id)
    is_same = (RoomRow.last_seq == room.last_seq) & RoomRow.closed_at.does_not_exist()
    return succeeds(lambda: room.update([RoomRow.member_count.set(count)], condition=is_same))
