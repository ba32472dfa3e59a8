"""The match table and what a claim touches, as one atomic call finds or leaves them."""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass, field, replace

from chalicelib import limits
from chalicelib.matching import Seeker, Ticket

#: A transaction on the same person within so long (ms) is a conflict.
CONFLICT_MS = 3


@dataclass
class Match:
    """A room that was made."""

    at: float
    people: tuple[Ticket, Ticket]
    cids: tuple[str, str]


@dataclass
class Table:
    """What is stored."""

    seekers: dict[str, Seeker] = field(default_factory=dict)
    #: Tickets by their place, in its order.
    pools: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    tickets: dict[tuple[str, int, str], Ticket] = field(default_factory=dict)
    blocked: set[frozenset[str]] = field(default_factory=set)
    connected: set[str] = field(default_factory=set)
    matches: list[Match] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _busy: dict[str, float] = field(default_factory=dict)
    _versions: int = 0

    def read(self, user_id: str) -> Seeker | None:
        self.counts["reads"] += 1
        return self.seekers.get(user_id)

    def is_busy(self, now: float, *people: str) -> bool:
        """Whether another transaction is at one of these people; if not, this one is."""
        if any(self._busy.get(each, 0) > now for each in people):
            self.counts["conflicts"] += 1
            return True
        self._busy.update(dict.fromkeys(people, now + CONFLICT_MS))
        return False

    def write(self, old: Seeker | None, new: Seeker) -> bool:
        self.counts["writes"] += 1
        current = self.seekers.get(new.user_id)
        if (current.version if current else None) != (old.version if old else None):
            return False
        if current is not None:
            self._remove(current.ticket)
        self.seekers[new.user_id] = new
        if new.ticket is not None:
            for pool in new.ticket.wish.languages:
                place = (new.ticket.since, new.user_id)
                bisect.insort(self.pools.setdefault(pool, []), place)
                self.tickets[pool, *place] = new.ticket
        return True

    def waiting(self, pool: str, start: int, limit: int) -> list[Ticket]:
        self.counts["queries"] += 1
        places = self.pools.get(pool, [])
        first = bisect.bisect_left(places, (start, ""))
        return [self.tickets[pool, *place] for place in places[first : first + limit]]

    def drop(self, pool: str, ticket: Ticket) -> None:
        self.counts["drops"] += 1
        key = (pool, ticket.since, ticket.user_id)
        stored = self.tickets.get(key)
        if stored is not None and stored.version == ticket.version:
            del self.tickets[key]
            self.pools[pool].remove(key[1:])

    def claim(self, now: int, mine: Seeker, other: Ticket) -> str | None:
        """As the transaction of ``match_steps``: all conditions hold, or nothing happens."""
        self.counts["claims"] += 1
        ticket = mine.ticket
        assert ticket is not None
        both = ((ticket, other), (other, ticket))
        current = [self.seekers.get(one.user_id) for one, _ in both]
        if (
            frozenset((mine.user_id, other.user_id)) in self.blocked
            or other.connection_id not in self.connected
            or any(
                seeker is None
                or seeker.version != one.version
                or seeker.met.get(partner.user_id, 0) > now
                for seeker, (one, partner) in zip(current, both, strict=True)
            )
        ):
            self.counts["refused claims"] += 1
            return None
        room_id = f"room{len(self.matches)}"
        cids = []
        for seeker, (one, partner) in zip(current, both, strict=True):
            assert seeker is not None
            cids.append(seeker.cid)
            self._versions += 1
            self._remove(one)
            self.seekers[one.user_id] = replace(
                seeker,
                version=f"claimed{self._versions}",
                ticket=None,
                room_id=room_id,
                met={**seeker.met, partner.user_id: now + limits.MATCH_MET_MS},
            )
        self.matches.append(Match(now, (ticket, other), (cids[0], cids[1])))
        return room_id

    def _remove(self, ticket: Ticket | None) -> None:
        if ticket is None:
            return
        for pool in ticket.wish.languages:
            key = (pool, ticket.since, ticket.user_id)
            if self.tickets.pop(key, None) is not None:
                self.pools[pool].remove(key[1:])
