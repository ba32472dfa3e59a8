"""Queries, pages and indexes."""

from __future__ import annotations

from functools import partial

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import Json, items, n, pages, refused, s
from tests.support.site import unique

QUERY = API + "API_Query.html"
PAGES = GUIDE + "Query.Pagination.html"
INDEXES = GUIDE + "GSI.html"

#: Beside each other as texts, apart as numbers.
SEQS = (-3, 0, 2, 9, 10, 11, 99, 100, 101, 1000)


def log(tables: Tables) -> str:
    """A room with entries at SEQS, written in another order."""
    room = unique("room")
    for seq in sorted(SEQS, key=str):
        tables.put_chat(room, seq)
    return room


def seqs(answer: Json) -> list[int]:
    return [int(item["seq"]["N"]) for item in answer["Items"]]


@case(QUERY)
def test_items_come_in_the_order_of_the_sort_key(tables: Tables) -> None:
    """Items come by their sort key, numbers by value; with `ScanIndexForward=False` backwards."""
    room = log(tables)
    assert seqs(tables.query(room)) == list(SEQS)
    assert seqs(tables.query(room, ScanIndexForward=False)) == list(reversed(SEQS))


@case(QUERY)
def test_texts_are_in_the_order_of_their_bytes(tables: Tables) -> None:
    """String sort keys are in the order of their bytes in UTF-8."""
    user = unique("user")
    names = ["", "A", "Z", "a", "가", "나", "\uffee", "😀"]
    for name in reversed(names):
        tables.put_member(user, f"r{name}")
    found = tables.query_members(user)["Items"]
    assert [item["room_id"]["S"] for item in found] == [f"r{name}" for name in names]


@case(GUIDE + "Query.KeyConditionExpressions.html")
def test_between_has_both_ends(tables: Tables) -> None:
    """`BETWEEN` has both ends, by value."""
    room = log(tables)
    found = tables.query(room, "seq BETWEEN :a AND :b", {":a": n(2), ":b": n(100)})
    assert seqs(found) == [2, 9, 10, 11, 99, 100]
    assert seqs(tables.query(room, "seq BETWEEN :a AND :b", {":a": n(12), ":b": n(98)})) == []


@case(GUIDE + "Query.KeyConditionExpressions.html")
def test_between_the_wrong_way_round(tables: Tables) -> None:
    """`BETWEEN` with an upper end below the lower one is refused."""
    with refused("ValidationException"):
        tables.query(unique("room"), "seq BETWEEN :a AND :b", {":a": n(3), ":b": n(2)})


@case(QUERY)
def test_the_nearest_item(tables: Tables) -> None:
    """With `Limit=1` the next item at or after a key comes; backwards the last at or before it."""
    room = log(tables)
    nearest = partial(tables.query, room, Limit=1)
    at = {":a": n(12)}
    assert seqs(nearest("seq >= :a", at)) == [99]
    assert seqs(nearest("seq <= :a", at, ScanIndexForward=False)) == [11]
    assert seqs(nearest("seq >= :a", {":a": n(99)})) == [99]
    assert seqs(nearest("seq > :a", {":a": n(1000)})) == []


@case(PAGES)
def test_pages_have_all_items_once(tables: Tables) -> None:
    """Pages by `Limit` and `ExclusiveStartKey` have every item once, in both directions."""
    room = log(tables)
    for limit in (1, 3, 10):
        for forward in (True, False):
            call = partial(tables.query, room, Limit=limit, ScanIndexForward=forward)
            answers = pages(call)
            assert all(len(answer["Items"]) <= limit for answer in answers)
            found = [seq for answer in answers for seq in seqs(answer)]
            assert found == (list(SEQS) if forward else list(reversed(SEQS)))


@case(QUERY)
def test_a_full_page_tells_where_it_ends(tables: Tables) -> None:
    """A page that is full by its `Limit` tells its last item's key; another one does not."""
    room = log(tables)
    full = tables.query(room, Limit=4)
    assert full.get("LastEvaluatedKey") == {"room_id": s(room), "seq": n(9)}
    assert tables.query(room, Limit=len(SEQS)).get("LastEvaluatedKey") is not None
    assert "LastEvaluatedKey" not in tables.query(room, Limit=len(SEQS) + 1)
    assert "LastEvaluatedKey" not in tables.query(room)


@case(PAGES)
def test_a_page_has_a_megabyte(tables: Tables) -> None:
    """A page ends at 1 MB, whatever its `Limit`, and the next one goes on."""
    room = unique("room")
    for seq in range(8):
        tables.put_chat(room, seq, text=s("x" * 300_000))
    first = tables.query(room, Limit=8)
    assert seqs(first) in ([0, 1, 2], [0, 1, 2, 3])
    assert [seq for answer in pages(partial(tables.query, room)) for seq in seqs(answer)] == list(
        range(8)
    )


@case(PAGES)
def test_what_is_projected_does_not_matter_for_the_page(tables: Tables) -> None:
    """A page's 1 MB is of whole items, also where a projection returns little of them."""
    room = unique("room")
    for seq in range(5):
        tables.put_chat(room, seq, text=s("x" * 300_000))
    answer = tables.query(room, ProjectionExpression="seq")
    assert answer["Items"][0] == {"seq": n(0)}
    assert "LastEvaluatedKey" in answer


@case(QUERY)
def test_a_start_beside_the_items(tables: Tables) -> None:
    """An `ExclusiveStartKey` need not be there: the page begins after its place."""
    room = log(tables)
    after = {"room_id": s(room), "seq": n(50)}
    assert seqs(tables.query(room, ExclusiveStartKey=after)) == [99, 100, 101, 1000]


@case(QUERY)
def test_nothing_is_an_empty_page(tables: Tables) -> None:
    """A partition without items answers with an empty page."""
    answer = tables.query(unique("room"))
    assert (answer["Items"], answer["Count"], "LastEvaluatedKey" in answer) == ([], 0, False)


@case(GUIDE + "Expressions.ProjectionExpressions.html")
def test_only_what_is_asked_for_comes(tables: Tables) -> None:
    """A projection returns the attributes that it names and the item has."""
    item = tables.put_chat(text=s("t"), user_id=s("u"))
    key = tables.key_of(item)
    answer = tables.client.get_item(
        TableName=tables.chats,
        Key=key,
        ProjectionExpression="#t, seq, edited_at",
        ExpressionAttributeNames={"#t": "text"},
    )
    assert answer["Item"] == {"text": s("t"), "seq": item["seq"]}


@case(GUIDE + "HowItWorks.ReadConsistency.html")
def test_a_consistent_read_sees_the_last_write(tables: Tables) -> None:
    """A consistent read has what was written before it, by key and by query."""
    room = unique("room")
    for seq in range(20):
        tables.put_chat(room, seq)
        assert tables.chat({"room_id": s(room), "seq": n(seq)}) != {}
        assert len(tables.query(room, ConsistentRead=True)["Items"]) == seq + 1


@case(INDEXES)
def test_an_index_has_its_projection(tables: Tables) -> None:
    """An index returns its keys, the table's keys and what it includes, and nothing else."""
    room = unique("room")
    tables.put_member("u1", room, role=s("host"), joined_at=n(1), read_seq=n(5))
    item = tables.eventually(lambda: tables.query_by_room(room)["Items"])[0]
    assert item == {"user_id": s("u1"), "room_id": s(room), "role": s("host"), "joined_at": n(1)}


@case(INDEXES)
def test_an_index_of_keys_only(tables: Tables) -> None:
    """An index with `KEYS_ONLY` returns keys."""
    user, session = unique("user"), unique("session")
    tables.put_session(session, user_id=s(user), expires_at=n(1))
    found = tables.eventually(lambda: tables.query_by_user(user)["Items"])
    assert found == [{"user_id": s(user), "session_id": s(session)}]


@case(INDEXES)
def test_an_index_is_sparse(tables: Tables) -> None:
    """An item without the index's key is not in it, and leaves it when it loses the key."""
    user, session = unique("user"), unique("session")
    tables.put_session(unique("session"), expires_at=n(1))
    tables.put_session(session, user_id=s(user))
    tables.eventually(lambda: tables.query_by_user(user)["Items"])
    tables.client.update_item(
        TableName=tables.sessions,
        Key={"session_id": s(session)},
        UpdateExpression="REMOVE user_id",
    )
    tables.eventually(lambda: not tables.query_by_user(user)["Items"])


@case(INDEXES)
def test_an_item_moves_in_its_index(tables: Tables) -> None:
    """When an item's index key changes, it is under the new one only."""
    before, after, session = unique("user"), unique("user"), unique("session")
    tables.put_session(session, user_id=s(before))
    tables.put_session(session, user_id=s(after))
    tables.eventually(lambda: tables.query_by_user(after)["Items"])
    tables.eventually(lambda: not tables.query_by_user(before)["Items"])


@case(INDEXES)
def test_no_consistent_read_of_an_index(tables: Tables) -> None:
    """A consistent read of a global index is refused."""
    with refused("ValidationException"):
        tables.query_by_room(unique("room"), ConsistentRead=True)


@case(PAGES)
def test_pages_of_an_index(tables: Tables) -> None:
    """Pages of an index have every item once, also where all have the same index key."""
    user = unique("user")
    sessions = {unique("session") for _ in range(7)}
    for session in sessions:
        tables.put_session(session, user_id=s(user))
    tables.eventually(lambda: len(tables.query_by_user(user)["Items"]) == 7)
    answers = pages(partial(tables.query_by_user, user, Limit=3))
    assert sorted(item["session_id"]["S"] for item in items(answers)) == sorted(sessions)
    assert answers[0]["LastEvaluatedKey"].keys() == {"user_id", "session_id"}


@case(INDEXES)
def test_an_index_key_has_its_type(tables: Tables) -> None:
    """An item whose index key has the wrong type is refused."""
    with refused("ValidationException"):
        tables.put_session(unique("session"), user_id=n(7))
