"""What people may call themselves and their rooms, and what they may say."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import msgspec
import pytest

from chalicelib import limits, texts
from chalicelib.errors import InvalidFieldError
from chalicelib.protocol import decode_command

#: Texts and what room lists show of them, on the server and in clients (frontend/tests/core).
PREVIEWS = json.loads((Path(__file__).parent / "previews.json").read_text(encoding="utf-8"))
#: Texts in which there is nothing to see.
INVISIBLE = {
    "empty": "",
    "blanks": "   ",
    "tabs and newlines": "\t\r\n",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "zero width space": "\u200b",
    "joiners": "\u200d\u200c",
    "byte order mark": "\ufeff",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "a combining mark alone": "\u0301",
    "variation selector": "\ufe0f",
    "soft hyphen": "\u00ad",
}
#: Characters that no name may have, however visible the rest of it is.
UNSEEN = {
    "NUL": "\x00",
    "escape": "\x1b",
    "delete": "\x7f",
    "right-to-left override": "\u202e",
    "left-to-right embedding": "\u202a",
    "right-to-left isolate": "\u2067",
    "left-to-right mark": "\u200e",
    "zero width space": "\u200b",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "tag": "\U000e0041",
    "private use": "\ue000",
    "noncharacter": "\uffff",
    "lone surrogate": "\ud800",
}
ALLOWED = {
    "Korean": "탁구 치는 사람들",
    "English": "Ping-Pong",
    "punctuation": "C++ / C# (초보) 환영!",
    "emoji": "🏓",
    "emoji of joined parts": "👩‍👩‍👧‍👦",
    "emoji with a skin tone": "👋🏽",
    "flag": "🇰🇷",
    "keycap": "1️⃣",
    "emoji that Python's Unicode data does not know": "\U0001fac8",
    "Persian with a joiner": "می\u200cخواهم",
    "Devanagari": "क्‍ष",
    "one jamo": "ㅋ",
    "one digit": "0",
}


def cases(table: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("text", table.values(), ids=table.keys())


@cases(INVISIBLE)
def test_a_name_must_show_something(text: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        texts.clean_room_name(text)
    assert error.value.field == "name"


@cases(INVISIBLE)
def test_a_chat_must_show_something(text: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        texts.check_chat(text)
    assert error.value.field == "text"


@cases(UNSEEN)
def test_a_name_has_no_unseen_characters(text: str) -> None:
    for name in (f"지{text}민", f"지민{text}"):
        with pytest.raises(InvalidFieldError) as error:
            texts.clean_nickname(name)
        assert error.value.field == "nickname"
        assert text not in error.value.message


@cases(ALLOWED)
def test_names_may_be_in_any_script(text: str) -> None:
    assert texts.clean_room_name(text) == unicodedata.normalize("NFC", text)


@cases(ALLOWED)
def test_chats_may_be_in_any_script(text: str) -> None:
    texts.check_chat(text)


def test_names_are_trimmed_folded_and_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "지민")
    assert texts.clean_nickname(f" \t {decomposed} \n\u3000 씨  ") == "지민 씨"
    assert texts.clean_nickname("Zoe\u0308") == "Zoë"


@pytest.mark.parametrize(
    ("clean", "maximum"),
    [
        (texts.clean_room_name, limits.ROOM_NAME_MAX),
        (texts.clean_nickname, limits.NICKNAME_MAX),
    ],
)
def test_names_have_at_most_so_many_characters(clean: object, maximum: int) -> None:
    assert callable(clean)
    assert clean("가" * maximum) == "가" * maximum
    # Counted when trimmed and composed.
    assert clean(" " + unicodedata.normalize("NFD", "각") * maximum + " ") == "각" * maximum
    with pytest.raises(InvalidFieldError, match=str(maximum)):
        clean("가" * (maximum + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ping-Pong", "pING-pONG"),
        ("Straße", "STRASSE"),
        ("Ｐｉｎｇ", "ping"),
        ("①", "1"),
        ("ﬁn", "FIN"),
        ("ｶﾞ", "ガ"),
        ("ς", "Σ"),
        ("탁\u200d구", "탁구"),
    ],
)
def test_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert texts.room_name_key(one) == texts.room_name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("탁구", "탁 구"), ("a", "b"), ("한", "하"), ("1", "2")]
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert texts.room_name_key(one) != texts.room_name_key(other)


@pytest.mark.parametrize("name", [*ALLOWED.values(), "ŉ", "ΐ", "K", "ſ", "ǰ", "İ", "ﬃ"])
def test_the_key_of_a_key_is_the_key(name: str) -> None:
    key = texts.room_name_key(name)
    assert texts.room_name_key(key) == key


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800"])
def test_a_chat_has_no_control_characters(character: str) -> None:
    with pytest.raises(InvalidFieldError, match="control"):
        texts.check_chat(f"안녕{character}하세요")


def test_a_chat_stays_as_it_was_written() -> None:
    text = "  들여쓰기\n\n\ttab\r\n" + unicodedata.normalize("NFD", "한글") + " \u200f "
    texts.check_chat(text)


@pytest.mark.parametrize(("text", "expected"), PREVIEWS)
def test_a_preview_is_the_beginning_on_one_line(text: str, expected: str) -> None:
    assert texts.preview(text) == expected
    assert len(expected.encode()) <= limits.PREVIEW_BYTES_MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("안녕하세요", set()),
        ("<@ann> 님과 <@b-O_b>, <@ann>", {"ann", "b-O_b"}),
        ("<<@ann>>", {"ann"}),
        (f"<@{'x' * 64}>", {"x" * 64}),
        (f"<@{'x' * 65}>", set()),
        ("<@> < @ann> <@ann > <@ann\n> <@안나> @ann <@a<@b>", {"b"}),
        ("<@__proto__>", {"__proto__"}),
    ],
)
def test_whom_a_chat_mentions(text: str, expected: set[str]) -> None:
    assert texts.mentions(text) == expected


def test_a_chat_mentions_only_so_many() -> None:
    people = [f"p{number}" for number in range(limits.MENTIONS_MAX + 5)]
    text = "".join(f"<@{person}><@{people[0]}>" for person in people)
    assert texts.mentions(text) == set(people[: limits.MENTIONS_MAX])


def test_a_mention_is_a_user_id() -> None:
    """Whatever can be a person's id can be mentioned, and nothing else."""
    for name in ("a", "A-z_09", "x" * 64, "", "x" * 65, "a b", "한", "a.b"):
        frame = f'{{"type": "room.members", "ref": "1", "room_id": "r", "after": "{name}"}}'
        try:
            decode_command(frame)
        except msgspec.ValidationError:
            assert texts.mentions(f"<@{name}>") == set()
        else:
            assert texts.mentions(f"<@{name}>") == {name}


EMOJI = {
    "a face": "😀",
    "the ball": "🏓",
    "a heart with its variation": "❤️",
    "a heart without": "❤",
    "a heart on fire": "❤️‍🔥",
    "skin tone": "👋🏽",
    "two skin tones": "👩🏻‍🤝‍👨🏿",
    "a family": "👨‍👩‍👧‍👦",
    "a profession": "👩🏾‍🚀",
    "a gender sign": "🤷🏻‍♀️",
    "a kiss with tones": "👩🏻‍❤️‍💋‍👨🏿",
    "a flag": "🇰🇷",
    "the flag of a region": "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "a joined flag": "🏳️‍🌈",
    "pirates": "🏴‍☠️",
    "keycap": "1️⃣",
    "keycap without variation": "#⃣",
    "asterisk": "*️⃣",
    "copyright": "©️",
    "trade mark": "™️",
    "information": "ℹ️",
    "exclamations": "‼️",
    "wavy dash": "〰️",
    "part alternation mark": "〽️",
    "circled M": "Ⓜ️",
    "circled ideograph": "㊗️",
    "arrow": "↔️",
    "arrow of mathematics": "⤴️",
    "square of mathematics": "◾",
    "plus": "➕",
    "newer than Python's Unicode data": "\U0001fae9",
    "newer, joined": "🧑‍\U0001faef",
}
NO_EMOJI = {
    "empty": "",
    "blank": " ",
    "no-break space": "\u00a0",
    "newline": "\n",
    "emoji and newline": "😀\n",
    "letter": "a",
    "Hangul": "ㅋ",
    "word": "좋아요",
    "digit": "1",
    "keycap's base alone": "#",
    "keycap alone": "\u20e3",
    "keycap of a letter": "a️⃣",
    "two emoji": "😀😀",
    "two flags": "🇰🇷🇺🇸",
    "two keycaps": "1️⃣2️⃣",
    "an emoji and a letter": "😀a",
    "an emoji and an accent": "😀\u0301",
    "an emoji and a circumflex": "😀^",
    "joiner alone": "\u200d",
    "joiner at the end": "😀\u200d",
    "joiner at the beginning": "\u200d😀",
    "joined letters": "a\u200db",
    "two joiners": "😀\u200d\u200d😀",
    "variation alone": "\ufe0f",
    "skin tone alone": "🏽",
    "HTML": "<b>",
    "less than": "<",
    "a plus of a keyboard": "+",
    "a bar": "|",
    "times": "×",
    "Braille blank": "\u2800",
    "zero width space": "\u200b",
    "NUL": "\x00",
    "emoji and NUL": "😀\x00",
    "lone surrogate": "\ud83d",
    "private use": "\ue000",
    "shortcode": ":smile:",
}


@cases(EMOJI)
def test_one_emoji_is_one(text: str) -> None:
    assert len(text) <= limits.EMOJI_MAX
    assert texts.check_emoji(text) == text


@cases(NO_EMOJI)
def test_what_is_not_one_emoji_is_none(text: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"^emoji: must be one emoji$") as error:
        texts.check_emoji(text)
    assert error.value.field == "emoji"
