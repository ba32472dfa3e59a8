"""What commands cost: DynamoDB calls and posts, exactly.

The handlers run in this process, so what they count is what was asked of DynamoDB.
Capacity units follow from the calls and the items' sizes; docs/costs.md does the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.test_conversation import open_room, say
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@contextmanager
def cost() -> Iterator[dict[str, Any]]:
    """The DynamoDB calls and posts of the one command inside."""
    from chalicelib import metering

    found: dict[str, Any] = {}
    yield found
    found.update(metering.report())


@pytest.fixture
def room(handlers: HandlerSite) -> tuple[str, list[ChatClient]]:
    """A room with four members, all listening."""
    people = [new_person(handlers).chat() for _ in range(4)]
    room_id = open_room(people[0])
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    return room_id, people


def test_a_chat_takes_five_calls_and_one_post_per_listener(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    with cost() as found:
        say(people[0], room_id, "얼마예요?")
    # Whose connection, whether a member; take the seq, store the chat; who listens.
    assert found["dynamodb"] == {"GetItem": 2, "UpdateItem": 1, "PutItem": 1, "Query": 1}
    assert found["posts"] == {"ok": 3}


def test_a_repeat_looks_once_more(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    said = say(people[0], room_id, "다시")
    with cost() as found:
        say(people[0], room_id, "다시", cid=said["cid"], retry_since=said["seq"] - 1)
    # It marks the chat as sent again, and looks for it up to the end of the log.
    assert found["dynamodb"] == {"GetItem": 3, "UpdateItem": 1, "Query": 2}


def test_a_listener_who_is_gone_is_unsubscribed_at_the_first_post(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    room_id, people = room
    handlers.management.connections.pop(people[3].transport.connection_id)
    with cost() as found:
        say(people[0], room_id, "여보세요")
    assert found["posts"] == {"ok": 2, "gone": 1}
    assert found["dynamodb"]["DeleteItem"] == 1
    with cost() as found:
        say(people[0], room_id, "여보세요?")
    assert found["posts"] == {"ok": 2}


@pytest.mark.parametrize("rooms", [0, 1, 30])
def test_hello_does_not_grow_with_the_rooms_but_by_batches(
    handlers: HandlerSite, rooms: int
) -> None:
    client = new_person(handlers).connect()
    client.ask("session.hello")
    for _ in range(rooms):
        say(client, open_room(client), "안녕")
    with cost() as found:
        client.ask("session.hello")
    # Whose connection, who that is, whether still signed in; their rooms, before and after
    # the connection is made to hear them.
    expected = Counter({"GetItem": 3, "Query": 2, "UpdateItem": 1})
    if rooms:
        # Subscriptions by 25; then the rooms, and the names in their previews, by 100.
        expected += Counter({"BatchWriteItem": -(-rooms // 25), "BatchGetItem": 2})
    assert found == {"dynamodb": dict(expected), "posts": {}}


def test_a_history_page_takes_five_calls(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found:
        people[0].ask("chat.history", room_id=room_id)
    # Whose connection, whether a member, where the log ends; the page, and its names.
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "BatchGetItem": 1}, "posts": {}}


def test_entering_ones_room_costs_what_a_page_does(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found:
        people[1].ask("room.enter", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "BatchGetItem": 1}, "posts": {}}


def test_keep_alive_costs_three_calls_when_nothing_was_missed(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    last = say(people[0], room_id, "마지막")["seq"]
    with cost() as found:
        people[1].ask("room.sync", rooms=[{"room_id": room_id, "after": last}])
    assert found == {"dynamodb": {"GetItem": 1, "BatchGetItem": 2}, "posts": {}}


def test_connect_takes_two_calls_and_disconnect_at_most_three(handlers: HandlerSite) -> None:
    browser = new_person(handlers)
    with cost() as found:
        client = browser.connect()
    assert found["dynamodb"] == {"GetItem": 1, "PutItem": 1}
    client.ask("session.hello")
    open_room(client)
    with cost() as found:
        client.close()
    assert found["dynamodb"] == {"GetItem": 1, "BatchWriteItem": 1, "DeleteItem": 1}
