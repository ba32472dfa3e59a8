"""AWS Signature Version 4: signing our calls of the emulator, checking those of Lambdas.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import calendar
import functools
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

ALGORITHM: Final = "AWS4-HMAC-SHA256"

#: How far the clocks of signer and checker may differ, in seconds.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
SKEW_SECONDS: Final = 5 * 60

#: How aiohttp makes text of bytes: what is no UTF-8 becomes surrogates.
_BYTES: Final = ("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Credentials:
    """A key pair, and the token that comes with a temporary one."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


@dataclass(frozen=True)
class Signature:
    """An ``Authorization`` header's parts."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: Sequence[str]
    signature: str

    @classmethod
    def parse(cls, authorization: str) -> Signature:
        """Read a header.

        Raises:
            ValueError: says what it lacks.
        """
        if not authorization.isascii():
            raise ValueError("Authorization header must be of ASCII characters")
        algorithm, _, rest = authorization.partition(" ")
        if algorithm != ALGORITHM:
            raise ValueError(f"the signature must be of {ALGORITHM}")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        missing = [
            name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)
        ]
        if missing:
            raise ValueError(f"Authorization header requires '{missing[0]}' parameter.")
        scope = parts["Credential"].split("/")
        if len(scope) != 5 or scope[4] != "aws4_request":
            raise ValueError("Credential must be a key id and a scope of four parts")
        key_id, date, region, service, _ = scope
        signed = parts["SignedHeaders"].split(";")
        return cls(key_id, date, region, service, signed, parts["Signature"])


def sign(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
) -> dict[str, str]:
    """Headers to add to a request.

    Args:
        method: of the request.
        path: as it is sent, percent-encoded, without a query.
        headers: those to sign, names in lower case, with ``host``.
        body: of the request.
        credentials: whose signature it is.
        region: of the scope.
        service: of the scope.
    """
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    added = {"x-amz-date": now}
    if credentials.session_token:
        added["x-amz-security-token"] = credentials.session_token
    signed = {**headers, **added}
    names = sorted(signed)
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(body).hexdigest()
    request = _canonical_request(method, path, "", [(name, signed[name]) for name in names], digest)
    key = _signing_key(credentials.secret_access_key, now[:8], region, service)
    signature = _signature(key, now, scope, request)
    added["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added


def is_valid(
    signature: Signature,
    secret: str,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> bool:
    """Whether a request was signed with a secret, for its own content, just now.

    Args:
        signature: the request's.
        secret: of the signature's access key.
        method: of the request.
        path: as it came, percent-encoded.
        query: as it came.
        headers: of the request, looked up without regard to case.
        body: of the request.
    """
    now = headers.get("x-amz-date", "")
    try:
        age = abs(time.time() - _seconds(now))
    except ValueError:
        return False
    if now[:8] != signature.date or age > SKEW_SECONDS:
        return False
    values = [(name, " ".join(headers.get(name, "").split())) for name in signature.signed_headers]
    if "host" not in signature.signed_headers:
        return False
    digest = hashlib.sha256(body).hexdigest()
    request = _canonical_request(method, path, query, values, digest)
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    key = _signing_key(secret, signature.date, signature.region, signature.service)
    return hmac.compare_digest(_signature(key, now, scope, request), signature.signature)


@functools.lru_cache(maxsize=16)
def _seconds(moment: str) -> int:
    """Seconds since the epoch of an ``X-Amz-Date``; many requests have the same.

    Raises:
        ValueError: it is none.
    """
    return calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))


def _canonical_request(
    method: str, path: str, query: str, headers: Sequence[tuple[str, str]], digest: str
) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    # They are sorted as they are encoded.
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    canonical_query = "&".join(f"{name}={value}" for name, value in encoded)
    lines = "".join(f"{name}:{value}\n" for name, value in headers)
    names = ";".join(name for name, _ in headers)
    # Other services than S3 encode each segment of the path twice.
    canonical_path = quote(path.encode(*_BYTES), safe="/-_.~")
    return "\n".join((method, canonical_path, canonical_query, lines, names, digest))


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.encode(*_BYTES)), safe="-_.~")


def _signature(key: bytes, now: str, scope: str, canonical_request: str) -> str:
    digest = hashlib.sha256(canonical_request.encode(*_BYTES)).hexdigest()
    text = f"{ALGORITHM}\n{now}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
