"""Names as what is typed on the way to them: Hangul by single letters, or by initials alone.

As the site looks through one's own rooms (frontend/src/ui/hangul.ts): whoever wants 서울 has typed
ㅅ, 서, 성 and 서우 before, or types ㅅㅇ and no more. Case, accents, spaces and signs do not count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

_ONSETS: Final = tuple("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")
# By the keys that write them: on the way to 과 one has written 고, on the way to 닭 달.
_VOWELS: Final = (
    "ㅏ", "ㅐ", "ㅑ", "ㅒ", "ㅓ", "ㅔ", "ㅕ", "ㅖ", "ㅗ", "ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅛ", "ㅜ",
    "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅠ", "ㅡ", "ㅡㅣ", "ㅣ",
)  # fmt: skip
_CODAS: Final = (
    "", "ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ",
    "ㄹㅌ", "ㄹㅍ", "ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ",
    "ㅎ",
)  # fmt: skip
# (What is unassigned may be a newer emoji.)
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp")


def units(key: str) -> list[str]:
    """The letters of each syllable or sign of a name.

    Args:
        key: the name as ``texts.room_name_key`` makes it.
    """
    found: list[str] = []
    for kind, letters in _parts(key):
        last = found[-1] if found else ""
        if (kind == "V" and last in _ONSETS) or (kind == "T" and "ㅏ" <= last[-1:] <= "ㅣ"):
            found[-1] += letters
        elif kind == "T":  # by itself: some keyboards join two initials like that
            found += letters
        else:
            found.append(letters)
    # Of nothing but signs: then they do count.
    return found or [sign for sign in key if unicodedata.category(sign) not in _UNSEEN]


def _parts(key: str) -> Iterator[tuple[str, str]]:
    """Onsets (L), vowels (V), codas (T) and other letters, in turn."""
    for sign in unicodedata.normalize("NFD", key):
        if "\u1100" <= sign <= "\u1112":
            yield "L", _ONSETS[ord(sign) - 0x1100]
        elif "\u1161" <= sign <= "\u1175":
            yield "V", _VOWELS[ord(sign) - 0x1161]
        elif "\u11a8" <= sign <= "\u11c2":
            yield "T", _CODAS[ord(sign) - 0x11A7]
        elif unicodedata.category(sign)[0] in "LN":
            yield "", sign


def is_initial(unit: str) -> bool:
    """Whether it is a consonant by itself, which may stand for a whole syllable."""
    return unit in _ONSETS


def begins(asked: list[str], name: list[str]) -> bool:
    """Whether a name begins with what is asked for, or with what that may become."""
    letters = "".join(asked)
    # How much of the letters may be used up after each unit of the name.
    ends = {0}
    for unit in name:
        further: set[int] = set()
        for at in ends:
            if unit.startswith(letters[at:]):
                return True
            if letters.startswith(unit, at):
                further.add(at + len(unit))
            if letters[at] == unit[0] and is_initial(unit[0]):
                further.add(at + 1)
        if len(letters) in further:
            return True
        ends = further
    return False
