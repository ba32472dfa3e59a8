"""What chats cost on AWS, at the prices of infra/cost/prices.toml in us-east-1, none free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from infra.cost import template
from tests.benchmarks.lambdas import Invocation
from tests.benchmarks.units import PRICES, Units

#: A WebSocket message, either way, per 32 KB begun.
DOLLARS_PER_MESSAGE: Final = PRICES.each("websocket_message")
MESSAGE_BYTES: Final = 32 * 1024
#: Lambda on arm64, per ms begun.
DOLLARS_PER_INVOCATION: Final = PRICES.each("lambda_request")
DOLLARS_PER_GB_SECOND: Final = PRICES.each("lambda_arm_gb_second")
GB: Final = template.read().memory_gb


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
