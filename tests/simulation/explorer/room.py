"""A room in memory: each method is one call of DynamoDB, with the conditions that it has there.

The counterpart of chalicelib/dynamodb_steps.py, on which tests/integration/test_steps.py runs
the same sequences of calls. ``Member`` and ``Room`` have the names of the tables' attributes, so
``rows.unread`` reads them as it reads rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.dynamodb_steps import LOST_MAX
from chalicelib.errors import NotMemberError, RoomNotFoundError, StaleError
from chalicelib.pace import Pace, Pacing
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Claim, Claims, Draft, Lease, Place, RoomState, Stored


@dataclass(slots=True)
class Member:
    """A membership."""

    joined_seq: int
    read_seq: int
    read_number: int
    #: The latest claims, the latest first; as many as slots.
    claims: list[Claim | None]
    leaving: bool = False
    notice_cid: str = ""
    #: In ms.
    joined_at: int = 0
    silenced_until: int = 0
    #: Slow mode is not for them.
    is_exempt: bool = False

    @property
    def pacing(self) -> Pacing:
        """What the row says of their pace."""
        newest, oldest = self.claims[0], self.claims[-1]
        return Pacing(
            newest_at=newest.at if newest else 0,
            oldest_at=oldest.at if oldest else 0,
            silenced_until=self.silenced_until,
            is_exempt=self.is_exempt,
        )


@dataclass(slots=True)
class Room:
    """A room with its log and members."""

    room_id: str = "room"
    #: ``limits.CLAIMS_PER_MEMBER``; fewer find more.
    slots: int = 8
    last_seq: int = 0
    chats: int = 0
    lost: tuple[int, ...] = ()
    active_at: int = 0
    previous_at: int = 0
    lease: Lease | None = None
    host_id: str = ""
    slow_ms: int = 0
    is_closed: bool = False
    entries: dict[int, Entry] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    #: How often each person has claimed a place.
    claimed: dict[str, int] = field(default_factory=dict)
    #: Who became a member, and where the log ended when they began to, and when they were one.
    joined: list[tuple[str, int, int]] = field(default_factory=list)

    def state(self) -> RoomState:
        """What a call finds or leaves."""
        return RoomState(
            self.last_seq,
            self.chats,
            self.lost,
            self.active_at,
            self.previous_at,
            self.lease,
            self.host_id,
            self.slow_ms,
        )

    # --- The log ---------------------------------------------------------------------------

    def take_place(self, draft: Draft, now: int) -> RoomState:
        """UpdateItem of the room."""
        if self.is_closed:
            raise RoomNotFoundError(self.room_id)
        self.last_seq += 1
        self.previous_at = self.active_at
        self.active_at = now
        if draft.kind is EntryKind.CHAT:
            self.chats += 1
        return self.state()

    def store(self, draft: Draft, place: Place) -> Entry | None:
        """PutItem if the place is free, and GetItem if it is not."""
        there = self.entries.get(place.seq)
        if there is None:
            entry = self.entries[place.seq] = Entry(
                place.seq, draft.user_id, draft.at, draft.kind, draft.text, cid=draft.cid
            )
            self.numbers[place.seq] = place.number
            return entry
        is_ours = (
            there.cid == draft.cid
            and there.user_id == draft.user_id
            and there.kind is draft.kind
            and (bool(draft.cid) or there.at == draft.at)
        )
        return there if is_ours else None

    def read_room(self) -> RoomState | None:
        """GetItem of the room."""
        return None if self.is_closed else self.state()

    def read_entries(self, first: int, last: int) -> list[Entry]:
        """Query of the log."""
        entries = self.entries
        return [
            entries[seq] for seq in range(first, min(last, self.last_seq) + 1) if seq in entries
        ]

    def nearest(self, seq: int, *, later: bool) -> Stored | None:
        """Query of one item."""
        places = range(seq, self.last_seq + 1) if later else range(seq, 0, -1)
        for each in places:
            entry = self.entries.get(each)
            if entry is not None:
                return Stored(Place(each, self.numbers[each]), entry.kind is EntryKind.CHAT)
        return None

    def fill(self, voids: Sequence[Place], lost: Sequence[int], room: RoomState, now: int) -> bool:
        """Transaction of Puts and an UpdateItem or ConditionCheck of the room."""
        if self.is_closed or any(place.seq in self.entries for place in voids):
            return False
        if lost:
            if self.lost != room.lost:
                return False
            self.lost = tuple(sorted({*room.lost, *lost}))[-LOST_MAX:]
        for place in voids:
            self.entries[place.seq] = Entry(place.seq, "", now, EntryKind.VOID)
            self.numbers[place.seq] = place.number
        return True

    # --- Members ---------------------------------------------------------------------------

    def claim(
        self,
        user_id: str,
        claim: Claim,
        pace: Pace,
        *,
        reads: bool = True,
        seen: Claims | None = None,
        received: int | None = None,
    ) -> bool:
        """UpdateItem of the membership."""
        member = self.members.get(user_id)
        if member is None or member.leaving:
            return False
        if received is not None and member.joined_at > received:
            return False
        if any(each and each.cid == claim.cid for each in member.claims):
            return False
        if (member.read_seq < claim.place.seq) is not reads:
            return False
        if not _is_in_time(member.pacing, claim, pace):
            return False
        oldest = member.claims[-1]
        if seen is not None and oldest is not None and oldest not in seen.latest:
            return False
        if reads:
            member.read_seq = claim.place.seq
            member.read_number = claim.place.number
        member.claims = [claim, *member.claims[:-1]]
        self.claimed[user_id] = self.claimed.get(user_id, 0) + 1
        return True

    def claims(self, user_id: str, received: int | None = None) -> Claims:
        """GetItem of the membership."""
        member = self.members.get(user_id)
        if member is None or member.leaving:
            raise NotMemberError(self.room_id)
        if received is not None and member.joined_at > received:
            raise StaleError
        return Claims(tuple(member.claims), member.joined_seq, member.read_seq, member.pacing)

    def move_claim(self, user_id: str, old: Claim, slot: int, new: Claim) -> bool:
        """UpdateItem of the membership."""
        member = self.members.get(user_id)
        if member is None or member.leaving or member.claims[slot] != old:
            return False
        member.claims[slot] = new
        if member.read_seq < new.place.seq:
            member.read_seq = new.place.seq
            member.read_number = new.place.number
        return True

    def mark_read(self, user_id: str, place: Place) -> bool:
        """UpdateItem of the membership (``members.mark_read``)."""
        member = self.members.get(user_id)
        if member is None or member.leaving or member.read_seq >= place.seq:
            return False
        member.read_seq = place.seq
        member.read_number = place.number
        return True

    # --- Coming and going (chalicelib/joining.py) -----------------------------------------

    def save_member(self, user_id: str, seen: RoomState, notice_cid: str, now: int) -> bool:
        """PutItem of a new membership."""
        if user_id in self.members:
            return False
        claims: list[Claim | None] = [None] * self.slots
        self.members[user_id] = Member(
            seen.last_seq, seen.last_seq, seen.chats, claims, notice_cid=notice_cid, joined_at=now
        )
        self.joined.append((user_id, seen.last_seq, self.last_seq))
        return True

    def settle_member(self, user_id: str, notice_cid: str, place: Place) -> bool:
        """UpdateItem of a membership whose notice is written."""
        member = self.members.get(user_id)
        if member is None or member.notice_cid != notice_cid:
            return False
        member.notice_cid = ""
        if member.read_seq < place.seq:
            member.read_seq = place.seq
            member.read_number = place.number
        return True

    def begin_leaving(self, user_id: str, notice_cid: str) -> bool:
        """UpdateItem of a membership that ends."""
        member = self.members.get(user_id)
        if member is None or member.leaving:
            return False
        member.leaving = True
        member.notice_cid = notice_cid
        return True

    def delete_member(self, user_id: str, notice_cid: str) -> bool:
        """DeleteItem of a membership that has ended."""
        member = self.members.get(user_id)
        if member is None or member.notice_cid != notice_cid:
            return False
        del self.members[user_id]
        return True

    def close(self) -> None:
        """Transaction that closes the room."""
        self.is_closed = True

    # --- The lease -------------------------------------------------------------------------

    def acquire(self, holder: str, delivered: int, now: int, until: int) -> RoomState | None:
        """UpdateItem of the room."""
        lease = self.lease
        if self.is_closed:
            return None
        if lease is not None:
            if lease.until > now and lease.holder != holder:
                return None
            delivered = lease.delivered
        self.lease = Lease(holder, until, delivered)
        return self.state()

    def advance(self, holder: str, delivered: int, until: int) -> RoomState | None:
        """UpdateItem of the room."""
        if self.is_closed or self.lease is None or self.lease.holder != holder:
            return None
        self.lease = Lease(holder, until, delivered)
        return self.state()

    def release(self, holder: str, delivered: int) -> bool:
        """UpdateItem of the room."""
        if self.lease is None or self.lease.holder != holder or self.last_seq != delivered:
            return False
        self.lease = None
        return True


def _is_in_time(pacing: Pacing, claim: Claim, pace: Pace) -> bool:
    """Conditions of a claim on when others of its author were made."""
    if pacing.newest_at > claim.at or pacing.silenced_until > claim.at:
        return False
    if pace.window_ms and pacing.oldest_at > pace.since:
        return False
    is_slow = pace.slow_ms and not pacing.is_exempt
    return not is_slow or pacing.newest_at <= claim.at - pace.slow_ms
