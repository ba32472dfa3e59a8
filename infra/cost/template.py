"""What the CloudFormation template fixes and the bill depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.aws.template import PARTS_DIR, merge_template
from infra.errors import InfraError

#: The Lambdas, by the names that app.py has them under.
_FUNCTIONS: Final = {
    "websocket_connect": "WebsocketConnect",
    "websocket_message": "WebsocketMessage",
    "websocket_disconnect": "WebsocketDisconnect",
    "api_handler": "APIHandler",
    "background": "Background",
    "push": "Push",
}


@dataclass(frozen=True)
class TemplateFacts:
    """What the template has of what costs money."""

    #: Memory of each Lambda, in GB of 1,024 MB.
    memory_gb: Mapping[str, float]
    tables: int
    #: Metrics that alarms look at: each is billed.
    alarm_metrics: int
    dashboards: int
    #: For so many days logs are kept.
    log_days: int
    frame_pace_ms: int


def read(parts_dir: Path = PARTS_DIR) -> TemplateFacts:
    """The facts of the template as it is.

    Raises:
        InfraError: a part is not YAML, or lacks a Lambda or a parameter.
    """
    whole = merge_template(parts_dir)
    resources, parameters = whole["Resources"], whole["Parameters"]
    try:
        return TemplateFacts(
            memory_gb={
                name: resources[logical]["Properties"]["MemorySize"] / 1024
                for name, logical in _FUNCTIONS.items()
            },
            tables=_count(resources, "AWS::DynamoDB::Table"),
            alarm_metrics=sum(
                _metrics_of(body["Properties"])
                for body in resources.values()
                if body.get("Type") == "AWS::CloudWatch::Alarm"
            ),
            dashboards=_count(resources, "AWS::CloudWatch::Dashboard"),
            log_days=parameters["LogRetentionDays"]["Default"],
            frame_pace_ms=parameters["FramePaceMs"]["Default"],
        )
    except KeyError as error:
        raise InfraError(
            f"{parts_dir}: {error.args[0]} is missing, which costs depend on"
        ) from None


def _count(resources: Mapping[str, Any], kind: str) -> int:
    return sum(body.get("Type") == kind for body in resources.values())


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    # https://aws.amazon.com/cloudwatch/pricing/: by the metrics that an alarm names.
    if "Metrics" not in alarm:
        return 1
    return sum("MetricStat" in metric for metric in alarm["Metrics"])
