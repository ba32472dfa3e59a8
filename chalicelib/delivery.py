"""How what happens reaches those who are listening.

A push is a hint: it may get lost, come twice or out of order. Clients order, dedupe and
complete by ``seq``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chalicelib import log, protocol, sender
from chalicelib.protocol import EntriesAdded, Entry, Event, Users
from chalicelib.tables import SubscriptionRow


def push_entries(room_id: str, entries: list[Entry], users: Users, *, but: str = "") -> None:
    """Push new entries to a room's audience, except the connection ``but``.

    One Query, one post per connection; connections that are gone are unsubscribed.
    """
    event = EntriesAdded(room_id=room_id, entries=entries, users=users)
    push_to_room(room_id, event, but=but)


def push_to_room(room_id: str, event: Event, *, but: str = "") -> None:
    """Push an event to a room's audience, except the connection ``but``."""
    with _as_hint("push_to_room", room_id=room_id):
        _push_to_room(room_id, event, but)


def _push_to_room(room_id: str, event: Event, but: str) -> None:
    # A consistent read: whoever subscribed before the entry was stored hears it, and
    # whoever subscribed later reads it in the log.
    audience = [
        row.connection_id
        for row in SubscriptionRow.query(room_id, consistent_read=True)
        if row.connection_id != but
    ]
    for connection_id in sender.post(protocol.encode(event), audience):
        SubscriptionRow(room_id, connection_id).delete()


def push_to_connections(connection_ids: Iterable[str], event: Event, *, but: str = "") -> None:
    """Push an event to connections, except the connection ``but``."""
    others = [connection_id for connection_id in connection_ids if connection_id != but]
    with _as_hint("push_to_connections"):
        sender.post(protocol.encode(event), others)


@contextmanager
def _as_hint(event: str, **fields: str) -> Iterator[None]:
    """What was to be told has happened already: a push that fails must not undo the answer."""
    try:
        yield
    except Exception as error:
        log.exception(f"{event}_failed", error, **fields)
