"""The management API: ``/{stage}/@connections/{connection_id}``.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
https://docs.aws.amazon.com/apigatewaymanagementapi/latest/api/API_Operations_AmazonApiGatewayManagementApi.html
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import ClientPayloadError, web

from infra.local.faults.injector import CallFault
from infra.local.gateway.connection import BufferFullError
from infra.local.gateway.core import Core
from infra.local.gateway.management_errors import ManagementError, gone, too_many
from infra.local.gateway.permissions import Gatekeeper

#: Ids that API Gateway could have made.
_CONNECTION_ID: Final = re.compile(r"[A-Za-z0-9+/_-]{6,64}={0,2}")


async def read_body(request: web.BaseRequest, limit_bytes: int) -> bytes:
    """Read a call's body.

    Raises:
        ManagementError: 413 if it is too long, 400 if it is not whole.
    """
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit_bytes:
                raise ManagementError(413, "PayloadTooLargeException", "Message too long")
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError) as error:
        raise ManagementError(400, "BadRequestException", "the body is not whole") from error
    return bytes(body)


def check_connection_id(connection_id: str) -> None:
    """Refuse what can't be an id.

    Raises:
        ManagementError: 400.
    """
    if not _CONNECTION_ID.fullmatch(connection_id):
        raise ManagementError(400, "BadRequestException", f"Invalid connectionId: {connection_id}")


def connection_id_of(path: str) -> tuple[str, str] | None:
    """Stage and connection id of a path as it came; None for any other path."""
    parts = path.split("/")
    if len(parts) == 4 and parts[0] == "" and unquote(parts[2]) == "@connections" and parts[3]:
        return unquote(parts[1]), unquote(parts[3])
    return None


class ManagementApi:
    """Posts to connections, tells of them, and closes them."""

    def __init__(self, core: Core, gatekeeper: Gatekeeper) -> None:
        self._core = core
        self._gatekeeper = gatekeeper

    async def respond(
        self, request: web.Request, stage: str, connection_id: str
    ) -> web.StreamResponse:
        """Answer a call."""
        started = self._core.clock.monotonic()
        try:
            response = await self._answer(request, stage, connection_id)
        except ManagementError as error:
            response = error.response()
            if error.status >= 500:
                route = f"{request.method} @connections"
                self._core.observe("failed", route=route, reason=str(error.__cause__ or error))
        self._core.observe(
            "post" if request.method == "POST" else request.method.lower(),
            connection_id=connection_id,
            status=response.status,
            trace=request.headers.get("X-Amzn-Trace-Id", ""),
            ms=(self._core.clock.monotonic() - started) * 1000,
        )
        return response

    async def _answer(
        self, request: web.Request, stage: str, connection_id: str
    ) -> web.StreamResponse:
        api = self._core.api
        if api is None or stage != api.stage or request.method not in ("POST", "GET", "DELETE"):
            raise ManagementError(403, "ForbiddenException", "Forbidden")
        body = await read_body(request, self._core.limits.message_bytes)
        resource = api.arn(f"{request.method}/@connections/*")
        await self._gatekeeper.check(request, body, resource)
        if not self._core.requests.take():
            raise too_many()
        check_connection_id(connection_id)
        fault = self._core.faults.post(request.method) if self._core.faults is not None else None
        if fault is None:
            return self._apply(request.method, connection_id, body)
        await asyncio.sleep(fault.seconds)
        response = self._apply(request.method, connection_id, body) if fault.executed else None
        if fault.cut and request.transport is not None:
            request.transport.abort()
        return _faulty(fault) or response or web.Response(status=500)

    def _apply(self, method: str, connection_id: str, body: bytes) -> web.Response:
        """Do what is asked of a connection."""
        client = self._core.clients.get(connection_id)
        if client is None or not client.connection.is_open:
            raise gone()
        if method == "GET":
            opening = client.subject.handshake
            return web.json_response(
                _description(
                    client.subject.connected_at,
                    self._core.clock.time() - (self._core.clock.monotonic() - client.active_at),
                    opening.source_ip,
                    opening.user_agent,
                )
            )
        if method == "DELETE":
            # The reason as seen on AWS: https://github.com/aws/chalice/issues/2060
            client.connection.close(1000, "Connection Closed Normally")
            return web.Response(status=204)
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise ManagementError(400, "BadRequestException", "Data must be UTF-8") from error
        try:
            client.connection.send_text(body)
        except BufferFullError as error:
            raise too_many() from error
        except ConnectionError as error:
            raise gone() from error
        return web.Response(status=200)


def _faulty(fault: CallFault) -> web.Response | None:
    """The answer that a fault gives, if any."""
    if fault.error is None:
        return None
    message = f"injected by {', '.join(fault.rules)} of the fault plan"
    return ManagementError(fault.error.status, fault.error.code, message).response()


def _description(
    connected_at: int, last_active_at: float, source_ip: str, user_agent: str | None
) -> dict[str, Any]:
    """GetConnection's answer; times in ms and s since the epoch."""
    return {
        "connectedAt": _iso(connected_at / 1000),
        "identity": {"sourceIp": source_ip, "userAgent": user_agent or ""},
        "lastActiveAt": _iso(last_active_at),
    }


def _iso(seconds: float) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{int(seconds * 1000) % 1000:03d}Z"
