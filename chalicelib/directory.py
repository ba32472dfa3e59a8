"""Pages of the directory of rooms: a Query per partition or index, and the rooms as they are.

A place in a list never belongs to two rooms, and a room that is talked in only moves up. So a
page begins below the last place of the one before, whatever has moved: nothing comes twice, and
what has moved up is found at the top again. No Scan, and no call more for more rooms.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib import dynamodb, letters, limits, listing, texts
from chalicelib.clock import Moment
from chalicelib.errors import InvalidFieldError
from chalicelib.protocol import Access, DirectoryOrder, ListedRoom, Topic
from chalicelib.rows import open_room
from chalicelib.ruling import check_host, is_news
from chalicelib.tables import RoomRow, succeeds

#: So many times it is looked further down for a page, where rooms are not to be shown.
ROUNDS: Final = 3
#: With so many a page is one.
ENOUGH: Final = limits.DIRECTORY_PAGE // 2
#: After everything that begins with the same.
_LAST: Final = "\U0010ffff"
_TOPICS: Final = [topic.value for topic in Topic]
#: What a cursor goes on in.
_ACTIVE, _NEW, _LETTERS, _INITIALS, _TAG = "anlit"
_TIME_PLACE: Final = re.compile(r"[0-9]{8,13}#[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Index:
    """An index of the rooms, and the attributes that are its keys."""

    name: str
    key: str
    place: str


_BY_ACTIVITY: Final = _Index("by_activity", "listed", "active_place")
_BY_AGE: Final = _Index("by_age", "listed", "created_place")
_BY_LETTERS: Final = _Index("by_letters", "initial", "letters")
_BY_INITIALS: Final = _Index("by_initials", "initial", "initials")
_BY_TAG: Final = [
    _Index(f"by_tag_{n}", f"tag_{n}", "created_place") for n in range(limits.ROOM_TAGS_MAX)
]

#: A place in a list, and the room that has it.
_Key = tuple[str, str]
#: What follows a place, in order, and whether there is more; "" is the beginning.
_Read = Callable[[str], tuple[list[_Key], bool]]


@dataclass(frozen=True, slots=True)
class Page:
    """Rooms in the order of their list."""

    rooms: list[ListedRoom]
    #: Where the next page goes on; None if there is none.
    after: str | None


def in_order(order: DirectoryOrder, topic: Topic | None, after: str | None) -> Page:
    """A page of the rooms that are active, or new.

    A Query of each partition (of a topic there is one), and a BatchGetItem.

    Raises:
        InvalidFieldError: ``after`` is not of such a list.
    """
    is_new = order is DirectoryOrder.NEW
    kind = _NEW if is_new else _ACTIVE
    index = _BY_AGE if is_new else _BY_ACTIVITY
    start = _start(after, kind)
    read = _latest([(index, part) for part in listing.parts(topic, _TOPICS)])
    rooms, end = _collect(read, start, lambda room: topic is None or room.topic == topic)
    return Page(_shown(rooms), _cursor(kind, end) if end else None)


def search(text: str, after: str | None) -> Page:
    """A page of the rooms that somebody may mean who has typed this.

    First those whose names begin with it: a Query and a BatchGetItem. Then those that have it as
    a tag: three Queries and a BatchGetItem. With a ``#`` only these.

    Raises:
        InvalidFieldError: there is nothing in the text, or ``after`` is not of this search.
    """
    asked = letters.units(texts.room_name_key(text))
    tag = texts.asked_tag(text)
    if not asked or not tag:
        raise InvalidFieldError("text", "must have a visible character")
    is_tag = text.lstrip().startswith("#")

    def is_named(room: RoomRow) -> bool:
        return not is_tag and letters.begins(asked, letters.units(room.name_key))

    def is_tagged(room: RoomRow) -> bool:
        return tag in listing.tags_of(room) and not is_named(room)

    named: list[RoomRow] = []
    if not is_tag and not (after and _kind_of(after) == _TAG):
        kind, prefix = _named(asked)
        start = _start(after, kind, prefix)
        named, end = _collect(_alphabetical(kind, prefix), start, is_named)
        if end or len(named) >= ENOUGH:
            return Page(_shown(named), _cursor(kind, end) if end else _cursor(_TAG, ""))
        after = None
    start = _start(after, _TAG)
    tagged, end = _collect(_latest([(index, tag) for index in _BY_TAG]), start, is_tagged)
    return Page(_shown(named + tagged), _cursor(_TAG, end) if end else None)


def describe(
    user_id: str, room_id: str, topic: Topic | None, tags: Iterable[str], at: Moment
) -> None:
    """Say what a room is about, unless a later frame has said so. A GetItem and an UpdateItem.

    Raises:
        InvalidFieldError: a tag breaks the rules.
        RoomNotFoundError: the room does not exist or is closed.
        NotHostError: only the host may.
    """
    clean = texts.ordered_tags(tags)
    room = open_room(room_id)
    check_host(room, user_id)
    actions = [*listing.described(room, topic, clean), RoomRow.described_at.set(at.received)]
    condition = (RoomRow.host_id == user_id) & RoomRow.closed_at.does_not_exist()
    condition &= is_news(RoomRow.described_at, at.received)
    if not succeeds(lambda: RoomRow(room_id).update(actions, condition=condition)):
        check_host(open_room(room_id), user_id)


# --- Reading ------------------------------------------------------------------------------


def _latest(sources: Sequence[tuple[_Index, str]]) -> _Read:
    """What is in some partitions of indexes, the latest first."""

    def read(before: str) -> tuple[list[_Key], bool]:
        bounds = {":before": before} if before else {}
        condition = " AND #place < :before" if before else ""
        keys = {
            found
            for index, key in sources
            for found in _keys(index, key, condition, bounds, is_forward=False)
        }
        return _cut(sorted(keys, reverse=True))

    return read


def _named(asked: list[str]) -> tuple[str, str]:
    """By which index a name is looked for, and what is known of its key there."""
    if letters.is_initial(asked[0]):
        return _INITIALS, listing.initials_key(asked)
    return _LETTERS, listing.letters_key(asked)


def _alphabetical(kind: str, prefix: str) -> _Read:
    """The rooms whose key begins with a prefix, in its order."""
    index = _BY_INITIALS if kind == _INITIALS else _BY_LETTERS
    condition = " AND #place BETWEEN :first AND :last"

    def read(after: str) -> tuple[list[_Key], bool]:
        # (A place is the beginning of no other.)
        bounds = {":first": after + " " if after else prefix, ":last": prefix + _LAST}
        return _cut(_keys(index, prefix[0], condition, bounds, is_forward=True))

    return read


def _keys(
    index: _Index, key: str, condition: str, bounds: dict[str, str], *, is_forward: bool
) -> list[_Key]:
    """What is in a partition of an index, and a bit more than a page has. One Query.

    Past PynamoDB, which makes a whole room of each key.
    """
    names = {"#key": index.key}
    if condition:
        names["#place"] = index.place
    values = {":key": key, **bounds}
    query: dict[str, Any] = {
        "TableName": RoomRow.Meta.table_name,
        "IndexName": index.name,
        "KeyConditionExpression": f"#key = :key{condition}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
        "ScanIndexForward": is_forward,
        "Limit": limits.DIRECTORY_PAGE + 1,
    }
    rows = dynamodb.client().call("Query", query)["Items"]
    return [(row[index.place]["S"], row["room_id"]["S"]) for row in rows]


def _cut(keys: list[_Key]) -> tuple[list[_Key], bool]:
    return keys[: limits.DIRECTORY_PAGE], len(keys) > limits.DIRECTORY_PAGE


def _collect(
    read: _Read, start: str, is_meant: Callable[[RoomRow], bool]
) -> tuple[list[RoomRow], str]:
    """Rooms that may be shown, and the place at which there are more; "" if there are none."""
    found: dict[str, RoomRow] = {}
    place = start
    for _ in range(ROUNDS):
        keys, has_more = read(place)
        rooms = {row.room_id: row for row in RoomRow.batch_get([room_id for _, room_id in keys])}
        for _, room_id in keys:
            room = rooms.get(room_id)
            if room is not None and listing.is_listed(room) and is_meant(room):
                found.setdefault(room_id, room)
        if not has_more:
            return list(found.values()), ""
        place = keys[-1][0]
        if len(found) >= ENOUGH:
            break
    return list(found.values()), place


def _shown(rooms: Iterable[RoomRow]) -> list[ListedRoom]:
    return [
        ListedRoom(
            room_id=room.room_id,
            name=room.name,
            member_count=room.member_count,
            created_at=room.created_at,
            said_at=room.preview.at if room.preview else 0,
            topic=listing.topic_of(room),
            tags=listing.tags_of(room),
            access=Access(room.access or Access.OPEN),
            capacity=room.capacity or 0,
        )
        for room in rooms
    ]


# --- Cursors ------------------------------------------------------------------------------


def _cursor(kind: str, place: str) -> str:
    """What clients get of a place; its form is nobody's business."""
    return base64.urlsafe_b64encode((kind + place).encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _not_ours() from None


def _kind_of(cursor: str) -> str:
    return _read_cursor(cursor)[:1]


def _start(cursor: str | None, kind: str, prefix: str | None = None) -> str:
    """The place that a cursor means, "" for the beginning.

    Raises:
        InvalidFieldError: it is of another list, or of none.
    """
    if cursor is None:
        return ""
    read = _read_cursor(cursor)
    place = read[1:]
    if prefix is None:
        is_ours = bool(_TIME_PLACE.fullmatch(place)) or (not place and kind == _TAG)
    else:
        is_ours = place.startswith(prefix)
    if read[:1] != kind or not is_ours:
        raise _not_ours()
    return place


def _not_ours() -> InvalidFieldError:
    return InvalidFieldError("after", "must be that of a page of the same list")
