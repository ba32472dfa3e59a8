"""Who may talk to the emulated AWS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra.local.ministack.guard import Message, guarded

DYNAMODB = {"x-amz-target": "DynamoDB_20120810.Scan"}
APP = "/_aws/execute-api/abc/prod/items"


def answer(path: str, **more: str) -> tuple[int, dict[str, str]]:
    """Status and headers that a request gets from an app that answers 200 to everything."""

    async def everything(scope: Message, _receive: Any, send: Any) -> None:
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x", b"y")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    headers = {"host": "127.0.0.1:4566"} | {k.replace("_", "-"): v for k, v in more.items()}
    scope = {
        "type": "http",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def ask() -> None:
        await guarded(everything)(scope, receive, send)

    asyncio.run(ask())
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:1", "127.0.0.1:4566", "[::1]:4566", "bucket.localhost:4566"),
        *("dynamodb.ap-northeast-2.amazonaws.com", "bucket.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_programs_of_this_machine_are_served(host: str) -> None:
    assert answer("/", host=host) == (200, {"x": "y"})


@pytest.mark.parametrize(
    "host", ["", "evil.com", "evil.com:4566", "localhost.evil.com", "evilamazonaws.com", "10.0.0.1"]
)
def test_names_that_lead_here_are_not(host: str) -> None:
    assert answer("/", host=host)[0] == 421
    assert answer(APP, host=host)[0] == 421


@pytest.mark.parametrize("path", ["/", "/_ministack/reset", "/2015-03-31/functions", "/restapis"])
@pytest.mark.parametrize(
    "header", [{"origin": "https://evil.com"}, {"origin": "null"}, {"sec_fetch_site": "none"}]
)
def test_web_pages_are_not(path: str, header: dict[str, str]) -> None:
    status, headers = answer(path, **header)
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "path",
    ["/_ministack/reset", "/_ministack/config", "/_ministack/lambda-code/f", "/_localstack/health"],
)
def test_what_needs_no_signature_is_not_there(path: str) -> None:
    assert answer(path)[0] == 404


def test_lambdas_of_custom_resources_can_answer() -> None:
    assert answer("/_ministack/cfn-response/token")[0] == 200


@pytest.mark.parametrize("path", [APP, "/_aws/lambda-url/abc/x"])
def test_the_apps_own_apis_are_for_pages_and_have_their_own_cors(path: str) -> None:
    status, headers = answer(path, origin="http://localhost:3000", sec_fetch_site="same-site")
    assert (status, headers["access-control-allow-origin"]) == (200, "*")


def test_what_only_begins_like_the_apps_own_is_not() -> None:
    assert answer("/_aws/execute-api/abc", origin="http://localhost")[0] == 403
    assert answer("/_aws/lambda-url/", origin="http://localhost")[0] == 403
