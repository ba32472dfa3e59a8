"""The template as a whole: what AWS checks before it makes anything, found out here before."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.aws import template as templates
from infra.aws.package import ROOT
from infra.errors import InfraError
from tests.unit.template_harness import STAGES, packaged, strings, transformed

#: CloudFormation's limits: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
TEMPLATE_BYTES_MAX = 1_000_000
RESOURCES_MAX = 500

#: What looks like a key, a token or a password.
SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|-----BEGIN|eyJ[\w-]{10,}|\b[0-9a-f]{32,}\b|"
    r"(?i:password|secret|token)\s*[=:]\s*\S"
)


@pytest.mark.parametrize("stage", STAGES)
def test_cfn_lint_has_nothing_to_say(stage: str, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(templates.serialise(packaged(stage)))
    linter = Path(sys.executable).with_name("cfn-lint")
    # Warnings count. The second Region: CloudFront's certificates are there.
    command = [str(linter), "--regions", "ap-northeast-2", "us-east-1", "-t", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_few_checks_are_left_out() -> None:
    ignored = {
        name: body["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
        for name, body in packaged("prod")["Resources"].items()
        if "cfn-lint" in body.get("Metadata", {})
    }
    assert ignored == {"Distribution": ["W1030"]}


# Conditions and parameters only ever take resources and references away, so a template with
# all of them has all cycles that any choice of parameters could have.
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_waits_for_itself(stage: str) -> None:
    assert templates.find_cycle(transformed(stage)) == []


def test_a_cycle_is_found() -> None:
    looped = transformed("dev")
    variables = looped["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    variables["API"] = {"Fn::Sub": "https://${RestAPI}.example"}
    assert {"RestAPI", "APIHandler"} <= set(templates.find_cycle(looped))


@pytest.mark.parametrize("stage", STAGES)
def test_references_lead_to_something(stage: str) -> None:
    template = transformed(stage)
    known = {*template["Resources"], *template["Parameters"]}
    found = set(templates.references([template["Resources"], template["Outputs"]]))
    assert {name for name in found if not name.startswith("AWS::")} <= known


@pytest.mark.parametrize("stage", STAGES)
def test_what_may_be_missing_is_needed_only_where_it_is_not(stage: str) -> None:
    """A resource under a condition is referred to under the same, or in a branch of an If."""
    template = transformed(stage)
    conditional = {
        name: body["Condition"]
        for name, body in template["Resources"].items()
        if "Condition" in body
    }
    everything = {**template["Resources"], **template["Outputs"]}
    assert conditional
    for name, body in everything.items():
        for other in set(templates.references(_without_branches(body))) & set(conditional):
            holds = _implying(template, conditional[other])
            assert body.get("Condition") in holds, f"{name} needs {other}"


def _without_branches(node: object) -> object:
    if isinstance(node, list):
        return [_without_branches(item) for item in node]
    if isinstance(node, dict):
        return {key: _without_branches(value) for key, value in node.items() if key != "Fn::If"}
    return node


def _implying(template: templates.Json, condition: str) -> set[str]:
    """Conditions that hold only if this one does."""
    conditions = template["Conditions"]
    found = {condition}
    names = [
        name
        for name, body in conditions.items()
        if {"Condition": condition} in body.get("Fn::And", [])
    ]
    names += [part["Condition"] for part in conditions[condition].get("Fn::Or", [])]
    for name in names:
        found |= _implying(template, name)
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_fits_into_cloudformations_limits(stage: str) -> None:
    assert len(templates.serialise(packaged(stage)).encode()) < TEMPLATE_BYTES_MAX / 4
    assert len(transformed(stage)["Resources"]) < RESOURCES_MAX / 4


@pytest.mark.parametrize("stage", STAGES)
def test_has_no_secrets(stage: str) -> None:
    template = packaged(stage)
    for body in templates.of_type(template, "AWS::Serverless::Function").values():
        for name in body["Properties"]["Environment"]["Variables"]:
            assert not re.search("SECRET|KEY|TOKEN|PASSWORD", name.replace("SECRETS_PARAMETER", ""))
    assert not templates.of_type(template, "AWS::SSM::Parameter")
    assert not templates.of_type(template, "AWS::SecretsManager::Secret")
    assert [text for text in strings(template) if SECRET.search(text)] == []


def test_what_deploying_reads_is_put_out() -> None:
    """``outputs["Name"]`` and ``outputs.get("Name")``, wherever they are in infra."""
    read: set[str] = set()
    for path in (ROOT / "infra").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case (
                    ast.Subscript(value=source, slice=ast.Constant(value=str(name)))
                    | ast.Call(
                        func=ast.Attribute(value=source, attr="get"),
                        args=[ast.Constant(value=str(name)), *_],
                    )
                ) if ast.unparse(source).endswith(("outputs", "outputs()")):
                    read.add(name)
    assert {"SiteUrl", "SiteBucketName"} <= read
    assert read <= set(packaged("prod")["Outputs"])


def test_parameters_that_are_no_secret_may_be_seen() -> None:
    for name, body in packaged("prod")["Parameters"].items():
        assert "NoEcho" not in body, name
        # Everything can be deployed without a word about it.
        assert "Default" in body, name


def test_parts_may_not_define_the_same_thing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("Resources: {Table: {Type: T}}\n")
    with pytest.raises(InfraError, match=r"b\.yaml: Resources\.Table"):
        templates.merge_template(tmp_path)


def test_an_override_of_nothing_is_refused() -> None:
    with pytest.raises(InfraError, match="Gone"):
        templates.finish({"Resources": {"Gone": {"Properties": {}}}}, stage="dev")


def test_is_json_that_does_not_depend_on_order() -> None:
    template = packaged("dev")
    turned = dict(reversed(template.items()))
    assert templates.serialise(turned) == templates.serialise(template)
    assert json.loads(templates.serialise(turned)) == template
