"""What is counted of each invocation, as CloudWatch metrics in its log line.

The embedded metric format: CloudWatch Logs makes metrics of what ``_aws`` in a line names, so
they cost no call and no time of the Lambda's. A metric that is zero is not written.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

NAMESPACE: Final = "PingPong"
#: The one dimension; its value is the stage's name.
DIMENSION: Final = "Stage"
#: So many values of one metric fit into a line (the specification's limit).
VALUES_MAX: Final = 100


class Metric(StrEnum):
    """The metrics, by their names in CloudWatch; infra/aws/template has the alarms on them."""

    #: Chats stored. One too few when DynamoDB's answer to the write got lost.
    CHATS = "Chats"
    #: Frames that API Gateway took for a connection (PostToConnection: 200).
    POSTS = "Posts"
    #: Posts to connections that were gone (410).
    GONE_CONNECTIONS = "GoneConnections"
    #: Posts that were given up: refused, or not done in time.
    FAILED_POSTS = "FailedPosts"
    #: From the time of a frame's oldest chat until the frame was posted to all, in ms.
    PUSH_LAG = "PushLag"
    #: Replies to ``room.sync`` with something that the client had missed.
    CATCH_UPS = "CatchUps"
    #: Commands and requests that were refused, where the client is to blame.
    REFUSED_INPUTS = "RefusedInputs"
    #: Errors with a traceback in the log: INTERNAL replies, 500s, jobs and pushes that failed.
    FAILURES = "Failures"
    #: Pushes that a dead holder of a room's lease left behind, and another took over.
    RESUMED_PUSHES = "ResumedPushes"


#: As CloudWatch names units; an alarm that names another would see nothing.
UNITS: Final[Mapping[Metric, str]] = {
    metric: "Milliseconds" if metric is Metric.PUSH_LAG else "Count" for metric in Metric
}

Values = Mapping[Metric, int | list[int]]


def embedded(values: Values, stage: str, at: int) -> dict[str, Any]:
    """The members of a log line that make CloudWatch count.

    Args:
        values: by metric, none of them zero or empty; at most VALUES_MAX of one.
        stage: the dimension's value.
        at: the time (ms).
    """
    if not values:
        return {}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": metric.value, "Unit": UNITS[metric]} for metric in values],
    }
    return {
        "_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]},
        DIMENSION: stage,
        **{metric.value: value for metric, value in values.items()},
    }
