"""The stand-in for CloudFront: one origin for the site, ``/api/*`` and the WebSocket.

| request | answered by |
|---|---|
| ``/api/*`` | the REST API's emulator, uncached, with the security headers (edge_api.py) |
| ``/ws`` | the WebSocket API's emulator (edge_tunnel.py); 426 without an upgrade |
| ``/ws/…`` | 403, as API Gateway answers below a WebSocket stage |
| anything else | the built site (edge_site.py) with the security headers |

Cookies and Origin checks need one name for the site. A page asked for under another name of
this machine (``127.0.0.1`` for ``localhost``) is redirected with 308; other requests under such
a name (curl, health checks) are served; any other Host is refused with 421, so that a foreign
site can't reach the stack by rebinding its DNS name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web
from yarl import URL

from infra.local.edge_api import BODY_BYTES_MAX, ApiProxy, problem
from infra.local.edge_listen import LocalServer, PortTakenError
from infra.local.edge_site import Site
from infra.local.edge_tunnel import is_upgrade, tunnel
from infra.local.host_names import LOOPBACK_NAMES, host_name

__all__ = ["Edge", "EdgeConfig", "PortTakenError"]

#: How long requests in flight may take when the edge stops.
SHUTDOWN_SECONDS: Final = 1.0


@dataclass(frozen=True)
class EdgeConfig:
    """What an Edge serves.

    ``port``: 0 picks a free one. ``origin``: the only name of the site, such as
    ``http://localhost:8000``; port 0 in it stands for the port that was picked. ``api_base``:
    ``/api/health`` is asked at ``api_base + "/health"``. ``websocket_url``: ws://, where ``/ws``
    leads. ``headers``: put on every response of the site and the API. ``api_timeout_seconds``:
    how long the REST API may be silent, and a WebSocket handshake take (CloudFront's default
    is 30).
    Raises ValueError for an origin or URL that can't be meant.
    """

    port: int
    origin: str
    site_dir: Path
    api_base: str
    websocket_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    api_timeout_seconds: float = 30.0
    build_hint: str = "npm --prefix frontend ci\nnpm --prefix frontend run build"

    def __post_init__(self) -> None:
        origin = URL(self.origin)
        if origin.scheme not in ("http", "https") or not origin.host or origin.path != "/":
            raise ValueError(f"origin must be like http://localhost:8000, not {self.origin!r}")
        if URL(self.api_base).scheme not in ("http", "https"):
            raise ValueError(f"api_base must be an http:// URL, not {self.api_base!r}")
        if URL(self.websocket_url).scheme != "ws":
            raise ValueError(f"websocket_url must be a ws:// URL, not {self.websocket_url!r}")


class Edge:
    """The server. ``port`` and ``origin`` are the actual ones after ``start``."""

    def __init__(self, config: EdgeConfig) -> None:
        self.port = config.port
        self.configure(config)
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._respond)
        app.on_shutdown.append(self._end_tunnels)
        self._server = LocalServer(app, shutdown_seconds=SHUTDOWN_SECONDS)
        self._tunnels: set[asyncio.Task[web.StreamResponse]] = set()
        self._api: ApiProxy | None = None

    async def start(self) -> None:
        """Listens on 127.0.0.1 and ::1. Raises PortTakenError."""
        self.port = await self._server.start(self._config.port, "the site")
        self._api = ApiProxy(self._config.api_timeout_seconds)
        self.configure(self._config)

    async def stop(self) -> None:
        """Stops listening and ends every connection, WebSockets included."""
        await self._server.stop()
        if self._api is not None:
            await self._api.close()

    def configure(self, config: EdgeConfig) -> None:
        """Serves by ``config`` from the next request on (after a redeployment, say).

        The port and the API's time-out stay as they were at the start.
        """
        self._config = config
        origin = URL(config.origin)
        self._origin = origin.with_port(self.port) if origin.port == 0 else origin
        self._site = Site(config.site_dir, config.headers, config.build_hint)

    @property
    def origin(self) -> str:
        """The site's origin, without a slash at its end."""
        return str(self._origin).rstrip("/")

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not self._is_origin(host):
            if host_name(host) not in LOOPBACK_NAMES:
                return problem(421, "misdirected", f"this is {self.origin}, nothing else")
            if _is_navigation(request):
                location = self.origin + request.raw_path
                return web.Response(status=308, headers={"Location": location})
        if not request.raw_path.startswith("/"):
            return problem(400, "malformed", "the request target must be a path")
        path = request.path
        if path.startswith("/api/"):
            answer = await self._forward(request)
            if not answer.prepared:  # the edge's own
                answer.headers.update(self._config.headers)
            return answer
        if path == "/ws":
            return await self._connect(request)
        if path.startswith("/ws/"):
            return web.json_response({"message": "Forbidden"}, status=403)
        return self._site.respond(request)

    def _is_origin(self, host: str) -> bool:
        default = f":{self._origin.port}" if self._origin.is_default_port() else ""
        return host.lower().removesuffix(default) == self._origin.authority.removesuffix(default)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        raw_path, _, query = request.raw_path.partition("?")
        if not raw_path.startswith("/api/") or ".." in request.path.split("/"):
            return problem(400, "malformed", "the path must not be written in this way")
        target = self._config.api_base.rstrip("/") + raw_path.removeprefix("/api")
        url = URL(f"{target}?{query}" if query else target, encoded=True)
        if self._api is None:
            raise RuntimeError("the edge was not started")
        return await self._api.forward(request, url, self._origin, self._config.headers)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if not is_upgrade(request):
            refusal = problem(426, "malformed", "this is a WebSocket")
            refusal.headers["Upgrade"] = "websocket"
            refusal.headers["Sec-WebSocket-Version"] = "13"
            return refusal
        _, _, query = request.raw_path.partition("?")
        target = self._config.websocket_url
        url = URL(f"{target}?{query}" if query else target, encoded=True)
        connecting = asyncio.create_task(
            tunnel(request, url, self._origin, self._config.api_timeout_seconds)
        )
        self._tunnels.add(connecting)
        connecting.add_done_callback(self._tunnels.discard)
        return await connecting

    async def _end_tunnels(self, _app: web.Application) -> None:
        for task in list(self._tunnels):
            task.cancel()


def _is_navigation(request: web.Request) -> bool:
    """Tells whether a browser is opening a page (and will follow a redirect)."""
    if request.method not in ("GET", "HEAD"):
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")
