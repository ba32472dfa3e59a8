"""Many people talking at once, each with a client that keeps the rules of docs/protocol.md."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.oracle import Diary, check_fresh, check_room
from tests.support.staying import Seat, Troubles, all_connected
from tests.support.talker import Heard, Talker

__all__ = ["Seat", "Talk", "talk"]


@dataclass(frozen=True)
class Talk:
    """How a crowd's talk went."""

    people: int
    rooms: int
    chats: int
    #: Until all were connected and greeted, all having begun at once.
    connect_seconds: float
    #: From the first chat until everybody had every chat of their room.
    talk_seconds: float
    troubles: Troubles = field(default_factory=Troubles)
    heard: Heard = field(default_factory=Heard)


async def talk(seats: Sequence[Seat], rooms: int, chats_each: int, seed: str, topic: str) -> Talk:
    """Fill so many rooms evenly, have everybody say so many chats at once, and compare.

    Args:
        topic: the rooms' names begin with it.

    Raises:
        AssertionError: two people, or a person and the room's history, differ; or a chat is
            missing, there twice, or out of its sender's order.
    """
    clock = asyncio.get_running_loop().time
    troubles, heard = Troubles(), Heard()
    people = [
        Talker(seat, f"{seed}-{number}", troubles, heard) for number, seat in enumerate(seats)
    ]
    started = clock()
    async with all_connected(people):
        connect_seconds = clock() - started
        room_ids = []
        for first in range(rooms):
            room_id = await people[first].open(f"{topic}-{first}")
            for guest in people[first + rooms :: rooms]:
                await guest.enter(room_id)
            room_ids.append(room_id)

        async def talk_and_hear(number: int) -> Diary:
            room = number % rooms
            diary = Diary(people[number].me, room_ids[room])
            for chat in range(chats_each):
                text = f"{number}: {chat}"
                diary.said(await people[number].say(diary.room_id, text), text)
            await people[number].await_chats(diary.room_id, len(people[room::rooms]) * chats_each)
            return diary

        started = clock()
        diaries = await asyncio.gather(*map(talk_and_hear, range(len(people))))
        talk_seconds = clock() - started
        await asyncio.gather(*(person.settle() for person in people))

    for first, room_id in enumerate(room_ids):
        fresh = Talker(seats[first], f"{seed}-fresh-{first}")
        async with fresh.connected():
            await fresh.enter(room_id)
        check_fresh(people[first].rooms[room_id], fresh)
        log = fresh.rooms[room_id].log
        check_room(log, diaries[first::rooms])
        for person in people[first::rooms]:
            assert person.rooms[room_id].log.entries() == log.entries()
    return Talk(
        people=len(people),
        rooms=rooms,
        chats=len(people) * chats_each,
        connect_seconds=connect_seconds,
        talk_seconds=talk_seconds,
        troubles=troubles,
        heard=heard,
    )
