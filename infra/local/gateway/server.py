"""The gateway: handshakes, messages and the management API, wired to the deployed Lambdas."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from aiohttp import web

from infra.local.edge_listen import LocalServer
from infra.local.faults.injector import CallFault, FaultInjector, MessageFault
from infra.local.gateway import handshake, management
from infra.local.gateway.api import CONNECT, DISCONNECT, Api, Route
from infra.local.gateway.authorization import RefusedError
from infra.local.gateway.clock import Clock
from infra.local.gateway.connection import ABNORMAL, BufferFullError, Connection
from infra.local.gateway.events import Subject, new_id, new_trace_id
from infra.local.gateway.lambdas import NO_STATUS, InvocationError, Lambdas, result_status
from infra.local.gateway.limits import Limits
from infra.local.gateway.management import Authorize, Gatekeeper, ManagementError
from infra.local.gateway.sigv4 import Credentials
from infra.local.gateway.throttle import TokenBucket

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Is told what happens: a name, and details. Never printed as they are: they have messages.
Observe: TypeAlias = Callable[[str, Mapping[str, Any]], None]

#: How often it is looked for connections that are idle or old, in seconds at most.
SWEEP_SECONDS: Final = 1.0

GOING_AWAY: Final = (1001, "Going away")
NO_FAULT: Final = MessageFault(())


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


@dataclass
class _Client:
    """A connection with what events tell of it."""

    connection: Connection
    subject: Subject
    #: By the monotonic clock: when it was opened, and when a frame came or went.
    opened_at: float
    active_at: float
    #: Messages that wait to be overtaken by the next one.
    held: list[asyncio.Event] = field(default_factory=list)


@dataclass(frozen=True)
class _Arrival:
    """A message that came, with its ids; `received_at` is in ms since the epoch."""

    text: str
    message_id: str
    request_id: str
    received_at: int


class Gateway:
    """The server. ``port`` and ``tls_port`` are the actual ones after ``start``."""

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._limits = config.limits
        self._clock = config.clock
        self._faults = config.faults
        self._api: Api | None = None
        self._clients: dict[str, _Client] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lambdas = Lambdas(config.endpoint, config.region, config.credentials)
        self._sweeper: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._gatekeeper = Gatekeeper(config.authorize, config.clock)
        now = config.clock.monotonic
        connects = self._limits.connects_per_second
        self._connects = TokenBucket(connects, connects, now)
        self._requests = TokenBucket(
            self._limits.requests_per_second, self._limits.request_burst, now
        )
        self._routes: dict[str, TokenBucket] = {}
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
        for client in list(self._clients.values()):
            client.connection.close(*GOING_AWAY)
        deadline = asyncio.get_running_loop().time() + self._config.stop_seconds
        while self._clients and asyncio.get_running_loop().time() < deadline:
            ends = [client.connection.ended for client in self._clients.values()]
            await asyncio.wait(ends, timeout=self._config.stop_seconds)
            await asyncio.sleep(0)  # what waits for the end goes first
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._finish_tasks(deadline)
        await self._server.stop()
        await self._finish_tasks(deadline)  # of handshakes that went on meanwhile
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lambdas.close()

    async def _finish_tasks(self, deadline: float) -> None:
        left = deadline - asyncio.get_running_loop().time()
        if self._tasks and left > 0:
            await asyncio.wait(self._tasks, timeout=left)

    def configure(self, api: Api) -> None:
        """Serve an API; connections that are open stay, with the new routes."""
        self._api = api
        now = self._clock.monotonic
        self._routes = {
            key: TokenBucket(route.throttle.rate, route.throttle.burst, now)
            for key, route in api.routes.items()
            if route.throttle is not None
        }
        for client in self._clients.values():
            client.subject = replace(client.subject, api=api)

    @property
    def domain_name(self) -> str:
        """Host of the management API, as events tell it."""
        return f"localhost:{self.tls_port or self.port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._clients)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        target = management.connection_id_of(path)
        if target is not None:
            return await self._manage(request, *target)
        if handshake.is_upgrade(request):
            return await self._connect(request, path)
        return await self._config.fallback(request)

    # --- Handshakes -----------------------------------------------------------------------

    async def _connect(self, request: web.Request, path: str) -> web.StreamResponse:
        api = self._api
        connection_id = new_id()
        trace_id = new_trace_id()
        opened_at = self._clock.monotonic()
        try:
            handshake.check_upgrade(request, self._limits)
            if api is None or path.rstrip("/") != f"/{api.stage}":
                raise RefusedError(403, "Forbidden")
            if self._is_stopping:
                raise RefusedError(503, "Service Unavailable")
            if not self._connects.take() or not self._may_run(CONNECT):
                raise RefusedError(429, "Too Many Requests")
            received_at = self._now_ms()
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
            self._observe("refused", trace_id=trace_id, status=refused.status, reason=refused.why)
            return handshake.refuse(refused, connection_id)
        subject = replace(subject, api=self._api or api)  # it may be another one by now
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
            self._spawn(self._tell_end(subject, *end))
            return web.Response(status=503)
        connection_id = subject.connection_id

        def on_message(text: str) -> None:
            self._receive(client, text)

        def on_activity() -> None:
            client.active_at = self._clock.monotonic()

        connection = Connection(
            transport, protocol, self._limits, on_message=on_message, on_activity=on_activity
        )
        client = _Client(connection, subject, opened_at, self._clock.monotonic())
        self._clients[connection_id] = client
        try:
            await response.prepare(request)
            protocol.set_parser(connection)
            code, reason = await connection.ended
        except OSError:
            code, reason = ABNORMAL
        finally:
            del self._clients[connection_id]
            for held in client.held:
                held.set()
        self._observe("closed", connection_id=connection_id, code=code, reason=reason)
        self._spawn(self._tell_end(client.subject, code, reason))
        response.force_close()
        return response

    async def _tell_end(self, subject: Subject, code: int, reason: str) -> None:
        """$disconnect: at most once, and nobody waits for its answer."""
        route = subject.api.routes.get(DISCONNECT)
        if route is None or not route.function:
            return
        if self._faults is not None and self._faults.disconnect():
            return
        event = subject.disconnect(code, reason, new_id(), self._now_ms())
        fault = self._fault_of(DISCONNECT)
        for copy in range(fault.copies):
            await asyncio.sleep(fault.copy_seconds if copy else 0)
            try:
                await self._invoke(route, event, new_trace_id())
            except InvocationError as error:
                self._observe("failed", route=DISCONNECT, reason=str(error))

    def _fault_of(self, route_key: str) -> MessageFault:
        fault = self._faults.message(route_key) if self._faults is not None else None
        return fault or NO_FAULT

    # --- Messages -------------------------------------------------------------------------

    def _receive(self, client: _Client, text: str) -> None:
        """Have a message handled, at once with any others of this connection."""
        route = client.subject.api.select(text)
        # One for all copies: what is delivered twice is the same event.
        arrival = _Arrival(text, new_id(), new_id(), self._now_ms())
        fault = self._fault_of(route.key if route else "")
        passing, client.held = client.held, []
        for copy in range(fault.copies):
            client.connection.handling(+1)
            delay = fault.hold_seconds + (fault.copy_seconds if copy else 0)
            go = asyncio.Event()
            if fault.hold_seconds:
                client.held.append(go)
            self._spawn(self._handle(client, route, arrival, go if delay else None, delay))
        for go in passing:
            go.set()

    async def _handle(
        self,
        client: _Client,
        route: Route | None,
        arrival: _Arrival,
        go: asyncio.Event | None,
        delay: float,
    ) -> None:
        """Handle a message; before that wait for `go` or so many seconds, if there is a fault."""
        try:
            if go is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(go.wait(), delay)
            answer = await self._answer(client.subject, route, arrival)
            if answer is not None and client.connection.is_open:
                client.connection.send_text(answer.encode("utf-8", "replace"))
        except ConnectionError:
            log.debug("the client left before its answer")
        finally:
            client.connection.handling(-1)

    async def _answer(self, subject: Subject, route: Route | None, arrival: _Arrival) -> str | None:
        """What goes back to the client for a message, if anything."""
        request_id = arrival.request_id
        if route is None:
            return _error_frame("Forbidden", subject.connection_id, request_id)
        if not self._requests.take() or not self._may_run(route.key):
            self._observe("throttled", route=route.key, connection_id=subject.connection_id)
            return _error_frame("Too Many Requests", subject.connection_id, request_id)
        if not route.function:
            return None
        trace_id = new_trace_id()
        event = subject.message(
            route.key, arrival.text, arrival.message_id, request_id, arrival.received_at
        )
        self._observe(
            "message",
            trace_id=trace_id,
            connection_id=subject.connection_id,
            route=route.key,
            body=arrival.text,
        )
        try:
            result = await self._invoke(route, event, trace_id)
        except InvocationError as error:
            self._observe("failed", trace_id=trace_id, route=route.key, reason=str(error))
            return _error_frame("Internal server error", subject.connection_id, request_id)
        if result_status(result) is None:
            self._observe("failed", trace_id=trace_id, route=route.key, reason=NO_STATUS)
            return _error_frame("Internal server error", subject.connection_id, request_id)
        if not route.has_response:
            return None
        body = result.get("body")
        return body if isinstance(body, str) and body else None

    def _may_run(self, route_key: str) -> bool:
        """Whether the stage's own limit lets a route be taken."""
        bucket = self._routes.get(route_key)
        return bucket is None or bucket.take()

    async def _invoke(self, route: Route, event: Any, trace_id: str) -> Any:
        seconds = route.seconds(self._limits.integration_seconds)
        return await self._lambdas.invoke(route.function, event, trace_id=trace_id, seconds=seconds)

    # --- The management API ---------------------------------------------------------------

    async def _manage(
        self, request: web.Request, stage: str, connection_id: str
    ) -> web.StreamResponse:
        started = self._clock.monotonic()
        try:
            response = await self._managed(request, stage, connection_id)
        except ManagementError as error:
            response = error.response()
        self._observe(
            "post" if request.method == "POST" else request.method.lower(),
            connection_id=connection_id,
            status=response.status,
            trace=request.headers.get("X-Amzn-Trace-Id", ""),
            ms=(self._clock.monotonic() - started) * 1000,
        )
        return response

    async def _managed(
        self, request: web.Request, stage: str, connection_id: str
    ) -> web.StreamResponse:
        api = self._api
        if api is None or stage != api.stage or request.method not in ("POST", "GET", "DELETE"):
            raise ManagementError(403, "ForbiddenException", "Forbidden")
        body = await management.read_body(request, self._limits.message_bytes)
        resource = api.arn(f"{request.method}/@connections/*")
        await self._gatekeeper.check(request, body, resource)
        if not self._requests.take():
            raise management.too_many()
        management.check_connection_id(connection_id)
        fault = self._faults.post(request.method) if self._faults is not None else None
        if fault is None:
            return self._apply(request.method, connection_id, body)
        await asyncio.sleep(fault.seconds)
        response = self._apply(request.method, connection_id, body) if fault.executed else None
        if fault.cut and request.transport is not None:
            request.transport.abort()
        return _faulty(fault) or response or web.Response(status=500)

    def _apply(self, method: str, connection_id: str, body: bytes) -> web.Response:
        """Do what is asked of a connection."""
        client = self._clients.get(connection_id)
        if client is None or not client.connection.is_open:
            raise management.gone()
        if method == "GET":
            opening = client.subject.handshake
            return web.json_response(
                management.description(
                    client.subject.connected_at,
                    self._clock.time() - (self._clock.monotonic() - client.active_at),
                    opening.source_ip,
                    opening.user_agent,
                )
            )
        if method == "DELETE":
            # The reason as seen on AWS: https://github.com/aws/chalice/issues/2060
            client.connection.close(1000, "Connection Closed Normally")
            return web.Response(status=204)
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise ManagementError(400, "BadRequestException", "Data must be UTF-8") from error
        try:
            client.connection.send_text(body)
        except BufferFullError as error:
            self._observe("cut", connection_id=connection_id, reason="it does not read")
            raise management.too_many() from error
        except ConnectionError as error:
            raise management.gone() from error
        return web.Response(status=200)

    # --- Time -----------------------------------------------------------------------------

    async def _sweep_forever(self) -> None:
        shortest = min(self._limits.idle_seconds, self._limits.connection_seconds)
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, shortest / 4))
            self.sweep()

    def sweep(self) -> None:
        """Close connections that were idle or open for too long."""
        now = self._clock.monotonic()
        for client in list(self._clients.values()):
            if now - client.active_at >= self._limits.idle_seconds:
                reason = f"idle for {self._limits.idle_seconds:g} s"
            elif now - client.opened_at >= self._limits.connection_seconds:
                reason = f"open for {self._limits.connection_seconds:g} s"
            else:
                continue
            self._observe("cut", connection_id=client.subject.connection_id, reason=reason)
            client.connection.close(*GOING_AWAY)

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)

    def _observe(self, what: str, **details: Any) -> None:
        self._config.observe(what, details)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background; errors are logged, not lost."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the gateway failed", exc_info=task.exception())


def _faulty(fault: CallFault) -> web.Response | None:
    """The answer that a fault gives, if any."""
    if fault.error is None:
        return None
    message = f"injected by {', '.join(fault.rules)} of the fault plan"
    return ManagementError(fault.error.status, fault.error.code, message).response()


def _error_frame(message: str, connection_id: str, request_id: str) -> str:
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": request_id})
