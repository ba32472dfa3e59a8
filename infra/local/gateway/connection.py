"""A client's WebSocket after its handshake: messages in, messages out, and how it ends.

Framing (RFC 6455) is the websockets library's; what API Gateway makes of it is here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol as Framing
from websockets.protocol import Side, State

from infra.local.gateway.limits import Limits

#: What API Gateway reports of a client that closed without saying why, and of one that vanished.
NO_STATUS_REASON: Final = "Client-side close frame status not set"
ABNORMAL: Final = (CloseCode.ABNORMAL_CLOSURE.value, "Connection closed abnormally")

# The library logs frames, which are people's messages.
_silent: Final = logging.getLogger("infra.local.gateway.framing")
_silent.setLevel(logging.CRITICAL)


class BufferFullError(ConnectionError):
    """A client has left so much unread that it was cut off."""


class Flow(Protocol):
    """Stops and starts reading from a socket."""

    def pause_reading(self) -> None:
        """Let the kernel keep what comes."""

    def resume_reading(self) -> None:
        """Go on."""


class Connection:
    """One socket; an upgraded aiohttp connection's payload parser (``feed_data``, ``feed_eof``)."""

    def __init__(
        self,
        transport: asyncio.Transport,
        flow: Flow,
        limits: Limits,
        *,
        on_message: Callable[[str], None],
        on_activity: Callable[[], None],
    ) -> None:
        """Take over a socket whose handshake has been answered.

        Args:
            transport: writes to it.
            flow: pauses reading from it.
            limits: of frames, messages and what may wait.
            on_message: called with each text message.
            on_activity: called when a frame came or went.
        """
        self._transport = transport
        self._flow = flow
        self._limits = limits
        self._on_message = on_message
        self._on_activity = on_activity
        self._framing = Framing(
            Side.SERVER,
            state=State.OPEN,
            max_size=(limits.message_bytes, limits.frame_bytes),
            logger=_silent,
        )
        #: Frames that came and are not looked at yet, as too many messages are being handled.
        self._waiting: deque[Frame] = deque()
        self._fragments: list[bytes] = []
        self._handled = 0
        self._paused = False
        self._refused = False
        self._closing: asyncio.TimerHandle | None = None
        self._cause: tuple[int, str] | None = None
        #: Whether it was cut off as it left too much unread.
        self.is_unread = False
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._framing.state is State.OPEN and not self._transport.is_closing()

    @property
    def is_closed_by_client(self) -> bool:
        """Once it has ended: whether the client began it, by a close frame or by leaving."""
        framing = self._framing
        if self._cause is not None or self.is_unread:
            return False
        return framing.close_sent is None or bool(framing.close_rcvd_then_sent)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what came from the client; all of it."""
        self._framing.receive_data(data)
        self._on_activity()
        self._take_events()
        return False, b""

    def feed_eof(self) -> None:
        """The client sends no more, or the socket broke."""
        self._framing.receive_eof()
        self._take_events()
        self._end()

    def send_text(self, message: bytes) -> None:
        """Send a message, in frames of the allowed size.

        Raises:
            BufferFullError: the client leaves too much unread; it is cut off.
            ConnectionError: the client is gone.
        """
        if not self.is_open:
            raise ConnectionError("the client is gone")
        unread = self._transport.get_write_buffer_size()
        if unread and unread + len(message) > self._limits.unread_bytes:
            self._cut_off()
            raise BufferFullError("the client does not read")
        size = self._limits.frame_bytes
        frames = [message[start : start + size] for start in range(0, len(message), size)] or [b""]
        last = len(frames) - 1
        for number, frame in enumerate(frames):
            if number == 0:
                self._framing.send_text(frame, fin=number == last)
            else:
                self._framing.send_continuation(frame, fin=number == last)
        self._on_activity()
        self._write()

    def close(self, code: int, reason: str = "") -> None:
        """Close from this side; `ended` is set when the client has answered, or in vain waited."""
        if self._framing.state is not State.OPEN:
            return  # it is closing already
        self._cause = (code, reason)
        self._framing.send_close(code, reason)
        self._write()
        self._expect_end()

    def _cut_off(self) -> None:
        self.is_unread = True
        self.abort()

    def abort(self) -> None:
        """Cut the socket; what was not sent is lost."""
        self._transport.abort()
        self._end()

    def handling(self, change: int) -> None:
        """Say that so many more (or fewer) messages are being handled; others wait for them."""
        self._handled += change
        if self._handled >= self._limits.messages_at_once:
            if not self._paused:
                self._paused = True
                self._flow.pause_reading()
            return
        if change < 0 and self._waiting:
            self._take_frames()
            self._settle()
        if self._paused and not self._waiting and self._handled < self._limits.messages_at_once:
            self._paused = False
            if not self._transport.is_closing():
                self._flow.resume_reading()

    def _take_events(self) -> None:
        for event in self._framing.events_received():
            # What comes after this side has closed is dropped; pings are answered by the framing.
            if (
                isinstance(event, Frame)
                and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
                and self._cause is None
                and not self._refused
            ):
                self._waiting.append(event)
        self._take_frames()
        self._settle()

    def _take_frames(self) -> None:
        # The client may have closed or broken the rules after these frames, which count still.
        while self._waiting and self._handled < self._limits.messages_at_once:
            self._take_frame(self._waiting.popleft())

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            # Only text is supported; the documentation says no more than that.
            self._refuse(CloseCode.UNSUPPORTED_DATA, "Unsupported data")
            return
        if frame.data:  # empty fragments have no size, hence no limit
            self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return
        content = b"".join(self._fragments)
        self._fragments.clear()
        try:
            text = content.decode()
        except UnicodeDecodeError:
            self._refuse(CloseCode.INVALID_DATA, "Invalid UTF-8")
            return
        self._on_message(text)

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self._refused = True
        self._waiting.clear()
        self._framing.fail(code, reason)

    def _settle(self) -> None:
        """After the framing has worked: send what it wants to, and end what it has ended."""
        self._write()
        if self._framing.state is not State.OPEN:
            self._expect_end()

    def _write(self) -> None:
        for data in self._framing.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
        if (
            not self._transport.is_closing()
            and self._transport.get_write_buffer_size() > self._limits.unread_bytes
        ):
            self._cut_off()  # a client that sends pings and reads no answers, for example

    def _expect_end(self) -> None:
        """The closing handshake has begun; it must not last."""
        if self._framing.close_rcvd is not None or self._framing.state is State.CLOSED:
            # Both have said it: the server ends the TCP connection (RFC 6455, 7.1.1).
            self._transport.close()
            self._end()
        elif self._closing is None:
            # What still comes is read and dropped: unread, it would make the kernel reset
            # the connection, and the client would never see the close frame.
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(self._limits.closing_seconds, self.abort)

    def _end(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        if not self.ended.done():
            self.ended.set_result(self._reason())

    def _reason(self) -> tuple[int, str]:
        """Code and reason as $disconnect reports them."""
        if self._cause is not None:
            return self._cause
        framing = self._framing
        close = framing.close_rcvd if framing.close_rcvd_then_sent else framing.close_sent
        close = close or framing.close_rcvd
        if close is None or close.code == CloseCode.ABNORMAL_CLOSURE:
            return ABNORMAL
        if close.code == CloseCode.NO_STATUS_RCVD:
            return close.code, NO_STATUS_REASON
        return close.code, close.reason
