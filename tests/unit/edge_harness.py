"""An edge with real upstreams, all on sockets of 127.0.0.1."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import aiohttp
from aiohttp import web

from infra.local.edge import Edge, EdgeConfig

P = ParamSpec("P")

HEADERS = {"Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "DENY"}
DEADLINE_SECONDS = 10


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an async test in a loop of its own, and not for ever."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), DEADLINE_SECONDS))

    return run


@dataclass
class Running:
    """A started edge and a client without cookies of its own."""

    edge: Edge
    client: aiohttp.ClientSession

    def url(self, path: str) -> str:
        return f"http://localhost:{self.edge.port}{path}"

    async def raw(self, request: bytes) -> tuple[int, bytes]:
        """Sends bytes as they are; returns the status and everything that came back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.edge.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1]), answer

    async def get_raw(self, target: str) -> tuple[int, bytes]:
        head = f"GET {target} HTTP/1.1\r\nHost: localhost:{self.edge.port}\r\n"
        return await self.raw(f"{head}Connection: close\r\n\r\n".encode())


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[int]:
    """An upstream that answers everything with ``handler``; yields its port."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """An upstream below HTTP; yields its port."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def edge_for(
    site_dir: Path, upstream_port: int = 1, api_timeout_seconds: float = 5.0
) -> AsyncIterator[Running]:
    """A started edge whose API is at /base and whose WebSocket is at /stage of the upstream."""
    edge = Edge(
        EdgeConfig(
            port=0,
            origin="http://localhost:0",
            site_dir=site_dir,
            api_base=f"http://127.0.0.1:{upstream_port}/base",
            websocket_url=f"ws://127.0.0.1:{upstream_port}/stage",
            headers=HEADERS,
            api_timeout_seconds=api_timeout_seconds,
            build_hint="make site",
        )
    )
    await edge.start()
    try:
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as client:
            yield Running(edge, client)
    finally:
        await edge.stop()
