"""Where a room is found in the directory: which rooms are in it, and their keys in its indexes.

The keys are attributes of the room's own row, so they change with it, and talking changes one of
them every few minutes at no call more. They are hints, as pushes are: every page looks at the
rooms as they are (``is_listed``), so that a key that stays too long shows nobody anything
(docs/decisions/0034-directory.md).
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from pynamodb.expressions.update import Action

from chalicelib import letters, limits
from chalicelib.protocol import Access, Topic
from chalicelib.tables import PAIR, RoomRow, assigned, succeeds

#: Stands between a key and the id that makes it unique; no letter is before it.
_END: Final = " "


def is_listed(room: RoomRow) -> bool:
    """Whether strangers may find a room. This is the one place that says so.

    Whoever changes what it looks at calls ``relist`` then.
    """
    is_hidden = room.closed_at or room.locked or room.kind == PAIR
    return not is_hidden and room.access != Access.PRIVATE


def part_of(room_id: str, topic: str | None) -> str:
    """In which partition of the lists a room is: its topic's, or one of those of no topic."""
    return topic or f"-{zlib.crc32(room_id.encode()) % limits.DIRECTORY_PARTS}"


def parts(topic: str | None, topics: list[str]) -> list[str]:
    """The partitions of a list: a topic's, or all."""
    return [topic] if topic else topics + [f"-{n}" for n in range(limits.DIRECTORY_PARTS)]


def active_place(room_id: str, now: int) -> str:
    """Where a room is among those that are active, from when something is said in it.

    It stays the same for DIRECTORY_STEP_MS. Rooms don't take their steps together, or those that
    never rest would all be written at the same moment.
    """
    offset = zlib.crc32(room_id.encode()) % limits.DIRECTORY_STEP_MS
    return f"{(now + offset) // limits.DIRECTORY_STEP_MS:08d}#{room_id}"


def _created_place(room: RoomRow) -> str:
    return f"{room.created_at:013d}#{room.room_id}"


def letters_key(asked: list[str]) -> str:
    """What the letters of names begin with that may be asked for."""
    known: list[str] = []
    for unit in asked:
        known.append(unit)
        if letters.is_initial(unit):  # what follows it is not known
            break
    return "".join(known)[: limits.DIRECTORY_LETTERS]


def initials_key(asked: list[str]) -> str:
    """What the initials of names begin with that may be asked for."""
    return "".join(unit[0] for unit in asked)[: limits.DIRECTORY_INITIALS]


def _name_keys(room_id: str, name_key: str) -> dict[str, str]:
    units = letters.units(name_key)
    return {
        "initial": units[0][0],
        "letters": "".join(units)[: limits.DIRECTORY_LETTERS] + _END + room_id,
        "initials": initials_key(units) + _END + room_id,
    }


def _keys(room: RoomRow) -> dict[str, str | None]:
    """The keys that a room is to have, as it is."""
    keys: dict[str, str | None] = {
        **_name_keys(room.room_id, room.name_key),
        "listed": part_of(room.room_id, room.topic),
        "created_place": _created_place(room),
        "active_place": room.active_place or active_place(room.room_id, room.active_at),
    }
    return keys if is_listed(room) else keys | dict.fromkeys(("listed", "initial"))


def put(room: RoomRow) -> None:
    """Give a room its keys that is not saved yet."""
    if room.kind != PAIR:
        for name, value in _keys(room).items():
            setattr(room, name, value)


def unlist() -> list[Action]:
    """What takes a room out of the lists and the search, in a write that closes or hides it."""
    return [RoomRow.listed.remove(), RoomRow.initial.remove()]


def renamed(room: RoomRow, name_key: str) -> list[Action]:
    """What moves a room to another name, in the write that gives it that."""
    keys: dict[str, str | None] = {**_name_keys(room.room_id, name_key)}
    if not is_listed(room):
        keys["initial"] = None
    return assigned(RoomRow, keys)


def described(room: RoomRow, topic: str | None, tags: list[str]) -> list[Action]:
    """What says what a room is about, and moves it there."""
    listed = part_of(room.room_id, topic) if is_listed(room) else None
    return assigned(RoomRow, {**attributes(topic, tags), "listed": listed})


def attributes(topic: str | None, tags: list[str]) -> dict[str, Any]:
    """How a room's row holds what it is about."""
    padded = [*tags, *[None] * limits.ROOM_TAGS_MAX][: limits.ROOM_TAGS_MAX]
    return {"topic": topic, **{f"tag_{n}": tag for n, tag in enumerate(padded)}}


def tags_of(room: RoomRow) -> list[str]:
    """A room's tags."""
    return [tag for tag in (room.tag_0, room.tag_1, room.tag_2) if tag]


def topic_of(room: RoomRow) -> Topic | None:
    """A room's topic, if it is one that there still is."""
    return Topic(room.topic) if room.topic in list(Topic) else None


def relist(room: RoomRow) -> None:
    """Bring a room's keys up to date, if they are not. One UpdateItem then.

    Also of rooms that are older than the directory: whoever enters one lists it.
    """
    if room.kind == PAIR:
        return
    stale = {name: key for name, key in _keys(room).items() if getattr(room, name) != key}
    if not stale:
        return
    is_same = (RoomRow.name_key == room.name_key) & RoomRow.closed_at.does_not_exist()
    is_same &= RoomRow.topic == room.topic if room.topic else RoomRow.topic.does_not_exist()
    # Who changes it meanwhile does this as well.
    succeeds(lambda: RoomRow(room.room_id).update(assigned(RoomRow, stale), condition=is_same))
