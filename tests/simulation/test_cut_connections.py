"""Real sockets, real Lambda processes, and connections that break at random."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulation.member import Member
from tests.support.room_log import RoomLog
from tests.support.site import Site, new_person, unique

ROOMS = 4
MEMBERS = 5
CHATS = 10


@pytest.mark.timeout(240)
def test_everybody_ends_with_the_same_complete_history(site: Site) -> None:
    seed = os.environ.get("SEED", os.urandom(4).hex())
    print(f"SEED={seed} repeats the choices of this run")
    members: list[Member] = []
    for room in range(ROOMS):
        host = new_person(site)
        room_id = host.chat().ask("room.open", name=unique("시험"))["room"]["room_id"]
        browsers = [host, *(new_person(site) for _ in range(MEMBERS - 1))]
        members += [
            Member(browser, room_id, f"{seed}-{room}-{number}")
            for number, browser in enumerate(browsers)
        ]

    def talk(member: Member) -> None:
        name = members.index(member)
        for number in range(CHATS):
            member.say(f"{name}: {number}")

    with ThreadPoolExecutor(len(members)) as pool:
        list(pool.map(talk, members))
        list(pool.map(Member.settle, members))

    for room in range(ROOMS):
        in_room = members[room * MEMBERS : (room + 1) * MEMBERS]
        fresh = in_room[0].browser.chat()
        history = RoomLog()
        history.take(fresh.ask("room.enter", room_id=in_room[0].room_id, limit=100)["entries"])
        for member in in_room:
            assert member.log.entries() == history.entries()
        texts = in_room[0].log.texts()
        expected = {
            f"{room * MEMBERS + member}: {number}"
            for member in range(MEMBERS)
            for number in range(CHATS)
        }
        assert len(texts) == len(expected)
        assert set(texts) == expected
        for number in range(room * MEMBERS, (room + 1) * MEMBERS):
            own = [text for text in texts if text.startswith(f"{number}: ")]
            assert own == [f"{number}: {chat}" for chat in range(CHATS)]
    assert sum(member.cuts for member in members) > 0
    assert sum(member.repeats for member in members) > 0
