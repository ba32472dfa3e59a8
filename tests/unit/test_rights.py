"""What the template allows and what was done are compared right by right."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.aws.template import Json, merge_template
from infra.local.permission_modes import USED_NAME
from tests.support import rights, rights_used
from tests.support.rights import Names, Right, arn

ROOT = Path(__file__).parents[2]
NAMES = Names("pingpong-local-", "/pingpong/local/secrets")
USERS = arn("dynamodb", "table/STACK-users")


@pytest.fixture
def template() -> Json:
    return merge_template()


def role(template: Json, name: str) -> list[Any]:
    """The statements of a role's tables."""
    policies = template["Resources"][name]["Properties"]["Policies"]
    (document,) = [p["PolicyDocument"] for p in policies if p["PolicyName"] == "tables"]
    statements: list[Any] = document["Statement"]
    return statements


# --- What a template allows ----------------------------------------------------------------------


def test_each_action_with_each_resource_is_a_right(template: Json) -> None:
    role(template, "ConnectRole")[:] = [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query"],
            "Resource": [
                {"Fn::GetAtt": ["UsersTable", "Arn"]},
                {"Fn::Sub": "${UsersTable.Arn}/index/by_name"},
            ],
        }
    ]
    found = {right for right in rights.allowed(template) if right.function == "connect"}
    assert found - rights.used_by_lambda_itself(template) == {
        Right("connect", f"dynamodb:{action}", resource)
        for action in ("GetItem", "Query")
        for resource in (USERS, f"{USERS}/index/by_name")
    }


def test_every_lambda_of_the_template_has_rights(template: Json) -> None:
    functions = {right.function for right in rights.allowed(template)}
    assert functions == {"connect", "disconnect", "message", "api", "background", "push"}


def test_what_lambda_does_itself_is_what_the_functions_ask_for(template: Json) -> None:
    itself = rights.used_by_lambda_itself(template)
    assert itself <= rights.allowed(template)
    assert Right("background", "sqs:SendMessage", arn("sqs", "BackgroundFailures")) in itself
    # Without the permission it would be missing.
    without = copy.deepcopy(template)
    policies = without["Resources"]["BackgroundRole"]["Properties"]["Policies"]
    policies[:] = [policy for policy in policies if policy["PolicyName"] != "failures"]
    (missing,) = rights.missing(itself, rights.allowed(without))
    assert missing.action == "sqs:SendMessage"
    # Without the queue it would be unused.
    del without["Resources"]["Background"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]
    left = rights.used_by_lambda_itself(without)
    assert left == itself - {missing}


def test_invoking_is_allowed_by_the_very_names_in_the_environment(template: Json) -> None:
    """The comparison leaves aliases out, as the local stack has none."""
    resources = template["Resources"]
    variables = resources["WebsocketConnect"]["Properties"]["Environment"]["Variables"]
    called = {variables[name]["Fn::Sub"] for name in ("BACKGROUND_FUNCTION", "PUSH_FUNCTION")}
    named = {
        resource["Fn::Sub"].rpartition(":function:")[2]
        for body in resources.values()
        if body.get("Type") == "AWS::IAM::Role"
        for policy in body["Properties"].get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in (
            statement["Resource"]
            if isinstance(statement["Resource"], list)
            else [statement["Resource"]]
        )
    }
    assert named == called
    assert all(name.endswith(":live") for name in called)


# --- What was used -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ("arn:aws:dynamodb:ap-northeast-2:000000000000:table/pingpong-local-users", USERS),
        (
            "arn:aws:dynamodb:ap-northeast-2:000000000000:table/pingpong-local-rooms/index/by_x",
            arn("dynamodb", "table/STACK-rooms/index/by_x"),
        ),
        (
            "arn:aws:lambda:eu-north-1:000000000000:function:pingpong-local-push:live",
            arn("lambda", "function:STACK-push"),
        ),
        (
            "arn:aws:execute-api:eu-north-1:000000000000:a1b2/ws/POST/@connections/*",
            arn("execute-api", "API/ws/POST/@connections/*"),
        ),
        (
            "arn:aws:ssm:eu-north-1:000000000000:parameter/pingpong/local/secrets",
            arn("ssm", "parameter/SECRETS"),
        ),
        # Nobody else's is taken for one of the stack's.
        ("arn:aws:dynamodb:x:0:table/users", arn("dynamodb", "table/users")),
        ("arn:aws:ssm:x:0:parameter/else", arn("ssm", "parameter/else")),
        ("*", "*"),
    ],
)
def test_a_stacks_own_names_are_left_out(used: str, expected: str) -> None:
    right = rights.of_stack("pingpong-local-message", "service:Action", used, NAMES)
    assert right == Right("message", "service:Action", expected)


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("GetItem", {"TableName": "a"}, {("GetItem", "a")}),
        ("Query", {"TableName": "a", "IndexName": "i"}, {("Query", "a/index/i")}),
        (
            "BatchWriteItem",
            {"RequestItems": {"a": [], "b": []}},
            {("BatchWriteItem", "a"), ("BatchWriteItem", "b")},
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "a"}},
                    {"ConditionCheck": {"TableName": "b"}},
                    {"Delete": {"TableName": "b"}},
                    {"Update": {"TableName": "c"}},
                ]
            },
            {
                ("PutItem", "a"),
                ("ConditionCheckItem", "b"),
                ("DeleteItem", "b"),
                ("UpdateItem", "c"),
            },
        ),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "a"}}]}, {("GetItem", "a")}),
    ],
)
def test_a_request_needs_actions_on_tables(
    operation: str, arguments: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert set(rights_used.table_actions(operation, arguments)) == expected


def test_a_stacks_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"role": "r", "function": "pingpong-local-push", "allowed": True}
    said |= {
        "action": "dynamodb:Query",
        "resource": "arn:aws:dynamodb:x:0:table/pingpong-local-users",
    }
    (tmp_path / USED_NAME).write_text(json.dumps(said) + "\n")
    monkeypatch.setattr(rights_used, "USED", set())
    ready = {"table_prefix": NAMES.prefix, "secrets_parameter": NAMES.secrets_parameter}
    rights_used.add_of_stack(tmp_path, ready)
    assert {Right("push", "dynamodb:Query", USERS)} == rights_used.USED


# --- Comparing -----------------------------------------------------------------------------------


def test_nothing_is_wrong_when_all_that_is_allowed_is_used() -> None:
    allowed = {Right("push", "dynamodb:Query", USERS)}
    assert rights.missing(allowed, allowed) == []
    assert rights.unused(allowed, allowed) == []


@pytest.mark.parametrize(
    "used",
    [
        Right("message", "dynamodb:Query", USERS),
        Right("push", "dynamodb:GetItem", USERS),
        Right("push", "dynamodb:Query", f"{USERS}/index/by_name"),
        Right("push", "dynamodb:Query", f"{USERS}2"),
    ],
)
def test_another_lambda_action_or_resource_is_another_right(used: Right) -> None:
    allowed = Right("push", "dynamodb:Query", USERS)
    assert rights.missing([used], {allowed}) == [used]
    assert rights.unused({used}, [allowed]) == [allowed]


def test_a_wildcard_is_used_by_whatever_it_matches() -> None:
    allowed = Right("push", "dynamodb:Get*", f"{USERS}*")
    used = Right("push", "dynamodb:GetItem", f"{USERS}/index/by_name")
    assert rights.missing([used], {allowed}) == []
    assert rights.unused({used}, [allowed]) == []


# --- After a test run ----------------------------------------------------------------------------

#: A conftest with the plugin, whose tests take the place of the integration tests.
CONFTEST = """
from pathlib import Path
import pytest
from infra.aws.template import merge_template
from tests.support import rights, rights_plugin, rights_used

rights_plugin.INTEGRATION = Path(__file__).parent

def pytest_configure(config):
    plugin = rights_plugin.RightsPlugin(
        runs_tests=hasattr(config, "workerinput") or not config.getoption("numprocesses", None),
        is_controller=not hasattr(config, "workerinput"),
        on_stack=True,
    )
    config.pluginmanager.register(plugin)
"""
TESTS = """
from infra.aws.template import merge_template
from tests.support import rights, rights_used
from tests.support.rights import Right

ALLOWED = sorted(rights.allowed(merge_template()))
SPARED = next(right for right in ALLOWED if right.action == "dynamodb:Query")

def test_one():
    rights_used.USED.update(ALLOWED[::2])

def test_two():
    rights_used.USED.update(ALLOWED[1::2])
"""


def run(directory: Path, tests: str, *options: str) -> tuple[int, str]:
    """A test run of its own; its exit status and output."""
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_them.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(directory)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_run_that_used_all_passes_in_several_processes(tmp_path: Path) -> None:
    status, output = run(tmp_path, TESTS, "-n", "2", "--dist", "load")
    allowed = len(rights.allowed(merge_template()))
    assert f"rights of Lambdas: {allowed} allowed, {allowed} of them used" in output
    assert status == 0


def test_a_run_fails_by_what_is_allowed_and_not_used(tmp_path: Path) -> None:
    tests = TESTS + "\ndef test_three():\n    rights_used.USED.discard(SPARED)\n"
    status, output = run(tmp_path, tests, "-p", "no:randomly")
    assert "allowed, but not used: " in output
    assert output.count("not used") == 1
    assert status == 1


def test_a_run_fails_by_what_is_used_and_not_allowed(tmp_path: Path) -> None:
    more = 'Right("push", "dynamodb:Scan", "x")'
    tests = TESTS + f"\ndef test_three():\n    rights_used.USED.add({more})\n"
    # Even when only a part of the tests was run.
    status, output = run(tmp_path, tests, "-k", "three")
    assert "not allowed, but used: push: dynamodb:Scan on x" in output
    assert "isn't judged" in output
    assert "not used" not in output
    assert status == 1


@pytest.mark.parametrize("failing", [False, True])
def test_a_part_of_the_tests_does_not_show_what_is_unused(tmp_path: Path, failing: bool) -> None:
    tests = TESTS + ("\ndef test_three():\n    assert False\n" if failing else "")
    status, output = run(tmp_path, tests, *([] if failing else ["-k", "one"]))
    assert "isn't judged" in output
    assert status == int(failing)
