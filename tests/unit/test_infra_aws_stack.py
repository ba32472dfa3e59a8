"""A stack on MiniStack: progress, what is refused, what an interruption leaves, how it ends."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from infra.aws.account import Account
from infra.aws.changes import Change, refuse_data_loss, summary
from infra.aws.console import PLAIN_SECONDS, Console
from infra.aws.stack import Stack
from infra.aws.stack_events import Progress
from infra.errors import InfraError
from tests.unit.aws_harness import emulated_account

Deploy = Callable[..., bool]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    services = ("cloudformation", "s3", "ssm", "sts", "dynamodb", "lambda", "iam")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        emulated_account(tmp_path_factory.mktemp("aws"), monkeypatch, services=services) as made,
    ):
        yield made


@pytest.fixture
def stack(account: Account, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack of this test's own."""
    name = "t-" + re.sub(r"\W|_", "-", request.node.name)[-60:].strip("-")
    made = Stack(account.client("cloudformation"), name)
    yield made
    made.delete()


@pytest.fixture
def deploy(account: Account, stack: Stack) -> Deploy:
    """Deploys resources to the stack."""

    def run(resources: dict[str, Any], **more: Any) -> bool:
        text = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
        bucket, key = account.artifacts_bucket(), f"{stack.name}.json"
        s3 = account.client("s3")
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        url = f"{s3.meta.endpoint_url}/{bucket}/{key}"
        return stack.deploy(url, {}, declared=(), **more)

    return run


def note(value: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def table(key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        },
    }


def test_each_resource_is_one_line_and_the_last_line_counts(deploy: Deploy) -> None:
    lines: list[str] = []
    live: list[str] = []
    assert deploy({"One": note("1"), "Two": note("2")}, report=lines.append, live=live.append)
    assert sorted(line.split()[1] for line in lines if line.startswith("CREATE_")) == ["One", "Two"]
    assert live[-1] == ""  # nothing is left on the terminal
    assert not deploy({"One": note("1"), "Two": note("2")})


def test_changes_are_told_before_they_are_made(deploy: Deploy, stack: Stack) -> None:
    deploy({"One": note("1"), "Two": note("2")})
    told: list[Change] = []

    def refuse(changes: Sequence[Change]) -> None:
        told.extend(changes)
        raise InfraError("no")

    with pytest.raises(InfraError, match="no"):
        deploy({"One": note("3"), "Three": note("3")}, approve=refuse)
    assert {(one.action, one.logical_id) for one in told} == {
        ("modified", "One"),
        ("removed", "Two"),
        ("added", "Three"),
    }
    assert "1 added, 1 modified, 1 removed" in summary(told)
    assert set(stack.resources("AWS::SSM::Parameter")) == {"One", "Two"}


def test_a_table_is_not_taken_away_by_a_deployment(deploy: Deploy, stack: Stack) -> None:
    deploy({"Chats": table("room_id"), "Note": note("1")})
    before = stack.resources("AWS::DynamoDB::Table")
    named = table("room_id")
    named["Properties"]["TableName"] = "another"
    for resources, what in [
        ({"Note": note("1")}, "removed"),
        ({"Chats": table("chat_id"), "Note": note("1")}, "perhaps replaced"),
        ({"Chats": named, "Note": note("1")}, "replaced"),
    ]:
        with pytest.raises(InfraError, match=rf"may lose data: Chats \({what}\)"):
            deploy(resources, approve=refuse_data_loss)
        assert stack.resources("AWS::DynamoDB::Table") == before
        assert stack.status() == "CREATE_COMPLETE"


def test_a_new_stack_that_is_refused_leaves_nothing(deploy: Deploy, stack: Stack) -> None:
    def refuse(changes: Sequence[Change]) -> None:
        raise InfraError("no")

    with pytest.raises(InfraError, match="no"):
        deploy({"One": note("1")}, approve=refuse)
    assert stack.status() is None


def test_an_interrupted_first_deployment_is_no_obstacle(
    account: Account, deploy: Deploy, stack: Stack
) -> None:
    """What is left when the command dies between the change set and its execution."""
    template = json.dumps({"Resources": {"One": note("1")}})
    account.client("cloudformation").create_change_set(
        StackName=stack.name,
        ChangeSetName="left",
        ChangeSetType="CREATE",
        TemplateBody=template,
    )
    assert stack.status() == "REVIEW_IN_PROGRESS"
    assert deploy({"One": note("1")})
    assert stack.status() == "CREATE_COMPLETE"


WAITING = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Waiting": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3"},
    },
}


def test_ctrl_c_says_that_cloudformation_goes_on_and_the_next_one_waits(
    deploy: Deploy, stack: Stack
) -> None:
    lines: list[str] = []

    def interrupt(text: str) -> None:
        if "Waiting" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(WAITING, report=lines.append, live=interrupt)
    assert "goes on" in lines[-1]
    assert "make status" in lines[-1]
    with pytest.raises(InfraError, match="CREATE_IN_PROGRESS: somebody else is deploying"):
        deploy(WAITING)


def test_the_live_line_names_what_is_being_made(deploy: Deploy) -> None:
    live: list[str] = []
    with pytest.raises(InfraError, match="ROLLBACK_COMPLETE:\n  Waiting: "):
        deploy({"One": note("1"), **WAITING}, live=live.append)
    assert any(re.fullmatch(r"0:\d\d  \d of 3 resources  .*Waiting.*", line) for line in live)


def event(name: str, state: str, reason: str = "", seconds: int = 0) -> Any:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return {
        "LogicalResourceId": name,
        "ResourceStatus": state,
        "ResourceStatusReason": reason,
        "Timestamp": at,
    }


def test_only_the_resource_that_failed_first_is_to_blame() -> None:
    lines: list[str] = []
    progress = Progress("stack", 3, lines.append)
    for one in [
        event("Users", "CREATE_IN_PROGRESS"),
        event("Bucket", "CREATE_IN_PROGRESS", seconds=1),
        event("Role", "CREATE_IN_PROGRESS", seconds=1),
        event("Role", "CREATE_COMPLETE", seconds=16),
        event("Bucket", "CREATE_FAILED", "x already exists (BucketAlreadyExists)", 20),
        event("Users", "CREATE_FAILED", "Resource creation cancelled", 21),
    ]:
        progress.take(one)
    assert lines[0] == f"{'CREATE_COMPLETE':<28} Role  (0:15)"
    error = str(progress.error("ROLLBACK_COMPLETE"))
    assert "Bucket: x already exists (BucketAlreadyExists)" in error
    assert "taken world-wide" in error
    assert "Users" not in error
    assert "cancelled" not in error


def test_an_update_that_failed_says_what_runs_now() -> None:
    progress = Progress("stack", 1, cast("Callable[[str], None]", [].append))
    progress.take(event("Role", "UPDATE_FAILED", "Rate exceeded"))
    assert "what ran before runs on" in str(progress.error("UPDATE_ROLLBACK_COMPLETE"))
    assert "continue-update-rollback" in str(progress.error("UPDATE_ROLLBACK_FAILED"))


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_line_that_is_written_over() -> None:
    screen = Screen()
    console = Console(screen)
    console.live("0:01  1 of 3")
    console.live("0:02  2 of 3")
    console.line("done")
    assert screen.getvalue() == "0:01  1 of 3\r\x1b[K0:02  2 of 3\r\x1b[Kdone\n"


def test_a_line_longer_than_the_terminal_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    Console(screen).live("x" * 50)
    assert screen.getvalue() == "x" * 18 + "…"


def test_a_pipe_gets_plain_lines_now_and_then() -> None:
    pipe, now = io.StringIO(), [0.0]
    console = Console(pipe, clock=lambda: now[0])
    for second in range(0, 2 * int(PLAIN_SECONDS) + 1, 5):
        now[0] = second
        console.live(f"at {second}")
    console.live("")
    assert pipe.getvalue() == "at 30\nat 60\n"
