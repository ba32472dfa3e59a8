"""The gateway as a server: handshakes, and what becomes of a connection, from start to stop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from aiohttp import web

from infra.local.edge_listen import LocalServer
from infra.local.faults.injector import FaultInjector
from infra.local.gateway import handshake, management
from infra.local.gateway.api import CONNECT, Api
from infra.local.gateway.authorization import RefusedError
from infra.local.gateway.clock import Clock
from infra.local.gateway.connection import ABNORMAL, Connection
from infra.local.gateway.core import GOING_AWAY, Client, Core, Observe
from infra.local.gateway.events import Subject, new_id, new_trace_id
from infra.local.gateway.lambdas import Lambdas
from infra.local.gateway.limits import Limits
from infra.local.gateway.management import ManagementApi
from infra.local.gateway.messages import Messages
from infra.local.gateway.permissions import Authorize, Gatekeeper
from infra.local.gateway.sigv4 import Credentials

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: How often it is looked for connections that are idle or old, in seconds at most.
SWEEP_SECONDS: Final = 1.0


async def _nobody(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"message": "Not Found"}, status=404)


@dataclass(frozen=True)
class GatewayConfig:
    """What a Gateway needs to know.

    ``endpoint``: of the emulator's Lambda API. ``credentials``: with which Lambdas are invoked.
    ``authorize``: tells what a Lambda's credentials may do. ``port``: for WebSockets, the
    management API and ``fallback``'s requests; 0 picks a free one. ``tls``: for a second,
    always free port with the same content, which events name as ``domainName``; without it
    they name the first. ``observe``: is told what happens. ``stop_seconds``: how long what
    runs may go on when the gateway stops, $disconnect's Lambdas in particular.
    """

    endpoint: str
    region: str
    credentials: Credentials
    authorize: Authorize
    port: int = 0
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    fallback: Handler = _nobody
    observe: Observe = lambda _what, _details: None
    faults: FaultInjector | None = None
    clock: Clock = field(default_factory=Clock)
    stop_seconds: float = 3.0


class Gateway:
    """The server. ``port`` and ``tls_port`` are the actual ones after ``start``."""

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._limits = config.limits
        self._lambdas = Lambdas(config.endpoint, config.region, config.credentials)
        self._core = Core(self._lambdas, config.limits, config.clock, config.faults, config.observe)
        self._messages = Messages(self._core)
        gatekeeper = Gatekeeper(config.authorize, config.clock)
        self._management = ManagementApi(self._core, gatekeeper)
        self._sweeper: asyncio.Task[None] | None = None
        self._is_stopping = False
        # The fallback's limit; the management API has its own.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
        app = web.Application(client_max_size=10 * 1024 * 1024)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._respond)  # a line end is a path, too
        self._server = LocalServer(app, shutdown_seconds=min(1.0, config.stop_seconds))
        self.port = config.port
        self.tls_port = 0

    async def start(self) -> None:
        """Listen on 127.0.0.1 and ::1.

        Raises:
            PortTakenError: somebody else does.
        """
        self.port = await self._server.start(self._config.port, "the gateway")
        if self._config.tls is not None:
            self.tls_port = await self._server.start(0, "the gateway", self._config.tls)
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Close every connection, let $disconnect run for a while, stop listening."""
        self._is_stopping = True
        for client in list(self._core.clients.values()):
            client.connection.close(*GOING_AWAY)
        deadline = asyncio.get_running_loop().time() + self._config.stop_seconds
        while self._core.clients and asyncio.get_running_loop().time() < deadline:
            ends = [client.connection.ended for client in self._core.clients.values()]
            await asyncio.wait(ends, timeout=self._config.stop_seconds)
            await asyncio.sleep(0)  # what waits for the end goes first
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._finish_tasks(deadline)
        await self._server.stop()
        await self._finish_tasks(deadline)  # of handshakes that went on meanwhile
        for task in list(self._core.tasks):
            task.cancel()
        await asyncio.gather(*self._core.tasks, return_exceptions=True)
        await self._lambdas.close()

    async def _finish_tasks(self, deadline: float) -> None:
        left = deadline - asyncio.get_running_loop().time()
        if self._core.tasks and left > 0:
            await asyncio.wait(self._core.tasks, timeout=left)

    def configure(self, api: Api) -> None:
        """Serve an API; connections that are open stay, with the new routes."""
        self._core.configure(api)

    @property
    def domain_name(self) -> str:
        """Host of the management API, as events tell it."""
        return f"localhost:{self.tls_port or self.port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._core.clients)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        target = management.connection_id_of(path)
        if target is not None:
            return await self._management.respond(request, *target)
        if handshake.is_upgrade(request):
            return await self._connect(request, path)
        return await self._config.fallback(request)

    # --- Handshakes -----------------------------------------------------------------------

    async def _connect(self, request: web.Request, path: str) -> web.StreamResponse:
        api = self._core.api
        connection_id = new_id()
        trace_id = new_trace_id()
        opened_at = self._core.clock.monotonic()
        try:
            handshake.check_upgrade(request, self._limits)
            if api is None:
                raise RefusedError(403, "Forbidden", "nothing is deployed yet")
            if unquote(path.rstrip("/")) != f"/{api.stage}":
                raise RefusedError(403, "Forbidden", f"the address is ws://…/{api.stage}")
            if self._is_stopping:
                raise RefusedError(503, "Service Unavailable")
            if not self._core.connects.take() or not self._core.may_run(CONNECT):
                raise RefusedError(429, "Too Many Requests")
            received_at = self._core.now_ms()
            subject, headers = await handshake.ask_lambdas(
                Subject(
                    api,
                    connection_id,
                    received_at,
                    self.domain_name,
                    handshake.read_handshake(request),
                ),
                self._lambdas,
                self._limits,
                received_at=received_at,
                trace_id=trace_id,
            )
        except RefusedError as refused:
            self._core.observe(
                "refused", trace_id=trace_id, status=refused.status, reason=refused.why
            )
            return handshake.refuse(refused, connection_id)
        subject = replace(subject, api=self._core.api or api)  # it may be another one by now
        return await self._serve(request, subject, headers, opened_at)

    async def _serve(
        self, request: web.Request, subject: Subject, headers: dict[str, str], opened_at: float
    ) -> web.StreamResponse:
        """Answer 101 and keep the connection until its end."""
        response = handshake.switching(request, headers)
        transport = request.transport
        protocol: Any = request.protocol  # its types know no other payload parsers
        if transport is None or self._is_stopping:
            # It left meanwhile, or we do, but $connect has been handled.
            end = ABNORMAL if transport is None else GOING_AWAY
            self._core.spawn(self._messages.tell_end(subject, *end))
            return web.Response(status=503)
        connection_id = subject.connection_id

        def on_message(text: str) -> None:
            self._messages.receive(client, text)

        def on_activity() -> None:
            client.active_at = self._core.clock.monotonic()

        connection = Connection(
            transport, protocol, self._limits, on_message=on_message, on_activity=on_activity
        )
        client = Client(connection, subject, opened_at, self._core.clock.monotonic())
        self._core.clients[connection_id] = client
        try:
            await response.prepare(request)
            protocol.set_parser(connection)
            code, reason = await connection.ended
        except OSError:
            code, reason = ABNORMAL
        finally:
            del self._core.clients[connection_id]
            for held in client.held:
                held.set()
        if connection.is_unread:
            self._core.observe("cut", connection_id=connection_id, reason="it does not read")
        self._core.observe(
            "closed",
            connection_id=connection_id,
            code=code,
            reason=reason,
            by_client=connection.is_closed_by_client,
        )
        self._core.spawn(self._messages.tell_end(client.subject, code, reason))
        response.force_close()
        return response

    async def _sweep_forever(self) -> None:
        shortest = min(self._limits.idle_seconds, self._limits.connection_seconds)
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, shortest / 4))
            self.sweep()

    def sweep(self) -> None:
        """Close connections that were idle or open for too long."""
        self._core.sweep()
