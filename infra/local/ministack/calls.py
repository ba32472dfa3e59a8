"""Which requests of AWS belong to which invocation.

Lambda gives every invocation a trace header, and botocore sends it on with each call made in
it: ``Root`` is of all that one event led to, ``Parent`` is the invocation's own segment.
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import contextvars
import functools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ministack import app
from ministack.services import lambda_svc

from infra.local.tracing import header_parts

Json: TypeAlias = dict[str, Any]

#: How many calls of one invocation are described; all are counted.
CALLS_MAX: Final = 200

#: The table of a DynamoDB request; one name says enough of a transaction.
_TABLE: Final = re.compile(rb'"TableName"\s*:\s*"([^"]+)"|"RequestItems"\s*:\s*\{\s*"([^"]+)"')

#: The service in a SigV4 credential's scope: key/date/region/service/aws4_request.
_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")

#: The header of the request that is being served.
_inbound: contextvars.ContextVar[str] = contextvars.ContextVar("pingpong_trace", default="")
#: How deep its caller is; it may have ended when what it asked for begins.
_callers_depth: contextvars.ContextVar[int] = contextvars.ContextVar("pingpong_depth", default=0)


@dataclass
class Invocation:
    """One that runs."""

    root: str
    parent: str
    depth: int
    segment: str = field(default_factory=lambda: secrets.token_hex(8))
    calls: list[Json] = field(default_factory=list)
    calls_total: int = 0

    @property
    def header(self) -> str:
        """What ``_X_AMZN_TRACE_ID`` is to be."""
        return f"Root={self.root};Parent={self.segment};Sampled=0"


#: By segment.
_running: dict[str, Invocation] = {}


@contextmanager
def invocation() -> Iterator[Invocation]:
    """An invocation that begins now, in the trace of the request that led to it."""
    fields = header_parts(_inbound.get())
    root = fields.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    begun = Invocation(root, fields.get("Parent", ""), _callers_depth.get() + 1)
    _running[begun.segment] = begun
    try:
        yield begun
    finally:
        del _running[begun.segment]


def arrived(headers: dict[str, str]) -> Invocation | None:
    """Remember who makes the request that is served from here on; None if no invocation does."""
    header = headers.get("x-amzn-trace-id", "")
    caller = _running.get(header_parts(header).get("Parent", "")) if header else None
    _inbound.set(header)
    _callers_depth.set(caller.depth if caller else 0)
    return caller


Dispatch: TypeAlias = Callable[..., Awaitable[tuple[int, Json, Any]]]


def attribute() -> None:
    """Note each call in the invocation that makes it, and let MiniStack count its hops.

    MiniStack carries an invocation's depth (Lambda stops a function that has called itself 16
    times) in a header of its own, for which it patches botocore in the Lambda; here the caller
    is known anyway.
    """
    dispatch: Dispatch = app._dispatch_service_request

    @functools.wraps(dispatch)
    async def noted(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Json, request_id: str
    ) -> tuple[int, Json, Any]:
        caller = arrived(headers)
        if caller is None:
            return await dispatch(method, path, headers, body, query, request_id)
        started, status = time.time(), 500
        try:
            answer = await dispatch(method, path, headers, body, query, request_id)
            status = answer[0]
        finally:
            ms = (time.time() - started) * 1000
            caller.calls_total += 1
            if len(caller.calls) < CALLS_MAX:
                said = {"at": started, "ms": round(ms, 2), "status": status}
                caller.calls.append({**described(method, path, headers, body), **said})
        return answer

    app._dispatch_service_request = noted
    special: Callable[..., Awaitable[Any]] = app._handle_special_data_plane_request

    @functools.wraps(special)
    async def remembered(
        method: str, path: str, headers: dict[str, str], *rest: Any, **more: Any
    ) -> Any:
        # A request to a REST API, among others.
        arrived(headers)
        return await special(method, path, headers, *rest, **more)

    app._handle_special_data_plane_request = remembered
    inbound_depth = lambda_svc._inbound_invoke_depth

    @functools.wraps(inbound_depth)
    def depth_of_caller(headers: dict[str, str]) -> int:
        return _callers_depth.get() or int(inbound_depth(headers))

    lambda_svc._inbound_invoke_depth = depth_of_caller


def described(method: str, path: str, headers: dict[str, str], body: bytes) -> Json:
    """What a call is: service, operation and table. No more of its body."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    service = scope[1] if scope else ""
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    call: Json = {"service": service, "operation": target or _operation(service, method, path)}
    if service == "dynamodb":
        table = _TABLE.search(body)
        if table:
            call["table"] = (table[1] or table[2]).decode()
    return call


def _operation(service: str, method: str, path: str) -> str:
    """The operation of a request that has it in its path."""
    if service == "lambda" and path.endswith("/invocations"):
        return "Invoke"
    return f"{method} {path}"
