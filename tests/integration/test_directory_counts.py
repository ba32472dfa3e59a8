"""What a page of the directory costs, and that it costs the same with ten thousand rooms."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import limits
from chalicelib.protocol import Topic
from tests.benchmarks import units
from tests.integration.test_conversation import open_room, say
from tests.integration.test_counts import cost
from tests.integration.test_directory import make, was_active
from tests.support.chat import ChatClient, Frame
from tests.support.listed_rooms import rooms_of
from tests.support.site import unique

PAGE = limits.DIRECTORY_PAGE
MANY = 10_000
#: A Query of each topic and of what has none.
PARTS = len(Topic) + limits.DIRECTORY_PARTS


def priced(act: Callable[[], Frame]) -> tuple[dict[str, int], units.Units, Frame]:
    """The calls and units of a command that tells nobody, and its answer."""
    with cost() as found, units.recorded() as calls:
        reply = act()
    assert found["posts"] == {}
    return found["dynamodb"], units.total(calls), reply


def test_pages_cost_the_same_however_many_rooms_there_are(host: ChatClient) -> None:
    """Also far down, where nobody has been."""
    mark = unique("q")[-8:].lower()

    def asked() -> list[tuple[dict[str, int], units.Units]]:
        found = []
        for command, fields in (
            ("directory.list", {}),
            ("directory.list", {"order": "new"}),
            ("directory.list", {"topic": "games"}),
            ("directory.search", {"text": f"많{mark}"}),
            ("directory.search", {"text": f"ㅁ{mark}"}),
        ):
            calls, price, reply = priced(lambda c=command, f=fields: host.ask(c, **f))  # type: ignore[misc]
            # (A room that another test has hidden may be among the twenty.)
            assert len(reply["rooms"]) > PAGE // 2
            found.append((calls, price))
            again, same, second = priced(
                lambda c=command, f=fields, r=reply: host.ask(c, **f, after=r["after"])  # type: ignore[misc]
            )
            assert len(second["rooms"]) > PAGE // 2
            assert (again, same) == (calls, price)
        return found

    def names(count: int) -> list[str]:
        return [f"많{mark} {number}" for number in range(count)]

    with rooms_of(names(3 * PAGE), Topic.GAMES):
        few = asked()
    with rooms_of(names(MANY), Topic.GAMES):
        many = asked()
    assert few == many
    # Whose connection, the places, the rooms: half a unit for each part and each room.
    rooms = 1 + PAGE / 2
    whole = {"GetItem": 1, "Query": PARTS, "BatchGetItem": 1}
    one = {"GetItem": 1, "Query": 1, "BatchGetItem": 1}
    assert many == [
        (whole, units.Units(reads=rooms + PARTS / 2)),
        (whole, units.Units(reads=rooms + PARTS / 2)),
        (one, units.Units(reads=rooms + 0.5)),
        (one, units.Units(reads=rooms + 0.5)),
        (one, units.Units(reads=rooms + 0.5)),
    ]


def test_a_search_that_finds_little_looks_at_tags_as_well(host: ChatClient) -> None:
    text = unique("드문")[-20:].lower()
    make(host, text)
    make(host, tags=[text])
    calls, price, reply = priced(lambda: host.ask("directory.search", text=text))
    assert len(reply["rooms"]) == 2
    # Whose connection; names, and the room; three places of tags, and the rooms.
    assert calls == {"GetItem": 1, "Query": 4, "BatchGetItem": 2}
    assert price == units.Units(reads=1 + 4 * 0.5 + 2 * 0.5)


def test_saying_what_a_room_is_about_takes_four_calls(host: ChatClient) -> None:
    room_id = open_room(host)
    calls, price, _ = priced(lambda: host.ask("room.describe", room_id=room_id, topic="games"))
    # Whose connection, whether a member, the room; the room with its keys.
    assert calls == {"GetItem": 3, "UpdateItem": 1}
    assert price == units.Units(writes=1, reads=3)


@pytest.mark.parametrize("steps", [0, 5])
def test_a_chat_that_moves_its_room_up_takes_no_call_more(host: ChatClient, steps: int) -> None:
    room_id = make(host, topic="games", tags=["하나", "둘", "셋"])
    was_active(room_id, steps)
    with cost() as found, units.recorded() as calls:
        say(host, room_id, "여기 있어요")
    assert found["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "Query": 1}
    assert units.total(calls) == units.Units(writes=3, reads=2)


def test_entering_a_room_that_is_in_its_place_takes_no_write_for_the_directory(
    host: ChatClient,
) -> None:
    room_id = make(host, topic="games", tags=["하나"])
    host.ask("room.enter", room_id=room_id)
    with cost() as found:
        host.ask("room.enter", room_id=room_id)
    assert not found["dynamodb"].keys() & {"UpdateItem", "PutItem", "TransactWriteItems"}
