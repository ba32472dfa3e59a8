"""Sizes and values."""

from __future__ import annotations

from typing import Any

from tests.integration.conformance.case import GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import n, refused, s
from tests.support.site import unique

LIMITS = GUIDE + "Constraints.html"
ITEMS = LIMITS + "#limits-items"
TYPES = GUIDE + "HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes"
RESERVED = GUIDE + "ReservedWords.html"

ITEM_BYTES_MAX = 400 * 1024


def text_of_item(room: str, item_bytes: int) -> str:
    """A text that makes an item this large: names and values count, in UTF-8.

    Args:
        room: the item's partition key; its sort key is 1, of two bytes.
    """
    return "x" * (item_bytes - len("room_id" + room + "seq" + "text") - 2)


@case(ITEMS)
def test_an_item_of_400_kb(tables: Tables) -> None:
    """An item has up to 400 KB, names included."""
    room = unique("room")
    tables.put_chat(room, 1, text=s(text_of_item(room, ITEM_BYTES_MAX)))
    with refused("ValidationException"):
        tables.put_chat(room, 1, text=s(text_of_item(room, ITEM_BYTES_MAX) + "xx"))


@case(ITEMS)
def test_characters_count_in_utf_8(tables: Tables) -> None:
    """A character counts with its bytes in UTF-8."""
    with refused("ValidationException"):
        tables.put_chat(text=s("가" * (ITEM_BYTES_MAX // 3)))
    tables.put_chat(text=s("가" * (ITEM_BYTES_MAX // 3 - 100)))


@case(ITEMS)
def test_an_update_must_fit(tables: Tables) -> None:
    """An update that makes an item larger than 400 KB is refused and changes nothing."""
    item = tables.put_chat(text=s("x" * 300_000))
    key = tables.key_of(item)
    with refused("ValidationException"):
        tables.update(key, "SET cid = :x", {":x": s("x" * 200_000)})
    assert tables.chat(key) == item


@case(LIMITS + "#limits-partition-sort-keys")
def test_keys_have_a_length(tables: Tables) -> None:
    """A partition key has up to 2,048 bytes, a sort key up to 1,024."""
    user = unique("user")
    tables.put_session(unique("session").ljust(2048, "x"))
    tables.put_member(user, "x" * 1024)
    assert tables.query_members(user)["Count"] == 1
    with refused("ValidationException"):
        tables.put_session("x" * 2049)
    with refused("ValidationException"):
        tables.put_member(user, "x" * 1025)


@case(LIMITS + "#limits-partition-sort-keys")
def test_index_keys_have_a_length(tables: Tables) -> None:
    """Keys of an index have the same lengths."""
    tables.put_session(unique("session"), user_id=s(unique("user").ljust(2048, "x")))
    tables.put_member(unique("user").ljust(1024, "x"), unique("room"))
    with refused("ValidationException"):
        tables.put_member(unique("user").ljust(1025, "x"), unique("room"))
    with refused("ValidationException"):
        tables.put_session(unique("session"), user_id=s("x" * 2049))


@case(TYPES)
def test_keys_are_not_empty(tables: Tables) -> None:
    """Keys cannot be empty strings."""
    for user_id, room_id in (("", "r"), (unique("user"), "")):
        with refused("ValidationException"):
            tables.put_member(user_id, room_id)


@case(TYPES)
def test_index_keys_are_not_empty(tables: Tables) -> None:
    """Keys of indexes cannot be empty strings."""
    with refused("ValidationException"):
        tables.put_session(unique("session"), user_id=s(""))


@case(TYPES)
def test_other_texts_may_be_empty(tables: Tables) -> None:
    """Strings, binaries, lists and maps that are no keys may be empty."""
    empty: Any = {"text": s(""), "blob": {"B": b""}, "lost": {"L": []}, "preview": {"M": {}}}
    item = tables.put_chat(**empty)
    assert tables.chat(tables.key_of(item)) == item


@case(TYPES)
def test_sets_are_not_empty(tables: Tables) -> None:
    """Sets cannot be empty."""
    with refused("ValidationException"):
        tables.put_chat(reactions={"SS": []})


@case(TYPES)
def test_sets_have_no_duplicates(tables: Tables) -> None:
    """A set with an element twice is refused."""
    with refused("ValidationException"):
        tables.put_chat(reactions={"SS": ["a", "a"]})


@case(TYPES)
def test_types_are_kept(tables: Tables) -> None:
    """Strings, booleans, nulls and nested maps come back as they were written."""
    inside = {"a": {"L": [n(1), s("2"), {"M": {"b": {"NULL": True}}}]}, "c": {"BOOL": False}}
    item = tables.put_chat(preview={"M": inside}, text=s('\x00\n"\\ 가 😀 \u2028'))
    assert tables.chat(tables.key_of(item)) == item


@case(RESERVED)
def test_reserved_words_need_a_name(tables: Tables) -> None:
    """A reserved word in an expression is refused, whatever its case; as a `#name` it is not."""
    for word in ("text", "role", "name", "TTL", "Connection", "user"):
        key = tables.key_of(tables.put_chat())
        update: Any = {"TableName": tables.chats, "Key": key}
        update["ExpressionAttributeValues"] = {":n": n(1)}
        with refused("ValidationException") as refusal:
            tables.client.update_item(**update, UpdateExpression=f"SET {word} = :n")
        assert word in refusal.message
        tables.client.update_item(
            **update, UpdateExpression="SET #w = :n", ExpressionAttributeNames={"#w": word}
        )
        assert tables.chat(key)[word] == n(1)


@case(GUIDE + "Expressions.ExpressionAttributeValues.html")
def test_values_are_all_used_and_all_given(tables: Tables) -> None:
    """A value or name that no expression uses is refused, as is one that is used and not given."""
    key = tables.key_of(tables.put_chat())
    with refused("ValidationException"):
        tables.update(key, "SET version = :n", {":n": n(1), ":m": n(2)})
    with refused("ValidationException"):
        tables.update(key, "SET version = :n, target = :m", {":n": n(1)})
    with refused("ValidationException"):
        tables.update(key, "SET #x = :n", {":n": n(1)})


@case(GUIDE + "Expressions.UpdateExpressions.html")
def test_a_broken_expression(tables: Tables) -> None:
    """An expression that cannot be read is refused."""
    key = tables.key_of(tables.put_chat())
    for broken in ("SET version + :n", "version = :n", "SET version = :n,", "SET version = (:n"):
        with refused("ValidationException"):
            tables.update(key, broken, {":n": n(1)})
