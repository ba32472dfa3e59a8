"""A gateway between real clients and a Lambda API whose functions are Python callables.

Everything is on sockets of 127.0.0.1. A gateway that logs a warning, leaves a task behind or
keeps a connection fails the test that used it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import aiohttp
import boto3
from aiohttp import web
from botocore.client import Config
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket

from infra.local.faults.injector import FaultInjector
from infra.local.faults.rules import AwsRule, FaultPlan, GatewayRule
from infra.local.gateway import Gateway, GatewayConfig
from infra.local.gateway.api import Api, Authorizer, Route, Throttle
from infra.local.gateway.clock import Clock
from infra.local.gateway.limits import Limits
from infra.local.gateway.permissions import Access
from infra.local.gateway.sigv4 import Credentials
from infra.local.gateway.tls import Authority
from tests.unit.edge_harness import in_loop

__all__ = ["in_loop"]

STAGE: Final = "prod"
KEY: Final = Credentials("AKIDEXAMPLE", "a secret")
ROLE: Final = Credentials("ASIAEXAMPLE", "another secret", "a session token")
#: The sample handshake of RFC 6455, section 1.3.
WEBSOCKET_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
Json: TypeAlias = dict[str, Any]


def arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


def api_with(
    *keys: str,
    answering: Sequence[str] = (),
    authorizer: Authorizer | None = None,
    timeouts: Mapping[str, float] | None = None,
    throttles: Mapping[str, Throttle] | None = None,
    **attributes: Any,
) -> Api:
    """An API with routes; each one's function is named like its key, without ``$``."""
    routes = {
        key: Route(
            key,
            arn(key.lstrip("$")),
            has_response=key in answering,
            authorizer=authorizer if key == "$connect" else None,
            timeout_seconds=(timeouts or {}).get(key),
            throttle=(throttles or {}).get(key),
        )
        for key in keys or ("$connect", "$disconnect", "$default")
    }
    return Api("abcdef123", STAGE, routes=routes, **attributes)


class FakeClock(Clock):
    """Time goes on when a test says so."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.5

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@dataclass
class Answer:
    """What the Lambda API answers, byte by byte, where a function's result would not do."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def failing(message: str = "what no client may read", kind: str = "RuntimeError") -> Answer:
    """A function that raised an exception."""
    body = json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": []}).encode()
    return Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})


Function: TypeAlias = Callable[[Json], Any]


class Functions:
    """The Lambda API. Functions that no test defines return ``{"statusCode": 200}``."""

    def __init__(self) -> None:
        self.port = 0
        self.by_name: dict[str, Function] = {}
        self.events: list[tuple[str, Json]] = []
        self.requests: list[web.Request] = []
        self._changed = asyncio.Event()

    def returns(self, name: str, result: Any) -> None:
        """Define a function that always returns the same."""
        self.by_name[name] = lambda _event: result

    def named(self, name: str) -> list[Json]:
        """The events that a function got."""
        return [event for invoked, event in self.events if invoked == name]

    async def event(self, name: str, number: int = 1) -> Json:
        """Wait for a function's n-th invocation; returns its event."""
        while len(self.named(name)) < number:
            self._changed.clear()
            await self._changed.wait()
        return self.named(name)[number - 1]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.raw_path)
        assert request.method == "POST", request.method
        assert path.startswith("/2015-03-31/functions/"), path
        name = path.split(":")[-1].removesuffix("/invocations")
        event = json.loads(await request.read())
        self.requests.append(request)
        self.events.append((name, event))
        self._changed.set()
        function = self.by_name.get(name)
        result = {"statusCode": 200} if function is None else function(event)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, Answer):
            return web.Response(status=result.status, body=result.body, headers=result.headers)
        return web.json_response(result)


class Raw:
    """A client below WebSockets: sends bytes as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and headers of an answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in pairs}

    async def upgrade(self, path: str = f"/{STAGE}") -> None:
        await self.send(handshake(path))
        status, _ = await self.head()
        assert status == 101

    async def frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; a text's continuations come on their own."""
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        """Reads until the close frame; 1006 if the connection ends without one."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2]) if payload else 1005
        return 1006

    async def end(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):  # it may have left data unread
            await self.writer.wait_closed()

    def vanish(self) -> None:
        """End the connection with a reset."""
        self.writer.transport.abort()


def handshake(path: str = f"/{STAGE}", **changes: str | None) -> bytes:
    """An upgrade request; headers are named with ``_`` for ``-``, None leaves one out."""
    headers = {
        "host": "localhost",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": WEBSOCKET_KEY,
        "sec-websocket-version": "13",
    }
    line = changes.pop("line", None) or f"GET {path} HTTP/1.1"
    for name, value in changes.items():
        header = name.replace("_", "-")
        headers.pop(header, None)
        if value is not None:
            headers[header] = value
    return "\r\n".join(
        [line, *(f"{key}: {value}" for key, value in headers.items()), "", ""]
    ).encode()


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """A client's frame, rightly or wrongly made; `length` is what it claims to have."""
    size = len(payload) if length is None else length
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if size < 126:
        head += bytes([masked << 7 | size])
    elif size < 1 << 16:
        head += struct.pack("!BH", masked << 7 | 126, size)
    else:
        head += struct.pack("!BQ", masked << 7 | 127, size)
    if not masked:
        return head + payload
    mask = b"\x5a\xa5\x0f\xf0"
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def text(content: str | bytes) -> bytes:
    """A text message in one frame."""
    return frame(TEXT, content.encode() if isinstance(content, str) else content)


@dataclass
class Running:
    """A started gateway, its Lambda API, and ways to it."""

    gateway: Gateway
    functions: Functions
    clock: FakeClock
    #: What the gateway observed.
    observed: list[tuple[str, Mapping[str, Any]]]
    #: What was asked about permissions, and what is answered by access key.
    asked: list[tuple[str, str, str, str]]
    accesses: dict[str, Access]
    #: What was logged as a warning or worse; a test that expects something clears it.
    logged: list[str]
    faults: FaultInjector | None = None
    #: Raised instead of an answer about permissions.
    refuses_to_authorize: Exception | None = None

    def url(self, path: str = f"/{STAGE}", *, tls: bool = False) -> str:
        port = self.gateway.tls_port if tls else self.gateway.port
        return f"{'wss' if tls else 'ws'}://localhost:{port}{path}"

    @asynccontextmanager
    async def client(
        self, path: str = f"/{STAGE}", *, tls: bool = False, **options: Any
    ) -> AsyncIterator[ClientConnection]:
        """A WebSocket client that behaves; closed at the end, if it is not yet."""
        options = {"ssl": trusting()} | options if tls else options
        settings: Json = {
            "proxy": None,
            "compression": None,
            "ping_interval": None,
            "max_size": None,
        }
        async with open_websocket(self.url(path, tls=tls), **(settings | options)) as socket:
            yield socket

    @asynccontextmanager
    async def raw(self, *, tls: bool = False) -> AsyncIterator[Raw]:
        port = self.gateway.tls_port if tls else self.gateway.port
        context = trusting() if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        client = Raw(reader, writer)
        try:
            yield client
        finally:
            await client.end()

    async def id_of_latest(self) -> str:
        """The id of the connection whose $connect ran last."""
        context = self.functions.named("connect")[-1]["requestContext"]
        return str(context["connectionId"])

    def management(self, credentials: Credentials = KEY, *, tls: bool = False) -> Any:
        """boto3's client of the management API."""
        port = self.gateway.tls_port if tls else self.gateway.port
        return boto3_session().client(
            "apigatewaymanagementapi",
            endpoint_url=f"{'https' if tls else 'http'}://localhost:{port}/{STAGE}",
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token or None,
            verify=str(authority().certificate_path) if tls else None,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=5),
        )

    async def post(self, connection_id: str, data: bytes | str) -> Any:
        client = self.management()
        return await asyncio.to_thread(
            client.post_to_connection, ConnectionId=connection_id, Data=data
        )

    async def settled(self) -> None:
        """Wait until no connection is open and nothing runs."""
        while self.gateway.connections or self.gateway._core.tasks:
            await asyncio.sleep(0.001)


@functools.cache
def boto3_session() -> Any:
    return boto3.session.Session()


@functools.cache
def authority() -> Authority:
    return Authority(Path(tempfile.mkdtemp(prefix="gateway-test-")) / "authority.pem")


def trusting() -> ssl.SSLContext:
    """A client's context that trusts the gateway."""
    return ssl.create_default_context(cafile=str(authority().certificate_path))


@asynccontextmanager
async def gateway(
    api: Api | None = None,
    *,
    limits: Limits | None = None,
    faults: Sequence[AwsRule | GatewayRule] = (),
    tls: bool = False,
    fallback: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None,
    stop_seconds: float = 3.0,
) -> AsyncIterator[Running]:
    """Start one with small waits, use it, stop it, and look at what it leaves."""
    functions = Functions()
    clock = FakeClock()
    observed: list[tuple[str, Mapping[str, Any]]] = []
    asked: list[tuple[str, str, str, str]] = []
    accesses = {
        key.access_key_id: Access(key.secret_access_key, allowed=True) for key in (KEY, ROLE)
    }

    async def authorize(key_id: str, token: str, action: str, resource: str) -> Access:
        asked.append((key_id, token, action, resource))
        if running.refuses_to_authorize is not None:
            raise running.refuses_to_authorize
        return accesses.get(key_id, Access(None, allowed=False))

    plan = FaultPlan(
        aws=tuple(rule for rule in faults if isinstance(rule, AwsRule)),
        gateway=tuple(rule for rule in faults if isinstance(rule, GatewayRule)),
    )
    injector = FaultInjector(plan) if faults else None
    before = asyncio.all_tasks()
    with _logged() as logged:
        async with _serving(functions) as port:
            more: Json = {} if fallback is None else {"fallback": fallback}
            started = Gateway(
                GatewayConfig(
                    f"http://127.0.0.1:{port}",
                    "us-east-1",
                    KEY,
                    authorize,
                    tls=authority().server_context() if tls else None,
                    limits=limits or Limits(closing_seconds=0.1),
                    observe=lambda what, details: observed.append((what, details)),
                    faults=injector,
                    clock=clock,
                    stop_seconds=stop_seconds,
                    **more,
                )
            )
            await started.start()
            try:
                started.configure(api or api_with())
                running = Running(
                    started, functions, clock, observed, asked, accesses, logged, injector
                )
                yield running
            finally:
                await started.stop()
        assert started.connections == 0
        assert not started._core.tasks
        # Transports' last callbacks, and tasks that were just cancelled.
        for _ in range(20):
            if not asyncio.all_tasks() - before:
                break
            await asyncio.sleep(0.005)
        left = [str(task) for task in asyncio.all_tasks() - before]
    assert not left, left
    assert not logged, logged


@asynccontextmanager
async def _serving(functions: Functions) -> AsyncIterator[int]:
    """Start a Lambda API whose functions end with their callers; yields its port."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", functions.handle)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, handle_signals=False, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collects what is logged as a warning or worse, and what an event loop could not handle."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    collector = Collector(logging.WARNING)
    logging.getLogger().addHandler(collector)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(collector)


async def status_of_refusal(running: Running, path: str = f"/{STAGE}", **options: Any) -> int:
    """The status that a handshake is refused with."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(running.url(path), **options):
                return 101
        except aiohttp.WSServerHandshakeError as refused:
            return refused.status
