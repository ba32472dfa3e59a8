"""Counts what an invocation does and costs.

One Lambda process handles one event at a time; in tests, background jobs run beside, hence
the lock.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from chalicelib.metrics import VALUES_MAX, Metric, Values

dynamodb_calls: Counter[str] = Counter()
posts: Counter[str] = Counter()
_counts: Counter[Metric] = Counter()
_push_lags: list[int] = []
#: Of so many lags one is kept; doubled whenever there are as many as fit into a line.
_lag_stride = 1
_lags_seen = 0
_lock = threading.Lock()

#: Metrics that are posts by how they ended.
_OF_POSTS = {
    Metric.POSTS: "ok",
    Metric.GONE_CONNECTIONS: "gone",
    Metric.FAILED_POSTS: "failed",
}


def reset() -> None:
    """Start counting for a new invocation."""
    global _lag_stride, _lags_seen
    with _lock:
        dynamodb_calls.clear()
        posts.clear()
        _counts.clear()
        _push_lags.clear()
        _lag_stride, _lags_seen = 1, 0


def count_dynamodb(operation: str) -> None:
    """Count one request of DynamoDB, repeats included."""
    dynamodb_calls[operation] += 1


def count_post(outcome: str, times: int = 1) -> None:
    """Count PostToConnections by how they ended."""
    with _lock:
        posts[outcome] += times


def count(metric: Metric, times: int = 1) -> None:
    """Count something that is a metric of its own."""
    with _lock:
        _counts[metric] += times


def note_push_lag(milliseconds: int) -> None:
    """Note how late a frame was posted.

    Two Lambdas' clocks may differ: less than nothing is nothing. Where one invocation posts
    more frames than a line can tell of, every second, fourth and so on is told.
    """
    global _lag_stride, _lags_seen
    with _lock:
        if _lags_seen % _lag_stride == 0:
            if len(_push_lags) == VALUES_MAX:
                del _push_lags[1::2]
                _lag_stride *= 2
            if _lags_seen % _lag_stride == 0:
                _push_lags.append(max(0, milliseconds))
        _lags_seen += 1


def report() -> dict[str, Any]:
    """The calls and posts since ``reset``."""
    return {"dynamodb": dict(dynamodb_calls), "posts": dict(posts)}


def metrics() -> Values:
    """The metrics since ``reset``, without those that are zero."""
    with _lock:
        values: dict[Metric, int | list[int]] = {}
        for metric in Metric:
            outcome = _OF_POSTS.get(metric)
            number = posts[outcome] if outcome else _counts[metric]
            if number:
                values[metric] = number
        if _push_lags:
            values[Metric.PUSH_LAG] = _push_lags[:] if len(_push_lags) > 1 else _push_lags[0]
        return values
