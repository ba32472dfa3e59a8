"""What happens when everybody is cut off at once: `python -m tests.benchmarks.reconnect_storm`.

Discrete events: each client waits as the site does (frontend/src/core/backoff.ts, whose
constants are read from there), dials, and is let in while API Gateway's quota of new
connections and Lambda's concurrency allow. A crowd is simulated by CLIENTS of it, with quotas
scaled down by as much: what happens to one client depends on the ratio only.

Not modelled: networks, CloudFront, and cold starts beyond LAMBDA_SECONDS.
"""

from __future__ import annotations

import heapq
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: So many clients are simulated, however many people there are.
CLIENTS: Final = 10_000
SEED: Final = 1
#: How long until a dial that is refused fails; a round trip or two, in seconds.
REFUSED_SECONDS: Final = 0.1
#: How long connect, hello and sync keep a Lambda busy, in seconds. Half a second is what they
#: take at several times their warm durations.
LAMBDA_SECONDS: Final = 0.5

_LAW: Final = Path(__file__).parents[2] / "frontend" / "src" / "core" / "backoff.ts"


@dataclass(frozen=True)
class Backoff:
    """The site's law: half to whole of a time that doubles with each failure in a row."""

    first_seconds: float
    longest_seconds: float

    @classmethod
    def of_the_site(cls) -> Backoff:
        """As the site has it now."""
        text = _LAW.read_text(encoding="utf-8")

        def seconds(name: str) -> float:
            found = re.search(rf"const {name} = ([\d_]+);", text)
            assert found is not None, f"{_LAW} has no {name}"
            return int(found[1].replace("_", "")) / 1000

        return cls(seconds("FIRST_MS"), seconds("LONGEST_MS"))

    def wait(self, failures: int, chance: float) -> float:
        """Seconds until the next try; ``chance`` is from 0 to 1."""
        whole = min(self.longest_seconds, self.first_seconds * (1 << min(failures, 10)))
        return whole * (0.5 + chance / 2)


@dataclass(frozen=True)
class Storm:
    """How it went. Times in seconds after the cut."""

    people: int
    per_second: int
    concurrency: int
    half_back: float
    most_back: float
    all_back: float
    tries_each: float
    busiest_second: int

    @property
    def tries(self) -> int:
        """Handshakes of everybody, refused ones included."""
        return round(self.tries_each * self.people)


def storm(
    people: int,
    *,
    per_second: int = 500,
    concurrency: int = 1000,
    backoff: Backoff | None = None,
    clients: int = CLIENTS,
    seed: int = SEED,
) -> Storm:
    """Cut everybody off, and watch them come back.

    Args:
        people: who is connected when it happens.
        per_second: API Gateway's quota of new connections.
        concurrency: Lambda's quota of executions at once.
        backoff: another law than the site's.
        clients: how many of them to simulate.
        seed: of the chances.
    """
    law = backoff or Backoff.of_the_site()
    clients = min(clients, people)
    scale = clients / people
    chance = random.Random(seed).random
    # Each client's next dial; what a Lambda is busy with ends at `busy`.
    dials = [(law.wait(0, chance()), client) for client in range(clients)]
    heapq.heapify(dials)
    busy: list[float] = []
    failures = [1] * clients
    allowed, allowed_at = per_second * scale, 0.0
    back: list[float] = []
    tries = 0
    by_second: dict[int, int] = {}
    while dials:
        now, client = heapq.heappop(dials)
        tries += 1
        by_second[int(now)] = by_second.get(int(now), 0) + 1
        allowed = min(per_second * scale, allowed + (now - allowed_at) * per_second * scale)
        allowed_at = now
        while busy and busy[0] <= now:
            heapq.heappop(busy)
        if allowed >= 1 and len(busy) < concurrency * scale:
            allowed -= 1
            heapq.heappush(busy, now + LAMBDA_SECONDS)
            back.append(now + LAMBDA_SECONDS)
            continue
        wait = law.wait(failures[client], chance())
        failures[client] += 1
        heapq.heappush(dials, (now + REFUSED_SECONDS + wait, client))
    return Storm(
        people,
        per_second,
        concurrency,
        half_back=back[len(back) // 2],
        most_back=back[len(back) * 99 // 100],
        all_back=back[-1],
        tries_each=tries / clients,
        busiest_second=round(max(by_second.values()) / scale),
    )


#: People, new connections a second, Lambdas at once.
CASES: Final = (
    (1_000, 500, 1_000),
    (10_000, 500, 1_000),
    (100_000, 500, 1_000),
    (1_000_000, 500, 1_000),
    (1_000_000, 5_000, 1_000),
    (1_000_000, 5_000, 5_000),
)


def table() -> str:
    """The cases as a table in Markdown, as docs/operations.md has it."""
    lines = [
        "| people | new connections a second | Lambdas at once | half are back | 99 % | all "
        "| handshakes each | in the busiest second |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for people, per_second, concurrency in CASES:
        found = storm(people, per_second=per_second, concurrency=concurrency)
        lines.append(
            f"| {people:,} | {per_second:,} | {concurrency:,} | {_time(found.half_back)} "
            f"| {_time(found.most_back)} | {_time(found.all_back)} "
            f"| {found.tries_each:.1f} | {_rounded(found.busiest_second):,} |"
        )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _rounded(number: int) -> int:
    """Two digits that mean something."""
    digits = max(0, len(str(number)) - 2)
    return int(round(number, -digits))


if __name__ == "__main__":
    print(table())
