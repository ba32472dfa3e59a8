"""Nobody says more than a room can bear, and what is too fast can be said again later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.integration.test_leaving import my_id
from tests.support.chat import TIMEOUT, ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import new_person, unique

pytestmark = pytest.mark.localstack

WINDOW_MS = 8_000
MOST = limits.CLAIMS_PER_MEMBER


@dataclass
class Lambdas:
    """The time, and which of several Lambdas is asked: each knows only what it has seen."""

    handlers: HandlerSite
    monkeypatch: pytest.MonkeyPatch
    now: int
    memories: dict[int, Any] = field(default_factory=dict)

    def pass_by(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds
        self.handlers.received_at = self.now

    def take(self, number: int) -> None:
        """From now on this one is asked."""
        from chalicelib import chats, dynamodb_steps
        from chalicelib.pace import Memory

        memory = self.memories.setdefault(number, Memory())
        for module in (chats, dynamodb_steps):
            self.monkeypatch.setattr(module, "memory", memory)


@pytest.fixture
def lambdas(handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambdas]:
    from chalicelib import clock
    from chalicelib.dynamodb_steps import LogSteps

    found = Lambdas(handlers, monkeypatch, clock.now_ms())
    monkeypatch.setattr(LogSteps, "chat_window_ms", WINDOW_MS)
    monkeypatch.setattr(clock, "now_ms", lambda: found.now)
    found.take(0)
    # People joined before this.
    found.pass_by(1)
    yield found
    handlers.received_at = None


@pytest.fixture
def room(handlers: HandlerSite, lambdas: Lambdas) -> tuple[str, ChatClient, ChatClient]:
    """A room, its host and a guest."""
    host, guest = (new_person(handlers).chat() for _ in range(2))
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    lambdas.pass_by(1)
    return room_id, host, guest


def refusal(client: ChatClient, room_id: str, text: str = "또", **more: object) -> Frame:
    """The error that saying something is answered with."""
    with pytest.raises(CommandRefusedError) as refused:
        say(client, room_id, text, **more)
    return refused.value.frame


def may_say(client: ChatClient, room_id: str, text: str) -> bool:
    """Say something, unless that is too fast."""
    chat = {"room_id": room_id, "text": text, "cid": unique("cid")}
    reply = client.begin("chat.send", **chat).result(TIMEOUT)
    assert reply["type"] == "ok" or reply["code"] == "too_fast"
    return bool(reply["type"] == "ok")


def log_of(client: ChatClient, room_id: str) -> Frame:
    return client.ask("chat.history", room_id=room_id, limit=100)


def voids_of(page: Frame) -> int:
    return sum(1 for entry in page["entries"] if entry.get("kind") == "void")


def test_nobody_says_more_than_eight_chats_in_the_window(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    room_id, host, guest = room
    for number in range(MOST):
        say(guest, room_id, f"{number}")
        lambdas.pass_by(100)
    refused = refusal(guest, room_id)
    assert refused["code"] == "too_fast"
    assert refused["retry_after_ms"] == WINDOW_MS - MOST * 100
    # Others may, and they in other rooms.
    say(host, room_id, "저는 처음이에요")
    say(guest, open_room(guest), "다른 방")
    lambdas.pass_by(refused["retry_after_ms"] - 1)
    assert refusal(guest, room_id)["retry_after_ms"] == 1
    lambdas.pass_by(1)
    say(guest, room_id, "이제 돼요")
    # The window slides: the next is free when the second of them is out of it.
    assert refusal(guest, room_id)["retry_after_ms"] == 100
    page = log_of(host, room_id)
    assert texts_of(page) == [*map(str, range(MOST)), "저는 처음이에요", "이제 돼요"]
    assert voids_of(page) == 0


def test_what_one_lambda_does_not_know_another_one_has_noted(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    room_id, host, guest = room
    for number in range(MOST):
        lambdas.take(number)
        say(guest, room_id, f"{number}")
    lambdas.take(MOST)
    lambdas.pass_by(500)
    assert refusal(guest, room_id)["retry_after_ms"] == WINDOW_MS - 500
    page = log_of(host, room_id)
    assert (len(texts_of(page)), voids_of(page)) == (MOST, 1)
    # It took a place and gave it up; what room lists show is the last that was said.
    shown = host.ask("room.list", room_ids=[room_id])["rooms"][0]
    assert shown["preview"]["text"] == f"{MOST - 1}"
    assert shown["unread"] == MOST
    # It knows now.
    refusal(guest, room_id)
    assert voids_of(log_of(host, room_id)) == 1


@pytest.mark.stack_only
@pytest.mark.parametrize("count", [1, 10])
def test_a_flood_leaves_a_void_per_lambda_at_most(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient], count: int
) -> None:
    room_id, host, guest = room
    said = 0
    for number in range(200):
        lambdas.take(number % count)
        lambdas.pass_by(20)
        said += may_say(guest, room_id, f"{number}")
    assert said == MOST
    page = log_of(host, room_id)
    assert len(texts_of(page)) == said
    assert voids_of(page) == (0 if count == 1 else count)


def test_a_chat_that_is_there_is_never_refused(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    room_id, host, guest = room
    since = log_of(host, room_id)["entries"][-1]["seq"]
    said = [say(guest, room_id, f"{number}") for number in range(MOST)]
    again = say(guest, room_id, "0", cid=said[0]["cid"], retry_since=since)
    assert again["seq"] == said[0]["seq"]
    # A repeat of what never arrived is one more, and takes no place.
    refused = refusal(guest, room_id, cid=unique("cid"), retry_since=said[-1]["seq"])
    assert refused["code"] == "too_fast"
    assert voids_of(log_of(host, room_id)) == 0


def test_what_is_delivered_twice_still_has_its_claim(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    """However much is said between: the pace keeps its claim from being forgotten."""
    room_id, host, guest = room
    first = {"cid": unique("cid"), "text": "한 번만"}
    sent_at = lambdas.now
    place = say(guest, room_id, **first)["seq"]
    for number in range(2 * MOST):
        lambdas.take(number)
        lambdas.pass_by(limits.WRITE_WITHIN_MS // (2 * MOST))
        may_say(guest, room_id, "그 사이에")
    lambdas.take(99)
    lambdas.handlers.received_at = sent_at
    assert say(guest, room_id, **first)["seq"] == place
    assert texts_of(log_of(host, room_id)).count("한 번만") == 1


def test_a_room_in_slow_mode_is_slow_for_its_members(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    from chalicelib.tables import MemberRow, RoomRow

    room_id, host, guest = room
    RoomRow(room_id).update([RoomRow.slow_ms.set(30_000)])
    say(guest, room_id, "하나")
    lambdas.pass_by(1_000)
    for lambda_ in (0, 1):
        lambdas.take(lambda_)
        refused = refusal(guest, room_id)
        assert (refused["code"], refused["retry_after_ms"]) == ("slow_mode", 29_000)
    for text in ("방장은", "언제나"):
        say(host, room_id, text)
    lambdas.pass_by(29_000)
    say(guest, room_id, "둘")
    MemberRow(my_id(guest), room_id).update([MemberRow.role.set("manager")])
    say(guest, room_id, "부방장도")
    assert texts_of(log_of(host, room_id)) == ["하나", "방장은", "언제나", "둘", "부방장도"]


def test_slow_mode_that_is_switched_off_is_over_soon(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    from chalicelib.pace import HOLD_MAX_MS
    from chalicelib.tables import RoomRow

    room_id, _, guest = room
    RoomRow(room_id).update([RoomRow.slow_ms.set(3_600_000)])
    say(guest, room_id, "하나")
    assert refusal(guest, room_id)["retry_after_ms"] == 3_600_000
    RoomRow(room_id).update([RoomRow.slow_ms.remove()])
    lambdas.pass_by(HOLD_MAX_MS)
    say(guest, room_id, "둘")


def test_who_is_silenced_says_nothing_until_it_is_over(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    from chalicelib.tables import MemberRow

    room_id, host, guest = room
    until = lambdas.now + 60_000
    MemberRow(my_id(guest), room_id).update([MemberRow.silenced_until.set(until)])
    for lambda_ in (0, 1):
        lambdas.take(lambda_)
        refused = refusal(guest, room_id)
        assert (refused["code"], refused["retry_after_ms"]) == ("silenced", 60_000)
    assert refusal(guest, room_id, retry_since=1)["code"] == "silenced"
    say(host, room_id, "저는 돼요")
    lambdas.pass_by(60_000)
    say(guest, room_id, "저도요")
    assert texts_of(log_of(host, room_id)) == ["저는 돼요", "저도요"]


@pytest.mark.stack_only
def test_what_a_refusal_costs(lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]) -> None:
    from chalicelib import metering

    room_id, _, guest = room
    for _ in range(MOST):
        say(guest, room_id, "빨리")
    refusal(guest, room_id)
    # Whose connection.
    assert metering.report()["dynamodb"] == {"GetItem": 1}
    lambdas.take(1)
    refusal(guest, room_id)
    # A place, no claim, why; the room, twice, to make the place a void; what is shown instead.
    assert metering.report()["dynamodb"] == {
        "GetItem": 4,
        "UpdateItem": 2,
        "TransactWriteItems": 1,
        "Query": 1,
    }


@pytest.mark.stack_only
def test_nobody_changes_more_than_twenty_chats_in_the_window(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    room_id, host, guest = room
    chat = {"room_id": room_id, "seq": say(host, room_id, "어때요?")["seq"]}
    for number in range(limits.CHANGES_MAX):
        lambdas.pass_by(10)
        guest.ask("chat.react", **chat, emoji="👍", on=number % 2 == 0)
    for command, more in (("chat.react", {"emoji": "👍"}), ("chat.edit", {"text": "왜요?"})):
        with pytest.raises(CommandRefusedError) as refused:
            guest.ask(command, **chat, **more)
        assert refused.value.code == "too_fast"
        assert refused.value.frame["retry_after_ms"] == WINDOW_MS - 10 * (limits.CHANGES_MAX - 1)
    host.ask("chat.edit", **chat, text="저는 돼요")
    lambdas.pass_by(WINDOW_MS)
    guest.ask("chat.react", **chat, emoji="👍")


def test_who_is_silenced_says_nothing_by_changing_chats(
    lambdas: Lambdas, room: tuple[str, ChatClient, ChatClient]
) -> None:
    from chalicelib.tables import MemberRow

    room_id, _, guest = room
    chat = {"room_id": room_id, "seq": say(guest, room_id, "먼저 한 말")["seq"]}
    until = lambdas.now + 60_000
    MemberRow(my_id(guest), room_id).update([MemberRow.silenced_until.set(until)])
    for command, more in (("chat.react", {"emoji": "👍"}), ("chat.edit", {"text": "다른 말"})):
        with pytest.raises(CommandRefusedError) as refused:
            guest.ask(command, **chat, **more)
        assert (refused.value.code, refused.value.frame["retry_after_ms"]) == ("silenced", 60_000)
    # What one said can be taken back at any time.
    assert guest.ask("chat.delete", **chat)["entry"]["changed"]["deleted"]
