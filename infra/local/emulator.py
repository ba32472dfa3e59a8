"""The emulated AWS, as a process of its own: MiniStack, started and mended here.

The supervisor starts ``python -m infra.local.emulator`` and talks to it by pipes:

- stdout, one JSON object per line: ``{"port": …}`` once it listens, then
  ``{"invocation": {…}}`` for every Lambda invocation;
- stdin, one JSON object per line: ``{"warm": [function, …]}`` starts a worker for each.
  The end of stdin ends this process, so it cannot outlive its supervisor, not even one
  that was killed. The state is saved then as after SIGTERM.

MiniStack's own log goes to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

#: How long a stopping emulator waits for requests in flight, in seconds.
GRACE_SECONDS: Final = 0.5

#: How long it lets Lambdas run before that: the people's connections have just been
#: closed, and each is a $disconnect that should still be handled.
LAST_INVOCATIONS_SECONDS: Final = 3.0

#: How often it is looked whether they are over, in seconds; also the time that may pass
#: between the end of a connection and the start of its $disconnect.
QUIET_SECONDS: Final = 0.1

_output = sys.stdout
_output_lock = threading.Lock()
_muted = threading.Event()


def emit(message: dict[str, Any]) -> None:
    """Send a message to the supervisor; from any thread."""
    if _muted.is_set():
        return  # invocations that are being cut off; their tracebacks would say so at length
    line = json.dumps(message, default=str)
    # A broken pipe: the supervisor is gone, the end of stdin is about to say so.
    with _output_lock, contextlib.suppress(BrokenPipeError, ValueError):
        print(line, file=_output, flush=True)


def listen() -> socket.socket:
    """A listening socket on a port of the system's choice, which nobody can take away."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    listener.set_inheritable(False)
    return listener


def _obey_supervisor(ask_to_stop: Callable[[], object]) -> None:
    """Read commands until the supervisor closes the pipe."""
    from infra.local import ministack_repairs

    for line in sys.stdin:
        command = json.loads(line)
        if "warm" in command:
            threading.Thread(
                target=ministack_repairs.warm, args=(command["warm"],), daemon=True
            ).start()
    ask_to_stop()


async def serve(listener: socket.socket) -> None:
    """Serve AWS until SIGTERM or the end of stdin; MiniStack then saves its state."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    from infra.local import ministack_repairs

    ministack_repairs.apply(emit)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    # Ctrl-C reaches the whole terminal; the supervisor decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(
        target=_obey_supervisor,
        args=(lambda: loop.call_soon_threadsafe(stopping.set),),
        daemon=True,
    ).start()

    async def time_to_stop() -> None:
        await stopping.wait()
        deadline = loop.time() + LAST_INVOCATIONS_SECONDS
        await asyncio.sleep(QUIET_SECONDS)
        while ministack_repairs.is_busy() and loop.time() < deadline:
            await asyncio.sleep(QUIET_SECONDS)
        _muted.set()
        # Before the requests that wait for them are cancelled, which would wait, too.
        await asyncio.to_thread(ministack_repairs.end_workers)

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = "WARNING"
    await hypercorn_serve(app, config, shutdown_trigger=time_to_stop)


def main() -> None:
    """Listen, then import MiniStack: it reads its port from the environment."""
    listener = listen()
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    # Whoever connects from here on waits until the import is done, nothing is refused.
    emit({"port": listener.getsockname()[1]})
    # MiniStack's `print` must not end up between the messages to the supervisor.
    sys.stdout = sys.stderr
    asyncio.run(serve(listener))


if __name__ == "__main__":
    main()
