"""Counts what an invocation costs: DynamoDB calls and posts.

One Lambda process handles one event at a time; in tests, background jobs run beside, hence
the lock.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

dynamodb_calls: Counter[str] = Counter()
posts: Counter[str] = Counter()
_lock = threading.Lock()


def reset() -> None:
    """Start counting for a new invocation."""
    dynamodb_calls.clear()
    posts.clear()


def count_dynamodb(operation: str) -> None:
    """Count one request of DynamoDB, repeats included."""
    dynamodb_calls[operation] += 1


def count_post(outcome: str, times: int = 1) -> None:
    """Count PostToConnections by how they ended."""
    with _lock:
        posts[outcome] += times


def report() -> dict[str, Any]:
    """The counts since ``reset``."""
    return {"dynamodb": dict(dynamodb_calls), "posts": dict(posts)}
