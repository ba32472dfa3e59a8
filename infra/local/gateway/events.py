"""The events that API Gateway hands to Lambdas, field by field.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from infra.local.gateway.api import CONNECT, DISCONNECT, Api

Json: TypeAlias = dict[str, Any]

#: The documented time of a request: 19/Jan/2023:21:13:26 +0000
_TIME_FORMAT: Final = "%d/%b/%Y:%H:%M:%S +0000"


def new_id() -> str:
    """An id of the shape of API Gateway's own for connections, requests and messages."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def new_trace_id() -> str:
    """A trace's root.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


@dataclass(frozen=True)
class Handshake:
    """What a client sent to be connected."""

    headers: tuple[tuple[str, str], ...]
    query: str
    source_ip: str
    user_agent: str | None

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Subject:
    """The connection that events are about."""

    api: Api
    connection_id: str
    #: When its handshake came, in ms since the epoch.
    connected_at: int
    #: Host under which Lambdas reach the management API.
    domain_name: str
    handshake: Handshake
    #: What an authorizer said; its values are texts.
    authorizer: Mapping[str, str] | None = field(default=None)

    def connect(self, request_id: str, received_at: int, trace_id: str) -> Json:
        """$connect's event."""
        return {
            **_headers(self._connect_headers([], trace_id)),
            **_query(self.handshake.query),
            **self._stage_variables(),
            "requestContext": self._context("CONNECT", CONNECT, request_id, received_at),
            "isBase64Encoded": False,
        }

    def authorize(self, request_id: str, received_at: int, trace_id: str) -> Json:
        """What an authorizer gets."""
        event = self.connect(request_id, received_at, trace_id)
        # It sees the upgrade itself, too, unlike $connect.
        hop = [("Connection", "upgrade"), ("content-length", "0"), ("Upgrade", "websocket")]
        event |= _headers(self._connect_headers(hop, trace_id))
        del event["isBase64Encoded"]
        # Present even if empty, unlike in other events.
        event.setdefault("queryStringParameters", {})
        event.setdefault("multiValueQueryStringParameters", {})
        event.setdefault("stageVariables", {})
        return {"type": "REQUEST", "methodArn": self.api.arn(CONNECT), **event}

    def message(
        self, route_key: str, body: str, message_id: str, request_id: str, received_at: int
    ) -> Json:
        """A message's event."""
        context = self._context("MESSAGE", route_key, request_id, received_at)
        context["messageId"] = message_id
        return {
            **self._stage_variables(),
            "requestContext": context,
            "body": body,
            "isBase64Encoded": False,
        }

    def disconnect(self, code: int, reason: str, request_id: str, received_at: int) -> Json:
        """$disconnect's event.

        Args:
            code: why it ended, as in RFC 6455, section 7.4.
            reason: the text that came with it.
            request_id: of this event.
            received_at: when it ended, in ms since the epoch.
        """
        context = self._context("DISCONNECT", DISCONNECT, request_id, received_at)
        context["disconnectStatusCode"] = code
        context["disconnectReason"] = reason
        headers = [("Host", self.domain_name), ("x-api-key", ""), ("X-Forwarded-For", "")]
        return {
            **_headers([*headers, ("x-restapi", "")]),
            **self._stage_variables(),
            "requestContext": context,
            "isBase64Encoded": False,
        }

    def _connect_headers(self, more: list[tuple[str, str]], trace_id: str) -> list[tuple[str, str]]:
        """The client's headers, `more`, and those that AWS's front adds."""
        added = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
        hop = {"host", "connection", "content-length", "upgrade"}
        kept = [item for item in self.handshake.headers if item[0].lower() not in added | hop]
        forwarded = self.handshake.header("x-forwarded-for") or self.handshake.source_ip
        return [
            ("Host", self.domain_name),
            *kept,
            *more,
            ("X-Amzn-Trace-Id", f"Root={trace_id}"),
            ("X-Forwarded-For", forwarded),
            ("X-Forwarded-Port", self.handshake.header("x-forwarded-port") or "443"),
            ("X-Forwarded-Proto", self.handshake.header("x-forwarded-proto") or "https"),
        ]

    def _stage_variables(self) -> Json:
        variables = dict(self.api.stage_variables)
        return {"stageVariables": variables} if variables else {}

    def _context(self, kind: str, route_key: str, request_id: str, received_at: int) -> Json:
        identity: Json = {"sourceIp": self.handshake.source_ip}
        if self.handshake.user_agent is not None:
            identity["userAgent"] = self.handshake.user_agent
        authorizer = {} if self.authorizer is None else {"authorizer": dict(self.authorizer)}
        return {
            "routeKey": route_key,
            **authorizer,
            "eventType": kind,
            "extendedRequestId": request_id,
            "requestTime": time.strftime(_TIME_FORMAT, time.gmtime(received_at / 1000)),
            "messageDirection": "IN",
            "stage": self.api.stage,
            "connectedAt": self.connected_at,
            "requestTimeEpoch": received_at,
            "identity": identity,
            "requestId": request_id,
            "domainName": self.domain_name,
            "connectionId": self.connection_id,
            "apiId": self.api.api_id,
        }


def _headers(items: Iterable[tuple[str, str]]) -> Json:
    """Headers once as their last values, once as all."""
    many: dict[str, list[str]] = {}
    for name, value in items:
        many.setdefault(name, []).append(value)
    return {
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
    }


def _query(query: str) -> Json:
    """The query string's parameters; nothing if there are none."""
    many: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        many.setdefault(name, []).append(value)
    if not many:
        return {}
    return {
        "queryStringParameters": {name: values[-1] for name, values in many.items()},
        "multiValueQueryStringParameters": many,
    }
