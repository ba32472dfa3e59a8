"""Calls of AWS's JSON services: signed by hand, over urllib3's kept-alive connections.

botocore's clients took most of a command's CPU (docs/decisions/0012-dynamodb-calls.md).
"""

from __future__ import annotations

import os
import random
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import urllib3
from botocore.exceptions import ClientError, HTTPClientError

from chalicelib import aws
from chalicelib.sigv4 import Signer

#: How often a call is tried in all.
TRIES: Final = 4
#: A repeat waits for a random time up to this, doubled each time, in seconds.
#: https://docs.aws.amazon.com/general/latest/gr/api-retries.html
BACK_OFF_SECONDS: Final = 0.05

Answer = urllib3.BaseHTTPResponse


class Service:
    """A service at its address."""

    def __init__(self, name: str, url: str, region: str) -> None:
        """Args: `name` and `region` are signed; `url` is the service's, without a path."""
        parts = urlsplit(url)
        self._name = name
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc
        self._region = region
        self._tls = aws.tls(parts.hostname or "") if parts.scheme == "https" else None
        self._pool = urllib3.PoolManager(
            maxsize=64,
            timeout=urllib3.Timeout(connect=aws.CONNECT_SECONDS, read=aws.READ_SECONDS),
            retries=False,
            ssl_context=self._tls.context if self._tls else None,
        )

    def post(
        self,
        directory: str,
        segment: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        is_passing: Callable[[Answer], bool],
        before_try: Callable[[], None] = lambda: None,
    ) -> tuple[Answer, int]:
        """Post to a path; again, after a while, where that can help.

        Args:
            directory: the path up to its last slash.
            segment: the rest of it.
            body: what is posted.
            headers: what else is sent and signed; see ``sigv4.Signer``.
            is_passing: whether another try may get another answer.
            before_try: called before each try.

        Returns: the last answer, and how often the call was repeated.

        Raises:
            HTTPClientError: the service can't be reached, or does not answer.
        """
        for attempt in range(TRIES):
            before_try()
            is_last = attempt == TRIES - 1
            try:
                answer = self._send(directory, segment, body, headers)
            except urllib3.exceptions.HTTPError as error:
                if is_last:
                    raise HTTPClientError(error=error) from error
                if self._tls and _is_mistrust(error):
                    self._tls.trust_all()
            else:
                if is_last or answer.status < 300 or not is_passing(answer):
                    return answer, attempt
            time.sleep(random.uniform(0, BACK_OFF_SECONDS * 2**attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    def _send(self, directory: str, segment: str, body: bytes, signed: Mapping[str, str]) -> Answer:
        signer = Signer(
            aws.credentials(),
            region=self._region,
            service=self._name,
            method="POST",
            host=self._host,
            directory=directory,
            body=body,
            at=time.time(),
            headers=signed,
        )
        headers = {
            "Host": self._host,
            "Content-Type": "application/x-amz-json-1.0",
            "Accept-Encoding": "identity",
            "Authorization": signer.authorization(segment),
            **signer.headers,
            **aws.trace_headers(),
        }
        url = f"{self._url}{directory}{segment}"
        return self._pool.request("POST", url, body=body, headers=headers)


def _is_mistrust(error: urllib3.exceptions.HTTPError) -> bool:
    """Whether the server's certificate comes from a CA that was not read."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in error.args)


def error_of(answer: Answer) -> tuple[str, dict[str, Any]]:
    """The code of a JSON service's error answer, and what else is in it."""
    try:
        content = msgspec.json.decode(answer.data)
    except msgspec.DecodeError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    return str(content.pop("__type", "")).rpartition("#")[2] or str(answer.status), content


def refusal(operation: str, answer: Answer, repeats: int) -> ClientError:
    """A JSON service's error answer as botocore tells it."""
    code, content = error_of(answer)
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


def service(name: str) -> Service:
    """A service at AWS's address, or where AWS_ENDPOINT_URL says.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    configured = os.environ.get(f"AWS_ENDPOINT_URL_{name.upper()}") or os.environ.get(
        "AWS_ENDPOINT_URL"
    )
    region = aws.region()
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Service(name, configured or f"https://{name}.{region}.{suffix}", region)
