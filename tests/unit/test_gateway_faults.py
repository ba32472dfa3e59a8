"""Faults on request, through the gateway. What a plan can say: docs/faults.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from infra.local.faults.rules import AwsFault, AwsRule, GatewayFault, GatewayRule
from tests.unit.gateway_harness import Json, Running, api_with, gateway, in_loop

MANAGEMENT = "apigatewaymanagementapi"


def bodies(running: Running, name: str = "default") -> list[str]:
    return [event["body"] for event in running.functions.named(name)]


@in_loop
async def test_a_message_is_delivered_twice() -> None:
    """Both are the same event: an app knows a repeat by its messageId."""
    rule = GatewayRule(fault=GatewayFault.DUPLICATE, route="$default", every=2)
    async with gateway(faults=[rule]) as running, running.client() as client:
        for body in ("one", "two", "three", "four"):
            await client.send(body)
        await running.functions.event("default", 6)
        assert sorted(bodies(running)) == ["four", "four", "one", "three", "two", "two"]
        events = running.functions.named("default")
        first, second = (event for event in events if event["body"] == "two")
        assert first == second


@in_loop
async def test_a_message_is_delivered_twice_and_answered_twice() -> None:
    rule = GatewayRule(fault=GatewayFault.DUPLICATE, ms=5)
    api = api_with("$default", answering=["$default"])
    async with gateway(api, faults=[rule]) as running, running.client() as client:
        running.functions.returns("default", {"statusCode": 200, "body": "answer"})
        await client.send("one")
        assert [await client.recv() for _ in range(2)] == ["answer", "answer"]


@in_loop
async def test_two_messages_are_swapped() -> None:
    rule = GatewayRule(fault=GatewayFault.SWAP, route="$default", ms=60_000, times=1)
    async with gateway(faults=[rule]) as running, running.client() as client:
        await client.send("first")
        await client.send("second")
        await running.functions.event("default", 2)
        assert bodies(running) == ["second", "first"]


@in_loop
async def test_a_held_message_is_delivered_when_no_other_comes() -> None:
    rule = GatewayRule(fault=GatewayFault.SWAP, ms=5)
    async with gateway(faults=[rule]) as running, running.client() as client:
        await client.send("alone")
        assert (await running.functions.event("default"))["body"] == "alone"


@in_loop
async def test_a_held_message_is_delivered_when_its_client_leaves() -> None:
    rule = GatewayRule(fault=GatewayFault.SWAP, ms=60_000)
    async with gateway(faults=[rule]) as running:
        async with running.client() as client:
            await client.send("the last one")
        assert (await running.functions.event("default"))["body"] == "the last one"


@in_loop
async def test_a_disconnect_is_lost() -> None:
    rule = GatewayRule(fault=GatewayFault.LOSE_DISCONNECT, times=1)
    async with gateway(faults=[rule]) as running:
        async with running.client():
            pass
        await running.settled()
        assert not running.functions.named("disconnect")
        async with running.client():
            pass
        await running.functions.event("disconnect")


@in_loop
async def test_a_disconnect_is_delivered_twice() -> None:
    rule = GatewayRule(fault=GatewayFault.DUPLICATE, route="$disconnect")
    async with gateway(faults=[rule]) as running:
        async with running.client():
            pass
        first = await running.functions.event("disconnect", 1)
        assert await running.functions.event("disconnect", 2) == first


async def outcome(running: Running, connection_id: str, body: str) -> str:
    """What a post comes to, in short."""
    try:
        await running.post(connection_id, body)
    except ClientError as error:
        response: Any = error.response
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {response['Error']['Code']}"
    except (BotoConnectionError, HTTPClientError):
        return "cut"
    return "done"


@pytest.mark.parametrize(
    ("fault", "expected", "arrives"),
    [
        (AwsFault.GONE, "410 GoneException", False),
        (AwsFault.THROTTLE, "429 LimitExceededException", False),
        (AwsFault.ERROR, "500 InternalServerException", False),
        (AwsFault.ERROR_AFTER, "500 InternalServerException", True),
        (AwsFault.CUT, "cut", False),
        (AwsFault.CUT_AFTER, "cut", True),
        (AwsFault.LATENCY, "done", True),
    ],
)
@in_loop
async def test_a_post_fails_as_planned(fault: AwsFault, expected: str, arrives: bool) -> None:
    ms = 5 if fault is AwsFault.LATENCY else None
    rule = AwsRule(fault=fault, service=MANAGEMENT, operation="PostToConnection", ms=ms, times=1)
    async with gateway(faults=[rule]) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        seen = await outcome(running, connection_id, "first")
        assert seen.split()[0] == expected.split()[0]
        if fault in (AwsFault.GONE, AwsFault.THROTTLE):
            assert seen == expected
        assert await outcome(running, connection_id, "second") == "done"
        assert await client.recv() == ("first" if arrives else "second")


@in_loop
async def test_other_operations_are_spared() -> None:
    rule = AwsRule(fault=AwsFault.ERROR, service=MANAGEMENT, operation="DeleteConnection")
    async with gateway(faults=[rule]) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        management = running.management()
        await asyncio.to_thread(management.get_connection, ConnectionId=connection_id)
        with pytest.raises(ClientError):
            await asyncio.to_thread(management.delete_connection, ConnectionId=connection_id)
        assert await outcome(running, connection_id, "still here") == "done"
        assert await client.recv() == "still here"


@in_loop
async def test_a_plan_without_strikes_changes_nothing() -> None:
    rules = [GatewayRule(fault=fault, after=1000) for fault in GatewayFault]
    async with gateway(faults=rules) as running:
        async with running.client() as client:
            for number in range(5):
                await client.send(str(number))
            await running.functions.event("default", 5)
        await running.functions.event("disconnect")
        assert sorted(bodies(running)) == ["0", "1", "2", "3", "4"]


@in_loop
async def test_a_swapped_connection_does_not_hold_another() -> None:
    rule = GatewayRule(fault=GatewayFault.SWAP, ms=60_000, times=1)
    async with gateway(faults=[rule]) as running:
        async with running.client() as one, running.client() as two:
            await one.send("held")
            while not running.faults or not running.faults.injected:
                await asyncio.sleep(0)
            await two.send("of another")
            await running.functions.event("default")
            assert bodies(running) == ["of another"]
            await one.send("next")
            await running.functions.event("default", 3)
        order: list[Json] = running.functions.named("default")
        assert [event["body"] for event in order] == ["of another", "next", "held"]


@in_loop
async def test_what_no_fault_can_happen_to_is_not_counted() -> None:
    rules = [GatewayRule(fault=GatewayFault.SWAP, ms=5), GatewayRule(fault=GatewayFault.DUPLICATE)]
    async with gateway(api_with("$connect", "$disconnect"), faults=rules) as running:
        async with running.client() as client:
            await client.send("without a route")
            assert "Forbidden" in await client.recv()
        await running.functions.event("disconnect", 2)
        assert running.faults is not None
        assert running.faults.injected == {"gateway rule 2": 1}
        assert "1 events" in running.faults.report()[1]
