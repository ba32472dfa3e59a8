"""A room's rows as a Lambda leaves them that dies, or is still at it.

For tests whose handlers run in their own process: what is done here is pushed to nobody.
"""

from __future__ import annotations

from chalicelib import chats, clock, limits, rows
from chalicelib.dynamodb_steps import LogSteps
from chalicelib.steps import Draft, Lease, run
from chalicelib.tables import RoomRow, SubscriptionRow
from tests.support.site import unique


def store(room_id: str, user_id: str, text: str) -> int:
    """Write a member's chat; returns its ``seq``."""
    now = clock.now_ms()
    deadline = now + limits.WRITE_WITHIN_MS
    written = chats.say(room_id, user_id, text, unique("cid"), now, deadline=deadline)
    return written.entry.seq


def take_place(room_id: str, user_id: str) -> int:
    """Take a place for a chat that is never written; returns its ``seq``."""
    draft = Draft(user_id, clock.now_ms(), text="…", cid=unique("cid"))
    return run(LogSteps(room_id).take_place(draft)).last_seq


def put_lease(room_id: str, holder: str, *, delivered: int, is_live: bool) -> None:
    """Give the room's lease to somebody, who is alive or has died."""
    until = clock.now_ms() + (limits.LEASE_MS if is_live else -1)
    RoomRow(room_id).update(
        [
            RoomRow.lease_holder.set(holder),
            RoomRow.lease_until.set(until),
            RoomRow.delivered_seq.set(delivered),
        ]
    )


def lease_of(room_id: str) -> Lease | None:
    """Who holds the lease, and how far they have come."""
    room = rows.find_room(room_id)
    assert room is not None
    return rows.to_state(room).lease


def subscribe(room_id: str, connection_id: str) -> None:
    """Make a connection hear a room."""
    expires_at = clock.seconds(clock.now_ms()) + limits.CONNECTION_SECONDS
    SubscriptionRow(room_id, connection_id, user_id="listener", expires_at=expires_at).save()
