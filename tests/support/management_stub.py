"""A stand-in for API Gateway's management API, which answers as it is told.

In this process for tests (`ManagementStub`), and in another one for benchmarks
(`stub_process`), where it must not take the CPU that is being measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.stack import ROOT


@dataclass(frozen=True)
class Request:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    #: Which of the stub's connections it came on, counted from 1.
    socket: int

    @property
    def connection_id(self) -> str:
        return unquote(self.target.rsplit("/", 1)[1])


@dataclass(frozen=True)
class Reply:
    """What the stub does about a request."""

    #: The bytes of the answer; none leaves the request unanswered.
    data: bytes = b""
    #: Close the connection after that.
    close: bool = False
    #: Seconds before that.
    after: float = 0.0


def answer(status: int = 200, *, body: bytes = b"", close: bool = False) -> Reply:
    """An answer such as API Gateway gives."""
    fields = "Connection: close\r\n" if close else "Connection: keep-alive\r\n"
    head = f"HTTP/1.1 {status} Text\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n{fields}"
    head += "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
    return Reply(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, close=close)


def chunked(status: int, *chunks: bytes) -> Reply:
    """An answer in chunks."""
    data = f"HTTP/1.1 {status} Text\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for chunk in [*chunks, b""]:
        data += f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
    return Reply(data)


OK: Final = answer(200)
#: Says what to do about a request, and how often its connection id was asked for before.
Plan = Callable[[Request, int], Reply]


@dataclass
class ManagementStub:
    """Serves on 127.0.0.1, in a thread of its own."""

    tls: ssl.SSLContext | None = None
    plan: Plan = lambda _request, _before: OK
    requests: list[Request] = field(default_factory=list)
    #: How many connections were accepted.
    sockets: int = 0
    port: int = 0
    _open: set[asyncio.Transport] = field(default_factory=set)
    _asked: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://localhost:{self.port}/ws"

    def received(self) -> Counter[str]:
        """How often each connection was posted to."""
        return Counter(request.connection_id for request in self.requests)

    def close_connections(self) -> None:
        """Close all connections, as a server does with idle ones, and wait until that is done."""
        done = threading.Event()

        def close() -> None:
            for transport in self._open.copy():
                transport.abort()
            self._loop.call_soon(self._loop.call_soon, done.set)

        self._loop.call_soon_threadsafe(close)
        assert done.wait(5)

    def reply_to(self, request: Request) -> Reply:
        """Note a request and decide about it."""
        before = self._asked[request.connection_id]
        self._asked[request.connection_id] += 1
        self.requests.append(request)
        return self.plan(request, before)

    def __enter__(self) -> ManagementStub:
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(serve(self))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close_connections()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for handshake in asyncio.all_tasks(self._loop):  # that nobody will go on with
            handshake.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _Connection(asyncio.Protocol):
    def __init__(self, stub: ManagementStub) -> None:
        self._stub = stub
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._stub.sockets += 1
        self._number = self._stub.sockets
        self._stub._open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stub._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        if len(body) < int(headers["content-length"]):
            return
        self._received = b""
        method, target, _ = line.split(" ")
        reply = self._stub.reply_to(Request(method, target, headers, body, self._number))
        if reply.after:
            self._loop.call_later(reply.after, self._reply, reply)
        else:
            self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(reply.data)
        if reply.close:
            self._transport.close()


async def serve(stub: ManagementStub) -> asyncio.Server:
    """Serve a stub on the running loop."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(stub), "127.0.0.1", 0, ssl=stub.tls)


def make_certificates(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA and a server's certificate, of the size of AWS's; returns the CA's file."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "12")
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])

    def builder(subject: x509.Name, public_key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    ca = (
        builder(ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("*.execute-api.us-east-1.amazonaws.com"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    certificate = (
        builder(name, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    ca_file, server_file = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    server_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return ca_file, context


@contextmanager
def stub_process(
    directory: Path, latency: float, record: Path | None = None
) -> Iterator[tuple[str, Path]]:
    """A stub with TLS in another process, which answers all posts after ``latency`` seconds.

    Yields its URL and the file of its CA. At its end it writes what it got to ``record``
    (``read_record``).
    """
    command = [sys.executable, "-m", "tests.support.management_stub", str(directory), str(latency)]
    command += [str(record)] if record else []
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        yield ready["url"], Path(ready["ca_file"])
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@dataclass(frozen=True)
class Posted:
    """A post that a stub's process got."""

    #: By time.monotonic, which all processes share.
    at: float
    connection_id: str
    body: bytes


def read_record(record: Path) -> list[Posted]:
    """What a stub's process has got."""
    found = []
    for line in record.read_text(encoding="utf-8").splitlines():
        at, target, body = json.loads(line)
        found.append(Posted(at, unquote(target.rsplit("/", 1)[1]), body.encode()))
    return found


class _Quick:
    """Answers every request alike, on non-blocking sockets.

    asyncio would take as much CPU for an answer as the sender for a request, and be what is
    measured.
    """

    def __init__(self, tls: ssl.SSLContext, latency: float, *, records: bool = False) -> None:
        self._tls = tls
        self._latency = latency
        self._records = records
        #: When it came, its head, its body.
        self.recorded: list[tuple[float, bytes, bytes]] = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._server.setblocking(False)
        self.port = self._server.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._received: dict[ssl.SSLSocket, bytes] = {}
        self._due: deque[tuple[float, ssl.SSLSocket]] = deque()

    def run(self) -> None:
        """Serve until standard input is closed."""
        while True:
            patience = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(patience):
                if key.fileobj is sys.stdin:
                    return
                try:
                    self._proceed(key.fileobj)
                except (BlockingIOError, ssl.SSLWantReadError):
                    pass
                except OSError:
                    self._close(cast(ssl.SSLSocket, key.fileobj))
            while self._due and self._due[0][0] <= time.monotonic():
                self._answer(self._due.popleft()[1])

    def _proceed(self, source: object) -> None:
        if source is self._server:
            while True:
                plain, _ = self._server.accept()
                plain.setblocking(False)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client = self._tls.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                )
                self._selector.register(client, selectors.EVENT_READ)
        client = cast(ssl.SSLSocket, source)
        if client not in self._received:
            client.do_handshake()
            self._received[client] = b""
        data = client.recv(16384)
        if not data:
            raise ConnectionResetError
        self._received[client] += data
        head, separator, body = self._received[client].partition(b"\r\n\r\n")
        length = head.find(b"Content-Length: ") + 16
        if separator and len(body) >= int(head[length : head.find(b"\r", length)]):
            self._received[client] = b""
            now = time.monotonic()
            self._due.append((now + self._latency, client))
            if self._records:
                self.recorded.append((now, head, body))

    def _answer(self, client: ssl.SSLSocket) -> None:
        with contextlib.suppress(OSError):  # it has been closed meanwhile
            client.send(OK.data)

    def _close(self, client: ssl.SSLSocket) -> None:
        self._selector.unregister(client)
        self._received.pop(client, None)
        client.close()


def _main(directory: str, latency: str, record: str = "") -> None:
    ca_file, tls = make_certificates(Path(directory))
    stub = _Quick(tls, float(latency), records=bool(record))
    url = f"https://localhost:{stub.port}/ws"
    print(json.dumps({"url": url, "ca_file": str(ca_file)}), flush=True)
    stub.run()
    if record:
        with Path(record).open("w", encoding="utf-8") as file:
            for at, head, body in stub.recorded:
                target = head.split(b" ", 2)[1].decode()
                file.write(json.dumps([at, target, body.decode()]) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
