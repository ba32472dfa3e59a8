"""What a chat costs in DynamoDB: ours, and a Scan of all connections for every chat.

The peer is the way of AWS's sample simple-websockets-chat-app: connections in one table,
scanned for each message.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import boto3

from tests.benchmarks import seed, units
from tests.benchmarks.units import Call, Units
from tests.conftest import DEFAULTS
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack

#: Connections that are live, and how many of them are in the room.
ONLINE: Final = 1000
LISTENERS: Final = 10


@dataclass(frozen=True)
class Cost:
    """Of one chat."""

    calls: int
    units: Units


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
    people = [new_person(site).chat() for _ in range(LISTENERS)]
    room_id = people[0].ask("room.open", name=unique("bench"))["room"]["room_id"]
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    with units.recorded() as calls:
        people[0].ask("chat.send", room_id=room_id, text=seed.TEXT, cid=unique("cid"))
    return _cost(calls)


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
    calls = []
    start: dict[str, Any] = {}
    while True:
        asked = {"TableName": table, "ProjectionExpression": "connectionId", **start}
        page = client.scan(**asked)
        calls.append(Call("Scan", asked, page))
        if "LastEvaluatedKey" not in page:
            return _cost(calls)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _cost(calls: Sequence[Call]) -> Cost:
    return Cost(len(calls), units.total(calls))


def _client() -> Any:
    return boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
