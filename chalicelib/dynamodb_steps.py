"""The steps of ``writing`` and ``pushing`` as calls of DynamoDB: one each, where they succeed."""

from __future__ import annotations

import functools
import itertools
import operator
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import clock, limits, listing, metering, rows, writing
from chalicelib.errors import NotMemberError, RoomNotFoundError, StaleError
from chalicelib.metrics import Metric
from chalicelib.pace import Pace, memory
from chalicelib.protocol import Entry, EntryKind, Role
from chalicelib.settings import settings
from chalicelib.steps import Claim, Claims, Draft, Place, RoomState, Stored
from chalicelib.tables import (
    IS_IN,
    NO_CLAIM,
    EntryRow,
    MemberRow,
    RoomRow,
    succeeds,
    transact,
)

#: So many places of chats that were lost are remembered; only who has read no further than
#: before them all can see a wrong count.
LOST_MAX: Final = 64

#: So far back a chat is looked for that room lists can show.
LOOK_BACK_MAX: Final = 20

_CLAIMS: Final[tuple[Any, ...]] = tuple(
    getattr(MemberRow, f"claim_{slot}") for slot in range(limits.CLAIMS_PER_MEMBER)
)
_CLAIMED: Final[tuple[Any, ...]] = tuple(
    getattr(MemberRow, f"claimed_{slot}") for slot in range(limits.CLAIMS_PER_MEMBER)
)
_IS_OPEN: Final = RoomRow.host_id.exists() & RoomRow.closed_at.does_not_exist()


class RoomChangedError(Exception):
    """The room exists and is open, but a condition of the caller's own does not hold."""


class LogSteps:
    """A room's log and its lease (``steps.WritingSteps``, and half of ``steps.PushingSteps``)."""

    def __init__(
        self,
        room_id: str,
        *,
        room_actions: Sequence[Action] = (),
        room_condition: Condition | None = None,
        received: int | None = None,
    ) -> None:
        """Steps for one write.

        Args:
            room_actions: what else to do to the room in the call that takes the place.
            room_condition: what else must hold for the room.
            received: when (ms) a chat came that is to be said.
        """
        self._room_id = room_id
        self._room_actions = room_actions
        self._room_condition = room_condition
        self._received = received
        #: The room as the last place taken left it.
        self.room: RoomRow | None = None
        #: Whoever says something, as they were last read or written.
        self.member: MemberRow | None = None

    @property
    def room_id(self) -> str:
        """Which room."""
        return self._room_id

    def now(self) -> int:
        """The time in ms."""
        return clock.now_ms()

    async def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    async def take_place(self, draft: Draft, *, again: bool = False) -> RoomState:
        """One UpdateItem of the room."""
        now = self.now()
        actions: list[Action] = [
            RoomRow.last_seq.add(1),
            RoomRow.previous_at.set(RoomRow.active_at),
            RoomRow.active_at.set(now),
        ]
        if draft.is_chat:
            preview = rows.preview(draft.user_id, draft.text, draft.at)
            actions += [
                RoomRow.chats.add(1),
                RoomRow.preview.set(preview),
                RoomRow.preview_seq.set(RoomRow.last_seq + 1),
                RoomRow.active_place.set(listing.active_place(self.room_id, now)),
            ]
        if not again:
            actions += self._room_actions
        condition = _IS_OPEN
        if self._room_condition is not None and not again:
            condition &= self._room_condition
        room = RoomRow(self.room_id)
        if not succeeds(lambda: room.update(actions, condition=condition)):
            if condition is not _IS_OPEN and rows.find_open_room(self.room_id) is not None:
                raise RoomChangedError
            raise RoomNotFoundError(self.room_id)
        self.room = room
        return rows.to_state(room)

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One PutItem; a GetItem when something is there."""
        row = rows.to_row(self.room_id, draft, place)
        if succeeds(lambda: row.save(condition=EntryRow.seq.does_not_exist())):
            if draft.is_chat:
                metering.count(Metric.CHATS)
            return rows.to_entry(row)
        # Perhaps written by a repeat of this very call, or by whoever sent the chat again.
        there = rows.to_entry(EntryRow.get(self.room_id, place.seq, consistent_read=True))
        is_ours = (
            there.cid == draft.cid
            and there.user_id == draft.user_id
            and there.kind is draft.kind
            and (bool(draft.cid) or there.at == draft.at)
        )
        return there if is_ours else None

    def store_with(
        self, draft: Draft, place: Place, change: Callable[[TransactWrite], None]
    ) -> Entry | None:
        """Store an entry and what it tells of in one transaction; None if a condition fails."""
        row = rows.to_row(self.room_id, draft, place)

        def write(transaction: TransactWrite) -> None:
            transaction.save(row, condition=EntryRow.seq.does_not_exist())
            change(transaction)

        return rows.to_entry(row) if transact(write) else None

    async def free(self, place: Place) -> None:
        """Make a void of a place that was taken for what is no chat, and can't be used.

        Raises:
            RoomNotFoundError: the room does not exist or is closed.
        """
        if not await writing.give_up(self, place, is_chat=False):
            raise RoomNotFoundError(self.room_id)

    async def read_room(self) -> RoomState | None:
        """One consistent GetItem."""
        room = rows.find_open_room(self.room_id)
        return None if room is None else rows.to_state(room)

    async def read_entries(self, first: int, last: int) -> list[Entry]:
        """One consistent Query."""
        return rows.read_entries(self.room_id, first, last)

    async def nearest(self, seq: int, *, later: bool) -> Stored | None:
        """One consistent Query of one item."""
        side = EntryRow.seq >= seq if later else EntryRow.seq <= seq
        found = EntryRow.query(
            self.room_id, side, consistent_read=True, scan_index_forward=later, limit=1
        )
        row = next(iter(found), None)
        if row is None:
            return None
        return Stored(Place(row.seq, row.number), row.kind == EntryKind.CHAT)

    async def fill(self, voids: Sequence[Place], lost: Sequence[int], room: RoomState) -> bool:
        """One transaction; before it one GetItem if chats were lost, a Query if one is shown."""
        now = self.now()
        show_another: list[Action] = []
        is_shown: Condition | None = None
        if lost:
            row = rows.find_open_room(self.room_id)
            shown = row.preview_seq if row is not None else None
            if shown and voids[0].seq <= shown <= voids[-1].seq:
                # Room lists must not go on showing what was never said.
                show_another = self._show_last_before(voids[0].seq)
                is_shown = RoomRow.preview_seq == shown

        def write(transaction: TransactWrite) -> None:
            for place in voids:
                row = EntryRow(
                    self.room_id,
                    place.seq,
                    kind=EntryKind.VOID.value,
                    number=place.number,
                    created_at=now,
                )
                transaction.save(row, condition=EntryRow.seq.does_not_exist())
            if lost:
                is_same = (
                    RoomRow.lost == list(room.lost) if room.lost else RoomRow.lost.does_not_exist()
                )
                now_lost: Any = sorted({*room.lost, *lost})[-LOST_MAX:]
                transaction.update(
                    RoomRow(self.room_id),
                    actions=[RoomRow.lost.set(now_lost), *show_another],
                    condition=_IS_OPEN & is_same & is_shown
                    if is_shown is not None
                    else _IS_OPEN & is_same,
                )
            else:
                transaction.condition_check(RoomRow, self.room_id, condition=_IS_OPEN)

        return transact(write)

    def _show_last_before(self, seq: int) -> list[Action]:
        """What makes room lists show the last chat before a place, or none if it is far away."""
        earlier = EntryRow.query(
            self.room_id,
            EntryRow.seq < seq,
            consistent_read=True,
            scan_index_forward=False,
            limit=LOOK_BACK_MAX,
        )
        last = next((row for row in earlier if row.kind == EntryKind.CHAT), None)
        if last is None:
            return [RoomRow.preview.remove(), RoomRow.preview_seq.remove()]
        text = None if last.deleted else last.text
        preview = rows.preview(last.user_id, text, last.created_at)
        return [RoomRow.preview.set(preview), RoomRow.preview_seq.set(last.seq)]

    @property
    def chat_window_ms(self) -> int:
        """CHAT_WINDOW_MS; docs/settings.md."""
        return settings.chat_window_ms

    async def claim(
        self,
        user_id: str,
        claim: Claim,
        pace: Pace,
        *,
        reads: bool = True,
        seen: Claims | None = None,
    ) -> bool:
        """One UpdateItem of the membership."""
        is_new = functools.reduce(
            operator.and_, (~slot.startswith(f"{claim.cid}:") for slot in _CLAIMS)
        )
        condition = IS_IN & is_new & _is_in_time(claim, pace)
        if self._received is not None:
            condition &= MemberRow.joined_at <= self._received
        if seen is not None:
            condition &= _has_all_since(seen)
        actions: list[Action] = [_CLAIMS[0].set(rows.claim_text(claim))]
        actions += [later.set(earlier | NO_CLAIM) for earlier, later in itertools.pairwise(_CLAIMS)]
        actions += [_CLAIMED[0].set(claim.at)]
        actions += [later.set(earlier | 0) for earlier, later in itertools.pairwise(_CLAIMED)]
        if reads:
            condition &= _is_unread(claim)
            actions += _read_up_to(claim)
        else:
            condition &= MemberRow.read_seq >= claim.place.seq
        is_claimed = self._update_member(user_id, actions, condition)
        if is_claimed:
            memory.note(user_id, self.room_id, claim.at)
        return is_claimed

    async def claims(self, user_id: str) -> Claims:
        """One consistent GetItem."""
        try:
            member = MemberRow.get(user_id, self.room_id, consistent_read=True)
        except MemberRow.DoesNotExist:
            raise NotMemberError(self.room_id) from None
        if member.leaving:
            raise NotMemberError(self.room_id)
        if self._received is not None and member.joined_at > self._received:
            raise StaleError
        self.member = member
        return rows.to_claims(member)

    async def move_claim(self, user_id: str, old: Claim, slot: int, new: Claim) -> bool:
        """One UpdateItem of the membership; another if they have read beyond."""
        actions: list[Action] = [_CLAIMS[slot].set(rows.claim_text(new))]
        is_there = IS_IN & (_CLAIMS[slot] == rows.claim_text(old))
        return self._update_member(
            user_id, [*actions, *_read_up_to(new)], is_there & _is_unread(new)
        ) or self._update_member(user_id, actions, is_there)

    def _update_member(self, user_id: str, actions: list[Action], condition: Condition) -> bool:
        member = MemberRow(user_id, self.room_id)
        is_done = succeeds(lambda: member.update(actions, condition=condition))
        if is_done:
            self.member = member
        return is_done

    async def acquire(self, holder: str, delivered: int, now: int, until: int) -> RoomState | None:
        """One UpdateItem of the room."""
        is_free = RoomRow.lease_holder.does_not_exist() | (RoomRow.lease_until <= now)
        return self._update_room(
            [
                RoomRow.lease_holder.set(holder),
                RoomRow.lease_until.set(until),
                RoomRow.delivered_seq.set(RoomRow.delivered_seq | delivered),
            ],
            # (By name: the repeat of a call whose answer got lost.)
            _IS_OPEN & (is_free | (RoomRow.lease_holder == holder)),
        )

    async def advance(self, holder: str, delivered: int, until: int) -> RoomState | None:
        """One UpdateItem of the room."""
        return self._update_room(
            [RoomRow.lease_until.set(until), RoomRow.delivered_seq.set(delivered)],
            _IS_OPEN & (RoomRow.lease_holder == holder),
        )

    async def release(self, holder: str, delivered: int) -> bool:
        """One UpdateItem of the room."""
        given_back = self._update_room(
            [
                RoomRow.lease_holder.remove(),
                RoomRow.lease_until.remove(),
                RoomRow.delivered_seq.remove(),
            ],
            (RoomRow.lease_holder == holder) & (RoomRow.last_seq == delivered),
        )
        return given_back is not None

    def _update_room(self, actions: list[Action], condition: Condition) -> RoomState | None:
        room = RoomRow(self.room_id)
        is_done = succeeds(lambda: room.update(actions, condition=condition))
        return rows.to_state(room) if is_done else None


def _is_in_time(claim: Claim, pace: Pace) -> Condition:
    """Whether a chat may be said, by when others of its author were (``Pacing.refusal``)."""
    newest, oldest = _CLAIMED[0], _CLAIMED[-1]
    condition: Condition = newest.does_not_exist() | (newest <= claim.at)
    condition &= not_silenced(claim.at)
    if pace.window_ms:
        condition &= oldest.does_not_exist() | (oldest <= pace.since)
    if pace.slow_ms:
        condition &= (
            newest.does_not_exist()
            | (newest <= claim.at - pace.slow_ms)
            | (MemberRow.role != Role.MEMBER.value)
        )
    return condition


def _has_all_since(seen: Claims) -> Condition:
    """Whether all claims are kept that were made since some were seen (``Claims.reach``)."""
    known = [rows.claim_text(claim) for claim in seen.latest if claim is not None]
    oldest = _CLAIMS[-1]
    condition: Condition = oldest.does_not_exist() | oldest.is_in(NO_CLAIM, *known)
    return condition


def not_silenced(at: int) -> Condition:
    """Whether a member may say something at that time (ms)."""
    until = MemberRow.silenced_until
    condition: Condition = until.does_not_exist() | (until <= at)
    return condition


def _is_unread(claim: Claim) -> Condition:
    return MemberRow.read_seq < claim.place.seq


def _read_up_to(claim: Claim) -> list[Action]:
    return [
        MemberRow.read_seq.set(claim.place.seq),
        MemberRow.read_number.set(claim.place.number),
    ]
