"""Passcodes of rooms: how they are kept, compared, and how often they can be tried.

A passcode is short, as people tell it to each other. What keeps it is that each person has few
tries at a room, which DynamoDB counts before anything is compared; that it is stored as a slow,
salted hash is for who reads the table.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

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
    window, begun = divmod(now, limits.PASSCODE_WINDOW_MS)
    row = PasscodeTriesRow(room_id, f"{PasscodeTriesRow.PREFIX}{user_id}#{window}")
    has_left = PasscodeTriesRow.tries.does_not_exist()
    has_left |= PasscodeTriesRow.tries < limits.PASSCODE_TRIES
    actions: list[Action] = [
        PasscodeTriesRow.tries.add(1),
        PasscodeTriesRow.expires_at.set(clock.seconds(now + 2 * limits.PASSCODE_WINDOW_MS)),
    ]
    if not succeeds(lambda: row.update(actions, condition=has_left)):
        raise TooFastError(
            f"passcode: at most {limits.PASSCODE_TRIES} tries in so long a time",
            limits.PASSCODE_WINDOW_MS - begun,
        )
