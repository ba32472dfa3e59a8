"""Reports of chats and people, for an operator: with what was said, as it was at that moment.

The app writes reports and never reads them; operators do, with credentials of their own
(infra/aws/reports.py, docs/decisions/0032-safety.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import chats, clock, ids, limits, members, names, users
from chalicelib.errors import (
    ChatNotFoundError,
    InvalidFieldError,
    NotMemberError,
    TooFastError,
)
from chalicelib.protocol import Entry, EntryKind, ReportReason, Users
from chalicelib.rows import open_room
from chalicelib.tables import ReportRow, ReportSideRow, transact
from chalicelib.texts import check_note

_HOUR_MS: Final = 3_600_000
#: Of what was said around a chat, so many letters of each are kept; of the chat itself, all.
_AROUND_TEXT_MAX: Final = 1_000


@dataclass(frozen=True)
class Report:
    """What somebody reports."""

    room_id: str
    #: Of whom.
    user_id: str
    reason: ReportReason
    note: str = ""
    #: Which chat of theirs; None: the person.
    seq: int | None = None


class Said(msgspec.Struct, omit_defaults=True):
    """A chat in the context of a report."""

    seq: int
    user_id: str
    at: int
    text: str = ""
    #: How its writer was called.
    name: str = ""
    deleted: bool = False


def send(reporter_id: str, report: Report, now: int) -> None:
    """Keep a report for the operators, once while one about the same is open.

    Four to six reads; one transaction of three writes.

    Raises:
        InvalidFieldError: it is about oneself, or not about whom it says; or the note.
        NotMemberError: the reporter is not in the room.
        RoomNotFoundError: the room was closed.
        ChatNotFoundError: there is no such chat.
        TooFastError: somebody reports more than one can in an hour.
    """
    note = check_note(report.note)
    if report.user_id == reporter_id:
        raise InvalidFieldError("user_id", "must be somebody else")
    members.membership(reporter_id, report.room_id)
    room = open_room(report.room_id)
    context = _context(report, room.last_seq)
    people = {report.user_id, reporter_id, *(entry.user_id for entry in context)}
    called = names.in_room(room, room.room_id, people)
    name = names.of(called, report.user_id, room.room_id)
    account = names.of(users.names([report.user_id]), report.user_id) if room.named else name
    row = ReportRow(
        # Operators type it after a command, where a dash would begin an option.
        f"R{ids.new_id()}",
        queue=ReportRow.OPEN,
        created_at=now,
        reporter_id=reporter_id,
        user_id=report.user_id,
        user_name=name,
        account_name=account if account != name else None,
        room_id=report.room_id,
        room_name=room.name,
        seq=report.seq,
        reason=report.reason.value,
        note=note or None,
        context=_encoded(context, called, report),
        lock_id=_lock_id(reporter_id, report),
    )
    _keep(row, now)


def _keep(row: ReportRow, now: int) -> None:
    lock = ReportSideRow(row.lock_id, open_id=row.report_id)
    hour = now // _HOUR_MS
    tally = ReportSideRow(f"tally#{row.reporter_id}#{hour}")
    has_left = ReportSideRow.sent.does_not_exist()
    has_left |= ReportSideRow.sent < limits.REPORTS_PER_HOUR
    count: list[Action] = [
        ReportSideRow.sent.add(1),
        ReportSideRow.expires_at.set(clock.seconds(now) + 2 * _HOUR_MS // 1000),
    ]

    def write(transaction: TransactWrite) -> None:
        transaction.save(row)
        transaction.save(lock, condition=ReportSideRow.open_id.does_not_exist())
        transaction.update(tally, actions=count, condition=has_left)

    if transact(write):
        return
    try:
        ReportSideRow.get(row.lock_id, consistent_read=True)
    except ReportSideRow.DoesNotExist:
        left = (hour + 1) * _HOUR_MS - now
        raise TooFastError("too many reports in an hour", retry_after_ms=left) from None
    # One about the same waits to be looked at already.


def _lock_id(reporter_id: str, report: Report) -> str:
    """Taken while a report of theirs about the same is open; the operator gives it back."""
    about = "\0".join((reporter_id, report.room_id, report.user_id, str(report.seq or "")))
    return f"open#{ids.digest(about)}"


def _context(report: Report, last_seq: int) -> list[Entry]:
    """The chat and some around it, or the latest of the room."""
    around = limits.REPORT_CONTEXT // 2
    end = last_seq if report.seq is None else min(last_seq, report.seq + around)
    page = chats.read_before(
        report.room_id, end + 1, limits.REPORT_CONTEXT + 1, limits.REPORT_CONTEXT_BYTES
    )
    said = [entry for entry in page.entries if entry.kind is EntryKind.CHAT]
    if report.seq is None:
        if not any(entry.user_id == report.user_id for entry in said):
            try:
                members.membership(report.user_id, report.room_id)
            except NotMemberError:
                raise InvalidFieldError("user_id", "must be of somebody in the room") from None
        return said
    chat = next((entry for entry in said if entry.seq == report.seq), None)
    if chat is None:
        raise ChatNotFoundError(report.seq)
    if chat.user_id != report.user_id:
        raise InvalidFieldError("user_id", "must be of who said it")
    return said


def _encoded(context: list[Entry], called: Users, report: Report) -> str:
    said = [
        Said(
            seq=entry.seq,
            user_id=entry.user_id,
            at=entry.at,
            text=entry.text if entry.seq == report.seq else entry.text[:_AROUND_TEXT_MAX],
            name=names.of(called, entry.user_id, report.room_id) or "",
            deleted=entry.deleted,
        )
        for entry in context
    ]
    return msgspec.json.encode(said).decode()
