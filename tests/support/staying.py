"""A connection that stays: when it is lost there is a new one, and commands are repeated."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chalicelib import limits
from tests.support.chat import CommandRefusedError, Frame

#: A command without an answer for so long is repeated; the next time after half as much again,
#: and so on, as a server that is slow would otherwise become slower by the repeats.
REPEAT_AFTER_SECONDS = limits.REPEAT_AFTER_MS / 1000
REPEAT_AFTER_SECONDS_MAX = 60.0
#: Between two tries to connect, or after the server's own failure, at most; each pause is a
#: random part of it, in seconds.
PAUSE_SECONDS = 2.0
#: Nothing is known of what happened: the connection was lost, or no answer came.
LOST = (ConnectionError, TimeoutError)
#: Refusals that are taken for no answer.
TEMPORARY = ("stale", "internal")


def patience(tries: int) -> float:
    """How long (s) to wait for an answer, after so many tries without one."""
    return min(REPEAT_AFTER_SECONDS * 1.5**tries, REPEAT_AFTER_SECONDS_MAX)


class NoAnswerError(ConnectionError):
    """An answer that says no more than none."""


@dataclass(frozen=True)
class Seat:
    """Where a person connects, and as whom."""

    websocket: str
    origin: str
    cookie: str


@dataclass
class Troubles:
    """What clients had to mend, counted."""

    handshakes_refused: int = 0
    connections_lost: int = 0
    sends_repeated: int = 0
    gaps: int = 0
    syncs: int = 0
    #: Found themselves out of a room that they had left and come back to.
    thrown_out: int = 0


class StayingClient(ABC):
    """One person's client, connected as long as the context lasts."""

    def __init__(self, seat: Seat, seed: str, troubles: Troubles) -> None:
        self.random = random.Random(seed)
        self.troubles = troubles
        #: Every frame that came, if somebody wants them.
        self.transcript: list[str] | None = None
        self._seat = seat
        self._socket: ClientConnection | None = None
        #: Tries to say hello that had no answer.
        self._hellos = 0
        self._live = asyncio.Event()
        self._news = asyncio.Event()
        self._refs = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Frame]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: What was wrong in the background; raised to whoever asks or waits next.
        self._wrong: Exception | None = None

    @abstractmethod
    def greeted(self, hello: Frame) -> None:
        """There is a new connection, and its answer to ``session.hello``."""

    @abstractmethod
    async def catch_up(self, tries: int = 0) -> None:
        """Fetch what was missed. Its argument and failures are those of ``ask``."""

    @abstractmethod
    def hear(self, frame: Frame) -> None:
        """Something came that is no reply."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Self]:
        """Connect, and connect again whenever the connection is lost."""
        self.work(self._stay())
        try:
            await self._live.wait()
            self._raise_wrong()
            yield self
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._raise_wrong()

    async def insist(self, type_: str, **fields: Any) -> Frame:
        """Ask for what may be asked for twice, until an answer comes.

        Raises:
            CommandRefusedError: the answer is an error.
        """
        for tries in itertools.count():
            try:
                return await self.ask(type_, tries, **fields)
            except LOST as lost:
                await self.pause_after(lost)
        raise AssertionError("unreachable: it never ends")

    async def ask(self, type_: str, tries: int = 0, **fields: Any) -> Frame:
        """Send a command on a connection that has said hello.

        Args:
            tries: how often it was tried before.

        Raises:
            ConnectionError, TimeoutError: no answer came, or a temporary refusal.
            CommandRefusedError: the answer is another error.
        """
        self._raise_wrong()
        async with asyncio.timeout(patience(tries)):
            await self._live.wait()
            self._raise_wrong()
            return await self._send(type_, **fields)

    async def pause_after(self, lost: Exception) -> None:
        """The server's own failure may last; what got lost on the way is repeated at once."""
        if isinstance(lost, NoAnswerError):
            await self._pause()

    async def wait_for_news(self) -> None:
        """Wait until something comes that is no reply, or the connection is lost."""
        self._raise_wrong()
        self._news.clear()
        await self._news.wait()
        self._raise_wrong()

    def work(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background, as long as the client lives."""
        task = asyncio.create_task(self._watched(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watched(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as wrong:  # whatever it is: nobody else would see it
            self._has_gone_wrong(wrong)

    def _has_gone_wrong(self, wrong: Exception) -> None:
        self._wrong = self._wrong or wrong
        self._live.set()
        self._news.set()

    def _raise_wrong(self) -> None:
        if self._wrong is not None:
            raise self._wrong

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.uniform(0, PAUSE_SECONDS))

    async def _send(self, type_: str, **fields: Any) -> Frame:
        assert self._socket is not None
        ref = str(next(self._refs))
        reply = self._replies[ref] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"type": type_, "ref": ref, **fields}))
            frame: Frame = await reply
        except ConnectionClosed as closed:
            raise ConnectionError("connection lost") from closed
        finally:
            self._replies.pop(ref, None)
        if frame.get("code") in TEMPORARY:
            raise NoAnswerError(frame["code"])
        if frame["type"] != "ok":
            raise CommandRefusedError(frame)
        return frame

    async def _stay(self) -> None:
        while True:
            try:
                await self._stay_once()
            except InvalidStatus:
                self.troubles.handshakes_refused += 1
            except (*LOST, ConnectionClosed, CommandRefusedError):
                self.troubles.connections_lost += 1
            await self._pause()

    async def _stay_once(self) -> None:
        """One connection, until it is lost."""
        seat = self._seat
        async with connect(
            seat.websocket,
            additional_headers={"Origin": seat.origin, "Cookie": seat.cookie},
            compression=None,
            open_timeout=30,
            ping_interval=None,
            proxy=None,
        ) as self._socket:
            reading = asyncio.create_task(self._read(self._socket))
            try:
                async with asyncio.timeout(patience(self._hellos)):
                    self._hellos += 1
                    self.greeted(await self._send("session.hello"))
                self._hellos = 0
                self._live.set()
                await self.catch_up()
                await reading
            finally:
                self._live.clear()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                if self.transcript is not None:
                    self.transcript.append(str(text))
                self._receive(json.loads(text))
            raise ConnectionError("closed by the server")
        except (ConnectionError, ConnectionClosed):
            raise
        except Exception as wrong:
            self._has_gone_wrong(wrong)
            raise
        finally:
            if self._wrong is None:
                self._live.clear()  # before anybody tries again on this connection
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(ConnectionError("connection lost"))
            self._news.set()

    def _receive(self, frame: Frame) -> None:
        reply = self._replies.get(frame.get("ref", ""))
        if reply is None:
            self.hear(frame)
            self._news.set()
        elif not reply.done():
            reply.set_result(frame)


@asynccontextmanager
async def all_connected(people: Iterable[StayingClient]) -> AsyncIterator[None]:
    """Connect everybody, at once."""
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(each.connected()) for each in people))
        yield
