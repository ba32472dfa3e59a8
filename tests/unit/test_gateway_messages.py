"""Messages: their routes, events, limits and answers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from infra.errors import InfraError
from infra.local.gateway.api import Throttle
from infra.local.gateway.limits import Limits
from infra.local.gateway.selection import check_selection, select_key
from tests.unit.gateway_harness import (
    BINARY,
    CLOSE,
    CONTINUATION,
    TEXT,
    Answer,
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
SMALL = Limits(frame_bytes=64, message_bytes=256, closing_seconds=0.1)


def echo(event: Json) -> Json:
    return {"statusCode": 200, "body": event["body"]}


# --- Routes ---------------------------------------------------------------------------------

#: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
DOCUMENTED = {
    "$request.body.action": "join",
    "${request.body.action}": "join",
    "${request.body.service}/${request.body.action}": "chat/join",
    "${request.body.action}-${request.body.invalidPath}": "join-",
    "action": "action",
    r"\$default": "$default",
    # The same page: any JSON path, whose result will be stringified.
    "$request.body.data.room": "room1234",
    "${request.body.version}-beta": "-beta",
    "$request.body.items": "[item1, item2]",
    "$request.body.items[1]": "item2",
    "$request.body['service']": "chat",
    "$request.body.number": "5",
    "$request.body.yes": "true",
    # Chosen, not documented.
    "$request.body.nothing": "",
    "$request.body.items[2]": "",
    "$request.body.action.length": "",
    "$request.body.data": '{"room": "room1234"}',
    "$request.body.fraction": "1.5",
}
PAYLOAD = json.dumps(
    {
        "service": "chat",
        "action": "join",
        "data": {"room": "room1234"},
        "items": ["item1", "item2"],
        "number": 5,
        "yes": True,
        "nothing": None,
        "fraction": 1.5,
    }
)


@pytest.mark.parametrize(("expression", "key"), DOCUMENTED.items())
def test_a_selection_expression_makes_a_key(expression: str, key: str) -> None:
    check_selection(expression)
    assert select_key(expression, PAYLOAD) == key


NO_JSON = {
    **{text: text for text in ("", "no JSON", "{", '{"action": "join"', "\ud55c")},
    "deep": "[" * 100_000,
    "long": "1" * 5000,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_has_no_key(body: str) -> None:
    """Non-JSON messages are directed to a $default route that you configure."""
    assert select_key("$request.body.action", body) is None


@pytest.mark.parametrize("body", ["5", '"join"', "[]", "null", "{}"])
def test_json_without_the_place_has_an_empty_key(body: str) -> None:
    assert select_key("$request.body.action", body) == ""


@pytest.mark.parametrize(
    "expression",
    [
        *("$request.header.x", "$context.routeKey", "$request.body", "$request.body.*", "a$b"),
        *("${request.body.a", "$request.body..a", "\\", "${request.body.a[?(@.b)]}"),
    ],
)
def test_an_expression_that_is_not_supported_is_told(expression: str) -> None:
    with pytest.raises(InfraError, match="not supported here"):
        check_selection(expression)


@given(st.text())
def test_any_message_can_be_asked_for_its_key(body: str) -> None:
    key = select_key("$request.body.action", body)
    assert key is None or isinstance(key, str)


@in_loop
async def test_a_message_takes_the_route_of_its_key() -> None:
    """The route whose key exactly matches; else $default."""
    api = api_with("$connect", "join", "leave", "$default", selection="$request.body.type")
    async with gateway(api) as running, running.client() as client:
        for body, name in (
            ('{"type": "join"}', "join"),
            ('{"type": "leave", "type2": "join"}', "leave"),
            ('{"type": "JOIN"}', "default"),
            ('{"action": "join"}', "default"),
            ("join", "default"),
            ('{"type": ["join"]}', "default"),
            # Nobody can have $connect run by a message.
            ('{"type": "$connect"}', "default"),
            ('{"type": "$default"}', "default"),
        ):
            before = len(running.functions.named(name))
            await client.send(body)
            event = await running.functions.event(name, before + 1)
            assert event["body"] == body
            route = name if name != "default" else "$default"
            assert event["requestContext"]["routeKey"] == route
        assert len(running.functions.named("connect")) == 1


@in_loop
async def test_a_message_without_a_route_is_answered_with_an_error() -> None:
    """If there is no $default route either, the service returns an error.

    The frame is as seen on AWS, its text is not documented.
    """
    async with gateway(api_with("$connect", "join")) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        await client.send('{"action": "other"}')
        answer = json.loads(await client.recv())
        request_id = answer["requestId"]
        assert answer == {
            "message": "Forbidden",
            "connectionId": connection_id,
            "requestId": request_id,
        }
        await client.send("no JSON")
        second = json.loads(await client.recv())
        assert second["message"] == "Forbidden"
        assert second["requestId"] != request_id
        assert [name for name, _ in running.functions.events] == ["connect"]


# --- Events ---------------------------------------------------------------------------------


@in_loop
async def test_the_event_of_a_message_is_aws_own() -> None:
    """Field for field as an event of AWS's own.

    https://github.com/aws-powertools/powertools-lambda-python/blob/develop/tests/events/apiGatewayWebSocketApiMessage.json
    """
    async with gateway() as running, running.client(user_agent_header=None) as client:
        connected = (await running.functions.event("connect"))["requestContext"]
        running.clock.now += 11.25
        await client.send('{"action": "chat", "text": "안녕"}')
        event = await running.functions.event("default")
        context = event["requestContext"]
        assert event == {
            "requestContext": {
                "routeKey": "$default",
                "messageId": context["messageId"],
                "eventType": "MESSAGE",
                "extendedRequestId": context["requestId"],
                "requestTime": "21/Sep/2026:14:13:31 +0000",
                "messageDirection": "IN",
                "stage": "prod",
                "connectedAt": connected["connectedAt"],
                "requestTimeEpoch": connected["connectedAt"] + 11_250,
                "identity": connected["identity"],
                "requestId": context["requestId"],
                "domainName": f"localhost:{running.gateway.port}",
                "connectionId": connected["connectionId"],
                "apiId": "abcdef123",
            },
            "body": '{"action": "chat", "text": "안녕"}',
            "isBase64Encoded": False,
        }
        for name in ("requestId", "messageId"):
            assert re.fullmatch(r"[\w-]{15}=", context[name])
        assert context["messageId"] != context["requestId"]
        await client.send("again")
        again = (await running.functions.event("default", 2))["requestContext"]
        assert again["messageId"] != context["messageId"]
        assert again["requestId"] != context["requestId"]


@in_loop
async def test_each_message_is_a_trace_of_its_own() -> None:
    async with gateway() as running, running.client() as client:
        await client.send("one")
        await client.send("two")
        await running.functions.event("default", 2)
        traces = [request.headers["X-Amzn-Trace-Id"] for request in running.functions.requests]
        assert all(
            re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", trace)
            for trace in traces
        )
        assert len({trace.split(";")[0] for trace in traces}) == 3
        told = [details["trace_id"] for what, details in running.observed if what == "message"]
        assert [f"Root={root}" for root in told] == [t.split(";")[0] for t in traces[1:]]


# --- What may be sent -----------------------------------------------------------------------


@in_loop
async def test_a_binary_frame_closes_with_1003() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html"""
    async with gateway() as running:
        async with running.client() as client:
            await client.send(b"binary")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1003
        left = await running.functions.event("disconnect")
        assert left["requestContext"]["disconnectStatusCode"] == 1003
        assert not running.functions.named("default")


#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
FRAME, MESSAGE = 32 * 1024, 128 * 1024


@in_loop
async def test_frames_and_messages_of_the_allowed_size_pass() -> None:
    """Frames of 32 KB, messages of 128 KB in such frames; the size is that of the bytes."""
    async with gateway() as running, running.client() as client:
        await client.send("x" * FRAME)
        assert len((await running.functions.event("default"))["body"]) == FRAME
        await client.send(["y" * FRAME] * 4)
        assert (await running.functions.event("default", 2))["body"] == "y" * MESSAGE
        await client.send("한" * (FRAME // 3))
        assert (await running.functions.event("default", 3))["body"] == "한" * (FRAME // 3)


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"x" * (FRAME + 1)),
        frame(TEXT, "한".encode() * (FRAME // 3 + 1)),
        frame(TEXT, b"x" * FRAME, fin=False) + frame(CONTINUATION, b"x" * (FRAME + 1)),
        frame(TEXT, b"x" * FRAME, fin=False)
        + frame(CONTINUATION, b"x" * FRAME, fin=False) * 3
        + frame(CONTINUATION, b"x"),
        # It is the announced size that counts: the content never comes.
        frame(TEXT, b"x", length=FRAME + 1),
        frame(TEXT, b"x", length=1 << 62),
    ],
    ids=["frame", "characters", "continuation", "message", "announced", "huge"],
)
@in_loop
async def test_what_is_too_long_closes_with_1009(sent: bytes) -> None:
    """If a larger message (or larger frame size) is received, it is closed with code 1009."""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(sent)
        assert await client.close_code() == 1009
        await client.end()
        left = await running.functions.event("disconnect")
        assert left["requestContext"]["disconnectStatusCode"] == 1009
        assert not running.functions.named("default")


@in_loop
async def test_small_limits_hold_to_the_byte() -> None:
    async with gateway(limits=SMALL) as running:
        async with running.client() as client:
            await client.send(["x" * 64] * 4)
            await running.functions.event("default")
        for sent in (["x" * 65], ["x" * 64] * 4 + ["x"], ["x" * 60] * 4 + ["x" * 17]):
            async with running.client() as client:
                await client.send(sent)
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1009
        assert len(running.functions.named("default")) == 1


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"\xff"),
        frame(TEXT, b"\xed\xa0\x80"),  # a surrogate
        frame(TEXT, b"\xe2\x82"),  # the beginning of a character
        frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x82"),
        frame(TEXT, b"\xc0\x80"),  # overlong
    ],
)
@in_loop
async def test_what_is_no_utf8_closes_with_1007(sent: bytes) -> None:
    """https://datatracker.ietf.org/doc/html/rfc6455#section-8.1"""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(sent)
        assert await client.close_code() == 1007
        assert not running.functions.named("default")


@in_loop
async def test_fragments_may_divide_a_character() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x82\xac"))
        assert (await running.functions.event("default"))["body"] == "€"


@in_loop
async def test_an_empty_message_is_a_message() -> None:
    async with gateway() as running, running.client() as client:
        await client.send("")
        assert (await running.functions.event("default"))["body"] == ""
        await client.send(["", "", "a", ""])
        assert (await running.functions.event("default", 2))["body"] == "a"


# --- Answers --------------------------------------------------------------------------------


@in_loop
async def test_a_route_response_goes_back_to_the_client() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html"""
    api = api_with("$connect", "ask", "$default", answering=["ask"])
    async with gateway(api) as running, running.client() as client:
        running.functions.by_name |= {"ask": echo, "default": echo}
        # Without a route response the backend's response is not passed through.
        await client.send("no answer")
        await running.functions.event("default")
        await client.send('{"action": "ask", "text": "안녕"}')
        assert await client.recv() == '{"action": "ask", "text": "안녕"}'
        # An answer above a frame's size comes in frames, whole.
        long = json.dumps({"action": "ask", "x": "y" * (FRAME - 100)})
        running.functions.returns("ask", {"statusCode": 200, "body": "z" * (FRAME * 3)})
        await client.send(long)
        assert await client.recv() == "z" * (FRAME * 3)
        # A status that is not 2xx changes nothing.
        running.functions.returns("ask", {"statusCode": 500, "body": "failed"})
        await client.send('{"action": "ask"}')
        assert await client.recv() == "failed"


@in_loop
async def test_without_a_body_there_is_no_answer() -> None:
    """Chosen, not documented, as is what happens to a body that is no text."""
    async with gateway(api_with(answering=["$default"])) as running, running.client() as client:
        for number, result in enumerate(
            [{"statusCode": 200}, {"statusCode": 200, "body": ""}, {"statusCode": 200, "body": {}}],
            1,
        ):
            running.functions.returns("default", result)
            await client.send("ask")
            await running.functions.event("default", number)
        running.functions.returns("default", {"statusCode": 200, "body": "the first answer"})
        await client.send("ask")
        assert await client.recv() == "the first answer"


FAILURES: dict[str, Any] = {
    "exception": failing(),
    "Lambda's timeout": failing("Task timed out after 3.00 seconds", "Sandbox.Timedout"),
    "no function": Answer(404, b'{"Message": "Function not found"}'),
    "throttled": Answer(429, b'{"Message": "Rate Exceeded."}'),
    "failing Lambda": Answer(500, b"garbage"),
    "garbage": Answer(200, b"garbage"),
    "nothing": Answer(200, b""),
    "deep JSON": Answer(200, b"[" * 100_000),
    "null": None,
    "text": "text",
    "no status": {"body": "x"},
    "a status that is none": {"statusCode": "x"},
}


@pytest.mark.parametrize("result", FAILURES.values(), ids=FAILURES)
@in_loop
async def test_an_integration_error_is_told_without_its_text(result: Any) -> None:
    """The client gets a message only if API Gateway could not process what came.

    https://repost.aws/questions/QUx45wrdOxR3WCqwNIJPOW-g
    The frame is as in https://github.com/aws-samples/simple-websockets-chat-app/issues/42
    """
    async with gateway() as running, running.client() as client:
        running.functions.returns("default", result)
        await client.send("hello")
        answer = json.loads(await client.recv())
        assert answer == {
            "message": "Internal server error",
            "connectionId": await running.id_of_latest(),
            "requestId": answer["requestId"],
        }
        event = await running.functions.event("default")
        assert answer["requestId"] == event["requestContext"]["requestId"]
        # The connection stays.
        running.functions.by_name.pop("default")
        await client.send("again")
        await running.functions.event("default", 2)


@in_loop
async def test_a_handler_that_takes_too_long_is_an_integration_error() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""

    async def hang(_event: Json) -> None:
        await asyncio.Event().wait()

    for api, limits in (
        # No $connect: its handler would have as little time, which is too little on a busy machine.
        (api_with("$default"), Limits(integration_seconds=0.05, closing_seconds=0.1)),
        (api_with("$connect", "$default", timeouts={"$default": 0.05}), LIMITS),
    ):
        async with gateway(api, limits=limits) as running, running.client() as client:
            running.functions.by_name["default"] = hang
            await client.send("hello")
            assert json.loads(await client.recv())["message"] == "Internal server error"


@in_loop
async def test_a_handler_that_exits_is_an_integration_error() -> None:
    """Its process dies: the emulator's connection ends without an answer."""
    async with gateway() as running, running.client() as client:

        def leave(_event: Json) -> None:
            transport = running.functions.requests[-1].transport
            assert transport is not None
            transport.abort()

        running.functions.by_name["default"] = leave
        await client.send("hello")
        assert json.loads(await client.recv())["message"] == "Internal server error"


@in_loop
async def test_lone_surrogates_of_a_handler_do_no_harm() -> None:
    async with gateway(api_with(answering=["$default"])) as running, running.client() as client:
        running.functions.returns(
            "default", Answer(200, b'{"statusCode": 200, "body": "\\ud800!"}')
        )
        await client.send("hello")
        assert await client.recv() == "?!"


# --- Order ----------------------------------------------------------------------------------


@in_loop
async def test_messages_of_one_connection_overtake_each_other() -> None:
    """Nothing serialises them: two slow ones and a quick one run at once."""
    go = asyncio.Event()

    async def handle(event: Json) -> Json:
        if event["body"].startswith("slow"):
            await go.wait()
        return echo(event)

    async with gateway(api_with(answering=["$default"])) as running, running.client() as client:
        running.functions.by_name["default"] = handle
        for body in ("slow 1", "slow 2", "quick"):
            await client.send(body)
        assert await client.recv() == "quick"
        assert len(running.functions.named("default")) == 3
        go.set()
        assert {await client.recv(), await client.recv()} == {"slow 1", "slow 2"}


@in_loop
async def test_many_messages_run_at_once() -> None:
    """100 handlers that end only when all of them have begun."""
    together = asyncio.Barrier(100)

    async def handle(event: Json) -> Json:
        await together.wait()
        return echo(event)

    async with gateway(api_with(answering=["$default"])) as running:
        running.functions.by_name["default"] = handle
        async with running.client() as one, running.client() as two:
            for number in range(50):
                await one.send(f"one {number}")
                await two.send(f"two {number}")
            got = {await one.recv() for _ in range(50)} | {await two.recv() for _ in range(50)}
        assert got == {f"{name} {number}" for name in ("one", "two") for number in range(50)}


@in_loop
async def test_no_more_messages_run_at_once_than_the_limit_says() -> None:
    """Chosen: AWS has no such limit, a laptop has. The rest waits, and none gets lost."""
    running_now = most = 0
    go = asyncio.Event()

    async def handle(_event: Json) -> Json:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await go.wait()
        running_now -= 1
        return {"statusCode": 200}

    limits = Limits(messages_at_once=5, closing_seconds=0.1)
    async with gateway(limits=limits) as running, running.raw() as client:
        running.functions.by_name["default"] = handle
        await client.upgrade()
        # Many in one segment, and more that can't be read yet.
        await client.send(b"".join(text(str(number)) for number in range(200)))
        await running.functions.event("default", 5)
        await client.send(b"".join(text(str(number)) for number in range(200, 300)))
        go.set()
        await running.functions.event("default", 300)
        bodies = [event["body"] for event in running.functions.named("default")]
        assert sorted(bodies, key=int) == [str(number) for number in range(300)]
        assert most <= 5


@in_loop
async def test_messages_before_a_close_are_handled() -> None:
    """Who sends and closes at once has sent: all of it may come in one segment."""
    async with gateway(limits=Limits(messages_at_once=2, closing_seconds=0.1)) as running:
        async with running.raw() as client:
            await client.upgrade()
            sent = [text(str(number)) for number in range(10)]
            await client.send(b"".join(sent) + frame(CLOSE, b"\x03\xe8") + text("too late"))
            assert await client.close_code() == 1000
        await running.functions.event("default", 10)
        await running.settled()
        bodies = {event["body"] for event in running.functions.named("default")}
        assert bodies == {str(number) for number in range(10)}


@in_loop
async def test_messages_before_a_violation_are_handled() -> None:
    async with gateway() as running:
        violations = {1003: frame(BINARY), 1002: frame(3), 1007: text(b"\xff")}
        for number, (code, violation) in enumerate(violations.items(), 1):
            async with running.raw() as client:
                await client.upgrade()
                await client.send(text("fine") + violation + text("too late"))
                assert await client.close_code() == code
            await running.functions.event("default", number)
        await running.settled()
        assert {event["body"] for event in running.functions.named("default")} == {"fine"}


@in_loop
async def test_messages_that_come_with_the_handshake_are_handled() -> None:
    """RFC 6455 lets nobody send before the 101; who does is not punished."""
    async with gateway() as running, running.raw() as client:
        await client.send(handshake() + text("early"))
        assert (await client.head())[0] == 101
        assert (await running.functions.event("default"))["body"] == "early"


# --- Throttling -----------------------------------------------------------------------------


@in_loop
async def test_messages_above_the_account_limit_are_refused() -> None:
    """10,000 requests a second with a burst of 5,000, messages and callbacks together.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    The frame is chosen, not documented.
    """
    limits = Limits(requests_per_second=2, request_burst=2, closing_seconds=0.1)
    async with gateway(limits=limits) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        for number in range(3):
            await client.send(str(number))
        answer = json.loads(await client.recv())
        assert answer["message"] == "Too Many Requests"
        assert answer["connectionId"] == connection_id
        await running.functions.event("default", 2)
        running.clock.now += 0.5
        await client.send("later")
        assert (await running.functions.event("default", 3))["body"] == "later"


@in_loop
async def test_a_stage_can_limit_a_route() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html"""
    api = api_with("$connect", "chat", "$default", throttles={"chat": Throttle(rate=1, burst=2)})
    async with gateway(api) as running, running.client() as client:
        for _ in range(3):
            await client.send('{"action": "chat"}')
        assert json.loads(await client.recv())["message"] == "Too Many Requests"
        await client.send("another route")
        await running.functions.event("default")
        running.clock.now += 1
        await client.send('{"action": "chat"}')
        await running.functions.event("chat", 3)


@in_loop
async def test_a_route_response_above_the_limit_is_an_integration_error() -> None:
    api = api_with(answering=["$default"])
    async with gateway(api, limits=SMALL) as running, running.client() as client:
        running.functions.returns("default", {"statusCode": 200, "body": "ü" * 128})
        await client.send("hello")
        assert await client.recv() == "ü" * 128
        running.functions.returns("default", {"statusCode": 200, "body": "ü" * 128 + "."})
        await client.send("hello")
        assert json.loads(await client.recv())["message"] == "Internal server error"
    (failed,) = (details for what, details in running.observed if what == "failed")
    assert failed["reason"] == "the route response has 257 bytes; 256 are allowed"
