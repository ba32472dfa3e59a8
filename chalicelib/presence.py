"""Who is there right now, and who is writing: known from live connections, kept nowhere."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from chalicelib import delivery, limits

#: So many signals are remembered by a Lambda's process.
_REMEMBERED_MAX: Final = 1_000

#: When (ms) a connection last signalled that its person is writing, per room. Of this process
#: alone: a signal more than needed costs little, and remembering it in a table would cost more.
_signalled: OrderedDict[tuple[str, str], int] = OrderedDict()


def people(room_id: str) -> list[str]:
    """The people with a live connection that hears the room, by their ids. A Query per MB."""
    return sorted({user_id for _, user_id in delivery.audience(room_id)})


def may_signal(connection_id: str, room_id: str, now: int) -> bool:
    """Whether a connection has not signalled for a while, and note that it does now."""
    key = (connection_id, room_id)
    if now - _signalled.get(key, 0) < limits.TYPING_INTERVAL_MS:
        return False
    _signalled[key] = now
    _signalled.move_to_end(key)
    while len(_signalled) > _REMEMBERED_MAX:
        _signalled.popitem(last=False)
    return True
