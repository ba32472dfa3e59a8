"""The Lambdas' logs, of all functions together, in the order of time.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from infra.errors import InfraError

if TYPE_CHECKING:
    from infra.aws.account import Account
    from infra.aws.stack import Stack

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

#: How often new lines are asked for, in seconds (FilterLogEvents: five a second per account).
FOLLOW_PAUSE: Final = 2.0
#: Lines may arrive this much later than they say, in ms.
LATE_MS: Final = 30_000

#: What Lambda itself writes around each invocation, and nobody reads.
_NOISE: Final = re.compile(r"(START|END|INIT_START) ")
#: Shown by itself, or of CloudWatch's interest only.
_HIDDEN: Final = frozenset({"level", "event", "_aws", "traceback"})


@dataclass(frozen=True, order=True)
class Line:
    """One event of a log group."""

    at: int
    function: str
    id: str
    message: str


def seconds(text: str) -> float:
    """``10m`` as seconds; s, m, h and d.

    Raises:
        InfraError: it is no such duration.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if found is None:
        raise InfraError(f"SINCE must be a number with s, m, h or d, such as 10m; not {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def log_groups(stack: Stack, function: str = "") -> dict[str, str]:
    """The Lambdas' log groups by the functions' short names (``message``).

    Raises:
        InfraError: there is no such function.
    """
    prefix = f"/aws/lambda/{stack.name}-"
    found = {
        group.removeprefix(prefix): group
        for group in stack.resources("AWS::Logs::LogGroup").values()
        if group.startswith(prefix)
    }
    if not function:
        return found
    if function not in found:
        raise InfraError(f"there is no function {function}; there are {', '.join(sorted(found))}")
    return {function: found[function]}


def read(
    account: Account, groups: Mapping[str, str], since_ms: int, until_ms: int | None = None
) -> list[Line]:
    """All lines of some groups from a time on, in order."""
    client = account.client("logs")
    lines: list[Line] = []
    for function, group in groups.items():
        span = {"startTime": since_ms, **({"endTime": until_ms} if until_ms is not None else {})}
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, **span)
        for page in pages:
            lines += [
                Line(event["timestamp"], function, event["eventId"], event["message"])
                for event in page["events"]
            ]
    return sorted(lines)


def follow(
    account: Account,
    groups: Mapping[str, str],
    since_ms: int,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """Lines for ever, each once; late ones when they come."""
    seen: dict[str, int] = {}
    while True:
        for line in read(account, groups, since_ms):
            if line.id not in seen:
                seen[line.id] = line.at
                yield line
        newest = max(seen.values(), default=since_ms)
        since_ms = max(since_ms, newest - LATE_MS)
        seen = {name: at for name, at in seen.items() if at >= since_ms}
        wait(FOLLOW_PAUSE)


def show(lines: Iterable[Line], *, pattern: str = "") -> Iterator[str]:
    """Lines for people; only those in which a regular expression is found, if there is one.

    Raises:
        InfraError: the expression is none.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise InfraError(f"GREP must be a regular expression: {error}") from error
    return (
        _shown(line)
        for line in lines
        if not _NOISE.match(line.message) and wanted.search(line.message)
    )


def _shown(line: Line) -> str:
    at = datetime.fromtimestamp(line.at / 1000, UTC)
    head = f"{at:%H:%M:%S}.{line.at % 1000:03d} {line.function:<10}"
    text = line.message.rstrip()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return f"{head} {text}"
    parts = [str(fields.get("level", "")).ljust(7), str(fields.get("event", ""))]
    parts += [f"{name}={_value(value)}" for name, value in fields.items() if name not in _HIDDEN]
    shown = f"{head} {' '.join(parts)}".rstrip()
    if "traceback" in fields:
        shown += "".join(f"\n    {row}" for row in str(fields["traceback"]).rstrip().split("\n"))
    return shown


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
