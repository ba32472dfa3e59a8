"""Signed-in browsers: an opaque token in a cookie, its digest in the table."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from chalicelib import clock, ids, limits
from chalicelib.devices import Device
from chalicelib.settings import settings
from chalicelib.tables import SessionRow, succeeds

# "__Host-" pins a cookie to this host, to https and to every path (RFC 6265bis, 4.1.3.2).
# Browsers refuse it without Secure, which plain http on a laptop does not have.
_PREFIX: Final = "__Host-" if settings.is_https else ""
SESSION_COOKIE: Final = _PREFIX + "session"
SIGN_IN_COOKIE: Final = _PREFIX + "sign-in"


@dataclass(frozen=True)
class Session:
    """A valid session."""

    session_id: str
    user_id: str
    access_token: str
    refresh_token: str | None


def cookie(name: str, value: str, *, seconds: int) -> str:
    """A ``Set-Cookie`` value that scripts can't read and other sites can't send along.

    Lax, not Strict: the way back from Kakao is a navigation from another site.
    ``seconds=0`` deletes the cookie.
    """
    secure = "; Secure" if settings.is_https else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def read_cookie(header: str | None, name: str) -> str | None:
    """The value of one cookie in a ``Cookie`` header, or None."""
    jar = SimpleCookie()
    # SimpleCookie gives up at the first malformed pair; other sites on the same host
    # (localhost) must not be able to sign people out by setting one.
    for pair in (header or "").split(";"):
        if pair.strip().startswith(f"{name}="):
            try:
                jar.load(pair.strip())
            except CookieError:
                continue
    return jar[name].value if name in jar and jar[name].value else None


def start(
    user_id: str, access_token: str, refresh_token: str | None, device: Device, now: int
) -> str:
    """Sign a browser in; returns the token for its cookie."""
    token = ids.new_token()
    SessionRow(
        ids.digest(token),
        user_id=user_id,
        access_token=access_token,
        refresh_token=refresh_token,
        created_at=now,
        expires_at=clock.seconds(now) + limits.SESSION_SECONDS,
        browser=device.browser or None,
        system=device.system or None,
    ).save()
    return token


def find(cookie_header: str | None, now: int) -> Session | None:
    """The session of a request, if it is valid. One GetItem, none without the cookie."""
    token = read_cookie(cookie_header, SESSION_COOKIE)
    if token is None:
        return None
    try:
        row = SessionRow.get(ids.digest(token), consistent_read=True)
    except SessionRow.DoesNotExist:
        return None
    # DynamoDB's TTL may take days to delete an expired item.
    if row.expires_at <= clock.seconds(now):
        return None
    return Session(row.session_id, row.user_id, row.access_token, row.refresh_token)


def of_user(user_id: str, now: int) -> list[SessionRow]:
    """A person's valid sessions, the latest first. A Query, a BatchGetItem per 100."""
    found = [row.session_id for row in SessionRow.by_user.query(user_id)]
    rows = SessionRow.batch_get(found, consistent_read=True) if found else ()
    valid = [row for row in rows if row.expires_at > clock.seconds(now)]
    return sorted(valid, key=lambda row: (-row.created_at, row.session_id))


def is_live(session_id: str) -> bool:
    """Whether a session has not been ended. One GetItem."""
    try:
        SessionRow.get(session_id, consistent_read=True, attributes_to_get=["session_id"])
    except SessionRow.DoesNotExist:
        return False
    return True


def end(session_id: str) -> None:
    """Sign a browser out."""
    SessionRow(session_id).delete()


def end_own(user_id: str, session_id: str) -> None:
    """Sign one of a person's browsers out; nothing, if the session is somebody else's."""
    is_own = SessionRow.user_id == user_id
    succeeds(lambda: SessionRow(session_id).delete(condition=is_own))


def end_all(user_id: str) -> None:
    """Sign all of a person's browsers out."""
    found: Iterable[SessionRow] = SessionRow.by_user.query(user_id)
    with SessionRow.batch_write() as batch:
        for row in found:
            batch.delete(SessionRow(row.session_id))


def end_until(user_id: str, until: int, *, but: str = "") -> None:
    """Sign those of a person's browsers out that were signed in up to a time (ms).

    A Query, and a DeleteItem for each but the session ``but``.
    """
    found: Iterable[SessionRow] = SessionRow.by_user.query(user_id)
    for row in found:
        if row.session_id != but:
            session = SessionRow(row.session_id)
            succeeds(functools.partial(session.delete, condition=SessionRow.created_at <= until))
