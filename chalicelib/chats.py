"""A room's log: what is said, and what happens, in one order.

An entry is written in two steps: an UpdateItem on the room takes the next ``seq``, and a
conditional Put stores the entry there. A writer that dies between them leaves a hole.
Whoever reads the log and finds a hole waits for it briefly and then *fills* it with a
conditional Put of a void entry (as CORFU fills its log); a writer that finds its place
filled takes a new one. So what a reader was given never changes, no entry can appear
behind it, and the common path pays nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids, texts
from chalicelib.errors import RoomNotFoundError, StaleError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.tables import EntryRow, PreviewMap, RoomRow, is_condition_failure, retry_conflicts

#: How long a reader waits for entries that are being written, in seconds, try by try.
HOLE_WAITS: Final = (0.02, 0.04, 0.08, 0.16)


@dataclass(frozen=True)
class Page:
    """Consecutive entries in ascending order."""

    entries: list[Entry]
    has_before: bool = False
    has_after: bool = False


@dataclass(frozen=True)
class Appended:
    """An entry that is in the log, and the room after it (None if it was there already)."""

    entry: Entry
    room: RoomRow | None


class RoomChangedError(Exception):
    """The room exists and is open, but a condition of the caller's own does not hold."""


def append(
    room_id: str,
    user_id: str,
    now: int,
    *,
    kind: EntryKind = EntryKind.CHAT,
    text: str = "",
    cid: str = "",
    retry_since: int | None = None,
    deadline: int | None = None,
    room_actions: Sequence[Action] = (),
    room_condition: Condition | None = None,
) -> Appended:
    """Write an entry at the end of a room's log, with two DynamoDB writes.

    Args:
        retry_since: this is a repeat of a write that began when the log ended there, and
            that got no answer: look whether it was done before doing it, and fill the
            holes in which it may still be about to be stored.
        deadline: when (ms) it is too late to write, as the caller may have given up.
        room_actions: what else to do to the room in the write that takes the ``seq``.
        room_condition: what else must hold for the room.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        RoomChangedError: ``room_condition`` does not hold.
        StaleError: the deadline has passed.
    """
    if retry_since is not None:
        first_try = _find_own(room_id, user_id, kind, cid, retry_since)
        if first_try is not None:
            return Appended(first_try, None)
    actions: list[Action] = [
        RoomRow.last_seq.add(1),
        RoomRow.active_at.set(now),
        *room_actions,
    ]
    if kind is EntryKind.CHAT:
        preview = PreviewMap(  # type: ignore[no-untyped-call]
            user_id=user_id, text=texts.preview(text), at=now
        )
        actions.append(RoomRow.preview.set(preview))
    while True:
        _check(deadline)
        room = _take_seq(room_id, actions, room_condition)
        _check(deadline)
        entry = Entry(seq=room.last_seq, user_id=user_id, at=now, kind=kind, text=text, cid=cid)
        if _store(room_id, entry):
            return Appended(entry, room)
        # Filled by a reader that took us for dead; what was done to the room stays done.
        actions = actions[:2]
        room_condition = None


def _find_own(room_id: str, user_id: str, kind: EntryKind, cid: str, since: int) -> Entry | None:
    """The entry that an earlier try wrote after ``since``, which can't be written later."""
    room = find_open_room(room_id)
    if room is None:
        raise RoomNotFoundError(room_id)
    first, last = since + 1, room.last_seq
    for entry in _complete(room_id, first, last):
        if entry.cid == cid and entry.user_id == user_id and entry.kind is kind:
            return entry
    return None


def _check(deadline: int | None) -> None:
    if deadline is not None and clock.now_ms() > deadline:
        raise StaleError


def read_after(
    room_id: str,
    after: int,
    last_seq: int,
    limit: int,
    byte_budget: int,
    *,
    at_least: int = 1,
) -> Page:
    """Up to ``limit`` entries that follow ``after``, none missing between them.

    Args:
        last_seq: the room's, read before this call.
        byte_budget: how many bytes of JSON the entries may take.
        at_least: how many of them fit in any case.
    """
    last = min(last_seq, after + limit)
    entries = _complete(room_id, after + 1, last)
    entries = _within(entries, byte_budget, at_least)
    return Page(entries, has_before=after > 0, has_after=_end(entries, after) < last_seq)


def read_before(room_id: str, before: int, limit: int, byte_budget: int) -> Page:
    """Up to ``limit`` entries just before ``before``, none missing between them."""
    first = max(1, before - limit)
    entries = _complete(room_id, first, before - 1)
    newest_first = _within(entries[::-1], byte_budget)
    entries = newest_first[::-1]
    return Page(entries, has_before=bool(entries) and entries[0].seq > 1, has_after=False)


def to_entry(row: EntryRow) -> Entry:
    """An entry as it goes over the wire."""
    return Entry(
        seq=row.seq,
        user_id=row.user_id or "",
        at=row.created_at,
        kind=EntryKind(row.kind),
        text=row.text or "",
        cid=row.cid or "",
    )


def people_in(entries: Sequence[Entry]) -> set[str]:
    """The user ids that entries refer to."""
    return {entry.user_id for entry in entries if entry.user_id}


def encoded_size(value: Any) -> int:
    """Bytes of a value's JSON."""
    return len(msgspec.json.encode(value))


def _take_seq(room_id: str, actions: list[Action], more: Condition | None) -> RoomRow:
    is_open = RoomRow.host_id.exists() & RoomRow.closed_at.does_not_exist()
    room = RoomRow(room_id)
    condition = is_open if more is None else is_open & more
    try:
        retry_conflicts(lambda: room.update(actions, condition=condition))
    except UpdateError as error:
        if not is_condition_failure(error):
            raise
        if more is not None and find_open_room(room_id) is not None:
            raise RoomChangedError from error
        raise RoomNotFoundError(room_id) from error
    return room


def find_open_room(room_id: str) -> RoomRow | None:
    """The room, unless it does not exist or is closed. One consistent GetItem."""
    room = find_room(room_id)
    return None if room is None or room.closed_at else room


def find_room(room_id: str) -> RoomRow | None:
    """The room, also a closed one that is not erased yet. One consistent GetItem."""
    try:
        return RoomRow.get(room_id, consistent_read=True)
    except RoomRow.DoesNotExist:
        return None


def _store(room_id: str, entry: Entry) -> bool:
    """Put an entry at its place; False when the place was filled by somebody else."""
    row = EntryRow(
        room_id,
        entry.seq,
        kind=entry.kind.value,
        user_id=entry.user_id or None,
        text=entry.text or None,
        cid=entry.cid or None,
        created_at=entry.at,
    )
    try:
        row.save(condition=EntryRow.seq.does_not_exist())
    except PutError as error:
        if not is_condition_failure(error):
            raise
        # botocore repeats a Put whose answer got lost; then what is there is our own.
        there = EntryRow.get(room_id, entry.seq, consistent_read=True)
        return to_entry(there) == entry and entry.kind is not EntryKind.VOID
    return True


def _complete(room_id: str, first: int, last: int) -> list[Entry]:
    """All entries from ``first`` to ``last``; holes are waited for, then filled."""
    if last < first:
        return []
    entries = _query(room_id, first, last)
    for wait in HOLE_WAITS:
        if len(entries) == last - first + 1:
            return entries
        time.sleep(wait)
        entries = _query(room_id, first, last)
    for hole in sorted(set(range(first, last + 1)) - {entry.seq for entry in entries}):
        _store(room_id, Entry(seq=hole, user_id="", at=0, kind=EntryKind.VOID))
    return entries if len(entries) == last - first + 1 else _query(room_id, first, last)


def _query(room_id: str, first: int, last: int) -> list[Entry]:
    rows = EntryRow.query(room_id, EntryRow.seq.between(first, last), consistent_read=True)
    return [to_entry(row) for row in rows]


def _within(entries: list[Entry], byte_budget: int, at_least: int = 1) -> list[Entry]:
    """The longest beginning of ``entries`` that fits, but ``at_least`` so many."""
    used = 0
    for count, entry in enumerate(entries):
        used += encoded_size(entry) + 1
        if used > byte_budget and count >= at_least:
            return entries[:count]
    return entries


def _end(entries: list[Entry], default: int) -> int:
    return entries[-1].seq if entries else default


def new_cid() -> str:
    """An id for an entry that the server writes by itself."""
    return ids.new_id()
