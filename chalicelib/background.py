"""What takes longer than a person waits: a Lambda that is invoked asynchronously.

Every job can be repeated and can be cut off at any step: Lambda tries an asynchronous
invocation three times. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
How each is done is in jobs.py.
"""

from __future__ import annotations

import msgspec

from chalicelib import connections, delivery, invocations
from chalicelib.protocol import LeaveReason, RoomLeft
from chalicelib.settings import settings
from chalicelib.tables import MemberRow, RoomRow


class Job(msgspec.Struct, tag_field="job", forbid_unknown_fields=True):
    """Something to be done later."""


class EraseRoom(Job, tag="erase_room"):
    """Tell a closed room's audience (except the connection ``but``); delete what it held."""

    room_id: str
    but: str = ""


class FinishWithdrawal(Job, tag="finish_withdrawal"):
    """Do what is left to do of somebody's withdrawal."""

    user_id: str


class FinishWithdrawals(Job, tag="finish_withdrawals"):
    """Take up the withdrawals that nobody has finished: the clock asks for it (functions.yaml)."""


class EndSessions(Job, tag="end_sessions"):
    """Sign somebody out everywhere: an operator has excluded them."""

    user_id: str


class EraseChat(Job, tag="erase_chat"):
    """Delete a chat for everybody: an operator has decided so."""

    room_id: str
    seq: int


AnyJob = EraseRoom | FinishWithdrawal | FinishWithdrawals | EndSessions | EraseChat


def start(job: AnyJob) -> None:
    """Have a job done by the background Lambda; returns when Lambda has taken it over."""
    invocations.start(settings.background_function, job)


def after_leaving(
    user_id: str, room_id: str, *, but: str = "", reason: LeaveReason = LeaveReason.LEFT
) -> None:
    """Stop a person's connections from hearing a room, and tell them (except ``but``)."""
    own = connections.unsubscribe_user(user_id, room_id)
    delivery.push_to_connections(own, RoomLeft(room_id=room_id, reason=reason), but=but)


def after_closing(room: RoomRow, *, but: str = "") -> None:
    """Have a closed room's audience told (except the connection ``but``), and it erased.

    Both by the job: whoever closed the room may be cut off, the job is repeated.
    """
    start(EraseRoom(room.room_id, but))


def forget_closed(member: MemberRow, room: RoomRow) -> None:
    """Have a closed room erased, and only then forget that it was one of somebody's."""
    after_closing(room)
    member.delete()
