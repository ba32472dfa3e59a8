"""Conditional writes."""

from __future__ import annotations

from functools import partial

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import at_once, n, numbers, refused, s, ss

CONDITIONS = GUIDE + "Expressions.ConditionExpressions.html"
OPERATORS = GUIDE + "Expressions.OperatorsAndFunctions.html"


@case(CONDITIONS)
def test_attribute_not_exists_keeps_what_is_there(tables: Tables) -> None:
    """A put with `attribute_not_exists(key)` is done once; the next is refused."""
    put = partial(
        tables.client.put_item,
        TableName=tables.chats,
        ConditionExpression="attribute_not_exists(seq)",
    )
    key = tables.chat_key()
    put(Item=key | {"text": s("first")})
    with refused("ConditionalCheckFailedException"):
        put(Item=key | {"text": s("second")})
    assert tables.chat(key)["text"] == s("first")


@case(CONDITIONS)
def test_of_many_at_once_one_wins(tables: Tables) -> None:
    """Of conditional puts at the same moment, one is done and all others are refused."""
    key = tables.chat_key()

    def put(number: int) -> None:
        tables.client.put_item(
            TableName=tables.chats,
            Item=key | {"text": s(str(number))},
            ConditionExpression="attribute_not_exists(seq)",
        )

    refusals = at_once([partial(put, number) for number in range(8)])
    winners = [number for number, refusal in enumerate(refusals) if refusal is None]
    assert len(winners) == 1
    assert {told.code for told in refusals if told} == {"ConditionalCheckFailedException"}
    assert tables.chat(key)["text"] == s(str(winners[0]))


@case(API + "API_UpdateItem.html")
def test_a_refused_update_makes_no_item(tables: Tables) -> None:
    """An update of a missing item with `attribute_exists` is refused and creates none."""
    key = tables.chat_key()
    with refused("ConditionalCheckFailedException"):
        tables.update(key, "SET #t = :t", {":t": s("x")}, "attribute_exists(seq)")
    assert tables.chat(key) == {}


@case(API + "API_DeleteItem.html")
def test_deleting_nothing(tables: Tables) -> None:
    """Deleting a missing item succeeds; with a condition that it must meet, it is refused."""
    key = tables.chat_key()
    tables.client.delete_item(TableName=tables.chats, Key=key)
    with refused("ConditionalCheckFailedException"):
        tables.client.delete_item(
            TableName=tables.chats, Key=key, ConditionExpression="attribute_exists(seq)"
        )


@case(API + "API_UpdateItem.html#DDB-UpdateItem-request-ReturnValuesOnConditionCheckFailure")
def test_the_item_comes_with_the_refusal(tables: Tables) -> None:
    """With `ReturnValuesOnConditionCheckFailure=ALL_OLD` the error has the item as it is."""
    item = tables.put_chat(version=n(3))
    with refused("ConditionalCheckFailedException") as refusal:
        tables.client.update_item(
            TableName=tables.chats,
            Key=tables.key_of(item),
            UpdateExpression="ADD version :one",
            ConditionExpression="version = :one",
            ExpressionAttributeValues={":one": n(1)},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refusal.body.get("Item") == item


@case(API + "API_UpdateItem.html#DDB-UpdateItem-request-ReturnValuesOnConditionCheckFailure")
def test_no_item_comes_unasked(tables: Tables) -> None:
    """Without it the error has no item."""
    item = tables.put_chat(version=n(3))
    with refused("ConditionalCheckFailedException") as refusal:
        tables.update(tables.key_of(item), "ADD version :one", {":one": n(1)}, "version = :one")
    assert "Item" not in refusal.body


@case(OPERATORS)
def test_not_begins_with_holds_where_the_attribute_is_missing(tables: Tables) -> None:
    """`begins_with` is false for a missing attribute, so `NOT begins_with` is true."""
    item = tables.put_chat(cid=s("abc:1"))
    key = tables.key_of(item)
    one = {":one": n(1)}
    with refused("ConditionalCheckFailedException"):
        tables.update(key, "ADD version :one", one | {":p": s("abc:")}, "NOT begins_with(cid, :p)")
    tables.update(key, "ADD version :one", one | {":p": s("abd:")}, "NOT begins_with(cid, :p)")
    tables.update(key, "ADD version :one", one | {":p": s("abc:")}, "NOT begins_with(target, :p)")
    with refused("ConditionalCheckFailedException"):
        tables.update(key, "ADD version :one", one | {":p": s("abc:")}, "begins_with(target, :p)")
    assert tables.chat(key)["version"] == n(2)


@case(OPERATORS)
def test_comparing_a_missing_attribute_is_false(tables: Tables) -> None:
    """`<`, `=` and `>=` with a missing attribute do not hold."""
    key = tables.key_of(tables.put_chat())
    for comparison in ("target < :five", "target = :five", "target >= :five"):
        with refused("ConditionalCheckFailedException"):
            tables.update(key, "SET version = :five", {":five": n(5)}, comparison)


@case(OPERATORS)
def test_comparing_other_types_is_false(tables: Tables) -> None:
    """A string is neither smaller nor greater than a number, nor equal to it, but different."""
    key = tables.key_of(tables.put_chat(version=s("5")))
    for comparison in ("version < :n", "version > :n", "version = :n"):
        with refused("ConditionalCheckFailedException"):
            tables.update(key, "SET target = :n", {":n": n(5)}, comparison)
    tables.update(key, "SET target = :n", {":n": n(5)}, "version <> :n")


@case(OPERATORS)
def test_numbers_compare_by_value(tables: Tables) -> None:
    """Numbers compare by value: 9 is smaller than 10, and 1.0 equals 1."""
    key = tables.key_of(tables.put_chat(version=n(9)))
    tables.update(key, "SET version = :n", {":n": n(10)}, "version < :n")
    tables.update(key, "SET target = :n", {":n": n(1)}, "version = :v", {":v": n("10.0")})


@case(OPERATORS)
def test_lists_are_equal_element_by_element(tables: Tables) -> None:
    """Lists are equal when they have the same elements in the same order."""
    key = tables.key_of(tables.put_chat(lost=numbers(3, 5)))
    for other in (numbers(5, 3), numbers(3), numbers(), numbers(3, 5, 7)):
        with refused("ConditionalCheckFailedException"):
            tables.update(key, "SET target = :o", {":o": other}, "lost = :o")
    tables.update(key, "SET lost = :new", {":new": numbers(7)}, "lost = :o", {":o": numbers(3, 5)})
    assert tables.chat(key)["lost"] == numbers(7)


@case(OPERATORS)
def test_sets_are_equal_in_any_order(tables: Tables) -> None:
    """Sets are equal when they have the same elements, in whatever order they come."""
    key = tables.key_of(tables.put_chat(reactions=ss("b", "a")))
    tables.update(key, "SET version = :n", {":n": n(1)}, "reactions = :o", {":o": ss("a", "b")})


@case(OPERATORS)
def test_size_counts(tables: Tables) -> None:
    """`size` is the length of a string, or the number of elements of a set or list."""
    item = tables.put_chat(text=s("six678"), reactions=ss("a", "b", "c"), lost=numbers(1, 2))
    key = tables.key_of(item)
    for attribute, size in {"#t": 6, "reactions": 3, "lost": 2}.items():
        with refused("ConditionalCheckFailedException"):
            tables.update(key, "SET version = :n", {":n": n(size)}, f"size({attribute}) < :n")
        tables.update(key, "SET version = :n", {":n": n(size + 1)}, f"size({attribute}) < :n")


@case(OPERATORS)
def test_size_of_nothing(tables: Tables) -> None:
    """A condition on the `size` of a missing attribute does not hold."""
    key = tables.key_of(tables.put_chat())
    with refused("ConditionalCheckFailedException"):
        tables.update(
            key, "ADD reactions :r", {":r": ss("a")}, "size(reactions) < :n", {":n": n(9)}
        )
    tables.update(
        key,
        "ADD reactions :r",
        {":r": ss("a")},
        "attribute_not_exists(reactions) OR size(reactions) < :n",
        {":n": n(9)},
    )


@case(OPERATORS)
def test_and_binds_before_or(tables: Tables) -> None:
    """NOT binds before AND, AND before OR; parentheses before all."""
    key = tables.key_of(tables.put_chat(version=n(1)))
    one, two = {":one": n(1)}, {":two": n(2)}
    holds = "version = :one OR version = :two AND version = :two"
    tables.update(key, "SET target = :one", one, holds, two)
    with refused("ConditionalCheckFailedException"):
        tables.update(
            key,
            "SET target = :one",
            one,
            "(version = :one OR version = :two) AND version = :two",
            two,
        )
    with refused("ConditionalCheckFailedException"):
        tables.update(
            key, "SET target = :one", one, "NOT version = :one AND attribute_exists(version)"
        )
