"""Batches."""

from __future__ import annotations

from tests.integration.conformance.case import API, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import Json, n, refused, s
from tests.support.site import unique

GET = API + "API_BatchGetItem.html"
WRITE = API + "API_BatchWriteItem.html"


def keys(room: str, count: int) -> list[Json]:
    return [{"room_id": s(room), "seq": n(seq)} for seq in range(count)]


def puts(room: str, count: int) -> list[Json]:
    return [{"PutRequest": {"Item": key}} for key in keys(room, count)]


@case(WRITE)
def test_writes_of_two_tables(tables: Tables) -> None:
    """A batch puts and deletes in several tables; deleting what is missing is no error."""
    room, gone = unique("room"), tables.put_chat()
    session = {"session_id": s(unique("session"))}
    requests = [
        *puts(room, 2),
        {"DeleteRequest": {"Key": tables.key_of(gone)}},
        {"DeleteRequest": {"Key": tables.chat_key()}},
    ]
    answer = tables.client.batch_write_item(
        RequestItems={tables.chats: requests, tables.sessions: [{"PutRequest": {"Item": session}}]}
    )
    assert answer["UnprocessedItems"] == {}
    assert tables.count(room) == 2
    assert tables.chat(tables.key_of(gone)) == {}
    assert "Item" in tables.client.get_item(TableName=tables.sessions, Key=session)


@case(WRITE)
def test_25_writes(tables: Tables) -> None:
    """A batch has up to 25 writes; 26 are refused."""
    room = unique("room")
    with refused("ValidationException"):
        tables.client.batch_write_item(RequestItems={tables.chats: puts(room, 26)})
    assert tables.count(room) == 0
    tables.client.batch_write_item(RequestItems={tables.chats: puts(room, 25)})
    assert tables.count(room) == 25


@case(WRITE)
def test_one_item_twice_in_writes(tables: Tables) -> None:
    """Two writes of one item in a batch are refused."""
    room = unique("room")
    twice = [*puts(room, 1), {"DeleteRequest": {"Key": keys(room, 1)[0]}}]
    with refused("ValidationException"):
        tables.client.batch_write_item(RequestItems={tables.chats: twice})


@case(WRITE)
def test_an_invalid_write_refuses_the_batch(tables: Tables) -> None:
    """One item without its key refuses the whole batch."""
    room = unique("room")
    requests = [*puts(room, 2), {"PutRequest": {"Item": {"room_id": s(room)}}}]
    with refused("ValidationException"):
        tables.client.batch_write_item(RequestItems={tables.chats: requests})
    assert tables.count(room) == 0


@case(GET)
def test_missing_items_are_left_out(tables: Tables) -> None:
    """Items that are not there are left out of the answer."""
    room = unique("room")
    tables.put_chat(room, 1)
    answer = tables.client.batch_get_item(
        RequestItems={tables.chats: {"Keys": keys(room, 3), "ConsistentRead": True}}
    )
    assert answer["Responses"][tables.chats] == [{"room_id": s(room), "seq": n(1)}]
    assert answer["UnprocessedKeys"] == {}


@case(GET)
def test_projection_of_a_batch(tables: Tables) -> None:
    """A batch's projection holds for each of its items."""
    item = tables.put_chat(text=s("t"), version=n(2))
    asked = {
        "Keys": [tables.key_of(item)],
        "ProjectionExpression": "#v",
        "ExpressionAttributeNames": {"#v": "version"},
    }
    answer = tables.client.batch_get_item(RequestItems={tables.chats: asked})
    assert answer["Responses"][tables.chats] == [{"version": n(2)}]


@case(GET)
def test_100_keys(tables: Tables) -> None:
    """A batch has up to 100 keys; 101 are refused."""
    room = unique("room")
    with refused("ValidationException"):
        tables.client.batch_get_item(RequestItems={tables.chats: {"Keys": keys(room, 101)}})
    answer = tables.client.batch_get_item(RequestItems={tables.chats: {"Keys": keys(room, 100)}})
    assert answer["Responses"][tables.chats] == []


@case(GET)
def test_one_key_twice(tables: Tables) -> None:
    """One key twice in a batch is refused."""
    with refused("ValidationException"):
        tables.client.batch_get_item(
            RequestItems={tables.chats: {"Keys": keys(unique("room"), 1) * 2}}
        )


@case(GET)
def test_more_than_16_mb(tables: Tables) -> None:
    """An answer has up to 16 MB; the keys of the rest are in `UnprocessedKeys`."""
    room = unique("room")
    text = s("x" * 400_000)
    for seq in range(42):
        tables.put_chat(room, seq, text=text)
    asked = {tables.chats: {"Keys": keys(room, 42)}}
    answer = tables.client.batch_get_item(RequestItems=asked)
    found = answer["Responses"][tables.chats]
    assert 0 < len(found) < 42
    assert answer["UnprocessedKeys"][tables.chats]["Keys"]
    rest = tables.client.batch_get_item(RequestItems=answer["UnprocessedKeys"])
    assert rest["UnprocessedKeys"] == {}
    got = {int(item["seq"]["N"]) for item in found + rest["Responses"][tables.chats]}
    assert got == set(range(42))
