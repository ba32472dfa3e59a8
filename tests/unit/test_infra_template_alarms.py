"""Alarms, the dashboard and the budget: what they look at is there, and what they cost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chalicelib.metrics import DIMENSION, NAMESPACE, UNITS, Metric
from infra.aws import template as templates
from tests.unit.template_harness import FUNCTIONS, parts

TEMPLATE = parts()
ALARMS = templates.of_type(TEMPLATE, "AWS::CloudWatch::Alarm")

#: Metrics of AWS's that are looked at, with their dimensions.
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
AWS_METRICS: dict[str, tuple[set[str], list[set[str]]]] = {
    "AWS/Lambda": (
        {
            *("Errors", "Throttles", "Duration", "Invocations", "ConcurrentExecutions"),
            *("AsyncEventsDropped", "AsyncEventAge"),
        },
        [set(), {"FunctionName"}, {"FunctionName", "Resource"}],
    ),
    "AWS/ApiGateway": (
        {
            *("5XXError", "4XXError", "Count", "Latency"),
            *("ConnectCount", "MessageCount", "ClientError", "ExecutionError"),
        },
        [{"ApiName", "Stage"}, {"ApiId", "Stage"}],
    ),
    "AWS/DynamoDB": (
        {
            *("ReadThrottleEvents", "WriteThrottleEvents"),
            *("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"),
        },
        [{"TableName"}],
    ),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, [{"QueueName"}]),
}


def metrics(alarm: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Namespace, name and dimensions of what an alarm reads."""
    properties = alarm["Properties"]
    found = [query["MetricStat"]["Metric"] for query in properties.get("Metrics", [])[1:]]
    return [
        (
            metric["Namespace"],
            metric["MetricName"],
            {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])},
        )
        for metric in found or [properties]
    ]


def check_metric(namespace: str, name: str, dimensions: set[str]) -> None:
    if namespace == NAMESPACE:
        assert name in set(Metric)
        assert dimensions == {DIMENSION}
    else:
        names, allowed = AWS_METRICS[namespace]
        assert name in names
        assert dimensions in allowed, (name, dimensions)


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_look_at_metrics_that_exist(name: str) -> None:
    for namespace, metric, dimensions in metrics(ALARMS[name]):
        check_metric(namespace, metric, set(dimensions))
        for value in dimensions.values():
            text = value if isinstance(value, str) else value.get("Fn::Sub", "")
            for function in re.findall(r"StackName\}-(\w+)(?::live)?$", text):
                assert function in {n for n, _, _ in FUNCTIONS.values()} | {"rest"}


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_tell_of_their_begin_and_end_and_not_of_silence(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    assert ALARMS[name]["Condition"] == "IsMonitored"
    assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": "Alarms"}]
    assert properties["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")
    # What waits in a queue goes on waiting when the queue reports no more.
    expected = "ignore" if name == "FailedJobsAlarm" else "notBreaching"
    assert properties["TreatMissingData"] == expected
    assert properties.get("DatapointsToAlarm", 1) <= properties["EvaluationPeriods"]


def test_errors_of_every_lambda_are_looked_at() -> None:
    found = {
        dimensions["Resource"]["Fn::Sub"] for _, _, dimensions in metrics(ALARMS["ErrorsAlarm"])
    }
    assert found == {f"${{AWS::StackName}}-{name}:live" for name, _, _ in FUNCTIONS.values()}


def test_what_goes_wrong_has_an_alarm() -> None:
    watched = {metric for alarm in ALARMS.values() for _, metric, _ in metrics(alarm)}
    bad = {Metric.FAILURES, Metric.FAILED_POSTS, Metric.PUSH_LAG, Metric.RESUMED_PUSHES}
    assert bad <= watched
    assert UNITS[Metric.PUSH_LAG] == "Milliseconds"  # as the threshold is


def test_alarms_cost_what_the_template_says() -> None:
    """$0.10 a month for each metric of an alarm: https://aws.amazon.com/cloudwatch/pricing/."""
    count = sum(len(metrics(alarm)) for alarm in ALARMS.values())
    said = (templates.PARTS_DIR / "alarms.yaml").read_text()
    assert f"there are {count} here, ${count / 10:.2f} a month" in said


def test_where_nobody_is_told_nothing_is_paid_for() -> None:
    assert TEMPLATE["Conditions"]["IsMonitored"] == {
        "Fn::Or": [{"Condition": "IsProduction"}, {"Condition": "HasAlarmEmail"}]
    }
    assert TEMPLATE["Parameters"]["AlarmEmail"]["Default"] == ""
    for kind in ("AWS::CloudWatch::Dashboard", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"):
        (body,) = templates.of_type(TEMPLATE, kind).values()
        assert body["Condition"] == "IsMonitored"


def test_the_topic_is_for_this_stacks_alarms_and_the_budget() -> None:
    document = TEMPLATE["Resources"]["AlarmsPolicy"]["Properties"]["PolicyDocument"]
    allowed = {
        s["Principal"]["Service"]: s["Condition"]
        for s in document["Statement"]
        if s["Effect"] == "Allow"
    }
    assert set(allowed) == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    for condition in allowed.values():
        assert condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    # CloudWatch may not use the key that AWS manages for SNS.
    key = TEMPLATE["Resources"]["Alarms"]["Properties"]["KmsMasterKeyId"]
    assert key == {"Fn::If": ["HasAlarmKey", {"Ref": "AlarmKeyArn"}, {"Ref": "AWS::NoValue"}]}


def test_a_budget_warns_before_it_is_spent() -> None:
    (body,) = templates.of_type(TEMPLATE, "AWS::Budgets::Budget").values()
    assert body["Condition"] == "HasBudget"
    assert TEMPLATE["Parameters"]["MonthlyBudget"]["Default"] == 0
    found = {
        item["Notification"]["NotificationType"]: item["Notification"]["Threshold"]
        for item in body["Properties"]["NotificationsWithSubscribers"]
    }
    assert found == {"ACTUAL": 80, "FORECASTED": 100}
    # The tag that every deployment puts on its stack, and so on all that is in it.
    (tag,) = body["Properties"]["Budget"]["CostFilters"]["TagKeyValue"]
    assert tag == {"Fn::Sub": "user:stage$${Stage}"}


def dashboard() -> dict[str, Any]:
    body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: dict[str, Any] = json.loads(re.sub(r"\$\{([\w:.]+)\}", r"\1", body))
    return found


def shown(widget: dict[str, Any]) -> list[tuple[str, ...]]:
    """A widget's metrics with its shorthand written out: `.` is as above, `...` all as above."""
    rows: list[tuple[str, ...]] = []
    for metric in widget["properties"].get("metrics", []):
        texts = [part for part in metric if isinstance(part, str)]
        above = rows[-1] if rows else ()
        if texts[:1] == ["..."]:
            texts = [*above[: len(above) - len(texts) + 1], *texts[1:]]
        rows.append(tuple(above[at] if text == "." else text for at, text in enumerate(texts)))
    return rows


def test_the_dashboard_shows_metrics_that_exist_and_every_one_of_ours() -> None:
    rows = [row for widget in dashboard()["widgets"] for row in shown(widget)]
    for namespace, name, *dimensions in rows:
        check_metric(namespace, name, set(dimensions[::2]))
    assert {name for namespace, name, *_ in rows if namespace == NAMESPACE} == set(Metric)
    # As many as one of the three free dashboards may have.
    assert len(set(rows)) <= 50


def test_the_dashboard_shows_every_alarm() -> None:
    (widget,) = [w for w in dashboard()["widgets"] if w["type"] == "alarm"]
    assert set(widget["properties"]["alarms"]) == {f"{name}.Arn" for name in ALARMS}


def test_the_dashboards_widgets_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        taken = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(widget["height"])
        }
        assert places.isdisjoint(taken)
        assert max(x for x, _ in taken) < 24
        places |= taken
