"""$connect: what runs before the 101, what its event has, and what refuses it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from infra.errors import InfraError
from infra.local.gateway.api import Authorizer, Route, Throttle
from infra.local.gateway.limits import Limits
from tests.unit.gateway_harness import (
    Answer,
    Json,
    api_with,
    arn,
    failing,
    gateway,
    handshake,
    in_loop,
    status_of_refusal,
)

IDENTITY = ("route.request.header.HeaderAuth1", "route.request.querystring.QueryString1")


def allow(event: Json, **more: Any) -> Json:
    """What an authorizer returns, as in the documentation."""
    return policy("Allow", event["methodArn"]) | more


def policy(effect: str, resource: Any, action: Any = "execute-api:Invoke") -> Json:
    statement = {"Action": action, "Effect": effect, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "me", "policyDocument": document}


@in_loop
async def test_connect_runs_before_the_101() -> None:
    """Until the integration of $connect is completed, the upgrade request is pending."""
    go = asyncio.Event()

    async def connect(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 200}

    async with gateway() as running:
        running.functions.by_name["connect"] = connect
        async with running.raw() as client:
            await client.send(handshake(connection="keep-alive, Upgrade"))
            await running.functions.event("connect")
            pending = asyncio.create_task(client.head())
            assert running.gateway.connections == 0
            assert not pending.done()
            go.set()
            status, headers = await pending
            assert status == 101
            assert headers["upgrade"] == "websocket"
            assert headers["connection"].lower() == "upgrade"
            assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            assert "sec-websocket-extensions" not in headers


@in_loop
async def test_the_event_of_connect_is_aws_own() -> None:
    """Field for field as an event of AWS's own.

    https://github.com/aws-powertools/powertools-lambda-python/blob/develop/tests/events/apiGatewayWebSocketApiConnect.json
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
    """
    async with gateway(tls=True) as running:
        headers = [("Cookie", "a=1"), ("X-Twice", "one"), ("X-Twice", "two")]
        path = "/prod?token=a%20b&token=c&empty="
        async with running.client(path, additional_headers=headers, user_agent_header="a browser"):
            event = await running.functions.event("connect")
        domain = f"localhost:{running.gateway.tls_port}"
        context = event["requestContext"]
        assert list(event["headers"]) == [
            *("Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Cookie", "X-Twice"),
            *("User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port"),
            "X-Forwarded-Proto",
        ]
        assert event["headers"]["Host"] == domain
        assert event["headers"]["Cookie"] == "a=1"
        assert event["headers"]["X-Twice"] == "two"
        assert event["multiValueHeaders"]["X-Twice"] == ["one", "two"]
        assert event["headers"]["X-Forwarded-Proto"] == "https"
        trace = event["headers"]["X-Amzn-Trace-Id"]
        assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
        assert running.functions.requests[0].headers["X-Amzn-Trace-Id"].startswith(f"{trace};")
        assert event["queryStringParameters"] == {"token": "c", "empty": ""}
        assert event["multiValueQueryStringParameters"] == {"token": ["a b", "c"], "empty": [""]}
        assert event["isBase64Encoded"] is False
        assert set(event) == {
            *("headers", "multiValueHeaders", "requestContext", "isBase64Encoded"),
            *("queryStringParameters", "multiValueQueryStringParameters"),
        }
        assert context == {
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "extendedRequestId": context["requestId"],
            "requestTime": "21/Sep/2026:14:13:20 +0000",
            "messageDirection": "IN",
            "stage": "prod",
            "connectedAt": 1_790_000_000_500,
            "requestTimeEpoch": 1_790_000_000_500,
            "identity": {"sourceIp": context["identity"]["sourceIp"], "userAgent": "a browser"},
            "requestId": context["requestId"],
            "domainName": domain,
            "connectionId": context["connectionId"],
            "apiId": "abcdef123",
        }
        assert context["identity"]["sourceIp"] in ("127.0.0.1", "::1")
        for name in ("requestId", "connectionId"):
            assert re.fullmatch(r"[\w-]{15}=", context[name]), "such as BFHPhfCWIAMCKlQ="


@in_loop
async def test_without_a_query_string_its_fields_are_absent() -> None:
    async with gateway() as running, running.client(user_agent_header=None):
        event = await running.functions.event("connect")
        assert set(event) == {
            *("headers", "multiValueHeaders", "requestContext", "isBase64Encoded"),
        }
        assert set(event["requestContext"]["identity"]) == {"sourceIp"}


@in_loop
async def test_stage_variables_are_in_events() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-stages.html"""
    api = api_with(stage_variables={"color": "blue"})
    async with gateway(api) as running, running.client() as client:
        await client.send("hello")
        for name in ("connect", "default"):
            event = await running.functions.event(name)
            assert event["stageVariables"] == {"color": "blue"}


@in_loop
async def test_the_address_of_the_browser_is_the_first_forwarded_one() -> None:
    """Chosen: on AWS it is the TCP peer's, which is the edge here."""
    headers = {"X-Forwarded-For": "203.0.113.7, 10.0.0.1", "X-Forwarded-Proto": "http"}
    async with gateway() as running, running.client(additional_headers=headers):
        event = await running.functions.event("connect")
        assert event["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"
        assert event["headers"]["X-Forwarded-For"] == "203.0.113.7, 10.0.0.1"
        assert event["headers"]["X-Forwarded-Proto"] == "http"


@in_loop
async def test_connect_is_optional() -> None:
    """Setting up an integration for $connect is optional."""
    api = api_with("$default", answering=["$default"])
    async with gateway(api) as running, running.client() as client:
        running.functions.returns("default", {"statusCode": 200, "body": "hi"})
        await client.send("hello")
        assert await client.recv() == "hi"
        assert not running.functions.named("connect")


@in_loop
async def test_a_mock_integration_lets_everybody_in() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-requests.html"""
    api = api_with("$default")
    mocked = type(api)(api.api_id, api.stage, routes={"$connect": Route("$connect", "")})
    async with gateway(mocked) as running, running.client():
        assert not running.functions.events


@in_loop
async def test_the_status_of_connect_refuses_the_handshake() -> None:
    """If the $connect request fails, the connection will not be made: the client sees the status.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
    shows a 400 of the Lambda's as the client sees it.
    """
    expected = {
        **{status: status for status in (300, 302, 304, 400, 401, 403, 404, 418, 500, 503, 599)},
        # No HTTP status at all, or none that could end a request.
        **dict.fromkeys((-1, 0, 100, 101, 199, 600, 1000), 500),
    }
    async with gateway() as running:
        for status, seen in expected.items():
            running.functions.returns("connect", {"statusCode": status})
            assert await status_of_refusal(running) == seen
        for accepted in (200, 204, 299, "200"):
            running.functions.returns("connect", {"statusCode": accepted})
            async with running.client():
                pass
        await running.settled()
        # Only who was connected can be disconnected.
        assert len(running.functions.named("disconnect")) == 4


@in_loop
async def test_a_refusal_tells_nothing_of_the_lambda() -> None:
    async with gateway() as running:
        running.functions.returns("connect", {"statusCode": 403, "body": "secret"})
        with pytest.raises(InvalidStatus) as refused:
            async with running.client():
                pass
        assert b"Forbidden" in refused.value.response.body
        assert b"secret" not in refused.value.response.body


@in_loop
async def test_what_fails_in_connect_is_a_5xx() -> None:
    """502 for a function that fails or answers nonsense: seen on AWS, and as for REST APIs.

    https://github.com/serverless/serverless-websockets-plugin/issues/13
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    malformed: list[Any] = [
        *(None, "text", 5, [], {}, {"body": "x"}, {"statusCode": None}, {"statusCode": "ok"}),
        *({"statusCode": True}, {"statusCode": 200.5}),
        {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": 5}},
        {"statusCode": 200, "multiValueHeaders": {"Sec-WebSocket-Protocol": {}}},
        failing(),
        Answer(200, b"no JSON"),
        Answer(200, b"[" * 100_000),
    ]
    async with gateway() as running:
        for result in malformed:
            running.functions.returns("connect", result)
            assert await status_of_refusal(running) == 502, result
        for result in (Answer(404, b"{}"), Answer(429, b"{}"), Answer(500, b""), Answer(503)):
            running.functions.returns("connect", result)
            assert await status_of_refusal(running) == 500, result
        assert not running.functions.named("disconnect")


@in_loop
async def test_connect_that_takes_too_long_is_a_504() -> None:
    """The integration's timeout is 50 ms to 29 s.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """

    async def hang(_event: Json) -> None:
        await asyncio.Event().wait()

    limits = Limits(integration_seconds=0.05)
    async with gateway(limits=limits) as running:
        running.functions.by_name["connect"] = hang
        assert await status_of_refusal(running) == 504
    async with gateway(api_with("$connect", timeouts={"$connect": 0.05})) as running:
        running.functions.by_name["connect"] = hang
        assert await status_of_refusal(running) == 504


@in_loop
async def test_a_function_that_cannot_be_reached_is_a_500() -> None:
    async with gateway() as running:
        # A connection that ends without an answer: the emulator was killed, for example.
        def cut(_event: Json) -> None:
            transport = running.functions.requests[-1].transport
            assert transport is not None
            transport.abort()

        running.functions.by_name["connect"] = cut
        assert await status_of_refusal(running) == 500


@in_loop
async def test_other_stages_and_paths_are_forbidden() -> None:
    """Chosen, not documented: a stage that does not exist is a 403, as for REST APIs."""
    async with gateway() as running:
        for path in ("/", "/other", "/prod/more", "/@connections", "/PROD"):
            assert await status_of_refusal(running, path) == 403
            assert "/prod" in running.observed[-1][1]["reason"]
        for path in ("/prod/", "/%70rod"):
            assert await status_of_refusal(running, path) == 101
        assert len(running.functions.named("connect")) == 2


@in_loop
async def test_who_leaves_during_connect_is_disconnected() -> None:
    """$disconnect is executed after the connection is closed; $connect had its effects already."""
    go = asyncio.Event()

    async def connect(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 200}

    async with gateway() as running:
        running.functions.by_name["connect"] = connect
        async with running.raw() as client:
            await client.send(handshake())
            event = await running.functions.event("connect")
            client.vanish()
        go.set()
        left = await running.functions.event("disconnect")
        assert left["requestContext"]["disconnectStatusCode"] == 1006
        for name in ("connectionId", "connectedAt"):
            assert left["requestContext"][name] == event["requestContext"][name]


@in_loop
async def test_who_leaves_during_a_refusal_is_not() -> None:
    go = asyncio.Event()

    async def connect(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 401}

    async with gateway() as running:
        running.functions.by_name["connect"] = connect
        async with running.raw() as client:
            await client.send(handshake())
            await running.functions.event("connect")
            client.vanish()
        go.set()
        while not any(what == "refused" for what, _ in running.observed):
            await asyncio.sleep(0.001)
        assert not running.functions.named("disconnect")


# --- Subprotocols ---------------------------------------------------------------------------


@in_loop
async def test_the_subprotocol_is_what_connect_returns() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html"""

    def connect(event: Json) -> Json:
        asked = event["headers"].get("Sec-WebSocket-Protocol", "").split(",")
        if "myprotocol" not in [name.strip() for name in asked]:
            return {"statusCode": 400}
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "myprotocol"}}

    async with gateway() as running:
        running.functions.by_name["connect"] = connect
        assert await status_of_refusal(running, protocols=["chat1"]) == 400
        async with running.client(subprotocols=["chat1", "myprotocol"]) as client:
            assert client.subprotocol == "myprotocol"
        running.functions.by_name["connect"] = lambda _: {
            "statusCode": 200,
            "headers": {"Set-Cookie": "a=b"},
            "multiValueHeaders": {"sec-websocket-protocol": ["two", "one"]},
        }
        async with running.client(subprotocols=["one", "two"]) as client:
            assert client.subprotocol == "two"
            assert client.response is not None
            assert "set-cookie" not in client.response.headers


@in_loop
async def test_without_a_choice_there_is_no_subprotocol() -> None:
    async with gateway() as running, running.client(subprotocols=["one"]) as client:
        assert client.subprotocol is None


# --- Authorizers ----------------------------------------------------------------------------


@in_loop
async def test_the_event_of_an_authorizer_is_the_documented_one() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html"""
    api = api_with(authorizer=Authorizer(arn("authorizer"), IDENTITY))
    async with gateway(api) as running:
        running.functions.by_name["authorizer"] = allow
        headers = {"HeaderAuth1": "headerValue1"}
        path = "/prod?QueryString1=queryValue1"
        async with running.client(path, additional_headers=headers, user_agent_header=None):
            event = await running.functions.event("authorizer")
        assert set(event) == {
            *("type", "methodArn", "headers", "multiValueHeaders", "queryStringParameters"),
            *("multiValueQueryStringParameters", "stageVariables", "requestContext"),
        }
        assert event["type"] == "REQUEST"
        documented = "arn:aws:execute-api:us-east-1:000000000000:abcdef123/prod/$connect"
        assert event["methodArn"] == documented
        assert set(event["headers"]) == set(event["multiValueHeaders"])
        assert set(event["headers"]) == {
            *("Connection", "content-length", "HeaderAuth1", "Host", "Sec-WebSocket-Key"),
            *("Sec-WebSocket-Version", "Upgrade", "X-Amzn-Trace-Id", "X-Forwarded-For"),
            *("X-Forwarded-Port", "X-Forwarded-Proto"),
        }
        assert event["headers"]["Connection"] == "upgrade"
        assert event["headers"]["content-length"] == "0"
        assert event["headers"]["Upgrade"] == "websocket"
        assert event["multiValueHeaders"]["HeaderAuth1"] == ["headerValue1"]
        assert event["queryStringParameters"] == {"QueryString1": "queryValue1"}
        assert event["multiValueQueryStringParameters"] == {"QueryString1": ["queryValue1"]}
        assert event["stageVariables"] == {}
        assert set(event["requestContext"]) == {
            *("routeKey", "eventType", "extendedRequestId", "requestTime", "messageDirection"),
            *("stage", "connectedAt", "requestTimeEpoch", "identity", "requestId"),
            *("domainName", "connectionId", "apiId"),
        }
        connected = await running.functions.event("connect")
        for name in ("connectionId", "connectedAt"):
            assert connected["requestContext"][name] == event["requestContext"][name]


@in_loop
async def test_what_an_authorizer_says_is_in_later_events_as_text() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html"""
    context = {"key": "value", "numKey": 1, "boolKey": True}
    api = api_with(authorizer=Authorizer(arn("authorizer")))
    async with gateway(api) as running:
        running.functions.by_name["authorizer"] = lambda event: allow(event, context=context)
        async with running.client() as client:
            await client.send("hello")
            await running.functions.event("default")
        await running.functions.event("disconnect")
        expected = {"principalId": "me", "key": "value", "numKey": "1", "boolKey": "true"}
        for name in ("connect", "default", "disconnect"):
            event = running.functions.named(name)[0]
            assert event["requestContext"]["authorizer"] == expected


@in_loop
async def test_a_missing_identity_source_is_a_401_without_asking() -> None:
    """If a source is missing, null or empty, 401 without calling the authorizer's function.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-lambda-authorizer-cross-account-lambda-authorizer.html
    """
    sources = (*IDENTITY, "stageVariables.color", "context.identity.sourceIp")
    header = {"headerauth1": "1"}
    api = api_with(
        authorizer=Authorizer(arn("authorizer"), sources), stage_variables={"color": "blue"}
    )
    async with gateway(api) as running:
        running.functions.by_name["authorizer"] = allow
        path = "/prod?QueryString1=1"
        assert await status_of_refusal(running, path) == 401
        assert await status_of_refusal(running, path, headers={"HeaderAuth1": ""}) == 401
        assert await status_of_refusal(running, headers=header) == 401
        assert await status_of_refusal(running, "/prod?QueryString1=", headers=header) == 401
        assert not running.functions.events
        assert await status_of_refusal(running, path, headers=header) == 101
        assert len(running.functions.named("authorizer")) == 1
    api = api_with(authorizer=Authorizer(arn("authorizer"), ("stageVariables.color",)))
    async with gateway(api) as running:
        assert await status_of_refusal(running) == 401


@in_loop
async def test_an_authorizer_can_deny() -> None:
    """If authorization fails, the client will receive a 401 or 403 response."""
    wide = "arn:aws:execute-api:us-east-1:*:abcdef123/*"
    both = policy("Allow", "*")
    both["policyDocument"]["Statement"] += policy("Deny", "*")["policyDocument"]["Statement"]
    verdicts: list[tuple[Any, int]] = [
        (policy("Deny", "*"), 403),
        (both, 403),
        (policy("Allow", "arn:aws:execute-api:us-east-1:000000000000:other/*"), 403),
        (policy("Allow", "*", "lambda:InvokeFunction"), 403),
        (policy("allow", "*"), 403),
        ({"principalId": "me", "policyDocument": {"Statement": []}}, 403),
        (policy("Allow", wide), 101),
        (policy("Allow", "*", "execute-api:*"), 101),
        (policy("Allow", ["nothing", wide], ["execute-api:Invoke"]), 101),
        (failing("Unauthorized", "Exception"), 401),
    ]
    api = api_with(authorizer=Authorizer(arn("authorizer")))
    async with gateway(api) as running:
        for verdict, status in verdicts:
            running.functions.returns("authorizer", verdict)
            assert await status_of_refusal(running) == status, verdict
        assert len(running.functions.named("connect")) == 3


@in_loop
async def test_an_authorizer_that_makes_no_sense_is_a_500() -> None:
    """Its result is at most 8 KB, and its context has neither objects nor arrays.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    fine = policy("Allow", "*")
    nonsense: list[Any] = [
        *(None, [], "Allow", {}, {"principalId": "me"}),
        *({"principalId": "me", "policyDocument": []}, {**fine, "principalId": None}),
        {"principalId": "me", "policyDocument": {"Statement": "Allow"}},
        {**fine, "context": {"nested": {}}},
        {**fine, "context": {"listed": []}},
        {**fine, "context": ["a"]},
        {**fine, "context": {"long": "x" * 8192}},
        failing("something else"),
        Answer(500),
    ]
    odd = policy("Allow", "*")
    odd["policyDocument"]["Statement"] = ["text", {"Effect": ["Allow"]}, {"Effect": "Allow"}]
    api = api_with(authorizer=Authorizer(arn("authorizer")))
    async with gateway(api, limits=Limits(closing_seconds=0.1)) as running:
        for verdict in nonsense:
            running.functions.returns("authorizer", verdict)
            assert await status_of_refusal(running) == 500, verdict
        running.functions.returns("authorizer", odd)
        assert await status_of_refusal(running) == 403
        running.functions.by_name["authorizer"] = lambda _: {
            **fine,
            "policyDocument": {"Statement": fine["policyDocument"]["Statement"][0]},
        }
        assert await status_of_refusal(running) == 101


# --- Limits ---------------------------------------------------------------------------------


@in_loop
async def test_new_connections_per_second_are_limited() -> None:
    """500 a second for each account; above it 429.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    async with gateway(limits=Limits(connects_per_second=2, closing_seconds=0.1)) as running:
        assert [await status_of_refusal(running) for _ in range(3)] == [101, 101, 429]
        running.clock.now += 0.5
        assert [await status_of_refusal(running) for _ in range(2)] == [101, 429]
        assert len(running.functions.named("connect")) == 3


@in_loop
async def test_the_stage_can_limit_connect() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html"""
    api = api_with(throttles={"$connect": Throttle(rate=1, burst=1)})
    async with gateway(api) as running:
        assert [await status_of_refusal(running) for _ in range(2)] == [101, 429]
        running.clock.now += 1
        assert await status_of_refusal(running) == 101


@in_loop
async def test_a_url_has_4096_characters_at_most() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"""
    async with gateway() as running:
        longest = "/prod?" + "x" * (4096 - len("/prod?"))
        assert await status_of_refusal(running, longest) == 101
        assert await status_of_refusal(running, longest + "x") == 414


@in_loop
async def test_it_has_tls_for_clients_that_want_it() -> None:
    async with gateway(api_with(answering=["$default"]), tls=True) as running:
        running.functions.returns("default", {"statusCode": 200, "body": "hi"})
        async with running.client(tls=True) as client:
            await client.send("hello")
            assert await client.recv() == "hi"
        left = await running.functions.event("disconnect")
        assert left["requestContext"]["disconnectStatusCode"] == 1000


@in_loop
async def test_less_than_one_connection_a_second_is_a_limit_too() -> None:
    async with gateway(limits=Limits(connects_per_second=0.5, closing_seconds=0.1)) as running:
        assert [await status_of_refusal(running) for _ in range(2)] == [101, 429]
        running.clock.now += 2
        assert [await status_of_refusal(running) for _ in range(2)] == [101, 429]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0"])
def test_a_limit_is_a_number(value: str) -> None:
    with pytest.raises(InfraError, match="idle_seconds must be above 0"):
        Limits.from_pairs([f"idle_seconds={value}"])
