"""What the app logs, read back; and the embedded metric format, as AWS specifies it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import jsonschema  # type: ignore[import-untyped]

Line = dict[str, Any]

#: CloudWatch's limits of the embedded metric format.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
UNITS = (
    ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"]
    + [f"{size}{of}" for size in ("", "Kilo", "Mega", "Giga", "Tera") for of in ("bytes", "bits")]
    + [
        f"{size}{of}/Second"
        for size in ("", "Kilo", "Mega", "Giga", "Tera")
        for of in ("bytes", "bits")
    ]
)
EMBEDDED_METRICS = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                # Milliseconds: what is smaller would be seconds.
                "Timestamp": {"type": "integer", "minimum": 10**12, "maximum": 10**13},
                "LogGroupName": {"type": "string"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {
                                "type": "string",
                                "minLength": 1,
                                "maxLength": 255,
                                "pattern": "^[^:][0-9A-Za-z._/#:-]*$",
                            },
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "uniqueItems": True,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": {
                                            "type": "string",
                                            "minLength": 1,
                                            "maxLength": 1024,
                                        },
                                        "Unit": {"enum": UNITS},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
METRIC_VALUE = {
    "anyOf": [
        {"type": "number"},
        {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number"}},
    ]
}
DIMENSION_VALUE = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[ -~]+$"}
#: Of a log event, in bytes.
EVENT_MAX = 256 * 1024


def check_embedded_metrics(line: str) -> Line:
    """The line, parsed, if CloudWatch takes its metrics.

    Raises:
        jsonschema.ValidationError: it does not.
    """
    assert len(line.encode()) <= EVENT_MAX
    content: Line = json.loads(line)
    jsonschema.validate(content, EMBEDDED_METRICS)
    for directive in content["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            # (What is named and missing is skipped by CloudWatch, which nobody would notice.)
            jsonschema.validate(content[metric["Name"]], METRIC_VALUE)
        for name in {name for names in directive["Dimensions"] for name in names}:
            jsonschema.validate(content[name], DIMENSION_VALUE)
    return content


def lines_of(text: str) -> list[Line]:
    """The app's lines among what was printed; those with metrics are checked."""
    found = []
    for line in text.splitlines():
        if line.startswith('{"level":'):
            content = json.loads(line)
            found.append(check_embedded_metrics(line) if "_aws" in content else content)
    return found


def metrics_of(line: Line) -> dict[str, Any]:
    """The metrics in a line, by name."""
    directives = line.get("_aws", {}).get("CloudWatchMetrics", ())
    return {
        metric["Name"]: line[metric["Name"]]
        for directive in directives
        for metric in directive["Metrics"]
    }


def total(lines: Iterable[Line]) -> Counter[str]:
    """The sums that CloudWatch makes of lines, but for PushLag, of which it is how many."""
    sums: Counter[str] = Counter()
    for line in lines:
        for name, value in metrics_of(line).items():
            if name == "PushLag":
                sums[name] += len(value) if isinstance(value, list) else 1
            else:
                sums[name] += value
    return sums
