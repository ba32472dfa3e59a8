"""A client that keeps the rules of docs/protocol.md, whatever breaks under it.

Made for hundreds of connections in one process (asyncio, no threads). What breaks is
mended as the site's own client mends it: a lost connection by a new one, a gap by
``room.sync``, a send without an answer by a repeat with the same ``cid``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from typing import Any

from chalicelib import limits
from tests.support.chat import CommandRefusedError, Frame
from tests.support.room_copy import RoomCopy
from tests.support.staying import LOST, Seat, StayingClient, Troubles

#: Entries that overtook each other arrive within this, as frontend/src/core/sync.ts has it.
GAP_SECONDS = 0.3
#: So long without news, and a client that waits for some asks, in seconds.
QUIET_SECONDS = 3.0
HISTORY_PAGE = limits.HISTORY_PAGE_MAX


@dataclass
class Heard:
    """What clients were pushed of rooms' logs, counted."""

    frames: int = 0
    entries: int = 0
    #: How many entries the fullest frame had.
    most: int = 0


class Talker(StayingClient):
    """One person's client."""

    def __init__(
        self,
        seat: Seat,
        seed: str,
        troubles: Troubles | None = None,
        heard: Heard | None = None,
    ) -> None:
        super().__init__(seat, seed, Troubles() if troubles is None else troubles)
        self.rooms: dict[str, RoomCopy] = {}
        #: The person's id; known once connected.
        self.me = ""
        #: The rooms in the last ``session.hello``'s answer, by their ids.
        self.listed: dict[str, Frame] = {}
        #: The members of rooms, as they were asked for.
        self.members: dict[str, list[Frame]] = {}
        self._heard = Heard() if heard is None else heard
        self._mending: asyncio.Task[None] | None = None

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
        copy.take_name(room.get("name_seq", 0), room["name"])
        copy.is_muted = room.get("muted", False)
        page = reply
        while True:
            copy.take(page["entries"])
            before = page["entries"][0]["seq"]
            if before <= copy.log.end + 1:
                return copy
            page = await self.insist(
                "chat.history", room_id=room_id, before=before, limit=HISTORY_PAGE
            )

    async def say(self, room_id: str, text: str, **more: Any) -> str:
        """Say something once, however often it has to be sent; returns its ``cid``."""
        copy = self.rooms[room_id]
        cid = f"cid-{self.random.getrandbits(64):016x}"
        chat: Frame = {"room_id": room_id, "text": text, "cid": cid, **more}
        since = copy.log.end
        tries = 0
        while not copy.log.has(cid):
            try:
                reply = await self.ask("chat.send", tries, **chat)
                copy.take([reply["entry"]])
            except LOST as lost:
                await self.pause_after(lost)
            except CommandRefusedError as refused:
                if refused.code != "not_member":
                    raise
                await self._come_back(copy)
            tries += 1
            chat["retry_since"] = since
        self.troubles.sends_repeated += tries - 1
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

    async def rename_room(self, room_id: str, name: str) -> None:
        """Give a room another name, as its host."""
        await self.insist("room.rename", room_id=room_id, name=name)

    async def mute(self, room_id: str, *, on: bool) -> None:
        """Mute a room, or end that."""
        await self.insist("room.mute", room_id=room_id, on=on)
        self.rooms[room_id].is_muted = on

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

    async def await_chats(self, room_id: str, chats: int) -> None:
        """Wait until so many chats are in a log, with nothing missing before them."""
        log = self.rooms[room_id].log
        while log.has_gap or log.chats < chats:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self.wait_for_news()
            except TimeoutError:
                with contextlib.suppress(*LOST):
                    await self.catch_up()

    async def settle(self) -> None:
        """Have everything that there is by now."""
        for tries in itertools.count():
            try:
                await self.catch_up(tries)
            except LOST as lost:
                await self.pause_after(lost)
                continue
            thrown_out = [copy for copy in self.rooms.values() if copy.is_thrown_out]
            if not thrown_out:
                return
            for copy in thrown_out:
                await self._come_back(copy)

    # --- How their client works ----------------------------------------------------------

    def greeted(self, hello: Frame) -> None:
        """See who one is, and one's rooms."""
        self.me = hello["me"]["user_id"]
        assert "more_room_ids" not in hello  # nobody here is in so many
        self.listed = {room["room_id"]: room for room in hello["rooms"]}

    async def _come_back(self, copy: RoomCopy) -> None:
        """Enter a room again: a leaving was delivered twice, and late."""
        self._thrown_out(copy)
        self.troubles.thrown_out += 1
        await self.enter(copy.room_id)

    def _thrown_out(self, copy: RoomCopy) -> None:
        assert copy.leaves, f"never left {copy.room_id}, and is not in it"
        copy.is_in, copy.is_thrown_out = False, True

    async def catch_up(self, tries: int = 0) -> None:
        """Fetch what is missing in all rooms until the server says that this is all."""
        waiting = [copy for copy in self.rooms.values() if copy.is_in]
        while waiting:
            self.troubles.syncs += 1
            reply = await self.ask("room.sync", tries, rooms=[copy.position for copy in waiting])
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
                copy.is_muted = synced.get("muted", False)
                if not synced.get("complete"):
                    incomplete.append(copy)
            waiting = incomplete

    async def _mend(self) -> None:
        """Fill a gap that stays."""
        await asyncio.sleep(GAP_SECONDS)
        self.troubles.gaps += self._has_gap()
        for tries in itertools.takewhile(lambda _: self._has_gap(), itertools.count()):
            with contextlib.suppress(*LOST):
                await self.catch_up(tries)
            if self._has_gap():  # pushed already, but not yet to be read: it will be
                await asyncio.sleep(GAP_SECONDS)

    def _has_gap(self) -> bool:
        return any(copy.is_in and copy.log.has_gap for copy in self.rooms.values())

    def hear(self, frame: Frame) -> None:
        """Take a push."""
        copy = self.rooms.get(frame.get("room_id", ""))
        if copy is None or not copy.is_in:
            return
        if frame["type"] == "entries.added":
            self._hear_entries(copy, frame["entries"])
        elif frame["type"] == "read.marked":
            copy.mark_read(frame["user_id"], frame["seq"])

    def _hear_entries(self, copy: RoomCopy, entries: list[Frame]) -> None:
        self._heard.frames += 1
        self._heard.entries += len(entries)
        self._heard.most = max(self._heard.most, len(entries))
        copy.take(entries)
        if copy.log.has_gap and (self._mending is None or self._mending.done()):
            self._mending = self.work(self._mend())
