"""What is beside the WebSocket API on the gateway's port, and is this machine's own."""

from __future__ import annotations

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.local.deployed import ApiStage, Deployed
from infra.local.http_front import TRACES_PATH, HttpFront
from infra.local.tracing import Tracer
from tests.unit.edge_harness import in_loop


async def ask(path: str) -> tuple[int, str]:
    front = HttpFront(lambda service: None, Tracer())
    front.configure(Deployed("http://127.0.0.1:1", {}, {}, ApiStage("a", "prod")))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", front.respond)
    async with TestServer(app) as server, aiohttp.request("GET", server.make_url(path)) as answer:
        return answer.status, await answer.text()


@in_loop
async def test_traces_without_a_value_say_what_is_missing() -> None:
    for path in (TRACES_PATH, f"{TRACES_PATH}/"):
        status, text = await ask(path)
        assert status == 400
        assert f"GET {TRACES_PATH}/VALUE" in text
    assert (await ask(f"{TRACES_PATH}/x"))[0] == 404
