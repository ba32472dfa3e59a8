"""Capacity that calls report."""

from __future__ import annotations

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import Json, n, refused, s
from tests.support.site import unique

UNITS = GUIDE + "read-write-operations.html"


def units(answer: Json) -> float | None:
    """What a call says that it used."""
    found = answer.get("ConsumedCapacity")
    if isinstance(found, list):
        return sum(float(each["CapacityUnits"]) for each in found)
    return None if found is None else float(found["CapacityUnits"])


@case(API + "API_PutItem.html#DDB-PutItem-request-ReturnConsumedCapacity")
def test_nothing_is_told_unasked(tables: Tables) -> None:
    """Without `ReturnConsumedCapacity` an answer has no capacity."""
    answer = tables.client.put_item(TableName=tables.chats, Item=tables.chat_key())
    assert "ConsumedCapacity" not in answer


@case(UNITS)
def test_a_write_is_a_unit_per_kb(tables: Tables) -> None:
    """A write takes one unit for each KB begun."""
    for size, wanted in ((500, 1), (1500, 2), (5000, 5)):
        answer = tables.client.put_item(
            TableName=tables.chats,
            Item=tables.chat_key() | {"text": s("x" * size)},
            ReturnConsumedCapacity="TOTAL",
        )
        assert units(answer) == wanted


@case(UNITS)
def test_an_update_counts_the_larger(tables: Tables) -> None:
    """An update takes units for the larger of the item before and after."""
    item = tables.put_chat(text=s("x" * 3500))
    answer = tables.client.update_item(
        TableName=tables.chats,
        Key=tables.key_of(item),
        UpdateExpression="SET #t = :t",
        ExpressionAttributeNames={"#t": "text"},
        ExpressionAttributeValues={":t": s("x")},
        ReturnConsumedCapacity="TOTAL",
    )
    assert units(answer) == 4


@case(UNITS)
def test_a_delete_counts_the_item(tables: Tables) -> None:
    """A delete takes units for the item that goes; one that is missing takes one."""
    item = tables.put_chat(text=s("x" * 2500))
    for wanted in (3, 1):
        answer = tables.client.delete_item(
            TableName=tables.chats, Key=tables.key_of(item), ReturnConsumedCapacity="TOTAL"
        )
        assert units(answer) == wanted


@case(UNITS)
def test_a_read_is_a_unit_per_4_kb(tables: Tables) -> None:
    """A consistent read takes one unit for each 4 KB begun, another one half of that."""
    for size, wanted in ((500, 1), (5000, 2), (9000, 3)):
        item = tables.put_chat(text=s("x" * size))
        for consistent in (True, False):
            answer = tables.client.get_item(
                TableName=tables.chats,
                Key=tables.key_of(item),
                ConsistentRead=consistent,
                ReturnConsumedCapacity="TOTAL",
            )
            assert units(answer) == (wanted if consistent else wanted / 2)


@case(UNITS)
def test_a_query_counts_the_sum(tables: Tables) -> None:
    """A query takes units for the sum of its items' sizes, not for each."""
    room = unique("room")
    for seq in range(10):
        tables.put_chat(room, seq, text=s("x" * 1000))
    answer = tables.query(room, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert units(answer) == 3


@case(UNITS)
def test_a_batch_counts_each(tables: Tables) -> None:
    """A BatchGetItem takes units for each item by itself."""
    keys = [tables.key_of(tables.put_chat(text=s("x" * 100))) for _ in range(4)]
    answer = tables.client.batch_get_item(
        RequestItems={tables.chats: {"Keys": keys}}, ReturnConsumedCapacity="TOTAL"
    )
    assert units(answer) == 2


@case(UNITS)
def test_a_transaction_counts_twice(tables: Tables) -> None:
    """A transaction takes two units for each KB begun."""
    puts = [
        {"Put": {"TableName": tables.chats, "Item": tables.chat_key() | {"text": s("x" * size)}}}
        for size in (100, 1500)
    ]
    answer = tables.client.transact_write_items(TransactItems=puts, ReturnConsumedCapacity="TOTAL")
    assert units(answer) == 6


@case(GUIDE + "GSI.html#GSI.ThroughputConsiderations.Writes")
def test_an_index_is_written_too(tables: Tables) -> None:
    """A write that changes an index takes units of the index as well."""
    answer = tables.client.put_item(
        TableName=tables.sessions,
        Item={"session_id": s(unique("session")), "user_id": s(unique("user"))},
        ReturnConsumedCapacity="INDEXES",
    )
    told = answer.get("ConsumedCapacity", {})
    assert told["Table"]["CapacityUnits"] == 1
    assert told["GlobalSecondaryIndexes"]["by_user"]["CapacityUnits"] == 1
    assert told["CapacityUnits"] == 2


@case(GUIDE + "GSI.html#GSI.ThroughputConsiderations.Writes")
def test_an_index_that_stays_is_not_written(tables: Tables) -> None:
    """A write that changes nothing of an index takes no units of it."""
    user, room = unique("user"), unique("room")
    tables.put_member(user, room, role=s("host"))
    answer = tables.client.update_item(
        TableName=tables.members,
        Key={"user_id": s(user), "room_id": s(room)},
        UpdateExpression="SET read_seq = :n",
        ExpressionAttributeValues={":n": n(1)},
        ReturnConsumedCapacity="TOTAL",
    )
    assert units(answer) == 1


@case(GUIDE + "Programming.Errors.html#Programming.Errors.MessagesAndCodes")
def test_what_is_too_much_is_throttled(tables: Tables) -> None:
    """Writes beyond a provisioned capacity and its burst are refused.

    One unit a second, and at most those of five minutes saved up.
    """
    name = tables.scratch_table(
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    text = s("x" * 400_000)
    with refused("ProvisionedThroughputExceededException"):
        for number in range(4):
            tables.client.put_item(TableName=name, Item={"id": s(str(number)), "text": text})
