"""The Lambdas, who may do what, and the two APIs in front of them."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from chalicelib.settings import VARIABLES, SettingsError, read_settings
from infra.aws import template as templates
from tests.unit.template_harness import (
    FUNCTIONS,
    STAGES,
    as_list,
    packaged,
    statements,
    transformed,
)

NO_VALUE = {"Ref": "AWS::NoValue"}


@pytest.fixture
def template() -> templates.Json:
    return packaged("prod")


@pytest.mark.parametrize("stage", STAGES)
def test_has_exactly_these_lambdas(stage: str) -> None:
    assert set(templates.of_type(packaged(stage), "AWS::Serverless::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lambdas_have_name_time_and_role_of_their_own(template: templates.Json, name: str) -> None:
    suffix, timeout, role = FUNCTIONS[name]
    properties = template["Resources"][name]["Properties"]
    assert properties["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{suffix}"}
    assert properties["Timeout"] == timeout
    assert properties["Architectures"] == ["arm64"]
    assert properties["Role"] == {"Fn::GetAtt": [role, "Arn"]}
    assert properties["Runtime"] == f"python{sys.version_info.major}.{sys.version_info.minor}"
    # Traces are sent in the role's name, if they are.
    assert properties["Tracing"] == {"Ref": "Tracing"}
    role_policies = template["Resources"][role]["Properties"]["ManagedPolicyArns"]
    assert role_policies == {"Fn::If": ["IsTraced", [{"Ref": "TracingPolicy"}], NO_VALUE]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lambdas_get_the_environment_that_settings_reads(
    template: templates.Json, name: str
) -> None:
    variables = template["Resources"][name]["Properties"]["Environment"]["Variables"]
    assert set(variables) == set(VARIABLES)


@pytest.mark.parametrize("name", ["Background", "Push"])
def test_lambdas_that_go_on_in_a_new_invocation_are_no_loop(
    template: templates.Json, name: str
) -> None:
    assert template["Resources"][name]["Properties"]["RecursiveLoop"] == "Allow"


def invocations(function: str) -> dict[str, Any]:
    found = templates.of_type(transformed("prod"), "AWS::Lambda::EventInvokeConfig").values()
    (properties,) = [
        body["Properties"]
        for body in found
        if body["Properties"]["FunctionName"] == {"Ref": function}
    ]
    return dict(properties)


def test_a_push_has_a_whole_cpu_and_is_forgotten_when_it_is_old(template: templates.Json) -> None:
    assert template["Resources"]["Push"]["Properties"]["MemorySize"] == 1769
    found = invocations("Push")
    assert (found["MaximumEventAgeInSeconds"], found["MaximumRetryAttempts"]) == (60, 1)
    # Its jobs hold texts, which are to be in no queue.
    assert not found["DestinationConfig"]


def test_background_jobs_that_fail_wait_in_a_queue(template: templates.Json) -> None:
    found = invocations("Background")
    queue = {"Fn::GetAtt": ["BackgroundFailures", "Arn"]}
    assert found["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
    assert found["MaximumRetryAttempts"] == 2
    senders = {role for role, s in statements(template) if s["Action"] == "sqs:SendMessage"}
    assert senders == {"BackgroundRole"}
    properties = template["Resources"]["BackgroundFailures"]["Properties"]
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
    assert properties["SqsManagedSseEnabled"] is True


def test_the_pace_is_one_that_the_settings_take(template: templates.Json) -> None:
    pace = template["Parameters"]["FramePaceMs"]
    assert str(pace["Default"]) == VARIABLES["FRAME_PACE_MS"]
    environment = {"TABLE_PREFIX": "t-", "SITE_ORIGIN": "http://localhost:8000"}
    for value in (pace["MinValue"], pace["MaxValue"]):
        read_settings({**environment, "FRAME_PACE_MS": str(value)})
    with pytest.raises(SettingsError):
        read_settings({**environment, "FRAME_PACE_MS": str(pace["MaxValue"] + 1)})


def test_the_chat_window_is_one_that_the_settings_take(template: templates.Json) -> None:
    window = template["Parameters"]["ChatWindowMs"]
    assert str(window["Default"]) == VARIABLES["CHAT_WINDOW_MS"]
    environment = {"TABLE_PREFIX": "t-", "SITE_ORIGIN": "http://localhost:8000"}
    for value in (window["MinValue"], window["MaxValue"]):
        read_settings({**environment, "CHAT_WINDOW_MS": str(value)})
    with pytest.raises(SettingsError):
        read_settings({**environment, "CHAT_WINDOW_MS": str(window["MaxValue"] + 1)})


def test_how_long_an_account_is_new_is_what_the_settings_take(template: templates.Json) -> None:
    hours = template["Parameters"]["NewAccountHours"]
    assert str(hours["Default"]) == VARIABLES["NEW_ACCOUNT_HOURS"]
    environment = {"TABLE_PREFIX": "t-", "SITE_ORIGIN": "http://localhost:8000"}
    for value in (hours["MinValue"], hours["MaxValue"]):
        read_settings({**environment, "NEW_ACCOUNT_HOURS": str(value)})
    with pytest.raises(SettingsError):
        read_settings({**environment, "NEW_ACCOUNT_HOURS": str(hours["MaxValue"] + 1)})


def test_there_is_one_role_for_each_lambda_and_one_for_releases() -> None:
    of_lambdas = {role for _suffix, _timeout, role in FUNCTIONS.values()}
    assert set(templates.of_type(transformed("dev"), "AWS::IAM::Role")) == of_lambdas
    found = set(templates.of_type(transformed("prod"), "AWS::IAM::Role"))
    assert found == of_lambdas | {"ReleaseRole"}


def test_no_lambda_may_do_just_anything(template: templates.Json) -> None:
    for role, statement in statements(template):
        for action in as_list(statement["Action"]):
            assert "*" not in action, role
        for resource in as_list(statement["Resource"]):
            text = resource if isinstance(resource, str) else str(resource)
            # Connection ids exist at run time only; nothing else is left open.
            assert role == "ReleaseRole" or "*" not in text.replace("/@connections/*", ""), role


def test_a_release_moves_this_stacks_aliases_only(template: templates.Json) -> None:
    allowed = {
        tuple(as_list(s["Action"])): s["Resource"]
        for role, s in statements(template)
        if role == "ReleaseRole"
    }
    assert allowed.pop(("cloudwatch:DescribeAlarms",)) == "*"
    ((actions, resource),) = allowed.items()
    assert {action.partition(":")[0] for action in actions} == {"lambda"}
    assert resource["Fn::Sub"].endswith(":function:${AWS::StackName}-*")


@pytest.mark.parametrize(
    ("role", "invoked"),
    [
        ("ApiRole", {"background:live"}),
        ("MessageRole", {"background:live", "push:live"}),
        ("BackgroundRole", {"background:live", "push:live"}),
        ("PushRole", {"push:live"}),
    ],
)
def test_who_may_invoke_what(template: templates.Json, role: str, invoked: set[str]) -> None:
    resources = [
        resource["Fn::Sub"]
        for who, statement in statements(template)
        if who == role and statement["Action"] == "lambda:InvokeFunction"
        for resource in as_list(statement["Resource"])
    ]
    prefix = "function:${AWS::StackName}-"
    assert {resource.partition(prefix)[2] for resource in resources} == invoked


def test_a_push_worker_does_nothing_to_people(template: templates.Json) -> None:
    of_push = [statement for role, statement in statements(template) if role == "PushRole"]
    tables = {
        statement["Resource"]["Fn::GetAtt"][0]: set(as_list(statement["Action"]))
        for statement in of_push
        if "dynamodb:" in str(statement["Action"])
    }
    actions = {
        "RoomsTable": ["GetItem", "UpdateItem", "ConditionCheckItem"],
        "ChatsTable": ["Query", "BatchGetItem", "PutItem"],
        "SubscriptionsTable": ["Query", "BatchWriteItem"],
        "UsersTable": ["BatchGetItem"],
        "MembersTable": ["BatchGetItem"],
    }
    assert tables == {
        table: {f"dynamodb:{name}" for name in names} for table, names in actions.items()
    }


def test_only_who_needs_the_secrets_may_read_them(template: templates.Json) -> None:
    readers = {role for role, s in statements(template) if "ssm:GetParameter" in str(s["Action"])}
    assert "ApiRole" in readers
    # Whoever takes frames or handshakes from anybody has no business with Kakao's keys.
    assert readers.isdisjoint({"ConnectRole", "DisconnectRole", "MessageRole"})


def test_lambdas_may_log_into_their_own_group_only(template: templates.Json) -> None:
    for name, (_suffix, _timeout, role) in FUNCTIONS.items():
        group = template["Resources"][name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        (logs,) = [s for r, s in statements(template) if r == role and "logs:" in str(s["Action"])]
        assert logs["Resource"] == {"Fn::GetAtt": [group, "Arn"]}


def test_no_log_is_kept_for_ever(template: templates.Json) -> None:
    groups = templates.of_type(template, "AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 2
    for body in groups.values():
        assert body["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_websocket_stage_publishes_changes_by_itself(template: templates.Json) -> None:
    stage = template["Resources"]["WebsocketAPIStage"]["Properties"]
    assert stage["StageName"] == "ws"
    assert stage["AutoDeploy"] is True
    assert "DeploymentId" not in stage
    assert not templates.of_type(template, "AWS::ApiGatewayV2::Deployment")
    assert "ThrottlingRateLimit" in stage["DefaultRouteSettings"]


def test_messages_are_answered_by_the_lambdas_response(template: templates.Json) -> None:
    route = template["Resources"]["WebsocketMessageRoute"]["Properties"]
    assert route["RouteKey"] == "$default"
    assert route["RouteResponseSelectionExpression"] == "$default"
    (response,) = templates.of_type(template, "AWS::ApiGatewayV2::RouteResponse").values()
    assert response["Properties"]["RouteId"] == {"Ref": "WebsocketMessageRoute"}


def rest_stage() -> dict[str, Any]:
    (stage,) = templates.of_type(transformed("prod"), "AWS::ApiGateway::Stage").values()
    return dict(stage["Properties"])


def test_the_rest_api_has_one_throttled_stage() -> None:
    stage = rest_stage()
    assert stage["StageName"] == "api"
    assert "ThrottlingRateLimit" in stage["MethodSettings"][0]
    assert stage["TracingEnabled"] == {"Fn::If": ["IsTraced", True, False]}


def access_log_formats(template: templates.Json) -> list[str]:
    found = [
        rest_stage()["AccessLogSetting"],
        template["Resources"]["WebsocketAPIStage"]["Properties"]["AccessLogSettings"],
    ]
    assert all(setting["Fn::If"][0] == "HasAccessLogs" for setting in found)
    return [setting["Fn::If"][1]["Format"] for setting in found]


def test_access_logs_are_json_lines_without_anything_of_a_person(template: templates.Json) -> None:
    for text in access_log_formats(template):
        assert "\n" not in text
        # API Gateway puts in a number, a name or "-".
        line = json.loads(re.sub(r"\$context\.requestTimeEpoch", "1", text))
        assert {"at", "request_id", "route", "status"} <= set(line)
        variables = set(re.findall(r"\$context\.([\w.]+)", text))
        # Addresses, user agents, paths as called (a query is in none of these), and names.
        assert not {name for name in variables if name.startswith(("identity", "authorizer"))}
        assert "path" not in variables
        assert "$input" not in text


def test_access_logs_are_off_until_the_account_is_ready_for_them(template: templates.Json) -> None:
    assert template["Parameters"]["AccessLogs"]["Default"] == "off"
    # Of a whole account, it would be the next stack's or nobody's.
    assert not templates.of_type(template, "AWS::ApiGateway::Account")
