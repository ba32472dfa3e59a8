"""Listening on the loopback addresses, and saying clearly when a port is taken.

Browsers resolve ``localhost`` to 127.0.0.1 or to ::1, as they like: a local server has to
answer on both, and on nothing else.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from infra.errors import InfraError

#: How often another ephemeral port is tried when ::1 has it taken already.
EPHEMERAL_ATTEMPTS: Final = 16
BACKLOG: Final = 256

_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EACCES})


class _WellFormed(logging.Filter):
    """Lets nothing pass about requests that are no HTTP.

    Their sender is told; aiohttp would log parts of them, such as tokens, as errors of ours.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


_log: Final = logging.getLogger(f"{__name__}.server")
_log.addFilter(_WellFormed())


class PortTakenError(InfraError):
    """A port that a local server needs is not to be had.

    ``port`` is the TCP port, ``service`` what wanted it, ``address`` where it is taken.
    """

    def __init__(self, port: int, service: str, address: str) -> None:
        self.port = port
        self.service = service
        self.address = address
        super().__init__(
            f"port {port} is taken on {address}, and {service} needs it: stop what listens there "
            f"(`lsof -nP -iTCP:{port} -sTCP:LISTEN` shows it) or choose another port"
        )


def listen(port: int, service: str) -> list[socket.socket]:
    """Binds ``port`` (0 picks a free one) on 127.0.0.1 and, where there is IPv6, on ::1.

    All the returned sockets listen on the same port. ``service`` is named in the error.
    Raises PortTakenError.
    """
    for _ in range(EPHEMERAL_ATTEMPTS if port == 0 else 1):
        first = _bind(socket.AF_INET, "127.0.0.1", port, service)
        actual = int(first.getsockname()[1])
        try:
            return [first, _bind(socket.AF_INET6, "::1", actual, service)]
        except PortTakenError:
            first.close()
            if port != 0:
                raise
        except OSError:  # a machine without IPv6
            return [first]
    raise PortTakenError(port, service, "::1")


def _bind(family: socket.AddressFamily, address: str, port: int, service: str) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it a restart would wait for TIME_WAIT; it does not let two servers share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno in _TAKEN:
            raise PortTakenError(port, service, address) from error
        raise
    return listener


class LocalServer:
    """An aiohttp application on both loopback addresses, from ``start`` to ``stop``."""

    def __init__(self, app: web.Application, *, shutdown_seconds: float) -> None:
        """``shutdown_seconds``: how long ``stop`` waits for requests in flight."""
        # Local servers see tokens and people's names: no access log.
        self._runner = web.AppRunner(
            app, access_log=None, logger=_log, shutdown_timeout=shutdown_seconds
        )
        self._is_set_up = False

    async def start(self, port: int, service: str, tls: ssl.SSLContext | None = None) -> int:
        """Listens, and returns the port (useful when ``port`` is 0). Again: on another port, too.

        Raises PortTakenError.
        """
        sockets = listen(port, service)
        actual = int(sockets[0].getsockname()[1])
        if not self._is_set_up:
            await self._runner.setup()
            self._is_set_up = True
        for listener in sockets:
            await web.SockSite(self._runner, listener, backlog=BACKLOG, ssl_context=tls).start()
        return actual

    async def stop(self) -> None:
        """Stops listening and closes every connection; harmless when it was never started."""
        await self._runner.cleanup()
