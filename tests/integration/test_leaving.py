"""Leaving, handing a room over, and closing it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.site import Site, new_person, unique

pytestmark = pytest.mark.localstack


def my_id(client: ChatClient) -> str:
    if not client.me:
        client.ask("session.hello")
    user_id: str = client.me["user_id"]
    return user_id


def refused(client: ChatClient, command: str, **fields: object) -> str:
    with pytest.raises(CommandRefusedError) as error:
        client.ask(command, **fields)
    return error.value.code


def test_a_member_leaves_with_a_notice_and_hears_no_more(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    guest.ask("room.leave", room_id=room_id)
    left = host.wait_for_entry(kind="left")
    assert left["user_id"] == my_id(guest)
    assert refused(guest, "chat.history", room_id=room_id) == "not_member"
    assert refused(guest, "room.leave", room_id=room_id) == "not_member"
    say(host, room_id, "갔네요")
    guest.ask("room.sync", rooms=[])
    assert all(entry.get("text") != "갔네요" for entry in guest.entries)
    assert guest.ask("session.hello")["rooms"] == []
    assert host.ask("session.hello")["rooms"][0]["member_count"] == 1
    again = guest.ask("room.enter", room_id=room_id)
    assert again["joined"]
    assert [entry.get("kind") for entry in again["entries"]][-3:] == ["left", None, "joined"]


def test_a_host_who_leaves_others_must_choose(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    assert refused(host, "room.leave", room_id=room_id) == "host_must_choose"
    say(guest, room_id, "아직 열려 있어요")


def test_a_host_hands_the_room_over_and_leaves(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    guest_id = my_id(guest)
    host.ask("room.leave", room_id=room_id, successor_id=guest_id)
    assert guest.wait_for_entry(kind="host_changed")["user_id"] == guest_id
    guest.wait_for_entry(kind="left")
    room = guest.ask("session.hello")["rooms"][0]
    assert room["host_id"] == guest_id
    assert room["member_count"] == 1
    assert refused(host, "chat.history", room_id=room_id) == "not_member"
    guest.ask("room.leave", room_id=room_id)


@pytest.mark.alike
@pytest.mark.parametrize("successor", ["nobody", "stranger", "oneself"])
def test_only_another_member_can_follow(site: Site, successor: str) -> None:
    host, guest, stranger = (new_person(site).chat() for _ in range(3))
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    ids = {"nobody": "nobody", "stranger": my_id(stranger), "oneself": my_id(host)}
    code = refused(host, "room.leave", room_id=room_id, successor_id=ids[successor])
    assert code == "successor_not_member"
    assert host.ask("session.hello")["rooms"][0]["host_id"] == my_id(host)


@pytest.mark.alike
@pytest.mark.parametrize("fields", [{"close": True}, {"successor_id": "somebody"}])
def test_only_the_host_decides_about_the_room(site: Site, fields: dict[str, object]) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    assert refused(guest, "room.leave", room_id=room_id, **fields) == "not_host"
    say(guest, room_id, "아직 여기")


def test_a_closed_room_is_gone_for_all_and_its_name_is_free(site: Site) -> None:
    host, guest_browser = new_person(site).chat(), new_person(site)
    guest = guest_browser.chat()
    name = unique("닫힐 방")
    room_id = open_room(host, name)
    guest.ask("room.enter", room_id=room_id)
    say(host, room_id, "사라질 말")
    host.ask("room.leave", room_id=room_id, close=True)
    assert guest.wait_for("room.closed") == {
        "type": "room.closed",
        "room_id": room_id,
        "name": name,
    }
    for client in (host, guest):
        assert refused(client, "room.enter", room_id=room_id) == "room_not_found"
        code = refused(client, "chat.send", room_id=room_id, text="여보세요", cid="cid-closed-1")
        assert code in ("room_not_found", "not_member")
    assert guest_browser.chat().ask("session.hello")["rooms"] == []
    reopened = guest.ask("room.open", name=name)
    assert reopened["created"]
    assert reopened["room"]["room_id"] != room_id
    entered = guest.ask("room.enter", room_id=reopened["room"]["room_id"])
    assert texts_of(entered) == []


def test_a_host_alone_in_the_room_just_leaves(site: Site) -> None:
    host, other = new_person(site).chat(), new_person(site).chat()
    name = unique("혼자")
    room_id = open_room(host, name)
    host.ask("room.leave", room_id=room_id)
    assert host.ask("session.hello")["rooms"] == []
    assert other.ask("room.open", name=name)["created"]


def test_one_name_makes_one_room_however_many_ask_at_once(site: Site) -> None:
    people = [new_person(site).chat() for _ in range(5)]
    name = unique("동시에")
    with ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda person: person.ask("room.open", name=name), people))
    assert len({reply["room"]["room_id"] for reply in replies}) == 1
    assert sum(reply.get("created", False) for reply in replies) == 1


def test_members_join_talk_and_leave_at_once_and_the_count_is_right(site: Site) -> None:
    host = new_person(site).chat()
    room_id = open_room(host)
    people = [new_person(site).chat() for _ in range(4)]

    def visit(person: ChatClient) -> None:
        person.ask("room.enter", room_id=room_id)
        say(person, room_id, "잠깐 들렀어요")
        person.ask("room.leave", room_id=room_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, people))
    room = host.ask("session.hello")["rooms"][0]
    assert room["member_count"] == 1
    kinds = [entry.get("kind") for entry in host.ask("room.enter", room_id=room_id)["entries"]]
    assert sorted(map(str, kinds)) == ["None"] * 4 + ["created"] + ["joined"] * 4 + ["left"] * 4
