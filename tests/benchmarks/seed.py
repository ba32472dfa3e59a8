"""Rows of rooms that are full already: `python -m tests.benchmarks.seed`.

Takes what is wanted as JSON from stdin, writes it to the tables straight away; people would
have to sign in and come in one by one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

DAY_SECONDS: Final = 24 * 3600
#: A room is as old as that, so that it was quiet before.
AGE_MS: Final = 60_000


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
        RoomRow,
        SubscriptionRow,
        UserRow,
    )

    now, expires_at = time.time_ns() // 1_000_000, int(time.time()) + DAY_SECONDS
    heard = set(map(room_id, rooms))
    with UserRow.batch_write() as batch:
        for n in range(people):
            row = UserRow(
                user_id(n), provider="kakao", provider_id=str(n), nickname=f"벤치{n}", created_at=now
            )
            batch.save(row)
    with ConnectionRow.batch_write() as batch:
        for n in range(people):
            batch.save(
                ConnectionRow(
                    connection_id(n),
                    user_id=user_id(n),
                    session_id=f"{n:064x}",
                    nickname=f"벤치{n}",
                    room_ids=heard,
                    expires_at=expires_at,
                )
            )
    for number in rooms:
        room = room_id(number)
        with MemberRow.batch_write() as batch:
            for n in range(people):
                last = chats_each if read else 0
                row = MemberRow(
                    user_id(n),
                    room,
                    role="member",
                    joined_at=now - AGE_MS,
                    read_seq=last,
                    read_number=last,
                )
                batch.save(row)
        with SubscriptionRow.batch_write() as batch:
            for n in range(listeners):
                row = SubscriptionRow(
                    room, connection_id(n), user_id=user_id(n), expires_at=expires_at
                )
                batch.save(row)
        with EntryRow.batch_write() as batch:
            for seq in range(1, chats_each + 1):
                batch.save(
                    EntryRow(
                        room,
                        seq,
                        kind="chat",
                        number=seq,
                        user_id=user_id((number + seq) % people),
                        text="안녕하세요! " * 5,
                        cid=f"seed-{seq:06}",
                        created_at=now - AGE_MS,
                    )
                )
        RoomRow(
            room,
            name=room,
            name_key=room,
            host_id=user_id(0),
            epoch="epoch",
            created_at=now - AGE_MS,
            active_at=now - AGE_MS,
            last_seq=chats_each,
            chats=chats_each,
            member_count=people,
        ).save()


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
