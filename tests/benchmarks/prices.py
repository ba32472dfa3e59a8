"""What chats cost on AWS: us-east-1, on demand, November 2026.

https://aws.amazon.com/api-gateway/pricing/ https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.lambdas import Invocation
from tests.benchmarks.units import Units

#: A WebSocket message, either way, per 32 KB begun.
DOLLARS_PER_MESSAGE: Final = 1.00e-6
MESSAGE_BYTES: Final = 32 * 1024
#: Lambda on arm64, per ms begun.
DOLLARS_PER_INVOCATION: Final = 0.20e-6
DOLLARS_PER_GB_SECOND: Final = 0.0000133334
#: Memory as infra/aws/template/functions.yaml has it.
GB: Final = {"websocket_message": 1024 / 1024, "push": 1769 / 1024}


@dataclass(frozen=True)
class Bill:
    """Dollars."""

    posts: float
    #: Frames that came in, and the replies.
    frames: float
    dynamodb: float
    lambdas: float

    @property
    def dollars(self) -> float:
        return self.posts + self.frames + self.dynamodb + self.lambdas


def messages(frame_bytes: int) -> int:
    """So many messages are billed for a frame."""
    return max(1, math.ceil(frame_bytes / MESSAGE_BYTES))


def of_lambda(function: str, seconds: Sequence[float]) -> float:
    """Dollars of invocations that took so long."""
    gb_seconds = sum(math.ceil(each * 1000) / 1000 for each in seconds) * GB[function]
    return len(seconds) * DOLLARS_PER_INVOCATION + gb_seconds * DOLLARS_PER_GB_SECOND


def bill(invocations: Iterable[Invocation], post_bytes: Iterable[int]) -> Bill:
    """What invocations and their posts cost; each message event has one reply."""
    invocations = list(invocations)
    units = sum((each.units for each in invocations), Units())
    frames = 0
    for each in invocations:
        if each.function == "websocket_message":
            frames += 1 + messages(len(each.answer["body"].encode()))
    return Bill(
        posts=sum(map(messages, post_bytes)) * DOLLARS_PER_MESSAGE,
        frames=frames * DOLLARS_PER_MESSAGE,
        dynamodb=units.dollars_per_million / 1e6,
        lambdas=sum(of_lambda(each.function, [each.seconds]) for each in invocations),
    )
