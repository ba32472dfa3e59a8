"""What people do in rooms besides talking, by chance, and a diary of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tests.support.oracle import (
    Diary,
    check_forgotten,
    check_fresh,
    check_readers,
    check_room,
)
from tests.support.staying import LOST, Seat, Troubles, all_connected
from tests.support.talker import Heard, Talker

EMOJI = ("👍", "❤️", "😂")
#: Fresh clients that load everything at once.
LOADING_AT_ONCE = 4
#: So often a comparison is begun again because something was still under way.
COMPARISONS_MAX = 20


@dataclass(frozen=True)
class Life:
    """How people lived."""

    chats: int
    changes: int
    leaves: int
    troubles: Troubles = field(default_factory=Troubles)
    heard: Heard = field(default_factory=Heard)


class Dweller:
    """One person in one room: talks, and does something else now and then."""

    def __init__(self, person: Talker, room_id: str, name: str, seed: str) -> None:
        self.diary = Diary(person.me, room_id)
        self.changes = 0
        self._person = person
        self._room = person.rooms[room_id]
        self._name = name
        self._random = random.Random(seed)
        self._texts = 0
        #: Own chats that are not deleted, by their ``cid``.
        self._own: list[str] = []

    async def live(self, chats: int, *, may_leave: bool) -> None:
        """Say so many chats, and do other things after each."""
        deeds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0.3, self.edit),
            (0.2, self.delete),
            (0.4, self.react),
            (0.4, self.read),
            (0.1, self.signal),
            (0.2, self.mute),
        ]
        if may_leave:
            deeds.append((0.15, self.go_and_come_back))
        else:
            deeds.append((0.15, self.rename))
        for _ in range(chats):
            await self.say()
            for probability, deed in deeds:
                if self._random.random() < probability:
                    await deed()

    async def say(self) -> None:
        text = self._text()
        chats = sorted(chat["seq"] for chat in self._room.log.chats_after(0))
        seq = self._random.choice(chats) if chats and self._random.random() < 0.3 else None
        more = {} if seq is None else {"reply_to": seq}
        cid = await self._person.say(self.diary.room_id, text, **more)
        self.diary.said(cid, text, seq)
        self._own.append(cid)

    async def edit(self) -> None:
        if self._own:
            cid = self._random.choice(self._own)
            text = self._text()
            self.diary.texts[cid].append(text)
            assert await self._change("chat.edit", cid, text=text)

    async def delete(self) -> None:
        if self._own:
            cid = self._own.pop(self._random.randrange(len(self._own)))
            self.diary.deleted.add(cid)
            assert await self._change("chat.delete", cid)

    async def react(self) -> None:
        chats = [chat["seq"] for chat in self._room.log.chats_after(0) if "deleted" not in chat]
        if not chats:
            return
        seq, emoji = self._random.choice(sorted(chats)), self._random.choice(EMOJI)
        what = (seq, emoji)
        if what in self.diary.reactions or what in self.diary.taken_away:
            return
        if not await self._person.change("chat.react", self.diary.room_id, seq, emoji=emoji):
            self.diary.gone.add(seq)
        elif self._random.random() < 0.7:
            self.diary.reactions.add(what)
        else:
            self.diary.taken_away.add(what)
            if not await self._person.change(
                "chat.react", self.diary.room_id, seq, emoji=emoji, on=False
            ):
                self.diary.gone.add(seq)

    async def read(self) -> None:
        end = self._room.log.end
        seq = self._random.randint(min(self._room.read_seq, end), end)
        await self._person.mark_read(self.diary.room_id, seq)

    async def signal(self) -> None:
        with contextlib.suppress(*LOST):
            await self._person.ask("typing.signal", room_id=self.diary.room_id)

    async def mute(self) -> None:
        self.diary.is_muted = not self.diary.is_muted
        await self._person.mute(self.diary.room_id, on=self.diary.is_muted)

    async def rename(self) -> None:
        """Only the host can, who stays in the room."""
        name = f"{self._room.name[-20:]} {len(self.diary.names)}"
        await self._person.rename_room(self.diary.room_id, name)
        self.diary.names.append(name)

    async def go_and_come_back(self) -> None:
        await self._person.leave(self.diary.room_id)
        await self._person.enter(self.diary.room_id)
        self.diary.is_muted = False

    async def go(self) -> None:
        """Leave for good."""
        await self._person.leave(self.diary.room_id)
        self.diary.stays = False

    async def _change(self, type_: str, cid: str, **fields: str) -> bool:
        seq = self._room.log.seq_of(cid)
        return await self._person.change(type_, self.diary.room_id, seq, **fields)

    def _text(self) -> str:
        self._texts += 1
        return f"[{self._name} {self._texts}]"


async def live(
    seats: Sequence[Seat], rooms: int, rooms_each: int, chats_each: int, seed: str, topic: str
) -> Life:
    """Have everybody live in several rooms at once, and compare with what fresh clients load.

    Args:
        rooms_each: in how many of the rooms each person is.
        chats_each: how many chats everybody says in each of their rooms.
        topic: the rooms' names begin with it.

    Raises:
        AssertionError: a promise is broken.
    """
    troubles, heard = Troubles(), Heard()
    people = [
        Talker(seat, f"{seed}-{number}", troubles, heard) for number, seat in enumerate(seats)
    ]
    async with all_connected(people):
        room_ids = [await people[number].open(f"{topic}-{number}") for number in range(rooms)]
        dwellers: list[list[Dweller]] = [[] for _ in room_ids]

        async def enter(number: int) -> None:
            for offset in range(rooms_each):
                room = (number + offset) % rooms
                await people[number].enter(room_ids[room])
                name = f"{number} in {room}:"
                dweller = Dweller(people[number], room_ids[room], name, f"{seed}-{name}")
                dwellers[room].append(dweller)

        await asyncio.gather(*map(enter, range(len(people))))

        async def spend_time(dweller: Dweller, room: int) -> None:
            guests = [each for each in dwellers[room] if each.diary.user_id != people[room].me]
            await dweller.live(chats_each, may_leave=dweller in guests)
            if dweller is guests[-1]:
                await dweller.go()

        await asyncio.gather(
            *(
                spend_time(dweller, room)
                for room, those_in in enumerate(dwellers)
                for dweller in those_in
            )
        )
        diaries = [dweller.diary for those_in in dwellers for dweller in those_in]
        await compare(people, seats, diaries)
    changes = sum(
        entry.get("kind") == "changed"
        for person, room_id in zip(people, room_ids, strict=False)
        for entry in person.rooms[room_id].log.entries()
    )
    return Life(
        chats=sum(len(diary.texts) for diary in diaries),
        changes=changes,
        leaves=sum(copy.leaves for person in people for copy in person.rooms.values()),
        troubles=troubles,
        heard=heard,
    )


async def compare(
    people: Sequence[Talker], seats: Sequence[Seat], diaries: Sequence[Diary]
) -> None:
    """Compare what everybody has with what a fresh client of theirs loads.

    Raises:
        AssertionError: they differ, or a promise is broken.
    """
    for _ in range(COMPARISONS_MAX):
        await asyncio.gather(*(person.settle() for person in people))
        fresh = await _load(people, seats)
        if all(map(_is_quiet, people, fresh)):
            break
    else:
        raise AssertionError("the rooms never got quiet")

    by_room: dict[str, list[Diary]] = {}
    for diary in diaries:
        by_room.setdefault(diary.room_id, []).append(diary)
    for person, again in zip(people, fresh, strict=True):
        stays_in = {room_id for room_id, copy in person.rooms.items() if copy.is_in}
        assert again.listed.keys() == stays_in
        for room_id in stays_in:
            check_fresh(person.rooms[room_id], again)
            check_room(again.rooms[room_id].log, by_room[room_id])
            staying = sum(diary.stays for diary in by_room[room_id])
            assert again.listed[room_id]["member_count"] == staying
            (diary,) = [each for each in by_room[room_id] if each.user_id == person.me]
            # (A leaving may be delivered twice, and late: who comes back then has muted nothing.)
            if not person.rooms[room_id].leaves:
                assert again.listed[room_id].get("muted", False) == diary.is_muted
            check_readers(person.rooms[room_id], again.members[room_id])
    check_forgotten(
        (text for diary in diaries for cid in diary.deleted for text in diary.texts[cid]),
        (frame for again in fresh for frame in again.transcript or ()),
    )


def _is_quiet(person: Talker, fresh: Talker) -> bool:
    """Whether nothing was written between what one and the other loaded."""
    return all(
        copy.log.end == fresh.listed[room_id]["last_seq"] == fresh.rooms[room_id].log.end
        for room_id, copy in person.rooms.items()
        if copy.is_in and room_id in fresh.listed
    )


async def _load(people: Sequence[Talker], seats: Sequence[Seat]) -> list[Talker]:
    """Fresh clients of the same people, who have loaded all there is."""
    gate = asyncio.Semaphore(LOADING_AT_ONCE)

    async def load(person: Talker, seat: Seat) -> Talker:
        fresh = Talker(seat, f"fresh {person.me}")
        fresh.transcript = []
        async with gate, fresh.connected():
            for room_id in fresh.listed:
                await fresh.enter(room_id)
                await fresh.list_members(room_id)
        return fresh

    return await asyncio.gather(*map(load, people, seats))
