"""The explorer finds bugs: each that is planted here breaks a promise within some thousand runs.

They are what one might do wrong, or simplify, in the log, its delivery and the conditions of
their DynamoDB calls; a few were there and were found by the explorer.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from chalicelib import pushing, rows, steps, writing
from tests.simulation.explorer import room
from tests.simulation.explorer.explore import until_found
from tests.simulation.explorer.mutants import mutate

#: Runs after which a bug has survived. Most are found within a hundred.
RUNS_MAX = 8_000

MUTANTS: dict[str, tuple[ModuleType, str, str]] = {
    # --- How entries get into the log
    "chats are not claimed": (
        writing,
        "claim = await _claim(steps, draft, place, pace, seen)",
        "claim = Claim(draft.cid, place, draft.at)",
    ),
    "who lost a place takes another without moving the claim": (
        writing,
        "claim = await _move(steps, draft, claim, mine)",
        "claim = mine",
    ),
    "a repeat does not search the log": (
        writing,
        "if claim is None and not seen.has_all_since(retry_since):",
        "if False:",
    ),
    "a repeat searches the log and leaves holes": (
        writing,
        "for entry in await complete(steps, since + 1, room.last_seq):",
        "for entry in await steps.read_entries(since + 1, room.last_seq):",
    ),
    "who comes back is thought to have all claims": (
        steps,
        "if self.joined_seq <= seq and None in self.latest:",
        "if None in self.latest:",
    ),
    "holes are skipped": (
        writing,
        "        if hole is None:\n            return entries",
        "        if hole is None or True:\n            return entries",
    ),
    "a hole at the end is not seen": (
        writing,
        "return first + len(entries) if first + len(entries) <= last else None",
        "return None",
    ),
    "a filled hole is not counted as lost": (
        writing,
        "range(start.number + 1, number + 1), room)",
        "[], room)",
    ),
    "a hole before a void is counted as one chat less": (
        writing,
        "after.place.number - after.is_chat",
        "after.place.number - 1",
    ),
    "a place that is given up is not counted as lost": (
        writing,
        "[place.number] if is_chat else []",
        "[]",
    ),
    "lost chats are subtracted wherever one has read to": (
        rows,
        "if number > member.read_number",
        "if number",
    ),
    # --- How they are pushed
    "a slow writer leaves its own entry to the lease of a later one": (
        pushing,
        "if entry.seq <= standing:",
        "if False:",
    ),
    "a dead holder's lease is respected for ever": (
        pushing,
        "elif lease.until > now and entry.seq > lease.delivered:",
        "elif entry.seq > lease.delivered:",
    ),
    "who finds the lease taken leaves its entry to the holder, whatever it began at": (
        pushing,
        "if lease is None or entry.seq <= lease.delivered:",
        "if lease is None:",
    ),
    "who takes over a lease begins at its own entry": (
        pushing,
        "standing = held.lease.delivered if held.lease else entry.seq - 1",
        "standing = entry.seq - 1",
    ),
    "who is done with a round goes": (
        pushing,
        "    if await steps.release(holder, delivered):\n        return\n    if not",
        "    if await steps.release(holder, delivered) or True:\n        return\n    if not",
    ),
    "a worker goes on when the lease is another's": (
        pushing,
        "        if room is None:\n            return None",
        "        if room is None:\n            continue",
    ),
    "a worker waits for a hole for ever": (
        pushing,
        "elif now - seen_at >= HOLE_MS and not await writing.fill(steps, hole):",
        "elif False:",
    ),
    "a worker does not wait for a hole": (
        pushing,
        "ready = entries if hole is None else entries[: hole - delivered - 1]",
        "ready = entries",
    ),
    "who resumes begins at the end": (
        pushing,
        "await steps.hand_over(holder, held.lease.delivered)",
        "await steps.hand_over(holder, room.last_seq)",
    ),
    "every chat is pushed by its writer": (
        pushing,
        "if since_last >= steps.frame_pace_ms:",
        "if True:",
    ),
    # --- The conditions of their calls
    "the lease is given back whatever came": (room, " or self.last_seq != delivered", ""),
    "the lease does not expire": (
        room,
        "if lease.until > now and lease.holder != holder:",
        "if lease.holder != holder:",
    ),
    "who takes over the lease notes its own position": (
        room,
        "            delivered = lease.delivered\n",
        "",
    ),
    "what is stored is replaced": (room, "        if there is None:\n", "        if True:\n"),
    "voids replace what is stored": (
        room,
        "if self.is_closed or any(place.seq in self.entries for place in voids):",
        "if self.is_closed:",
    ),
    "a chat is claimed again": (
        room,
        "if any(each and each.cid == claim.cid for each in member.claims):",
        "if False:",
    ),
    "who is leaving can claim": (
        room,
        "member.leaving:\n            return False\n        if received is not None",
        "False:\n            return False\n        if received is not None",
    ),
    "people talk at any pace": (
        room,
        "if pace.window_ms and pacing.oldest_at > pace.since:",
        "if False:",
    ),
    "two repeats both move a claim": (room, " or member.claims[slot] != old", ""),
    "lost places of others are overwritten": (
        room,
        "            if self.lost != room.lost:\n                return False\n",
        "",
    ),
    "a chat's own place is not read": (
        room,
        "            member.read_seq = claim.place.seq\n"
        "            member.read_number = claim.place.number\n",
        "            pass\n",
    ),
    "a chat's new place is not read": (
        room,
        "if member.read_seq < new.place.seq:",
        "if False:",
    ),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    found = until_found(mutate(*MUTANTS[name]), range(RUNS_MAX))
    assert found is not None
    print(f"{found:5} runs: {name}")
