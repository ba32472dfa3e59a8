"""The WebSocket edge: API Gateway's connect, message and disconnect events.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
Whatever a client sends, it gets a frame back and the connection stays usable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chalicelib import clock, commands, connections, log, metering, protocol, sessions
from chalicelib.errors import (
    InvalidFieldError,
    InvalidFrameError,
    PingPongError,
    SignedOutError,
    UnknownTypeError,
)
from chalicelib.protocol import ErrorCode, ErrorReply, Reply
from chalicelib.settings import settings

WebSocketEvent = Mapping[str, Any]
Answer = dict[str, Any]

#: A field's name is repeated in the answer, so it must be a short and plain one.
_NAMED: Final = re.compile(
    r"Object (?P<what>missing required|contains unknown) field `(?P<name>[A-Za-z0-9_]{1,64})`"
)


def connect(event: WebSocketEvent) -> Answer:
    """Accept a handshake that carries a valid session cookie and comes from our site."""
    metering.reset()
    now = clock.now_ms()
    connection_id = event["requestContext"]["connectionId"]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    # Cookies go along with WebSocket handshakes from any site (RFC 6455, 10.2).
    if headers.get("origin") != settings.site_origin:
        return _refuse(connection_id, 403, ErrorCode.FORBIDDEN_ORIGIN)
    session = sessions.find(headers.get("cookie"), now)
    if session is None:
        return _refuse(connection_id, 401, ErrorCode.SIGNED_OUT)
    connections.register(connection_id, session.user_id, session.session_id, now)
    log.info("connect", outcome="ok", connection_id=connection_id, **metering.report())
    return {"statusCode": 200}


def message(event: WebSocketEvent) -> Answer:
    """Carry out one frame; the reply goes back as the response of the route."""
    metering.reset()
    started = clock.now_ms()
    context = event["requestContext"]
    frame: str = event.get("body") or ""
    answer: Reply | ErrorReply
    kind = "?"
    try:
        command = _parse(frame, is_binary=bool(event.get("isBase64Encoded")))
        kind = str(command.__struct_config__.tag)
        caller = connections.find(context["connectionId"])
        if caller is None:
            raise SignedOutError
        moment = clock.Moment(now=started, received=context["requestTimeEpoch"])
        answer = commands.run(caller, command, moment)
        outcome = "ok"
    except PingPongError as error:
        answer = ErrorReply(
            ref=protocol.ref_of(frame), code=error.code, message=error.message, field=error.field
        )
        outcome = error.code.value
    except Exception as error:  # the edge: nothing may end the connection
        answer = ErrorReply(
            ref=protocol.ref_of(frame), code=ErrorCode.INTERNAL, message="something went wrong here"
        )
        outcome = ErrorCode.INTERNAL.value
        log.exception("message_failed", error, type=kind, connection_id=context["connectionId"])
    log.info(
        "message",
        type=kind,
        outcome=outcome,
        connection_id=context["connectionId"],
        ms=clock.now_ms() - started,
        **metering.report(),
    )
    return {"statusCode": 200, "body": protocol.encode(answer).decode()}


def disconnect(event: WebSocketEvent) -> Answer:
    """Clean up after a connection. API Gateway may send this late, twice or never."""
    metering.reset()
    connection_id = event["requestContext"]["connectionId"]
    connections.forget(connection_id)
    log.info("disconnect", connection_id=connection_id, **metering.report())
    return {"statusCode": 200}


def _refuse(connection_id: str, status: int, code: ErrorCode) -> Answer:
    log.info("connect", outcome=code.value, connection_id=connection_id, **metering.report())
    # A dict: Chalice answers 200 to what a handler returns otherwise.
    return {"statusCode": status, "body": code.value}


def _parse(frame: str, *, is_binary: bool) -> protocol.AnyCommand:
    if is_binary:
        raise InvalidFrameError("frame: must be text, not binary")
    try:
        return protocol.decode_command(frame)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        # UnicodeError: a lone surrogate, which JSON can escape but UTF-8 can't hold.
        raise InvalidFrameError("frame: must be a JSON object in UTF-8") from None


def _explained(message: str) -> PingPongError:
    """msgspec's message as an error that names the field and the rule, but no value."""
    rule, at, where = message.rpartition(" - at `$")
    if not at:
        rule, where = message, ""
    path = where.removesuffix("`").removeprefix(".")
    named = _NAMED.fullmatch(rule)
    if named is not None:
        is_missing = named["what"] == "missing required"
        if is_missing and named["name"] == "type":
            return InvalidFrameError("type: is required")
        field = f"{path}.{named['name']}" if path else named["name"]
        return InvalidFieldError(
            field, "is required" if is_missing else "is not a field of this command"
        )
    if rule.startswith("Object contains unknown field"):
        return InvalidFrameError("frame: has a field that no command has")
    if path == "type":
        return UnknownTypeError("type: must be one of the commands, as a string")
    if not path:
        return InvalidFrameError(f"frame: {_lower(rule)}")
    return InvalidFieldError(path, _lower(rule))


def _lower(rule: str) -> str:
    return rule[:1].lower() + rule[1:]
