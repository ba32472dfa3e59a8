"""What is said in a room is stored with the room's own words masked, too.

The room's row says which list is in effect, and what was said is shown by that row before anything
of it is read. So a text is masked by the list that this Lambda knows, and written on the condition
that it is that one: no call more. Where it is not, the list is read, and the text written once
more (docs/decisions/0037-room-words.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pynamodb.expressions.condition import Condition

from chalicelib import words
from chalicelib.dynamodb_steps import RoomChangedError
from chalicelib.tables import RoomRow, RoomWordsRow

Result = TypeVar("Result")

#: The lists of so many rooms are known.
KNOWN_MAX: Final = 500
#: So often a text is written for a room whose list changes each time.
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class _Known:
    """A list of a room's own words; without a version it has none."""

    words: tuple[str, ...] = ()
    version: int | None = None

    @property
    def is_in_effect(self) -> Condition:
        """The condition of the room for this list."""
        condition: Condition = RoomRow.words_version.does_not_exist()
        if self.version is not None:
            condition = RoomRow.words_version == self.version
        return condition


_NONE: Final = _Known()
_known: Final[OrderedDict[str, _Known]] = OrderedDict()


def write(
    room_id: str,
    text: str,
    write_masked: Callable[[str, Condition], Result],
) -> Result:
    """Have a text written as its room wants it.

    Args:
        write_masked: gets the masked text, and what must hold of the room for it. Raises
            RoomChangedError if that does not, and has written nothing then. None: nothing was to be
            written, so the room was not looked at.
    """
    known = _known.get(room_id, _NONE)
    for _ in range(_TRIES):
        try:
            result = write_masked(words.mask(text, known.words), known.is_in_effect)
        except RoomChangedError:
            known = _learn(room_id)
        else:
            if result is not None:
                _note(room_id, known)
            return result
    raise RuntimeError("the room's words changed each time this wrote")


def masked(room_id: str, text: str) -> str:
    """A text for a place that was taken before. One GetItem if nothing is known of the room."""
    known = _known.get(room_id) or _learn(room_id)
    return words.mask(text, known.words)


def _learn(room_id: str) -> _Known:
    """What a room's list is. One consistent GetItem."""
    known = _NONE
    row = find_words(room_id)
    if row is not None:
        known = _Known(tuple(row.words), row.version)
    _note(room_id, known)
    return known


def _note(room_id: str, known: _Known) -> None:
    _known[room_id] = known
    _known.move_to_end(room_id)
    while len(_known) > KNOWN_MAX:
        _known.popitem(last=False)


def find_words(room_id: str) -> RoomWordsRow | None:
    """A room's own words, if it has any. One consistent GetItem."""
    try:
        return RoomWordsRow.get(RoomWordsRow.key(room_id), consistent_read=True)
    except RoomWordsRow.DoesNotExist:
        return None
