"""A room's own filter words: who may say and see them, and what is masked when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import limits
from tests.benchmarks import units
from tests.integration.test_changes import change, chat_at, room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_counts import cost
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_moderation import done, manage
from tests.integration.test_races import before
from tests.integration.test_renaming import room_at
from tests.integration.test_sending import kinds, log_of
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.handlers import HandlerSite
from tests.support.site import Site, new_person, unique

WORD = "스포일러"


def words_of(client: ChatClient, room_id: str) -> list[str]:
    found: list[str] = client.ask("room.words", room_id=room_id)["words"]
    return found


def set_words(client: ChatClient, room_id: str, *words: str) -> None:
    done(client, "room.set_words", room_id, words=list(words))


@pytest.fixture
def unknown(handlers: HandlerSite) -> Callable[[], None]:
    """Has the Lambda forget every list, as one that has just begun."""
    from chalicelib import masking

    return masking._known.clear


@pytest.mark.localstack
def test_a_rooms_words_are_masked_in_it_and_nowhere_else(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id, other = room_of(host, guest), room_of(host, guest)
    said = say(guest, room_id, f"{WORD} 전")
    for _ in range(2):  # repeating it does no harm
        set_words(host, room_id, WORD)
    told = guest.wait_for_entry(kind="words_changed")
    assert (told["user_id"], told["text"]) == (my_id(host), "1")
    assert WORD not in str(told)
    for text, masked in ((f"{WORD} 있어요", "＊＊＊＊ 있어요"), ("스.포 일러", "＊*＊*＊＊")):
        entry = say(guest, room_id, text)
        assert entry["text"] == masked
        assert host.wait_for_entry(seq=entry["seq"])["text"] == masked
        assert room_at(host, room_id)["preview"]["text"] == masked
        assert chat_at(host, room_id, entry["seq"])["text"] == masked
    assert say(guest, other, WORD)["text"] == WORD
    # What was said before stays, until it is said anew.
    assert chat_at(host, room_id, said["seq"])["text"] == f"{WORD} 전"
    assert change(guest, "chat.edit", room_id, said["seq"], text=f"{WORD}!")
    assert chat_at(host, room_id, said["seq"])["text"] == "＊＊＊＊!"
    for _ in range(2):
        set_words(host, room_id)
    assert say(guest, room_id, WORD)["text"] == WORD
    log = kinds(log_of(host, room_id))
    assert log.count("words_changed") == 2


@pytest.mark.localstack
@pytest.mark.alike
def test_the_host_and_managers_see_the_list(site: Site) -> None:
    host, helper, guest = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, helper, guest)
    assert words_of(host, room_id) == []
    manage(host, room_id, helper)
    # However it is written, it is one word; the first way is kept.
    set_words(helper, room_id, WORD, " Voldemort ", "ㅅㅡ포일러", "VOLDEMORT", "스포일러어")
    for client in (host, helper):
        assert words_of(client, room_id) == [WORD, "Voldemort"]
    assert refused(guest, "room.words", room_id=room_id) == "not_allowed"
    manage(host, room_id, helper, "member")
    assert refused(helper, "room.words", room_id=room_id) == "not_allowed"


@pytest.mark.localstack
@pytest.mark.alike
def test_a_list_has_an_end(host: ChatClient) -> None:
    room_id = open_room(host)
    many = [f"{chr(0xAC00 + 28 * number)}낱말" for number in range(limits.ROOM_WORDS_MAX + 1)]
    with pytest.raises(CommandRefusedError) as refusal:
        set_words(host, room_id, *many)
    assert (refusal.value.code, refusal.value.frame["field"]) == ("invalid_field", "words")
    set_words(host, room_id, *many[:-1])
    assert words_of(host, room_id) == many[:-1]
    assert (
        say(host, room_id, f"그 {many[-2]} 말고 {many[-1]}")["text"] == f"그 ＊＊＊ 말고 {many[-1]}"
    )


def test_a_closed_room_leaves_no_list(handlers: HandlerSite) -> None:
    from chalicelib.tables import RoomWordsRow

    host = new_person(handlers).chat()
    room_id = open_room(host)
    set_words(host, room_id, WORD)
    assert RoomWordsRow.count(RoomWordsRow.key(room_id), consistent_read=True) == 1
    host.ask("room.leave", room_id=room_id)
    handlers.management.finish_jobs()
    assert RoomWordsRow.count(RoomWordsRow.key(room_id), consistent_read=True) == 0


# --- At the same time, late, and in another Lambda -------------------------------------------


def test_a_frame_that_comes_again_late_brings_no_list_back(
    handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    host = new_person(handlers).chat()
    room_id = open_room(host)
    for after, words, left in ((1, [WORD], [WORD]), (5, [], []), (1, [WORD], [])):
        at(after)
        set_words(host, room_id, *words)
        assert words_of(host, room_id) == left
    handlers.received_at = None
    assert say(host, room_id, WORD)["text"] == WORD


@pytest.mark.parametrize(("first", "then"), [((), (WORD,)), ((WORD,), ("딴말",)), ((WORD,), ())])
def test_a_list_that_changes_while_something_is_said(
    handlers: HandlerSite,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, ...],
    then: tuple[str, ...],
) -> None:
    """What stands after the notice, in the log and in room lists, is as the new list says."""
    from chalicelib.dynamodb_steps import LogSteps

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    if first:
        set_words(host, room_id, *first)
    say(guest, room_id, "이 목록은 알아요")
    before(monkeypatch, LogSteps, "take_place", lambda: set_words(host, room_id, *then))
    text = guest.ask("chat.send", room_id=room_id, text=WORD, cid=unique("cid"))["entry"]["text"]
    assert text == ("＊" * len(WORD) if WORD in then else WORD)
    assert room_at(host, room_id)["preview"]["text"] == text
    assert kinds(log_of(host, room_id))[-2:] == ["words_changed", "chat"]


@pytest.mark.parametrize("step", ["take_place", "store"])
def test_a_list_that_changes_while_something_is_edited(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """In which order both stand in the log, so it is; room lists show the same."""
    from chalicelib.changes import _ChangeSteps

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    seq = say(guest, room_id, "처음")["seq"]
    before(monkeypatch, _ChangeSteps, step, lambda: set_words(host, room_id, WORD))
    change(guest, "chat.edit", room_id, seq, text=WORD)
    text = chat_at(host, room_id, seq)["text"]
    last = kinds(log_of(host, room_id))[-2:]
    if step == "take_place":
        assert (text, last) == ("＊＊＊＊", ["words_changed", "changed"])
    else:
        assert (text, last) == (WORD, ["changed", "words_changed"])
    assert room_at(host, room_id)["preview"]["text"] == text


def test_an_edit_that_is_cut_off_shows_nothing_that_is_masked(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, unknown: Callable[[], None]
) -> None:
    """In a Lambda that knows nothing of the list, and dies before it takes a place."""
    from chalicelib.changes import _ChangeSteps

    class CutOffError(Exception):
        """The Lambda is gone."""

    def die() -> None:
        raise CutOffError

    host = new_person(handlers).chat()
    room_id = open_room(host)
    set_words(host, room_id, WORD)
    seq = say(host, room_id, "처음")["seq"]
    unknown()
    before(monkeypatch, _ChangeSteps, "take_place", die)
    assert refused(host, "chat.edit", room_id=room_id, seq=seq, text=WORD) == "internal"
    assert room_at(host, room_id)["preview"]["text"] == "처음"


def test_of_two_lists_at_once_the_later_stands_whole(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, at: Callable[[int], None]
) -> None:
    from chalicelib.ruling import _RulingSteps

    host, helper = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, helper)
    manage(host, room_id, helper)

    def other() -> None:
        at(20)
        set_words(helper, room_id, "딴말")
        at(10)

    before(monkeypatch, _RulingSteps, "store", other)
    at(10)
    set_words(host, room_id, WORD)
    assert words_of(host, room_id) == ["딴말"]
    handlers.received_at = None
    assert say(host, room_id, f"{WORD} 딴말")["text"] == f"{WORD} ＊＊"
    assert kinds(log_of(host, room_id)).count("words_changed") == 1


def test_what_was_cut_off_before_it_was_stored_is_masked_by_its_repeat(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, unknown: Callable[[], None]
) -> None:
    """Also in a Lambda that takes no place in the room, and knows nothing of it."""
    from chalicelib.dynamodb_steps import LogSteps

    class CutOffError(Exception):
        """The Lambda is gone."""

    def die() -> None:
        raise CutOffError

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    set_words(host, room_id, WORD)
    chat = {"room_id": room_id, "text": WORD, "cid": unique("cid")}
    since = room_at(guest, room_id)["last_seq"]
    before(monkeypatch, LogSteps, "store", die)
    assert refused(guest, "chat.send", **chat) == "internal"
    unknown()
    entry = guest.ask("chat.send", **chat, retry_since=since)["entry"]
    assert entry["text"] == "＊＊＊＊"


# --- What it costs --------------------------------------------------------------------------


def test_a_chat_or_an_edit_costs_what_it_did(
    handlers: HandlerSite, unknown: Callable[[], None]
) -> None:
    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)

    def asked(command: str, **fields: Any) -> tuple[dict[str, int], units.Units]:
        with cost() as found, units.recorded() as calls:
            host.ask(command, room_id=room_id, **fields)
        return found["dynamodb"], units.total(calls)

    def said() -> tuple[dict[str, int], units.Units]:
        return asked("chat.send", text="말", cid=unique("cid"))

    def edited() -> tuple[dict[str, int], units.Units]:
        return asked("chat.edit", seq=seq, text=unique("고침"))

    seq = say(host, room_id, "처음")["seq"]
    plain, plain_edit = said(), edited()
    set_words(host, room_id, *(f"{WORD}{chr(0xAC00 + n)}" for n in range(30)))
    # Once for each Lambda and change of the list: it is not what one knew; what it is.
    calls, took = said()
    more = {"GetItem": plain[0]["GetItem"] + 2, "UpdateItem": plain[0]["UpdateItem"] + 1}
    assert calls == {**plain[0], **more}
    assert took.writes == plain[1].writes + 1
    assert said() == plain
    assert edited() == plain_edit
    unknown()
    calls, took = edited()
    assert calls["GetItem"] == plain_edit[0]["GetItem"] + 2
    assert edited() == plain_edit


def test_setting_and_seeing_the_list(handlers: HandlerSite) -> None:
    host = new_person(handlers).chat()
    room_id = open_room(host)
    with cost() as found, units.recorded() as calls:
        host.ask("room.set_words", room_id=room_id, words=[WORD])
    # Whose connection, whether a member, the room; a place; notice, room and list; who listens.
    assert found["dynamodb"] == {
        "GetItem": 3,
        "UpdateItem": 1,
        "TransactWriteItems": 1,
        "Query": 1,
    }
    assert units.total(calls).writes == 7
    with cost() as found:
        host.ask("room.words", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 4}, "posts": {}}
