"""One origin: other names of this machine are redirected, foreign names refused."""

import dataclasses
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from infra.local.edge import Edge, EdgeConfig, PortTakenError
from infra.local.edge_listen import listen
from infra.local.host_names import host_name
from tests.unit.edge_harness import edge_for, in_loop, serving


def config(site_dir: Path, **changes: Any) -> EdgeConfig:
    known = EdgeConfig(
        port=0,
        origin="http://localhost:0",
        site_dir=site_dir,
        api_base="http://127.0.0.1:1/base",
        websocket_url="ws://127.0.0.1:1/stage",
    )
    return dataclasses.replace(known, **changes)


@in_loop
async def test_a_page_under_another_name_is_redirected_to_the_origin(tmp_path: Path) -> None:
    async with edge_for(tmp_path) as running:
        for headers in ({"Accept": "text/html"}, {"Sec-Fetch-Mode": "navigate"}):
            async with running.client.get(
                f"http://127.0.0.1:{running.edge.port}/api/x%2F?a=b%20c",
                headers=headers,
                allow_redirects=False,
            ) as answer:
                assert answer.status == 308
                assert answer.headers["Location"] == running.edge.origin + "/api/x%2F?a=b%20c"


@in_loop
async def test_other_requests_under_another_name_are_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    async with edge_for(tmp_path) as running:
        url = f"http://127.0.0.1:{running.edge.port}/"
        async with running.client.get(url) as answer:
            assert answer.status == 200
        async with running.client.get(
            url, headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"}
        ) as answer:
            assert answer.status == 200


@in_loop
@pytest.mark.parametrize("path", ["/", "/api/health", "/ws"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "", "127.0.0.2"])
async def test_foreign_hosts_are_refused(tmp_path: Path, path: str, host: str) -> None:
    async def reached(_request: web.Request) -> web.Response:
        raise AssertionError

    async with serving(reached) as port, edge_for(tmp_path, port) as running:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        status, _ = await running.raw(request.encode())
        assert status in (400, 421)


@in_loop
async def test_an_absolute_request_target_is_refused(tmp_path: Path) -> None:
    async with edge_for(tmp_path) as running:
        status, _ = await running.get_raw("http://127.0.0.1:1/api/health")
        assert status == 400


@in_loop
async def test_an_origin_elsewhere_is_accepted_by_its_host(tmp_path: Path) -> None:
    edge = Edge(config(tmp_path, origin="https://pingpong.example"))
    await edge.start()
    try:
        assert edge.origin == "https://pingpong.example"
        for host, status in [
            ("pingpong.example", 503),
            ("pingpong.example:443", 503),
            ("pingpong.example:80", 421),
        ]:
            assert await _status(edge.port, host) == status, host
    finally:
        await edge.stop()


async def _status(port: int, host: str) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/", headers={"Host": host}) as answer,
    ):
        return answer.status


@in_loop
async def test_a_new_configuration_is_served_from_the_next_request_on(tmp_path: Path) -> None:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with serving(who) as port, edge_for(tmp_path) as running:
        async with running.client.get(running.url("/api/x")) as answer:
            assert answer.status == 502
        running.edge.configure(config(tmp_path, api_base=f"http://127.0.0.1:{port}/new"))
        async with running.client.get(running.url("/api/x")) as answer:
            assert await answer.text() == "/new/x"


@in_loop
async def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        edge = Edge(config(tmp_path, port=port))
        with pytest.raises(
            PortTakenError, match=f"port {port} is taken on 127.0.0.1.*lsof"
        ) as told:
            await edge.start()
        assert (told.value.port, told.value.service) == (port, "the site")
        await edge.stop()


@in_loop
async def test_stopping_frees_the_port_at_once(tmp_path: Path) -> None:
    first = Edge(config(tmp_path))
    await first.start()
    port = first.port
    await first.stop()
    second = Edge(config(tmp_path, port=port))
    await second.start()
    assert second.origin == f"http://localhost:{port}"
    await second.stop()


def test_both_loopback_addresses_share_one_port() -> None:
    sockets = listen(0, "a test")
    try:
        addresses = {listener.getsockname()[0] for listener in sockets}
        assert addresses <= {"127.0.0.1", "::1"}
        assert "127.0.0.1" in addresses
        assert len({listener.getsockname()[1] for listener in sockets}) == 1
    finally:
        for listener in sockets:
            listener.close()


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8000", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("127.0.0.1:", "127.0.0.1:"),
        ("", ""),
    ],
)
def test_the_name_of_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "localhost:8000"},
        {"origin": "http://localhost:8000/app"},
        {"api_base": "127.0.0.1:4566"},
        {"websocket_url": "http://127.0.0.1/ws"},
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        config(tmp_path, **changes)
