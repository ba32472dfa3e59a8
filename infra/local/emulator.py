"""The emulated AWS, as a process of its own: MiniStack, started and mended here.

The supervisor starts ``python -m infra.local.emulator`` and talks to it by pipes:

- stdout, one JSON object per line: ``{"port": …}`` once it listens, then
  ``{"invocation": {…}}`` for every Lambda invocation;
- stdin, one JSON object per line. ``{"warm": [function, …]}`` starts a worker for each;
  ``{"id", "prepare": {"function", "zip"}}`` imports new code before the function gets it;
  ``{"id", "authorize": {…}}`` asks IAM (ministack/identity.py). What has an id is answered:
  ``{"answer": id, "result": …}``, or ``"failed"`` with a traceback instead.
  The end of stdin ends this process, so it cannot outlive its supervisor, not even one
  that was killed. The state is saved then as after SIGTERM.

MiniStack's own log goes to stderr.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Final

#: How long it lets Lambdas run before that: the people's connections have just been
#: closed, and each is a $disconnect that should still be handled.
LAST_INVOCATIONS_SECONDS: Final = 3.0

#: How often it is looked whether they are over, in seconds; also the time that may pass
#: between the end of a connection and the start of its $disconnect.
QUIET_SECONDS: Final = 0.1

#: What a message says at most in one text, in characters; in a log, which is the longest
#: (LOG_BYTES_MAX in ministack/processes.py). As JSON, none can be longer than a line may be.
TEXT_CHARACTERS_MAX: Final = 64 * 1024
LOG_CHARACTERS_MAX: Final = 1024 * 1024

_output = sys.stdout
_output_lock = threading.Lock()
_muted = threading.Event()


def emit(message: dict[str, Any]) -> None:
    """Send a message to the supervisor; from any thread."""
    if _muted.is_set():
        return  # invocations that are being cut off; their tracebacks would say so at length
    line = json.dumps(shortened(message), default=str)
    # A broken pipe: the supervisor is gone, the end of stdin is about to say so.
    with _output_lock, contextlib.suppress(BrokenPipeError, ValueError):
        print(line, file=_output, flush=True)


def shortened(message: Any, text_max: int = TEXT_CHARACTERS_MAX) -> Any:
    """A message whose texts fit into a line: handlers choose how long an exception's is."""
    if isinstance(message, dict):
        return {
            key: shortened(value, LOG_CHARACTERS_MAX if key == "log" else text_max)
            for key, value in message.items()
        }
    if isinstance(message, (list, tuple)):
        return [shortened(value, text_max) for value in message]
    if isinstance(message, str) and len(message) > text_max:
        return f"{message[:text_max]} … ({len(message)} characters)"
    return message


def listen() -> socket.socket:
    """A listening socket on a port of the system's choice, which nobody can take away."""
    # With the protocol named, asyncio sees that it is TCP and sends without delay; else an
    # answer in two packets waits 40 ms for the client's acknowledgement of the first.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    listener.set_inheritable(False)
    return listener


class Emulator:
    """MiniStack, and the supervisor's commands to it."""

    def __init__(self) -> None:
        from ministack.app import app

        from infra.local import ministack

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._mended = ministack
        self._invocations = ministack.apply(emit, os.environ)
        self._server = ministack.Server(app)
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Serve AWS until SIGTERM or the end of stdin; MiniStack then saves its state."""
        self._loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        # Ctrl-C reaches the whole terminal; the supervisor decides what happens.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._hear_supervisor, daemon=True).start()
        stopping = asyncio.create_task(self._stop_when_asked())
        await self._server.run_on(listener)
        stopping.cancel()

    def _hear_supervisor(self) -> None:
        """Read commands until the supervisor closes the pipe."""
        for line in sys.stdin:
            self._loop.call_soon_threadsafe(self._obey, json.loads(line))
        self._loop.call_soon_threadsafe(self._stopping.set)

    def _obey(self, command: dict[str, Any]) -> None:
        task = self._loop.create_task(self._answer(command))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, command: dict[str, Any]) -> None:
        """Do what a command says; one with an id is answered."""
        answer: dict[str, Any] = {"answer": command.get("id")}
        try:
            answer["result"] = await self._result(command)
        except Exception:
            answer["failed"] = traceback.format_exc()
        if "id" in command:
            emit(answer)

    async def _result(self, command: dict[str, Any]) -> Any:
        if "warm" in command:
            return await self._invocations.warm(command["warm"])
        if "authorize" in command:
            return self._mended.authorize(command["authorize"], os.environ["AWS_DEFAULT_REGION"])
        wanted = command["prepare"]
        code = await asyncio.to_thread(Path(wanted["zip"]).read_bytes)
        return {"error": await self._invocations.prepare(wanted["function"], code)}

    async def _stop_when_asked(self) -> None:
        await self._stopping.wait()
        deadline = self._loop.time() + LAST_INVOCATIONS_SECONDS
        await asyncio.sleep(QUIET_SECONDS)
        while self._mended.is_busy(self._invocations) and self._loop.time() < deadline:
            await asyncio.sleep(QUIET_SECONDS)
        _muted.set()
        # Before the requests that wait for them, which would wait, too.
        await self._mended.end(self._invocations)
        self._server.stop()


async def serve(listener: socket.socket) -> None:
    """Be MiniStack."""
    emulator = Emulator()
    # All that was imported stays; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    await emulator.serve(listener)


def end_orphans(supervisor: int) -> None:
    """End what Lambdas have started, and this process, if the supervisor cannot do it any more.

    Args:
        supervisor: its process id.
    """
    if os.getppid() != supervisor and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Listen, then import MiniStack: it reads its port from the environment."""
    # What is registered first is called last.
    atexit.register(end_orphans, os.getppid())
    listener = listen()
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    # Whoever connects from here on waits until the import is done, nothing is refused.
    emit({"port": listener.getsockname()[1]})
    # MiniStack's `print` must not end up between the messages to the supervisor.
    sys.stdout = sys.stderr
    asyncio.run(serve(listener))


if __name__ == "__main__":
    main()
