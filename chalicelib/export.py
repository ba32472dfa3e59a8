"""What is known of a person, for them to take away: pages of JSON, which the site makes a file of.

The first page is all but their chats, of which no index exists: these are looked for in the logs
of the rooms that they are in, a stretch at a time. So no page takes long or gets large, however
much they said, and nothing is kept on the server (docs/decisions/0035-account.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pynamodb.expressions.update import Action

from chalicelib import blocks, clock, limits, members, names, sessions
from chalicelib.errors import InvalidFieldError, TooFastError
from chalicelib.protocol import EntryKind
from chalicelib.rows import find_open_room
from chalicelib.ruling import role_of
from chalicelib.tables import EntryRow, ReportRow, RoomRow, UserRow, succeeds

#: So many places of a log are asked for at once.
STRETCH: Final = 2_000
#: So long a page looks for chats, in ms: in a large room there may be few.
PAGE_MS: Final = 4_000

_CURSOR: Final = re.compile(r"(\d{1,15})\.(\d{1,15})\.([A-Za-z0-9_-]{0,64})")


@dataclass(frozen=True)
class Cursor:
    """Where an export goes on."""

    #: When (ms) it began, which says which it is.
    began: int
    #: In the log of which room, by the order of ids, and from which place on.
    room_id: str = ""
    seq: int = 1

    def __str__(self) -> str:
        return f"{self.began}.{self.seq}.{self.room_id}"


def parse(text: str) -> Cursor:
    """A cursor as it was given out. Raises InvalidFieldError."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidFieldError("cursor", "must be as the page before has it")
    return Cursor(int(found[1]), found[3], int(found[2]))


def begin(person: UserRow, now: int) -> dict[str, Any]:
    """The first page.

    Raises:
        TooFastError: they had one lately.
    """
    long_ago = UserRow.exported_at <= now - limits.EXPORT_EVERY_MS
    actions: list[Action] = [UserRow.exported_at.set(now), UserRow.export_pages.set(0)]
    row = UserRow(person.user_id)
    condition = UserRow.user_id.exists() & (UserRow.exported_at.does_not_exist() | long_ago)
    if not succeeds(lambda: row.update(actions, condition=condition)):
        left = (person.exported_at or now) + limits.EXPORT_EVERY_MS - now
        raise TooFastError("one export in an hour is enough", retry_after_ms=max(1, left))
    return {
        "exported_at": now,
        "profile": {
            "user_id": person.user_id,
            "kakao_id": person.provider_id,
            "nickname": person.nickname,
            "email": person.email,
            "signed_up_at": person.created_at,
        },
        "consents": [{"version": person.consent_version, "at": person.consented_at}],
        "sessions": [
            {"signed_in_at": each.created_at, "browser": each.browser, "system": each.system}
            for each in sessions.of_user(person.user_id, now)
        ],
        "rooms": _rooms(person.user_id),
        "blocked": _blocked(person.user_id),
        "reports": _reports(person.user_id),
        "next": str(Cursor(now)),
    }


def go_on(user_id: str, at: Cursor, now: int) -> dict[str, Any]:
    """A further page: chats by room, and where the next page begins, if there is one.

    Raises:
        InvalidFieldError: it is no page of their latest export, or they had too many of it.
    """
    row = UserRow(user_id)
    is_latest = UserRow.exported_at == at.began
    is_latest &= UserRow.export_pages < limits.EXPORT_PAGES_MAX
    if not succeeds(lambda: row.update([UserRow.export_pages.add(1)], condition=is_latest)):
        raise InvalidFieldError("cursor", "must be of the latest export")
    page = _Page(user_id, until=now + PAGE_MS)
    for member in members.memberships(user_id):  # by the id of the room
        if member.leaving or member.room_id < at.room_id:
            continue
        first = at.seq if member.room_id == at.room_id else 1
        stopped = page.look_into(member.room_id, first)
        if stopped is not None:
            next_ = Cursor(at.began, member.room_id, stopped)
            return {"chats": page.chats, "next": str(next_)}
    return {"chats": page.chats, "next": None}


class _Page:
    """Chats of one person, until it is enough."""

    def __init__(self, user_id: str, until: int) -> None:
        self.chats: list[dict[str, Any]] = []
        self._is_own = (EntryRow.user_id == user_id) & (EntryRow.kind == EntryKind.CHAT.value)
        self._bytes = 0
        self._until = until

    def look_into(self, room_id: str, first: int) -> int | None:
        """Look through a room's log; the place from which to go on in another page, if any."""
        room = find_open_room(room_id)
        if room is None:
            return None
        found: list[dict[str, Any]] = []
        self.chats.append({"room_id": room_id, "chats": found})
        for start in range(first, room.last_seq + 1, STRETCH):
            stretch = EntryRow.query(
                room_id,
                EntryRow.seq.between(start, start + STRETCH - 1),
                filter_condition=self._is_own,
            )
            for row in stretch:
                found.append(_chat(row))
                self._bytes += 100 + len((row.text or "").encode())
                if self._bytes > limits.EXPORT_PAGE_BYTES:
                    return row.seq + 1
            if clock.now_ms() > self._until:
                return start + STRETCH
        return None


def _chat(row: EntryRow) -> dict[str, Any]:
    chat = {
        "seq": row.seq,
        "at": row.created_at,
        "text": row.text,
        "reply_to": row.reply_to,
        "edited_at": row.edited_at,
        "deleted": row.deleted,
    }
    return {name: value for name, value in chat.items() if value is not None}


def _rooms(user_id: str) -> list[dict[str, Any]]:
    mine = {row.room_id: row for row in members.memberships(user_id) if not row.leaving}
    rooms = {room.room_id: room for room in RoomRow.batch_get(mine)} if mine else {}
    return [
        {
            "room_id": room_id,
            "name": room.name,
            "role": role_of(room, user_id),
            "joined_at": mine[room_id].joined_at,
            "muted": bool(mine[room_id].muted),
            "nickname": mine[room_id].nickname,
        }
        for room_id, room in sorted(rooms.items())
        if not room.closed_at
    ]


def _blocked(user_id: str) -> list[dict[str, Any]]:
    blocked = blocks.rows_of(user_id)
    met_in, called = blocks.names_of(blocked)
    return [
        {"user_id": each, "nickname": names.of(called, each, met_in.get(each))}
        for each in (row.blocked_id for row in blocked)
    ]


def _reports(user_id: str) -> list[dict[str, Any]]:
    """The latest first."""
    found = ReportRow.by_reporter.query(
        user_id, scan_index_forward=False, limit=limits.EXPORT_REPORTS_MAX
    )
    return [
        {
            "at": row.created_at,
            "room": row.room_name,
            "about": row.user_name,
            "seq": row.seq,
            "reason": row.reason,
            "note": row.note,
        }
        for row in found
    ]
