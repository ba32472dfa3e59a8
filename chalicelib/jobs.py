"""How the background Lambda does its jobs (background.py)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import msgspec
from pynamodb.models import Model

from chalicelib import (
    background,
    changes,
    clock,
    connections,
    delivery,
    log,
    sessions,
    withdrawal,
)
from chalicelib.background import (
    AnyJob,
    EndSessions,
    EraseChat,
    EraseRoom,
    FinishWithdrawal,
)
from chalicelib.errors import ChatNotFoundError, RoomNotFoundError
from chalicelib.protocol import RoomClosed
from chalicelib.rows import find_room
from chalicelib.tables import (
    EntryRow,
    InviteRow,
    MemberRow,
    RoomNicknameRow,
    RoomRow,
    RoomWordsRow,
    SanctionRow,
    SubscriptionRow,
    succeeds,
)
from chalicelib.withdrawal import ENOUGH_MS, SETTLED_SECONDS, RemainingMs

#: DynamoDB's limit of a BatchWriteItem.
BATCH: Final = 25


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
        elif isinstance(job, FinishWithdrawal):
            is_done = withdrawal.finish(job.user_id, remaining_ms)
        else:
            line["found"] = withdrawal.take_up(clock.now_ms())
            is_done = True
        line["done"] = is_done
        if not is_done:
            background.start(job)


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
    named = RoomNicknameRow.key(room_id)
    nicknames = (RoomNicknameRow(row.user_id, named) for row in MemberRow.by_room.query(named))
    subscriptions = SubscriptionRow.query(room_id, attributes_to_get=["room_id", "connection_id"])
    entries = EntryRow.query(room_id, attributes_to_get=["room_id", "seq"])
    sanctions = SanctionRow.query(room_id, attributes_to_get=["room_id", "user_id"])
    invites = InviteRow.query(room_id, attributes_to_get=["room_id", "invite_id"])
    for rows, model in (
        (in_room, MemberRow),
        (nicknames, RoomNicknameRow),
        (invites, InviteRow),
        (sanctions, SanctionRow),
        (subscriptions, SubscriptionRow),
        (entries, EntryRow),
    ):
        if not _delete_all(model, rows, remaining_ms):
            return False
    if room.words_version is not None:
        RoomWordsRow(RoomWordsRow.key(room_id)).delete()
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
