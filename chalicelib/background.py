"""What takes longer than a person waits: a Lambda that is invoked asynchronously.

Every job can be repeated and can be cut off at any step: Lambda tries an asynchronous
invocation three times. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from pynamodb.models import Model

from chalicelib import (
    blocks,
    changes,
    clock,
    connections,
    delivery,
    invocations,
    joining,
    log,
    members,
    rooms,
    sessions,
    users,
)
from chalicelib.errors import (
    ChatNotFoundError,
    HostMustChooseError,
    NotMemberError,
    RoomNotFoundError,
)
from chalicelib.protocol import LeaveReason, RoomClosed, RoomLeft
from chalicelib.rows import find_room
from chalicelib.settings import settings
from chalicelib.tables import (
    EntryRow,
    InviteRow,
    MemberRow,
    RoomRow,
    SanctionRow,
    SubscriptionRow,
    succeeds,
)
from chalicelib.writing import Written

#: A job that has less time left than this goes on in a new invocation, in ms.
ENOUGH_MS: Final = 20_000
#: How long an index may be behind its table, at most but in an outage.
SETTLED_SECONDS: Final = 2.0
#: DynamoDB's limit of a BatchWriteItem.
BATCH: Final = 25


class Job(msgspec.Struct, tag_field="job", forbid_unknown_fields=True):
    """Something to be done later."""


class EraseRoom(Job, tag="erase_room"):
    """Tell a closed room's audience (except the connection ``but``); delete what it held."""

    room_id: str
    but: str = ""


class LeaveAllRooms(Job, tag="leave_all_rooms"):
    """Take somebody who withdrew out of the rooms they joined up to a time (ms), with their blocks.

    Rooms that they host are closed.
    """

    user_id: str
    joined_until: int


class EndSessions(Job, tag="end_sessions"):
    """Sign somebody out everywhere: an operator has excluded them."""

    user_id: str


class EraseChat(Job, tag="erase_chat"):
    """Delete a chat for everybody: an operator has decided so."""

    room_id: str
    seq: int


AnyJob = EraseRoom | LeaveAllRooms | EndSessions | EraseChat
RemainingMs = Callable[[], int]


def start(job: AnyJob) -> None:
    """Have a job done by the background Lambda; returns when Lambda has taken it over."""
    invocations.start(settings.background_function, job)


def run(event: object, remaining_ms: RemainingMs) -> None:
    """Do a job, as far as time allows; the rest goes on in a new invocation.

    Args:
        event: the job, as the Lambda got it.
        remaining_ms: how much time is left.
    """
    with log.invocation("job") as line:
        job: AnyJob = msgspec.convert(event, AnyJob)
        line["type"] = job.__struct_config__.tag
        if isinstance(job, EraseRoom):
            line["room_id"] = job.room_id
            is_done = erase_room(job.room_id, remaining_ms, but=job.but)
        elif isinstance(job, EndSessions):
            is_done = end_sessions(job.user_id)
        elif isinstance(job, EraseChat):
            line["room_id"] = job.room_id
            is_done = erase_chat(job.room_id, job.seq)
        else:
            is_done = leave_all_rooms(job.user_id, job.joined_until, remaining_ms)
        line["done"] = is_done
        if not is_done:
            start(job)


def end_sessions(user_id: str) -> bool:
    """Sign somebody out everywhere, and end their connections.

    Twice: an index may not have yet what was begun just before, and nothing new can begin.
    """
    sessions.end_all(user_id)
    connections.end_all(user_id)
    time.sleep(SETTLED_SECONDS)
    sessions.end_all(user_id)
    connections.end_all(user_id)
    return True


def erase_chat(room_id: str, seq: int) -> bool:
    """Delete a chat for everybody, as its author can; nothing, if it is gone already."""
    try:
        change = changes.erase(room_id, seq, clock.now_ms())
    except (ChatNotFoundError, RoomNotFoundError):
        return True
    if change is not None:
        delivery.deliver(room_id, change)
    return True


def erase_room(room_id: str, remaining_ms: RemainingMs, *, but: str = "") -> bool:
    """Tell a closed room's audience, delete what it held, and at last the room.

    False when out of time.
    """
    room = find_room(room_id)
    if room is None or not room.closed_at:
        return True
    delivery.push_to_room(room_id, RoomClosed(room_id=room_id, name=room.name), but=but)
    in_room = (MemberRow(row.user_id, room_id) for row in MemberRow.by_room.query(room_id))
    subscriptions = SubscriptionRow.query(room_id, attributes_to_get=["room_id", "connection_id"])
    entries = EntryRow.query(room_id, attributes_to_get=["room_id", "seq"])
    sanctions = SanctionRow.query(room_id, attributes_to_get=["room_id", "user_id"])
    invites = InviteRow.query(room_id, attributes_to_get=["room_id", "invite_id"])
    for rows, model in (
        (in_room, MemberRow),
        (invites, InviteRow),
        (sanctions, SanctionRow),
        (subscriptions, SubscriptionRow),
        (entries, EntryRow),
    ):
        if not _delete_all(model, rows, remaining_ms):
            return False
    succeeds(lambda: room.delete(condition=RoomRow.closed_at.exists()))
    return True


def _delete_all(model: type[Model], rows: Iterable[Model], remaining_ms: RemainingMs) -> bool:
    batch: list[Model] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            _delete(model, batch)
            batch = []
            if remaining_ms() < ENOUGH_MS:
                return False
    _delete(model, batch)
    return True


def _delete(model: type[Model], rows: list[Model]) -> None:
    with model.batch_write() as batch:
        for row in rows:
            batch.delete(row)


def leave_all_rooms(user_id: str, joined_until: int, remaining_ms: RemainingMs) -> bool:
    """Take somebody out of their rooms; False when out of time.

    Raises:
        UnfinishedError: a room could not be left; Lambda tries again, a minute later.
    """
    blocks.forget(user_id)
    unfinished = 0
    for member in members.memberships(user_id):
        if member.joined_at > joined_until:
            continue
        if remaining_ms() < ENOUGH_MS:
            return False
        try:
            _leave(member)
        except Exception as error:  # the other rooms must not suffer from this one
            unfinished += 1
            log.exception("leave_failed", error, room_id=member.room_id)
    if unfinished:
        raise UnfinishedError(f"{unfinished} rooms are not left yet")
    return True


class UnfinishedError(Exception):
    """A job did what it could, and must be tried again for the rest."""


def _leave(member: MemberRow) -> None:
    now = clock.now_ms()
    try:
        if member.leaving:
            notices: list[Written] = [*joining.finish_leaving(member, now)]
            closed = None
        else:
            notices, closed = joining.leave(
                member.user_id, member.room_id, now, successor_id=None, close=False
            )
    except HostMustChooseError:
        _close(member)
        return
    except NotMemberError:  # left meanwhile
        return
    after_leaving(member.user_id, member.room_id)
    names = users.names([member.user_id]) if notices else {}
    for notice in notices:
        delivery.deliver(member.room_id, notice, names)
    if closed:
        after_closing(closed)


def _close(member: MemberRow) -> None:
    room = RoomRow.get(member.room_id, consistent_read=True)
    rooms.close_room(room, clock.now_ms())
    after_closing(room)
    member.delete()


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
