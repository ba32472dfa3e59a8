"""Kept-alive connections to an HTTP server. None of their methods waits.

Whoever uses them waits with a selector, for all of them at once.
"""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from chalicelib.http1 import Answer, BadAnswerError, read_answer

#: What can go wrong with a channel: it is of no use then.
ChannelErrors: Final = (OSError, BadAnswerError)  # ssl's errors are OSErrors

#: How a socket says that it would have to wait.
_WOULD_WAIT: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

#: A whole TLS record; of less, a part would stay in the TLS layer, where no selector sees it.
_READ_BYTES: Final = 16 * 1024


class Endpoint(NamedTuple):
    """Where a server is."""

    host: str
    port: int
    is_tls: bool
    #: The Host header: without the scheme's own port, as botocore signs it.
    authority: str
    #: What all paths begin with, without a slash at the end.
    path: str

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """The endpoint of a URL.

        Raises:
            ValueError: it is no http or https URL, or has more than host, port and path.
        """
        parts = urlsplit(url)
        port = parts.port  # raises ValueError
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http or https URL")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("has more than host, port and path")
        is_tls = parts.scheme == "https"
        usual = 443 if is_tls else 80
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(
            host=parts.hostname,
            port=port or usual,
            is_tls=is_tls,
            authority=host if port in (None, usual) else f"{host}:{port}",
            path=parts.path.rstrip("/"),
        )


class Address(NamedTuple):
    """One of an endpoint's addresses."""

    family: int
    sockaddr: Any


def resolve(endpoint: Endpoint, seconds: float) -> list[Address]:
    """The addresses of an endpoint.

    Raises:
        OSError: there are none, or they were not found in time.
    """
    found: list[Address] = []
    errors: list[OSError] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        except OSError as error:
            errors.append(error)
        else:
            found.extend(Address(info[0], info[4]) for info in infos)

    # getaddrinfo takes no time limit, and a resolver that is away can take 10 s and more.
    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not found:
        raise TimeoutError("name resolution timed out")
    return found


class Tls:
    """What channels with TLS have in common."""

    def __init__(self, ca_file: str, likely: str = "") -> None:
        """Trust the CAs in a file.

        Args:
            ca_file: certificates as certifi and botocore have them: each after a line
                ``# Label: "NAME"``.
            likely: how the names of those begin that will probably do. Reading only these
                takes 2 ms instead of 30; the others are read when a server needs them.
        """
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        #: Resuming what was agreed on once takes half the CPU of a new handshake.
        self.session: ssl.SSLSession | None = None
        self._unread_file = ca_file
        certificates = _certificates(ca_file, likely) if likely else ""
        if certificates:
            self.context.load_verify_locations(cadata=certificates)
        else:
            self.trust_all()

    def trust_all(self) -> None:
        """Trust all CAs of the file from now on."""
        if self._unread_file:
            self.context.load_verify_locations(self._unread_file)
            self._unread_file = ""


def _certificates(ca_file: str, likely: str) -> str:
    """Certificates whose name begins so, of a file in which all are labelled."""
    text = Path(ca_file).read_text(encoding="utf-8", errors="replace")
    parts = [part for part in text.split('# Label: "')[1:] if part.startswith(likely)]
    return "".join(part[part.find("-----BEGIN CERTIFICATE") :] for part in parts)


class Channel:
    """One connection, on which one request is under way at a time."""

    def __init__(self, endpoint: Endpoint, address: Address, tls: Tls | None) -> None:
        """Begin to connect.

        Raises:
            OSError: that failed at once.
        """
        self._endpoint = endpoint
        self._tls = tls
        self._resumed: ssl.SSLSession | None = None
        self._unsent = memoryview(b"")
        self._received = b""
        self.address = address
        #: What a selector should wait for.
        self.wants = selectors.EVENT_WRITE
        #: Whether a request can be sent.
        self.is_ready = False
        #: Whether it may have ended since it was good: it has rested, or has had an answer.
        self.was_used = False
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self._socket.connect_ex(address.sockaddr)
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, "connect")
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The socket's, for selectors."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close it, whatever is under way."""
        self._socket.close()

    @property
    def has_received(self) -> bool:
        """Whether a part of the next answer is there."""
        return bool(self._received)

    def send(self, request: bytes) -> None:
        """Begin to send a request.

        Raises:
            ChannelErrors: the connection is dead.
        """
        try:
            sent = self._socket.send(request)
        except _WOULD_WAIT:
            sent = 0
        if sent < len(request):
            self._unsent = memoryview(request)[sent:]
            self.wants = selectors.EVENT_READ | selectors.EVENT_WRITE

    def proceed(self) -> Answer | None:
        """Go on, now that the selector says that this is possible.

        Returns:
            The answer to the request, once it is complete.

        Raises:
            ChannelErrors: there will be none.
        """
        if not self.is_ready:
            self._establish()
            return None
        if self._unsent:
            self._flush()
        try:
            data = self._socket.recv(_READ_BYTES)
        except _WOULD_WAIT:
            return None
        received = self._received + data
        answer = read_answer(received, ended=not data)
        if answer is None:
            self._received = received
            return None
        self._received = b""
        if not self.was_used:
            self._keep_session()
            self.was_used = True
        if self._unsent:  # answered before it was heard out: what follows would be amiss
            answer = answer._replace(is_reusable=False)
        return answer

    def _establish(self) -> None:
        if self._tls is not None and not isinstance(self._socket, ssl.SSLSocket):
            self._check_connected()
            self._resumed = self._tls.session
            self._socket = self._tls.context.wrap_socket(
                self._socket,
                server_hostname=self._endpoint.host,
                do_handshake_on_connect=False,
                session=self._resumed,
            )
        if isinstance(self._socket, ssl.SSLSocket):
            try:
                self._socket.do_handshake()
            except ssl.SSLWantReadError:
                self.wants = selectors.EVENT_READ
                return
            except ssl.SSLWantWriteError:
                self.wants = selectors.EVENT_WRITE
                return
            except ssl.SSLCertVerificationError:
                if self._tls is not None:
                    self._tls.trust_all()  # for the next attempt
                raise
        else:
            self._check_connected()
        self.wants = selectors.EVENT_READ
        self.is_ready = True

    def _keep_session(self) -> None:
        """Keep the session for others, unless it is another's or one of them was quicker."""
        if self._tls is None or not isinstance(self._socket, ssl.SSLSocket):
            return
        if self._tls.session is self._resumed and not self._socket.session_reused:
            # With TLS 1.3 it comes after the handshake, but not after the first answer.
            self._tls.session = self._socket.session

    def _check_connected(self) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "connect")

    def _flush(self) -> None:
        """Send more of what could not be sent at once."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except _WOULD_WAIT:
                return
            self._unsent = self._unsent[sent:]
        self.wants = selectors.EVENT_READ
