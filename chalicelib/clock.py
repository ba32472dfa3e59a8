"""The time, in the units that are stored and sent."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """When a command is carried out, in ms since 1970."""

    now: int
    #: When API Gateway took the frame.
    received: int


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def seconds(ms: int) -> int:
    """Whole seconds of a time in milliseconds, as TTL attributes want them."""
    return ms // 1000
