"""Whoever serves the apps of P13: our local stack, and serverless-offline as it comes.

Each is started from nothing for each turn and ended after it. Installing is not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import boto3
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from infra.local.emulator_process import EmulatorProcess
from tests.benchmarks import processes
from tests.support.stack import ROOT, free_port

SOURCE: Final = Path(__file__).parent / "offline_peer"
INSTALLED: Final = ROOT / ".bench" / "offline_peer"
APPS: Final = Path(__file__).parent / "like_apps"
CONNECTIONS_TABLE: Final = "chat-connections"
#: The echo app sends it back, the chat app tells who has joined.
FIRST_FRAME: Final = '{"action": "join", "room": "start", "name": "first"}'
START_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.01


class Contender(ABC):
    """A server of one app, in a process group of its own."""

    #: As it is called in the table.
    name: str

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="ping-pong-bench-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def pid(self) -> int:
        """Of the process that holds the connections."""
        assert self._process is not None
        return self._process.pid

    @property
    @abstractmethod
    def websocket(self) -> str:
        """Where clients connect."""

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs besides this process's environment."""
        return {}

    @property
    def cwd(self) -> Path:
        """Where it is started."""
        return ROOT

    @property
    def roots(self) -> tuple[int, ...]:
        """The processes whose use of the CPU is its own, with all under them."""
        return (self.pid,)

    @contextmanager
    def running(self) -> Iterator[float]:
        """Run it; gives the seconds until a first frame was answered."""
        log_path = self._directory / "output.log"
        started = time.perf_counter()
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.cwd,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers(started + START_SECONDS, log_path)
            yield time.perf_counter() - started
        finally:
            self._stop()

    def _wait_until_it_answers(self, deadline: float, log_path: Path) -> None:
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                with connect(self.websocket, proxy=None, compression=None) as socket:
                    socket.send(FIRST_FRAME)
                    socket.recv(10)
                return
            assert self._process is not None
            if self._process.poll() is not None or time.perf_counter() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{log_path.read_text()}")
            time.sleep(LOOK_SECONDS)

    def _stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


class Ours(Contender):
    """`python -m infra.local APP`."""

    name = "ours"

    def __init__(self, app: str) -> None:
        super().__init__()
        self._app = app

    @property
    def websocket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/dev"

    def command(self) -> list[str]:
        state = self._directory / "state"
        options = ["--port", str(self.port), "--state-dir", str(state), "--no-watch"]
        return [sys.executable, "-m", "infra.local", str(APPS / self._app), *options]


class ServerlessOffline(Contender):
    """`serverless offline start`, its Lambdas in worker threads, which is what it does unasked."""

    name = "serverless-offline"
    options: tuple[str, ...] = ()

    def __init__(self, app: str, storage: Storage | None = None) -> None:
        super().__init__()
        self._app = app
        self._storage = storage

    @property
    def websocket(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def cwd(self) -> Path:
        return INSTALLED / self._app

    def command(self) -> list[str]:
        return [
            *("node", str(INSTALLED / "node_modules" / "serverless" / "bin" / "serverless.js")),
            *("offline", "start", "--host", "127.0.0.1", *self.options),
            *("--websocketPort", str(self.port)),
            *("--httpPort", str(free_port()), "--lambdaPort", str(free_port())),
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        if self._storage is None:
            return {}
        return {
            "CONNECTIONS_TABLE": self._storage.new_table(),
            "DYNAMODB_ENDPOINT": self._storage.endpoint,
            "MANAGEMENT_ENDPOINT": f"http://127.0.0.1:{self.port}",
        }

    @property
    def roots(self) -> tuple[int, ...]:
        return (self.pid,) if self._storage is None else (self.pid, self._storage.pid)


class InProcess(ServerlessOffline):
    """The same with its Lambdas as function calls: no isolation, nothing in parallel."""

    name = "in process"
    options = ("--useInProcess",)


class PythonHandlers(ServerlessOffline):
    """The same with ours' own Python handlers: a Lambda is a process, as here and on AWS."""

    name = "with Python handlers"

    @property
    def cwd(self) -> Path:
        return INSTALLED / f"{self._app}-python"

    @property
    def environment(self) -> Mapping[str, str]:
        return {**super().environment, "VIRTUAL_ENV": sys.prefix}


class Storage:
    """The emulated AWS that ours has, for the peer's DynamoDB."""

    def __init__(self, emulator: EmulatorProcess, pid: int) -> None:
        self.endpoint = emulator.endpoint
        self.pid = pid
        self._tables = 0

    def new_table(self) -> str:
        """Make an empty table for the peer's `chat`."""
        self._tables += 1
        name = f"{CONNECTIONS_TABLE}-{self._tables}"
        client = boto3.client(
            "dynamodb",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "connectionId", "AttributeType": "S"},
                {"AttributeName": "room", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-room",
                    "KeySchema": [{"AttributeName": "room", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        return name


@contextmanager
def storage() -> Iterator[Storage]:
    """Run an emulator as our stack runs it, with nothing deployed."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    others = processes.children(os.getpid())
    with tempfile.TemporaryDirectory() as directory:
        emulator = EmulatorProcess(Path(directory), lambda _: None)
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(60)
        try:
            (pid,) = processes.children(os.getpid()) - others
            yield Storage(emulator, pid)
        finally:
            asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)


def install() -> None:
    """Install serverless-offline under .bench from the committed lock, once for each lock.

    Raises:
        RuntimeError: npm is missing or failed.
    """
    lock = (SOURCE / "package-lock.json").read_bytes()
    key, key_file = hashlib.sha256(lock).hexdigest(), INSTALLED / "installed.sha256"
    if not key_file.exists() or key_file.read_text() != key:
        if shutil.which("npm") is None:
            raise RuntimeError("npm is needed to install serverless-offline")
        shutil.rmtree(INSTALLED, ignore_errors=True)
        INSTALLED.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, INSTALLED)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(command, cwd=INSTALLED, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"npm ci failed:\n{done.stderr}")
        key_file.write_text(key)
    for app in ("echo", "chat"):
        for name in (app, f"{app}-python"):
            shutil.copytree(SOURCE / name, INSTALLED / name, dirs_exist_ok=True)
        shutil.copy(APPS / app / "src" / "handler.py", INSTALLED / f"{app}-python")
