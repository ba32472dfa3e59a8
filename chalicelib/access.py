"""Who can join a room, and how many, as its host says.

As in moderation.py: each is one transaction with the notice of it.
"""

from __future__ import annotations

from pynamodb.expressions.update import Action

from chalicelib import limits, passcodes
from chalicelib.clock import Moment
from chalicelib.errors import InvalidFieldError
from chalicelib.protocol import Access, EntryKind
from chalicelib.ruling import DoneError, Ruling, check_host, is_news, rule
from chalicelib.steps import Draft
from chalicelib.tables import RoomRow, assigned
from chalicelib.texts import clean_passcode
from chalicelib.writing import Written


def checked_passcode(access: Access, text: str | None) -> str | None:
    """The passcode that goes with a way in. Raises InvalidFieldError."""
    if access is not Access.PASSCODE:
        if text is not None:
            raise InvalidFieldError("passcode", "is only for rooms that ask for one")
        return None
    if text is None:
        raise InvalidFieldError("passcode", "is required with this access")
    return clean_passcode(text)


def attributes(access: Access, passcode: str | None) -> dict[str, str | None]:
    """How a room's row holds who can join: by a passcode of ``checked_passcode``.

    Takes some 50 ms of a CPU if there is one.
    """
    return {
        "access": access.value if access is not Access.OPEN else None,
        "passcode": passcodes.hashed(passcode) if passcode is not None else None,
    }


def set_access(
    user_id: str, room_id: str, access: Access, text: str | None, at: Moment
) -> Written | None:
    """Say who can join; None if it is so already.

    Raises:
        InvalidFieldError: a passcode is missing, or wrong here.
        NotHostError: only the host may.
    """
    passcode = checked_passcode(access, text)

    def check(room: RoomRow) -> None:
        check_host(room, user_id)
        if (room.access_at or 0) >= at.received:
            raise DoneError
        is_same = (room.access or Access.OPEN) == access
        if is_same and (passcode is None or passcodes.is_right(passcode, room.passcode or "")):
            raise DoneError

    actions = [*assigned(RoomRow, attributes(access, passcode)), RoomRow.access_at.set(at.received)]
    condition = (RoomRow.host_id == user_id) & is_news(RoomRow.access_at, at.received)
    notice = Draft(user_id, at.now, EntryKind.ACCESS_CHANGED, text=access.value)
    return rule(Ruling(room_id, notice, check, condition, actions))


def set_capacity(user_id: str, room_id: str, capacity: int, at: Moment) -> Written | None:
    """Say how many can be in a room, 0 for any number; None if it is so already.

    Raises:
        InvalidFieldError: fewer than a room can be for.
        NotHostError: only the host may.
    """
    if 0 < capacity < limits.ROOM_CAPACITY_MIN:
        rule_text = f"must be at least {limits.ROOM_CAPACITY_MIN}, or 0"
        raise InvalidFieldError("capacity", rule_text)

    def check(room: RoomRow) -> None:
        check_host(room, user_id)
        if (room.capacity or 0) == capacity or (room.capacity_at or 0) >= at.received:
            raise DoneError

    change: Action = RoomRow.capacity.set(capacity) if capacity else RoomRow.capacity.remove()
    actions = [change, RoomRow.capacity_at.set(at.received)]
    condition = (RoomRow.host_id == user_id) & is_news(RoomRow.capacity_at, at.received)
    notice = Draft(user_id, at.now, EntryKind.CAPACITY_CHANGED, text=str(capacity))
    return rule(Ruling(room_id, notice, check, condition, actions))
