"""AWS's Signature Version 4, for requests alike but for the last segment of their path.

The key is derived once for a day, the body hashed once for all; what is left for each
request is one SHA-256 of a short text and one HMAC.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"

_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class Credentials:
    """An AWS identity; ``token`` is empty for one that lasts."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@functools.lru_cache(maxsize=4)
def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """The key of a day (``YYYYMMDD``), Region and service."""
    key = b"AWS4" + secret_key.encode()
    for text in (date, region, service, "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key


class Signer:
    """Signs requests of one method, host and body, to paths that begin alike."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        service: str,
        method: str,
        host: str,
        directory: str,
        body: bytes,
        at: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare what all requests have in common.

        Args:
            credentials: whose requests they are.
            region: the service's Region.
            service: the service's name in signatures.
            method: the requests' method.
            host: the requests' Host header.
            directory: what the requests' paths begin with, up to the last slash.
            body: the requests' body.
            at: when they are sent, in seconds since 1970. AWS accepts a signature for 5 minutes.
            headers: others to sign and send, by name.
        """
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
        #: Headers to send besides Host and Authorization.
        self.headers = {"X-Amz-Date": timestamp}
        if credentials.token:
            self.headers["X-Amz-Security-Token"] = credentials.token
        self.headers |= headers or {}
        named = {"host": host} | {name.lower(): value for name, value in self.headers.items()}
        signed = dict(sorted(named.items()))
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        digest = hashlib.sha256(body).hexdigest()
        # All services but S3 encode once more what is encoded already.
        self._before_segment = f"{method}\n{quote(directory, safe='/~')}"
        self._after_segment = f"\n\n{lines}\n{names}\n{digest}"
        key = signing_key(credentials.secret_key, timestamp[:8], region, service)
        # HMAC's two hashes (RFC 2104), the inner one fed with all but the end: going on from
        # copies takes a third of the time of an HMAC.
        self._inner = hashlib.sha256(key.ljust(64, b"\0").translate(_INNER_PAD))
        self._inner.update(f"{ALGORITHM}\n{timestamp}\n{scope}\n".encode())
        self._outer = hashlib.sha256(key.ljust(64, b"\0").translate(_OUTER_PAD))
        credential = f"Credential={credentials.access_key}/{scope}"
        self._authorization = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature="

    def authorization(self, segment: str) -> str:
        """The Authorization header of a request.

        Args:
            segment: last segment of its path, as in the request line: everything encoded but
                letters, digits and ``-._~``, and neither ``.`` nor ``..``.
        """
        encoded = segment.replace("%", "%25")
        canonical = f"{self._before_segment}{encoded}{self._after_segment}"
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(hashlib.sha256(canonical.encode()).hexdigest().encode())
        outer.update(inner.digest())
        return self._authorization + outer.hexdigest()
