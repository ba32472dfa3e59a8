"""What meeting somebody costs, and how it goes when many want to at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.benchmarks import units
from tests.integration.test_counts import cost
from tests.integration.test_leaving import my_id
from tests.integration.test_match import pair_of, seek, wish
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Site, new_person, unique

CROWD = 40


@pytest.fixture
def tag() -> str:
    return unique("t")[-20:]


@pytest.fixture
def two(handlers: HandlerSite) -> tuple[ChatClient, ChatClient]:
    return new_person(handlers).chat(), new_person(handlers).chat()


def test_a_search_takes_five_calls_and_none_while_one_waits(
    two: tuple[ChatClient, ChatClient], tag: str
) -> None:
    one, _ = two
    search = wish(tag)
    with cost() as found, units.recorded() as calls:
        seek(one, search)
    # Whose connection, whose search; in how many rooms; the search and its ticket; who waits.
    expected = {"GetItem": 2, "Query": 2, "TransactWriteItems": 1}
    assert found == {"dynamodb": expected, "posts": {}}
    assert units.total(calls) == units.Units(writes=4, reads=3.5)
    with cost() as found:
        seek(one, search, again=True)
    expected["Query"] = 1
    assert found == {"dynamodb": expected, "posts": {}}
    with cost() as found:
        one.ask("match.cancel", cid=search["cid"])
    assert found == {"dynamodb": {"GetItem": 2, "TransactWriteItems": 1}, "posts": {}}


def test_being_matched_takes_one_transaction_for_both(
    two: tuple[ChatClient, ChatClient], tag: str
) -> None:
    one, other = two
    seek(one, wish(tag))
    with cost() as found, units.recorded() as calls:
        assert "room" in seek(other, wish(tag))
    # As above; whether one has blocked the other; the claim. Then of each of the two: their
    # connections, which hear the room from now on; whether they are still in it.
    assert found == {
        "dynamodb": {
            "GetItem": 4,
            "Query": 4,
            "TransactWriteItems": 2,
            "BatchGetItem": 1,
            "UpdateItem": 2,
            "PutItem": 2,
        },
        "posts": {"ok": 1},
    }
    claim = [call for call in calls if call.operation == "TransactWriteItems"][1]
    parts = [next(iter(part)) for part in claim.arguments["TransactItems"]]
    assert len(parts) == 11
    # Two rows of members have an entry each in the index of their room.
    assert units.of(claim) == units.Units(writes=2 * (len(parts) + 2))


def test_keeping_takes_five_calls_and_a_post_for_each_device(
    two: tuple[ChatClient, ChatClient], tag: str
) -> None:
    one, other = two
    room_id = pair_of(one, other, tag)
    with cost() as found:
        one.ask("match.keep", room_id=room_id)
    # Whose connection, whether a member, the room; the place; the notice and the wish; who listens.
    expected = {"GetItem": 3, "UpdateItem": 1, "TransactWriteItems": 1, "Query": 1}
    assert found == {"dynamodb": expected, "posts": {"ok": 2}}


def test_next_takes_a_leaving_and_a_search(two: tuple[ChatClient, ChatClient], tag: str) -> None:
    one, other = two
    room_id = pair_of(one, other, tag)
    search = wish(tag)
    with cost() as found:
        one.ask("match.next", room_id=room_id, **search)
    # Of the leaving: what it is of; the place, the notice; whose connections hear it no more.
    assert found == {
        "dynamodb": {
            "GetItem": 7,
            "Query": 4,
            "UpdateItem": 2,
            "TransactWriteItems": 2,
            "DeleteItem": 1,
        },
        "posts": {"ok": 1},
    }
    one.ask("match.cancel", cid=search["cid"])


def _found(client: ChatClient, search: Frame) -> Frame:
    """Seek as the site does, until one is in a room."""
    again = False
    while True:
        try:
            reply = seek(client, search, again=again)
        except CommandRefusedError as refused:
            if refused.code != "stale":
                raise
            continue  # so many at once take their time: the same frame once more
        if "room" in reply:
            room: Frame = reply["room"]
            return room
        again = True


def test_forty_at_once_are_paired_each_with_one_other(site: Site) -> None:
    """Real processes, real transactions: who loses a claim is found, or finds another."""
    tag = unique("t")[-20:]
    people = [new_person(site).chat() for _ in range(CROWD)]
    searches = [wish(tag) for _ in people]
    with ThreadPoolExecutor(CROWD) as pool:
        began = time.monotonic()
        rooms = list(pool.map(_found, people, searches))
        print(f"{CROWD} people were told within {time.monotonic() - began:.1f} s")
        ids = list(pool.map(my_id, people))
    partners = {me: room["partner_id"] for me, room in zip(ids, rooms, strict=True)}
    assert all(partners[str(other)] == me for me, other in partners.items())
    assert len({room["room_id"] for room in rooms}) == CROWD // 2
    for client in people:
        assert len(client.ask("session.hello")["rooms"]) == 1


def test_both_are_told_by_the_second_ones_search(site: Site) -> None:
    """The figure is printed (``-s``); machines differ, so it is no promise of this test."""
    tag = unique("t")[-20:]
    one, other = new_person(site).chat(), new_person(site).chat()
    seek(one, wish(tag))
    began = time.monotonic()
    assert "room" in seek(other, wish(tag))
    answered = time.monotonic() - began
    assert one.wait_for("match.found")["room"]
    print(f"answered in {answered * 1000:.0f} ms, both told in {time.monotonic() - began:.3f} s")
