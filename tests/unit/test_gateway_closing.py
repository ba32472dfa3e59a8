"""How connections end, and what $disconnect tells of it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from infra.local.gateway.limits import Limits
from tests.unit.gateway_harness import (
    CLOSE,
    PING,
    PONG,
    Json,
    api_with,
    failing,
    frame,
    gateway,
    handshake,
    in_loop,
    text,
)

LIMITS = Limits(closing_seconds=0.1)


@in_loop
async def test_the_event_of_disconnect_is_aws_own() -> None:
    """Field for field as an event of AWS's own.

    https://github.com/aws-powertools/powertools-lambda-python/blob/develop/tests/events/apiGatewayWebSocketApiDisconnect.json
    """
    async with gateway(tls=True) as running:
        async with running.client(user_agent_header=None):
            connected = (await running.functions.event("connect"))["requestContext"]
            running.clock.now += 374.5
        event = await running.functions.event("disconnect")
        context = event["requestContext"]
        domain = f"localhost:{running.gateway.tls_port}"
        assert event == {
            "headers": {"Host": domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""},
            "multiValueHeaders": {
                "Host": [domain],
                "x-api-key": [""],
                "X-Forwarded-For": [""],
                "x-restapi": [""],
            },
            "requestContext": {
                "routeKey": "$disconnect",
                "disconnectStatusCode": 1000,
                "eventType": "DISCONNECT",
                "extendedRequestId": context["requestId"],
                "requestTime": "21/Sep/2026:14:19:35 +0000",
                "messageDirection": "IN",
                "disconnectReason": "",
                "stage": "prod",
                "connectedAt": connected["connectedAt"],
                "requestTimeEpoch": connected["connectedAt"] + 374_500,
                "identity": connected["identity"],
                "requestId": context["requestId"],
                "domainName": domain,
                "connectionId": connected["connectionId"],
                "apiId": "abcdef123",
            },
            "isBase64Encoded": False,
        }
        assert context["requestId"] != connected["requestId"]


def closing(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason.encode())


#: What a client does at its end, and what is told of it.
ENDS: list[tuple[str, bytes, int, str]] = [
    ("normal", closing(1000, "see you"), 1000, "see you"),
    ("going away", closing(1001), 1001, ""),
    ("of the app", closing(4001, "안녕"), 4001, "안녕"),
    ("no status", frame(CLOSE), 1005, "Client-side close frame status not set"),
    ("end of file", b"", 1006, "Connection closed abnormally"),
    ("in a frame", text("hello")[:-1], 1006, "Connection closed abnormally"),
]


@pytest.mark.parametrize(
    ("sent", "code", "reason"), [end[1:] for end in ENDS], ids=[end[0] for end in ENDS]
)
@in_loop
async def test_disconnect_tells_how_the_client_left(sent: bytes, code: int, reason: str) -> None:
    """1005 and its reason are AWS's own; the reason of 1006 is chosen."""
    async with gateway() as running:
        async with running.raw() as client:
            await client.upgrade()
            await client.send(sent)
            if sent[:1] == b"\x88":
                assert await client.close_code() == code  # a close frame is echoed
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == code
        assert context["disconnectReason"] == reason
        await running.settled()
        assert len(running.functions.named("disconnect")) == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@in_loop
async def test_a_reset_is_an_end_too(tls: bool) -> None:
    async with gateway(tls=True) as running:
        async with running.raw(tls=tls) as client:
            await client.upgrade()
            await client.send(frame(PING))
            client.vanish()
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1006


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
@in_loop
async def test_a_client_may_not_close_with_any_code(code: int) -> None:
    """https://datatracker.ietf.org/doc/html/rfc6455#section-7.4"""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(closing(code))
        assert await client.close_code() == 1002


@in_loop
async def test_disconnect_is_optional_and_may_fail() -> None:
    """$disconnect is a best-effort event."""
    async with gateway(api_with("$connect", "$default")) as running:
        async with running.client():
            pass
        await running.settled()
    async with gateway() as running:
        running.functions.returns("disconnect", failing())
        async with running.client():
            pass
        await running.functions.event("disconnect")
        await running.settled()
        assert [d["route"] for what, d in running.observed if what == "failed"] == ["$disconnect"]


@in_loop
async def test_disconnect_comes_after_the_close() -> None:
    """The connection is already closed when $disconnect is executed: a post is refused."""
    async with gateway() as running:
        management = running.management()
        statuses: list[int] = []

        async def disconnect(event: Json) -> Json:
            try:
                await asyncio.to_thread(
                    management.post_to_connection,
                    ConnectionId=event["requestContext"]["connectionId"],
                    Data=b"too late",
                )
            except management.exceptions.GoneException as error:
                statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
            return {"statusCode": 200}

        running.functions.by_name["disconnect"] = disconnect
        async with running.client():
            pass
        await running.settled()
        assert statuses == [410]


# --- Limits of time -------------------------------------------------------------------------


@in_loop
async def test_a_connection_without_a_frame_for_ten_minutes_is_closed() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""
    async with gateway() as running:
        async with running.client() as client:
            running.clock.now += 599.9
            running.gateway.sweep()
            assert running.gateway.connections == 1
            running.clock.now += 0.1
            running.gateway.sweep()
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (1001, "Going away")
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1001
        assert context["disconnectReason"] == "Going away"


@in_loop
async def test_any_frame_keeps_a_connection_from_being_idle() -> None:
    """Messages in both directions. That pings and pongs do, too, is chosen, not documented."""
    async with gateway(api_with(answering=["$default"])) as running, running.raw() as client:
        await client.upgrade()
        connection_id = await running.id_of_latest()

        async def survives(opcode: int) -> None:
            assert (await client.frame())[0] == opcode
            running.clock.now += 599.9
            running.gateway.sweep()
            assert running.gateway.connections == 1

        running.clock.now += 599.9
        await client.send(frame(PING, b"?"))
        await survives(PONG)
        await running.post(connection_id, b"from the server")
        await survives(1)
        running.functions.returns("default", {"statusCode": 200, "body": "answer"})
        await client.send(text("hello"))
        await survives(1)
        running.clock.now += 0.2
        running.gateway.sweep()
        assert await client.close_code() == 1001


@in_loop
async def test_a_connection_ends_after_two_hours() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""
    async with gateway() as running:
        async with running.client() as client:
            for _ in range(72):
                await (await client.ping())
                running.clock.now += 99.99
                running.gateway.sweep()
            assert running.gateway.connections == 1
            running.clock.now += 1
            running.gateway.sweep()
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (1001, "Going away")
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1001


@in_loop
async def test_the_gateway_looks_for_idle_connections_by_itself() -> None:
    limits = Limits(idle_seconds=0.02, closing_seconds=0.1)
    async with gateway(limits=limits) as running, running.client() as client:
        running.clock.now += 1
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1001


@in_loop
async def test_who_does_not_answer_a_close_is_cut_off() -> None:
    async with gateway(limits=Limits(closing_seconds=0.02)) as running, running.raw() as client:
        await client.upgrade()
        running.clock.now += 600
        running.gateway.sweep()
        assert (await client.frame())[0] == CLOSE
        # Neither an answer nor an end of file from the client; messages no longer count.
        await client.send(text("too late"))
        assert await client.reader.read() == b""
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1001
        assert not running.functions.named("default")


# --- Changes and the end --------------------------------------------------------------------


@in_loop
async def test_a_new_configuration_keeps_connections() -> None:
    """Redeploying an API closes no connection; which routes apply then is chosen."""
    old = api_with("$connect", "$default")
    new = api_with("$connect", "chat", "$disconnect", stage_variables={"color": "blue"})
    async with gateway(old) as running:
        async with running.client() as client:
            await client.send('{"action": "chat"}')
            await running.functions.event("default")
            running.gateway.configure(new)
            await client.send('{"action": "chat"}')
            event = await running.functions.event("chat")
            assert event["stageVariables"] == {"color": "blue"}
            await client.send("no route any more")
            assert json.loads(await client.recv())["message"] == "Forbidden"
        await running.functions.event("disconnect")


@in_loop
async def test_a_connection_made_during_a_new_configuration_has_it() -> None:
    """$connect runs while the API is deployed anew: hot reload may come at any time."""
    go = asyncio.Event()

    async def connect(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 200}

    async with gateway(api_with("$connect", "$default")) as running, running.raw() as client:
        running.functions.by_name["connect"] = connect
        await client.send(handshake())
        await running.functions.event("connect")
        running.gateway.configure(api_with("$connect", "chat", "$disconnect"))
        go.set()
        assert (await client.head())[0] == 101
        await client.send(text('{"action": "chat"}'))
        await running.functions.event("chat")


@in_loop
async def test_stopping_closes_connections_and_runs_disconnect() -> None:
    async with gateway() as running:
        ended: list[Any] = []
        together = asyncio.Barrier(3)

        async def disconnect(event: Json) -> Json:
            await together.wait()
            ended.append(event["requestContext"]["disconnectStatusCode"])
            return {"statusCode": 200}

        running.functions.by_name["disconnect"] = disconnect
        async with running.client() as one, running.client() as two, running.raw() as silent:
            await silent.upgrade()
            await running.gateway.stop()
            for client in (one, two):
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1001
        assert ended == [1001, 1001, 1001]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", running.gateway.port)


@in_loop
async def test_stopping_does_not_wait_for_what_hangs() -> None:
    async def hang(_event: Json) -> None:
        await asyncio.Event().wait()

    async with (
        gateway(stop_seconds=0.1) as running,
        running.raw() as client,
        running.raw() as pending,
    ):
        running.functions.by_name |= {"default": hang, "disconnect": hang}
        await client.upgrade()
        await client.send(text("hello"))
        await running.functions.event("default")
        running.functions.by_name["connect"] = hang
        await pending.send(handshake())
        await running.functions.event("connect", 2)
        await running.gateway.stop()
        assert running.gateway.connections == 0


@in_loop
async def test_a_connect_that_ends_while_the_gateway_stops_is_followed_by_disconnect() -> None:
    """What $connect has written down is taken back, and the client tries again later."""
    go = asyncio.Event()

    async def connect(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 200}

    async with gateway() as running, running.raw() as early, running.raw() as late:
        running.functions.by_name["connect"] = connect
        await early.send(handshake())
        await running.functions.event("connect")
        stopping = asyncio.create_task(running.gateway.stop())
        await asyncio.sleep(0)
        await late.send(handshake())
        go.set()
        assert (await early.head())[0] == 503
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1001
        await stopping
        assert len(running.functions.named("connect")) == 1
