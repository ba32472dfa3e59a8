"""What calls of DynamoDB are charged: units that follow from the sizes of the items.

An update is taken to change nothing that an index has, as those of chats do (but for one in some
minutes: docs/decisions/0034-directory.md).
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from infra.cost import prices
from tests.support.tables import table_properties

Item = Mapping[str, Any]

#: On demand; the same Region for all benchmarks, so that their figures can be compared.
PRICES: Final = prices.load("us-east-1")
WRITE_BYTES: Final = 1024
READ_BYTES: Final = 4096


@dataclass(frozen=True)
class Call:
    """A call of DynamoDB, and its answer; None where it was refused."""

    operation: str
    arguments: dict[str, Any]
    answer: dict[str, Any] | None
    #: Until it came.
    seconds: float = 0.0


@dataclass(frozen=True)
class Units:
    """Write and read request units."""

    writes: float = 0.0
    reads: float = 0.0

    def __add__(self, other: Units) -> Units:
        return Units(self.writes + other.writes, self.reads + other.reads)

    @property
    def dollars_per_million(self) -> float:
        """Of a million times these."""
        each = self.writes * PRICES.each("dynamodb_write") + self.reads * PRICES.each(
            "dynamodb_read"
        )
        return each * 1e6


def total(calls: Iterable[Call]) -> Units:
    """What calls are charged together."""
    return sum(map(of, calls), Units())


def of(call: Call) -> Units:
    """What a call is charged."""
    return _OPERATIONS[call.operation](call.arguments, call.answer)


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Has this process's calls of DynamoDB noted, from here on until the end of the context.

    Only noted: to compute their units takes CPU that would be measured.
    """
    from chalicelib import dynamodb

    calls: list[Call] = []
    original = dynamodb.Client.call

    def call(client: Any, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer, began = None, time.monotonic()
        try:
            answer = original(client, operation, arguments)
            return answer
        finally:
            calls.append(Call(operation, arguments, answer, time.monotonic() - began))

    with patch.object(dynamodb.Client, "call", call):
        yield calls


def item_bytes(item: Item) -> int:
    """Size of an item as DynamoDB counts it."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    return _SIZES[kind](content)


_SIZES: Final[dict[str, Callable[[Any], int]]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda number: (len(number.strip("-")) + 1) // 2 + 1,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "M": lambda content: 3 + sum(1 + item_bytes({name: v}) for name, v in content.items()),
    "L": lambda values: 3 + sum(1 + _value_bytes(value) for value in values),
}


def _put(arguments: Mapping[str, Any], _: dict[str, Any] | None) -> Units:
    item = arguments["Item"]
    return Units(writes=_written(item) + _index_entries(arguments["TableName"], item))


def _delete(arguments: Mapping[str, Any], _: dict[str, Any] | None) -> Units:
    # Nothing that the app deletes is larger. Rooms go when nobody waits; the locks on their names
    # are in no index.
    is_room = arguments["TableName"].endswith("-rooms")
    return Units(writes=1 + (0 if is_room else len(_indexes(arguments["TableName"]))))


def _batch_write(arguments: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    found = Units()
    for table, requests in arguments["RequestItems"].items():
        for request in requests:
            ((kind, content),) = request.items()
            act = {"PutRequest": _put, "DeleteRequest": _delete}[kind]
            found += act({"TableName": table, **content}, answer)
    return found


def _transact_write(arguments: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    # Twice what the parts are alone, a check counting as a write.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
    found = Units()
    for part in arguments["TransactItems"]:
        ((kind, content),) = part.items()
        parts = {"Put": _put, "Delete": _delete, "Update": _update, "ConditionCheck": _update}
        found += parts[kind](content, answer)
    return Units(writes=2 * found.writes)


def _written(item: Item) -> int:
    return max(1, math.ceil(item_bytes(item) / WRITE_BYTES))


def _index_entries(table: str, item: Item) -> int:
    """An item is also in so many indexes, each entry being below 1 KB: those whose keys it has."""
    return sum(keys <= item.keys() for keys in _indexes(table))


def _indexes(table: str) -> list[set[str]]:
    return _INDEXES.get(table.rsplit("-", 1)[-1], [])


#: The keys of each index, as the template has them; tables that are not the app's have none.
_INDEXES: Final = {
    name: [
        {key["AttributeName"] for key in index["KeySchema"]}
        for index in properties.get("GlobalSecondaryIndexes", [])
    ]
    for name, properties in table_properties().items()
}


def _update(_: Mapping[str, Any], answer: dict[str, Any] | None) -> Units:
    # One that is refused is charged as well; the rows that chats update are below 1 KB.
    return Units(writes=_written(answer.get("Attributes", {}) if answer else {}))


def _get(arguments: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    return Units(reads=_read([(answer or {}).get("Item", {})], arguments))


def _batch_get(arguments: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    reads = 0.0
    for table, request in arguments["RequestItems"].items():
        items = (answer or {})["Responses"].get(table, [])
        # Those that are not there are charged as well.
        items = items + [{}] * (len(request["Keys"]) - len(items))
        reads += sum(_read([item], request) for item in items)
    return Units(reads=reads)


def _query(arguments: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    items = [*(answer or {}).get("Items", [])]
    if arguments.get("ProjectionExpression") == "connection_id, user_id":
        # The whole item is charged, and the audience is asked for in part.
        rest = {
            "room_id": arguments["ExpressionAttributeValues"][":room_id"],
            "expires_at": {"N": "1234567890"},
        }
        items = [{**item, **rest} for item in items]
    return Units(reads=_read(items, arguments))


def _read(items: Iterable[Item], request: Mapping[str, Any]) -> float:
    units = max(1, math.ceil(sum(map(item_bytes, items)) / READ_BYTES))
    return units if request.get("ConsistentRead") else units / 2


_OPERATIONS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any] | None], Units]]] = {
    "PutItem": _put,
    "UpdateItem": _update,
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "Query": _query,
    # Of items that have nothing but what is asked for, as the sample's connections.
    "Scan": lambda arguments, answer: Units(reads=_read((answer or {})["Items"], arguments)),
    "DeleteItem": _delete,
    "BatchWriteItem": _batch_write,
    "TransactWriteItems": _transact_write,
}
