"""Events to those who listen, as posts to their connections.

Pushes are hints: clients order and complete what they get by ``seq``. When and together with
what a room's entries are pushed is in pushing.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from chalicelib import (
    chats,
    clock,
    dynamodb,
    ids,
    limits,
    log,
    metering,
    names,
    protocol,
    pushing,
    sender,
    workers,
)
from chalicelib.dynamodb_steps import LogSteps
from chalicelib.metrics import Metric
from chalicelib.protocol import EntriesAdded, Entry, EntryKind, Event, Users
from chalicelib.settings import settings
from chalicelib.steps import RoomState, run
from chalicelib.tables import SubscriptionRow
from chalicelib.writing import Written

#: What of a frame is not entries and names.
_ENVELOPE_BYTES: Final = 256


class RoomSteps(LogSteps):
    """All steps (``steps.PushingSteps``)."""

    def __init__(
        self,
        room_id: str,
        own: Users | None = None,
        *,
        but: str = "",
        is_first: bool = True,
        resumes: bool = False,
        named: bool = True,
    ) -> None:
        """Steps for a room.

        Args:
            own: names that are known already.
            but: the connection whose own entry needs no push, as it gets a reply.
            is_first: whether nobody can have pushed these entries before.
            resumes: whether a lease that is acquired is a dead holder's.
            named: whether somebody may go by another name in the room, as far as is known.
        """
        super().__init__(room_id)
        self._named = named
        self._own = own or {}
        self._but = but
        self._is_first = is_first
        self._resumes = resumes

    @property
    def frame_pace_ms(self) -> int:
        """FRAME_PACE_MS; docs/settings.md."""
        return settings.frame_pace_ms

    async def read_entries(self, first: int, last: int) -> list[Entry]:
        """One consistent Query; a BatchGetItem where chats were changed."""
        return chats.with_changes(self.room_id, await super().read_entries(first, last))

    async def post(self, entries: Sequence[Entry]) -> None:
        """A Query, a post per connection; a BatchGetItem where names are not known."""
        with _as_hint("push_entries", room_id=self.room_id):
            is_own = len(entries) == 1 and entries[0].user_id in self._own
            push_entries(
                self.room_id,
                entries,
                self._own,
                but=self._but if is_own else "",
                is_first=self._is_first,
                named=self._named,
            )

    async def read_room(self) -> RoomState | None:
        """One consistent GetItem."""
        return self._noted(await super().read_room())

    async def acquire(self, holder: str, delivered: int, now: int, until: int) -> RoomState | None:
        """One UpdateItem of the room; counts what a dead holder left undelivered."""
        held = self._noted(await super().acquire(holder, delivered, now, until))
        # A lease that nobody held begins at what it is acquired with.
        lease = held.lease if held is not None else None
        if lease is not None and (self._resumes or lease.delivered < delivered):
            metering.count(Metric.RESUMED_PUSHES)
        return held

    async def advance(self, holder: str, delivered: int, until: int) -> RoomState | None:
        """One UpdateItem of the room."""
        return self._noted(await super().advance(holder, delivered, until))

    def _noted(self, room: RoomState | None) -> RoomState | None:
        """A room as it was just found: who goes by another name by now is pushed by that."""
        if room is not None:
            self._named = room.named
        return room

    async def hand_over(self, holder: str, delivered: int) -> bool:
        """One invocation."""
        try:
            workers.start(workers.CarryRoom(self.room_id, holder, delivered))
        except Exception as error:  # whatever it is: this Lambda can go on by itself
            log.exception("hand_over_failed", error, room_id=self.room_id)
            return False
        return True


def deliver(room_id: str, written: Written, own: Users | None = None, *, but: str = "") -> None:
    """See to it that an entry that was just written is pushed.

    Args:
        own: names that are known already.
        but: the connection that gets it as a reply.
    """
    steps = RoomSteps(
        room_id,
        own,
        but=but,
        is_first=written.room is not None,
        named=written.room is None or written.room.named,
    )
    with _as_hint("deliver", room_id=room_id):
        if written.room is None:
            # It was there already: its first writer may have died before it pushed.
            run(steps.post([written.entry]))
        else:
            run(pushing.push(steps, written.entry, written.room, ids.new_id()))


def resume(room_id: str, state: RoomState) -> None:
    """Have pushed what somebody left who died pushing, if that is so."""
    with _as_hint("resume", room_id=room_id):
        run(pushing.resume(RoomSteps(room_id, resumes=True), state, ids.new_id()))


def push_entries(
    room_id: str,
    entries: Sequence[Entry],
    known: Users,
    *,
    but: str = "",
    is_first: bool = True,
    named: bool = True,
) -> None:
    """Push entries to a room's audience in as few frames as they fit in.

    Args:
        known: names that need not be looked up.
        but: a connection that has them already.
        is_first: whether they can't have been pushed before; of others it is not measured
            how late they are.
        named: whether somebody may go by another name in the room.
    """
    # A notice that gives a name is told by that, however long ago the room was looked at.
    named = named or any(entry.kind is EntryKind.NICKNAMED for entry in entries)
    called = names.among(room_id, chats.people_in(entries), known, named=named)
    listening = _listening(room_id)
    for part in _frames(entries):
        event = EntriesAdded(
            room_id=room_id,
            entries=part,
            users=names.only(room_id, chats.people_in(part), called),
        )
        _push(room_id, event, listening, but, said_at=_said_at(part) if is_first else 0)


def _said_at(entries: Iterable[Entry]) -> int:
    """When (ms) the oldest chat of these was said; 0 if none is a chat."""
    return min((entry.at for entry in entries if entry.kind is EntryKind.CHAT), default=0)


def _frames(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries in groups that fit into a frame with their names."""
    part: list[Entry] = []
    used = _ENVELOPE_BYTES
    for entry in entries:
        size = chats.encoded_size(entry) + 1
        size += limits.USER_BYTES_MAX * len(chats.people_in([entry]))
        if part and used + size > limits.FRAME_BYTES_MAX:
            yield part
            part, used = [], _ENVELOPE_BYTES
        part.append(entry)
        used += size
    if part:
        yield part


def push_to_room(room_id: str, event: Event, *, but: str = "") -> None:
    """Push an event to a room's audience, except the connection ``but``."""
    with _as_hint("push_to_room", room_id=room_id):
        _push(room_id, event, _listening(room_id), but)


def tell_few(room_id: str, event: Event, *, but: str = "") -> bool:
    """Push an event to a room's audience if that is small; False if it is not."""
    few = audience(room_id, limit=limits.TELLING_AUDIENCE_MAX + 1)
    if len(few) > limits.TELLING_AUDIENCE_MAX:
        return False
    with _as_hint("tell_few", room_id=room_id):
        post(room_id, protocol.encode(event), [each for each, _ in few if each != but])
    return True


def _listening(room_id: str) -> list[str]:
    """The connections that hear a room, or one more of them than are posted to from here."""
    found = audience(room_id, limit=limits.AUDIENCE_INLINE_MAX + 1)
    return [connection_id for connection_id, _ in found]


def _push(
    room_id: str, event: Event, listening: Sequence[str], but: str, *, said_at: int = 0
) -> None:
    frame = protocol.encode(event)
    if len(listening) > limits.AUDIENCE_INLINE_MAX:
        workers.start(workers.PushToAll(room_id, frame.decode(), but, said_at))
    else:
        post(room_id, frame, [each for each in listening if each != but], said_at=said_at)


def post(room_id: str, frame: bytes, connection_ids: Collection[str], *, said_at: int = 0) -> None:
    """Post a frame to connections that hear a room; those that are gone are unsubscribed.

    A BatchWriteItem per 25 that are gone.

    Args:
        said_at: when (ms) the oldest chat in it was said, to measure how late it is; 0: not.
    """
    gone = sender.post(frame, connection_ids)
    if said_at and connection_ids:
        metering.note_push_lag(clock.now_ms() - said_at)
    if gone:
        with SubscriptionRow.batch_write() as batch:
            for connection_id in gone:
                batch.delete(SubscriptionRow(room_id, connection_id))


def audience(room_id: str, *, limit: int | None = None) -> list[tuple[str, str]]:
    """Who listens to a room, as (connection id, user id). A consistent Query per MB.

    A consistent read: whoever subscribed before an entry was stored hears it, and whoever
    subscribed later reads it in the log (docs/decisions/0005-consistent-audience.md).
    """
    return [each for page in audience_pages(room_id, limit=limit) for each in page]


def audience_pages(room_id: str, *, limit: int | None = None) -> Iterator[list[tuple[str, str]]]:
    """Who listens to a room, as DynamoDB's pages of it come.

    Past PynamoDB, whose models take a hundred times as long for thousands of rows.
    """
    query: dict[str, Any] = {
        "TableName": SubscriptionRow.Meta.table_name,
        "KeyConditionExpression": "room_id = :room_id",
        "ExpressionAttributeValues": {":room_id": {"S": room_id}},
        "ProjectionExpression": "connection_id, user_id",
        "ConsistentRead": True,
    }
    left = limit
    while True:
        answer = dynamodb.client().call("Query", query if left is None else query | {"Limit": left})
        yield [(row["connection_id"]["S"], row["user_id"]["S"]) for row in answer["Items"]]
        after = answer.get("LastEvaluatedKey")
        if left is not None:
            left -= len(answer["Items"])
        if not after or left == 0:
            return
        query["ExclusiveStartKey"] = after


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
