"""The processes of runtime.py as the emulator sees them, on its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import struct
import sys
import termios
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

from infra.local.ministack import runtime

Json: TypeAlias = dict[str, Any]

#: A process that hears nothing more from here ends; how long that may take, in seconds.
END_SECONDS: Final = 1.0

#: How long a process that does not read is waited for before it is looked again, in seconds.
SOCKET_FULL_SECONDS: Final = 0.01

#: How much of what an invocation prints is kept, in bytes. A little less than emulator.py sends.
LOG_BYTES_MAX: Final = 1000 * 1024

#: How much is read at once, in bytes; a pipe's usual size.
READ_BYTES: Final = 64 * 1024

PROGRAM: Final = Path(runtime.__file__)


class EndedError(Exception):
    """A process ended before it answered."""

    def __init__(self, status: int | None) -> None:
        super().__init__(_ending(status))
        self.status = status


def _ending(status: int | None) -> str:
    """How AWS says that an execution environment is gone."""
    if status is None or status == 0:
        return "Runtime exited without providing a reason"
    if status < 0:
        return f"Runtime exited with error: signal: {-status}"
    return f"Runtime exited with error: exit status {status}"


class _Log:
    """The reading end of what processes print.

    A process that a handler has left behind may print without end, so no more is ever read at
    a time than what is there, and while nobody is waited for it has to wait once the pipe is full:
    Lambda would have frozen it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, is_wanted: Callable[[], bool]) -> None:
        """Args: `is_wanted`: whether somebody is at work who may not be held up by a full pipe."""
        self._loop = loop
        self._is_wanted = is_wanted
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._kept = bytearray()
        self._lost = 0
        self._is_open = True
        self._is_watched = False
        self.resume()

    def resume(self) -> None:
        """Go on reading."""
        if self._is_open and not self._is_watched:
            self._is_watched = True
            self._loop.add_reader(self._reader, self._on_readable)

    def _pause(self) -> None:
        self._is_watched = False
        self._loop.remove_reader(self._reader)

    def _on_readable(self) -> None:
        is_over = not self._read(READ_BYTES)
        if is_over or not self._is_wanted():
            self._pause()

    def _read(self, size: int) -> bool:
        """Read once, at most so many bytes; False at the end."""
        try:
            data = os.read(self._reader, size)
        except BlockingIOError:
            return True
        room = LOG_BYTES_MAX - len(self._kept)
        self._kept += data[:room]
        self._lost += max(0, len(data) - room)
        return bool(data)

    def _read_present(self) -> None:
        """Read what is in the pipe now, and nothing that comes meanwhile."""
        size = struct.Struct("i")
        present = fcntl.ioctl(self._reader, termios.FIONREAD, bytes(size.size))
        if count := size.unpack(present)[0]:
            self._read(count)

    def finish(self) -> None:
        """Read what is left and no more; what was read can still be taken."""
        if self._is_open:
            self._read_present()
            self._is_open = False
            self._pause()
            os.close(self._reader)

    def take(self) -> str:
        """All that was printed until now, and forget it.

        What a process prints is in the pipe before the message that it sends next, so after
        that message nothing is missing.
        """
        if self._is_open:
            self._read_present()
        text = self._kept.decode(errors="replace")
        if self._lost:
            text += f"\n… and {self._lost} bytes more"
        self._kept.clear()
        self._lost = 0
        return text


class Process(asyncio.Protocol):
    """One process: asked by messages, answered in order."""

    #: All that were started and have not ended.
    living: ClassVar[set[Process]] = set()

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._socket, self._theirs = socket.socketpair()
        self._socket.setblocking(False)
        self._received = bytearray()
        self._answers: deque[asyncio.Future[Json]] = deque()
        self._log = _Log(loop, lambda: bool(self._answers))
        self._unclaimed: deque[Json] = deque()
        self._forked: deque[Process] = deque()
        self._children: dict[int, Process] = {}
        self._kill: Callable[[], None] = lambda: None
        self._transport: asyncio.Transport | None = None
        self._reaper: asyncio.Task[None] | None = None
        self.pid = 0
        #: Its exit status (minus the number of a signal); None if that is unknown.
        self.ended: asyncio.Future[int | None] = loop.create_future()

    # --- Starting ------------------------------------------------------------------------

    @classmethod
    async def spawn(cls, order: Json, environment: dict[str, str]) -> Process:
        """Start a process from nothing."""
        process = cls()
        child = await asyncio.create_subprocess_exec(
            # -P: the directory of the program is not searched for modules.
            *(sys.executable, "-P", "-u", str(PROGRAM), str(process._theirs.fileno())),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=process._log.writer,
            stderr=process._log.writer,
            pass_fds=[process._theirs.fileno()],
        )
        await process._connect(child.pid, child.kill)

        async def wait() -> None:
            process._on_exit(await child.wait())

        process._reaper = asyncio.create_task(wait())
        process.tell(order)
        return process

    async def fork(self, order: Json) -> Process:
        """Have this process fork another."""
        process = Process()
        handed = [process._theirs.fileno(), process._log.writer]
        data = _framed({"fork": order})
        try:
            await self._hand_over(data[:1], handed)
            self._forked.append(process)
            self._write(data[1:])
            pid = (await self._expect())["forked"]
        except BaseException:
            process._abandon()
            raise
        try:
            await process._connect(pid, lambda: self.tell({"kill": pid}))
        except BaseException:
            process.dismiss()
            raise
        return process

    async def _hand_over(self, data: bytes, descriptors: list[int]) -> None:
        """Send a byte with descriptors after all that was sent before.

        Raises:
            EndedError: the process has ended.
        """
        while not self.ended.done():
            if self._transport is None or not self._transport.get_write_buffer_size():
                try:
                    socket.send_fds(self._socket, [data], descriptors)
                except BlockingIOError:
                    pass  # its end of the socket is full
                except OSError:
                    await asyncio.shield(self.ended)
                    break
                else:
                    return
            await asyncio.sleep(SOCKET_FULL_SECONDS)
        raise EndedError(self.ended.result())

    async def _connect(self, pid: int, kill: Callable[[], None]) -> None:
        self.pid, self._kill = pid, kill
        self._theirs.close()
        os.close(self._log.writer)
        if self.ended.done():
            return
        self.living.add(self)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_unix_connection(
            lambda: self, sock=self._socket.dup()
        )

    def _abandon(self) -> None:
        for end in (self._theirs, self._socket):
            end.close()
        os.close(self._log.writer)
        self._log.finish()

    # --- Talking -------------------------------------------------------------------------

    def tell(self, message: Json) -> None:
        """Send a message that is not answered."""
        self._write(_framed(message))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self.ended.done():
            self._transport.write(data)

    def _expect(self) -> asyncio.Future[Json]:
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        if self._unclaimed:
            answer.set_result(self._unclaimed.popleft())
        elif self.ended.done():
            answer.set_exception(EndedError(self.ended.result()))
        else:
            self._answers.append(answer)
            self._log.resume()
        return answer

    async def answer(self) -> Json:
        """Wait for a message that was asked for at the start.

        Raises:
            EndedError: the process ended instead.
        """
        return await self._expect()

    async def ask(self, message: Json) -> Json:
        """Send a message and wait for its answer.

        Raises:
            EndedError: the process ended instead.
        """
        answer = self._expect()
        self.tell(message)
        return await answer

    def data_received(self, data: bytes) -> None:
        """Take messages apart."""
        received = self._received
        received += data
        while len(received) >= runtime.LENGTH.size:
            end = runtime.LENGTH.size + runtime.LENGTH.unpack_from(received)[0]
            if len(received) < end:
                return
            message = _parsed(bytes(received[runtime.LENGTH.size : end]))
            del received[:end]
            if "forked" in message:
                # At once: that it has ended may be the next message.
                self._children[message["forked"]] = self._forked.popleft()
            if "exited" in message:
                child = self._children.pop(message["exited"], None)
                if child is not None:
                    child._on_exit(message["status"])
            elif self._answers:
                answer = self._answers.popleft()
                if not answer.done():
                    answer.set_result(message)
            else:
                self._unclaimed.append(message)

    # --- Ending --------------------------------------------------------------------------

    def connection_lost(self, error: Exception | None) -> None:
        """It has closed its end: it has ended, and how is told next, if ever."""
        asyncio.get_running_loop().call_later(END_SECONDS, self._on_exit, None)

    def _on_exit(self, status: int | None) -> None:
        if self.ended.done():
            return
        self._receive_last()
        self.ended.set_result(status)
        self.living.discard(self)
        self._log.finish()
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(EndedError(status))
        self._answers.clear()
        # A process that it has left behind may hold the other end.
        if self._transport is not None:
            self._transport.abort()
        self._socket.close()
        for child in self._children.values():
            # Most see their parent's end as the end of theirs, but not one in an endless loop.
            # The other end of its socket tells that it is there, and the number its own.
            if child._is_heard():
                child.kill_now()
            child._on_exit(None)
        self._children.clear()

    def _is_heard(self) -> bool:
        """Whether some process has the other end of the socket."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _receive_last(self) -> None:
        """Take what it sent before it ended: the news of that may come first."""
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65536):
                self.data_received(data)

    def log(self) -> str:
        """What it has printed since this was asked last."""
        return self._log.take()

    def kill(self) -> None:
        """End it at once."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._kill()

    def dismiss(self) -> None:
        """Let it end: an idle worker does so at once, a code process with its workers."""
        if self._transport is not None:
            self._transport.abort()
        self._socket.close()

    def kill_now(self) -> None:
        """End it without the help of any other process; for the end of the emulator."""
        if not self.ended.done() and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)


def _framed(message: Json) -> bytes:
    data = json.dumps(message).encode()
    return runtime.LENGTH.pack(len(data)) + data


def _parsed(data: bytes) -> Json:
    """A message, which has a handler's result in it."""
    try:
        message: Json = json.loads(data)
    except RecursionError as error:
        text = f"Unable to marshal response: {error}"
        failure = {"errorType": "Runtime.MarshalError", "errorMessage": text}
        return {"error": failure, "trace": text}
    return message
