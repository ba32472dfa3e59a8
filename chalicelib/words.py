"""Words that nobody has to read, however they are written.

Text is read as letters: without case, accents and full width, Hangul as its single letters, so
that ㅅㅣ발 is 시발, and with a run of one letter as one. What stands between letters (spaces,
signs, digits) is skipped where the whole then stands for itself, as in s.h.i.t and 시 발, and not
where it is part of other words, as in 다시 발표. Every step looks at a bounded piece of the text,
so masking takes time in proportion to its length.

The list is words.txt, which says how it is written; docs/words.md is for whoever changes it.
"""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from chalicelib.protocol import MENTION_PATTERN

LIST: Final = os.path.join(os.path.dirname(__file__), "words.txt")  # (pathlib takes long to import)

_ONSETS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_CODAS: Final = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
#: Two consonants in one sign.
_DOUBLE: Final = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
#: What is written for a Latin letter.
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
#: What people write before or after anything: laughing, crying.
_NOISE: Final = frozenset("ㅋㅎㅠㅜ")
#: What may follow a word that is spelt apart.
_AFTER: Final = frozenset("놈년것아들")
#: What is said before a word to make it stronger, and may be written in one with it.
_BEFORE: Final = frozenset(
    (
        "개",
        "아",
        "야",
        "썅",
        "왜",
        "야이",
        "아이",
        "에이",
        "이런",
        "존나",
        "졸라",
        "미친",
        "진짜",
        "완전",
    )
)
_BEFORE_MAX: Final = 2
#: Of a piece of text: a mention or a link, which are left as they are; a syllable in parts; a sign.
_PIECE: Final = re.compile(
    rf"{MENTION_PATTERN}|https?://[!-~]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|.",
    re.DOTALL,
)


#: What is left when a word is masked may stand for itself then: so often it is looked at.
_ROUNDS: Final = 8
#: Marks a letter of the list that begins a sign.
_BEGINS: Final = "^"


# What a token is: letters, a space, any other thing that is none, and what nothing reaches over.
_LATIN: Final = 1
_HANGUL: Final = 2
_SPACE: Final = 4
_SIGN: Final = 8
_WALL: Final = 16


@dataclass(slots=True)
class _Token:
    """A letter, or what stands between letters."""

    letter: str
    kind: int
    #: Where it begins and ends in the text.
    start: int
    end: int
    #: How many of the same there are.
    run: int = 1
    #: Whether a whole sign of the text begins and ends with it.
    begins: bool = True
    ends: bool = True
    #: The text of the sign that it begins.
    sign: str = ""
    #: A digit or sign that may be meant as a letter.
    leet: str = ""
    #: Where a sign ends in the run that the next one goes on with: 공은 has one ㅇ for two.
    inner_end: int = 0

    @property
    def word_end(self) -> int:
        """Where a word ends that this is the last letter of; 0 if none does."""
        return self.end if self.ends else self.inner_end


@dataclass(slots=True)
class _Node:
    """Where one is in the list after some letters."""

    #: By the letter and how many of it there must be.
    then: dict[str, list[tuple[int, _Node]]] = field(default_factory=dict)
    word: _Word | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    """How a word of the list is looked for."""

    is_innocent: bool = False
    #: Latin: so may others begin; Hangul: in the middle of others, too.
    is_open: bool = False
    #: With nothing between its letters.
    is_solid: bool = False


def mask(text: str, more: Sequence[str] = ()) -> str:
    """A text with its bad words masked, sign by sign.

    Args:
        more: words of the room's own.
    """
    lists = [_list(), _of(tuple(more))] if more else [_list()]
    for _ in range(_ROUNDS):
        tokens = list(_tokens(text))
        found = [piece for words in lists for piece in _found(tokens, words)]
        if not found:
            break
        signs = list(text)
        for start, end in found:
            for at in range(start, end):
                signs[at] = "＊" if signs[at] > "\u1100" else "*"
        text = "".join(signs)
    return text


def has_any(text: str) -> bool:
    """Whether there is a bad word in a text."""
    return next(_found(list(_tokens(text)), _list()), None) is not None


def key(word: str) -> str:
    """What of a room's own word counts: two with the same are looked for at the same places.

    "" of what can't be looked for: anything but letters. (A digit or a sign may be meant as any
    letter, and what is spelt with a space is found without one, too.)
    """
    if not all(map(str.isalpha, word)):
        return ""
    return "".join(f"{_letter(token)}{token.run}" for token in _tokens(word))


# --- The list --------------------------------------------------------------------------------


@functools.cache
def _list() -> _Node:
    root = _Node()
    with open(LIST, encoding="utf-8") as lines:
        for word in map(str.strip, lines):
            if word and word[0] not in "#[":
                _add(root, word)
    return root


@functools.lru_cache(maxsize=16)
def _of(words: tuple[str, ...]) -> _Node:
    """What a room looks for: each as it is written, wherever it stands for itself.

    As many as a room can have take less than a megabyte, and a few milliseconds to be made.
    """
    root = _Node()
    for word in words:
        node = root
        for token in _tokens(word):
            node = _step_in_parts(node, _letter(token), token)
        node.word = _Word()
    return root


def _letter(token: _Token) -> str:
    """A letter of a room's own word. (A vowel alone is that of the syllable before.)"""
    return token.letter + _BEGINS * (token.begins and token.letter not in _VOWELS)


def _step_in_parts(node: _Node, letter: str, token: _Token) -> _Node:
    """As ``_step``, also where a run is spelt apart: 일 러 is 일러."""
    reached = [node] + [_step(node, letter, run) for run in range(1, token.run + 1)]
    for run, there in enumerate(reached[2:], 2):
        for begun in range(1, run):
            ways = reached[begun].then.setdefault(token.letter + _BEGINS, [])
            if not any(known == run - begun for known, _ in ways):
                ways.append((run - begun, there))
                ways.sort(key=lambda way: -way[0])
    return reached[-1]


def _add(root: _Node, line: str) -> None:
    word = _Word(
        is_innocent=line[0] == "-", is_open="*" in (line[0], line[-1]), is_solid=line[0] == "="
    )
    node = root
    for token in _tokens(line.strip("-*=")):
        # In a list a digit is a digit, and signs are nothing.
        if token.kind & (_LATIN | _HANGUL):
            node = _step(node, token.letter + _BEGINS * token.begins, token.run)
    if node is not root:
        node.word = word


def _step(node: _Node, letter: str, run: int) -> _Node:
    ways = node.then.setdefault(letter, [])
    for known, there in ways:
        if known == run:
            return there
    new = _Node()
    # Longer runs first: who writes two of a letter means the word with two.
    ways.append((run, new))
    ways.sort(key=lambda way: -way[0])
    return new


# --- Looking for words -----------------------------------------------------------------------


def _found(tokens: list[_Token], root: _Node) -> Iterator[tuple[int, int]]:
    """Where words of a list begin and end in a text."""
    at = 0
    #: Before this there is a word that was found, to which nothing belongs any more.
    wall = 0
    while at < len(tokens):
        match = _match(tokens, at, root, wall) if tokens[at].begins else None
        if match is None:
            at += 1
            continue
        last, word = match
        if not word.is_innocent:
            yield tokens[at].start, tokens[last].word_end
            wall = last + 1
        at = last + 1


def _match(tokens: list[_Token], first: int, root: _Node, wall: int) -> tuple[int, _Word] | None:
    """The longest word that begins at a token, and its last one."""
    best: tuple[int, _Word] | None = None
    #: Node, next token, how many steps were over gaps, whether a space was among them, and
    #: whether all pieces are single letters.
    node, at, gaps, spaces, longest = root, first, 0, False, 0
    piece = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind & _WALL:
            break
        way = _way(node, token)
        if way is None:
            is_gap = token.kind & (_SPACE | _SIGN)
            if not is_gap or node is root:
                break
            gaps += 1
            spaces = spaces or bool(token.kind & _SPACE)
            longest = max(longest, piece)
            piece = 0
            at += 1
            continue
        node, piece = way, piece + 1
        word = node.word
        if word is not None and token.word_end:
            is_apart = gaps > 0
            one_by_one = max(longest, piece) == 1
            if not (is_apart and word.is_solid) and _stands(
                tokens,
                first,
                at,
                word,
                wall=wall,
                is_apart=is_apart,
                spaces=spaces,
                one_by_one=one_by_one,
            ):
                best = (at, word)
        at += 1
    return best


def _way(node: _Node, token: _Token) -> _Node | None:
    """Where a letter leads. What begins a sign in the list does so in the text: 십 is not 시ㅂ."""
    then = node.then
    for letter in (token.letter, token.leet) if token.leet else (token.letter,):
        for key in (letter + _BEGINS, letter) if token.begins else (letter,):
            for run, there in then.get(key, ()):
                if token.run >= run:
                    return there
    return None


def _stands(
    tokens: list[_Token],
    first: int,
    last: int,
    word: _Word,
    *,
    wall: int,
    is_apart: bool,
    spaces: bool,
    one_by_one: bool,
) -> bool:
    """Whether a word stands for itself, and is not by chance part of others."""
    if word.is_innocent:
        return not is_apart
    before = tokens[first - 1] if first > wall else None
    after = tokens[last + 1] if last + 1 < len(tokens) else None
    if tokens[last].kind & _LATIN or tokens[first].kind & _LATIN:
        if _is(before, _LATIN) or _is_digit(before):
            return False
        # "push it" has no bad word; "s h i t" is one.
        if spaces and not one_by_one:
            return False
        return (word.is_open and not is_apart) or not (_is(after, _LATIN))
    if is_apart:
        starts = not (_is_hangul(before) or _is_digit(before))
        return starts and (not _is_hangul(after) or (after is not None and after.sign in _AFTER))
    if word.is_open:
        return True
    if all(tokens[at].letter not in _VOWELS for at in range(first, last + 1)):
        return not _is_hangul(before) and not _is_consonant(after)
    return not _is_hangul(before) or _is_alone(tokens, first - 1)


def _is(token: _Token | None, kind: int) -> bool:
    return token is not None and bool(token.kind & kind)


def _is_digit(token: _Token | None) -> bool:
    return token is not None and token.letter.isdigit()


def _is_hangul(token: _Token | None) -> bool:
    return _is(token, _HANGUL) and token is not None and token.letter not in _NOISE


def _is_consonant(token: _Token | None) -> bool:
    return _is_hangul(token) and token is not None and token.begins and token.ends


def _is_alone(tokens: list[_Token], last: int) -> bool:
    """Whether what ends there only makes the next word stronger."""
    said = ""
    while last >= 0 and _is_hangul(tokens[last]):
        said = tokens[last].sign + said
        if len(said) > _BEFORE_MAX:
            return False
        last -= 1
    return said in _BEFORE


# --- Reading letters -------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[_Token]:
    """The letters of a text, and what stands between them; runs of one are one."""
    held: list[_Token] = []
    for token in _letters(text):
        if not held:
            held.append(token)
            continue
        last = held[-1]
        is_same = last.letter == token.letter and last.kind == token.kind
        is_gap = last.kind == token.kind and token.kind & (_SPACE | _SIGN)
        if (is_same or is_gap) and last.leet == token.leet:
            last.run += 1
            last.inner_end = last.end if last.ends else last.inner_end
            last.end, last.ends = token.end, token.ends
            continue
        if _is_long(held, token):
            # 씨이이발: a vowel that is drawn out.
            held.pop()
            held[-1].end, held[-1].ends = token.end, token.ends
            continue
        held.append(token)
        if len(held) > 3:
            yield held.pop(0)
    yield from held


def _is_long(held: list[_Token], token: _Token) -> bool:
    if len(held) < 2 or not token.ends or token.letter not in _VOWELS:
        return False
    silent, vowel = held[-1], held[-2]
    return silent.letter == "ㅇ" and silent.begins and silent.run == 1 and (
        vowel.letter == token.letter and vowel.kind == token.kind
    )  # fmt: skip


def _letters(text: str) -> Iterator[_Token]:
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        sign = piece[0]
        for letter, kind, begins, ends, leet in _read(sign):
            yield _Token(letter, kind, start, end, 1, begins, ends, sign if begins else "", leet)


#: Letter, kind, whether it begins and ends its sign, what it may be meant as.
_Read = tuple[str, int, bool, bool, str]


@functools.lru_cache(maxsize=4096)
def _read(sign: str) -> tuple[_Read, ...]:
    """The letters of a sign."""
    if len(sign) > 1 and not "\u1100" <= sign[0] <= "\u1112":
        return (("", _WALL, True, True, ""),)
    sign = unicodedata.normalize("NFC", sign)
    if "가" <= sign <= "힣":
        number = ord(sign) - ord("가")
        coda = _CODAS[number % 28]
        return _parts(_ONSETS[number // 588] + _VOWELS[number // 28 % 21] + _DOUBLE.get(coda, coda))
    if "ㄱ" <= sign <= "ㅣ":
        return _parts(_DOUBLE.get(sign, sign))
    category = unicodedata.category(sign)
    if category in ("Cf", "Mn"):
        return ()
    if category == "Zs" or sign in "\n\t\r":
        return (("", _SPACE, True, True, ""),)
    plain = unicodedata.normalize("NFKD", sign)[:1].casefold()[:1]
    if plain in _HALF:
        return _parts(_HALF[plain])
    if category[0] == "L":
        # Those of other scripts, too: part of a word, but of none of ours.
        return ((plain, _LATIN, True, True, ""),)
    leet = plain.translate(_LEET)
    digit = plain if plain.isdigit() else ""
    return ((digit, _SIGN, True, True, leet if leet != plain else ""),)


def _parts(letters: str) -> tuple[_Read, ...]:
    last = len(letters) - 1
    return tuple(
        (letter, _HANGUL, number == 0, number == last, "") for number, letter in enumerate(letters)
    )


#: Hangul letters of half width, after NFKC.
_HALF: Final = {
    unicodedata.normalize("NFKD", letter): letter for letter in _ONSETS + _VOWELS
}  # fmt: skip
