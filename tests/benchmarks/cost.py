"""What a chat costs in DynamoDB: ours, and a Scan of all connections for every chat.

The peer is the way of AWS's sample simple-websockets-chat-app: connections in one table,
scanned for each message. Calls are counted at the client; units follow from the sizes of the
items that are read and written, as DynamoDB charges them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Final

import boto3

from tests.conftest import DEFAULTS
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack

#: Connections that are live, and how many of them are in the room.
ONLINE: Final = 1000
LISTENERS: Final = 10
#: us-east-1, on demand, November 2026.
DOLLARS_PER_MILLION_WRU: Final = 0.625
DOLLARS_PER_MILLION_RRU: Final = 0.125


@dataclass(frozen=True)
class Cost:
    """Of one chat."""

    calls: int
    writes: float
    reads: float

    @property
    def dollars_per_million(self) -> float:
        """Of a million such chats."""
        writes = self.writes * DOLLARS_PER_MILLION_WRU
        return round(writes + self.reads * DOLLARS_PER_MILLION_RRU, 3)


def measure(stack: LocalStack) -> tuple[Cost, Cost]:
    """Ours and the peer's, side by side on one emulator."""
    management = ManagementServer()
    os.environ.update(DEFAULTS | stack.environment)
    os.environ.update(MANAGEMENT_ENDPOINT=management.url, AWS_ENDPOINT_URL_LAMBDA=management.url)
    site = HandlerSite(stack.ready["origin"], stack.ready["kakao"], management)
    try:
        return _ours(site), _peer(stack)
    finally:
        management.stop()


def _ours(site: HandlerSite) -> Cost:
    from chalicelib import metering

    people = [new_person(site).chat() for _ in range(LISTENERS)]
    room_id = people[0].ask("room.open", name=unique("bench"))["room"]["room_id"]
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    people[0].ask("chat.send", room_id=room_id, text="안녕하세요! " * 5, cid=unique("cid"))
    calls = dict(metering.dynamodb_calls)
    prefix = os.environ["TABLE_PREFIX"]
    caller = people[0].transport.connection_id
    connection = _get(prefix + "connections", {"connection_id": {"S": caller}})
    user_id = connection["user_id"]
    member = _get(prefix + "members", {"user_id": user_id, "room_id": {"S": room_id}})
    room = _get(prefix + "rooms", {"room_id": {"S": room_id}})
    entry = _get(prefix + "chats", {"room_id": {"S": room_id}, "seq": room["last_seq"]})
    audience = _client().query(
        TableName=prefix + "subscriptions",
        KeyConditionExpression="room_id = :room",
        ExpressionAttributeValues={":room": {"S": room_id}},
    )["Items"]
    assert len(audience) == LISTENERS
    heard = math.ceil(sum(map(_bytes, audience)) / 4096)
    return Cost(
        calls=sum(calls.values()),
        writes=math.ceil(_bytes(room) / 1024) + math.ceil(_bytes(entry) / 1024),
        reads=math.ceil(_bytes(connection) / 4096) + math.ceil(_bytes(member) / 4096) + heard,
    )


def _peer(stack: LocalStack) -> Cost:
    client, table = _client(), "simple-websockets-chat-app"
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "connectionId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
    )
    for number in range(ONLINE):
        client.put_item(
            TableName=table, Item={"connectionId": {"S": f"L0SM9cOFvHcCIhw={number:04}"}}
        )
    calls, reads = 0, 0.0
    start: dict[str, Any] = {}
    while True:
        page = client.scan(TableName=table, ProjectionExpression="connectionId", **start)
        calls += 1
        # Charged by what is read, in halves of a unit as a Scan is eventually consistent.
        reads += math.ceil(sum(map(_bytes, page["Items"])) / 4096) / 2
        if "LastEvaluatedKey" not in page:
            return Cost(calls=calls, writes=0, reads=reads)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _client() -> Any:
    return boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def _get(table: str, key: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = _client().get_item(TableName=table, Key=key)["Item"]
    return item


def _bytes(value: Any) -> int:
    """Size of an item or an attribute's value, as DynamoDB counts it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _SIZES:
        kind, content = next(iter(value.items()))
        size: int = _SIZES[kind](content)
        return size
    return sum(len(name.encode()) + _bytes(content) for name, content in value.items())


_SIZES: Final[dict[str, Any]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda number: (len(number.strip("-")) + 1) // 2 + 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "M": lambda content: 3 + sum(len(name) + 1 + _bytes(item) for name, item in content.items()),
    "L": lambda items: 3 + sum(1 + _bytes(item) for item in items),
}
