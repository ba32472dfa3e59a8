"""The opening handshake: is it one, and do the Lambdas want it?"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any, Final

from aiohttp import HttpVersion11, web
from websockets.utils import accept_key

from infra.local.gateway.api import CONNECT
from infra.local.gateway.authorization import RefusedError, check_identity, read_verdict, refusal
from infra.local.gateway.events import Handshake, Subject, new_id
from infra.local.gateway.lambdas import NO_STATUS, InvocationError, Lambdas, result_status
from infra.local.gateway.limits import Limits

#: RFC 9110, section 5.6.2
_TOKEN: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)


def is_upgrade(request: web.BaseRequest) -> bool:
    """Whether a client means to open a WebSocket, be it rightly or not."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def check_upgrade(request: web.BaseRequest, limits: Limits) -> None:
    """Check an upgrade's form (RFC 6455, section 4.2.1).

    Raises:
        RefusedError: 400 or 414.
    """
    if len(request.raw_path) > limits.url_characters:
        raise RefusedError(414, "URI Too Long")
    connection = ",".join(request.headers.getall("Connection", ()))
    tokens = connection.lower().replace(" ", "").split(",")
    try:
        key = base64.b64decode(request.headers.get("Sec-WebSocket-Key", ""), validate=True)
    except ValueError:
        key = b""
    if (
        request.method != "GET"
        or request.version < HttpVersion11
        or request.headers.get("Sec-WebSocket-Version") != "13"
        or "upgrade" not in tokens
        or len(key) != 16
    ):
        raise RefusedError(400, "Bad Request", "no WebSocket handshake (RFC 6455, 4.2.1)")


def read_handshake(request: web.BaseRequest) -> Handshake:
    """What events tell of a handshake."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
    return Handshake(
        tuple(request.headers.items()),
        request.raw_path.partition("?")[2],
        forwarded or request.remote or "127.0.0.1",
        request.headers.get("User-Agent"),
    )


async def ask_lambdas(
    subject: Subject, lambdas: Lambdas, limits: Limits, *, received_at: int, trace_id: str
) -> tuple[Subject, dict[str, str]]:
    """Have the authorizer and $connect decide.

    Args:
        subject: the connection to be.
        lambdas: invokes them.
        limits: of time and of the authorizer's answer.
        received_at: when the handshake came, in ms since the epoch.
        trace_id: root of the trace.

    Returns:
        the subject with what the authorizer said, and headers for the 101.

    Raises:
        RefusedError: they refuse, or fail.
    """
    route = subject.api.routes.get(CONNECT)
    if route is None:
        return subject, {}
    if route.authorizer is not None:
        check_identity(route.authorizer, subject.handshake, subject.api.stage_variables)
        event = subject.authorize(new_id(), received_at, trace_id)
        try:
            verdict = await lambdas.invoke(
                route.authorizer.function,
                event,
                trace_id=trace_id,
                seconds=limits.integration_seconds,
            )
        except InvocationError as error:
            raise refusal(error.function_error) from error
        arn = subject.api.arn(CONNECT)
        subject = replace(subject, authorizer=read_verdict(verdict, arn, limits.authorizer_bytes))
    if not route.function:
        return subject, {}
    event = subject.connect(new_id(), received_at, trace_id)
    seconds = route.seconds(limits.integration_seconds)
    try:
        result = await lambdas.invoke(route.function, event, trace_id=trace_id, seconds=seconds)
    except InvocationError as error:
        # A function that fails is a bad gateway's, as it is for REST APIs.
        code = 504 if error.timed_out else 502 if error.failed else 500
        raise RefusedError(code, "Internal server error", f"$connect: {error}") from error
    status = result_status(result)
    if status is None:
        raise RefusedError(502, "Internal server error", f"$connect: {NO_STATUS}")
    if not 200 <= status < 300:
        message = "Forbidden" if status in (401, 403) else "Refused"
        raise RefusedError(status, message, "$connect said so")
    return subject, _subprotocol(result)


def switching(request: web.BaseRequest, headers: dict[str, str]) -> web.StreamResponse:
    """The 101 that answers an upgrade."""
    response = web.StreamResponse(status=101, headers=headers)
    response.headers["Upgrade"] = "websocket"
    response.headers["Connection"] = "Upgrade"
    key = request.headers["Sec-WebSocket-Key"].strip()
    response.headers["Sec-WebSocket-Accept"] = accept_key(key)
    return response


def refuse(refused: RefusedError, connection_id: str = "") -> web.Response:
    """The answer to a handshake that is not wanted."""
    content = {"message": refused.message}
    if connection_id:
        content |= {"connectionId": connection_id, "requestId": new_id()}
    # A Lambda's status may be none that ends a request.
    status = refused.status if 200 <= refused.status <= 599 else 500
    headers = {"Sec-WebSocket-Version": "13"} if status == 400 else {}
    return web.Response(
        status=status, text=json.dumps(content), content_type="application/json", headers=headers
    )


def _subprotocol(result: Any) -> dict[str, str]:
    """The subprotocol that $connect chose; of its headers the only one that is passed on.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html

    Raises:
        RefusedError: 502, as the result is malformed.
    """
    for headers in (result.get("multiValueHeaders"), result.get("headers")):
        if not isinstance(headers, dict):
            continue
        for name, value in headers.items():
            if name.lower() != "sec-websocket-protocol":
                continue
            chosen = value[0] if isinstance(value, list) and value else value
            if not isinstance(chosen, str) or not _TOKEN.fullmatch(chosen):
                why = "$connect: Sec-WebSocket-Protocol is no name of a protocol"
                raise RefusedError(502, "Internal server error", why)
            return {"Sec-WebSocket-Protocol": chosen}
    return {}
