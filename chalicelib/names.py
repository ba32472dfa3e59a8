"""How people are called: the same in all rooms, or otherwise in one of them.

In a ``users`` map somebody stands by their id, with the name of their account. Who goes by another
name in a room stands by ``key`` instead, so that the others there are not told the account's
(docs/decisions/0036-room-nicknames.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from chalicelib import dynamodb, users
from chalicelib.protocol import User, Users
from chalicelib.tables import MemberRow, RoomNicknameRow, RoomRow, UserRow, succeeds

#: DynamoDB's limit of a BatchGetItem.
_BATCH: Final = 100

_Key = dict[str, Any]


def key(room_id: str, user_id: str) -> str:
    """Where a ``users`` map has what somebody is called in one room; no id has a ``/``."""
    return f"{room_id}/{user_id}"


def given(row: MemberRow | RoomNicknameRow) -> User:
    """The name in a room that a row says; with no ``seq`` there never was one."""
    return User(nickname=row.nickname or "", seq=row.nickname_seq or 0)


def of_member(member: MemberRow, account: Users) -> Users:
    """What is known of a member's name: for sure, as their row was just read or written.

    Args:
        member: the row.
        account: their entry in ``users`` maps.
    """
    return {**account, key(member.room_id, member.user_id): given(member)}


def in_room(
    room: RoomRow | None, room_id: str, people: Iterable[str], known: Users | None = None
) -> Users:
    """How people are called in a room. See ``look_up``.

    Args:
        room: as it is; None: not known, so somebody may go by another name in it.
        room_id: which room.
        people: their ids.
        known: names that need not be looked up.
    """
    is_named = room is None or bool(room.named)
    return among(room_id, people, known or {}, named=is_named)


def among(room_id: str, people: Iterable[str], known: Users, *, named: bool) -> Users:
    """As ``in_room``.

    Args:
        room_id: which room.
        people: their ids.
        known: of accounts, and in the room; an account's alone is enough only where ``named`` is
            false.
        named: whether somebody may go by another name in the room.
    """
    people = set(people)
    sure = {
        user_id for user_id in people & known.keys() if not named or key(room_id, user_id) in known
    }
    looked_up = look_up(() if named else people - sure, {room_id: people - sure} if named else {})
    return _shown(room_id, sure, known) | looked_up


def only(room_id: str, people: Iterable[str], names: Users) -> Users:
    """Of the names in a room, those of some people."""
    keys = (each for user_id in people for each in (key(room_id, user_id), user_id))
    return {each: names[each] for each in keys if each in names}


def of(names: Users, user_id: str, room_id: str | None = None) -> str | None:
    """What somebody is called, in a room; None if that is not known, as of who withdrew."""
    here = names.get(key(room_id, user_id)) if room_id else None
    found = here if here is not None and here.nickname else names.get(user_id)
    return found.nickname if found is not None else None


def look_up(people: Iterable[str], in_rooms: Mapping[str, Iterable[str]]) -> Users:
    """How people are called; those who withdrew are missing.

    A BatchGetItem per 100 names, or per 50 people in rooms.

    Args:
        people: in rooms in which nobody goes by another name, or in no room.
        in_rooms: in others, by the room's id.
    """
    people = set(people)
    pairs = [(room_id, user_id) for room_id, each in in_rooms.items() for user_id in set(each)]
    if not pairs:
        return users.names(people)
    accounts, found = _read(people | {user_id for _, user_id in pairs}, pairs)
    names = {user_id: accounts[user_id] for user_id in people & accounts.keys()}
    for room_id, user_id in pairs:
        if user_id not in accounts:
            continue
        known = {user_id: accounts[user_id]}
        if (room_id, user_id) in found:
            known[key(room_id, user_id)] = found[room_id, user_id]
        names |= _shown(room_id, (user_id,), known)
    return names


def _shown(room_id: str, people: Iterable[str], known: Users) -> Users:
    """What is told of people of whom all is known."""
    shown: Users = {}
    for user_id in people:
        here = known.get(key(room_id, user_id))
        if here is not None and here.seq:
            shown[key(room_id, user_id)] = here
        if here is None or not here.nickname:
            shown[user_id] = known[user_id]
    return shown


def _read(
    people: Iterable[str], pairs: Iterable[tuple[str, str]]
) -> tuple[Users, dict[tuple[str, str], User]]:
    """Accounts' names, and names in rooms; of both tables at once.

    Names in rooms as they are by now: one that was just given is not to be missed, as the
    account's would be told instead.
    """
    wanted: list[tuple[str, _Key]] = [
        (UserRow.Meta.table_name, {"user_id": {"S": user_id}}) for user_id in sorted(people)
    ]
    wanted += [
        (
            RoomNicknameRow.Meta.table_name,
            {"user_id": {"S": user_id}, "room_id": {"S": RoomNicknameRow.key(room_id)}},
        )
        for room_id, user_id in sorted(pairs)
    ]
    accounts: Users = {}
    found: dict[tuple[str, str], User] = {}
    for start in range(0, len(wanted), _BATCH):
        answers = _batch_get(wanted[start : start + _BATCH])
        for item in answers.get(UserRow.Meta.table_name, ()):
            account = UserRow.from_raw_data(item)
            accounts[account.user_id] = User(nickname=account.nickname)
        for item in answers.get(RoomNicknameRow.Meta.table_name, ()):
            row = RoomNicknameRow.from_raw_data(item)
            room_id = row.room_id.removeprefix(RoomNicknameRow.key(""))
            found[room_id, row.user_id] = given(row)
    return accounts, found


def _batch_get(wanted: Iterable[tuple[str, _Key]]) -> dict[str, list[dict[str, Any]]]:
    """Items of several tables, which PynamoDB's models can't ask for at once."""
    keys: dict[str, list[_Key]] = {}
    for table, each in wanted:
        keys.setdefault(table, []).append(each)
    asked: dict[str, Any] = {table: {"Keys": each} for table, each in keys.items()}
    if UserRow.Meta.table_name in asked:
        asked[UserRow.Meta.table_name]["ProjectionExpression"] = "user_id, nickname"
    if RoomNicknameRow.Meta.table_name in asked:
        asked[RoomNicknameRow.Meta.table_name]["ConsistentRead"] = True
    found: dict[str, list[dict[str, Any]]] = {}
    while asked:
        answer = dynamodb.client().call("BatchGetItem", {"RequestItems": asked})
        for table, items in answer["Responses"].items():
            found.setdefault(table, []).extend(items)
        asked = answer.get("UnprocessedKeys") or {}
    return found


# --- Keeping ------------------------------------------------------------------------------


def find(room_id: str, user_id: str) -> RoomNicknameRow | None:
    """What somebody is or was called in a room. One consistent GetItem."""
    try:
        return RoomNicknameRow.get(user_id, RoomNicknameRow.key(room_id), consistent_read=True)
    except RoomNicknameRow.DoesNotExist:
        return None


def forget(user_id: str, *, until: int) -> None:
    """Delete what somebody was called in rooms at a time (ms), as they withdrew then.

    A Query, a DeleteItem for each.
    """
    is_old = RoomNicknameRow.nickname_at <= until
    for row in RoomNicknameRow.query(
        user_id, RoomNicknameRow.room_id < RoomNicknameRow.FIRST_ROOM, consistent_read=True
    ):
        _delete(row, is_old)


def _delete(row: RoomNicknameRow, condition: Any) -> None:
    succeeds(lambda: row.delete(condition=condition))
