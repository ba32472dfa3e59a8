"""``/api/*``: handed on to the REST API as CloudFront does, uncached.

CloudFront is taken to use the origin request policy AllViewerExceptHostHeader: every header of
the viewer goes on, but Host.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

log = logging.getLogger(__name__)

#: What one request may carry: API Gateway's payload limit.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
BODY_BYTES_MAX: Final = 10 * 1024 * 1024
CONNECT_SECONDS: Final = 5.0
_CHUNK_BYTES: Final = 64 * 1024

# https://datatracker.ietf.org/doc/html/rfc9110#section-7.6.1
HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"}
    | {"te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_REPLACED: Final = frozenset({"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"})


def problem(status: int, code: str, message: str) -> web.Response:
    """Returns an error in the shape of the site's own: ``{"code": …, "message": …}``."""
    headers = {"Cache-Control": "no-store"}
    return web.json_response({"code": code, "message": message}, status=status, headers=headers)


def forwarded_headers(request: web.BaseRequest, origin: URL) -> CIMultiDict[str]:
    """Returns the viewer's headers as CloudFront sends them on, without Host.

    Hop-by-hop headers are dropped; X-Forwarded-For gets the viewer's address appended; Via and
    X-Amz-Cf-Id are added.
    """
    headers = end_to_end(request.headers.items(), _REPLACED)
    known = request.headers.getall("X-Forwarded-For", ())
    headers["X-Forwarded-For"] = ", ".join([*known, request.remote or "127.0.0.1"])
    headers["X-Forwarded-Proto"] = origin.scheme
    headers["X-Forwarded-Port"] = str(origin.port or 80)
    headers.add("Via", "1.1 edge.local (CloudFront)")
    headers["X-Amz-Cf-Id"] = uuid.uuid4().hex
    return headers


def end_to_end(
    headers: Iterable[tuple[str, str]], dropped: frozenset[str] = frozenset()
) -> CIMultiDict[str]:
    """Returns ``headers`` without the hop-by-hop ones, those that Connection names, ``dropped``."""
    items = list(headers)
    named = {
        token.strip().lower()
        for name, value in items
        if name.lower() == "connection"
        for token in value.split(",")
    }
    unwanted = HOP_BY_HOP | named | dropped
    return CIMultiDict((name, value) for name, value in items if name.lower() not in unwanted)


class ApiProxy:
    """Forwards requests to the REST API's emulator; one per Edge."""

    def __init__(self, timeout_seconds: float) -> None:
        """``timeout_seconds``: how long the API may be silent (CloudFront: 30 s by default)."""
        self._session = aiohttp.ClientSession(
            # A connection per request: one kept alive may be dead when the emulator restarts,
            # and a POST can't be repeated.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=timeout_seconds
            ),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            trust_env=False,
        )

    async def close(self) -> None:
        """Closes the connections to the API."""
        await self._session.close()

    async def forward(
        self,
        request: web.Request,
        url: URL,
        origin: URL,
        policy: Mapping[str, str] | None = None,
    ) -> web.Response | web.StreamResponse:
        """Sends ``request`` to ``url`` and its answer back, streamed and unchanged.

        But for ``policy``: headers that replace the answer's, or are added to it.

        413 for a body above BODY_BYTES_MAX, 502 when nobody answers at ``url``, 504 when the
        answer takes longer than the time-out. An answer that breaks off breaks off here too.
        """
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "too_large", f"a request may have {BODY_BYTES_MAX} bytes at most")
        response: web.StreamResponse | None = None
        headers = forwarded_headers(request, origin)
        headers.pop("Content-Length", None)
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                response = web.StreamResponse(
                    status=answer.status,
                    reason=answer.reason,
                    headers=end_to_end(answer.headers.items()),
                )
                response.headers.update(policy or {})
                await response.prepare(request)
                if request.method != "HEAD":
                    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                        await response.write(chunk)
                await response.write_eof()
                return response
        except TimeoutError:
            log.warning("no answer from the API in time")
            failure = problem(504, "internal", "the API did not answer in time")
        except aiohttp.ClientError as error:
            if request.transport is not None and not request.transport.is_closing():
                log.warning("the API can't be reached: %s", type(error).__name__)
            failure = problem(502, "internal", "the API can't be reached; is the stack running?")
        if response is None or not response.prepared:
            return failure
        if request.transport is not None:  # too late for another status: break off as the API did
            request.transport.abort()
        return response
