"""What the benchmarks count, and the counts that need no clock: those are goals of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.benchmarks import busy_model, busy_talk, prices, units
from tests.benchmarks.lambdas import Invocation
from tests.benchmarks.units import Call, Units

PEOPLE = 100


@pytest.mark.parametrize("arrivals", [busy_talk.evenly, busy_talk.poisson])
def test_a_busy_room_needs_an_eighth_of_the_posts_and_a_fifth_of_the_dollars(
    arrivals: Callable[[float, int], list[float]],
) -> None:
    times = arrivals(50, 500)
    ours, naive = (busy_model.talk(times, PEOPLE, pace_ms) for pace_ms in (200, 0))
    assert naive.posts == 500 * (PEOPLE - 1)
    assert ours.posts <= naive.posts / 8
    delivered = 500 * (PEOPLE - 1)
    assert ours.bill.dollars / delivered <= 0.20e-6
    assert naive.bill.dollars / delivered > 1e-6


def test_the_mechanism_is_not_felt_in_a_quiet_room() -> None:
    times = busy_talk.evenly(1, 20)
    ours, naive = (busy_model.talk(times, PEOPLE, pace_ms) for pace_ms in (200, 0))
    assert ours.posts == naive.posts
    assert ours.ways_ms == naive.ways_ms


def test_arrivals_are_spread_over_the_same_time() -> None:
    evenly, poisson = busy_talk.evenly(50, 500), busy_talk.poisson(50, 500)
    assert len(evenly) == len(poisson) == 500
    assert evenly[1] == 0.02
    assert 9 < poisson[-1] < 10
    assert poisson == sorted(poisson)


ITEM = {"id": {"S": "x" * 2000}}
#: An item of exactly 1 KB.
KB_ITEM = {"id": {"S": "x" * 1022}}
#: One that has the keys of the index of a table.
MEMBER = {**ITEM, "user_id": {"S": "u"}, "room_id": {"S": "r"}}


@pytest.mark.parametrize(
    ("operation", "arguments", "answer", "expected"),
    [
        ("PutItem", {"TableName": "t", "Item": KB_ITEM}, {}, Units(writes=1)),
        ("PutItem", {"TableName": "t", "Item": ITEM}, {}, Units(writes=2)),
        ("PutItem", {"TableName": "t", "Item": ITEM}, None, Units(writes=2)),
        # An entry in an index is a unit more, if the item has its keys.
        ("PutItem", {"TableName": "p-members", "Item": MEMBER}, {}, Units(writes=3)),
        ("PutItem", {"TableName": "p-members", "Item": ITEM}, {}, Units(writes=2)),
        ("UpdateItem", {}, {"Attributes": ITEM}, Units(writes=2)),
        ("UpdateItem", {}, None, Units(writes=1)),
        ("DeleteItem", {"TableName": "t"}, {}, Units(writes=1)),
        ("DeleteItem", {"TableName": "p-connections"}, {}, Units(writes=2)),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {}}]}},
            {},
            Units(writes=3),
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": ITEM}},
                    {"Update": {}},
                    {"ConditionCheck": {}},
                ]
            },
            {},
            Units(writes=8),
        ),
        ("GetItem", {}, {"Item": ITEM}, Units(reads=0.5)),
        ("GetItem", {"ConsistentRead": True}, {"Item": ITEM}, Units(reads=1)),
        ("GetItem", {"ConsistentRead": True}, {}, Units(reads=1)),
        ("Query", {"ConsistentRead": True}, {"Items": [ITEM] * 4}, Units(reads=2)),
        ("Query", {}, {"Items": [ITEM] * 4}, Units(reads=1)),
        ("Scan", {}, {"Items": [ITEM] * 20}, Units(reads=5)),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{}, {}, {}], "ConsistentRead": True}}},
            {"Responses": {"t": [ITEM, ITEM]}},
            Units(reads=3),
        ),
    ],
)
def test_units_are_those_of_the_price_list(
    operation: str, arguments: dict[str, Any], answer: dict[str, Any] | None, expected: Units
) -> None:
    assert units.of(Call(operation, arguments, answer)) == expected


def test_the_audience_is_charged_whole_though_half_of_it_is_asked_for() -> None:
    half = {"connection_id": {"S": "c" * 16}, "user_id": {"S": "u" * 22}}
    asked = {
        "ProjectionExpression": "connection_id, user_id",
        "ExpressionAttributeValues": {":room_id": {"S": "r" * 22}},
        "ConsistentRead": True,
    }
    # 13 + 16, 7 + 22; and room_id 7 + 22, expires_at 10 + 6: 103 bytes.
    assert units.of(Call("Query", asked, {"Items": [half] * 39})) == Units(reads=1)
    assert units.of(Call("Query", asked, {"Items": [half] * 40})) == Units(reads=2)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "가나"}, 6),
        ({"N": "12345"}, 4),
        ({"N": "-1"}, 2),
        ({"BOOL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 3 + 3),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
)
def test_sizes_are_dynamodbs(value: dict[str, Any], size: int) -> None:
    assert units.item_bytes({"id": value}) == 2 + size


@pytest.mark.parametrize(("size", "messages"), [(0, 1), (32 * 1024, 1), (32 * 1024 + 1, 2)])
def test_a_frame_is_billed_by_32_kb(size: int, messages: int) -> None:
    assert prices.messages(size) == messages


def test_a_bill_has_events_replies_posts_units_and_lambda_time() -> None:
    invocation = Invocation(
        function="websocket_message",
        job="",
        asked=0,
        began=0,
        ended=0.0991,
        cpu_seconds=0,
        dynamodb_seconds=0,
        calls=Counter(),
        units=Units(writes=4, reads=8),
        posts=Counter(),
        answer={"body": "{}"},
    )
    bill = prices.bill([invocation], [100] * 99)
    assert bill.posts == pytest.approx(99e-6)
    assert bill.frames == pytest.approx(2e-6)
    assert bill.dynamodb == pytest.approx(3.5e-6)
    # 100 ms of 1 GB.
    assert bill.lambdas == pytest.approx(0.2e-6 + 1.33333e-6, rel=1e-4)
    assert bill.dollars == pytest.approx(bill.posts + bill.frames + bill.dynamodb + bill.lambdas)
