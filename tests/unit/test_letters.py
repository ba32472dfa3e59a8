"""Names as what is typed on the way to them."""

from __future__ import annotations

import pytest

from chalicelib import letters, texts


def units(text: str) -> list[str]:
    return letters.units(texts.room_name_key(text))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("서울 맛집", ["ㅅㅓ", "ㅇㅜㄹ", "ㅁㅏㅅ", "ㅈㅣㅂ"]),
        ("닭과 과자", ["ㄷㅏㄹㄱ", "ㄱㅗㅏ", "ㄱㅗㅏ", "ㅈㅏ"]),
        ("ㅅㅇ", ["ㅅ", "ㅇ"]),
        ("ㄳ", ["ㄱ", "ㅅ"]),  # as some keyboards join two initials
        ("ㅠㅠ", ["ㅠ", "ㅠ"]),
        ("[BTS] Café 2", ["b", "t", "s", "c", "a", "f", "e", "2"]),
        ("ＢＴＳ", ["b", "t", "s"]),
        ("漢字", ["漢", "字"]),
        ("🏓 !", ["🏓", "!"]),
        ("🏓 탁구", ["ㅌㅏㄱ", "ㄱㅜ"]),
    ],
)
def test_a_name_is_read_by_its_letters(name: str, expected: list[str]) -> None:
    assert units(name) == expected


@pytest.mark.parametrize("text", [" ", "\u200b", "\u00a0\n"])
def test_where_nothing_is_to_be_seen_there_are_none(text: str) -> None:
    assert units(text) == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *[
            (typed, "서울 맛집")
            for typed in ["ㅅ", "서", "성", "서우", "서울", "서울ㅁ", "서울마", "서울맛집"]
        ],
        *[
            (typed, "서울 맛집")
            for typed in ["ㅅㅇ", "ㅅㅇㅁ", "ㅅㅇㅁㅈ", "ㅅ울", "서ㅇ", "서ㅇㅁ", "서울ㅁㅈ"]
        ],
        ("달", "닭갈비"),
        ("ㄷㄱㅂ", "닭갈비"),
        ("고", "과자"),
        ("달ㄱ", "달걀"),
        ("닭", "달걀"),  # on the way to it
        ("bts", "[BTS] 팬"),
        ("cafe", "Café"),
        ("🏓", "🏓🏓"),
    ],
)
def test_what_is_typed_on_the_way_to_a_name_finds_it(typed: str, name: str) -> None:
    assert letters.begins(units(typed), units(name))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("부산", "서울"),
        ("울", "서울"),  # a name is found by its beginning
        ("ㅅㅇㅁ", "서울"),
        ("서울서", "서울"),
        ("ㅅㅂ", "서울"),
        ("저", "서울"),
        ("bt", "b"),
    ],
)
def test_what_begins_otherwise_does_not(typed: str, name: str) -> None:
    assert not letters.begins(units(typed), units(name))


def test_a_long_name_of_one_letter_takes_no_long_time() -> None:
    """How much of what is typed is used up is counted, not tried: no two to the power of it."""
    assert letters.begins(units("ㅋ" * 40), units("ㅋ" * 40))
    assert not letters.begins(units("카" * 39 + "나"), units("카" * 40))
