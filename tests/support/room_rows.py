"""A room's rows as a Lambda leaves them that dies, or is still at it.

What is done here is pushed to nobody. The app is imported late, as its environment must be
set by then.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib import clock, limits
from chalicelib.protocol import EntryKind
from chalicelib.steps import Draft, Lease, run
from tests.support.site import unique


def store(room_id: str, user_id: str, text: str) -> int:
    """Write a member's chat; returns its ``seq``."""
    from chalicelib import chats

    now = clock.now_ms()
    written = chats.say(room_id, user_id, text, unique("cid"), now, received=now)
    return written.entry.seq


def take_place(room_id: str, user_id: str, kind: EntryKind = EntryKind.CHAT) -> int:
    """Take a place for an entry that is never written; returns its ``seq``."""
    from chalicelib.dynamodb_steps import LogSteps

    # Chats have a text; so has what rooms show of them.
    text = "못다 한 말" if kind is EntryKind.CHAT else ""
    draft = Draft(user_id, clock.now_ms(), kind, text=text, cid=unique("cid"))
    return run(LogSteps(room_id).take_place(draft)).last_seq


def put_lease(room_id: str, holder: str, *, delivered: int, is_live: bool) -> None:
    """Give the room's lease to somebody, who is alive or has died."""
    from chalicelib.tables import RoomRow

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
    from chalicelib import rows

    room = rows.find_room(room_id)
    assert room is not None
    return rows.to_state(room).lease


def subscribe(room_id: str, connection_ids: Iterable[str]) -> None:
    """Make connections hear a room."""
    from chalicelib.tables import SubscriptionRow

    expires_at = clock.seconds(clock.now_ms()) + limits.CONNECTION_SECONDS
    with SubscriptionRow.batch_write() as batch:
        for connection_id in connection_ids:
            row = SubscriptionRow(room_id, connection_id, user_id="listener", expires_at=expires_at)
            batch.save(row)
