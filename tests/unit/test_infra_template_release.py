"""How a release reaches people: versions, the alias `live`, and CodeDeploy's steps."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from infra.aws import aliases
from infra.aws import template as templates
from infra.aws.aliases import DESCRIPTION_CHARACTERS_MAX, STAGED_ONLY, alias_of, publish, unpublish
from infra.aws.package import ROOT
from infra.errors import InfraError
from infra.local.pingpong.adapt import adapt
from tests.unit.template_harness import (
    FUNCTIONS,
    STAGES,
    after_sam,
    packaged,
    strings,
    transformed,
)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_lambda_has_an_alias_of_its_latest_version(stage: str, function: str) -> None:
    resources = transformed(stage)["Resources"]
    properties = resources[alias_of(function)]["Properties"]
    assert properties["Name"] == "live"
    version, attribute = properties["FunctionVersion"]["Fn::GetAtt"]
    assert attribute == "Version"
    assert resources[version]["Type"] == "AWS::Lambda::Version"
    assert resources[version]["Properties"]["FunctionName"] == {"Ref": function}


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_calls_a_lambda_but_by_its_alias(stage: str) -> None:
    template = transformed(stage)
    callers = {
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Integration",
        "AWS::Lambda::Permission",
    }
    called: set[str] = set()
    for name, body in template["Resources"].items():
        if body["Type"] in callers:
            found = set(templates.references(body))
            assert found.isdisjoint(FUNCTIONS), name
            called |= found
    of_api_gateway = set(FUNCTIONS) - {"Background", "Push"}
    assert {alias_of(name) for name in of_api_gateway} <= called
    for body in templates.of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        assert body["Properties"]["Qualifier"] == "live"


def test_every_method_of_the_rest_api_calls_the_alias() -> None:
    document = transformed("prod")["Resources"]["RestAPI"]["Properties"]["Body"]
    uris = [
        method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for path in document["paths"].values()
        for method in path.values()
        if method["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
    ]
    assert len(uris) > 5
    assert {uri.partition("/functions/")[2] for uri in uris} == {
        "${APIHandlerAliaslive}/invocations"
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambdas_invoke_each_other_by_alias(function: str) -> None:
    variables = packaged("prod")["Resources"][function]["Properties"]["Environment"]["Variables"]
    for name, invoked in (("BACKGROUND_FUNCTION", "background"), ("PUSH_FUNCTION", "push")):
        assert variables[name] == {"Fn::Sub": f"${{AWS::StackName}}-{invoked}:live"}


def versions(template: templates.Json) -> dict[str, dict[str, Any]]:
    """Each function's version, with its logical id."""
    return {
        body["Properties"]["FunctionName"]["Ref"]: {"id": name, **body["Properties"]}
        for name, body in templates.of_type(template, "AWS::Lambda::Version").items()
    }


def test_new_code_is_a_new_version() -> None:
    template = packaged("prod")
    before = versions(after_sam(template, code="code/1.zip"))
    after = versions(after_sam(template, code="code/2.zip"))
    assert all(before[name]["id"] != after[name]["id"] for name in FUNCTIONS)


@pytest.mark.parametrize("setting", [{"MemorySize": 128}, {"Timeout": 3}])
def test_another_property_is_a_new_version(setting: dict[str, int]) -> None:
    template = packaged("prod")
    before = versions(after_sam(template))
    template["Resources"]["Push"]["Properties"] |= setting
    after = versions(after_sam(template))
    assert {name for name in FUNCTIONS if before[name]["id"] != after[name]["id"]} == {"Push"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_another_value_of_a_parameter_is_a_new_version(function: str) -> None:
    """By its description, which has all that the function has, and can't be changed in place."""
    template = transformed("prod")
    properties = template["Resources"][function]["Properties"]
    used = set(templates.references(properties)) & set(template["Parameters"])
    assert {"SiteOrigin", "FramePaceMs", "Tracing"} <= used
    description = versions(template)[function]["Description"]["Fn::Sub"]
    assert set(re.findall(r"\$\{(\w+)\}", description)) == used
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("ap-northeast-2", "AWS::Lambda::Version")
    assert "/properties/Description" in schema.schema["createOnlyProperties"]


def test_sam_alone_sees_no_new_value_of_a_parameter() -> None:
    """Why there is a description; when this fails, SAM has learnt it (its issue 3820)."""
    template = packaged("prod")
    plain = versions(after_sam(template))
    other = versions(after_sam(template, {"SiteOrigin": "https://other.example"}))
    assert {name: version["id"] for name, version in plain.items()} == {
        name: version["id"] for name, version in other.items()
    }


def longest(parameter: dict[str, Any]) -> int:
    if "AllowedValues" in parameter:
        return max(len(str(value)) for value in parameter["AllowedValues"])
    limit = parameter.get("MaxLength")
    return int(limit) if limit is not None else len(str(parameter["MaxValue"]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_longest_values_fit_into_a_description(function: str) -> None:
    template = packaged("prod")
    description = template["Resources"][function]["Properties"]["VersionDescription"]["Fn::Sub"]
    names = re.findall(r"\$\{(\w+)\}", description)
    literal = re.sub(r"\$\{\w+\}", "", description)
    characters = len(literal) + sum(longest(template["Parameters"][name]) for name in names)
    assert characters <= DESCRIPTION_CHARACTERS_MAX


def test_production_releases_a_tenth_first_and_heeds_alarms() -> None:
    template = transformed("prod")
    groups = templates.of_type(template, "AWS::CodeDeploy::DeploymentGroup")
    assert set(groups) == {f"{name}DeploymentGroup" for name in FUNCTIONS}
    for body in groups.values():
        group = body["Properties"]
        condition, canary, _at_once = group["DeploymentConfigName"]["Fn::If"]
        assert condition == "IsCanary"
        assert canary["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["ReleaseRole", "Arn"]}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        _condition, heeded, none = group["AlarmConfiguration"]["Fn::If"]
        assert none == {}
        for alarm in heeded["Alarms"]:
            properties = template["Resources"][alarm["Name"]["Ref"]]["Properties"]
            periods = properties.get("Period") or properties["Metrics"][1]["MetricStat"]["Period"]
            # In time, that is within the canary's five minutes.
            assert periods * properties["EvaluationPeriods"] < 300
    for name in FUNCTIONS:
        assert (
            "CodeDeployLambdaAliasUpdate" in template["Resources"][alias_of(name)]["UpdatePolicy"]
        )


def test_elsewhere_there_is_no_codedeploy() -> None:
    template = transformed("dev")
    assert not [
        name
        for name, body in template["Resources"].items()
        if body["Type"].startswith("AWS::CodeDeploy") or "UpdatePolicy" in body
    ]
    for section, name in STAGED_ONLY:
        assert name not in template[section]
        assert name in packaged("prod")[section]


def test_the_local_stack_has_no_versions_and_calls_the_lambdas_themselves() -> None:
    local = adapt(packaged("local"), management_endpoint="http://127.0.0.1:1/ws")
    template = after_sam(local)
    kinds = {body["Type"] for body in template["Resources"].values()}
    assert kinds.isdisjoint({"AWS::Lambda::Version", "AWS::Lambda::Alias"})
    assert [text for text in strings(template["Resources"]) if "live" in text] == []
    for body in templates.of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        assert body["Properties"]["Qualifier"] == "$LATEST"
    called = {
        other
        for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Integration")
        for body in templates.of_type(template, kind).values()
        for other in templates.references(body)
    }
    assert set(FUNCTIONS) - {"Background", "Push"} <= called


def test_taking_releases_away_leaves_what_chalice_made() -> None:
    """Calls of aliases become calls of functions, and everything else stays."""
    template = packaged("dev")
    again = copy.deepcopy(template)
    unpublish(again)
    publish(again, is_staged=False)
    for kind in aliases.CALLERS:
        assert templates.of_type(again, kind) == templates.of_type(template, kind)


def test_a_caller_of_an_unknown_kind_is_refused() -> None:
    template = {
        "Resources": {
            "F": {"Type": "AWS::Serverless::Function", "Properties": {}},
            "Calls": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {"IntegrationUri": {"Fn::GetAtt": ["F", "Arn"]}},
            },
        }
    }
    with pytest.raises(InfraError, match=r"Calls .* does not call the alias of F"):
        publish(template, is_staged=False)


def test_a_version_stays_when_another_comes_but_not_when_it_is_replaced() -> None:
    # Decision 18, Versions.
    versions = templates.of_type(transformed("prod"), "AWS::Lambda::Version")
    assert len(versions) == len(FUNCTIONS)
    for body in versions.values():
        assert body["DeletionPolicy"] == "Retain"
        assert "UpdateReplacePolicy" not in body


def test_the_decision_names_all_aliases_that_a_rollback_may_have_to_skip() -> None:
    text = (ROOT / "docs" / "decisions" / "0018-release.md").read_text(encoding="utf-8")
    command = re.search(r"--resources-to-skip ((?:[^`\\]|\\\n)+)", text)
    assert command is not None
    named = re.findall(r"\w+", command[1])
    assert sorted(named) == sorted(templates.of_type(transformed("prod"), "AWS::Lambda::Alias"))
