"""REST and HTTP APIs on the gateway's port: every request that is not the WebSocket API's.

``/{stage}/…`` goes to the API that has such a stage; an HTTP API's ``$default`` stage takes
the rest. This machine's own are ``/_local/schedules`` (what is scheduled, and fired by POST) and
``/_local/traces/{value}`` (what the messages with this value in their JSON led to).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from yarl import URL

from infra.errors import InfraError
from infra.local.deployed import DEFAULT_STAGE, ApiStage, Deployed
from infra.local.edge_api import ApiProxy
from infra.local.host_names import LOOPBACK_NAMES, host_name
from infra.local.schedules import fire
from infra.local.tracing import Tracer

#: API Gateway waits for an integration so long.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
INTEGRATION_SECONDS: Final = 29.0

SCHEDULES_PATH: Final = "/_local/schedules"
TRACES_PATH: Final = "/_local/traces"


class HttpFront:
    """Forwards requests to the emulator."""

    def __init__(self, client: Callable[[str], Any], tracer: Tracer) -> None:
        """Args: `client` gives the clients of the emulator's services."""
        self._client = client
        self._tracer = tracer
        self._deployed: Deployed | None = None
        self._proxy: ApiProxy | None = None

    def configure(self, deployed: Deployed) -> None:
        """Serve what is deployed."""
        self._deployed = deployed

    async def close(self) -> None:
        """Close the connections to the emulator."""
        if self._proxy is not None:
            await self._proxy.close()

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        if host_name(request.headers.get("Host", "")) not in LOOPBACK_NAMES:
            # A foreign page that rebinds its name to this machine must not get in.
            return _message(421, "this is localhost, nothing else")
        deployed = self._deployed
        if deployed is None:
            return _message(503, "the app is being deployed")
        path, _, query = request.raw_path.partition("?")
        if path == SCHEDULES_PATH or path.startswith(f"{SCHEDULES_PATH}/"):
            return await self._schedules(request, deployed, path.removeprefix(SCHEDULES_PATH))
        if path in (TRACES_PATH, f"{TRACES_PATH}/"):
            usage = "VALUE is a value in a message's JSON, or the root of a trace"
            return _message(400, f"GET {TRACES_PATH}/VALUE; {usage}")
        if path.startswith(f"{TRACES_PATH}/"):
            return self._traces(request, unquote(path.removeprefix(f"{TRACES_PATH}/")))
        first, _, rest = path.removeprefix("/").partition("/")
        found = _stage(deployed, first)
        if found is None:
            return _message(404, self._nothing(deployed, first))
        below = f"/{rest}" if found.stage == first else path
        target = f"{deployed.execute_url(found)}{below}"
        url = URL(f"{target}?{query}" if query else target, encoded=True)
        origin = URL.build(scheme="http", authority=request.headers["Host"])
        if self._proxy is None:
            self._proxy = ApiProxy(INTEGRATION_SECONDS)
        return await self._proxy.forward(request, url, origin)

    def _nothing(self, deployed: Deployed, first: str) -> str:
        if first == deployed.websocket.stage:
            return f"/{first} is the WebSocket API: connect to it with ws://"
        paths = sorted({f"/{stage.stage}/" for stage in deployed.http})
        return f"no API has a stage {first!r}; there are: {', '.join(paths) or 'none'}"

    def _traces(self, request: web.Request, value: str) -> web.Response:
        """What is remembered of messages, as text."""
        if request.method != "GET" or "Origin" in request.headers:
            return _message(403, "GET, and not for web pages")
        found = self._tracer.find(value)
        if not found:
            return _message(404, f"no message with the value {value!r} is remembered")
        return web.Response(
            text="\n".join(line for trace in found for line in trace.lines()) + "\n"
        )

    async def _schedules(
        self, request: web.Request, deployed: Deployed, below: str
    ) -> web.StreamResponse:
        """GET lists schedules; POST to one of them fires it."""
        if request.method == "GET" and not below:
            return web.json_response(
                {schedule.name: schedule.expression for schedule in deployed.schedules}
            )
        if request.method != "POST" or not below:
            return _message(405, f"GET {SCHEDULES_PATH} or POST {SCHEDULES_PATH}/NAME")
        if "Origin" in request.headers:
            return _message(403, "not for web pages")
        try:
            await asyncio.to_thread(fire, self._client("lambda"), deployed, below.removeprefix("/"))
        except InfraError as error:
            return _message(404, str(error))
        return web.json_response({}, status=202)


def _stage(deployed: Deployed, name: str) -> ApiStage | None:
    """The stage of this name, else the one without a name in the path."""
    by_name = {stage.stage: stage for stage in reversed(deployed.http)}
    return by_name.get(name) or by_name.get(DEFAULT_STAGE)


def _message(status: int, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)
