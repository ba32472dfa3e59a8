"""The proxy between the Lambdas and AWS, where calls are delayed, refused or cut.

The Lambdas' AWS_ENDPOINT_URL points here. Method, target, headers (Host, too) and body go on
as they came: all of them are signed.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import aiohttp
from aiohttp import web
from yarl import URL

from infra.local.edge_api import end_to_end
from infra.local.faults import aws_errors
from infra.local.faults.aws_call import AwsCall, identify
from infra.local.faults.injector import CallFault, FaultInjector

log = logging.getLogger(__name__)

#: What ``on_fault`` takes: ``rules``, ``service``, ``operation``, ``what`` happened,
#: ``trace_id`` as the Lambda sent it. No bodies.
FaultEvent: TypeAlias = dict[str, Any]

CONNECT_SECONDS: Final = 5.0

#: Shorter than the time after which an emulator closes idle connections: a request that
#: cannot be repeated must not meet one that is just being closed.
IDLE_SECONDS: Final = 15.0

#: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
CONTINUE: Final = "100-continue"

#: How long ``stop`` waits for calls in flight.
SHUTDOWN_SECONDS: Final = 0.5


class AwsProxy:
    """A proxy on a port of its own of 127.0.0.1, from ``start`` to ``stop``."""

    def __init__(
        self,
        injector: FaultInjector,
        on_fault: Callable[[FaultEvent], object] = lambda event: None,
    ) -> None:
        """`on_fault` is told each call that something happened to."""
        self._injector = injector
        self._on_fault = on_fault
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._upstream = ""
        self._elsewhere: Mapping[str, str] = {}
        self.endpoint = ""

    async def start(self) -> str:
        """Listen; returns the endpoint that the Lambdas are to use.

        Calls that arrive before `forward_to` are cut.
        """
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # How long a call may take is its caller's decision.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            trust_env=False,
        )
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None), shutdown_timeout=SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.endpoint

    def forward_to(self, upstream: str, elsewhere: Mapping[str, str] | None = None) -> None:
        """Send calls on to this endpoint, such as ``http://127.0.0.1:4566``.

        Args:
            upstream: for all services but those in `elsewhere`.
            elsewhere: endpoints by boto3's name of a service.
        """
        self._upstream = upstream.rstrip("/")
        self._elsewhere = {name: url.rstrip("/") for name, url in (elsewhere or {}).items()}

    async def stop(self) -> None:
        """Stop listening and close every connection; harmless when it was never started."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.headers.get("Expect", "").lower() == CONTINUE:
                # boto3 sends a file's bytes only then, or after a second.
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0
            body = await request.content.read()
        except ConnectionError:
            return _cut(request)  # the Lambda ended while it sent
        call = identify(request.method, request.raw_path, request.headers, body)
        fault = self._injector.call(call)
        if fault is None:
            return await self._execute(call, request, body)
        self._on_fault(_event(call, fault, request))
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        answer = await self._execute(call, request, body) if fault.executed else web.Response()
        if fault.cut:
            return _cut(request)
        if fault.error is not None:
            message = f"injected by {', '.join(fault.rules)} of the fault plan"
            headers, content = aws_errors.render(call, fault.error, message, str(uuid.uuid4()))
            return web.Response(status=fault.error.status, headers=headers, body=content)
        return answer

    async def _execute(
        self, call: AwsCall, request: web.BaseRequest, body: bytes
    ) -> web.StreamResponse:
        """Send a call on; a connection that fails there fails here, too."""
        session = cast(aiohttp.ClientSession, self._session)  # nothing arrives before start
        # What was expected was met here; it is never signed.
        headers = end_to_end(request.headers.items(), frozenset({"expect"}))
        upstream = self._elsewhere.get(call.service, self._upstream)
        try:
            async with session.request(
                request.method,
                URL(upstream + request.raw_path, encoded=True),
                headers=headers,
                data=body if "Content-Length" in headers or body else None,
                allow_redirects=False,
            ) as answer:
                return web.Response(
                    status=answer.status,
                    reason=answer.reason,
                    headers=end_to_end(answer.headers.items()),
                    body=await answer.read(),
                )
        except (aiohttp.ClientError, ValueError, OSError) as error:
            log.warning("a call can't be sent on: %s", type(error).__name__)
            return _cut(request)


def _cut(request: web.BaseRequest) -> web.Response:
    """End the client's connection at once; the response is for nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _event(call: AwsCall, fault: CallFault, request: web.BaseRequest) -> FaultEvent:
    what = []
    if fault.seconds:
        what.append(f"{fault.seconds * 1000:.0f} ms late")
    if fault.cut:
        what.append("cut")
    if fault.error is not None:
        what.append(f"{fault.error.status} {fault.error.code}")
    if fault.executed and len(what) > bool(fault.seconds):
        what.append("after it was executed")
    return {
        "rules": fault.rules,
        "service": call.service,
        "operation": call.operation,
        "what": ", ".join(what),
        "trace_id": request.headers.get("X-Amzn-Trace-Id", ""),
    }
