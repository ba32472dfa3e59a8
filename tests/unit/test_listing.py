"""Which rooms are in the directory, and where."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import letters, limits, listing, rows, texts
from chalicelib.protocol import Access, Topic
from chalicelib.tables import PAIR, RoomRow
from tests.benchmarks import units

NOW = 1_790_000_000_000


def room_row(name: str = "서울 맛집", **more: Any) -> RoomRow:
    """An open room with its keys."""
    fields: dict[str, Any] = {
        "name": name,
        "name_key": texts.room_name_key(name),
        "host_id": "h" * 22,
        "epoch": "e" * 16,
        "created_at": NOW,
        "active_at": NOW,
        "previous_at": NOW,
        "last_seq": 12_345,
        "chats": 12_000,
        "member_count": 120,
    }
    room = RoomRow("r" * 16, **{**fields, **more})
    listing.put(room)
    return room


@pytest.mark.parametrize(
    "hidden", [{"closed_at": NOW}, {"locked": True}, {"kind": PAIR}, {"access": Access.PRIVATE}]
)
def test_a_room_that_nobody_may_join_is_in_no_list(hidden: dict[str, Any]) -> None:
    room = room_row(**hidden)
    assert not listing.is_listed(room)
    assert not room.listed
    assert not room.initial
    assert listing.is_listed(room_row())
    assert listing.is_listed(room_row(access=Access.PASSCODE))


def test_a_room_has_its_topics_partition_or_one_of_those_of_none() -> None:
    assert room_row(topic="games").listed == "games"
    found = {listing.part_of(f"room-{n}", None) for n in range(200)}
    assert found == set(listing.parts(None, []))
    assert len(found) == limits.DIRECTORY_PARTS
    assert listing.parts("games", list(Topic)) == ["games"]
    assert set(listing.parts(None, list(Topic))) == found | set(Topic)


def test_a_room_that_is_talked_in_moves_up_once_in_a_step() -> None:
    times = range(NOW, NOW + 4 * limits.DIRECTORY_STEP_MS, 1_000)
    places = [listing.active_place("a-room", at) for at in times]
    assert places == sorted(places)
    # Four steps, and the one that began before.
    assert len(set(places)) == 5
    assert len({place.partition("#")[0] for place in places}) == 5


def test_rooms_do_not_move_up_all_at_once() -> None:
    before = [listing.active_place(f"room-{n}", NOW) for n in range(300)]
    after = [listing.active_place(f"room-{n}", NOW + 30_000) for n in range(300)]
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert 0 < moved < 90  # a tenth of them in a tenth of the step


def test_what_is_typed_leads_to_the_beginning_of_the_keys_that_it_may_mean() -> None:
    room = room_row("서울 맛집")
    assert room.letters.startswith("ㅅㅓㅇㅜㄹㅁㅏㅅㅈㅣㅂ ")
    assert room.initials.startswith("ㅅㅇㅁㅈ ")
    for typed in ("서", "성", "서우", "서울ㅁㅈ", "서울 맛집"):
        asked = letters.units(texts.room_name_key(typed))
        assert room.letters.startswith(listing.letters_key(asked)), typed
    for typed in ("ㅅ", "ㅅㅇ", "ㅅ울ㅁ"):
        asked = letters.units(texts.room_name_key(typed))
        assert room.initials.startswith(listing.initials_key(asked)), typed


def test_keys_of_long_names_are_cut_as_what_is_asked_for_is() -> None:
    name = "아주아주긴이름의방" * 4
    room = room_row(name)
    asked = letters.units(name)
    assert room.letters == listing.letters_key(asked) + " " + room.room_id
    assert room.initials == listing.initials_key(asked) + " " + room.room_id


@pytest.mark.parametrize("name", ["🏓", "\U0001fae8", "!!!", "ㅠㅠ"])
def test_a_room_of_any_name_has_keys(name: str) -> None:
    assert texts.clean_room_name(name)
    assert room_row(name).initial


def test_a_listed_room_with_a_long_chat_shown_is_still_written_for_one_unit() -> None:
    """With more than 1 KB every chat in it would cost another."""
    room = room_row(
        "퇴근 후 서울에서 탁구 치는 사람들",
        topic="sports",
        tag_0="탁구",
        tag_1="서울모임",
        tag_2="퇴근후운동",
        preview=rows.preview("u" * 22, "가" * 200, NOW),
        preview_seq=12_345,
        active_place=listing.active_place("r" * 16, NOW),
        lease_holder="l" * 16,
        lease_until=NOW,
        delivered_seq=12_345,
        words_at=NOW,
        words_version=NOW,
    )
    assert units.item_bytes(room.serialize()) <= 1024
