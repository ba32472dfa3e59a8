"""A chat client for tests: commands, their replies, and the events in between."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

Frame = dict[str, Any]
#: Generous, as machines are noisy; what is waited for comes in milliseconds.
TIMEOUT = 20.0


class Transport(Protocol):
    """What carries frames: a WebSocket, or the handlers themselves."""

    connection_id: str

    def send(self, frame: str) -> None:
        """Send a frame to the server."""

    def close(self) -> None:
        """End the connection as a client does."""


class ConnectionRefusedWithStatusError(Exception):
    """The handshake was refused."""

    def __init__(self, status: int) -> None:
        super().__init__(f"handshake refused with {status}")
        self.status = status


class CommandRefusedError(Exception):
    """The server answered a command with an error frame."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame.get('code')}: {frame.get('message')}")
        self.frame = frame
        self.code: str = frame.get("code", "")


class ChatClient:
    """One connection of one person."""

    def __init__(self) -> None:
        self.transport: Transport
        self.events: list[Frame] = []
        #: Entries that were pushed, in the order in which they came.
        self.entries: list[Frame] = []
        #: Who its person is, as the last ``session.hello`` told.
        self.me: Frame = {}
        self.closed = threading.Event()
        self._replies: dict[str, Future[Frame]] = {}
        self._without_ref: list[Frame] = []
        self._refs = itertools.count(1)
        self._changed = threading.Condition()

    def receive(self, frame: str) -> None:
        """Called by the transport for every frame from the server."""
        content: Frame = json.loads(frame)
        with self._changed:
            waiting = self._replies.pop(content.get("ref", ""), None)
            if waiting is not None:
                waiting.set_result(content)
            elif content.get("type") in ("ok", "error") or "type" not in content:
                self._without_ref.append(content)
            else:
                self.events.append(content)
                self.entries.extend(content.get("entries", []))
            self._changed.notify_all()

    def lost(self) -> None:
        """Called by the transport when the connection has ended."""
        with self._changed:
            self.closed.set()
            for waiting in self._replies.values():
                waiting.set_exception(ConnectionError("connection lost"))
            self._replies.clear()
            self._changed.notify_all()

    def begin(self, type_: str, **fields: Any) -> Future[Frame]:
        """Send a command; its reply comes as a future."""
        ref = str(next(self._refs))
        reply: Future[Frame] = Future()
        with self._changed:
            self._replies[ref] = reply
        self.transport.send(json.dumps({"type": type_, "ref": ref, **fields}, ensure_ascii=False))
        return reply

    def ask(self, type_: str, **fields: Any) -> Frame:
        """Send a command and wait for its ``ok``. Raises CommandRefusedError."""
        reply = self.begin(type_, **fields).result(TIMEOUT)
        if reply["type"] != "ok":
            raise CommandRefusedError(reply)
        if type_ == "session.hello":
            self.me = reply["me"]
        return reply

    def send_raw(self, frame: str, ref: str = "") -> Frame:
        """Send any text and wait for the answer with that ``ref`` (or without one)."""
        if ref:
            waiting: Future[Frame] = Future()
            with self._changed:
                self._replies[ref] = waiting
            self.transport.send(frame)
            return waiting.result(TIMEOUT)
        self.transport.send(frame)
        with self._changed:
            self._wait(lambda: bool(self._without_ref), "an answer without ref")
            return self._without_ref.pop(0)

    def wait_for(self, type_: str, where: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """The next event of a type that fits; earlier ones stay."""
        return self._take(
            self.events, lambda event: event["type"] == type_ and where(event), what=type_
        )

    def wait_for_entry(self, **wanted: Any) -> Frame:
        """The next pushed log entry that has these fields; earlier ones stay."""

        def fits(entry: Frame) -> bool:
            return all(entry.get(name) == value for name, value in wanted.items())

        return self._take(self.entries, fits, what=f"an entry with {wanted}")

    def _take(self, found: list[Frame], fits: Callable[[Frame], bool], what: str) -> Frame:
        with self._changed:
            self._wait(lambda: any(map(fits, found)), f"{what} among {found}")
            frame = next(filter(fits, found))
            found.remove(frame)
            return frame

    def close(self) -> None:
        """End the connection."""
        self.transport.close()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if self.closed.is_set() or not self._changed.wait(deadline - time.monotonic()):
                if condition():
                    return
                raise AssertionError(f"waited in vain for {what}")
