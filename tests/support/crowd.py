"""Many people talking at once, each a client that keeps the rules of docs/protocol.md.

Made for hundreds of connections in one process (asyncio, no threads). What breaks is
mended as the site's own client mends it: a lost connection by a new one, a gap by
``room.sync``, a send without an answer by a repeat with the same ``cid``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chalicelib import limits
from tests.support.chat import CommandRefusedError, Frame
from tests.support.room_log import RoomLog

REPEAT_AFTER_SECONDS = limits.REPEAT_AFTER_MS / 1000
#: Entries that overtook each other arrive within this, as frontend/src/core/sync.ts has it.
GAP_SECONDS = 0.3
#: So long without news, and a client that waits for some asks, in seconds.
QUIET_SECONDS = 3.0
#: Between two tries to connect, at most; each pause is a random part of it, in seconds.
REDIAL_SECONDS = 2.0
HISTORY_PAGE = limits.HISTORY_PAGE_MAX
#: Nothing is known of what happened: the connection was lost, or no answer came.
LOST = (ConnectionError, TimeoutError)
#: Refusals that are taken for no answer.
TEMPORARY = ("stale", "internal")


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


class Talker:
    """One person, connected as long as the context lasts, in one room."""

    def __init__(self, seat: Seat, seed: str, troubles: Troubles) -> None:
        self.log = RoomLog()
        self.room_id = ""
        self._epoch = ""
        self._seat = seat
        self._random = random.Random(seed)
        self._troubles = troubles
        self._socket: ClientConnection | None = None
        self._live = asyncio.Event()
        self._news = asyncio.Event()
        self._refs = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Frame]] = {}
        self._mending: asyncio.Task[None] | None = None
        #: What was wrong with the server's frames; raised to whoever asks or waits next.
        self._wrong: Exception | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Talker]:
        """Connect, and connect again whenever the connection is lost."""
        staying = asyncio.create_task(self._stay())
        greeted = asyncio.create_task(self._live.wait())
        try:
            await asyncio.wait({staying, greeted}, return_when=asyncio.FIRST_COMPLETED)
            if staying.done():
                await staying
            yield self
        finally:
            tasks = [task for task in (staying, greeted, self._mending) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def open(self, name: str) -> str:
        """Make the room and be its host; returns its id."""
        room_id: str = (await self._insist("room.open", name=name))["room"]["room_id"]
        await self.enter(room_id)
        return room_id

    async def enter(self, room_id: str) -> None:
        """Join the room, and begin its log with the end of its history."""
        reply = await self._insist("room.enter", room_id=room_id, limit=HISTORY_PAGE)
        self.room_id, self._epoch = room_id, reply["room"]["epoch"]
        self.log.take(reply["entries"])
        before = reply["entries"][0]["seq"]
        while before > 1:
            page = await self._insist(
                "chat.history", room_id=room_id, before=before, limit=HISTORY_PAGE
            )
            self.log.take(page["entries"])
            before = page["entries"][0]["seq"]

    async def say(self, text: str) -> None:
        """Say something once, however often it has to be sent."""
        cid = f"cid-{self._random.getrandbits(64):016x}"
        since: int | None = None
        while not self.log.has(cid):
            more = {} if since is None else {"retry_since": since}
            if since is None:
                since = self.log.end
            else:
                self._troubles.sends_repeated += 1
            tried_at = asyncio.get_running_loop().time()
            with contextlib.suppress(*LOST):
                reply = await self._ask(
                    "chat.send", room_id=self.room_id, text=text, cid=cid, **more
                )
                self.log.take([reply["entry"]])
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(tried_at + REPEAT_AFTER_SECONDS):
                    while not self.log.has(cid):
                        await self._wait_for_news()

    async def hear(self, chats: int) -> None:
        """Wait until so many chats are in the log, with nothing missing before them."""
        while self.log.has_gap or len(self.log.texts()) < chats:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._wait_for_news()
            except TimeoutError:
                with contextlib.suppress(*LOST):
                    await self._catch_up()

    async def _wait_for_news(self) -> None:
        self._raise_wrong()
        self._news.clear()
        await self._news.wait()
        self._raise_wrong()

    def _raise_wrong(self) -> None:
        if self._wrong is not None:
            raise self._wrong

    async def _catch_up(self) -> None:
        """Fetch what is missing until the server says that this is all."""
        complete = False
        while not complete:
            self._troubles.syncs += 1
            position = {"room_id": self.room_id, "after": self.log.end, "epoch": self._epoch}
            room = (await self._ask("room.sync", rooms=[position]))["rooms"][0]
            assert not room.get("reset"), room
            assert not room.get("gone"), room
            self.log.take(room.get("entries", []))
            complete = room.get("complete", False)

    async def _mend(self) -> None:
        """Fill a gap that stays."""
        await asyncio.sleep(GAP_SECONDS)
        if self.log.has_gap:
            self._troubles.gaps += 1
        while self.log.has_gap:
            with contextlib.suppress(*LOST):
                await self._catch_up()
            if self.log.has_gap:  # pushed already, but not yet to be read: it will be
                await asyncio.sleep(GAP_SECONDS)

    async def _insist(self, type_: str, **fields: Any) -> Frame:
        """Ask for what may be asked for twice, until an answer comes."""
        while True:
            with contextlib.suppress(*LOST):
                return await self._ask(type_, **fields)
            await asyncio.sleep(self._random.uniform(0, REDIAL_SECONDS))

    async def _ask(self, type_: str, **fields: Any) -> Frame:
        """Send a command on a connection that has said hello.

        Raises:
            ConnectionError, TimeoutError: no answer came, or a temporary refusal.
            CommandRefusedError: the answer is another error.
        """
        async with asyncio.timeout(REPEAT_AFTER_SECONDS):
            await self._live.wait()
            self._raise_wrong()
            return await self._send(type_, **fields)

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
                self._troubles.handshakes_refused += 1
            except (*LOST, ConnectionClosed, CommandRefusedError):
                self._troubles.connections_lost += 1
            await asyncio.sleep(self._random.uniform(0, REDIAL_SECONDS))

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
                async with asyncio.timeout(REPEAT_AFTER_SECONDS):
                    await self._send("session.hello")
                self._live.set()
                if self.room_id:
                    await self._catch_up()
                await reading
            finally:
                self._live.clear()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._receive(json.loads(text))
            raise ConnectionError("closed by the server")
        except AssertionError as wrong:
            self._wrong = wrong
        finally:
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(ConnectionError("connection lost"))
            self._news.set()

    def _receive(self, frame: Frame) -> None:
        reply = self._replies.get(frame.get("ref", ""))
        if reply is not None:
            if not reply.done():
                reply.set_result(frame)
        elif frame.get("type") == "entries.added":
            self.log.take(frame["entries"])
            if self.log.has_gap and (self._mending is None or self._mending.done()):
                self._mending = asyncio.create_task(self._mend())
            self._news.set()


@dataclass(frozen=True)
class Talk:
    """How a crowd's talk went."""

    people: int
    rooms: int
    chats: int
    #: Until all were connected and greeted, all having begun at once.
    connect_seconds: float
    #: From the first chat until everybody had every chat of their room.
    talk_seconds: float
    troubles: Troubles = field(default_factory=Troubles)


async def talk(seats: Sequence[Seat], rooms: int, chats_each: int, seed: str, topic: str) -> Talk:
    """Fill so many rooms evenly, have everybody say so many chats at once, and compare.

    Args:
        topic: the rooms' names begin with it.

    Raises:
        AssertionError: two people, or a person and the room's history, differ; or a chat is
            missing, there twice, or out of its sender's order.
    """
    clock = asyncio.get_running_loop().time
    troubles = Troubles()
    people = [Talker(seat, f"{seed}-{number}", troubles) for number, seat in enumerate(seats)]
    said = [[f"{number}: {chat}" for chat in range(chats_each)] for number in range(len(people))]
    per_room = len(people) // rooms
    async with contextlib.AsyncExitStack() as connected:
        started = clock()
        await asyncio.gather(*(connected.enter_async_context(p.connected()) for p in people))
        connect_seconds = clock() - started
        for first in range(rooms):
            room_id = await people[first].open(f"{topic}-{first}")
            for guest in people[first + rooms :: rooms]:
                await guest.enter(room_id)

        started = clock()
        await asyncio.gather(
            *(
                _talk_and_hear(person, texts, per_room * chats_each)
                for person, texts in zip(people, said, strict=True)
            )
        )
        talk_seconds = clock() - started

    for first in range(rooms):
        fresh = Talker(seats[first], f"{seed}-fresh-{first}", Troubles())
        async with fresh.connected():
            await fresh.enter(people[first].room_id)
        for person in people[first::rooms]:
            assert person.log.entries() == fresh.log.entries()
        _check_history(fresh.log.texts(), said[first::rooms])
    return Talk(
        people=len(people),
        rooms=rooms,
        chats=len(people) * chats_each,
        connect_seconds=connect_seconds,
        talk_seconds=talk_seconds,
        troubles=troubles,
    )


async def _talk_and_hear(person: Talker, texts: Sequence[str], chats: int) -> None:
    for text in texts:
        await person.say(text)
    await person.hear(chats)


def _check_history(texts: list[str], said: list[list[str]]) -> None:
    """Everything that was said is there, once, and each person's own chats in their order."""
    assert len(texts) == len(set(texts))
    assert set(texts) == set(itertools.chain.from_iterable(said))
    for own in said:
        assert [text for text in texts if text in set(own)] == own
