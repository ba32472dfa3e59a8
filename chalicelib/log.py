"""One JSON line per invocation on standard output, where CloudWatch picks it up.

It says what was asked, how it ended and what it cost, and carries the metrics (metrics.py).
Beside it are lines for what went wrong on the way. docs/operations.md describes each field.

Never put texts of chats, names, tokens, emails or ids of people into a line: ids of rooms,
connections and requests, codes and counts only. Messages of exceptions may repeat what they
choked on, so only those are written that are known not to (decision 22).
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from chalicelib import clock, metering, metrics
from chalicelib.metrics import Metric
from chalicelib.settings import settings

#: Outcome of what failed for a reason of ours; ErrorCode.INTERNAL.
FAILED: Final = "internal"

#: AWS's refusals whose messages name the caller, the action, the resource or a rate, and nothing
#: of the request. Messages of others (ValidationException) repeat values.
_TELLING: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ResourceNotFoundException",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)

#: What every line of the invocation at hand has; empty outside of invocations.
_invocation: dict[str, Any] = {}
_is_cold = True


class InvocationFailedError(Exception):
    """An invocation failed; its traceback is in the log. Lambda writes this one's message."""


def per_invocation(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Chalice middleware: every line of this invocation says which one it is of.

    https://aws.github.io/chalice/topics/middleware.html
    """
    _begin(*_contexts(event))
    try:
        return get_response(event)
    finally:
        _invocation.clear()


def _contexts(event: Any) -> tuple[Any, Mapping[str, Any]]:
    """Lambda's context of what Chalice gives its handlers, and API Gateway's (or none)."""
    if hasattr(event, "lambda_context"):  # a Request
        return event.lambda_context, event.context
    content = event.to_dict()
    gateway = content.get("requestContext") if isinstance(content, dict) else None
    return event.context, gateway if isinstance(gateway, dict) else {}


def _begin(context: Any, gateway: Mapping[str, Any]) -> None:
    global _is_cold
    _invocation.clear()
    fields = {
        # Without the stack's name, which the log group has.
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "").removeprefix(
            settings.table_prefix
        ),
        "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
        "request_id": getattr(context, "aws_request_id", None),
        "gateway_request_id": gateway.get("requestId"),
        "trace_id": _trace_id(),
        "cold": _is_cold,
    }
    _is_cold = False
    _invocation.update({name: value for name, value in fields.items() if value})


def _trace_id() -> str:
    """The root of X-Ray's trace, which all that one frame leads to has in common.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    for part in os.environ.get("_X_AMZN_TRACE_ID", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "Root":
            return value
    return ""


@contextmanager
def invocation(event: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Count what happens inside, and write the invocation's line at the end.

    Yields the line's own fields, to be completed. What is raised goes on to Lambda, which
    writes its message into the log: of others' exceptions that is left out.
    """
    metering.reset()
    started = clock.now_ms()
    line: dict[str, Any] = {"outcome": "ok", **fields}
    try:
        yield line
    except Exception as error:
        line["outcome"] = FAILED
        exception(f"{event}_failed", error)
        if _is_ours(error):
            raise
        raise InvocationFailedError(_name(error)) from None
    finally:
        now = clock.now_ms()
        line = {name: value for name, value in line.items() if value not in (None, "")}
        counted = {name: value for name, value in metering.report().items() if value}
        measured = metrics.embedded(metering.metrics(), settings.stage, now)
        _write("info", event, {**line, "ms": now - started, **counted, **measured})


def warning(event: str, **fields: Any) -> None:
    """Something that went wrong and was dealt with."""
    _write("warning", event, fields)


def exception(event: str, error: BaseException, **fields: Any) -> None:
    """Something that should not happen, with the traceback; counted as a failure."""
    metering.count(Metric.FAILURES)
    _write("error", event, {**fields, "error": _name(error), "traceback": _traceback(error)})


def _traceback(error: BaseException) -> str:
    """The traceback of an error and of what led to it, without values of people's.

    Source lines are there, local variables and most messages are not.
    """
    parts: list[str] = []
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        frames = "".join(traceback.format_tb(each.__traceback__))
        told = _told(each)
        parts.append(f"{frames}{_name(each)}{f': {told}' if told else ''}\n")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "Traceback (most recent call last):\n" + "led to:\n".join(reversed(parts))


def _told(error: BaseException) -> str:
    """What may be said of an error beside its type."""
    if _is_ours(error):
        return str(error)
    if isinstance(error, ClientError):
        refusal = error.response.get("Error", {})
        code = str(refusal.get("Code", ""))
        message = f", {refusal.get('Message', '')}" if code in _TELLING else ""
        return f"{error.operation_name}: {code}{message}"
    return ""


def _is_ours(error: BaseException) -> bool:
    """Whether an exception's message is our own, which names fields and rules, never values."""
    return type(error).__module__.startswith("chalicelib.")


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    line = {"level": level, "event": event, **_invocation, **fields}
    sys.stdout.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
    sys.stdout.flush()
