"""The rules for what people write: names of rooms and people, and chats."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from chalicelib import limits, words
from chalicelib.errors import BadWordError, InvalidFieldError
from chalicelib.protocol import MENTION_PATTERN

# Letters by category that draw nothing. https://www.unicode.org/reports/tr36/
_HANGUL_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
# Format characters that emoji and some scripts need (joiners).
_JOINERS: Final = frozenset("\u200c\u200d")
_SPACES: Final = re.compile(r"\s+")
_MENTION: Final = re.compile(MENTION_PATTERN)
_MENTION_OR_LETTER: Final = re.compile(f"{MENTION_PATTERN}|.", re.DOTALL)
_ELLIPSIS: Final = "…"
_ELLIPSIS_SIZE: Final = len(_ELLIPSIS.encode())


def _is_newer_emoji(character: str) -> bool:
    """Whether it is unassigned in Python's Unicode data, but reserved for emoji.

    https://www.unicode.org/reports/tr51/#def_emoji_character (Extended_Pictographic)
    """
    return "\U0001f000" <= character <= "\U0001faff" and unicodedata.category(character) == "Cn"


def _draws(character: str) -> bool:
    return _is_newer_emoji(character) or (
        unicodedata.category(character)[0] not in "CZM"
        and character not in _HANGUL_FILLERS
        and character != "\u2800"  # Braille blank
    )


def clean_name(text: str, *, field: str, maximum: int) -> str:
    """A name in its stored form: NFC, trimmed, inner white space folded to one space.

    Raises:
        InvalidFieldError: it is empty, longer than ``maximum`` code points, or has
            characters that are invisible or turn the direction of text.
        BadWordError: it has a word that nobody has to read.
    """
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    for character in name:
        is_unseen = unicodedata.category(character)[0] == "C" and not _is_newer_emoji(character)
        if is_unseen and character not in _JOINERS:
            raise InvalidFieldError(field, "must not have invisible or control characters")
    if not any(map(_draws, name)):
        raise InvalidFieldError(field, "must have a visible character")
    if len(name) > maximum:
        raise InvalidFieldError(field, f"must have at most {maximum} characters")
    if words.has_any(name):
        raise BadWordError(field)
    return name


def clean_room_name(text: str) -> str:
    """A room's name. Raises InvalidFieldError."""
    return clean_name(text, field="name", maximum=limits.ROOM_NAME_MAX)


def clean_nickname(text: str) -> str:
    """A person's nickname. Raises InvalidFieldError."""
    return clean_name(text, field="nickname", maximum=limits.NICKNAME_MAX)


def clean_tags(tags: Iterable[str]) -> frozenset[str]:
    """Interests as they are compared: no ``#``, and case does not count.

    Raises:
        InvalidFieldError: one breaks the rules of names.
    """
    return frozenset(ordered_tags(tags))


def ordered_tags(tags: Iterable[str]) -> list[str]:
    """As ``clean_tags``, each once, in the order in which they were given."""
    names = (
        clean_name(tag.strip().lstrip("#"), field="tags", maximum=limits.TAG_MAX) for tag in tags
    )
    return list(dict.fromkeys(map(_tag_key, names)))


def asked_tag(text: str) -> str:
    """The tag that a text may be; one that breaks a rule is nobody's."""
    return _tag_key(_SPACES.sub(" ", text.strip().lstrip("#")).strip())


def _tag_key(name: str) -> str:
    # A space would make two of one where they are shown in a row.
    return room_name_key(name).replace(" ", "_")


def room_name_key(name: str) -> str:
    """What must be unique among room names: case, compatibility forms and joiners do not count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(character for character in folded if character not in _JOINERS)


def check_chat(text: str) -> None:
    """Check what somebody wants to say; bad words are masked when it is stored (masking.py).

    Raises:
        InvalidFieldError: nothing in it is visible, or it has control characters.
    """
    _check_controls(text, "text")
    if not any(map(_draws, text)):
        raise InvalidFieldError("text", "must have a visible character")


def clean_words(given: Iterable[str]) -> tuple[str, ...]:
    """A room's own words in their stored form, each once, however it is written.

    Raises:
        InvalidFieldError: one is too long, or can't be looked for.
    """
    found: dict[str, str] = {}
    for word in given:
        clean = unicodedata.normalize("NFC", word).strip()
        key = words.key(clean)
        is_long_enough = limits.ROOM_WORD_LENGTH_MIN <= len(clean) <= limits.ROOM_WORD_LENGTH_MAX
        if not (key and is_long_enough and all(map(_draws, clean))):
            least, most = limits.ROOM_WORD_LENGTH_MIN, limits.ROOM_WORD_LENGTH_MAX
            rule = f"must have {least} to {most} letters each, and nothing else"
            raise InvalidFieldError("words", rule)
        found.setdefault(key, clean)
    return tuple(found.values())


def clean_passcode(text: str) -> str:
    """A passcode as it is compared: however it was typed, and without spaces around it.

    Raises:
        InvalidFieldError: too short, too long, or it has characters that nobody can type.
    """
    passcode = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(character)[0] == "C" for character in passcode):
        raise InvalidFieldError("passcode", "must not have invisible or control characters")
    if not limits.PASSCODE_MIN <= len(passcode) <= limits.PASSCODE_MAX:
        rule = f"must have {limits.PASSCODE_MIN} to {limits.PASSCODE_MAX} characters"
        raise InvalidFieldError("passcode", rule)
    return passcode


def check_note(text: str) -> str:
    """What somebody adds to a report; may be nothing. Raises InvalidFieldError."""
    _check_controls(text, "note")
    return text.strip()


def _check_controls(text: str, field: str) -> None:
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t\r":
            raise InvalidFieldError(field, "must not have control characters")


def mentions(text: str) -> set[str]:
    """The people whom a chat mentions: the first ``MENTIONS_MAX``, whether they exist or not."""
    found: set[str] = set()
    for mention in _MENTION.finditer(text):
        if len(found) == limits.MENTIONS_MAX:
            break
        found.add(mention[1])
    return found


def preview(text: str) -> str:
    """The beginning of a chat, on one line, for room lists; no mention is cut in two.

    Clients do the same with what is pushed to them (frontend/src/core/preview.ts).
    """
    line = _SPACES.sub(" ", text).strip()
    length = size = end = 0
    for piece in _MENTION_OR_LETTER.finditer(line):
        length += limits.PREVIEW_MENTION_LENGTH if piece[1] else 1
        size += len(piece[0].encode())
        if length > limits.PREVIEW_MAX or size > limits.PREVIEW_BYTES_MAX:
            return line[:end] + _ELLIPSIS
        # Up to here there is room for the ellipsis.
        if length < limits.PREVIEW_MAX and size <= limits.PREVIEW_BYTES_MAX - _ELLIPSIS_SIZE:
            end = piece.end()
    return line


_JOINER: Final = "\u200d"
_KEYCAP: Final = re.compile("[0-9#*]\ufe0f?\u20e3")
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
# What may follow a picture: a skin tone, a variation selector, tags (flags of regions).
_MODIFIERS: Final = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*")
# Emoji that Unicode has among letters and punctuation.
_EMOJI_BY_NAME: Final = frozenset("‼⁉ℹ〰〽")


def check_emoji(text: str) -> str:
    """An emoji as it is.

    By the categories of its characters and how they are joined
    (https://unicode.org/reports/tr51/#Definitions), so an emoji that is newer than this code is
    one, too; a few symbols that are none pass.

    Raises:
        InvalidFieldError: it is something else, or more than that.
    """
    if not _KEYCAP.fullmatch(text) and not all(map(_is_picture, text.split(_JOINER))):
        raise InvalidFieldError("emoji", "must be one emoji")
    return text


def _is_picture(part: str) -> bool:
    """Whether that is one picture with its tone, variation or tags, or a flag."""
    if _FLAG.fullmatch(part):
        return True
    return bool(part) and _is_symbol(part[0]) and _MODIFIERS.fullmatch(part, 1) is not None


def _is_symbol(character: str) -> bool:
    if character in _EMOJI_BY_NAME or _is_newer_emoji(character):
        return True
    category = unicodedata.category(character)
    # Mathematical signs of a keyboard are no emoji; arrows are.
    return _draws(character) and (category == "So" or (category == "Sm" and character >= "\u2190"))
