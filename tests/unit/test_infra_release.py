"""What people get after a deployment: the version that `live` names, on the emulated AWS.

In the stage dev: the emulator has no CodeDeploy, so nothing here is released step by step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.aws import access_logs
from infra.aws import template as templates
from infra.aws.account import Account
from infra.aws.deploy import Target, deploy, roll_back
from infra.aws.package import ROOT, Package, package
from infra.chalice_package import make_zip
from tests.unit.aws_harness import KAKAO, emulated_account

FUNCTION = "pingpong-dev-message"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with emulated_account(tmp_path / "aws", monkeypatch) as found:
        yield found


def live(account: Account) -> tuple[str, dict[str, str]]:
    """The version that is called, and its environment."""
    functions = account.client("lambda")
    alias = functions.get_alias(FunctionName=FUNCTION, Name="live")
    found = functions.get_function_configuration(FunctionName=FUNCTION, Qualifier="live")
    return alias["FunctionVersion"], found["Environment"]["Variables"]


def test_releasing_at_once_is_for_once_and_for_rolling_back(
    account: Account, tmp_path: Path
) -> None:
    """A parameter that would be kept would end staged releases for ever."""
    made = package(tmp_path / "package", stage="dev", libraries=False, source=ROOT)
    # As in production, where the parameter is; but for CodeDeploy, which the emulator lacks.
    made.template["Parameters"]["Rollout"] = {"Type": "String", "Default": "Canary"}
    made.template["Outputs"]["Rollout"] = {"Value": {"Ref": "Rollout"}}
    for body in templates.of_type(made.template, "AWS::Serverless::Function").values():
        body["Properties"]["Environment"]["Variables"]["ROLLOUT"] = {"Ref": "Rollout"}
    site_dir = tmp_path / "dist"
    site_dir.mkdir()
    (site_dir / "index.html").write_text("site")
    account.write_secrets("/pingpong/dev/secrets", KAKAO)

    def release(**parameters: str) -> str:
        return deploy(
            account,
            made,
            stage="dev",
            site_dir=site_dir,
            parameters=parameters,
            report=lambda _: None,
        )["Rollout"]

    assert release(Rollout="AllAtOnce") == "AllAtOnce"
    assert release() == "Canary"
    (site_dir / "index.html").write_text("another site")
    assert release() == "Canary"
    _release, outputs = roll_back(Target(account, "dev"))
    assert outputs["Rollout"] == "AllAtOnce"
    assert release() == "Canary"


def test_access_logs_get_the_role_that_they_need_once(account: Account) -> None:
    gateway = account.client("apigateway")
    said: list[str] = []
    access_logs.allow(account, said.append)
    given = gateway.get_account()["cloudwatchRoleArn"]
    assert given.endswith(f":role/{access_logs.ROLE}")
    policies = account.client("iam").list_attached_role_policies(RoleName=access_logs.ROLE)
    (policy,) = policies["AttachedPolicies"]
    assert policy["PolicyArn"].endswith("/AmazonAPIGatewayPushToCloudWatchLogs")

    other = given.replace(access_logs.ROLE, "of-others")
    gateway.update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": other}]
    )
    access_logs.allow(account, said.append)
    assert gateway.get_account()["cloudwatchRoleArn"] == other
    assert len(said) == 1


def test_whatever_is_deployed_is_what_people_get(account: Account, tmp_path: Path) -> None:
    made = package(tmp_path / "package", stage="dev", libraries=False, source=ROOT)
    site_dir = tmp_path / "dist"
    site_dir.mkdir()
    (site_dir / "index.html").write_text("site")
    account.write_secrets("/pingpong/dev/secrets", KAKAO)

    def release(made: Package, **parameters: str) -> dict[str, str]:
        return deploy(
            account,
            made,
            stage="dev",
            site_dir=site_dir,
            parameters=parameters,
            report=lambda _: None,
        )

    # The second pass tells the Lambdas the site's address, by a parameter.
    outputs = release(made)
    first, environment = live(account)
    assert environment["SITE_ORIGIN"] == outputs["SiteUrl"]

    release(made)
    assert live(account)[0] == first

    release(made, FramePaceMs="350")
    second, environment = live(account)
    assert second != first
    assert environment["FRAME_PACE_MS"] == "350"

    other = dataclasses.replace(made, code=make_zip({"app.py": b"# other"}))
    release(other)
    third, environment = live(account)
    assert third not in (first, second)
    # What was given before stays.
    assert environment["FRAME_PACE_MS"] == "350"
