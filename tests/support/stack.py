"""The running local stack: started once for all workers, stopped at the end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support import rights_used
from tests.support.chat import ChatClient, ConnectionRefusedWithStatusError
from tests.support.site import Answer

ROOT = Path(__file__).parents[2]
START_SECONDS = 90


class StackProcess:
    """A local stack as a process, with a directory for its state and log."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        """Args: `arguments` are a module and its options, beside those for files."""
        self.directory = directory
        self.ready: dict[str, Any] = {}
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.directory / "stack.log"

    @property
    def state_dir(self) -> Path:
        """Where it keeps its state."""
        return self.directory / "state"

    def start(self) -> None:
        """Start it and wait until it is ready. Again after ``stop``: the same state."""
        ready_file = self.directory / "ready.json"
        ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", *self._arguments]
        command += ["--state-dir", str(self.state_dir), "--ready-file", str(ready_file)]
        environment = {name: value for name, value in os.environ.items() if "KAKAO" not in name}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the local stack did not start:\n" + self.log_path.read_text())
            time.sleep(0.05)
        self.ready = json.loads(ready_file.read_text())

    def stop(self) -> None:
        """Stop it as Ctrl-C does, and wait for its end."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process is not None
        return self._process.pid


class LocalStack(StackProcess):
    """``python -m infra.local.pingpong`` on ports of its own, the same at each start."""

    def __init__(self, directory: Path, *options: str) -> None:
        ports = ("--port", str(free_port()), "--kakao-port", str(free_port()))
        # Tests say things as fast as they can, but for those of the pace.
        haste = ("--parameter", "ChatWindowMs=0", "--parameter", "NewAccountHours=0")
        super().__init__(directory, "infra.local.pingpong", "--no-watch", *ports, *haste, *options)

    def stop(self) -> None:
        """Stop it, and note what its Lambdas' roles were used for."""
        was_ready = bool(self.ready)
        super().stop()
        if was_ready:
            rights_used.add_of_stack(self.state_dir, self.ready)

    @property
    def site(self) -> StackSite:
        """The site as it serves it."""
        return StackSite(self.ready["origin"], self.ready["websocket"], self.ready["kakao"])

    @property
    def environment(self) -> dict[str, str]:
        """What handlers in this process need to work on its tables and its Kakao."""
        return {
            "TABLE_PREFIX": self.ready["table_prefix"],
            "SITE_ORIGIN": self.ready["origin"],
            "SECRETS_PARAMETER": self.ready["secrets_parameter"],
            "AWS_ENDPOINT_URL": self.ready["aws_endpoint"],
            "AWS_REGION": self.ready["region"],
            "AWS_DEFAULT_REGION": self.ready["region"],
            "KAKAO_AUTH_URL": self.ready["kakao"],
            "KAKAO_API_URL": self.ready["kakao"],
        }


def _end_with_parent() -> None:
    """On Linux, have the stack stop when a test process dies without stopping it (prctl(2))."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


class _SocketTransport:
    def __init__(self, socket_: ClientConnection, client: ChatClient) -> None:
        self.connection_id = ""
        self.socket = socket_
        self._client = client
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, frame: str) -> None:
        try:
            self.socket.send(frame)
        except ConnectionClosed as error:
            raise ConnectionError("connection lost") from error

    def close(self) -> None:
        self.socket.close()

    def cut(self) -> None:
        """End the connection as a tunnel does: the TCP socket is gone, no close frame."""
        with contextlib.suppress(OSError):
            self.socket.socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for frame in self.socket:
                self._client.receive(frame if isinstance(frame, str) else frame.decode())
        self._client.lost()


class StackSite:
    """The site as the local stack serves it: real HTTP, real sockets, real Lambda processes."""

    def __init__(self, origin: str, websocket: str, kakao: str) -> None:
        self.origin = origin
        self.websocket = websocket
        self.kakao = kakao

    def request(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        answer = requests.request(
            method,
            self.origin + path,
            headers=dict(headers),
            data=body.encode(),
            allow_redirects=False,
            timeout=30,
        )
        found = {name.lower(): [value] for name, value in answer.headers.items()}
        # requests joins repeated headers with commas, which dates in cookies have, too.
        raw = answer.raw.headers
        if "set-cookie" in raw:
            found["set-cookie"] = list(raw.getlist("set-cookie"))
        return Answer(answer.status_code, found, answer.text)

    def connect(self, headers: Mapping[str, str]) -> ChatClient:
        client = ChatClient()
        try:
            socket_ = connect(
                self.websocket,
                additional_headers=dict(headers),
                compression=None,
                open_timeout=30,
                proxy=None,
                ping_interval=None,  # no browser does, and hundreds stay open until the end
                legacy=True,
            )
        except InvalidStatus as error:
            raise ConnectionRefusedWithStatusError(error.response.status_code) from error
        client.transport = _SocketTransport(socket_, client)
        return client


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free now, and that no outgoing connection is given.

    Those are from 32768 on. One of them may be taken again before a stack listens on it.
    """
    while True:
        with socket.socket() as listener, contextlib.suppress(OSError):
            port = 16_384 + secrets.randbelow(16_384)  # `random` is the same in each worker
            listener.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def own_stack(directory: Path, *options: str) -> Iterator[LocalStack]:
    """A stack for one test alone, which may stop and start it."""
    stack = LocalStack(directory, *options)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()
