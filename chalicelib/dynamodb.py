"""Calls of DynamoDB: signed by hand, over urllib3's kept-alive connections.

PynamoDB makes the arguments and reads the results; botocore's client between it and the
socket took most of a command's CPU (docs/decisions/0012-dynamodb-calls.md).
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import functools
import os
import random
import time
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import urllib3
from botocore.exceptions import ClientError, HTTPClientError

from chalicelib import aws, metering
from chalicelib.sigv4 import Signer

#: How often a call is tried in all.
TRIES: Final = 4
#: A repeat waits for a random time up to this, doubled each time, in seconds.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html#Programming.Errors.RetryAndBackoff
BACK_OFF_SECONDS: Final = 0.05

#: Errors that may be gone at the next try, beside every 5xx (the page above has the list).
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

    def __init__(self, url: str, region: str) -> None:
        """Args: `url` is DynamoDB's, without a path; `region` is signed."""
        parts = urlsplit(url)
        self._url = f"{parts.scheme}://{parts.netloc}/"
        self._host = parts.netloc
        self._region = region
        self._pool = urllib3.PoolManager(
            maxsize=64,
            timeout=urllib3.Timeout(connect=aws.CONNECT_SECONDS, read=aws.READ_SECONDS),
            retries=False,
            ca_certs=aws.ca_bundle() if parts.scheme == "https" else None,
        )

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
        body = msgspec.json.encode(arguments)
        for attempt in range(TRIES):
            metering.count_dynamodb(operation)
            try:
                answer = self._send(operation, body)
            except urllib3.exceptions.HTTPError as error:
                if attempt == TRIES - 1:
                    raise HTTPClientError(error=error) from error
            else:
                if answer.status == 200:
                    result: dict[str, Any] = msgspec.json.decode(answer.data)
                    return result
                refusal = _refusal(operation, answer, attempt)
                code = refusal.response["Error"]["Code"]
                if attempt == TRIES - 1 or not (answer.status >= 500 or code in _PASSING):
                    raise refusal
            time.sleep(random.uniform(0, BACK_OFF_SECONDS * 2**attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    def _send(self, operation: str, body: bytes) -> urllib3.BaseHTTPResponse:
        target = _TARGET + operation
        signer = Signer(
            aws.credentials(),
            region=self._region,
            service="dynamodb",
            method="POST",
            host=self._host,
            directory="/",
            body=body,
            at=time.time(),
            headers={"X-Amz-Target": target},
        )
        headers = {
            "Host": self._host,
            "Content-Type": "application/x-amz-json-1.0",
            "Accept-Encoding": "identity",
            "Authorization": signer.authorization(""),
            **signer.headers,
            **aws.trace_headers(),
        }
        return self._pool.request("POST", self._url, body=body, headers=headers)


def _refusal(operation: str, answer: urllib3.BaseHTTPResponse, repeats: int) -> ClientError:
    """An error answer as botocore tells it."""
    try:
        content = msgspec.json.decode(answer.data)
    except msgspec.DecodeError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    code = str(content.pop("__type", "")).rpartition("#")[2] or str(answer.status)
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
    """The process's client, at AWS's address or where AWS_ENDPOINT_URL says."""
    configured = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or os.environ.get("AWS_ENDPOINT_URL")
    region = aws.region()
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Client(configured or f"https://dynamodb.{region}.{suffix}", region)
