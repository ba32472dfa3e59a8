"""Calls of DynamoDB, for PynamoDB, which makes the arguments and reads the results.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec

from chalicelib import metering, signed_http
from chalicelib.signed_http import Answer, Service

#: Errors that may be gone at the next try, beside every 5xx.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_PASSING: Final = frozenset(
    {
        "ItemCollectionSizeLimitExceededException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
_TARGET: Final = "DynamoDB_20120810."


class Client:
    """The part of botocore's client that PynamoDB uses."""

    def __init__(self, service: Service) -> None:
        """Args: `service` is DynamoDB."""
        self._service = service

    def _make_api_call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What PynamoDB calls (botocore's name)."""
        return self.call(operation, arguments)

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call an operation; again, after a while, where that can help.

        As with botocore, a repeat of a write whose answer got lost may find it done.

        Raises:
            ClientError: DynamoDB refuses.
            HTTPClientError: it can't be reached, or does not answer.
        """
        answer, repeats = self._service.post(
            "/",
            "",
            msgspec.json.encode(arguments),
            {"X-Amz-Target": _TARGET + operation},
            is_passing=lambda refusal: (
                refusal.status >= 500 or signed_http.error_of(refusal)[0] in _PASSING
            ),
            before_try=lambda: metering.count_dynamodb(operation),
        )
        if answer.status != 200:
            raise signed_http.refusal(operation, answer, repeats)
        result: dict[str, Any] = msgspec.json.decode(answer.data)
        return result


def _is_passing(refusal: Answer) -> bool:
    return refusal.status >= 500 or signed_http.error_of(refusal)[0] in _PASSING


@functools.cache
def client() -> Client:
    """The process's client."""
    return Client(signed_http.service("dynamodb"))
