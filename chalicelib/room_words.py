"""A room's own filter words, as its host and managers say.

As in moderation.py: the list and the notice of it are one transaction. The notice does not tell
the words: who sees the list sees what is not to be read.
"""

from __future__ import annotations

from collections.abc import Iterable

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import masking
from chalicelib.clock import Moment
from chalicelib.protocol import EntryKind
from chalicelib.ruling import DoneError, Ruling, check_moderator, is_news, may, rule
from chalicelib.steps import Draft
from chalicelib.tables import RoomRow, RoomWordsRow
from chalicelib.texts import clean_words
from chalicelib.writing import Written


def set_words(user_id: str, room_id: str, given: Iterable[str], at: Moment) -> Written | None:
    """Have a room mask these words, and no other ones of its own; None if it does already.

    Raises:
        InvalidFieldError: one breaks the rules.
        NotAllowedError: only the host and managers may.
    """
    words = clean_words(given)

    def check(room: RoomRow) -> None:
        check_moderator(room, user_id)
        if (room.words_at or 0) >= at.received or words == of_room(room):
            raise DoneError

    change: Action = RoomRow.words_version.remove()
    if words:
        change = RoomRow.words_version.set(at.received)
    actions = [change, RoomRow.words_at.set(at.received)]
    condition = may(user_id) & is_news(RoomRow.words_at, at.received)

    def also(transaction: TransactWrite) -> None:
        key = RoomWordsRow.key(room_id)
        if words:
            transaction.save(RoomWordsRow(key, words=list(words), version=at.received))
        else:
            transaction.delete(RoomWordsRow(key))

    notice = Draft(user_id, at.now, EntryKind.WORDS_CHANGED, text=str(len(words)))
    return rule(Ruling(room_id, notice, check, condition, actions, also))


def seen_by(user_id: str, room: RoomRow) -> tuple[str, ...]:
    """A room's own words. A GetItem if it has any. Raises NotAllowedError."""
    check_moderator(room, user_id)
    return of_room(room)


def of_room(room: RoomRow) -> tuple[str, ...]:
    """A room's own words. A GetItem if it has any."""
    row = masking.find_words(room.room_id) if room.words_version is not None else None
    return () if row is None else tuple(row.words)
