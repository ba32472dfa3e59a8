"""The steps of ``matching`` as calls of DynamoDB: one each, where they succeed."""

from __future__ import annotations

import random
from typing import Any, Final

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import blocks, clock, ids, limits, matching, members
from chalicelib.errors import StaleError
from chalicelib.matching import Seeker, Ticket, Wish
from chalicelib.protocol import EntryKind
from chalicelib.steps import run
from chalicelib.tables import (
    PAIR,
    TRANSACTION_CANCELED,
    ConnectionRow,
    EntryRow,
    MemberRow,
    RoomRow,
    SeekerRow,
    TicketRow,
    succeeds,
    transact,
)

_RANDOM: Final = random.SystemRandom()


class DynamoMatchSteps:
    """``matching.MatchSteps`` on the tables."""

    def __init__(self) -> None:
        #: The room that a claim made, and the claimer's membership of it.
        self.made: tuple[RoomRow, MemberRow] | None = None

    def now(self) -> int:
        """The time in ms."""
        return clock.now_ms()

    def random(self) -> random.Random:
        """The system's."""
        return _RANDOM

    async def read(self, user_id: str) -> Seeker | None:
        """One consistent GetItem."""
        try:
            row = SeekerRow.get(SeekerRow.key(user_id), SeekerRow.PLACE, consistent_read=True)
        except SeekerRow.DoesNotExist:
            return None
        past: Any = row.past or ()  # PynamoDB's type says attributes
        return Seeker(
            user_id,
            row.version,
            row.cid,
            _to_ticket(row) if row.since else None,
            row.room_id or "",
            row.met.as_dict(),
            row.window_at,
            row.begun,
            tuple(past),
        )

    async def write(self, old: Seeker | None, new: Seeker) -> bool:
        """One transaction: the seeker, and a ticket per language."""
        row = _to_seeker_row(new, self.now())
        condition = (
            SeekerRow.version == old.version
            if old is not None
            else SeekerRow.version.does_not_exist()
        )
        before = _ticket_keys(old.ticket if old is not None else None)
        after = _ticket_keys(new.ticket)

        def write(transaction: TransactWrite) -> None:
            transaction.save(row, condition=condition)
            for pool, place in before - after:
                transaction.delete(TicketRow(pool, place))
            for pool, place in after:
                transaction.save(_to_ticket_row(pool, place, new.ticket))

        return transact(write)

    async def waiting(self, pool: str, start: int, limit: int) -> list[Ticket]:
        """One consistent Query."""
        later = TicketRow.query(
            TicketRow.key(pool),
            TicketRow.place >= TicketRow.place_of(start, ""),
            consistent_read=True,
            limit=limit,
        )
        return [_to_ticket(row) for row in later]

    async def drop(self, pool: str, ticket: Ticket) -> None:
        """One DeleteItem."""
        row = TicketRow(TicketRow.key(pool), TicketRow.place_of(ticket.since, ticket.user_id))
        succeeds(lambda: row.delete(condition=TicketRow.version == ticket.version))

    async def is_blocked(self, one: str, other: str) -> bool:
        """One consistent BatchGetItem."""
        return blocks.is_blocked_either_way(one, other)

    async def claim(self, mine: Seeker, other: Ticket) -> str | None:
        """One transaction; not repeated when it meets another on the same people."""
        ticket = mine.ticket
        if ticket is None:
            raise TypeError("who claims somebody waits")
        now = self.now()
        room = _new_room(ticket, other, now)
        member = members.new_member(mine.user_id, room, now)
        first = EntryRow(
            room.room_id,
            1,
            kind=EntryKind.MATCHED.value,
            user_id=mine.user_id,
            text=" ".join(matching.common_tags(ticket.wish, other.wish)) or None,
            created_at=now,
        )

        def write(transaction: TransactWrite) -> None:
            blocks.require_none(transaction, mine.user_id, [other.user_id])
            transaction.condition_check(
                ConnectionRow, other.connection_id, condition=ConnectionRow.user_id.exists()
            )
            for one, partner in ((ticket, other), (other, ticket)):
                row = SeekerRow(SeekerRow.key(one.user_id), SeekerRow.PLACE)
                met = SeekerRow.met[partner.user_id]
                actions: list[Action] = [
                    SeekerRow.version.set(ids.new_id()),
                    SeekerRow.room_id.set(room.room_id),
                    SeekerRow.since.remove(),
                    met.set(now + limits.MATCH_MET_MS),
                ]
                is_as_read = SeekerRow.version == one.version
                transaction.update(
                    row, actions, condition=is_as_read & (met.does_not_exist() | (met <= now))
                )
                for pool, place in _ticket_keys(one):
                    transaction.delete(TicketRow(pool, place))
            transaction.save(room)
            transaction.save(member)
            transaction.save(members.new_member(other.user_id, room, now))
            transaction.save(first)

        try:
            is_done = transact(write, tries=1)
        except TransactWriteError as error:
            if error.cause_response_code != TRANSACTION_CANCELED:
                raise
            return None  # somebody else is claiming one of the two
        if not is_done:
            return None
        self.made = (room, member)
        return room.room_id


def forget(user_id: str, *, until: int) -> None:
    """Delete the search of somebody who withdrew at a time (ms), and whom they met.

    Raises:
        StaleError: others change the search all the time.
    """
    steps = DynamoMatchSteps()
    for _ in range(matching.WRITE_TRIES):
        seeker = run(steps.read(user_id))
        if seeker is None or seeker.window_at > until:  # of somebody who has come back
            return
        if _delete(seeker):
            return
    raise StaleError


def _delete(seeker: Seeker) -> bool:
    def write(transaction: TransactWrite) -> None:
        row = SeekerRow(SeekerRow.key(seeker.user_id), SeekerRow.PLACE)
        transaction.delete(row, condition=SeekerRow.version == seeker.version)
        for pool, place in _ticket_keys(seeker.ticket):
            transaction.delete(TicketRow(pool, place))

    return transact(write)


def _new_room(one: Ticket, other: Ticket, now: int) -> RoomRow:
    """A room for two, which has no name and no host; not saved yet."""
    return RoomRow(
        ids.new_id(),
        kind=PAIR,
        pair={one.user_id, other.user_id},
        name="",
        name_key="",
        host_id="",
        epoch=ids.new_id(),
        created_at=now,
        active_at=now,
        last_seq=1,
        member_count=2,
    )


def _ticket_keys(ticket: Ticket | None) -> set[tuple[str, str]]:
    if ticket is None:
        return set()
    place = TicketRow.place_of(ticket.since, ticket.user_id)
    return {(TicketRow.key(pool), place) for pool in ticket.wish.languages}


def _to_ticket(row: SeekerRow | TicketRow) -> Ticket:
    languages: Any = row.languages
    return Ticket(
        row.user_id,
        row.version,
        row.since,
        row.until,
        Wish(tuple(languages), frozenset(row.tags or ())),
        row.connection_id,
        row.nickname,
    )


def _fields(ticket: Ticket) -> dict[str, Any]:
    """What both kinds of rows hold of a ticket."""
    return {
        "user_id": ticket.user_id,
        "version": ticket.version,
        "since": ticket.since,
        "until": ticket.until,
        "languages": list(ticket.wish.languages),
        "tags": set(ticket.wish.tags) or None,
        "connection_id": ticket.connection_id,
        "nickname": ticket.nickname,
    }


def _to_ticket_row(pool: str, place: str, ticket: Ticket | None) -> TicketRow:
    if ticket is None:
        raise TypeError("only who waits has tickets")
    expires_at = clock.seconds(ticket.until) + limits.MATCH_LITTER_SECONDS
    return TicketRow(pool, place, **_fields(ticket), expires_at=expires_at)


def _to_seeker_row(seeker: Seeker, now: int) -> SeekerRow:
    fields = _fields(seeker.ticket) if seeker.ticket is not None else {}
    kept_ms = max(limits.MATCH_MET_MS, limits.MATCH_WINDOW_MS, limits.MATCH_TICKET_MS)
    return SeekerRow(
        SeekerRow.key(seeker.user_id),
        SeekerRow.PLACE,
        **{**fields, "version": seeker.version},
        cid=seeker.cid,
        room_id=seeker.room_id or None,
        met=dict(seeker.met),
        window_at=seeker.window_at,
        begun=seeker.begun,
        past=list(seeker.past),
        expires_at=clock.seconds(now + kept_ms) + limits.MATCH_LITTER_SECONDS,
    )
