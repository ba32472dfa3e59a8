"""Load on a WebSocket API, from a process of its own: `python -m tests.benchmarks.load`.

Takes one task as JSON in the first line of stdin, and writes results as JSON lines to
stdout. Knows two apps by their frames only, whoever serves them: `echo` sends every frame
back, `chat` sends what one says to everybody in the room (like_apps, offline_peer).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

Result = dict[str, Any]

#: First round trips, which warm up, are not counted.
WARM_UP: Final = 50
#: How many clients connect at once where it is only a preparation.
BATCH: Final = 10
#: Below the 500 new connections a second that AWS allows an account.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
NEW_PER_SECOND: Final = 200
#: How long a client waits for its own chat before it says the next, in seconds.
OWN_CHAT_SECONDS: Final = 20.0
#: A handshake that failed is tried again so often, where it is only a preparation.
TRIES: Final = 5

REFUSED: Final = (InvalidHandshake, InvalidMessage, ConnectionClosed, OSError, TimeoutError)


def _dial(url: str) -> connect:
    return connect(url, compression=None, ping_interval=None, proxy=None, open_timeout=60)


async def echo(url: str, times: int) -> Result:
    """Median and 95th percentile of a frame's way there and back, in ms."""
    async with _dial(url) as socket:
        ways = []
        for number in range(WARM_UP + times):
            frame = json.dumps({"action": "echo", "number": number})
            started = time.perf_counter()
            await socket.send(frame)
            assert await socket.recv() == frame
            ways.append((time.perf_counter() - started) * 1000)
    counted = sorted(ways[WARM_UP:])
    return {"median_ms": statistics.median(counted), "p95_ms": counted[int(len(counted) * 0.95)]}


async def at_once(url: str, clients: int) -> Result:
    """Seconds until so many clients have connected that all begin together; who failed."""
    started = time.perf_counter()
    results = await asyncio.gather(*(_dial(url) for _ in range(clients)), return_exceptions=True)
    seconds = time.perf_counter() - started
    open_ = [socket for socket in results if isinstance(socket, ClientConnection)]
    failed = Counter(_reason(error) for error in results if isinstance(error, BaseException))
    await asyncio.gather(*(socket.close() for socket in open_))
    return {"seconds": seconds, "connected": len(open_), "failed": dict(failed)}


async def idle(url: str, steps: list[int]) -> AsyncIterator[Result]:
    """Hold more and more connections; go on to the next step when a line comes in."""
    sockets: list[ClientConnection] = []
    refused = 0
    for step in steps:
        while len(sockets) < step:
            second = asyncio.get_running_loop().time() + BATCH / NEW_PER_SECOND
            batch = min(BATCH, step - len(sockets))
            results = await asyncio.gather(
                *(_dial(url) for _ in range(batch)), return_exceptions=True
            )
            fresh = [socket for socket in results if isinstance(socket, ClientConnection)]
            sockets += fresh
            refused += batch - len(fresh)
            if refused > TRIES * BATCH:
                raise RuntimeError(f"{refused} handshakes refused")
            await asyncio.sleep(max(0.0, second - asyncio.get_running_loop().time()))
        yield {"open": len(sockets), "refused": refused}
        await asyncio.to_thread(sys.stdin.readline)
    for first in range(0, len(sockets), 100):
        await asyncio.gather(*(socket.close() for socket in sockets[first : first + 100]))


class Chatter:
    """A client of the `chat` app, in one room."""

    def __init__(self, number: int, room: str) -> None:
        self.name = f"c{number}"
        self.room = room
        #: How often each text was heard.
        self.heard: Counter[str] = Counter()
        self.errors = 0
        self._socket: ClientConnection | None = None
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def join(self, url: str) -> None:
        """Connect and enter the room; tried again, as a person would."""
        for _ in range(TRIES):
            with contextlib.suppress(*REFUSED):
                await self.leave()
                self._socket = await _dial(url)
                self._reading = asyncio.create_task(self._read(self._socket))
                frame = {"action": "join", "room": self.room, "name": self.name}
                await self._socket.send(json.dumps(frame))
                if await self._hears(f"{self.name} joined"):
                    return
        raise RuntimeError(f"{self.name} could not join")

    async def leave(self) -> None:
        """Close the connection."""
        if self._socket is not None and self._reading is not None:
            await self._socket.close()
            await self._reading

    async def say(self, text: str) -> None:
        """Say it and wait until it comes back, but not for ever."""
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(json.dumps({"action": "say", "text": text}))
            await self._hears(text)

    async def hears_all(self, texts: set[str]) -> None:
        """Wait until everything was heard."""
        while not texts <= self.heard.keys():
            self._news.clear()
            await self._news.wait()

    async def _hears(self, text: str) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OWN_CHAT_SECONDS):
                await self.hears_all({text})
        return text in self.heard

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                text = json.loads(frame).get("text")
                if text is None:
                    self.errors += 1
                else:
                    self.heard[text] += 1
                self._news.set()


async def chat(url: str, clients: int, rooms: int, chats: int, limit: float) -> Result:
    """Everybody says so much at once; seconds until everybody heard all of their room.

    Who said something goes on when it comes back. Ends at the limit with what was heard.
    """
    people = [Chatter(number, f"room-{number % rooms}") for number in range(clients)]
    for first in range(0, clients, BATCH):
        await asyncio.gather(*(person.join(url) for person in people[first : first + BATCH]))

    def said(room: str) -> set[str]:
        names = [person.name for person in people if person.room == room]
        return {f"{name}: {number}" for name in names for number in range(chats)}

    async def talk(person: Chatter) -> None:
        for number in range(chats):
            await person.say(f"{person.name}: {number}")
        await person.hears_all(said(person.room))

    started = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await asyncio.gather(*(talk(person) for person in people))
    seconds = time.perf_counter() - started
    wanted = sum(len(said(person.room)) for person in people)
    heard = sum(len(said(person.room) & person.heard.keys()) for person in people)
    twice = sum(times - 1 for person in people for times in person.heard.values())
    errors = sum(person.errors for person in people)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.gather(*(person.leave() for person in people))
    return {
        "seconds": seconds,
        "wanted": wanted,
        "heard": heard,
        "twice": twice,
        "errors": errors,
    }


async def way(url: str, times: int) -> Result:
    """Median of a chat's way from one client to another, in ms."""
    host, guest = Chatter(0, "way"), Chatter(1, "way")
    await host.join(url)
    await guest.join(url)
    ways = []
    for number in range(WARM_UP + times):
        started = time.perf_counter()
        saying = asyncio.create_task(host.say(f"{number}"))
        await guest.hears_all({f"{number}"})
        ways.append((time.perf_counter() - started) * 1000)
        await saying
    await asyncio.gather(host.leave(), guest.leave())
    return {"median_ms": statistics.median(ways[WARM_UP:])}


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def _run(task: Result) -> None:
    kind = task.pop("kind")
    if kind == "idle":
        async for result in idle(**task):
            print(json.dumps(result), flush=True)
    else:
        kinds: dict[str, Callable[..., Awaitable[Result]]]
        kinds = {"echo": echo, "at_once": at_once, "chat": chat, "way": way}
        print(json.dumps(await kinds[kind](**task)), flush=True)


def main() -> None:
    """Do one task."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_run(json.loads(sys.stdin.readline())))


if __name__ == "__main__":
    main()
