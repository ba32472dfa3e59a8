"""What the app logs (chalicelib/log.py), for people who watch the terminal."""

from __future__ import annotations

import json
from typing import Any, Final

from infra.local.log import YELLOW, paint

#: Fields of the app's log lines that the invocation's own line says already.
_SAID: Final = frozenset(
    {"level", "event", "type", "method", "path", "status", "ms", "connection_id"}
    | {"function", "version", "cold", "request_id", "gateway_request_id", "trace_id"}
    # Counted by the app; counted here for any app.
    | {"dynamodb", "posts"}
)


def digest(text: str) -> tuple[list[str], list[str]]:
    """A handler's log as notes for the invocation's line, and lines to print below it.

    The app logs JSON objects (chalicelib/log.py). Those of level info become notes, others
    and tracebacks are printed whole, as is everything that is no JSON.
    """
    notes: list[str] = []
    lines: list[str] = []
    for line in text.rstrip().splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            lines.append(line)
            continue
        trace = str(event.pop("traceback", "")).rstrip().splitlines()
        _drop_metrics(event)
        fields = [f"{key}={_short(event[key])}" for key in event if key not in _SAID and event[key]]
        if event.get("level") == "info":
            notes += [field for field in fields if field != "outcome=ok"]
        else:
            head = f"{event.get('level', '')} {event.get('event', '')} {' '.join(fields)}"
            lines.append(paint(head.strip(), YELLOW))
        lines += trace
    return notes, lines


def _drop_metrics(event: dict[str, Any]) -> None:
    """Take away what CloudWatch makes metrics of: the invocation's line has these counts.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for directive in event.pop("_aws", {}).get("CloudWatchMetrics", ()):
        dimensions = [name for names in directive["Dimensions"] for name in names]
        for name in [*dimensions, *(metric["Name"] for metric in directive["Metrics"])]:
            event.pop(name, None)


def _short(value: Any) -> str:
    """Counts as ``GetItem:2,PutItem:1``, the rest as it is."""
    if isinstance(value, dict):
        return ",".join(f"{key}:{count}" for key, count in value.items())
    return str(value)
