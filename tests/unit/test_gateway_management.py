"""The management API, called by boto3's own client.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/apigatewaymanagementapi.html
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from yarl import URL

from infra.errors import InfraError
from infra.local.gateway.limits import Limits
from infra.local.gateway.permissions import Access
from infra.local.gateway.sigv4 import Credentials
from tests.unit.gateway_harness import (
    KEY,
    ROLE,
    STAGE,
    Json,
    Running,
    gateway,
    in_loop,
)

UNKNOWN = "AAAAAAAAAAAAAAA="
LIMITS = Limits(closing_seconds=0.1)


def reasons(running: Running) -> list[str]:
    """Why connections were cut off."""
    return [str(details["reason"]) for what, details in running.observed if what == "cut"]


async def call(client: Any, operation: str, **arguments: Any) -> Any:
    return await asyncio.to_thread(getattr(client, operation), **arguments)


async def failure(client: Any, operation: str, **arguments: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that fails."""
    with pytest.raises(ClientError) as failed:
        await call(client, operation, **arguments)
    response = failed.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@in_loop
async def test_a_post_reaches_the_client(tls: bool) -> None:
    """With https, its certificate is checked by AWS_CA_BUNDLE's authority."""
    async with gateway(tls=True) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        management = running.management(tls=tls)
        answer = await call(
            management, "post_to_connection", ConnectionId=connection_id, Data="안녕".encode()
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert await client.recv() == "안녕"
        # The same connection is used again.
        for number in range(3):
            await call(
                management, "post_to_connection", ConnectionId=connection_id, Data=str(number)
            )
            assert await client.recv() == str(number)


@in_loop
async def test_a_lambda_posts_to_the_domain_of_its_event() -> None:
    """The callback URL is https://{domainName}/{stage}, as the documentation builds it."""
    async with gateway(tls=True) as running, running.client() as client:
        context = (await running.functions.event("connect"))["requestContext"]
        management = running.management(tls=True)
        expected = f"https://{context['domainName']}/{context['stage']}"
        assert management.meta.endpoint_url == expected
        await call(
            management,
            "post_to_connection",
            ConnectionId=context["connectionId"],
            Data=b"hello",
        )
        assert await client.recv() == "hello"


@pytest.mark.parametrize("size", [1, 125, 126, 32 * 1024, 32 * 1024 + 1, 100 * 1024, 128 * 1024])
@in_loop
async def test_posts_arrive_whole(size: int) -> None:
    """128 KB at most; no frame is above 32 KB.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    data = ("한글" * size).encode()[:size].decode(errors="ignore").encode()
    data += b"x" * (size - len(data))
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        posted = asyncio.create_task(running.post(await running.id_of_latest(), data))
        frames: list[bytes] = []
        while sum(map(len, frames)) < size:
            opcode, payload = await client.frame()
            assert opcode == (0 if frames else 1)
            assert len(payload) <= 32 * 1024
            frames.append(payload)
        assert b"".join(frames) == data
        await posted


@in_loop
async def test_a_post_above_128_kb_is_too_large() -> None:
    async with gateway() as running, running.client() as client:
        connection_id = await running.id_of_latest()
        management = running.management()
        status, code, _ = await failure(
            management,
            "post_to_connection",
            ConnectionId=connection_id,
            Data=b"x" * (128 * 1024 + 1),
        )
        assert (status, code) == (413, "PayloadTooLargeException")
        with pytest.raises(management.exceptions.PayloadTooLargeException):
            await call(
                management,
                "post_to_connection",
                ConnectionId=connection_id,
                Data=b"x" * 1024 * 1024,
            )
        await running.post(connection_id, b"short")
        assert await client.recv() == "short"


@in_loop
async def test_a_connection_is_described() -> None:
    """When it was established and last active, its address and user agent."""
    async with gateway() as running, running.client(user_agent_header="a browser") as client:
        connection_id = await running.id_of_latest()
        running.clock.now += 100.25
        await client.send("hello")
        await running.functions.event("default")
        running.clock.now += 50
        management = running.management()
        found = await call(management, "get_connection", ConnectionId=connection_id)
        context = (await running.functions.event("connect"))["requestContext"]
        connected = datetime.fromtimestamp(context["connectedAt"] / 1000, UTC)
        assert found["ConnectedAt"] == connected
        assert (found["LastActiveAt"] - connected).total_seconds() == 100.25
        assert found["Identity"] == {
            "SourceIp": context["identity"]["sourceIp"],
            "UserAgent": "a browser",
        }


@in_loop
async def test_a_connection_is_deleted() -> None:
    """The reason in $disconnect is as seen on AWS: https://github.com/aws/chalice/issues/2060"""
    async with gateway() as running:
        async with running.client() as client:
            connection_id = await running.id_of_latest()
            management = running.management()
            answer = await call(management, "delete_connection", ConnectionId=connection_id)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1000
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1000
        assert context["disconnectReason"] == "Connection Closed Normally"
        assert context["connectionId"] == connection_id


OPERATIONS = {
    "post_to_connection": {"Data": b"hello"},
    "get_connection": {},
    "delete_connection": {},
}


@pytest.mark.parametrize(("operation", "arguments"), OPERATIONS.items())
@in_loop
async def test_a_connection_that_is_gone_is_gone(operation: str, arguments: Json) -> None:
    """https://repost.aws/knowledge-center/410-gone-api-gateway"""
    async with gateway() as running:
        management = running.management()
        async with running.client():
            connection_id = await running.id_of_latest()
        await running.functions.event("disconnect")
        for gone in (connection_id, UNKNOWN):
            with pytest.raises(management.exceptions.GoneException) as raised:
                await call(management, operation, ConnectionId=gone, **arguments)
            assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


@in_loop
async def test_a_connection_inside_connect_is_gone() -> None:
    """A message was posted before the connection was established.

    https://repost.aws/knowledge-center/410-gone-api-gateway
    """
    async with gateway() as running:
        management = running.management()
        outcomes: list[str] = []

        async def connect(event: Json) -> Json:
            connection_id = event["requestContext"]["connectionId"]
            for operation, arguments in OPERATIONS.items():
                status, code, _ = await failure(
                    management, operation, ConnectionId=connection_id, **arguments
                )
                outcomes.append(f"{status} {code}")
            return {"statusCode": 200}

        running.functions.by_name["connect"] = connect
        async with running.client() as client:
            assert outcomes == ["410 GoneException"] * 3
            await running.post(await running.id_of_latest(), b"now")
            assert await client.recv() == "now"


@in_loop
async def test_a_connection_that_is_closing_is_gone() -> None:
    async with gateway(limits=Limits(closing_seconds=5)) as running, running.raw() as client:
        await client.upgrade()
        connection_id = await running.id_of_latest()
        management = running.management()
        await call(management, "delete_connection", ConnectionId=connection_id)
        assert running.gateway.connections == 1  # until the client answers
        for operation, arguments in OPERATIONS.items():
            status, code, _ = await failure(
                management, operation, ConnectionId=connection_id, **arguments
            )
            assert (status, code) == (410, "GoneException")


@in_loop
async def test_calls_above_the_limit_are_refused() -> None:
    """Messages and callbacks count together: 10,000 a second.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    """
    limits = Limits(requests_per_second=1, request_burst=3, closing_seconds=0.1)
    async with gateway(limits=limits) as running, running.client() as client:
        connection_id = await running.id_of_latest()
        management = running.management()
        await client.send("counts, too")
        await running.functions.event("default")
        await call(management, "get_connection", ConnectionId=connection_id)
        await running.post(connection_id, b"hello")
        with pytest.raises(management.exceptions.LimitExceededException) as raised:
            await running.post(connection_id, b"too much")
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        running.clock.now += 1
        await running.post(connection_id, b"later")
        assert [await client.recv() for _ in range(2)] == ["hello", "later"]


@pytest.mark.parametrize(
    "connection_id", ["x", "with space", "안녕", "a" * 65, "../prod", "a%2Fb", "abcdefgh\n"]
)
@in_loop
async def test_what_can_be_no_id_is_a_bad_request(connection_id: str) -> None:
    """Chosen, not documented; the text is as people have reported it from AWS."""
    async with gateway() as running:
        status, code, message = await failure(
            running.management(), "get_connection", ConnectionId=connection_id
        )
        assert (status, code) == (400, "BadRequestException")
        assert message == f"Invalid connectionId: {connection_id}"


@in_loop
async def test_only_text_can_be_posted() -> None:
    """Chosen, not documented: what is no UTF-8 would end the client's connection with 1007."""
    async with gateway() as running, running.client() as client:
        connection_id = await running.id_of_latest()
        status, code, _ = await failure(
            running.management(),
            "post_to_connection",
            ConnectionId=connection_id,
            Data=b"\xff\xfe",
        )
        assert (status, code) == (400, "BadRequestException")
        await running.post(connection_id, b"fine")
        assert await client.recv() == "fine"


# --- Permissions ----------------------------------------------------------------------------


@in_loop
async def test_permission_is_asked_for_the_documented_resource() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html"""
    async with gateway() as running, running.client():
        connection_id = await running.id_of_latest()
        management = running.management(ROLE)
        for operation, arguments in OPERATIONS.items():
            await call(management, operation, ConnectionId=connection_id, **arguments)
        base = f"arn:aws:execute-api:us-east-1:000000000000:abcdef123/{STAGE}"
        action = "execute-api:ManageConnections"
        assert running.asked == [
            (ROLE.access_key_id, ROLE.session_token, action, f"{base}/{method}/@connections/*")
            for method in ("POST", "GET", "DELETE")
        ]


@in_loop
async def test_permission_is_asked_again_after_a_while() -> None:
    async with gateway() as running, running.client():
        connection_id = await running.id_of_latest()
        for _ in range(3):
            await running.post(connection_id, b"x")
        assert len(running.asked) == 1
        running.accesses[KEY.access_key_id] = Access(KEY.secret_access_key, False, "denied by test")
        running.clock.now += 5
        failed = await failure(
            running.management(), "post_to_connection", ConnectionId=connection_id, Data=b"x"
        )
        assert failed == (403, "AccessDeniedException", "denied by test")
        assert len(running.asked) == 2


@in_loop
async def test_who_is_not_allowed_is_told_so() -> None:
    """https://docs.aws.amazon.com/apigateway/latest/api/CommonErrors.html"""
    async with gateway() as running, running.client():
        connection_id = await running.id_of_latest()

        async def refused(credentials: Credentials) -> tuple[int, str]:
            status, code, message = await failure(
                running.management(credentials), "get_connection", ConnectionId=connection_id
            )
            assert message
            return status, code

        stranger = Credentials("AKIDSTRANGER", "secret")
        assert await refused(stranger) == (403, "UnrecognizedClientException")
        liar = Credentials(KEY.access_key_id, "not the secret")
        assert await refused(liar) == (403, "InvalidSignatureException")
        why = "User: x is not authorized to perform: execute-api:ManageConnections"
        running.accesses["AKIDLIMITED"] = Access("secret", False, why)
        assert await refused(Credentials("AKIDLIMITED", "secret")) == (403, "AccessDeniedException")


async def raw_call(
    running: Running,
    method: str = "POST",
    path: str | None = None,
    data: bytes = b"hello",
    **headers: str,
) -> tuple[int, str, Json]:
    """A call with headers of one's own; status, error type and content."""
    path = path or f"/{STAGE}/@connections/{quote(await running.id_of_latest())}"
    url = URL(f"http://localhost:{running.gateway.port}{path}", encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data, headers=headers) as answer,
    ):
        kind = answer.headers.get("x-amzn-ErrorType", "")
        return answer.status, kind, json.loads(await answer.read() or b"{}")


def signed(
    running: Running, path: str, data: bytes = b"hello", service: str = "execute-api"
) -> Json:
    """Headers of a POST, signed by botocore."""
    url = f"http://localhost:{running.gateway.port}{path}"
    request = AWSRequest("POST", url, data=data)
    SigV4Auth(
        BotoCredentials(KEY.access_key_id, KEY.secret_access_key), service, "us-east-1"
    ).add_auth(request)
    return dict(request.headers)


@in_loop
async def test_a_call_must_be_signed() -> None:
    """These requests use IAM authorization, so you must sign them with Signature Version 4."""
    async with gateway() as running, running.client():
        status, kind, content = await raw_call(running)
        assert (status, kind) == (403, "MissingAuthenticationTokenException")
        assert content == {"message": "Missing Authentication Token"}
        for authorization in (
            *("", "x", "Bearer token", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x"),
            "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=y",
            "AWS4-HMAC-SHA256 Credential=안녕/b/c/d/aws4_request, SignedHeaders=host, Signature=y",
        ):
            status, kind, _ = await raw_call(running, Authorization=authorization)
            assert (status, kind) == (403, "IncompleteSignatureException"), authorization


@in_loop
async def test_a_signature_is_for_one_request_alone() -> None:
    async with gateway() as running, running.client() as client:
        path = f"/{STAGE}/@connections/{quote(await running.id_of_latest())}"
        headers = signed(running, path)
        assert (await raw_call(running, path=path, **headers))[0] == 200
        assert await client.recv() == "hello"
        scope = headers["Authorization"]
        tampered: list[tuple[str, Json]] = [
            ("body", {"data": b"hallo"}),
            ("path", {"path": path.replace("%3D", "=")}),
            ("query", {"path": f"{path}?a=b"}),
            ("method", {"method": "DELETE"}),
            ("date", {"X-Amz-Date": "20200101T000000Z"}),
            ("no date", {"X-Amz-Date": "yesterday"}),
            ("host", {"Host": "localhost:1"}),
            ("region", {"Authorization": scope.replace("us-east-1", "us-east-2")}),
            ("signature", {"Authorization": scope[:-1] + ("0" if scope[-1] != "0" else "1")}),
            ("headers", {"Authorization": scope.replace("host;", "")}),
            ("header bytes", {"Authorization": scope.replace("host;", "host;x-b;"), "X-B": "한"}),
        ]
        for name, changes in tampered:
            request: Json = {"path": path, **headers, **changes}
            status, kind, _ = await raw_call(running, **request)
            assert (status, kind) == (403, "InvalidSignatureException"), name
        elsewhere = signed(running, path, service="lambda")
        status, kind, _ = await raw_call(running, path=path, **elsewhere)
        assert (status, kind) == (403, "InvalidSignatureException")


@in_loop
async def test_other_methods_and_stages_are_forbidden() -> None:
    """As seen on AWS when the endpoint is wrong: 403 ForbiddenException.

    https://csdcorp.com/blog/coding/aws-websocket-403-using-posttoconnect/
    """
    async with gateway() as running, running.client():
        for method in ("PUT", "PATCH", "HEAD", "OPTIONS"):
            status, kind, _ = await raw_call(running, method)
            assert (status, kind) == (403, "ForbiddenException")
        path = f"/other/@connections/{quote(await running.id_of_latest())}"
        headers = signed(running, path)
        status, kind, _ = await raw_call(running, path=path, **headers)
        assert (status, kind) == (403, "ForbiddenException")


# --- Bad calls, slow readers ----------------------------------------------------------------


@in_loop
async def test_a_call_that_breaks_off_does_no_harm() -> None:
    async with gateway() as running, running.client() as client:
        connection_id = await running.id_of_latest()
        path = f"/{STAGE}/@connections/{quote(connection_id)}"
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n".encode()
        for ending in ("end", "vanish"):
            async with running.raw() as caller:
                await caller.send(head + b"x" * 50)
                if ending == "vanish":
                    caller.vanish()
        await running.post(connection_id, b"fine")
        assert await client.recv() == "fine"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@in_loop
async def test_a_client_that_does_not_read_is_cut_off(tls: bool) -> None:
    """429: the WebSocket client side buffer is full. That it is cut off then is chosen."""
    limits = Limits(unread_bytes=256 * 1024, closing_seconds=0.1)
    async with gateway(limits=limits, tls=True) as running, running.raw(tls=tls) as client:
        await client.upgrade()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket has it
        connection_id = await running.id_of_latest()
        management = running.management()
        posted = {"ConnectionId": connection_id, "Data": b"x" * 100_000}
        statuses: list[int] = []
        while not statuses or (statuses[-1] == 200 and len(statuses) < 1000):
            try:
                answer = await call(management, "post_to_connection", **posted)
            except management.exceptions.LimitExceededException as error:
                answer = error.response
            statuses.append(answer["ResponseMetadata"]["HTTPStatusCode"])
        assert statuses[-1] == 429
        # What waited was bounded by the limit and what the kernel keeps, some MB.
        assert len(statuses) < 200
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1006
        with pytest.raises(management.exceptions.GoneException):
            await running.post(connection_id, b"x")
    assert reasons(running) == ["it does not read"]


@in_loop
async def test_a_slow_reader_below_the_limit_gets_everything() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        connection_id = await running.id_of_latest()
        for number in range(20):
            await running.post(connection_id, f"{number:06}" * 1000)
        for number in range(20):
            assert await client.frame() == (1, f"{number:06}".encode() * 1000)


@in_loop
async def test_other_requests_go_to_the_fallback() -> None:
    async def fallback(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return web.json_response({"path": request.raw_path, "bytes": len(body)})

    async with gateway(fallback=fallback) as running:
        for path in ("/", "/prod", "/prod/@connections", "/prod/@connections/", "/api/x?y=z"):
            status, _, content = await raw_call(running, path=path, data=b"x" * 500_000)
            assert (status, content) == (200, {"path": path, "bytes": 500_000})
    async with gateway() as running:
        assert (await raw_call(running, path="/"))[0] == 404


@in_loop
async def test_permissions_that_cannot_be_asked_are_a_failure_of_the_gateway() -> None:
    async with gateway() as running, running.client():
        running.refuses_to_authorize = InfraError("MiniStack has ended")
        posted = {"ConnectionId": await running.id_of_latest(), "Data": b"x"}
        status, code, message = await failure(running.management(), "post_to_connection", **posted)
        assert (status, code) == (500, "InternalServerErrorException")
        assert message == "Internal server error"
    (failed,) = (details for what, details in running.observed if what == "failed")
    assert failed["reason"] == "MiniStack has ended"
