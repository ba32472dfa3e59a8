"""Who may call the management API: signatures and IAM permissions.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from infra.errors import InfraError
from infra.local.gateway.clock import Clock
from infra.local.gateway.management_errors import ManagementError, internal
from infra.local.gateway.sigv4 import Signature, is_valid

ACTION: Final = "execute-api:ManageConnections"

#: Who may do what is asked again after so long, in seconds; a policy may have changed.
ACCESS_SECONDS: Final = 5.0


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
            ManagementError: 403, with the reason; 500 if IAM can't be asked.
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
        try:
            access = await self._authorize(key_id, token, ACTION, resource)
        except (InfraError, OSError) as error:
            raise internal() from error
        if len(self._known) > 1000:  # old session tokens
            self._known.clear()
        self._known[key_id, token, resource] = (now, access)
        return access
