"""The smoke test of a deployment, on the running stack and on sites with one fault each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
import requests

from infra.aws.smoke import CHECKS, Result, smoke
from tests.support.stack import LocalStack, free_port

Change = Callable[[str, int, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]


class Spoiler:
    """In front of the stack's site: hands everything on, but spoils what a test wants spoiled."""

    def __init__(self, origin: str) -> None:
        self.change: Change = lambda path, status, headers, body: (status, headers, body)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                # The site knows itself by one name only.
                sent = {name: value for name, value in self.headers.items() if name != "Host"}
                answer = requests.request(
                    self.command,
                    origin + self.path,
                    headers=sent,
                    allow_redirects=False,
                    timeout=30,
                )
                headers = {
                    name.lower(): value
                    for name, value in answer.headers.items()
                    if name.lower() not in ("content-encoding", "content-length", "connection")
                    and name.lower() != "transfer-encoding"
                }
                status, headers, body = outer.change(
                    self.path, answer.status_code, headers, answer.content
                )
                self.send_response_only(HTTPStatus(status))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server's name

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def spoiled(stack: LocalStack) -> Iterator[Spoiler]:
    made = Spoiler(stack.site.origin)
    yield made
    made.stop()


def failed(results: list[Result]) -> dict[str, str]:
    return {result.name: result.fault for result in results if result.fault is not None}


def look(stack: LocalStack, url: str = "", client_id: str = "") -> dict[str, str]:
    site = stack.site
    origin, websocket, auth_url = url or site.origin, site.websocket, site.kakao
    return failed(smoke(origin, websocket=websocket, auth_url=auth_url, client_id=client_id))


def test_a_running_site_passes_every_check(stack: LocalStack) -> None:
    lines: list[str] = []
    site = stack.site
    results = smoke(site.origin, websocket=site.websocket, auth_url=site.kakao, report=lines.append)
    assert failed(results) == {}
    assert [result.name for result in results] == list(CHECKS)
    assert all(line.startswith("ok ") for line in lines)


def test_another_rest_api_key_is_noticed(stack: LocalStack) -> None:
    assert look(stack, client_id="another") == {
        "sign-in at Kakao": "the client_id is not the stored REST API key"
    }


def drop(name: str) -> Change:
    def change(
        path: str, status: int, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        return status, {key: value for key, value in headers.items() if key != name}, body

    return change


def replace(where: str, status: int, body: bytes, **more: str) -> Change:
    def change(
        path: str, was: int, headers: dict[str, str], content: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if path.split("?")[0] != where:
            return was, headers, content
        return status, headers | {key.replace("_", "-"): text for key, text in more.items()}, body

    return change


def spoil_headers(where: str, **more: str) -> Change:
    def change(
        path: str, status: int, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if not path.startswith(where):
            return status, headers, body
        return status, headers | {key.replace("_", "-"): text for key, text in more.items()}, body

    return change


@pytest.mark.parametrize(
    ("change", "check", "fault"),
    [
        (drop("content-security-policy"), "page and its headers", "has no content-security-policy"),
        (drop("x-frame-options"), "page and its headers", "has no x-frame-options"),
        (
            spoil_headers(
                "/", content_security_policy="default-src 'none'; script-src 'unsafe-inline'"
            ),
            "page and its headers",
            "weak",
        ),
        (
            spoil_headers("/", cache_control="max-age=60"),
            "page and its headers",
            "Cache-Control of / is 'max-age=60'",
        ),
        (replace("/", 503, b"not built"), "page and its headers", "status of / is 503"),
        (replace("/", 200, b"<p>another page"), "asset", "names no asset"),
        (spoil_headers("/assets/", cache_control="no-cache"), "asset", "Cache-Control"),
        (replace("/rooms", 404, b"nothing"), "route of the app", "status of /rooms is 404"),
        (
            replace("/assets/there-is-none-0.js", 200, b"<html>"),
            "missing asset",
            "missing asset is 200",
        ),
        (replace("/api/health", 502, b"{}"), "API", "502"),
        (replace("/api/health", 200, b"<html>"), "API", "does not answer JSON"),
        (replace("/api/session", 200, b'{"signed_in": true}'), "session", "True"),
        (
            spoil_headers("/api/auth/kakao", location="https://elsewhere.example/oauth/authorize?"),
            "sign-in at Kakao",
            "leads to https://elsewhere.example",
        ),
        (
            spoil_headers("/api/auth/kakao", set_cookie="sign-in=1; Path=/; SameSite=Lax"),
            "sign-in at Kakao",
            "not HttpOnly",
        ),
        (drop("set-cookie"), "sign-in at Kakao", "sets no cookie sign-in"),
        (replace("/api/auth/logout", 200, b"{}"), "POST from another site", "200"),
    ],
)
def test_each_fault_is_found_and_named(
    stack: LocalStack, spoiled: Spoiler, change: Change, check: str, fault: str
) -> None:
    origin = stack.site.origin

    def with_own_name(
        path: str, status: int, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if "location" in headers:
            here = quote(spoiled.url, safe="")
            headers["location"] = headers["location"].replace(quote(origin, safe=""), here)
        return change(path, status, headers, body)

    spoiled.change = with_own_name
    found = look(stack, spoiled.url)
    assert fault in found[check]


def test_a_site_that_does_not_answer_fails_every_check_that_asks_it() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = failed(smoke(url))
    assert set(found) == set(CHECKS) - {"plain http"}
    assert all(fault.startswith("no answer: ") for fault in found.values())
