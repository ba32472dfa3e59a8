"""First tries that arrive when their sender has given them up already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@pytest.fixture
def client(handlers: HandlerSite) -> Iterator[ChatClient]:
    yield new_person(handlers).chat()
    handlers.received_at = None


def stale(client: ChatClient, room_id: str, cid: str) -> bool:
    """Whether a first try is refused for being late."""
    with pytest.raises(CommandRefusedError) as refused:
        say(client, room_id, "늦은 말", cid=cid)
    return refused.value.code == "stale"


def test_what_took_too_long_to_arrive_is_not_written(
    handlers: HandlerSite, client: ChatClient
) -> None:
    from chalicelib.clock import now_ms

    room_id = open_room(client)
    handlers.received_at = now_ms() - limits.WRITE_WITHIN_MS - 1
    assert stale(client, room_id, "cid-late-0001")
    handlers.received_at = None
    page = client.ask("chat.history", room_id=room_id)
    assert [entry["seq"] for entry in page["entries"]] == [1]
    say(client, room_id, "늦은 말", cid="cid-late-0001", retry_since=1)
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["늦은 말"]


def test_a_first_try_that_comes_after_its_repeat_is_not_written(client: ChatClient) -> None:
    room_id = open_room(client)
    say(client, room_id, "한 번만", cid="cid-late-0002", retry_since=1)
    assert stale(client, room_id, "cid-late-0002")
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["한 번만"]


def test_only_the_latest_repeats_are_remembered_but_those_surely(client: ChatClient) -> None:
    room_id = open_room(client)
    cids = [f"cid-many-{number:04}" for number in range(limits.RETRIED_CIDS_MAX + 1)]
    for cid in cids:
        say(client, room_id, cid, cid=cid, retry_since=1)
    assert all(stale(client, room_id, cid) for cid in cids[1:])
    assert texts_of(client.ask("chat.history", room_id=room_id)) == cids


def test_a_writer_that_is_held_up_after_taking_its_place_leaves_it_to_be_filled(
    handlers: HandlerSite, client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import chats, clock

    room_id = open_room(client)
    take_seq = chats._take_seq

    def slow(*arguments: object) -> object:
        room = take_seq(*arguments)  # type: ignore[arg-type]
        late = clock.now_ms() + limits.WRITE_WITHIN_MS + 1
        monkeypatch.setattr(clock, "now_ms", lambda: late)
        return room

    monkeypatch.setattr(chats, "_take_seq", slow)
    assert stale(client, room_id, "cid-late-0003")
    monkeypatch.undo()
    page = client.ask("chat.history", room_id=room_id)
    assert [entry.get("kind") for entry in page["entries"]] == ["created", "void"]
