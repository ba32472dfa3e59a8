"""How much of a chat a busy room shares: in simulated time, for rates and paces.

Exact and the same on every machine, as tests/benchmarks/busy_model.py is.
"""

from __future__ import annotations

from typing import Any, Final

from tests.benchmarks import busy_model, busy_talk

#: Chats a second in a room, and FRAME_PACE_MS as the template allows it.
RATES: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
PACES_MS: Final = (0, 100, 200, 500, 1000, 2000, 5000)
#: How many listen does not change what is shared. Few, so that no chat needs more than a read.
PEOPLE: Final = 30
CHATS: Final = 400


def point(rate: float, pace_ms: int) -> dict[str, float]:
    """What a chat takes on average, chats coming at random (Poisson) at this rate."""
    model = busy_model.talk(busy_talk.poisson(rate, CHATS), PEOPLE, pace_ms)
    calls = model.scheduler.calls
    found = {
        "frames": model.frames,
        "posts_per_other": model.posts / (PEOPLE - 1),
        "writes": sum(calls[name] for name in busy_model.WRITES),
        # Without the one of the audience for each frame, and the one of the connection.
        "log_reads": calls["read_entries"],
        "names_read": model.names_read,
        "workers": len(model.push_seconds),
        "worker_seconds": sum(model.push_seconds),
        "message_seconds": sum(model.message_seconds),
    }
    return {name: round(total / CHATS, 4) for name, total in found.items()}


def measure() -> dict[str, Any]:
    """All points."""
    return {
        "rates": list(RATES),
        "paces_ms": list(PACES_MS),
        # By pace, then by rate.
        "chat": [[point(rate, pace) for rate in RATES] for pace in PACES_MS],
        "call_ms": busy_model.CALLS_MS[""],
        "post_ms": busy_model.CALLS_MS["post"],
    }
