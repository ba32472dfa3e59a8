"""P6: what a chat costs in DynamoDB: ours, and a Scan of all connections for every chat.

The peer is the way of AWS's sample simple-websockets-chat-app: connections in one table,
scanned for each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import boto3

from infra.local.emulator_process import REGION
from tests.benchmarks import driver, rig, seed, units
from tests.benchmarks.result import Result
from tests.benchmarks.units import Call, Units

#: Connections that are live, and how many of them are in the room.
ONLINE: Final = 1000
LISTENERS: Final = (10, 1000)
GOAL: Final = "≤ 5 calls, ≤ 3 WRU, ≤ 1 RRU + 12.5 RRU per 1,000 listeners"


def measure(endpoint: str = "") -> dict[str, Result]:
    """P6, in a small room and in one where everybody is who is online."""
    results = {}
    with rig.tables(endpoint) as tables, rig.management() as management:
        calls, scanned = _peer(tables["AWS_ENDPOINT_URL"])
        for room, listeners in enumerate(LISTENERS):
            driver.run(
                "seed", environment=tables, rooms=[room], people=LISTENERS[0], listeners=listeners
            )
            ours = driver.run(
                "in_process", environment={**tables, **management}, kind="cost", room=room
            )
            charged = Units(**ours["units"])
            results["P6" if room == 0 else f"P6, {listeners} listening"] = Result(
                ours=round(charged.dollars_per_million, 3),
                peer=round(scanned.dollars_per_million, 3),
                unit=f"$ of DynamoDB per million chats, {listeners} listening of {ONLINE}",
                goal=GOAL,
                note=f"{_told(ours['calls'])}, {charged.writes:g} WRU, {charged.reads:g} RRU; "
                f"the peer {calls} and {scanned.reads:g} RRU, but it stores nothing",
            )
    return results


def _told(calls: Mapping[str, int]) -> str:
    each = ", ".join(f"{number} {operation}" for operation, number in calls.items())
    return f"{sum(calls.values())} calls ({each})"


def _peer(endpoint: str) -> tuple[int, Units]:
    """Calls of a chat, and their units."""
    table = "simple-websockets-chat-app"
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "connectionId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "connectionId", "KeyType": "HASH"}],
    )
    for number in range(ONLINE):
        client.put_item(TableName=table, Item={"connectionId": {"S": seed.connection_id(number)}})
    calls = []
    start: dict[str, Any] = {}
    while True:
        asked = {"TableName": table, "ProjectionExpression": "connectionId", **start}
        page = client.scan(**asked)
        calls.append(Call("Scan", asked, {**page}))
        if "LastEvaluatedKey" not in page:
            return len(calls), units.total(calls)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
