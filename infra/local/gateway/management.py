"""The management API: ``/{stage}/@connections/{connection_id}``.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
https://docs.aws.amazon.com/apigatewaymanagementapi/latest/api/API_Operations_AmazonApiGatewayManagementApi.html
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import ClientPayloadError, web

from infra.local.gateway.clock import Clock
from infra.local.gateway.sigv4 import Signature, is_valid

ACTION: Final = "execute-api:ManageConnections"

#: Who may do what is asked again after so long, in seconds; a policy may have changed.
ACCESS_SECONDS: Final = 5.0

#: Ids that API Gateway could have made.
_CONNECTION_ID: Final = re.compile(r"[A-Za-z0-9+/_-]{6,64}={0,2}")


@dataclass(frozen=True)
class Access:
    """What is known of an access key: its secret, and whether it may do what was asked.

    ``error`` says why not, for the answer.
    """

    secret: str | None
    allowed: bool
    error: str = ""


#: Asks the emulator: access key id, session token, action, resource.
Authorize = Callable[[str, str, str, str], Awaitable[Access]]


class ManagementError(Exception):
    """An answer in the shape that SDKs understand: a status, a type, a message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(
            status=self.status,
            text=json.dumps({"message": str(self)}),
            content_type="application/json",
            headers={"x-amzn-ErrorType": self.kind},
        )


def gone() -> ManagementError:
    """There is no such connection, any more or yet."""
    return ManagementError(410, "GoneException", "Gone")


def too_many() -> ManagementError:
    """The account's or the stage's limit is reached, or what a client leaves unread."""
    return ManagementError(429, "LimitExceededException", "Too Many Requests")


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


class Gatekeeper:
    """Checks signatures and permissions of calls."""

    def __init__(self, authorize: Authorize, clock: Clock) -> None:
        self._authorize = authorize
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[float, Access]] = {}

    async def check(self, request: web.BaseRequest, body: bytes, resource: str) -> None:
        """Let a call pass.

        Args:
            request: the call.
            body: its body.
            resource: ARN of what it is about, with ``*`` for the connection: permissions
                are asked once for all connections.

        Raises:
            ManagementError: 403, with the reason.
        """
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise ManagementError(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        try:
            signature = Signature.parse(authorization)
        except ValueError as error:
            raise ManagementError(403, "IncompleteSignatureException", str(error)) from error
        token = request.headers.get("X-Amz-Security-Token", "")
        access = await self._access(signature.access_key_id, token, resource)
        if access.secret is None:
            raise ManagementError(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        path, _, query = request.raw_path.partition("?")
        if signature.service != "execute-api" or not is_valid(
            signature,
            access.secret,
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            body=body,
        ):
            raise ManagementError(
                403,
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details.",
            )
        if not access.allowed:
            raise ManagementError(403, "AccessDeniedException", access.error)

    async def _access(self, key_id: str, token: str, resource: str) -> Access:
        now = self._clock.monotonic()
        known = self._known.get((key_id, token, resource))
        if known is not None and now - known[0] < ACCESS_SECONDS:
            return known[1]
        access = await self._authorize(key_id, token, ACTION, resource)
        if len(self._known) > 1000:  # old session tokens
            self._known.clear()
        self._known[key_id, token, resource] = (now, access)
        return access


def description(
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
