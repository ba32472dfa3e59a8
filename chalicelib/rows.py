"""Rows of the rooms, members and chats tables as what the rest of the code speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib import limits, texts
from chalicelib.errors import RoomNotFoundError
from chalicelib.pace import Pacing
from chalicelib.protocol import Entry, EntryKind, Role
from chalicelib.steps import Claim, Claims, Draft, Lease, Place, RoomState
from chalicelib.tables import NO_CLAIM, EntryRow, MemberRow, PreviewMap, RoomNameRow, RoomRow


def find_open_room(room_id: str) -> RoomRow | None:
    """The room, unless it does not exist or is closed. One consistent GetItem."""
    room = find_room(room_id)
    return None if room is None or room.closed_at else room


def open_room(room_id: str) -> RoomRow:
    """The room. Raises RoomNotFoundError if it does not exist or is closed."""
    room = find_open_room(room_id)
    if room is None:
        raise RoomNotFoundError(room_id)
    return room


def find_room(room_id: str) -> RoomRow | None:
    """The room, also a closed one that is not erased yet. One consistent GetItem."""
    try:
        return RoomRow.get(room_id, consistent_read=True)
    except RoomRow.DoesNotExist:
        return None


def find_room_id(name_key: str) -> str | None:
    """Which room has a name, as the lock on it says. One consistent GetItem."""
    try:
        lock = RoomNameRow.get(RoomNameRow.key(name_key), consistent_read=True)
    except RoomNameRow.DoesNotExist:
        return None
    return lock.target_id


def to_state(room: RoomRow) -> RoomState:
    """A room as its log and its delivery see it."""
    lost: Any = room.lost or ()  # PynamoDB's type says attributes
    lease = None
    if room.lease_holder:
        lease = Lease(room.lease_holder, room.lease_until, room.delivered_seq)
    return RoomState(
        last_seq=room.last_seq,
        chats=room.chats,
        lost=tuple(lost),
        active_at=room.active_at,
        previous_at=room.previous_at,
        lease=lease,
        host_id=room.host_id,
        slow_ms=room.slow_ms or 0,
        named=bool(room.named),
    )


def unread(room: RoomRow, member: MemberRow) -> int:
    """How many chats there are that a member has not read.

    Places that were taken for chats, less those that were lost. What is being written at this
    moment counts already.
    """
    lost = sum(1 for number in room.lost or () if number > member.read_number)
    return max(0, room.chats - member.read_number - lost)


def claim_text(claim: Claim) -> str:
    """A claim as it is stored."""
    late = "" if claim.in_order else ":late"
    return f"{claim.cid}:{claim.place.seq}:{claim.place.number}:{claim.at}{late}"


def to_claims(member: MemberRow) -> Claims:
    """A member's claims."""
    slots = (getattr(member, f"claim_{slot}") for slot in range(limits.CLAIMS_PER_MEMBER))
    return Claims(
        tuple(map(_to_claim, slots)), member.joined_seq, member.read_seq, to_pacing(member)
    )


def to_pacing(member: MemberRow) -> Pacing:
    """What a member's row says of their pace."""
    return Pacing(
        newest_at=member.claimed_0 or 0,
        oldest_at=getattr(member, f"claimed_{limits.CLAIMS_PER_MEMBER - 1}") or 0,
        silenced_until=member.silenced_until or 0,
        is_exempt=member.role != Role.MEMBER.value,
    )


def _to_claim(text: str | None) -> Claim | None:
    if text is None or text == NO_CLAIM:
        return None
    cid, seq, number, at, *late = text.split(":")
    return Claim(cid, Place(int(seq), int(number)), int(at), in_order=not late)


def read_entries(room_id: str, first: int, last: int) -> list[Entry]:
    """What is stored of a log from ``first`` to ``last``. One consistent Query."""
    found = EntryRow.query(room_id, EntryRow.seq.between(first, last), consistent_read=True)
    return [to_entry(row) for row in found]


def to_row(room_id: str, draft: Draft, place: Place) -> EntryRow:
    """A draft in its place."""
    return EntryRow(
        room_id,
        place.seq,
        kind=draft.kind.value,
        number=place.number,
        user_id=draft.user_id or None,
        text=draft.text or None,
        cid=draft.cid or None,
        about=draft.about or None,
        target=draft.target or None,
        reply_to=draft.reply_to or None,
        created_at=draft.at,
    )


def to_entry(row: EntryRow) -> Entry:
    """An entry as it goes over the wire.

    Of one that tells of a change only the place of the changed chat is known here;
    ``chats.with_changes`` looks up the rest.
    """
    return Entry(
        seq=row.seq,
        user_id=row.user_id or "",
        at=row.created_at,
        kind=EntryKind(row.kind),
        text=row.text or "",
        about=row.about or "",
        reply_to=row.reply_to or 0,
        cid=row.cid or "",
        version=row.version or 0,
        edited_at=row.edited_at or 0,
        deleted=bool(row.deleted),
        deleted_by=row.deleted_by or "",
        reactions=_by_emoji(row.reactions or ()),
        changed=Entry(row.target, "", 0) if row.target else None,
    )


def preview(user_id: str, text: str | None, at: int) -> PreviewMap:
    """What room lists show of a chat; without a text it is a deleted one."""
    shown = {"deleted": True} if text is None else {"text": texts.preview(text)}
    return PreviewMap(user_id=user_id, at=at, **shown)  # type: ignore[no-untyped-call]


def reaction(emoji: str, user_id: str) -> str:
    """A reaction as it is stored."""
    return f"{emoji} {user_id}"


def _by_emoji(reactions: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stored in sorted(reactions):
        emoji, _, user_id = stored.partition(" ")
        found.setdefault(emoji, []).append(user_id)
    return found
