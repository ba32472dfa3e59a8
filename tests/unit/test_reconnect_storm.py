"""The simulated storm of reconnects: its law is the site's, its figures what sums say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.reconnect_storm import LAMBDA_SECONDS, Backoff, storm

ROOT = Path(__file__).parents[2]


def test_the_law_is_the_sites() -> None:
    law = Backoff.of_the_site()
    text = (ROOT / "frontend/src/core/backoff.ts").read_text()
    # What `wait` repeats in Python; whoever changes one has to change the other.
    assert "Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10))" in text
    assert "whole * (0.5 + random() / 2)" in text
    assert law.wait(0, 0) == law.first_seconds / 2
    assert law.wait(0, 1) == law.first_seconds
    assert law.wait(1, 1) == law.first_seconds * 2
    assert law.wait(50, 1) == law.longest_seconds


def test_whoever_is_alone_is_back_at_once() -> None:
    alone = storm(1)
    assert alone.tries_each == 1
    assert alone.all_back <= Backoff.of_the_site().first_seconds + LAMBDA_SECONDS


@pytest.mark.parametrize(("people", "per_second"), [(10_000, 500), (100_000, 500), (20_000, 50)])
def test_nobody_is_let_in_faster_than_the_quota(people: int, per_second: int) -> None:
    found = storm(people, per_second=per_second, clients=2_000)
    # One second's worth may be saved up.
    ideal = (people - per_second) / per_second
    assert ideal <= found.all_back - LAMBDA_SECONDS
    assert found.most_back < ideal * 2.2
    assert found.half_back < found.most_back < found.all_back


def test_lambdas_at_once_limit_it_too() -> None:
    few = storm(20_000, per_second=10_000, concurrency=100, clients=2_000)
    assert few.most_back >= 20_000 * 0.99 * LAMBDA_SECONDS / 100 - LAMBDA_SECONDS


def test_a_part_of_the_crowd_tells_of_the_whole() -> None:
    part = storm(20_000, clients=4_000)
    whole = storm(20_000, clients=20_000)
    for name in ("half_back", "most_back", "tries_each"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name), rel=0.1), name


def test_the_same_seed_is_the_same_storm() -> None:
    assert storm(5_000, clients=1_000) == storm(5_000, clients=1_000)
    assert storm(5_000, clients=1_000) != storm(5_000, clients=1_000, seed=2)


def test_waiting_longer_saves_handshakes_and_costs_little_time() -> None:
    """Why the longest wait is as long as it is, and not a few seconds."""
    site = storm(200_000, clients=2_000)
    hasty = storm(200_000, clients=2_000, backoff=Backoff(0.6, 5.0))
    assert hasty.tries_each > 3 * site.tries_each
    assert site.most_back < 1.2 * hasty.most_back


def test_connections_are_renewed_one_after_the_other() -> None:
    """Who came at once must not be cut off at once, two hours later."""
    text = (ROOT / "frontend/src/core/connection.ts").read_text()
    after = re.search(r"TAKEOVER_MS = (\d+) \* 60_000;", text)
    spread = re.search(r"TAKEOVER_SPREAD_MS = (\d+) \* 60_000;", text)
    assert after is not None
    assert spread is not None
    # API Gateway's two hours; docs/operations.md has the sum.
    assert int(after[1]) + int(spread[1]) < 120
    assert 100_000 / (int(spread[1]) * 60) < 500
