"""A client that keeps the rules of docs/protocol.md, whatever breaks under it.

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
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chalicelib import limits
from tests.support.chat import CommandRefusedError, Frame
from tests.support.room_copy import RoomCopy

#: A command without an answer for so long is repeated.
REPEAT_AFTER_SECONDS = limits.REPEAT_AFTER_MS / 1000
#: Entries that overtook each other arrive within this, as frontend/src/core/sync.ts has it.
GAP_SECONDS = 0.3
#: So long without news, and a client that waits for some asks, in seconds.
QUIET_SECONDS = 3.0
#: Between two tries to connect, or after the server's own failure, at most; each pause is a
#: random part of it, in seconds.
PAUSE_SECONDS = 2.0
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
    #: Found themselves out of a room that they had left and come back to.
    thrown_out: int = 0


@dataclass
class Heard:
    """What clients were pushed, counted."""

    frames: int = 0
    entries: int = 0
    #: How many entries the fullest frame had.
    most: int = 0


class Talker:
    """One person's client, connected as long as the context lasts."""

    def __init__(
        self,
        seat: Seat,
        seed: str,
        troubles: Troubles | None = None,
        heard: Heard | None = None,
    ) -> None:
        self.rooms: dict[str, RoomCopy] = {}
        #: The person's id; known once connected.
        self.me = ""
        #: The rooms in the last ``session.hello``'s answer, by their ids.
        self.listed: dict[str, Frame] = {}
        #: The members of rooms, as they were asked for.
        self.members: dict[str, list[Frame]] = {}
        #: Every frame that came, if somebody wants them.
        self.transcript: list[str] | None = None
        self.random = random.Random(seed)
        self._seat = seat
        self._troubles = Troubles() if troubles is None else troubles
        self._heard = Heard() if heard is None else heard
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
        staying = asyncio.create_task(self._watched(self._stay()))
        try:
            await self._live.wait()
            self._raise_wrong()
            yield self
        finally:
            tasks = [task for task in (staying, self._mending) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._raise_wrong()

    # --- What people do ------------------------------------------------------------------

    async def open(self, name: str) -> str:
        """Make the room and be its host; returns its id."""
        room_id: str = (await self.insist("room.open", name=name))["room"]["room_id"]
        await self.enter(room_id)
        return room_id

    async def enter(self, room_id: str) -> RoomCopy:
        """Join the room, or come back, and load the whole of its history."""
        reply = await self.insist("room.enter", room_id=room_id, limit=HISTORY_PAGE)
        room = reply["room"]
        copy = self.rooms.setdefault(room_id, RoomCopy(room_id, room["epoch"], self.me))
        assert copy.epoch == room["epoch"]
        copy.is_in, copy.is_thrown_out = True, False
        copy.take_own_mark(room.get("read_seq", 0))
        page = reply
        while True:
            copy.take(page["entries"])
            before = page["entries"][0]["seq"]
            if before <= copy.log.end + 1:
                return copy
            page = await self.insist(
                "chat.history", room_id=room_id, before=before, limit=HISTORY_PAGE
            )

    async def say(self, room_id: str, text: str) -> str:
        """Say something once, however often it has to be sent; returns its ``cid``."""
        copy = self.rooms[room_id]
        cid = f"cid-{self.random.getrandbits(64):016x}"
        since: int | None = None
        while not copy.log.has(cid):
            more = {} if since is None else {"retry_since": since}
            if since is None:
                since = copy.log.end
            else:
                self._troubles.sends_repeated += 1
            try:
                reply = await self.ask("chat.send", room_id=room_id, text=text, cid=cid, **more)
                copy.take([reply["entry"]])
            except LOST as lost:
                await self._pause_after(lost)
            except CommandRefusedError as refused:
                if refused.code != "not_member":
                    raise
                await self._come_back(copy)
        return cid

    async def leave(self, room_id: str) -> None:
        """Leave a room."""
        copy = self.rooms[room_id]
        copy.is_in = False
        copy.leaves += 1
        with contextlib.suppress(CommandRefusedError):  # left already, by a try without answer
            await self.insist("room.leave", room_id=room_id)

    async def mark_read(self, room_id: str, seq: int) -> None:
        """Say that everything up to an entry is read."""
        await self.insist("room.read", room_id=room_id, seq=seq)
        self.rooms[room_id].take_own_mark(seq)

    async def change(self, type_: str, room_id: str, seq: int, **fields: Any) -> bool:
        """Edit, delete or react; False if there is no such chat any more."""
        try:
            reply = await self.insist(type_, room_id=room_id, seq=seq, **fields)
        except CommandRefusedError as refused:
            if refused.code != "chat_not_found":
                raise
            return False
        if "entry" in reply:
            self.rooms[room_id].take([reply["entry"]])
        return True

    async def list_members(self, room_id: str) -> None:
        """Ask who is in a room."""
        found: list[Frame] = []
        page: Frame = {"after": None}
        while "after" in page:
            more = {"after": page["after"]} if found else {}
            page = await self.insist("room.members", room_id=room_id, **more)
            found += page["members"]
        self.members[room_id] = found

    async def hear(self, room_id: str, chats: int) -> None:
        """Wait until so many chats are in a log, with nothing missing before them."""
        log = self.rooms[room_id].log
        while log.has_gap or log.chats < chats:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._wait_for_news()
            except TimeoutError:
                with contextlib.suppress(*LOST):
                    await self._catch_up()

    async def settle(self) -> None:
        """Have everything that there is by now."""
        while True:
            try:
                await self._catch_up()
            except LOST as lost:
                await self._pause_after(lost)
                continue
            thrown_out = [copy for copy in self.rooms.values() if copy.is_thrown_out]
            if not thrown_out:
                return
            for copy in thrown_out:
                await self._come_back(copy)

    async def insist(self, type_: str, **fields: Any) -> Frame:
        """Ask for what may be asked for twice, until an answer comes.

        Raises:
            CommandRefusedError: the answer is an error.
        """
        while True:
            try:
                return await self.ask(type_, **fields)
            except LOST as lost:
                await self._pause_after(lost)

    async def ask(self, type_: str, **fields: Any) -> Frame:
        """Send a command on a connection that has said hello.

        Raises:
            ConnectionError, TimeoutError: no answer came, or a temporary refusal.
            CommandRefusedError: the answer is another error.
        """
        self._raise_wrong()
        async with asyncio.timeout(REPEAT_AFTER_SECONDS):
            await self._live.wait()
            self._raise_wrong()
            return await self._send(type_, **fields)

    # --- How their client works ----------------------------------------------------------

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.uniform(0, PAUSE_SECONDS))

    async def _pause_after(self, lost: Exception) -> None:
        """The server's own failure may last; what got lost on the way is repeated at once."""
        if isinstance(lost, NoAnswerError):
            await self._pause()

    async def _come_back(self, copy: RoomCopy) -> None:
        """Enter a room again: a leaving was delivered twice, and late."""
        self._thrown_out(copy)
        self._troubles.thrown_out += 1
        await self.enter(copy.room_id)

    def _thrown_out(self, copy: RoomCopy) -> None:
        assert copy.leaves, f"never left {copy.room_id}, and is not in it"
        copy.is_in, copy.is_thrown_out = False, True

    async def _wait_for_news(self) -> None:
        self._raise_wrong()
        self._news.clear()
        await self._news.wait()
        self._raise_wrong()

    def _raise_wrong(self) -> None:
        if self._wrong is not None:
            raise self._wrong

    async def _catch_up(self) -> None:
        """Fetch what is missing in all rooms until the server says that this is all."""
        waiting = [copy for copy in self.rooms.values() if copy.is_in]
        while waiting:
            self._troubles.syncs += 1
            reply = await self.ask("room.sync", rooms=[copy.position for copy in waiting])
            incomplete = []
            for copy, synced in zip(waiting, reply["rooms"], strict=True):
                assert synced["room_id"] == copy.room_id
                if not copy.is_in:  # left while the answer was on its way
                    continue
                if synced.get("gone"):
                    self._thrown_out(copy)
                    continue
                assert "reset" not in synced, synced
                copy.take(synced.get("entries", []))
                copy.take_own_mark(synced.get("read_seq", 0))
                if not synced.get("complete"):
                    incomplete.append(copy)
            waiting = incomplete

    async def _mend(self) -> None:
        """Fill a gap that stays."""
        await asyncio.sleep(GAP_SECONDS)
        self._troubles.gaps += self._has_gap()
        while self._has_gap():
            with contextlib.suppress(*LOST):
                await self._catch_up()
            if self._has_gap():  # pushed already, but not yet to be read: it will be
                await asyncio.sleep(GAP_SECONDS)

    def _has_gap(self) -> bool:
        return any(copy.is_in and copy.log.has_gap for copy in self.rooms.values())

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

    async def _watched(self, work: Any) -> None:
        """Have whoever asks or waits next know what was wrong in the background."""
        try:
            await work
        except Exception as wrong:  # whatever it is: nobody else would see it
            self._wrong = wrong
            self._live.set()
            self._news.set()

    async def _stay(self) -> None:
        while True:
            try:
                await self._stay_once()
            except InvalidStatus:
                self._troubles.handshakes_refused += 1
            except (*LOST, ConnectionClosed, CommandRefusedError):
                self._troubles.connections_lost += 1
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
                async with asyncio.timeout(REPEAT_AFTER_SECONDS):
                    self._greeted(await self._send("session.hello"))
                self._live.set()
                await self._catch_up()
                await reading
            finally:
                self._live.clear()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _greeted(self, hello: Frame) -> None:
        self.me = hello["me"]["user_id"]
        assert "more_room_ids" not in hello  # nobody here is in so many
        self.listed = {room["room_id"]: room for room in hello["rooms"]}

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
            self._wrong = wrong
            raise
        finally:
            self._live.clear()  # before anybody tries again on this connection
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(ConnectionError("connection lost"))
            self._news.set()

    def _receive(self, frame: Frame) -> None:
        reply = self._replies.get(frame.get("ref", ""))
        if reply is not None:
            if not reply.done():
                reply.set_result(frame)
            return
        copy = self.rooms.get(frame.get("room_id", ""))
        if copy is None or not copy.is_in:
            return
        if frame["type"] == "entries.added":
            self._hear(copy, frame["entries"])
        elif frame["type"] == "read.marked":
            copy.mark_read(frame["user_id"], frame["seq"])

    def _hear(self, copy: RoomCopy, entries: list[Frame]) -> None:
        self._heard.frames += 1
        self._heard.entries += len(entries)
        self._heard.most = max(self._heard.most, len(entries))
        copy.take(entries)
        if copy.log.has_gap and (self._mending is None or self._mending.done()):
            self._mending = asyncio.create_task(self._watched(self._mend()))
        self._news.set()


@asynccontextmanager
async def all_connected(people: Iterable[Talker]) -> AsyncIterator[None]:
    """Connect everybody, at once."""
    async with contextlib.AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(each.connected()) for each in people))
        yield
