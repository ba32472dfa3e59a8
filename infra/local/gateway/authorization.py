"""Lambda authorizers of $connect.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from infra.local.gateway.api import Authorizer
from infra.local.gateway.events import Handshake


class RefusedError(Exception):
    """A handshake is refused.

    ``status`` and ``message`` are the answer's; ``why`` is for the developer, not the client.
    """

    def __init__(self, status: int, message: str, why: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.why = why or message


def check_identity(
    authorizer: Authorizer, handshake: Handshake, stage_variables: Mapping[str, str]
) -> None:
    """Check that a handshake has what an authorizer wants to see.

    Raises:
        RefusedError: 401, as something is missing; the Lambda is not asked.
    """
    query = parse_qs(handshake.query)
    for source in authorizer.identity_sources:
        name = source.rpartition(".")[2]
        if source.startswith("route.request.header."):
            found = handshake.header(name)
        elif source.startswith("route.request.querystring."):
            found = "".join(query.get(name, ()))
        elif source.startswith("stageVariables."):
            found = stage_variables.get(name)
        else:  # context.…: there is always something
            found = source
        if not found:
            raise RefusedError(401, "Unauthorized")


def read_verdict(result: Any, arn: str, limit_bytes: int) -> dict[str, str]:
    """What an authorizer allows, as the events' ``authorizer``.

    Args:
        result: what the Lambda returned.
        arn: of what is to be allowed.
        limit_bytes: of the result.

    Raises:
        RefusedError: 403 if the policy denies it, 500 if the result can't be used.
    """
    if not isinstance(result, dict) or len(json.dumps(result)) > limit_bytes:
        raise RefusedError(500, "Internal server error")
    policy = result.get("policyDocument")
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    principal = result.get("principalId")
    context = result.get("context") or {}
    if (
        not isinstance(statements, list)
        or not isinstance(principal, str)
        or not isinstance(context, dict)
        or any(isinstance(value, (dict, list)) for value in context.values())
    ):
        raise RefusedError(500, "Internal server error")
    effects = {
        str(statement.get("Effect"))
        for statement in statements
        if isinstance(statement, dict)
        and _covers(statement.get("Action"), "execute-api:Invoke")
        and _covers(statement.get("Resource"), arn)
    }
    if "Deny" in effects:
        raise RefusedError(
            403, "User is not authorized to access this resource with an explicit deny"
        )
    if "Allow" not in effects:
        raise RefusedError(403, "User is not authorized to access this resource")
    return {"principalId": principal, **{key: _text(value) for key, value in context.items()}}


def refusal(function_error: Any) -> RefusedError:
    """What a failing authorizer means: 401 if it raised "Unauthorized", as documented; else 500."""
    message = function_error.get("errorMessage") if isinstance(function_error, dict) else None
    if message == "Unauthorized":
        return RefusedError(401, "Unauthorized")
    return RefusedError(500, "Internal server error")


def _covers(patterns: Any, value: str) -> bool:
    wanted: Iterable[Any] = patterns if isinstance(patterns, list) else [patterns]
    # fnmatch knows [sets], policies don't.
    return any(
        isinstance(pattern, str) and fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
        for pattern in wanted
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
