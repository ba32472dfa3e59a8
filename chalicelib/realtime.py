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
    ForbiddenOriginError,
    InvalidFieldError,
    InvalidFrameError,
    PingPongError,
    SignedOutError,
    UnknownTypeError,
)
from chalicelib.metrics import Metric
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
    connection_id = event["requestContext"]["connectionId"]
    with log.invocation("connect", connection_id=connection_id) as line:
        now = clock.now_ms()
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        # Cookies go along with WebSocket handshakes from any site (RFC 6455, 10.2).
        if headers.get("origin") != settings.site_origin:
            return _refuse(line, 403, ForbiddenOriginError())
        session = sessions.find(headers.get("cookie"), now)
        if session is None:
            return _refuse(line, 401, SignedOutError())
        connections.register(connection_id, session.user_id, session.session_id, now)
        return {"statusCode": 200}


def message(event: WebSocketEvent) -> Answer:
    """Carry out one frame; the reply goes back as the response of the route."""
    context = event["requestContext"]
    frame: str = event.get("body") or ""
    answer: Reply | ErrorReply
    with log.invocation("message", connection_id=context["connectionId"]) as line:
        started = clock.now_ms()
        try:
            command = _parse(frame, is_binary=bool(event.get("isBase64Encoded")))
            line["type"] = str(command.__struct_config__.tag)
            caller = connections.find(context["connectionId"])
            if caller is None:
                raise SignedOutError
            # Only of a room that this connection hears, or that the command was let into: what
            # else a client sends as an id may be anything.
            room_id = getattr(command, "room_id", None)
            if room_id in caller.room_ids:
                line["room_id"] = room_id
            moment = clock.Moment(now=started, received=context["requestTimeEpoch"])
            answer = commands.run(caller, command, moment)
            line["room_id"] = room_id
        except PingPongError as error:
            answer = ErrorReply(
                ref=protocol.ref_of(frame),
                code=error.code,
                message=error.message,
                field=error.field,
                retry_after_ms=error.retry_after_ms,
            )
            _note(line, error)
        except Exception as error:  # the edge: nothing may end the connection
            answer = ErrorReply(
                ref=protocol.ref_of(frame),
                code=ErrorCode.INTERNAL,
                message="something went wrong here",
            )
            line["outcome"] = ErrorCode.INTERNAL.value
            log.exception("message_failed", error, **line)
    return {"statusCode": 200, "body": protocol.encode(answer).decode()}


def disconnect(event: WebSocketEvent) -> Answer:
    """Clean up after a connection. API Gateway may send this late, twice or never."""
    connection_id = event["requestContext"]["connectionId"]
    with log.invocation("disconnect", connection_id=connection_id):
        connections.forget(connection_id)
        return {"statusCode": 200}


def _refuse(line: dict[str, Any], status: int, error: PingPongError) -> Answer:
    _note(line, error)
    # A dict: Chalice answers 200 to what a handler returns otherwise.
    return {"statusCode": status, "body": error.code.value}


def _note(line: dict[str, Any], error: PingPongError) -> None:
    """Put a refusal into the invocation's line and among what is counted."""
    line["outcome"] = error.code.value
    if error.is_input_wrong:
        metering.count(Metric.REFUSED_INPUTS)


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
    if rule.startswith("Invalid enum value"):  # and then the value
        rule = "must be one of its values"
    return InvalidFieldError(path, _lower(rule))


def _lower(rule: str) -> str:
    return rule[:1].lower() + rule[1:]
