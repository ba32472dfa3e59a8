"""Transactions."""

from __future__ import annotations

import itertools
import threading
from functools import partial
from typing import Any

from chalicelib import ids
from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import Json, Refusal, at_once, n, refused, s
from tests.support.site import unique

TRANSACTIONS = GUIDE + "transaction-apis.html"
WRITE = API + "API_TransactWriteItems.html"

#: How a write that met another one may be refused.
MAY_CONFLICT = {"None", "TransactionConflict"}


def put(tables: Tables, key: Json, **more: Json) -> Json:
    """An action: a put that must be the first."""
    return {
        "Put": {
            "TableName": tables.chats,
            "Item": key | more,
            "ConditionExpression": "attribute_not_exists(seq)",
        }
    }


def add(tables: Tables, key: Json, number: int, condition: str = "attribute_exists(seq)") -> Json:
    """An action: a number added to the version."""
    return {
        "Update": {
            "TableName": tables.chats,
            "Key": key,
            "UpdateExpression": "ADD version :n",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":n": n(number)},
        }
    }


def version(tables: Tables, key: Json) -> int:
    return int(tables.chat(key)["version"]["N"])


@case(WRITE)
def test_all_or_nothing(tables: Tables) -> None:
    """If one action is refused, none is done; each has its reason, `None` for the others."""
    there, new, counted = tables.put_chat(), tables.chat_key(), tables.put_chat(version=n(1))
    with refused("TransactionCanceledException") as refusal:
        tables.transact(
            put(tables, new),
            put(tables, tables.key_of(there)),
            add(tables, tables.key_of(counted), 1),
        )
    assert refusal.reasons == ["None", "ConditionalCheckFailed", "None"]
    assert tables.chat(new) == {}
    assert version(tables, tables.key_of(counted)) == 1
    tables.transact(put(tables, new), add(tables, tables.key_of(counted), 1))
    assert tables.chat(new) == new
    assert version(tables, tables.key_of(counted)) == 2


@case(API + "API_CancellationReason.html")
def test_the_item_comes_with_the_reason(tables: Tables) -> None:
    """With `ReturnValuesOnConditionCheckFailure=ALL_OLD` a reason has the item as it is."""
    there = tables.put_chat(text=s("mine"))
    action = put(tables, tables.key_of(there))
    action["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    with refused("TransactionCanceledException") as refusal:
        tables.transact(put(tables, tables.chat_key()), action)
    first, second = refusal.body["CancellationReasons"]
    assert "Item" not in first
    assert second["Item"] == there


@case(WRITE)
def test_checks_and_deletes(tables: Tables) -> None:
    """A ConditionCheck writes nothing and can refuse; a Delete has a condition, too."""
    checked, gone = tables.put_chat(kind=s("chat")), tables.put_chat()

    def actions(kind: str) -> list[Json]:
        check = {
            "TableName": tables.chats,
            "Key": tables.key_of(checked),
            "ConditionExpression": "kind = :k",
            "ExpressionAttributeValues": {":k": s(kind)},
        }
        delete = {
            "TableName": tables.chats,
            "Key": tables.key_of(gone),
            "ConditionExpression": "attribute_exists(seq)",
        }
        return [{"ConditionCheck": check}, {"Delete": delete}]

    with refused("TransactionCanceledException") as refusal:
        tables.transact(*actions("void"))
    assert refusal.reasons == ["ConditionalCheckFailed", "None"]
    assert tables.chat(tables.key_of(gone)) == gone
    tables.transact(*actions("chat"))
    assert tables.chat(tables.key_of(gone)) == {}
    assert tables.chat(tables.key_of(checked)) == checked


@case(TRANSACTIONS)
def test_tables_together(tables: Tables) -> None:
    """A transaction is one over several tables."""
    there, user = tables.put_chat(), unique("user")
    member = {"user_id": s(user), "room_id": s("r")}
    action = {"Put": {"TableName": tables.members, "Item": member}}
    with refused("TransactionCanceledException"):
        tables.transact(action, put(tables, tables.key_of(there)))
    get = partial(tables.client.get_item, TableName=tables.members, Key=member, ConsistentRead=True)
    assert "Item" not in get()
    tables.transact(action, put(tables, tables.chat_key()))
    assert get()["Item"] == member


@case(WRITE)
def test_a_token_makes_it_once(tables: Tables) -> None:
    """Repeated with the same `ClientRequestToken`, a transaction is done once."""
    key = tables.key_of(tables.put_chat(version=n(1)))
    token = ids.new_id()
    for _ in range(3):
        tables.transact(add(tables, key, 1), ClientRequestToken=token)
    assert version(tables, key) == 2


@case(WRITE)
def test_a_token_belongs_to_one_transaction(tables: Tables) -> None:
    """The same token with other actions is refused."""
    key = tables.key_of(tables.put_chat(version=n(1)))
    token = ids.new_id()
    tables.transact(add(tables, key, 1), ClientRequestToken=token)
    with refused("IdempotentParameterMismatchException"):
        tables.transact(add(tables, key, 2), ClientRequestToken=token)
    assert version(tables, key) == 2


@case(WRITE)
def test_one_item_twice_is_refused(tables: Tables) -> None:
    """Two actions on one item are refused, also if one is a check."""
    key = tables.key_of(tables.put_chat(version=n(1)))
    with refused("ValidationException"):
        tables.transact(add(tables, key, 1), add(tables, key, 2))
    check = {"TableName": tables.chats, "Key": key, "ConditionExpression": "attribute_exists(seq)"}
    with refused("ValidationException"):
        tables.transact(add(tables, key, 1), {"ConditionCheck": check})


@case(WRITE)
def test_a_hundred_actions(tables: Tables) -> None:
    """A transaction has up to 100 actions; 101 are refused."""
    room = unique("room")
    keys = [{"room_id": s(room), "seq": n(seq)} for seq in range(101)]
    with refused("ValidationException"):
        tables.transact(*(put(tables, key) for key in keys))
    tables.transact(*(put(tables, key) for key in keys[:100]))
    assert tables.count(room) == 100


@case(WRITE)
def test_an_invalid_action_undoes_the_others(tables: Tables) -> None:
    """An action that its item does not allow has the reason `ValidationError`; none is done."""
    new, text = tables.chat_key(), tables.put_chat(version=s("text"))
    with refused("TransactionCanceledException") as refusal:
        tables.transact(put(tables, new), add(tables, tables.key_of(text), 1))
    assert refusal.reasons == ["None", "ValidationError"]
    assert tables.chat(new) == {}


@case(TRANSACTIONS)
def test_transactions_at_once_are_one_after_another(tables: Tables) -> None:
    """Of transactions at the same moment on the same items, each is done whole or refused."""
    here = tables.key_of(tables.put_chat(version=n(0)))
    there = tables.key_of(tables.put_chat(version=n(0)))
    done = itertools.count()

    def move(sign: int) -> None:
        for _ in range(6):
            told = attempt(tables, add(tables, here, sign), add(tables, there, -sign))
            if told is None:
                next(done)
            else:
                assert set(told.reasons) <= MAY_CONFLICT

    assert at_once([partial(move, 1)] * 6) == [None] * 6
    moved = next(done)
    assert moved > 0
    assert (version(tables, here), version(tables, there)) == (moved, -moved)


@case(TRANSACTIONS)
def test_plain_writes_at_once_are_kept(tables: Tables) -> None:
    """A plain write that meets a transaction is refused, or done and not undone with it."""
    counted = tables.key_of(tables.put_chat(version=n(0)))
    there = tables.key_of(tables.put_chat())
    bystander = tables.key_of(tables.put_chat(version=n(0)))
    done, beside = itertools.count(), itertools.count()
    over = threading.Event()

    def fail() -> None:
        while not over.is_set():
            told = attempt(tables, add(tables, counted, 1000), put(tables, there))
            assert told is not None
            assert set(told.reasons) <= MAY_CONFLICT | {"ConditionalCheckFailed"}

    def write() -> None:
        try:
            for _ in range(25):
                told = plain(tables, counted)
                if told is None:
                    next(done)
                else:
                    assert told.code == "TransactionConflictException"
                assert plain(tables, bystander) is None
                next(beside)
        finally:
            over.set()

    assert at_once([fail, fail, write, write, write]) == [None] * 5
    assert version(tables, counted) == next(done)
    assert version(tables, bystander) == next(beside)


@case(TRANSACTIONS)
def test_readers_see_no_half(tables: Tables) -> None:
    """TransactGetItems sees all writes of a transaction or none, or is refused."""
    here = tables.key_of(tables.put_chat(version=n(0)))
    there = tables.key_of(tables.put_chat(version=n(0)))
    over = threading.Event()

    def write() -> None:
        try:
            for _ in range(15):
                attempt(tables, add(tables, here, 1), add(tables, there, 1))
        finally:
            over.set()

    def read() -> None:
        gets = [{"Get": {"TableName": tables.chats, "Key": key}} for key in (here, there)]
        while not over.is_set():
            told = at_once([lambda: compare(tables.client.transact_get_items(TransactItems=gets))])
            assert told[0] is None or set(told[0].reasons) <= MAY_CONFLICT

    def compare(answer: Any) -> None:
        first, second = (each["Item"]["version"] for each in answer["Responses"])
        assert first == second

    assert at_once([write, read, read]) == [None] * 3


def attempt(tables: Tables, *actions: Json) -> Refusal | None:
    """A transaction that may be refused."""
    return at_once([lambda: tables.transact(*actions)])[0]


def plain(tables: Tables, key: Json) -> Refusal | None:
    """An increment that may be refused."""
    return at_once([lambda: tables.update(key, "ADD version :n", {":n": n(1)})])[0]
