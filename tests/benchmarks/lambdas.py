"""Lambdas as AWS runs them: a process for each invocation under way, kept for the next one.

Each function has processes of its own. Asynchronous invocations come in by HTTP, as the app
makes them with botocore; how long AWS takes to start one is not in any figure.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from tests.benchmarks.units import Units
from tests.support.stack import ROOT

_TARGET: Final = re.compile(r"POST /2015-03-31/functions/([^/]+)/invocations ")
_ACCEPTED: Final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
#: A job may be a frame and a thousand connection ids.
LINE_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class Invocation:
    """What an invocation took."""

    function: str
    #: What a push worker was asked to do, else "".
    job: str
    #: By time.monotonic: when it was asked for, began in its process, and ended.
    asked: float
    began: float
    ended: float
    cpu_seconds: float
    #: Spent waiting for DynamoDB.
    dynamodb_seconds: float
    calls: Counter[str]
    units: Units
    posts: Counter[str]
    answer: Any

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.ended - self.began


@dataclass
class _Pool:
    """A function's processes."""

    free: asyncio.Semaphore
    idle: list[Process] = field(default_factory=list)


class Fleet:
    """The Lambdas; ``running_fleet`` makes one."""

    def __init__(self, environment: Mapping[str, str], concurrency: int) -> None:
        """Args:
        environment: of the processes, beside this process's.
        concurrency: so many processes at most for each function.
        """
        self._environment = {**os.environ, **environment}
        self._concurrency = concurrency
        self._pools: dict[str, _Pool] = defaultdict(
            lambda: _Pool(asyncio.Semaphore(self._concurrency))
        )
        self._processes: list[Process] = []
        self._asynchronous: set[asyncio.Task[Invocation]] = set()
        #: All that ended since this was cleared.
        self.invocations: list[Invocation] = []

    async def listen(self) -> asyncio.Server:
        """Take asynchronous invocations on a port of its own, and tell the processes where."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_BYTES_MAX)
        port = server.sockets[0].getsockname()[1]
        self._environment["AWS_ENDPOINT_URL_LAMBDA"] = f"http://127.0.0.1:{port}"
        return server

    async def warm(self, function: str, number: int) -> None:
        """Start processes that have imported the app."""
        self._pools[function].idle += await asyncio.gather(*(self._start() for _ in range(number)))

    async def invoke(self, function: str, event: Any) -> Invocation:
        """Invoke a function and wait for its end."""
        asked = time.monotonic()
        pool = self._pools[function]
        async with pool.free:
            process = pool.idle.pop() if pool.idle else await self._start()
            found = await _ask(process, {"function": function, "event": event})
            pool.idle.append(process)
        invocation = Invocation(
            asked=asked,
            job=event.get("job", ""),
            calls=Counter(found.pop("calls")),
            units=Units(**found.pop("units")),
            posts=Counter(found.pop("posts")),
            **found,
        )
        self.invocations.append(invocation)
        return invocation

    async def drain(self) -> None:
        """Wait until no asynchronous invocation is under way, nor one that it starts."""
        while self._asynchronous:
            await asyncio.gather(*self._asynchronous)

    async def stop(self) -> None:
        """End all processes."""
        for process in self._processes:
            cast(asyncio.StreamWriter, process.stdin).close()
        await asyncio.gather(*(process.wait() for process in self._processes))

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.lambda_process"),
            cwd=ROOT,
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
            limit=LINE_BYTES_MAX,
        )
        self._processes.append(process)
        await _answer(process)
        return process

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: (\d+)", head)
                target = _TARGET.match(head)
                assert target is not None, head
                event = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                task = asyncio.create_task(self.invoke(target[1], event))
                self._asynchronous.add(task)
                task.add_done_callback(self._asynchronous.discard)
                writer.write(_ACCEPTED)
        writer.close()


@asynccontextmanager
async def running_fleet(environment: Mapping[str, str], concurrency: int) -> AsyncIterator[Fleet]:
    """Lambdas until the end of the context; none has a process yet."""
    fleet = Fleet(environment, concurrency)
    server = await fleet.listen()
    try:
        yield fleet
        await fleet.drain()
    finally:
        server.close()
        await fleet.stop()


async def _ask(process: Process, task: Any) -> dict[str, Any]:
    cast(asyncio.StreamWriter, process.stdin).write(json.dumps(task).encode() + b"\n")
    return await _answer(process)


async def _answer(process: Process) -> dict[str, Any]:
    line = await cast(asyncio.StreamReader, process.stdout).readline()
    if not line:
        raise RuntimeError("a Lambda's process ended; stderr says why")
    found: dict[str, Any] = json.loads(line)
    return found
