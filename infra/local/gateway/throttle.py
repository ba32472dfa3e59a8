"""Token buckets, as API Gateway throttles.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """`burst` tokens at most, `rate` new ones a second."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float]) -> None:
        """Args: `now` is a monotonic clock in seconds."""
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = burst
        self._filled_at = now()

    def take(self) -> bool:
        """Take a token; False when there is none."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
