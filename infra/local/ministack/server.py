"""MiniStack behind an HTTP server written in C rather than Python."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from infra.local.ministack.guard import guarded

#: How long a connection stays open between two requests, in seconds. Longer than botocore's
#: and aiohttp's, so that it is the client who closes.
KEEP_ALIVE_SECONDS: Final = 75

#: How long a stopping server waits for requests in flight, in seconds.
GRACE_SECONDS: Final = 1


class Server(uvicorn.Server):
    """Serves until told to stop; signals are not its matter."""

    def __init__(self, app: Any) -> None:
        """Args: `app` is MiniStack's ASGI application."""
        config = uvicorn.Config(
            guarded(app),
            http="httptools",
            ws="none",  # the gateway has them
            lifespan="on",
            proxy_headers=False,
            access_log=False,
            log_level="warning",
            server_header=False,
            # MiniStack sends its own.
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)

    async def run_on(self, listener: socket.socket) -> None:
        """Serve on a listening socket."""
        await self.serve(sockets=[listener])

    def stop(self) -> None:
        """Finish what runs, have MiniStack save its state, and return from `run_on`."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers as they are."""
        yield
