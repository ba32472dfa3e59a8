"""A room's log, for the commands: writing to it, and pages of it without holes.

How entries are written is in writing.py, as it has to hold at any interleaving.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids, limits, masking, members, rows, texts, writing
from chalicelib.dynamodb_steps import LogSteps
from chalicelib.errors import ChatNotFoundError, NotYetError, RoomNotFoundError, StaleError
from chalicelib.pace import Pace, memory
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import EntryRow, MemberRow, RoomRow


@dataclass(frozen=True)
class Page:
    """Consecutive entries in ascending order."""

    entries: list[Entry]
    has_before: bool = False
    has_after: bool = False


@dataclass(frozen=True, slots=True)
class Appended(writing.Written):
    """A notice that is in the log."""

    #: The room's row as the write left it; None if it was there already.
    row: RoomRow | None


@dataclass(frozen=True, slots=True)
class Said(writing.Written):
    """A chat that is in the log."""

    #: Whose it is, as they were when it was written, or when that was found done.
    member: MemberRow


def append(
    room_id: str,
    user_id: str,
    now: int,
    *,
    kind: EntryKind,
    text: str = "",
    cid: str = "",
    about: str = "",
    retry_since: int | None = None,
    room_actions: Sequence[Action] = (),
    room_condition: Condition | None = None,
) -> Appended:
    """Write a notice at the end of a room's log, with two DynamoDB writes.

    Args:
        about: whom it was done to, if not ``user_id``.
        retry_since: this is a repeat of a write that began when the log ended there: look
            whether it was done before doing it.
        room_actions: what else to do to the room in the write that takes the ``seq``.
        room_condition: what else must hold for the room.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        RoomChangedError: ``room_condition`` does not hold.
    """
    steps = LogSteps(room_id, room_actions=room_actions, room_condition=room_condition)
    draft = Draft(user_id, now, kind, text=text, cid=cid, about=about)
    if retry_since is not None:
        first_try = run(writing.find(steps, draft, retry_since))
        if first_try is not None:
            return Appended(first_try, None, None)
    written = run(writing.append(steps, draft))
    return Appended(written.entry, written.room, steps.room)


def say(
    room_id: str,
    user_id: str,
    text: str,
    cid: str,
    now: int,
    *,
    reply_to: int | None = None,
    retry_since: int | None = None,
    received: int,
) -> Said:
    """Write a chat, once. Three DynamoDB writes; before those of a reply, a read.

    Args:
        text: as it was said; bad words in it, and the room's own, are masked.
        reply_to: the place of the chat that it answers.
        retry_since: it may have been sent before, not earlier than when the log ended there.
        received: when (ms) API Gateway took it. If that is too long ago, or before the sender
            joined (again), its claim may be forgotten.

    Raises:
        RoomNotFoundError: the room does not exist or is closed.
        NotMemberError: not a member.
        ChatNotFoundError: there is no chat at ``reply_to``.
        StaleError: too late, or it must be sent again to find out whether it is done.
        TooFastError, SlowModeError, SilencedError: not now.
    """
    if retry_since is None:
        known = memory.refusal(user_id, room_id, Pace(now, LogSteps(room_id).chat_window_ms))
        if known is not None:
            raise known
    if clock.now_ms() > received + limits.WRITE_WITHIN_MS:
        raise StaleError
    if reply_to is not None:
        _check_is_chat(user_id, room_id, reply_to)

    def say_masked(masked: str, is_in_effect: Condition) -> Said:
        steps = _SayingSteps(room_id, text, is_in_effect, received)
        draft = Draft(user_id, now, text=masked, cid=cid, reply_to=reply_to or 0)
        written = run(writing.say(steps, draft, retry_since))
        if steps.member is None:
            raise TypeError("a chat is written by nobody")
        return Said(written.entry, written.room, steps.member)

    try:
        return masking.write(room_id, text, say_masked)
    except NotYetError as error:
        memory.hold(user_id, room_id, error, now)
        raise


class _SayingSteps(LogSteps):
    """The room is looked at where a place is taken, which a repeat need not do."""

    def __init__(self, room_id: str, text: str, room_condition: Condition, received: int) -> None:
        super().__init__(room_id, room_condition=room_condition, received=received)
        self._text = text

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """As ``LogSteps.store``."""
        if self.room is None:
            draft = replace(draft, text=masking.masked(self.room_id, self._text))
        return await super().store(draft, place)


def _check_is_chat(user_id: str, room_id: str, seq: int) -> None:
    """Check that a chat stands at ``seq``, also a deleted one: what it is never changes.

    So it need not be checked in the calls that write the answer, nor can it turn a repeat of one
    that was written into a refusal. One consistent GetItem.
    """
    try:
        kind = EntryRow.get(room_id, seq, consistent_read=True).kind
    except EntryRow.DoesNotExist:
        kind = None
    if kind == EntryKind.CHAT:
        return
    # What there is in a room's log is for its members only.
    members.membership(user_id, room_id)
    if rows.find_open_room(room_id) is None:
        raise RoomNotFoundError(room_id)
    raise ChatNotFoundError(seq, field="reply_to")


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

    Raises:
        RoomNotFoundError: the room was closed meanwhile.
    """
    last = min(last_seq, after + limit)
    entries = _complete(room_id, after + 1, last)
    entries = _within(entries, byte_budget, at_least)
    return Page(entries, has_before=after > 0, has_after=_end(entries, after) < last_seq)


def read_before(room_id: str, before: int, limit: int, byte_budget: int) -> Page:
    """Up to ``limit`` entries just before ``before``, none missing between them.

    Raises:
        RoomNotFoundError: the room was closed meanwhile.
    """
    first = max(1, before - limit)
    entries = _complete(room_id, first, before - 1)
    newest_first = _within(entries[::-1], byte_budget)
    entries = newest_first[::-1]
    return Page(entries, has_before=bool(entries) and entries[0].seq > 1, has_after=False)


def _complete(room_id: str, first: int, last: int) -> list[Entry]:
    return with_changes(room_id, run(writing.complete(LogSteps(room_id), first, last)))


def with_changes(room_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """Entries that tell of changes, with the chats that were changed as they are by now.

    Several changes of one chat have it once, in the last of them. A BatchGetItem if there
    are any.
    """
    last_of = {entry.changed.seq: entry.seq for entry in entries if entry.changed}
    if not last_of:
        return list(entries)
    keys = {(room_id, seq) for seq in last_of}
    now = {row.seq: rows.to_entry(row) for row in EntryRow.batch_get(keys, consistent_read=True)}
    return [
        msgspec.structs.replace(
            entry,
            changed=now.get(entry.changed.seq) if last_of[entry.changed.seq] == entry.seq else None,
        )
        if entry.changed
        else entry
        for entry in entries
    ]


def people_in(entries: Iterable[Entry]) -> set[str]:
    """The user ids that entries refer to."""
    people: set[str] = set()
    for entry in entries:
        for each in (entry, entry.changed):
            if each is not None:
                people |= {each.user_id, each.about, each.deleted_by}
                people.update(*each.reactions.values())
                if each.kind is EntryKind.CHAT:  # a notice's text may be a name
                    people |= texts.mentions(each.text)
    return people - {""}


def encoded_size(value: Any) -> int:
    """Bytes of a value's JSON."""
    return len(msgspec.json.encode(value))


def _within(entries: list[Entry], byte_budget: int, at_least: int = 1) -> list[Entry]:
    """The longest beginning of ``entries`` that fits with its names, but ``at_least`` so many."""
    used = 0
    people: set[str] = set()
    for count, entry in enumerate(entries):
        new = people_in([entry]) - people
        people |= new
        used += encoded_size(entry) + 1 + limits.USER_BYTES_MAX * len(new)
        if used > byte_budget and count >= at_least:
            return entries[:count]
    return entries


def _end(entries: list[Entry], default: int) -> int:
    return entries[-1].seq if entries else default


def new_cid() -> str:
    """An id for an entry that the server writes by itself."""
    return ids.new_id()
