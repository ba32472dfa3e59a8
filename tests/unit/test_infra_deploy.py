"""Deploying as to AWS, with MiniStack for AWS: order, second pass, upload, and what goes wrong.

MiniStack has CloudFront's types, so the whole template is deployed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.aws.account import Account
from infra.aws.deploy import deploy, destroy
from infra.aws.package import ROOT, Package, package
from infra.aws.template import of_type
from infra.errors import InfraError
from infra.local.leave_out import leave_out
from tests.unit.aws_harness import KAKAO, emulated_account


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The app for a stage."""
    return package(tmp_path_factory.mktemp("package"), stage="dev", libraries=False, source=ROOT)


@pytest.fixture
def site_dir(tmp_path: Path) -> Path:
    for name in ("index.html", "assets/index-abc.js"):
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "dist"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of an empty AWS."""
    with emulated_account(tmp_path, monkeypatch) as made:
        yield made


def run(account: Account, made: Package, site_dir: Path) -> tuple[dict[str, str], list[str]]:
    lines: list[str] = []
    outputs = deploy(
        account, made, stage="dev", site_dir=site_dir, parameters={}, report=lines.append
    )
    return outputs, lines


def test_a_stage_is_deployed_updated_and_removed(
    account: Account, packaged: Package, site_dir: Path
) -> None:
    account.write_secrets("/pingpong/dev/secrets", KAKAO)
    outputs, lines = run(account, packaged, site_dir)

    # The site's address is known after the first pass only.
    functions = account.client("lambda")
    api = functions.get_function_configuration(FunctionName="pingpong-dev-api")
    assert api["Environment"]["Variables"]["SITE_ORIGIN"] == outputs["SiteUrl"]
    assert outputs["SiteUrl"].startswith("https://")
    assert any(line.startswith("CREATE_COMPLETE") for line in lines)

    s3 = account.client("s3")
    page = s3.head_object(Bucket=outputs["SiteBucketName"], Key="index.html")
    assert page["CacheControl"] == "no-cache"
    asset = s3.head_object(Bucket=outputs["SiteBucketName"], Key="assets/index-abc.js")
    assert "immutable" in asset["CacheControl"]
    assert lines.index("uploaded assets/index-abc.js") < lines.index("uploaded index.html")
    invalidations = account.client("cloudfront").list_invalidations(
        DistributionId=outputs["DistributionId"]
    )
    assert invalidations["InvalidationList"]["Quantity"] == 1

    again, lines = run(account, packaged, site_dir)
    assert again == outputs
    assert "the stack is up to date" in lines
    assert "the site is up to date" in lines
    assert not [line for line in lines if line.startswith("uploaded")]

    destroy(account, stage="dev", report=lines.append)
    with pytest.raises(InfraError, match="there is no stack"):
        destroy(account, stage="dev", report=lines.append)


def test_missing_secrets_are_noticed_before_anything_is_made(
    account: Account, packaged: Package, site_dir: Path
) -> None:
    with pytest.raises(InfraError, match=r"make setup-aws STAGE=dev"):
        run(account, packaged, site_dir)
    assert account.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_malformed_secrets_are_not_repeated_in_the_message(account: Account) -> None:
    account.client("ssm").put_parameter(
        Name="/p", Value='{"kakao_client_id": "hush"}', Type="SecureString"
    )
    with pytest.raises(InfraError, match="must be a JSON object") as caught:
        account.read_secrets("/p")
    assert "hush" not in str(caught.value)


def test_the_identity_key_is_kept_when_kakaos_keys_change(account: Account) -> None:
    account.write_secrets("/p", KAKAO)
    first = account.read_secrets("/p")
    account.write_secrets("/p", {**KAKAO, "kakao_client_secret": "new"})
    second = account.read_secrets("/p")
    assert first is not None
    assert second is not None
    assert second["identity_key"] == first["identity_key"]
    assert second["kakao_client_secret"] == "new"


def test_a_failure_is_told_in_the_failing_resources_own_words(
    account: Account, packaged: Package, site_dir: Path
) -> None:
    account.write_secrets("/pingpong/dev/secrets", KAKAO)
    broken = copy.deepcopy(packaged.template)
    broken["Resources"]["Broken"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/pingpong/dev/secrets", "Type": "String", "Value": "taken"},
    }
    with pytest.raises(InfraError) as caught:
        run(account, Package(broken, packaged.code), site_dir)
    assert "Broken: " in str(caught.value)
    # What is left of a failed creation is no obstacle.
    outputs, lines = run(account, packaged, site_dir)
    assert outputs["TablePrefix"] == "pingpong-dev-"
    assert any("deleting what is left" in line for line in lines)


def test_no_credentials_are_told_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(InfraError, match="no valid AWS credentials"):
        Account.from_environment(None)


def test_a_first_production_that_failed_leaves_no_names_taken(
    account: Account, site_dir: Path, tmp_path: Path
) -> None:
    """Its tables are kept and protected, but only once there is something in them to keep."""
    packaged = package(tmp_path / "prod", stage="prod", libraries=False, source=ROOT)
    # What the emulator has not.
    for body in of_type(packaged.template, "AWS::Serverless::Function").values():
        body["Properties"].pop("DeploymentPreference")
    missing = {"AWS::CloudWatch::Alarm": "no metric math", "AWS::CloudWatch::Dashboard": ""}
    made = Package(leave_out(packaged.template, missing, "the emulator lacks it"), packaged.code)
    account.write_secrets("/pingpong/prod/secrets", KAKAO)
    broken = copy.deepcopy(made.template)
    broken["Resources"]["Broken"] = {
        "Type": "AWS::SSM::Parameter",
        "DependsOn": sorted(of_type(made.template, "AWS::DynamoDB::Table")),
        "Properties": {"Name": "/pingpong/prod/secrets", "Type": "String", "Value": "taken"},
    }
    tables = account.client("dynamodb")

    def release(each: Package, **parameters: str) -> list[str]:
        lines: list[str] = []
        deploy(
            account,
            each,
            stage="prod",
            site_dir=site_dir,
            parameters=parameters,
            report=lines.append,
        )
        return lines

    with pytest.raises(InfraError, match="Broken: "):
        release(Package(broken, made.code))
    assert tables.list_tables()["TableNames"] == []

    release(made)
    table = tables.describe_table(TableName="pingpong-prod-users")["Table"]
    assert table["DeletionProtectionEnabled"] is True
    # A version that did not become the live one is gone, so the same code can be deployed again.
    with pytest.raises(InfraError, match="Broken: "):
        release(Package(broken, made.code), FramePaceMs="300")
    release(made, FramePaceMs="300")


def test_a_domain_is_told_to_the_lambdas_in_the_same_pass(
    account: Account, packaged: Package, site_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pass of their own they would refuse everybody at the domain until it is done."""
    account.write_secrets("/pingpong/dev/secrets", KAKAO)
    run(account, packaged, site_dir)
    certificate = account.client("acm", "us-east-1").request_certificate(
        DomainName="chat.example.com"
    )["CertificateArn"]
    lines: list[str] = []
    outputs = deploy(
        account,
        packaged,
        stage="dev",
        site_dir=site_dir,
        parameters={"DomainName": "chat.example.com", "CertificateArn": certificate},
        report=lines.append,
    )
    assert outputs["SiteUrl"] == "https://chat.example.com"
    api = account.client("lambda").get_function_configuration(FunctionName="pingpong-dev-api")
    assert api["Environment"]["Variables"]["SITE_ORIGIN"] == "https://chat.example.com"
    assert not [line for line in lines if line.startswith("telling the Lambdas")]
