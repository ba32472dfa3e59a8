"""What calls of DynamoDB are charged: units that follow from the sizes of the items.

Knows what the commands about chats do; whoever measures others must add their operations. Writes
to indexes are not counted, as those commands change nothing that an index has.
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

Item = Mapping[str, Any]

#: us-east-1, on demand, November 2026.
DOLLARS_PER_MILLION_WRU: Final = 0.625
DOLLARS_PER_MILLION_RRU: Final = 0.125
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
        return self.writes * DOLLARS_PER_MILLION_WRU + self.reads * DOLLARS_PER_MILLION_RRU


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


def _put(arguments: dict[str, Any], _: dict[str, Any] | None) -> Units:
    return Units(writes=math.ceil(item_bytes(arguments["Item"]) / WRITE_BYTES))


def _update(_: dict[str, Any], answer: dict[str, Any] | None) -> Units:
    # One that is refused is charged as well; the rows that chats update are below 1 KB.
    item = answer.get("Attributes", {}) if answer else {}
    return Units(writes=max(1, math.ceil(item_bytes(item) / WRITE_BYTES)))


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
    if "ProjectionExpression" in arguments:
        # The whole item is charged. Only the audience is asked for in part.
        assert arguments["ProjectionExpression"] == "connection_id, user_id"
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
    "DeleteItem": lambda _arguments, _answer: Units(writes=1),
}
