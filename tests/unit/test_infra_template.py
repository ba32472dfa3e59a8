"""The template that goes to AWS: what it makes, who may do what, what it must never have."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from chalicelib.settings import VARIABLES, SettingsError, read_settings
from infra.aws import template as templates
from infra.aws.package import ROOT, package
from infra.errors import InfraError

FUNCTIONS = {
    "WebsocketConnect": ("connect", 10, "ConnectRole"),
    "WebsocketDisconnect": ("disconnect", 10, "DisconnectRole"),
    "WebsocketMessage": ("message", 10, "MessageRole"),
    "APIHandler": ("api", 15, "ApiRole"),
    "Background": ("background", 300, "BackgroundRole"),
    "Push": ("push", 60, "PushRole"),
}

#: Logical id → key, TTL, index → (key, projection).
TABLES: dict[str, tuple[list[str], bool, dict[str, tuple[list[str], Any]]]] = {
    "UsersTable": (["user_id:S"], False, {}),
    "SessionsTable": (["session_id:S"], True, {"by_user": (["user_id:S"], "KEYS_ONLY")}),
    "RoomsTable": (["room_id:S"], False, {}),
    "MembersTable": (
        ["user_id:S", "room_id:S"],
        False,
        {"by_room": (["room_id:S", "user_id:S"], ["role", "joined_at"])},
    ),
    "ChatsTable": (["room_id:S", "seq:N"], False, {}),
    "ConnectionsTable": (
        ["connection_id:S"],
        True,
        {"by_user": (["user_id:S"], ["session_id"])},
    ),
    "SubscriptionsTable": (["room_id:S", "connection_id:S"], True, {}),
}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as packaged for a stage that is not production, without libraries."""
    out = tmp_path_factory.mktemp("package")
    package(out, stage="dev", libraries=False, source=ROOT)
    return out


@pytest.fixture(scope="module")
def template(packaged: Path) -> templates.Json:
    found: templates.Json = json.loads((packaged / "template.json").read_text())
    return found


def after_sam(template: templates.Json) -> templates.Json:
    """What CloudFormation sees: SAM's transform applied, as AWS does."""
    uploaded = copy.deepcopy(template)
    for function in templates.of_type(uploaded, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "code.zip"}
    no_policies = type("Loader", (), {"load": lambda self: {}})()
    found: templates.Json = transform(uploaded, {}, no_policies)
    return found


def keys(definitions: list[dict[str, str]], key_schema: list[dict[str, str]]) -> list[str]:
    types = {item["AttributeName"]: item["AttributeType"] for item in definitions}
    order = sorted(key_schema, key=lambda item: item["KeyType"])  # HASH before RANGE
    return [f"{item['AttributeName']}:{types[item['AttributeName']]}" for item in order]


def test_makes_the_tables_and_no_others(template: templates.Json) -> None:
    assert set(templates.of_type(template, "AWS::DynamoDB::Table")) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_their_keys_indexes_and_ttl(template: templates.Json, name: str) -> None:
    key, has_ttl, indexes = TABLES[name]
    properties = template["Resources"][name]["Properties"]
    definitions = properties["AttributeDefinitions"]
    assert keys(definitions, properties["KeySchema"]) == key
    found = {
        index["IndexName"]: (
            keys(definitions, index["KeySchema"]),
            index["Projection"].get("NonKeyAttributes", index["Projection"]["ProjectionType"]),
        )
        for index in properties.get("GlobalSecondaryIndexes", [])
    }
    assert found == indexes
    ttl = {"AttributeName": "expires_at", "Enabled": True} if has_ttl else None
    assert properties.get("TimeToLiveSpecification") == ttl


@pytest.mark.parametrize("name", TABLES)
def test_tables_cost_nothing_idle_and_can_be_restored(template: templates.Json, name: str) -> None:
    properties = template["Resources"][name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProduction", True, False]}
    assert properties["TableName"]["Fn::Sub"].startswith("${AWS::StackName}-")


@pytest.mark.parametrize(("stage", "policy"), [("prod", "Retain"), ("dev", "Delete")])
def test_only_production_outlives_its_stack(
    packaged: Path, template: templates.Json, stage: str, policy: str
) -> None:
    merged = copy.deepcopy(template)
    for name, body in templates.merge_template()["Resources"].items():
        merged["Resources"][name].update(
            {k: v for k, v in body.items() if k.endswith("Policy") and isinstance(v, str)}
        )
    resources = templates.finish(merged, stage=stage)["Resources"]
    kept = {*TABLES, "SiteBucket"}
    assert {resources[name]["DeletionPolicy"] for name in kept} == {policy}
    assert {resources[name]["UpdateReplacePolicy"] for name in kept} == {policy}


def test_has_exactly_these_lambdas(template: templates.Json) -> None:
    assert set(templates.of_type(template, "AWS::Serverless::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lambdas_have_name_time_and_role_of_their_own(template: templates.Json, name: str) -> None:
    suffix, timeout, role = FUNCTIONS[name]
    properties = template["Resources"][name]["Properties"]
    assert properties["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{suffix}"}
    assert properties["Timeout"] == timeout
    assert properties["Architectures"] == ["arm64"]
    assert properties["Role"] == {"Fn::GetAtt": [role, "Arn"]}
    assert properties["Runtime"] == f"python{sys.version_info.major}.{sys.version_info.minor}"


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


def test_a_push_has_a_whole_cpu_and_is_forgotten_when_it_is_old(template: templates.Json) -> None:
    assert template["Resources"]["Push"]["Properties"]["MemorySize"] == 1769
    (invocations,) = templates.of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    assert invocations["Properties"] == {
        "FunctionName": {"Ref": "Push"},
        "Qualifier": "$LATEST",
        "MaximumEventAgeInSeconds": 60,
        "MaximumRetryAttempts": 1,
    }


def test_the_pace_is_one_that_the_settings_take(template: templates.Json) -> None:
    pace = template["Parameters"]["FramePaceMs"]
    assert str(pace["Default"]) == VARIABLES["FRAME_PACE_MS"]
    for value in (pace["MinValue"], pace["MaxValue"]):
        environment = {"TABLE_PREFIX": "t-", "SITE_ORIGIN": "http://localhost:8000"}
        read_settings({**environment, "FRAME_PACE_MS": str(value)})
    with pytest.raises(SettingsError):
        read_settings({**environment, "FRAME_PACE_MS": str(pace["MaxValue"] + 1)})


def statements(template: templates.Json) -> list[tuple[str, dict[str, Any]]]:
    return [
        (role, statement)
        for role, body in templates.of_type(template, "AWS::IAM::Role").items()
        for policy in body["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_there_is_one_role_for_each_lambda(template: templates.Json) -> None:
    roles = set(templates.of_type(after_sam(template), "AWS::IAM::Role"))
    assert roles == {role for _suffix, _timeout, role in FUNCTIONS.values()}


def test_no_role_may_do_just_anything(template: templates.Json) -> None:
    for role, statement in statements(template):
        for action in as_list(statement["Action"]):
            assert "*" not in action, role
        for resource in as_list(statement["Resource"]):
            text = resource if isinstance(resource, str) else str(resource)
            # Connection ids exist at run time only; nothing else is left open.
            assert "*" not in text.replace("/@connections/*", ""), role


@pytest.mark.parametrize(
    ("role", "invoked"),
    [
        ("ApiRole", {"background"}),
        ("MessageRole", {"background", "push"}),
        ("BackgroundRole", {"background", "push"}),
        ("PushRole", {"push"}),
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
        assert "RetentionInDays" in template["Resources"][group]["Properties"]


def test_nothing_waits_for_itself(template: templates.Json) -> None:
    assert templates.find_cycle(after_sam(template)) == []


def test_a_cycle_is_found(template: templates.Json) -> None:
    looped = copy.deepcopy(template)
    variables = looped["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    variables["API"] = {"Fn::Sub": "https://${RestAPI}.example"}
    assert {"RestAPI", "APIHandler"} <= set(templates.find_cycle(after_sam(looped)))


def test_references_lead_to_something(template: templates.Json) -> None:
    known = {*template["Resources"], *template["Parameters"], *template["Conditions"]}
    found = set(templates.references([template["Resources"], template["Outputs"]]))
    assert {name for name in found if not name.startswith("AWS::")} <= known


def test_cfn_lint_has_nothing_to_say(packaged: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [str(linter), str(packaged / "template.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_has_no_secrets(packaged: Path, template: templates.Json) -> None:
    for body in templates.of_type(template, "AWS::Serverless::Function").values():
        for name in body["Properties"]["Environment"]["Variables"]:
            assert not re.search("SECRET|KEY|TOKEN|PASSWORD", name.replace("SECRETS_PARAMETER", ""))
    assert "AWS::SSM::Parameter" not in (packaged / "template.json").read_text()


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


def test_the_rest_api_has_one_throttled_stage(template: templates.Json) -> None:
    stages = templates.of_type(after_sam(template), "AWS::ApiGateway::Stage")
    (stage,) = [body["Properties"] for body in stages.values()]
    assert stage["StageName"] == "api"
    assert "ThrottlingRateLimit" in stage["MethodSettings"][0]


def test_content_security_policy_allows_the_site_only(template: templates.Json) -> None:
    config = template["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    csp = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    directives = dict(part.strip().partition(" ")[::2] for part in csp.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "unsafe" not in csp
    assert "*" not in csp


def test_errors_of_the_api_stay_errors(template: templates.Json) -> None:
    config = template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert "CustomErrorResponses" not in config
    (association,) = config["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["FunctionARN"] == {"Fn::GetAtt": ["SiteRoutes", "FunctionARN"]}
    assert all("FunctionAssociations" not in behavior for behavior in config["CacheBehaviors"])


def test_the_bucket_is_cloudfronts_alone(template: templates.Json) -> None:
    bucket = template["Resources"]["SiteBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    policy = template["Resources"]["SiteBucketPolicy"]["Properties"]["PolicyDocument"]
    (allowed,) = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "AWS:SourceArn" in allowed["Condition"]["StringEquals"]


def test_parts_may_not_define_the_same_thing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("Resources: {Table: {Type: T}}\n")
    with pytest.raises(InfraError, match=r"b\.yaml: Resources\.Table"):
        templates.merge_template(tmp_path)


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(InfraError, match="Gone"):
        templates.finish({"Resources": {"Gone": {"Properties": {}}}}, stage="dev")
