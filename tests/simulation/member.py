"""A member of a room whose connection is cut again and again.

Does what every client must (docs/protocol.md): orders and dedupes by ``seq``, catches up
with ``room.sync``, and repeats what got no answer with the same ``cid``.
"""

from __future__ import annotations

import random
from typing import Any

from chalicelib import limits
from tests.support.chat import ChatClient
from tests.support.room_log import RoomLog
from tests.support.site import Browser

REPEAT_AFTER_SECONDS = limits.REPEAT_AFTER_MS / 1000
LOST = (ConnectionError, TimeoutError)


class Member:
    """One person in one room."""

    def __init__(self, browser: Browser, room_id: str, seed: str) -> None:
        self.browser = browser
        self.room_id = room_id
        self.random = random.Random(seed)
        self.log = RoomLog()
        self.epoch = ""
        self.cuts = 0
        self.repeats = 0
        self._client: ChatClient | None = None

    @property
    def client(self) -> ChatClient:
        """A live connection, that has caught up if it is a new one."""
        if self._client is None or self._client.closed.is_set():
            self._take_pushes()
            self._client = self.browser.chat()
            if self.log.end:
                self.catch_up()
            else:
                self._enter()
        return self._client

    def say(self, text: str) -> None:
        """Say something once, through however many connections."""
        cid = f"cid-{self.random.getrandbits(64):016x}"
        since: int | None = None
        while not self.has(cid):
            try:
                client = self.client
                if self.has(cid):
                    return
                if self._cuts(0.1):
                    self.cut()
                    continue
                more = {} if since is None else {"retry_since": since}
                if since is None:
                    since = self.log.end
                else:
                    self.repeats += 1
                reply = client.begin("chat.send", room_id=self.room_id, text=text, cid=cid, **more)
                if self._cuts(0.1):
                    self.cut()
                    continue
                answer = reply.result(REPEAT_AFTER_SECONDS)
            except LOST:  # no answer, which says nothing about what happened
                continue
            if answer["type"] == "ok":
                self.log.take([answer["entry"]])
            else:
                assert answer["code"] == "stale", answer

    def catch_up(self) -> None:
        """Fetch what is missing until the server says that it is complete."""
        client = self.client
        while True:
            position = {"room_id": self.room_id, "after": self.log.end, "epoch": self.epoch}
            room = client.ask("room.sync", rooms=[position])["rooms"][0]
            assert "reset" not in room
            self.log.take(room.get("entries", []))
            if room.get("complete"):
                return

    def settle(self) -> None:
        """Catch up for good: the connection is not cut any more."""
        while True:
            try:
                self.catch_up()
            except LOST:
                continue
            self._take_pushes()
            return

    def cut(self) -> None:
        """Lose the connection without a word."""
        self.cuts += 1
        client = self.client
        transport: Any = client.transport
        transport.cut()
        client.closed.wait(REPEAT_AFTER_SECONDS)  # else the next try would be made on it, too

    def has(self, cid: str) -> bool:
        """Whether an own chat is in the log as far as this member knows it."""
        self._take_pushes()
        return self.log.has(cid)

    def _enter(self) -> None:
        assert self._client is not None
        reply = self._client.ask("room.enter", room_id=self.room_id, limit=100)
        self.epoch = reply["room"]["epoch"]
        self.log.take(reply["entries"])

    def _take_pushes(self) -> None:
        if self._client is not None:
            self.log.take(list(self._client.entries))

    def _cuts(self, probability: float) -> bool:
        return self.random.random() < probability
