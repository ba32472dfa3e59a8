"""People meet in a room and talk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib import limits
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.site import Browser, Site, new_person, unique

pytestmark = pytest.mark.localstack


def open_room(host: ChatClient, name: str | None = None) -> str:
    """Make a room; its id."""
    reply = host.ask("room.open", name=name or unique("방"))
    assert reply["created"]
    room_id: str = reply["room"]["room_id"]
    return room_id


def say(client: ChatClient, room_id: str, text: str, **more: object) -> Frame:
    """Send a chat; its entry."""
    entry: Frame = client.ask(
        "chat.send", room_id=room_id, text=text, cid=more.pop("cid", unique("cid")), **more
    )["entry"]
    return entry


def texts_of(page: Frame) -> list[str]:
    return [entry["text"] for entry in page["entries"] if "kind" not in entry]


def test_two_people_meet_by_a_room_name_and_talk(site: Site) -> None:
    jimin, haeun = new_person(site, "지민").chat(), new_person(site, "하은").chat()
    name = unique("탁구")
    made = jimin.ask("room.open", name=name)
    found = haeun.ask("room.open", name=f"  {name.upper()} ")
    assert made["created"]
    assert "created" not in found
    assert found["room"]["room_id"] == made["room"]["room_id"]
    assert found["room"] == {
        "room_id": made["room"]["room_id"],
        "name": name,
        "member_count": 1,
        "is_member": False,
    }
    room_id = made["room"]["room_id"]

    entered = haeun.ask("room.enter", room_id=room_id)
    assert entered["joined"]
    assert entered["room"]["member_count"] == 2
    assert [entry["kind"] for entry in entered["entries"]] == ["created", "joined"]
    assert {user["nickname"] for user in entered["users"].values()} == {"지민", "하은"}
    joined = jimin.wait_for_entry(kind="joined")
    assert joined["seq"] == 2

    said = say(jimin, room_id, "안녕하세요 👋")
    assert haeun.wait_for_entry(seq=said["seq"]) == said
    answered = say(haeun, room_id, "반가워요")
    assert jimin.wait_for_entry(seq=answered["seq"])["text"] == "반가워요"
    assert answered["seq"] == said["seq"] + 1


def test_the_joined_notice_comes_once_however_often_one_enters(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site)
    room_id = open_room(host)
    tabs = [guest.chat() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        replies = list(pool.map(lambda tab: tab.ask("room.enter", room_id=room_id), tabs))
    assert sum(reply.get("joined", False) for reply in replies) == 1
    again = tabs[0].ask("room.enter", room_id=room_id)
    assert "joined" not in again
    assert [entry["kind"] for entry in again["entries"]] == ["created", "joined"]
    assert again["room"]["member_count"] == 2


def test_everybody_in_the_room_hears_a_chat_once_but_nobody_else(site: Site) -> None:
    people = [new_person(site).chat() for _ in range(4)]
    outsider = people.pop()
    room_id, other_room = open_room(people[0]), open_room(outsider)
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    said = say(people[0], room_id, "모두 들려요?")
    for person in people[1:]:
        assert person.wait_for_entry(seq=said["seq"])["text"] == "모두 들려요?"
    say(outsider, other_room, "여긴 다른 방")
    # Commands are answered after what came before was posted, so nothing is under way.
    for person in (*people, outsider):
        person.ask("room.sync", rooms=[])
        assert all(entry.get("text") != "여긴 다른 방" for entry in person.entries)
        assert [entry["text"] for entry in person.entries if "text" in entry] == []


def test_a_persons_other_tabs_follow(site: Site) -> None:
    browser, host = new_person(site), new_person(site).chat()
    first, second = browser.chat(), browser.chat()
    room_id = open_room(host)
    first.ask("room.enter", room_id=room_id)
    assert second.wait_for("room.joined")["room"]["room_id"] == room_id
    said = say(first, room_id, "탭 하나")
    assert second.wait_for_entry(seq=said["seq"])["cid"] == said["cid"]
    answered = say(host, room_id, "둘 다 들려요")
    second.ask("room.read", room_id=room_id, seq=answered["seq"])
    assert first.wait_for("read.marked")["seq"] == answered["seq"]
    first.ask("profile.update", nickname="새 이름")
    assert second.wait_for("profile.updated")["me"]["nickname"] == "새 이름"
    renamed = say(second, room_id, "이름 바꿨어요")
    event = host.wait_for("entries.added", lambda frame: frame["entries"][0] == renamed)
    assert [user["nickname"] for user in event["users"].values()] == ["새 이름"]
    second.ask("room.leave", room_id=room_id)
    assert first.wait_for("room.left")["room_id"] == room_id


def test_hello_lists_ones_rooms_most_recently_active_first(site: Site) -> None:
    browser = new_person(site, "지민")
    client = browser.chat()
    assert client.ask("session.hello")["rooms"] == []
    older, newer = open_room(client), open_room(client)
    said = say(client, older, "이쪽이 나중 " + "가" * 100)
    hello = client.ask("session.hello")
    assert [room["room_id"] for room in hello["rooms"]] == [older, newer]
    room = hello["rooms"][0]
    assert room["last_seq"] == 2
    assert room["read_seq"] == 2  # who says something has read what is before it
    assert "unread" not in room
    assert room["preview"]["at"] == said["at"]
    assert room["preview"]["text"].startswith("이쪽이 나중 가")
    assert len(room["preview"]["text"]) == limits.PREVIEW_MAX
    assert hello["me"]["nickname"] == "지민"
    assert hello["users"] == {hello["me"]["user_id"]: {"nickname": "지민"}}


def test_members_are_listed_with_nicknames_and_the_host(site: Site) -> None:
    host, guest = new_person(site, "방장").chat(), new_person(site, "손님").chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    reply = guest.ask("room.members", room_id=room_id)
    names = {
        reply["users"][member["user_id"]]["nickname"]: member.get("role", "member")
        for member in reply["members"]
    }
    assert names == {"방장": "host", "손님": "member"}


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("chat.send", {"text": "들어가도 되나요", "cid": "cid-12345678"}),
        ("chat.send", {"text": "다시", "cid": "cid-12345678", "retry_since": 0}),
        ("room.read", {"seq": 1}),
        ("room.read", {"seq": 10**6}),
        *(
            # Refused by the same read.
            pytest.param(command, fields, marks=pytest.mark.alike)
            for command, fields in (
                ("chat.history", {}),
                ("chat.history", {"after": 0}),
                ("room.members", {}),
                ("room.leave", {}),
                ("room.leave", {"close": True}),
            )
        ),
    ],
)
def test_a_room_can_not_be_used_without_joining(
    site: Site, command: str, fields: dict[str, object]
) -> None:
    host, stranger = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    say(host, room_id, "비밀")
    with pytest.raises(CommandRefusedError) as refused:
        stranger.ask(command, room_id=room_id, **fields)
    assert refused.value.code == "not_member"
    synced = stranger.ask("room.sync", rooms=[{"room_id": room_id, "after": 0}])
    assert synced["rooms"] == [{"room_id": room_id, "gone": True}]
    assert stranger.ask("room.list", room_ids=[room_id])["rooms"] == []
    history = host.ask("chat.history", room_id=room_id)
    assert texts_of(history) == ["비밀"]


def test_history_is_paged_both_ways_without_gap_or_overlap(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    for number in range(2, 13):
        assert say(client, room_id, f"#{number}")["seq"] == number
    newest = client.ask("room.enter", room_id=room_id, limit=5)
    assert [entry["seq"] for entry in newest["entries"]] == [8, 9, 10, 11, 12]
    assert newest["has_before"]
    seen: list[int] = []
    page = newest
    while page.get("has_before"):
        before = page["entries"][0]["seq"]
        page = client.ask("chat.history", room_id=room_id, before=before, limit=4)
        assert page["has_after"]
        seen = [entry["seq"] for entry in page["entries"]] + seen
    assert seen == list(range(1, 8))
    page = {"entries": [{"seq": 0}], "has_after": True}
    seen = []
    while page.get("has_after"):
        after = page["entries"][-1]["seq"]
        page = client.ask("chat.history", room_id=room_id, after=after, limit=5)
        seen += [entry["seq"] for entry in page["entries"]]
    assert seen == list(range(1, 13))
    assert client.ask("chat.history", room_id=room_id, after=10**9)["entries"] == []
    beyond = client.ask("chat.history", room_id=room_id, before=10**9, limit=3)
    assert [entry["seq"] for entry in beyond["entries"]] == [10, 11, 12]


def test_pages_stay_below_a_frame_however_long_the_chats_are(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    for _ in range(4):
        say(client, room_id, "가" * limits.CHAT_TEXT_MAX)  # 12 KB each
    page = client.ask("chat.history", room_id=room_id)
    assert [entry["seq"] for entry in page["entries"]] == [4, 5]
    assert page["has_before"]
    synced = client.ask("room.sync", rooms=[{"room_id": room_id, "after": 1}])["rooms"][0]
    assert [entry["seq"] for entry in synced["entries"]] == [2, 3]
    assert "complete" not in synced


def test_a_repeated_send_yields_one_chat(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    first = say(guest, room_id, "한 번만", cid="cid-once-123")
    say(host, room_id, "그 사이에")
    for _ in range(3):
        again = say(guest, room_id, "한 번만", cid="cid-once-123", retry_since=first["seq"] - 1)
        assert again == first
    # The same cid of somebody else is another chat.
    other = say(host, room_id, "내 것", cid="cid-once-123", retry_since=0)
    assert other["seq"] == first["seq"] + 2
    history = guest.ask("chat.history", room_id=room_id)
    assert texts_of(history) == ["한 번만", "그 사이에", "내 것"]


def test_a_repeat_of_what_never_arrived_is_stored(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    entry = say(client, room_id, "첫 시도는 사라졌다", cid="cid-lost-123", retry_since=1)
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["첫 시도는 사라졌다"]
    assert entry["seq"] == 2


def test_chats_of_many_at_once_have_one_order_for_all(site: Site) -> None:
    people = [new_person(site).chat() for _ in range(4)]
    room_id = open_room(people[0])
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)

    def talk(person: ChatClient) -> list[int]:
        return [say(person, room_id, f"{number}")["seq"] for number in range(5)]

    with ThreadPoolExecutor(4) as pool:
        seqs = list(pool.map(talk, people))
    for own in seqs:
        assert own == sorted(own)
    histories = [person.ask("chat.history", room_id=room_id)["entries"] for person in people]
    assert all(history == histories[0] for history in histories)
    assert [entry["seq"] for entry in histories[0]] == list(range(1, 25))


def go_away(browser: Browser, host: ChatClient, rooms: int) -> list[Frame]:
    """Enter rooms of a host's and leave the site; how far one had each, as room.sync wants it."""
    client = browser.chat()
    positions = []
    for _ in range(rooms):
        room = client.ask("room.enter", room_id=open_room(host))["room"]
        positions.append(
            {"room_id": room["room_id"], "after": room["last_seq"], "epoch": room["epoch"]}
        )
    client.close()
    return positions


def test_sync_tells_in_one_reply_what_was_missed_in_all_rooms(site: Site) -> None:
    browser, friend = new_person(site), new_person(site).chat()
    positions = go_away(browser, friend, rooms=3)
    rooms = [position["room_id"] for position in positions]
    say(friend, rooms[0], "하나")
    say(friend, rooms[0], "둘")
    say(friend, rooms[1], "셋")
    friend.ask("room.leave", room_id=rooms[2], close=True)
    back = browser.chat()
    reply = back.ask("room.sync", rooms=positions)
    assert [texts_of(room) for room in reply["rooms"][:2]] == [["하나", "둘"], ["셋"]]
    assert all(room["complete"] for room in reply["rooms"][:2])
    assert reply["rooms"][2] == {"room_id": rooms[2], "gone": True}
    assert len(reply["users"]) == 1


def test_a_copy_of_another_log_or_from_the_future_is_reset(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    say(client, room_id, "하나")
    for position in ({"after": 1, "epoch": "another"}, {"after": 99}):
        reply = client.ask("room.sync", rooms=[{"room_id": room_id, **position}])
        room = reply["rooms"][0]
        assert room["reset"]
        assert [entry["seq"] for entry in room["entries"]] == [1, 2]
        assert room["complete"]


def test_read_positions_only_go_forward(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    for text in ("하나", "둘"):
        say(client, room_id, text)
    client.ask("room.read", room_id=room_id, seq=3)
    client.ask("room.read", room_id=room_id, seq=2)
    assert client.ask("session.hello")["rooms"][0]["read_seq"] == 3
