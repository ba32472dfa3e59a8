"""Invocations of Lambdas by the emulator's Lambda API, many at once.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from infra.local.gateway.sigv4 import Credentials, sign

_CONNECT_SECONDS: Final = 5.0


class InvocationError(Exception):
    """An invocation that gave no result: the function failed, is missing, or took too long.

    ``failed`` and ``timed_out`` tell the first and the last from the others;
    ``function_error`` is what the function raised, as Lambda reports it, and never goes to a
    client.
    """

    def __init__(
        self,
        reason: str,
        *,
        failed: bool = False,
        timed_out: bool = False,
        function_error: Any = None,
    ) -> None:
        super().__init__(reason)
        self.failed = failed
        self.timed_out = timed_out
        self.function_error = function_error


#: What is wrong with a malformed result, for the developer.
NO_STATUS: Final = "the Lambda returned no object with a statusCode"


def result_status(result: Any) -> int | None:
    """The status that a proxy integration's result has; None if the result is malformed."""
    status = result.get("statusCode") if isinstance(result, dict) else None
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    return status if isinstance(status, int) and not isinstance(status, bool) else None


class Lambdas:
    """Invokes functions; one pool of kept-alive connections."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials) -> None:
        """Args: `endpoint` is the Lambda API's, such as http://127.0.0.1:4566."""
        self._endpoint = endpoint.rstrip("/")
        self._host = urlsplit(endpoint).netloc
        self._region = region
        self._credentials = credentials
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def invoke(self, function: str, event: Any, *, trace_id: str, seconds: float) -> Any:
        """Run a function and return its result.

        Args:
            function: its ARN.
            event: what it gets; JSON.
            trace_id: root of the trace that this belongs to.
            seconds: how long it may take.

        Raises:
            InvocationError: there is no result.
        """
        # Header bytes that are no UTF-8 come as surrogates, which JSON can't have.
        body = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")
        path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        headers = {
            "host": self._host,
            "x-amzn-trace-id": f"Root={trace_id};Parent={os.urandom(8).hex()};Sampled=0",
        }
        headers |= sign(
            "POST",
            path,
            headers,
            body,
            credentials=self._credentials,
            region=self._region,
            service="lambda",
        )
        url = URL(self._endpoint + path, encoded=True)
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(url, headers=headers, data=body) as answer,
            ):
                content = await answer.read()
        except TimeoutError as error:
            raise InvocationError(f"no answer in {seconds:g} s", timed_out=True) from error
        except aiohttp.ClientError as error:
            raise InvocationError(f"the Lambda API: {type(error).__name__}") from error
        if answer.status != 200:
            reason = content[:500].decode(errors="replace")
            raise InvocationError(f"the Lambda API answered {answer.status}: {reason}")
        try:
            result = json.loads(content) if content else None
        except (ValueError, RecursionError) as error:
            raise InvocationError("the result is no JSON", failed=True) from error
        if "X-Amz-Function-Error" in answer.headers:
            raise InvocationError("the function failed", failed=True, function_error=result)
        return result
