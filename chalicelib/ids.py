"""Opaque ids and tokens: URL-safe base64, which never has a ``#``."""

import base64
import hashlib
import hmac
import secrets


def new_id() -> str:
    """A random id of 96 bits."""
    return secrets.token_urlsafe(12)


def new_token() -> str:
    """A random secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token: whoever reads the table can't sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_id(key: str, *parts: str) -> str:
    """An id that is always the same for the same parts, and tells nothing of them.

    128 bits of HMAC-SHA-256 (RFC 2104).
    """
    mac = hmac.new(key.encode(), "\x00".join(parts).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:16]).rstrip(b"=").decode()
