"""Bad words are found however they are written, and innocent ones are left as they are."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import limits, words
from chalicelib.errors import BadWordError, InvalidFieldError
from chalicelib.texts import clean_nickname, clean_room_name, clean_words

#: What is written, and what is left of it. Written apart, drawn out, in parts, with other signs.
BAD = {
    "시발": "＊＊",
    "씨발!!": "＊＊!!",
    "왜 그래 씨발": "왜 그래 ＊＊",
    "시발놈아": "＊＊놈아",
    "야이씨발": "야이＊＊",
    "개씨발": "개＊＊",
    "아시발 진짜": "아＊＊ 진짜",
    "ㅅㅣ발": "＊＊＊",
    "ㅅㅅㅣ발": "＊＊＊＊",
    "시바ㄹ": "＊＊＊",
    "시1발": "＊*＊",
    "시 발": "＊*＊",
    "시.발": "＊*＊",
    "씨-발 놈": "＊*＊ 놈",
    "씨이발": "＊＊＊",
    "씨이이이발": "＊＊＊＊＊",
    "ㅅㅂ": "＊＊",
    "ㅅ ㅂ": "＊*＊",
    "ㅋㅋㅅㅂㅋㅋ": "ㅋㅋ＊＊ㅋㅋ",
    "ㅄ": "＊",
    "병1신": "＊*＊",
    "지랄하네": "＊＊하네",
    "개좆같은": "개＊같은",
    "fuck": "****",
    "FUCK you": "**** you",
    "fuuuuck": "*******",
    "f.u.c.k": "*******",
    "s h i t": "*******",
    "fu.ck": "*****",
    "sh1t $hit": "**** ****",
    "ｆｕｃｋ": "＊＊＊＊",
    "fück": "****",
    "fucking": "****ing",
    "motherfucker": "**********er",
    "a55hole": "*******",
    "tlqkf": "*****",
}
#: In which bad words are by chance, or nearly.
INNOCENT = """
시발점|시발역|지하철 시발역에서|다시 발표|다시발표해요|출시 발표|역시 발라드|날씨 발표|아저씨 발
김씨 발언|혹시 발견|3시 발차|7시 발|몇시발차|시 발표회|도시 발전|필시 발각|18일|18년|십팔|씨앗
시바견|시민|발시|씨름|쌀밥|날씨바람|병 신고|훈련병신분|이병 신고|이병신고|병신년에 태어나
질병신고|보병신문|지렁이|오지랖|가지런히|조지|새끼손가락|고양이 새끼|우리 개 새끼 낳았어|새끼줄
꿈을 좇아|자지 마|보지 마|알아보지|가자지|옷방|옷방에|맛집|낮잠|있지|잊지|ㄱㅅ|ㅋㅋㅋ|ㅇㅋ|ㅈㅅ
ㅎㅇ|지난해|미친 듯이|느금 마|게이 친구|홍어|떡볶이|조건만 남았다|왜 놈이|창 녀석|엠티|한남동
한남대교|김치찌개|맘마|class|classic|assess|assassin|Scunthorpe|push it|its hit|pass it|bass
grass|Niger|Nigeria|cocktail|peacock|Dick|shitake|shiitake|Essex|Sussex|analysis|grape|therapist
as hole|basement|hi there|fig|he'll|ships|swastika|document|Hitchcock|Penistone|Lightwater
Clitheroe|circumstance|accumulate|cucumber|button|title|constitution|arsenal|bassoon|snigger
niggardly|spick and span|chinchilla|kiked|fagot|mishit|retardant?|cunning|bitcoin
""".replace("\n", "|").split("|")


@pytest.mark.parametrize(("written", "left"), BAD.items())
def test_a_bad_word_is_masked(written: str, left: str) -> None:
    assert words.mask(written) == left


@pytest.mark.parametrize("text", sorted(filter(None, INNOCENT)))
def test_an_innocent_text_is_left_as_it_is(text: str) -> None:
    assert words.mask(text) == text


def test_every_word_of_the_list_is_found_as_it_is_written() -> None:
    lines = Path(words.LIST).read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line and line[0] not in "#[-"]
    assert len(listed) > 100
    assert [word for word in listed if not words.has_any(word.strip("*="))] == []


def test_what_was_masked_is_not_masked_again() -> None:
    for written in BAD:
        assert words.mask(words.mask(written)) == words.mask(written)


@pytest.mark.parametrize("written", ["씨발", "병신", "시바ㄹ", "fück"])
def test_however_it_is_encoded(written: str) -> None:
    assert not words.mask(unicodedata.normalize("NFD", written)).strip("＊*\u0308")


@pytest.mark.parametrize("text", ["<@fuck-shit> 안녕", "https://example.com/fuck?q=shit"])
def test_mentions_and_links_stay_whole(text: str) -> None:
    assert words.mask(text) == text


def test_what_nobody_sees_hides_nothing() -> None:
    assert words.mask("시\u200b발") == "＊＊＊"


@given(st.text(alphabet="시발씨ㅅㅂㅣ이병신 .1-fuckshit개년놈\u200b\u1109\u1175", max_size=60))
def test_masking_keeps_the_length_and_all_other_signs(text: str) -> None:
    masked = words.mask(text)
    assert len(masked) == len(text)
    assert all(new in (old, "*", "＊") for old, new in zip(text, masked, strict=True))
    assert not words.has_any(masked)


@pytest.mark.parametrize("unit", ["시", "시발", "씨이", "s", "s.", "fuc", "ㅅ ", "시 ", "이"])
def test_it_takes_steps_in_proportion_to_the_length(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    real = words._way

    def counted(node: words._Node, token: words._Token) -> words._Node | None:
        nonlocal steps
        steps += 1
        return real(node, token)

    monkeypatch.setattr(words, "_way", counted)
    found = []
    for length in (500, 1000, 2000, 4000):
        steps = 0
        words.mask((unit * length)[:length])
        found.append(steps)
    assert found[-1] <= 8 * 4000
    assert found[-1] <= 2.2 * found[-2] + 100


def test_a_room_looks_for_its_own_words_too() -> None:
    own = ("스포일러", "Voldemort")
    assert words.mask("스포 일러 금지", own) == "＊＊*＊＊ 금지"
    assert words.mask("VOLDEMORT! 씨발", own) == "*********! ＊＊"
    assert words.mask("스포일러") == "스포일러"


@pytest.mark.parametrize("clean", [clean_nickname, clean_room_name])
def test_a_name_with_a_bad_word_is_refused(clean: type) -> None:
    with pytest.raises(BadWordError):
        clean("씨이발 모임")
    assert clean("시발역 모임") == "시발역 모임"


def test_a_chat_is_stored_masked() -> None:
    assert words.mask("  뭐야 ㅅㅂ\n진짜 ") == "  뭐야 ＊＊\n진짜 "


@pytest.mark.parametrize("text", ["\u1109ㅂ시ㅂ", "개씨발씨ㅂ", "병신시ㅂ놈", "ㅂ\u1109씨발ㅅ씨"])
def test_what_is_left_beside_a_masked_word_is_looked_at_once_more(text: str) -> None:
    assert not words.has_any(words.mask(text))


# --- A room's own words ---------------------------------------------------------------------

#: What is written against a room that masks 스포일러, Voldemort, ㅋㅅ, 빠빠 and ㅎㅎㅎ.
TRICKS = [
    "스 포 일 러", "스.포-일·러", "스1포2일러", "ㅅㅡㅍㅗㅇㅣㄹㄹㅓ", "스포오일러", "스으포일러",
    "스\u200b포일러", unicodedata.normalize("NFD", "스포일러"), "V0ldem0rt", "VOLDEMORT",
    "V.o.l.d.e.m.o.r.t", "Ｖｏｌｄｅｍｏｒｔ", "Völdemört", "volllldemort", "ㅋㅅ", "ㅋ ㅅ",
    "ㅋㅋㅅ", "빠 빠", "ㅎㅎㅎ", "ㅎ ㅎㅎ", "ㅎㅎ.ㅎ", "ㅎㅎㅎㅎ",
]  # fmt: skip
OWN = ("스포일러", "Voldemort", "ㅋㅅ", "빠빠", "ㅎㅎㅎ")


@pytest.mark.parametrize("text", TRICKS)
def test_a_rooms_word_is_found_however_it_is_written(text: str) -> None:
    masked = words.mask(f"그 {text}?", OWN)
    assert set(masked[2:-1]) <= set("*＊\u0308\u200b"), masked
    assert words.mask(text) == text


@pytest.mark.parametrize(
    "text", ["다스 포일 러시아", "스포츠 일러스트", "class ㅋㅋ 스키", "볼드모트"]
)
def test_what_only_looks_like_a_rooms_word_is_left(text: str) -> None:
    assert words.mask(text, OWN) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("주인공은", "＊＊＊은"),
        ("범인나와", "＊＊나와"),
        ("범인이", "＊＊이"),
        ("결말로", "＊＊로"),
        ("결말ㄹ", "＊＊＊"),
        ("시발라면", "＊＊라면"),
    ],
)
def test_what_follows_may_begin_as_a_word_ends(text: str, masked: str) -> None:
    assert words.mask(text, ("주인공", "범인", "결말")) == masked


@given(st.text(alphabet="가각갂값힣ㄱㅏㅋ이아오시bzBé漢", min_size=2, max_size=20))
def test_each_word_that_a_room_can_have_is_found(word: str) -> None:
    (clean,) = clean_words([word])
    assert (
        words.mask(f"{clean}!", [clean])
        == "".join("＊" if s > "\u1100" else "*" for s in clean) + "!"
    )


@pytest.mark.parametrize(
    "same",
    [
        ("스포일러", "ㅅㅡ포일러", "스으포일러"),
        ("Voldemort", "VOLDEMORT", "völdemort"),
        ("ㅋㅋ", "ㅋㅋ"),
    ],
)
def test_words_that_are_looked_for_alike_are_one(same: tuple[str, ...]) -> None:
    assert clean_words([*same, " 딴말 "]) == (same[0], "딴말")


@pytest.mark.parametrize(
    "word", ["", " ", "가", "a", "18", "18년", "나쁜 말", "*말말",
             "=말말", "-말말", "#말말", "말\u200b말",
             "가" * 21, "🏓🏓", "<@abc>", "http://a", "말말!", "\u115f\u115f"]
)  # fmt: skip
def test_what_can_not_be_looked_for_is_no_word_of_a_room(word: str) -> None:
    with pytest.raises(InvalidFieldError):
        clean_words([word])


@pytest.mark.parametrize("text", ["가나" * 1000, "가 나 " * 500, "가" * 2000, "가.나." * 500])
def test_words_that_begin_like_everything_take_steps_in_proportion_to_the_length(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as a room can have, as long as they can be, which almost match everywhere."""
    count = 0
    real = words._way

    def counted(node: words._Node, token: words._Token) -> words._Node | None:
        nonlocal count
        count += 1
        return real(node, token)

    ends = [chr(0xAC00 + 28 * number) for number in range(limits.ROOM_WORDS_MAX)]
    own = [("가나" * 10)[: limits.ROOM_WORD_LENGTH_MAX - 1] + end for end in ends]
    monkeypatch.setattr(words, "_way", counted)
    found = []
    for length in (500, 1000, 2000):
        count = 0
        words.mask(text[:length], own)
        found.append(count)
    # A step for each letter and gap of the longest word, from each sign.
    assert found[-1] <= 2000 * 2 * 2 * limits.ROOM_WORD_LENGTH_MAX
    assert found[-1] <= 2.2 * found[-2] + 100
