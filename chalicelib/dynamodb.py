"""Calls of DynamoDB, for PynamoDB, which makes the arguments and reads the results.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

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
            is_passing=lambda refusal: refusal.status >= 500 or _error(refusal)[0] in _PASSING,
            before_try=lambda: metering.count_dynamodb(operation),
        )
        if answer.status != 200:
            raise _refusal(operation, answer, repeats)
        result: dict[str, Any] = msgspec.json.decode(answer.data)
        return result


def _error(answer: Answer) -> tuple[str, dict[str, Any]]:
    """The code of an error answer, and what else is in it."""
    try:
        content = msgspec.json.decode(answer.data)
    except msgspec.DecodeError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    return str(content.pop("__type", "")).rpartition("#")[2] or str(answer.status), content


def _refusal(operation: str, answer: Answer, repeats: int) -> ClientError:
    """An error answer as botocore tells it."""
    code, content = _error(answer)
    message = content.pop("message", None) or content.pop("Message", None) or ""
    response: Any = {
        **content,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "RequestId": answer.headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": answer.status,
            "HTTPHeaders": {name.lower(): value for name, value in answer.headers.items()},
            "RetryAttempts": repeats,
        },
    }
    return ClientError(response, operation)


@functools.cache
def client() -> Client:
    """The process's client."""
    return Client(signed_http.service("dynamodb"))
