"""Two strangers who want to talk, put into a fresh room: who with whom, and that exactly once.

Whoever seeks has a *seeker* row of their own, and a *ticket* in the pool of each language they
speak. They write these first and look into the pools then, with a consistent read: of two who come
at the same time at least one sees the other. A *claim* is one transaction that takes both seekers
as they were read and makes the room, so nobody is in two pairs, whoever dies when. Nobody polls:
whoever waits asks again when their tags have had their time, and then only to stay in the queue
(docs/decisions/0030-match.md).

Written against ``MatchSteps`` and nothing else, as ``writing`` is: tests/simulation holds, kills
and swaps its steps.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from chalicelib import ids, limits
from chalicelib.errors import StaleError

#: How often a search is written anew that others change meanwhile.
WRITE_TRIES: Final = 8
#: How many people one tries to get at one go, before one waits for being chosen.
CLAIM_TRIES: Final = 4
#: Among so many of the oldest one is drawn: two who choose at once seldom choose the same.
CHOICE: Final = 4
#: So many earlier searches are remembered.
PAST_MAX: Final = 4
#: Whom somebody chose in vain so often is asked for again after so long (ms).
AFTER_CONFLICT_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """With whom somebody wants to talk."""

    languages: tuple[str, ...]
    #: As ``texts.clean_tags`` leaves them.
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ticket:
    """Somebody who waits, as others find them in a pool."""

    user_id: str
    #: Of their seeker row: a claim names the one it has seen.
    version: str
    #: When (ms) they came, and when the ticket is void if they don't ask again.
    since: int
    until: int
    wish: Wish
    #: Where they wait. Without it nobody is matched with them.
    connection_id: str
    nickname: str


@dataclass(frozen=True, slots=True)
class Seeker:
    """What is known of somebody's latest search."""

    user_id: str
    #: New with everything that happens to it.
    version: str
    #: The search's id, made by the client, and those of earlier ones: their frames may be late.
    cid: str
    #: While they wait.
    ticket: Ticket | None
    #: The room that the search led to.
    room_id: str = ""
    #: With whom they were matched, and until when (ms) that is not to happen again.
    met: Mapping[str, int] = field(default_factory=dict)
    #: How many searches they began since when, for the limit.
    window_at: int = 0
    begun: int = 0
    past: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """Who seeks, and over which connection."""

    user_id: str
    nickname: str
    connection_id: str
    #: How many searches they may begin within MATCH_WINDOW_MS.
    seeks_max: int = limits.MATCH_SEEKS_MAX


@dataclass(frozen=True, slots=True)
class Found:
    """They are in a room with somebody."""

    room_id: str
    #: The other one's ticket, if this search has just claimed it: they are to be told.
    other: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """They are in the queue; after so long (ms) they ask again."""

    since: int
    again_ms: int


@dataclass(frozen=True, slots=True)
class Over:
    """The search was ended: they cancelled it, or left what it led to."""


@dataclass(frozen=True, slots=True)
class TooFast:
    """They began too many searches; after so long (ms) they may begin another."""

    retry_after_ms: int


Outcome = Found | Waiting | Over | TooFast


class MatchSteps(Protocol):
    """The steps of a search."""

    def now(self) -> int:
        """The time in ms. Clocks of Lambdas differ by some milliseconds."""

    def random(self) -> random.Random:
        """What choices are drawn with."""

    async def read(self, user_id: str) -> Seeker | None:
        """Somebody's latest search, as it is now."""

    async def write(self, old: Seeker | None, new: Seeker) -> bool:
        """Put a search and its tickets in place of what was read; False if that has changed."""

    async def waiting(self, pool: str, start: int, limit: int) -> list[Ticket]:
        """Up to ``limit`` tickets of a pool, the oldest first, of people who came from ``start``
        (ms) on. What was written before this began is there."""

    async def drop(self, pool: str, ticket: Ticket) -> None:
        """Take away a ticket that is void, unless it is not any more."""

    async def is_blocked(self, one: str, other: str) -> bool:
        """Whether one of two has blocked the other."""

    async def claim(self, mine: Seeker, other: Ticket) -> str | None:
        """Make a room for two; its id, or None if one of them is not to be had as was read.

        Also None if one has blocked the other, they met lately, or the other's connection ended.
        """


async def seek(steps: MatchSteps, who: Who, cid: str, wish: Wish, *, again: bool) -> Outcome:
    """Begin a search, or go on with it; a frame that comes twice begins nothing new.

    Args:
        again: go on with one's search: another tab may have taken it over.

    Raises:
        StaleError: others change the search all the time.
    """
    for _ in range(WRITE_TRIES):
        old = await steps.read(who.user_id)
        now = steps.now()
        if again or (old is not None and old.cid == cid):
            if old is None or (old.ticket is None and not old.room_id):
                return Over()
            if old.ticket is None:
                return Found(old.room_id)
        elif old is not None and cid in old.past:
            return Over()
        new = _written(old, who, old.cid if again and old is not None else cid, wish, now)
        if isinstance(new, TooFast):
            return new
        if await steps.write(old, new):
            return await _look(steps, new)
    raise StaleError


def _written(old: Seeker | None, who: Who, cid: str, wish: Wish, now: int) -> Seeker | TooFast:
    """What a search is to be from now on."""
    before = old.ticket if old is not None else None
    # Who comes back late has lost their place in the queue.
    since = before.since if before is not None and now <= before.until else now
    version = ids.new_id()
    ticket = Ticket(
        who.user_id,
        version,
        since,
        now + limits.MATCH_TICKET_MS,
        wish,
        who.connection_id,
        who.nickname,
    )
    known = old or Seeker(who.user_id, "", "", None)
    window_at, begun = known.window_at, known.begun
    if before is None:
        if now - window_at >= limits.MATCH_WINDOW_MS:
            window_at, begun = now, 0
        if begun >= who.seeks_max:
            return TooFast(window_at + limits.MATCH_WINDOW_MS - now)
        begun += 1
    return Seeker(
        who.user_id,
        version,
        cid,
        ticket,
        met=remembered(known.met, now),
        window_at=window_at,
        begun=begun,
        past=_past(known, cid),
    )


def _past(known: Seeker, cid: str) -> tuple[str, ...]:
    """The ids of earlier searches when the latest is of that id."""
    if known.cid in ("", cid):
        return known.past
    return (known.cid, *known.past)[:PAST_MAX]


def remembered(met: Mapping[str, int], now: int) -> dict[str, int]:
    """Of those whom somebody met the ones that they are not to meet again yet."""
    still = sorted((until, other) for other, until in met.items() if until > now)
    return {other: until for until, other in still[-limits.MATCH_MET_MAX :]}


async def cancel(steps: MatchSteps, user_id: str, cid: str) -> Outcome:
    """End somebody's search; tells if it has come to its end already.

    It is noted also of a search that is not there: its first frame may be held somewhere.

    Raises:
        StaleError: others change the search all the time.
    """
    for _ in range(WRITE_TRIES):
        old = await steps.read(user_id)
        if old is not None and old.cid == cid and old.ticket is None:
            return Found(old.room_id) if old.room_id else Over()
        if await steps.write(old, _ended(old or Seeker(user_id, "", "", None), cid)):
            return Over()
    raise StaleError


def _ended(known: Seeker, cid: str) -> Seeker:
    """What a search is to be when that of this id is cancelled."""
    version = ids.new_id()
    if known.cid == cid or known.ticket is None:
        return replace(
            known, version=version, cid=cid, ticket=None, room_id="", past=_past(known, cid)
        )
    # Another tab's, which goes on.
    return replace(
        known,
        version=version,
        ticket=replace(known.ticket, version=version),
        past=(cid, *known.past)[:PAST_MAX],
    )


async def _look(steps: MatchSteps, mine: Seeker) -> Outcome:
    """Look for somebody for whoever has just written their tickets."""
    passed: set[str] = set()
    for _ in range(CLAIM_TRIES):
        ticket = mine.ticket
        if ticket is None:
            return Found(mine.room_id) if mine.room_id else Over()
        other = await _choose(steps, mine, ticket, passed)
        if other is None:
            return Waiting(ticket.since, _again_ms(ticket, steps.now()))
        room_id = await steps.claim(mine, other)
        if room_id is not None:
            return Found(room_id, other)
        # A ticket that was written anew may be tried again.
        passed.add(other.version)
        current = await steps.read(mine.user_id)
        if current is None:
            return Over()
        mine = current
    if mine.ticket is None:
        return Found(mine.room_id) if mine.room_id else Over()
    return Waiting(mine.ticket.since, AFTER_CONFLICT_MS)


def _again_ms(ticket: Ticket, now: int) -> int:
    """When to ask again: as soon as one takes anybody, then only to stay in the queue."""
    prefers_for = ticket.since + limits.MATCH_PREFER_MS - now if ticket.wish.tags else 0
    return prefers_for if prefers_for > 0 else limits.MATCH_RENEW_MS


async def _choose(
    steps: MatchSteps, mine: Seeker, ticket: Ticket, passed: Collection[str]
) -> Ticket | None:
    """Whom to claim, of those who wait."""
    found: dict[str, Ticket] = {}
    is_crowded = False
    for pool in ticket.wish.languages:
        page = await _page(steps, pool, ticket)
        is_crowded = is_crowded or len(page) == limits.MATCH_PAGE
        found |= {each.user_id: each for each in page}
    now = steps.now()
    ranked = [
        each for each in rank(mine, ticket, found.values(), now) if each.version not in passed
    ]
    while ranked:
        # In a crowd all of the page is old, and there are many who choose.
        best = _best(ticket, ranked)[: len(ranked) if is_crowded else CHOICE]
        other = steps.random().choice(best)
        if not await steps.is_blocked(mine.user_id, other.user_id):
            return other
        ranked.remove(other)
    return None


async def _page(steps: MatchSteps, pool: str, ticket: Ticket) -> list[Ticket]:
    """Some of those who wait in a pool: the oldest; in a crowd, half of the time, any others."""
    page = await steps.waiting(pool, 0, limits.MATCH_PAGE)
    now = steps.now()
    for each in page:
        if each.until < now:  # whoever left without a word
            await steps.drop(pool, each)
    oldest = page[0].since if page else 0
    draw = steps.random()
    if len(page) < limits.MATCH_PAGE or oldest >= ticket.since or draw.random() < 0.5:
        return page
    start = draw.randint(oldest, ticket.since)
    return await steps.waiting(pool, start, limits.MATCH_PAGE) or page


def rank(mine: Seeker, ticket: Ticket, found: Collection[Ticket], now: int) -> list[Ticket]:
    """Those with whom somebody may be matched now: who shares tags first, then the oldest."""
    may = [
        each
        for each in found
        if each.user_id != mine.user_id
        and each.until >= now
        and mine.met.get(each.user_id, 0) <= now
        and _suits(ticket, each, now)
    ]
    return sorted(may, key=lambda each: (not _shares(ticket, each), each.since, each.user_id))


def _best(ticket: Ticket, ranked: Sequence[Ticket]) -> list[Ticket]:
    """Of a ranking those who share tags, if any does."""
    return [each for each in ranked if _shares(ticket, each)] or list(ranked)


def _shares(one: Ticket, other: Ticket) -> bool:
    return not one.wish.tags.isdisjoint(other.wish.tags)


def _suits(one: Ticket, other: Ticket, now: int) -> bool:
    """Whether two share a tag, or both take anybody by now."""
    return _shares(one, other) or (_takes_anybody(one, now) and _takes_anybody(other, now))


def _takes_anybody(ticket: Ticket, now: int) -> bool:
    return not ticket.wish.tags or now - ticket.since >= limits.MATCH_PREFER_MS


def common_tags(one: Wish, other: Wish) -> list[str]:
    """The tags that two share."""
    return sorted(one.tags & other.tags)
