"""What goes wrong with credentials, Region, network, permissions: said plainly, with what to do."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

import pytest

from infra.aws.__main__ import main
from infra.aws.account import Account
from infra.aws.refusals import hint
from infra.errors import InfraError
from tests.unit.aws_harness import (
    REGION,
    identity,
    json_error,
    query_error,
    stubbed_aws,
    use_endpoint,
)


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("ExpiredToken", "The security token is expired", "have expired"),
        ("InvalidClientTokenId", "The security token is invalid", "does not accept"),
        ("SignatureDoesNotMatch", "The signature does not match", "does not accept"),
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/x is not authorized to perform: sts:GetCallerIdentity",
            "may not do sts:GetCallerIdentity",
        ),
    ],
)
def test_refused_credentials_say_how_to_get_others(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str, said: str
) -> None:
    with (
        stubbed_aws(monkeypatch, lambda action: query_error(code, message)),
        pytest.raises(InfraError, match=said) as caught,
    ):
        Account.from_environment(REGION)
    assert "aws sso login" in str(caught.value) or "deployer-policy.json" in str(caught.value)


def test_another_account_than_meant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed_aws(monkeypatch, lambda action: identity("123456789012")):
        with pytest.raises(InfraError, match="are for account 123456789012, not 210987654321"):
            Account.from_environment(REGION, "210987654321")
        assert Account.from_environment(REGION, "123456789012").arn.endswith("user/somebody")


def test_no_network_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        use_endpoint(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(InfraError, match="can't be reached"):
            Account.from_environment(REGION)


def test_a_misspelt_region_is_corrected() -> None:
    with pytest.raises(InfraError, match="did you mean ap-northeast-2"):
        Account.from_environment("ap-nrotheast-2")


def test_an_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(InfraError, match=r"nobody.*list-profiles"):
        Account.from_environment(REGION)


def test_an_expired_sso_session_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start = "https://example.awsapps.com/start"
    (tmp_path / "config").write_text(
        f"[profile company]\nsso_start_url = {start}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Deployer\n"
    )
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    expired = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = {"startUrl": start, "accessToken": "old", "expiresAt": expired}
    name = sha1(start.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "company")
    with pytest.raises(InfraError, match=r"SSO session has expired.*aws sso login"):
        Account.from_environment(REGION)


def test_a_missing_permission_is_named_by_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = "User: arn:aws:iam::1:user/x is not authorized to perform: ssm:GetParameter on x"

    def answer(action: str) -> tuple[int, str]:
        if action == "GetCallerIdentity":
            return identity()
        return json_error("AccessDeniedException", denied)

    with stubbed_aws(monkeypatch, answer):
        assert main(["setup", "--no-input", "--region", REGION]) == 1
    said = capsys.readouterr().err
    assert "may not do ssm:GetParameter" in said
    assert "deployer-policy.json" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "--stage", "Prod"],
        ["status", "--stage", "a" * 17],
        ["status", "--account", "12"],
        ["smoke", "--url", "chat.example.com"],
        ["deploy", "--parameter", "=5"],
        ["failed-jobs", "--retry", "--discard"],
    ],
)
def test_malformed_arguments_are_refused_at_once(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [10].",
            "Concurrent executions",
        ),
        ("You have attempted to create more buckets than allowed (TooManyBuckets)", "quota"),
        ("Resource handler returned message: LimitExceededException", "quota"),
        ("One or more of the CNAMEs you provided are already associated", "Another CloudFront"),
        ("The specified SSL certificate doesn't exist, isn't in us-east-1 region", "us-east-1"),
        ("pingpong-dev-x already exists (BucketAlreadyExists)", "taken world-wide"),
        ("Table already exists: pingpong-prod-users (ResourceInUseException)", "belongs to no"),
        (
            "The table is currently protected: deletion protection",
            "--no-deletion-protection-enabled",
        ),
        ("The bucket you tried to delete is not empty", "empty it"),
        ("User is not authorized to perform: iam:CreateRole", "deployer-policy.json"),
        (
            "Access denied for operation 'AWS::CloudFront::Distribution: Your account must be "
            "verified before you can add new CloudFront resources. To verify your account, please "
            "contact AWS Support (https://console.aws.amazon.com/support/home#/) and include this "
            "error message.' (Service: CloudFront, Status Code: 403, Request ID: 1) "
            "(HandlerErrorCode: AccessDenied)",
            "not yet verified this new account",
        ),
        (
            "A version for this Lambda function exists ( 1 ). Modify the function to create a new "
            "version.",
            "aws lambda delete-function --function-name NAME --qualifier N",
        ),
        ("CloudWatch Logs role ARN must be set in account settings", "Access logs"),
    ],
)
def test_known_reasons_come_with_advice(reason: str, advice: str) -> None:

    assert advice in hint(reason)


def test_an_unknown_reason_has_no_made_up_advice() -> None:
    assert hint("Internal failure") == ""
