"""``/ws``: the WebSocket, handed on byte by byte.

The handshake is made upstream first, so that a refusal reaches the browser as it is. After the
101 both directions are plain byte pipes, which is what CloudFront is too: frames, fragments,
pings, close codes and reasons arrive exactly as they were sent, whatever their size, and the
upstream alone decides what it accepts. A pipe waits for its reader: what is buffered per
direction stays below a few times BUFFER_BYTES.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import logging
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from infra.local.edge_api import CONNECT_SECONDS, end_to_end, forwarded_headers, problem

log = logging.getLogger(__name__)

BUFFER_BYTES: Final = 64 * 1024
#: What of a refusal's body is passed on.
REFUSAL_BYTES_MAX: Final = 64 * 1024
#: How long a refusal's body may take, and how long the upstream's last words are waited for.
LINGER_SECONDS: Final = 5.0


def is_upgrade(request: web.BaseRequest) -> bool:
    """Tells whether ``request`` asks for a WebSocket (RFC 6455, section 4.1)."""
    tokens = {
        token.strip().lower()
        for value in request.headers.getall("Connection", ())
        for token in value.split(",")
    }
    return (
        request.method == "GET"
        and "upgrade" in tokens
        and request.headers.get("Upgrade", "").lower() == "websocket"
        and request.headers.get("Sec-WebSocket-Version") == "13"
        and "Sec-WebSocket-Key" in request.headers
    )


class _Incoming:
    """What the browser sends after its handshake, as aiohttp's payload parser (feed_data/feed_eof).

    The StreamReader pauses the socket while it holds more than twice BUFFER_BYTES.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.reader = asyncio.StreamReader(limit=BUFFER_BYTES)
        self.reader.set_transport(transport)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.reader.feed_data(data)
        return False, b""

    def feed_eof(self) -> None:
        self.reader.feed_eof()


@dataclass(frozen=True)
class _Handshake:
    """The upstream's answer to the handshake."""

    status: int
    reason: str
    headers: CIMultiDict[str]


async def tunnel(
    request: web.Request, url: URL, origin: URL, timeout_seconds: float
) -> web.StreamResponse:
    """Connects the browser's WebSocket with the one at ``url`` until either side ends it.

    ``url`` is ws://, query string included; ``timeout_seconds`` bounds the upstream's handshake.
    An upstream refusal is returned with its status, headers and body; 502 when it can't be
    reached or answers nonsense; 504 when its handshake takes too long.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the browser left")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                url.host, url.port or 80, limit=BUFFER_BYTES
            )
    except (OSError, TimeoutError) as error:
        log.warning("the WebSocket API can't be reached: %s", type(error).__name__)
        return problem(502, "internal", "the WebSocket API can't be reached")
    try:
        try:
            async with asyncio.timeout(timeout_seconds):
                writer.write(_handshake_request(request, url, origin))
                await writer.drain()
                handshake = await _read_handshake(reader)
        except TimeoutError:
            return problem(504, "internal", "the WebSocket API did not answer in time")
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            log.warning("the WebSocket API broke off its handshake: %s", type(error).__name__)
            return problem(502, "internal", "the WebSocket API broke off its handshake")
        if handshake.status != 101:
            return await _refusal(handshake, reader)
        response = web.StreamResponse(
            status=101, reason=handshake.reason, headers=end_to_end(handshake.headers.items())
        )
        response.headers["Upgrade"] = "websocket"
        response.headers["Connection"] = "Upgrade"
        await response.prepare(request)
        incoming = _Incoming(transport)
        protocol: Any = request.protocol  # its types know WebSocketReader only
        protocol.set_parser(incoming)
        await _pipe_both(incoming.reader, response, reader, writer)
        response.force_close()
        return response
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _handshake_request(request: web.Request, url: URL, origin: URL) -> bytes:
    headers = forwarded_headers(request, origin)
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    lines = [f"GET {url.raw_path_qs} HTTP/1.1", f"Host: {url.host}:{url.port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    # aiohttp reads header bytes that are not UTF-8 as surrogates; they go on as they came.
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


async def _read_handshake(reader: asyncio.StreamReader) -> _Handshake:
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, _, rest = head.partition(b"\r\n")
    version, _, status_and_reason = status_line.decode("latin-1").partition(" ")
    status, _, reason = status_and_reason.partition(" ")
    if not version.startswith("HTTP/1.") or not status.isdigit() or not 100 <= int(status) <= 599:
        raise ValueError("not an HTTP status line")
    try:
        parsed = http.client.parse_headers(io.BytesIO(rest))
    except http.client.HTTPException as error:
        raise ValueError("not HTTP headers") from error
    return _Handshake(int(status), reason, CIMultiDict(parsed.items()))


async def _refusal(handshake: _Handshake, reader: asyncio.StreamReader) -> web.Response:
    body = b""
    with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            body = await _read_body(handshake.headers, reader)
    headers = end_to_end(handshake.headers.items(), frozenset({"content-length"}))
    # A status below 200 is no answer to a handshake; the browser must not wait for another.
    status = handshake.status if handshake.status >= 200 else 502
    return web.Response(status=status, reason=handshake.reason, headers=headers, body=body)


async def _read_body(headers: CIMultiDict[str], reader: asyncio.StreamReader) -> bytes:
    """Reads at most REFUSAL_BYTES_MAX of a body, however its end is told."""
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        body = b""
        while len(body) < REFUSAL_BYTES_MAX:
            size = int((await reader.readline()).split(b";")[0], 16)
            if size == 0:
                break
            body += await reader.readexactly(min(size, REFUSAL_BYTES_MAX))
            await reader.readline()
        return body[:REFUSAL_BYTES_MAX]
    if "Content-Length" in headers:
        length = int(headers["Content-Length"])
        return await reader.readexactly(max(0, min(length, REFUSAL_BYTES_MAX)))
    body = b""
    while len(body) < REFUSAL_BYTES_MAX and (chunk := await reader.read(BUFFER_BYTES)):
        body += chunk
    return body[:REFUSAL_BYTES_MAX]


async def _pipe_both(
    from_browser: asyncio.StreamReader,
    to_browser: web.StreamResponse,
    from_upstream: asyncio.StreamReader,
    to_upstream: asyncio.StreamWriter,
) -> None:
    async def up() -> None:
        while data := await from_browser.read(BUFFER_BYTES):
            to_upstream.write(data)
            await to_upstream.drain()

    async def down() -> None:
        while data := await from_upstream.read(BUFFER_BYTES):
            await to_browser.write(data)

    pipes = upwards, downwards = asyncio.create_task(up()), asyncio.create_task(down())
    try:
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        if upwards.done() and upwards.exception() and not downwards.done():
            # The upstream reads no more, but its close frame may be on its way.
            await asyncio.wait([downwards], timeout=LINGER_SECONDS)
    finally:
        for pipe in pipes:
            pipe.cancel()
        for result in await asyncio.gather(*pipes, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, OSError):
                log.error("a WebSocket's pipe failed", exc_info=result)
