"""Rows of rooms that are full already: `python -m tests.benchmarks.seed`.

Takes what is wanted as JSON from stdin, writes it to the tables straight away; people would
have to sign in and come in one by one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # importing it needs the environment of a Lambda
    from chalicelib.tables import (
        ConnectionRow,
        EntryRow,
        MemberRow,
        RoomRow,
        SubscriptionRow,
        UserRow,
    )

DAY_SECONDS: Final = 24 * 3600
#: A room is as old as that, so that it was quiet before.
AGE_MS: Final = 60_000
EPOCH: Final = "epoch"
TEXT: Final = "안녕하세요! " * 5


def connection_id(number: int) -> str:
    """A connection's id, in the form that API Gateway gives them."""
    return f"L0SM9c{number:07d}Ihw="


def user_id(number: int) -> str:
    """A person's id."""
    return f"user-{number:017d}"


def connection_of(user: str) -> str:
    """The one connection of a person."""
    return connection_id(int(user.removeprefix("user-")))


def room_id(number: int) -> str:
    """A room's id."""
    return f"room-{number:017d}"


def make_tables() -> None:
    """The project's tables, from the template."""
    from tests.support.tables import create_tables

    create_tables(os.environ["AWS_ENDPOINT_URL"], os.environ["TABLE_PREFIX"].rstrip("-"))


def fill(
    *, rooms: list[int], people: int, listeners: int, chats_each: int = 0, read: bool = True
) -> None:
    """Rooms that are listened to.

    Args:
        rooms: numbers of the rooms.
        people: how many are members of each and connected.
        listeners: how many connections hear each room, those of its members first.
        chats_each: chats in each room's log, of one member after another.
        read: whether everybody has read them.
    """
    from chalicelib.tables import (
        ConnectionRow,
        EntryRow,
        MemberRow,
        SubscriptionRow,
        UserRow,
    )

    heard = list(map(room_id, rooms))
    with UserRow.batch_write() as users:
        for n in range(people):
            users.save(_user(n))
    with ConnectionRow.batch_write() as connections:
        for n in range(people):
            connections.save(_connection(n, heard))
    read_up_to = chats_each if read else 0
    for number, room in zip(rooms, heard, strict=True):
        with MemberRow.batch_write() as members:
            for n in range(people):
                members.save(_member(n, room, read_up_to))
        with SubscriptionRow.batch_write() as subscriptions:
            for n in range(listeners):
                subscriptions.save(_subscription(n, room))
        with EntryRow.batch_write() as entries:
            for seq in range(1, chats_each + 1):
                entries.save(_chat(room, seq, user_id((number + seq) % people)))
        _room(room, people, chats_each).save()


def _user(number: int) -> UserRow:
    from chalicelib.tables import UserRow

    return UserRow(
        user_id(number),
        provider="kakao",
        provider_id=str(number),
        nickname=_nickname(number),
        created_at=_before_ms(),
    )


def _connection(number: int, heard: Iterable[str]) -> ConnectionRow:
    from chalicelib.tables import ConnectionRow

    return ConnectionRow(
        connection_id(number),
        user_id=user_id(number),
        session_id=f"{number:064x}",
        nickname=_nickname(number),
        room_ids=set(heard),
        expires_at=_expires_at(),
    )


def _member(number: int, room: str, read_up_to: int) -> MemberRow:
    from chalicelib.tables import MemberRow

    return MemberRow(
        user_id(number),
        room,
        role="member",
        joined_at=_before_ms(),
        read_seq=read_up_to,
        read_number=read_up_to,
    )


def _subscription(number: int, room: str) -> SubscriptionRow:
    from chalicelib.tables import SubscriptionRow

    return SubscriptionRow(
        room, connection_id(number), user_id=user_id(number), expires_at=_expires_at()
    )


def _chat(room: str, seq: int, writer: str) -> EntryRow:
    from chalicelib.tables import EntryRow

    return EntryRow(
        room,
        seq,
        kind="chat",
        number=seq,
        user_id=writer,
        text=TEXT,
        cid=f"seed-{seq:06}",
        created_at=_before_ms(),
    )


def _room(room: str, people: int, chats: int) -> RoomRow:
    from chalicelib.tables import RoomRow

    return RoomRow(
        room,
        name=room,
        name_key=room,
        host_id=user_id(0),
        epoch=EPOCH,
        created_at=_before_ms(),
        active_at=_before_ms(),
        last_seq=chats,
        chats=chats,
        member_count=people,
    )


def _nickname(number: int) -> str:
    return f"벤치{number}"


def _before_ms() -> int:
    return time.time_ns() // 1_000_000 - AGE_MS


def _expires_at() -> int:
    return int(time.time()) + DAY_SECONDS


def main() -> None:
    """Make the tables, or fill rooms."""
    task: dict[str, Any] = json.load(sys.stdin)
    if task:
        fill(**task)
    else:
        make_tables()
    print("{}")


if __name__ == "__main__":
    main()
