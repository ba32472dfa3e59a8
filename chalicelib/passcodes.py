"""Passcodes of rooms: how they are kept, compared, and how often they can be tried.

A passcode is short, as people tell it to each other. What keeps it is that each person has few
tries at a room, which DynamoDB counts before anything is compared; that it is stored as a slow,
salted hash is for who reads the table.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from typing import Any, Final

from pynamodb.expressions.update import Action

from chalicelib import clock, limits
from chalicelib.errors import PasscodeWrongError, TooFastError
from chalicelib.tables import PasscodeTriesRow, RoomRow, succeeds
from chalicelib.texts import clean_passcode

#: What a hash costs: 16 MiB, and some 50 ms of a whole CPU (RFC 7914). It is stored with each,
#: so this can be raised.
_N: Final = 2**14
_R: Final = 8
_P: Final = 1
#: When each of the tries was that count, the latest first; 0: never.
_NAMES: Final = [f"tried_{number}" for number in range(limits.PASSCODE_TRIES)]
_TRIED: Final[list[Any]] = [getattr(PasscodeTriesRow, name) for name in _NAMES]


def hashed(passcode: str) -> str:
    """What is stored of a passcode (of ``clean_passcode``)."""
    salt = secrets.token_bytes(16)
    return f"{_N}${_R}${_P}${salt.hex()}${_scrypt(passcode, salt, _N, _R, _P).hex()}"


def is_right(passcode: str, stored: str) -> bool:
    """Whether a passcode is the one that is stored, in a time that does not tell how near it is."""
    n, r, p, salt, wanted = stored.split("$")
    found = _scrypt(passcode, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(wanted))


def _scrypt(passcode: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(passcode.encode(), salt=salt, n=n, r=r, p=p, dklen=32)


def check(user_id: str, room: RoomRow, text: str, now: int) -> None:
    """Let somebody try a room's passcode. One UpdateItem, also of those who try at once.

    Raises:
        InvalidFieldError: nothing that could be a passcode.
        TooFastError: they have had all their tries for now.
        PasscodeWrongError: it is another one.
    """
    passcode = clean_passcode(text)
    _take_try(user_id, room.room_id, now)
    if not is_right(passcode, room.passcode or ""):
        raise PasscodeWrongError


def _take_try(user_id: str, room_id: str, now: int) -> None:
    """Note a try, if the last but some is long enough ago: in no time like that there are more.

    One UpdateItem; a GetItem where it is refused, for how long.
    """
    row = PasscodeTriesRow(room_id, f"{PasscodeTriesRow.PREFIX}{user_id}")
    oldest = _TRIED[-1]
    has_left = oldest.does_not_exist() | (oldest <= now - limits.PASSCODE_WINDOW_MS)
    actions: list[Action] = [
        _TRIED[0].set(now),
        *(later.set(earlier | 0) for earlier, later in itertools.pairwise(_TRIED)),
        PasscodeTriesRow.expires_at.set(clock.seconds(now + 2 * limits.PASSCODE_WINDOW_MS)),
    ]
    if succeeds(lambda: row.update(actions, condition=has_left)):
        return
    row.refresh(consistent_read=True)
    wait_ms = (getattr(row, _NAMES[-1]) or now) + limits.PASSCODE_WINDOW_MS - now
    raise TooFastError(
        f"passcode: at most {limits.PASSCODE_TRIES} tries in so long a time", max(wait_ms, 1)
    )
