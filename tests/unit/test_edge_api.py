"""The edge's /api/*: everything handed on as CloudFront does, failures told in JSON."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from infra.local.edge_api import BODY_BYTES_MAX
from tests.unit.edge_harness import HEADERS, edge_for, in_loop, serving, speaking


async def echo(request: web.Request) -> web.Response:
    answer = web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[name.lower(), value] for name, value in request.headers.items()],
            "body": (await request.read()).decode(),
        },
        status=201,
    )
    answer.headers.add("Set-Cookie", "session=1; HttpOnly")
    answer.headers.add("Set-Cookie", "attempt=; Max-Age=0")
    answer.headers["X-Amzn-Trace-Id"] = "Root=1"
    return answer


@in_loop
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_request_and_its_answer_arrive_as_they_were_sent(
    tmp_path: Path, method: str
) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        async with running.client.request(
            method,
            running.url("/api/rooms"),
            data=None if method == "GET" else "내용",
            headers={"Cookie": "a=1; b=2", "Origin": running.edge.origin, "User-Agent": "test"},
        ) as answer:
            sent = await answer.json()
        headers = dict(sent["headers"])
        assert answer.status == 201
        assert sent["method"] == method
        assert sent["target"] == "/base/rooms"
        assert sent["body"] == ("" if method == "GET" else "내용")
        assert headers["cookie"] == "a=1; b=2"
        assert headers["origin"] == running.edge.origin
        assert headers["user-agent"] == "test"
        assert headers["host"] == f"127.0.0.1:{port}"
        assert answer.headers.getall("Set-Cookie") == ["session=1; HttpOnly", "attempt=; Max-Age=0"]
        assert answer.headers["X-Amzn-Trace-Id"] == "Root=1"


@in_loop
async def test_path_and_query_keep_their_spelling(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        target = "/rooms%2Fx/%ED%95%9C?q=a%20b+c&q=2&next=%2Frooms%3Fa=b&empty="
        _, answer = await running.get_raw("/api" + target)
        assert f'"target": "/base{target}"'.encode() in answer


@in_loop
async def test_forwarding_headers_are_cloudfronts(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        async with running.client.get(
            running.url("/api/x"),
            headers={
                "X-Forwarded-For": "10.0.0.1",
                "X-Forwarded-Proto": "gopher",
                "Connection": "keep-alive, X-Private",
                "X-Private": "1",
                "TE": "trailers",
                "Proxy-Authorization": "secret",
            },
        ) as answer:
            headers = dict((await answer.json())["headers"])
        assert headers["x-forwarded-for"] in ("10.0.0.1, 127.0.0.1", "10.0.0.1, ::1")
        assert headers["x-forwarded-proto"] == "http"
        assert headers["x-forwarded-port"] == str(running.edge.port)
        assert headers["via"].endswith("(CloudFront)")
        assert "x-amz-cf-id" in headers
        assert not {"x-private", "te", "proxy-authorization"} & set(headers)


@in_loop
async def test_a_redirect_is_the_browsers_to_follow(tmp_path: Path) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://kauth.kakao.com/x"})

    async with (
        serving(redirect) as port,
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/api/auth/kakao"), allow_redirects=False) as answer,
    ):
        assert answer.status == 302
        assert answer.headers["Location"] == "https://kauth.kakao.com/x"


@in_loop
async def test_head_and_empty_answers_pass(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response(body=b"12345")
        return web.Response(status=204)

    async with serving(handler) as port, edge_for(tmp_path, port) as running:
        async with running.client.head(running.url("/api/x")) as answer:
            assert answer.headers["Content-Length"] == "5"
        async with running.client.get(running.url("/api/x")) as answer:
            assert answer.status == 204


@in_loop
async def test_an_answer_is_streamed_while_it_is_made(tmp_path: Path) -> None:
    proceed = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await proceed.wait()
        await response.write(b"second")
        return response

    async with (
        serving(handler) as port,
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/api/x")) as answer,
    ):
        assert await answer.content.readexactly(5) == b"first"
        proceed.set()
        assert await answer.content.read() == b"second"


@in_loop
async def test_a_compressed_answer_stays_compressed(tmp_path: Path) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})

    async with (
        serving(handler) as port,
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/api/x")) as answer,
    ):
        assert await answer.read() == b"\x1f\x8bnot really"


@in_loop
async def test_a_body_above_the_limit_is_refused(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        async with running.client.post(
            running.url("/api/x"), data=b"x" * (BODY_BYTES_MAX + 1)
        ) as answer:
            assert answer.status == 413
            assert (await answer.json())["code"] == "too_large"
        async with running.client.post(running.url("/api/x"), data=b"x" * 100_000) as answer:
            assert len((await answer.json())["body"]) == 100_000


@in_loop
async def test_an_api_that_is_down_is_502(tmp_path: Path) -> None:
    async with (
        edge_for(tmp_path, upstream_port=1) as running,
        running.client.post(running.url("/api/x"), data="x") as answer,
    ):
        body = await answer.json()
        assert answer.status == 502
        assert body["code"] == "internal"
        assert "reached" in body["message"]


@in_loop
async def test_an_api_that_is_silent_is_504(tmp_path: Path) -> None:
    async def silent(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with (
        serving(silent) as port,
        edge_for(tmp_path, port, api_timeout_seconds=0.02) as running,
        running.client.get(running.url("/api/x")) as answer,
    ):
        assert answer.status == 504
        assert (await answer.json())["code"] == "internal"


@in_loop
@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n"],
)
async def test_an_api_that_talks_nonsense_is_502(tmp_path: Path, said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with (
        speaking(talk) as port,
        edge_for(tmp_path, port) as running,
        running.client.post(running.url("/api/x"), data="x") as answer,
    ):
        assert answer.status == 502


@in_loop
async def test_an_answer_that_breaks_off_breaks_off_here_too(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with speaking(talk) as port, edge_for(tmp_path, port) as running:
        with pytest.raises(aiohttp.ClientError):
            async with running.client.get(running.url("/api/x")) as answer:
                await answer.read()


@in_loop
@pytest.mark.parametrize(
    "target", ["/api/../other", "/api/%2e%2e/other", "/api/x/..%2f..%2fy", "/%61pi/x"]
)
async def test_a_path_cannot_leave_the_api(tmp_path: Path, target: str) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        status, answer = await running.get_raw(target)
        assert b'"target"' not in answer
        assert status in (400, 503)


@in_loop
async def test_many_requests_at_once_keep_their_answers_apart(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:

        async def ask(number: int) -> None:
            async with running.client.post(
                running.url(f"/api/{number}"), data=str(number)
            ) as answer:
                sent = await answer.json()
                assert (sent["target"], sent["body"]) == (f"/base/{number}", str(number))

        await asyncio.gather(*(ask(number) for number in range(50)))


@in_loop
async def test_a_browser_that_leaves_in_the_middle_ends_the_request_quietly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65536)
        left.set()
        return response

    async with serving(endless) as port, edge_for(tmp_path, port) as running:
        async with running.client.get(running.url("/api/x")) as answer:
            await answer.content.readexactly(10)
            answer.close()
        await left.wait()
    messages = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert not messages


@in_loop
async def test_answers_have_the_sites_headers_in_place_of_their_own(tmp_path: Path) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response(headers={"X-Frame-Options": "SAMEORIGIN", "X-Own": "1"})

    async with (
        serving(own) as port,
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/api/x")) as answer,
    ):
        assert HEADERS.items() <= dict(answer.headers).items()
        assert answer.headers.getall("X-Frame-Options") == ["DENY"]
        assert answer.headers["X-Own"] == "1"
    # The edge's own answers, too.
    async with (
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/api/x")) as answer,
    ):
        assert answer.status == 502
        assert HEADERS.items() <= dict(answer.headers).items()
