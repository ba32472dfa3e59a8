"""The directory: rooms that everybody may join, sorted, searched, and page by page."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import limits
from chalicelib.protocol import Topic
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import say
from tests.integration.test_leaving import refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.listed_rooms import rooms_of
from tests.support.site import new_person, unique

pytestmark = pytest.mark.localstack

PAGE = limits.DIRECTORY_PAGE


def make(client: ChatClient, name: str = "", **about: object) -> str:
    """A room with that said about it."""
    reply = client.ask("room.open", name=name or unique("방"), **about)
    assert reply["created"]
    room_id: str = reply["room"]["room_id"]
    return room_id


def pages(client: ChatClient, command: str, **fields: object) -> list[list[Frame]]:
    """All pages of a list."""
    found: list[list[Frame]] = []
    after: Frame = {}
    while True:
        reply = client.ask(command, **fields, **after)
        found.append(reply["rooms"])
        if "after" not in reply:
            return found
        after = {"after": reply["after"]}


def ids_in(client: ChatClient, command: str, **fields: object) -> list[str]:
    """The rooms of a list, in its order."""
    return [room["room_id"] for page in pages(client, command, **fields) for room in page]


def searched(client: ChatClient, text: str) -> list[str]:
    return ids_in(client, "directory.search", text=text)


def was_active(room_id: str, steps: int) -> None:
    """Have a room's last chat be so many steps ago; each room's begin at moments of their own."""
    from chalicelib import clock, listing
    from chalicelib.tables import RoomRow

    at = clock.now_ms() - steps * limits.DIRECTORY_STEP_MS
    RoomRow(room_id).update([RoomRow.active_place.set(listing.active_place(room_id, at))])


def row_of(room_id: str) -> Any:
    from chalicelib import rows

    return rows.find_room(room_id)


# --- What is in it --------------------------------------------------------------------------


def test_a_new_room_is_found_with_what_is_said_of_it(host: ChatClient) -> None:
    tag = unique("tag")[-20:].lower()
    name = unique("새 방")
    room_id = make(host, name, topic="fandom", tags=[f" #{tag.upper()}", tag, "두 낱말"])
    for order in ("active", "new"):
        (room, *_) = [
            room
            for page in pages(host, "directory.list", order=order, topic="fandom")
            for room in page
            if room["room_id"] == room_id
        ]
        assert room.pop("created_at") > 0
        assert room == {
            "room_id": room_id,
            "name": name,
            "member_count": 1,
            "topic": "fandom",
            "tags": [tag, "두_낱말"],
        }
        assert room_id not in ids_in(host, "directory.list", order=order, topic="travel")
        assert room_id in ids_in(host, "directory.list", order=order)
    (mine,) = [room for room in host.ask("session.hello")["rooms"] if room["room_id"] == room_id]
    assert (mine["topic"], mine["tags"]) == ("fandom", [tag, "두_낱말"])


@pytest.mark.stack_only
def test_a_list_tells_how_many_are_in_a_room_and_when_they_talked(
    host: ChatClient, handlers: HandlerSite
) -> None:
    room_id = make(host, topic="culture")
    new_person(handlers).chat().ask("room.enter", room_id=room_id)
    said = say(host, room_id, "비밀 이야기")
    listed = host.ask("directory.list", order="new", topic="culture")["rooms"]
    (room,) = [each for each in listed if each["room_id"] == room_id]
    assert (room["member_count"], room["said_at"]) == (2, said["at"])
    assert "비밀 이야기" not in str(listed)


@pytest.mark.stack_only
def test_rooms_that_nobody_can_join_are_not_in_it(host: ChatClient, handlers: HandlerSite) -> None:
    tag = unique("tag")[-20:].lower()
    closed, locked, left = (make(host, topic="work", tags=[tag]) for _ in range(3))
    guest = new_person(handlers).chat()
    guest.ask("room.enter", room_id=left)
    assert set(searched(guest, f"#{tag}")) == {closed, locked, left}
    host.ask("room.leave", room_id=closed, close=True)
    host.ask("room.lock", room_id=locked)

    def lists() -> list[set[str]]:
        ours = {closed, locked, left}
        return [
            ours & set(ids_in(guest, "directory.list", topic="work")),
            ours & set(ids_in(guest, "directory.list", topic="work", order="new")),
            set(searched(guest, f"#{tag}")),
        ]

    assert lists() == [{left}] * 3
    host.ask("room.lock", room_id=locked, on=False)
    assert lists() == [{left, locked}] * 3


@pytest.mark.stack_only
def test_a_room_for_two_is_not_in_it(host: ChatClient, handlers: HandlerSite) -> None:
    other = new_person(handlers).chat()
    tag = unique("t")[-20:]
    for client in (host, other):
        found = client.ask("match.seek", cid=unique("cid"), languages=["ko"], tags=[tag])
    room_id = found["room"]["room_id"]
    say(host, room_id, "안녕하세요")
    assert room_id not in ids_in(host, "directory.list")
    assert room_id not in ids_in(host, "directory.list", order="new")


@pytest.mark.parametrize("hides", ["room.lock", "room.leave"])
def test_a_room_whose_keys_are_late_is_not_shown(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, hides: str
) -> None:
    """An index is behind its table for a moment, and whoever changes a room may be cut off."""
    from chalicelib import listing

    name = unique("늦은")
    room_id = make(host, name, topic="work", tags=["늦은"])
    monkeypatch.setattr(listing, "relist", lambda _: None)
    monkeypatch.setattr(listing, "unlist", list)
    host.ask(hides, room_id=room_id, **({"close": True} if hides == "room.leave" else {}))
    for found in (
        ids_in(host, "directory.list", topic="work"),
        searched(host, name),
        searched(host, "#늦은"),
    ):
        assert room_id not in found
    monkeypatch.undo()
    if hides == "room.lock":
        listing.relist(row_of(room_id))


def test_a_room_of_before_the_directory_is_listed_when_somebody_enters_it(
    host: ChatClient,
) -> None:
    from chalicelib.tables import RoomRow

    name = unique("옛날")
    room_id = make(host, name)
    keys = ["listed", "active_place", "created_place", "initial", "letters", "initials"]
    RoomRow(room_id).update([getattr(RoomRow, key).remove() for key in keys])
    assert room_id not in searched(host, name) + ids_in(host, "directory.list")
    host.ask("room.enter", room_id=room_id)
    assert room_id in searched(host, name)
    assert room_id in ids_in(host, "directory.list")
    assert room_id in ids_in(host, "directory.list", order="new")


# --- What a room is about -------------------------------------------------------------------


def test_the_host_says_what_a_room_is_about(host: ChatClient) -> None:
    one, two = (unique("tag")[-20:].lower() for _ in range(2))
    room_id = make(host, topic="games", tags=[one])
    assert searched(host, f"#{one}") == [room_id]
    reply = host.ask("room.describe", room_id=room_id, topic="study", tags=[two, one])
    assert reply.keys() == {"type", "ref"}
    assert searched(host, f"#{two}") == searched(host, f"#{one}") == [room_id]
    assert room_id in ids_in(host, "directory.list", topic="study")
    assert room_id not in ids_in(host, "directory.list", topic="games")
    host.ask("room.describe", room_id=room_id)
    assert searched(host, f"#{one}") == searched(host, f"#{two}") == []
    assert room_id not in ids_in(host, "directory.list", topic="study")
    assert room_id in ids_in(host, "directory.list")
    (mine,) = [each for each in host.ask("session.hello")["rooms"] if each["room_id"] == room_id]
    assert not mine.keys() & {"topic", "tags"}


@pytest.mark.stack_only
def test_nobody_else_does(host: ChatClient, handlers: HandlerSite) -> None:
    guest, stranger = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    host.ask("room.set_role", room_id=room_id, user_id=_id(guest), role="manager")
    about = {"room_id": room_id, "topic": "games"}
    assert refused(guest, "room.describe", **about) == "not_host"
    assert refused(stranger, "room.describe", **about) == "not_member"
    host.ask("room.leave", room_id=room_id, close=True)
    assert refused(host, "room.describe", **about) in {"not_member", "room_not_found"}
    assert row_of(room_id) is None or row_of(room_id).topic is None


def _id(client: ChatClient) -> str:
    user_id: str = client.ask("session.hello")["me"]["user_id"]
    return user_id


@pytest.mark.stack_only
def test_who_hands_the_room_over_meanwhile_says_nothing_of_it(
    host: ChatClient, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import directory

    other = new_person(handlers).chat()
    room_id = room_of(host, other)
    tab = host  # the same person
    before(
        monkeypatch,
        directory,
        "succeeds",
        lambda: other_becomes_host(room_id, _id(other)),
    )
    assert refused(tab, "room.describe", room_id=room_id, topic="games") == "not_host"
    assert row_of(room_id).topic is None


def other_becomes_host(room_id: str, user_id: str) -> None:
    from chalicelib.tables import RoomRow

    RoomRow(room_id).update([RoomRow.host_id.set(user_id)])


@pytest.mark.stack_only
def test_a_frame_that_comes_again_late_changes_nothing(
    host: ChatClient, at: Callable[[int], None]
) -> None:
    room_id = make(host)
    at(1_000)
    host.ask("room.describe", room_id=room_id, topic="games")
    at(2_000)
    host.ask("room.describe", room_id=room_id, topic="study")
    at(1_000)
    host.ask("room.describe", room_id=room_id, topic="games")
    assert row_of(room_id).topic == "study"
    assert row_of(room_id).listed == "study"


@pytest.mark.alike
@pytest.mark.parametrize("tags", [["씨발"], ["ok", "시 발"]])
def test_a_tag_that_nobody_has_to_read_is_refused(host: ChatClient, tags: list[str]) -> None:
    room_id = make(host)
    assert refused(host, "room.describe", room_id=room_id, tags=tags) == "bad_word"
    assert refused(host, "room.open", name=unique("방"), tags=tags) == "bad_word"


@pytest.mark.stack_only
def test_renaming_and_describing_at_once_leave_a_room_where_it_belongs(
    host: ChatClient,
) -> None:
    from chalicelib import listing, texts

    room_id = make(host)
    tab = host
    names = [unique(f"이름 {n}") for n in range(6)]
    with ThreadPoolExecutor(2) as pool:
        renaming = pool.submit(
            lambda: [tab.ask("room.rename", room_id=room_id, name=name) for name in names]
        )
        for topic in Topic:
            tab.ask("room.describe", room_id=room_id, topic=topic.value)
        renaming.result()
    room = row_of(room_id)
    assert (room.name, room.topic) == (names[-1], list(Topic)[-1].value)
    assert room.listed == room.topic
    fresh = type(room)(room_id, **{**room.attribute_values, "room_id": room_id})
    listing.put(fresh)
    assert (fresh.letters, fresh.initials) == (room.letters, room.initials)
    assert texts.room_name_key(names[-1]) == room.name_key


# --- Order and pages ------------------------------------------------------------------------


def test_what_is_said_in_a_room_moves_it_up_once_in_a_step(host: ChatClient) -> None:
    older, newer = make(host, topic="sports"), make(host, topic="sports")
    was_active(older, steps=6)
    was_active(newer, steps=4)

    def order(of: str) -> list[str]:
        listed = ids_in(host, "directory.list", topic="sports", order=of)
        return [each for each in listed if each in (older, newer)]

    assert order("active") == order("new") == [newer, older]
    say(host, older, "오랜만이에요")
    place = row_of(older).active_place
    assert order("active") == [older, newer]
    assert order("new") == [newer, older]
    say(host, older, "저도요")
    assert row_of(older).active_place == place
    # Who comes or goes is no talk.
    host.ask("room.rename", room_id=newer, name=unique("조용한 방"))
    assert order("active") == [older, newer]


@pytest.mark.parametrize("order", ["active", "new"])
def test_pages_have_every_room_once_and_in_order(host: ChatClient, order: str) -> None:
    names = [unique("쪽") for _ in range(2 * PAGE + 5)]
    with rooms_of(names, Topic.STUDY) as made:
        if order == "active":
            for number, room_id in enumerate(made):
                was_active(room_id, 2 * number)
        found = pages(host, "directory.list", order=order, topic="study")
        ours = [[each for each in page if each["room_id"] in made] for page in found]
        assert [room["room_id"] for page in ours for room in page] == made
        assert all(len(page) <= PAGE for page in found)
        # Among all topics as well, and those of none.
        listed = ids_in(host, "directory.list", order=order)
        assert [each for each in listed if each in made] == made


@pytest.mark.stack_only
def test_rooms_that_move_while_one_pages_come_once_and_are_not_lost(host: ChatClient) -> None:
    with rooms_of([unique("이사") for _ in range(3 * PAGE)], Topic.DAILY) as made:
        for number, room_id in enumerate(made, 1):
            was_active(room_id, 2 * number)
        first = host.ask("directory.list", topic="daily")
        shown = [room["room_id"] for room in first["rooms"]]
        # One that was seen is talked in, and one that was not.
        unseen = [each for each in made if each not in shown][-1]
        was_active(shown[0], 0)
        was_active(unseen, 0)
        after: Frame | None = first
        while after is not None and "after" in after:
            after = host.ask("directory.list", topic="daily", after=after["after"])
            shown += [room["room_id"] for room in after["rooms"]]
        assert len(shown) == len(set(shown))
        assert set(made) - set(shown) == {unseen}
        top = [room["room_id"] for room in host.ask("directory.list", topic="daily")["rooms"]]
        assert {unseen, shown[0]} <= set(top[:2])


@pytest.mark.stack_only
def test_a_room_that_changes_its_topic_while_a_page_is_read_comes_once(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import directory

    room_id = make(host, topic="daily")
    original = directory._keys
    read: list[str] = []

    def keys(index: Any, key: str, *arguments: Any, **more: Any) -> Any:
        if key == "travel":
            host.ask("room.describe", room_id=room_id, topic="travel")
        read.append(key)
        return original(index, key, *arguments, **more)

    monkeypatch.setattr(directory, "_keys", keys)
    listed = host.ask("directory.list", order="new")["rooms"]
    assert read.index("daily") < read.index("travel")
    assert [room["room_id"] for room in listed].count(room_id) == 1


@pytest.mark.stack_only
def test_rooms_that_are_not_shown_do_not_end_a_list(host: ChatClient) -> None:
    from chalicelib.tables import RoomRow

    with rooms_of([unique("잠긴") for _ in range(4 * PAGE)], Topic.TRAVEL) as made:
        for room_id in made[:-1]:
            RoomRow(room_id).update([RoomRow.locked.set(True)])
        first = host.ask("directory.list", order="new", topic="travel")
        assert "after" in first
        assert made[-1] in ids_in(host, "directory.list", order="new", topic="travel")


# --- Looking for one ------------------------------------------------------------------------


def test_a_room_is_found_while_its_name_is_typed(host: ChatClient) -> None:
    mark = unique("q")
    room_id = make(host, f"핑{mark} 서울 맛집")
    for typed in ("핑", f"핑{mark}", f"핑{mark} 성", f"핑{mark}서우", f"핑{mark}서울ㅁㅈ"):
        assert room_id in searched(host, typed), typed
    for typed in (f"ㅍ{mark}", f"ㅍ{mark}ㅅㅇ", f"ㅍ{mark} ㅅㅇㅁㅈ", f"ㅍ{mark.upper()}"):
        assert room_id in searched(host, typed), typed
    for typed in (f"퐁{mark}", f"핑{mark}부산", f"ㅍ{mark}ㅂ", "서울 맛집" + mark):
        assert room_id not in searched(host, typed), typed


def test_a_room_that_is_renamed_is_found_by_its_new_name_only(host: ChatClient) -> None:
    old, new = unique("예전"), unique("요즘")
    room_id = make(host, old)
    host.ask("room.rename", room_id=room_id, name=new)
    assert searched(host, old) == []
    assert searched(host, new) == [room_id]


def test_a_text_is_looked_for_in_names_first_and_then_in_tags(host: ChatClient) -> None:
    text = "탁구" + unique("")[-6:].lower()
    tagged = [
        make(host, tags=["가", text]),
        make(host, tags=[text]),
        make(host, tags=["a", "b", text]),
    ]
    both = make(host, f"{text} 둘 다", tags=[text])
    named = make(host, f"{text} 하나")
    assert searched(host, text) == [both, named, *reversed(tagged)]
    assert searched(host, f"#{text}") == [both, *reversed(tagged)]
    # A tag is found whole.
    assert searched(host, f"#{text[:-1]}") == []


def test_a_search_goes_on_page_by_page_from_names_into_tags(host: ChatClient) -> None:
    text = "많은" + unique("")[-6:].lower()
    tagged = make(host, tags=[text])
    names = [f"{text} {number:02d}" for number in range(PAGE + 5)]
    with rooms_of(names) as made:
        found = pages(host, "directory.search", text=text)
        assert [room["room_id"] for page in found for room in page] == [*made, tagged]
        assert len(found[0]) == PAGE
        # Initials have the same rooms, in an order of their own.
        initials = "ㅁㅇ" + text[2:]
        assert set(ids_in(host, "directory.search", text=initials)) == set(made)


def test_a_cursor_is_of_its_own_list_only(host: ChatClient) -> None:
    text = "쪽지" + unique("")[-6:].lower()
    with rooms_of([f"{text} {number:02d}" for number in range(PAGE + 1)], Topic.WORK):
        new = host.ask("directory.list", order="new", topic="work")["after"]
        active = host.ask("directory.list", topic="work")["after"]
        name = host.ask("directory.search", text=text)["after"]
        for command, fields, after in (
            ("directory.list", {"order": "active"}, new),
            ("directory.list", {"order": "new"}, active),
            ("directory.list", {"order": "new"}, name),
            ("directory.search", {"text": text}, new),
            ("directory.search", {"text": f"{text} 0"}, name[:-4]),
            ("directory.search", {"text": "다른 이름"}, name),
            ("directory.search", {"text": f"#{text}"}, name),
        ):
            assert refused(host, command, **fields, after=after) == "invalid_field", command
        # Of one list of rooms every part begins at the same places.
        assert host.ask("directory.list", order="new", after=new)["rooms"] is not None
