"""``https://{api}.execute-api.{Region}.amazonaws.com`` for Lambdas: leads to the gateway.

Chalice's ``websocket_api`` builds this address itself instead of taking the event's
``domainName``, and templates hand it to Lambdas in variables. boto3, requests and others take
the HTTPS proxy that their environment names, so the Lambdas' names this one: it knows where
API Gateway is here, and connects to everything else as asked (RFC 9110, section 9.3.6).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Final

#: Both partitions of names; a WebSocket API's management API is at its root.
_EXECUTE_API: Final = re.compile(r"[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_CONNECT: Final = re.compile(r"CONNECT (?P<host>[^ :]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5}) HTTP/1")

#: What is no request; what can't be reached; a port above 65535, a name that DNS can't have.
_NO_WAY: Final = (
    *(asyncio.IncompleteReadError, asyncio.LimitOverrunError),
    OSError,
    *(OverflowError, UnicodeError),
)

#: How long a request may take to arrive, and a connection to be made, in seconds.
CONNECT_SECONDS: Final = 10.0
HEAD_BYTES_MAX: Final = 16 * 1024
CHUNK_BYTES: Final = 64 * 1024


def certificate_name(region: str) -> str:
    """The name that the gateway needs a certificate for."""
    return f"*.execute-api.{region}.amazonaws.com"


class AwsNames:
    """The proxy, on 127.0.0.1 and a port of the system's choice."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()
        self._gateway_port = 0
        self._port = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=HEAD_BYTES_MAX
        )
        self._port = self._server.sockets[0].getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        """For Lambdas."""
        proxy = f"http://127.0.0.1:{self._port}"
        here = "localhost,127.0.0.1,::1"
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": here, "no_proxy": here}

    def lead_to(self, port: int) -> None:
        """Set where the gateway has TLS."""
        self._gateway_port = port

    async def stop(self) -> None:
        """Stop listening and end the connections; harmless when it was never started."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tunnels):
            task.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tunnels.add(task)
            task.add_done_callback(self._tunnels.discard)
        try:
            with contextlib.suppress(OSError):  # somebody has left
                await self._tunnel(reader, writer)
        finally:
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                asked = _CONNECT.match(head.decode("latin-1"))
                if asked is None:
                    writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                    return
                there, towards = await asyncio.open_connection(*self._place(asked))
        except _NO_WAY:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pipes = [_pipe(reader, towards), _pipe(there, writer)]
        running = [asyncio.create_task(pipe) for pipe in pipes]
        try:
            # If one side is cut, so is the other.
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            towards.close()

    def _place(self, asked: re.Match[str]) -> tuple[str, int]:
        """Where a connection is to go."""
        if _EXECUTE_API.fullmatch(asked["host"].lower()):
            return "127.0.0.1", self._gateway_port
        return asked["host"].strip("[]"), int(asked["port"])


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and tell it."""
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
