"""A deployed stage on MiniStack: site, releases, going back, status, logs, failed jobs, the end.

One stage for all tests of this file, in any order: each brings it to what it needs, with
releases of its own.
"""

from __future__ import annotations

import copy
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.aws import commands, logs, remembered, site
from infra.aws.__main__ import main
from infra.aws.account import Account
from infra.aws.arguments import parser
from infra.aws.changes import Change
from infra.aws.console import Console
from infra.aws.deploy import Target, deploy_release, destroy, roll_back
from infra.aws.failed_jobs import FailedJobs, read_record
from infra.aws.package import ROOT, Package, package
from infra.aws.stack import SETTLED
from infra.aws.status import status_lines
from infra.errors import InfraError
from tests.unit.aws_harness import KAKAO, REGION, emulated_account

STAGE = "t"
RINGING = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": {"Fn::Sub": "${AWS::StackName}-ringing"},
        "Namespace": "PingPong",
        "MetricName": "Failures",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    },
}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return package(tmp_path_factory.mktemp("package"), stage=STAGE, libraries=False, source=ROOT)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        emulated_account(tmp_path_factory.mktemp("aws"), monkeypatch) as made,
    ):
        made.write_secrets(f"/pingpong/{STAGE}/secrets", KAKAO)
        yield made


class Stage:
    """Releases of the stage, each with a page and a code of its own."""

    def __init__(self, account: Account, packaged: Package, directory: Path) -> None:
        self.account = account
        self._packaged = packaged
        self._directory = directory
        self.lines: list[str] = []
        self.outputs: dict[str, str] = {}

    def deploy(self, name: str, **parameters: str) -> None:
        """Bring out a release whose page says its name."""
        template = copy.deepcopy(self._packaged.template)
        template["Description"] = f"release {name}"
        # It refuses what does not come by TLS, and MiniStack speaks plain HTTP.
        template["Resources"].pop("BackgroundFailuresPolicy")
        template["Resources"]["Ringing"] = RINGING
        for function in template["Resources"].values():
            if function["Type"] == "AWS::Serverless::Function":
                function["Properties"]["Description"] = f"release {name}"
        dist = self._directory / name
        (dist / "assets").mkdir(parents=True, exist_ok=True)
        (dist / "index.html").write_text(f"<p>{name}")
        (dist / "icon.svg").write_text("<svg/>")
        (dist / "assets" / f"index-{name}.js").write_text(name)
        self.lines.clear()
        target = Target(self.account, STAGE, self.lines.append)
        self.outputs = deploy_release(
            target, Package(template, self._packaged.code), site_dir=dist, parameters=parameters
        )

    def page(self) -> str:
        """What is in the bucket."""
        bucket = self.outputs["SiteBucketName"]
        found = self.account.client("s3").get_object(Bucket=bucket, Key="index.html")
        return str(found["Body"].read().decode())

    def release(self) -> str:
        """What the stack's Lambdas say that they are of."""
        found = self.account.client("lambda").get_function_configuration(
            FunctionName=f"pingpong-{STAGE}-api"
        )
        return str(found["Description"])

    def invalidated(self) -> list[list[str]]:
        """The paths of every invalidation, the oldest first."""
        client = self.account.client("cloudfront")
        where = {"DistributionId": self.outputs["DistributionId"]}
        found = client.list_invalidations(**where)["InvalidationList"]["Items"]
        full = [client.get_invalidation(**where, Id=one["Id"])["Invalidation"] for one in found]
        full.sort(key=lambda one: int(one["InvalidationBatch"]["CallerReference"]))
        return [sorted(one["InvalidationBatch"]["Paths"]["Items"]) for one in full]


@pytest.fixture(scope="module")
def stage(account: Account, packaged: Package, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    made = Stage(account, packaged, tmp_path_factory.mktemp("dist"))
    made.deploy("one")
    return made


def test_only_what_changed_is_uploaded_and_invalidated(stage: Stage) -> None:
    stage.deploy("upload-1")
    stage.deploy("upload-2")
    uploads = [line for line in stage.lines if line.startswith("uploaded")]
    assert uploads == ["uploaded assets/index-upload-2.js", "uploaded index.html"]
    assert stage.invalidated()[-1] == ["/index.html"]
    count = len(stage.invalidated())
    stage.deploy("upload-2")
    assert len(stage.invalidated()) == count


def test_headers_that_differ_are_put_right(stage: Stage) -> None:
    s3, bucket = stage.account.client("s3"), stage.outputs["SiteBucketName"]
    s3.put_object(Bucket=bucket, Key="icon.svg", Body=b"<svg/>", CacheControl="max-age=9")
    file = site.SiteFile("icon.svg", b"<svg/>")
    assert site.put(s3, bucket, [file]) == ["icon.svg"]
    assert s3.head_object(Bucket=bucket, Key="icon.svg")["CacheControl"] == "no-cache"
    assert site.put(s3, bucket, [file]) == []


def test_the_page_stays_if_an_asset_does_not_arrive(stage: Stage) -> None:
    s3, bucket = stage.account.client("s3"), stage.outputs["SiteBucketName"]

    def refuse(params: dict[str, Any], **rest: object) -> None:
        if params["Key"].startswith("assets/"):
            raise OSError("the line is cut")

    s3.meta.events.register("provide-client-params.s3.PutObject", refuse)
    before = stage.page()
    files = [site.SiteFile("assets/new.js", b"new"), site.SiteFile("index.html", b"new")]
    with pytest.raises(OSError, match="the line is cut"):
        site.put(s3, bucket, files)
    assert stage.page() == before


def test_going_back_puts_code_and_page_back_together(stage: Stage) -> None:
    stage.deploy("back-1")
    stage.deploy("back-2")
    stage.deploy("back-3", FramePaceMs="150")
    target = Target(stage.account, STAGE, stage.lines.append)
    first, _ = roll_back(target)
    assert (stage.page(), stage.release()) == ("<p>back-2", "release back-2")
    # What was chosen stays chosen.
    assert target.stack.parameters()["FramePaceMs"] == "150"
    second, _ = roll_back(target)
    assert (stage.page(), stage.release()) == ("<p>back-1", "release back-1")
    assert first.id != second.id
    roll_back(target, first.id)
    assert (stage.page(), stage.release()) == ("<p>back-2", "release back-2")
    with pytest.raises(InfraError, match="there is no release 0; there are"):
        roll_back(target, "0")


def test_a_failed_deployment_is_no_release(stage: Stage, packaged: Package) -> None:
    stage.deploy("before-failure")
    stage.deploy("failure")
    broken = copy.deepcopy(packaged.template)
    broken["Resources"]["Broken"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": f"/pingpong/{STAGE}/secrets", "Type": "String", "Value": "taken"},
    }
    target = Target(stage.account, STAGE)
    with pytest.raises(InfraError, match="Broken: "):
        deploy_release(
            target,
            Package(broken, packaged.code),
            site_dir=stage._directory / "one",
            parameters={},
        )
    assert (stage.page(), stage.release()) == ("<p>failure", "release failure")
    roll_back(target)
    assert stage.page() == "<p>before-failure"


def test_parameters_are_remembered_and_unknown_ones_refused(stage: Stage) -> None:
    ssm = stage.account.client("ssm")
    remembered.write(ssm, STAGE, {"LogRetentionDays": "7"})
    stage.deploy("six", FramePaceMs="100")
    parameters = Target(stage.account, STAGE).stack.parameters()
    assert parameters["LogRetentionDays"] == "7"
    known = remembered.read(ssm, STAGE)
    assert (known["LogRetentionDays"], known["FramePaceMs"]) == ("7", "100")
    with pytest.raises(InfraError, match="no parameter FramePace; it has"):
        stage.deploy("seven", FramePace="100")
    with pytest.raises(InfraError, match=r"chat\.example\.com has no certificate"):
        stage.deploy("seven", DomainName="chat.example.com")
    assert stage.page() == "<p>six"


def test_an_empty_number_is_the_templates_own(stage: Stage) -> None:
    """CloudFormation refuses an empty number."""
    stage.deploy("six and a half", MonthlyBudget="")
    assert Target(stage.account, STAGE).stack.parameters()["MonthlyBudget"] == "0"


def test_status_shows_what_runs_and_what_is_wrong(stage: Stage) -> None:
    stage.deploy("status-1")
    stage.deploy("status-2")
    roll_back(Target(stage.account, STAGE))
    alarms = Target(stage.account, STAGE).stack.resources("AWS::CloudWatch::Alarm")
    ringing = f"pingpong-{STAGE}-ringing"
    stage.account.client("cloudwatch").set_alarm_state(
        AlarmName=ringing, StateValue="ALARM", StateReason="5 failures in a minute"
    )
    put_failed_job(stage)
    text = "\n".join(status_lines(stage.account, STAGE))
    assert re.search(r"stack +pingpong-t is \w+_COMPLETE \(account \d+, ap-northeast-2", text)
    assert stage.outputs["SiteUrl"] in text
    assert re.search(r"Lambda +pingpong-t-message: version \d+", text)
    assert f"1 of {len(alarms)} in ALARM" in text
    assert f"{ringing}: 5 failures in a minute" in text
    assert "failed jobs  1 (`make failed-jobs`)" in text
    assert "domain       none of its own" in text
    assert re.search(r"rollback +[0-9a-f]{10} 20", text)
    assert re.search(
        r"deploy +[0-9a-f]{10} 20\d\d-\d\d-\d\d \d\d:\d\d UTC[^\n]* by \S+$", text, re.MULTILINE
    )
    queue(stage).discard()


def test_status_of_a_staged_release_shows_the_share(stage: Stage) -> None:
    client, name = stage.account.client("lambda"), f"pingpong-{STAGE}-message"
    client.update_function_configuration(FunctionName=name, Description="another")
    new = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(
        FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {new: 0.1}}
    )
    text = "\n".join(status_lines(stage.account, STAGE))
    assert f"release under way: 10% of calls go to version {new}" in text
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={})


def write(account: Account, function: str, *entries: tuple[int, str]) -> None:
    client = account.client("logs")
    group = f"/aws/lambda/pingpong-{STAGE}-{function}"
    stream = f"s{time.time_ns()}"
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": at, "message": message} for at, message in entries]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_logs_of_all_functions_come_in_the_order_of_time(stage: Stage) -> None:
    now = int(time.time() * 1000) - 3_600_000  # nothing else is of then
    line = {"level": "info", "event": "message", "ms": 12, "outcome": "ok", "_aws": {"x": 1}}
    failed = {"level": "error", "event": "job_failed", "traceback": "Traceback:\n  ValueError"}
    write(stage.account, "message", (now - 3000, json.dumps(line)), (now - 1000, "START RequestId"))
    write(stage.account, "background", (now - 2000, json.dumps(failed)), (now - 500, "REPORT x"))
    groups = logs.log_groups(Target(stage.account, STAGE).existing_stack())
    assert {"message", "background", "api", "connect", "disconnect", "push"} <= set(groups)
    found = logs.read(stage.account, groups, now - 4000, now)
    shown = [text.split(" ", 1)[1] for text in logs.show(found)]
    assert shown == [
        "message    info    message ms=12 outcome=ok",
        "background error   job_failed\n    Traceback:\n      ValueError",
        "background REPORT x",
    ]
    assert len(list(logs.show(found, pattern="outcome|Value"))) == 2
    assert logs.read(stage.account, groups, now - 2500, now) == found[1:]
    with pytest.raises(InfraError, match="GREP must be a regular expression"):
        logs.show(found, pattern="(")
    with pytest.raises(InfraError, match="no function mesage; there are api"):
        logs.log_groups(Target(stage.account, STAGE).existing_stack(), "mesage")


def test_following_shows_each_line_once_and_late_ones_too(stage: Stage) -> None:
    now = int(time.time() * 1000) + 60_000  # nothing else is of then
    groups = logs.log_groups(Target(stage.account, STAGE).existing_stack(), "push")
    write(stage.account, "push", (now, "first"))

    def wait(seconds: float) -> None:
        write(stage.account, "push", (now + 1, "second"), (now - 5, "late"))

    lines = logs.follow(stage.account, groups, now - 1000, wait=wait)
    assert [next(lines).message for _ in range(3)] == ["first", "late", "second"]


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)]
)
def test_since_has_units(text: str, value: float) -> None:
    assert logs.seconds(text) == value


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10 m", "9999999s"])
def test_a_malformed_since_is_refused(text: str) -> None:
    with pytest.raises(InfraError, match="SINCE must be"):
        logs.seconds(text)


def queue(stage: Stage) -> FailedJobs:
    return FailedJobs(stage.account, stage.outputs["FailedJobsQueueUrl"], f"pingpong-{STAGE}")


def put_failed_job(stage: Stage, function: str = "background", **job: str) -> None:
    """What Lambda writes about an asynchronous invocation that it gave up."""
    arn = f"arn:aws:lambda:{REGION}:{stage.account.id}:function:pingpong-{STAGE}-{function}"
    record = {
        "version": "1.0",
        "timestamp": "2026-11-22T12:00:00.123Z",
        "requestContext": {
            "requestId": "1",
            "functionArn": f"{arn}:live",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"job": "erase_room", "room_id": "r1", **job},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "ClientError", "errorMessage": "secret words"},
    }
    stage.account.client("sqs").send_message(
        QueueUrl=stage.outputs["FailedJobsQueueUrl"], MessageBody=json.dumps(record)
    )


def test_failed_jobs_are_listed_without_texts_and_stay(stage: Stage) -> None:
    put_failed_job(stage, text="private words")
    for _ in range(2):  # listing takes nothing away
        lines: list[str] = []
        assert queue(stage).list(lines.append) == 1
        assert lines == [
            "2026-11-22T12:00:00  pingpong-t-background:live  RetriesExhausted  ClientError  "
            "job=erase_room room_id=r1"
        ]
    assert queue(stage).discard() == 1
    assert queue(stage).list() == 0


def test_a_failed_job_is_done_again_and_taken_out(stage: Stage) -> None:
    invoked: list[tuple[str, str, Any]] = []

    def note(params: dict[str, Any], **rest: object) -> None:
        payload = json.loads(params["Payload"])
        invoked.append((params["FunctionName"], params["InvocationType"], payload))

    stage.account.session.events.register("provide-client-params.lambda.Invoke", note)
    put_failed_job(stage)
    put_failed_job(stage, room_id="r2")
    lines: list[str] = []
    assert queue(stage).retry(lines.append) == 2
    assert all(line.startswith("again: ") for line in lines)
    assert queue(stage).list() == 0
    assert [kind for _, kind, _ in invoked] == ["Event", "Event"]
    assert all(name.endswith(":pingpong-t-background:live") for name, _, _ in invoked)
    assert sorted(payload["room_id"] for _, _, payload in invoked) == ["r1", "r2"]


def test_a_job_that_names_somebody_elses_function_is_not_done(stage: Stage) -> None:
    stage.account.client("sqs").send_message(
        QueueUrl=stage.outputs["FailedJobsQueueUrl"],
        MessageBody=json.dumps(
            {
                "requestContext": {"functionArn": "arn:aws:lambda:x:1:function:other"},
                "requestPayload": {},
            }
        ),
    )
    with pytest.raises(InfraError, match="names no function of pingpong-t"):
        queue(stage).retry()
    assert queue(stage).discard() == 1  # it stayed, and can be seen at once


def test_what_is_no_record_is_shown_as_unreadable() -> None:
    assert "unreadable" in read_record("no JSON", "r").text()
    assert "unreadable" in read_record('{"requestContext": {}}', "r").text()


def test_protected_tables_end_nothing_but_the_attempt_to_destroy(stage: Stage) -> None:
    dynamodb, name = stage.account.client("dynamodb"), f"pingpong-{STAGE}-chats"
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    with pytest.raises(InfraError, match=f"no-deletion-protection-enabled --table-name {name}"):
        destroy(stage.account, stage=STAGE)
    assert stage.page().startswith("<p>")
    assert Target(stage.account, STAGE).stack.status() in SETTLED
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_production_is_changed_after_a_yes_only(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def approve(*more: str) -> None:
        options = parser().parse_args(["rollback", "--stage", "prod", "--region", REGION, *more])
        target = commands._target(options, Console())
        target.approve([Change("replaced", "Api", "AWS::Lambda::Function")])

    with pytest.raises(InfraError, match="repeat with --yes"):
        approve()
    said = capsys.readouterr().out
    assert f"account {stage.account.id}, Region {REGION}: 1 replaced" in said
    assert "replaced Api (AWS::Lambda::Function)" in said
    approve("--yes")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "prod")
    approve()
    monkeypatch.setattr("builtins.input", lambda question: "")
    with pytest.raises(InfraError, match="nothing was changed"):
        approve()


def test_a_deployed_site_that_is_broken_says_how_to_go_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "LOOKS", 2)
    monkeypatch.setattr(commands, "LOOK_PAUSE", 0.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(InfraError, match="make rollback STAGE=t") as caught:
            commands._look(Target(stage.account, STAGE), {"SiteUrl": url}, Console())
    assert "WebSocket: no answer" in str(caught.value)
    assert "FAILED  WebSocket" in capsys.readouterr().out


def test_the_commands_work_from_the_command_line(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--stage", STAGE, "--region", REGION]
    assert main(["status", *where]) == 0
    assert "stack        pingpong-t" in capsys.readouterr().out
    assert main(["logs", *where, "--since", "1h", "--function", "push"]) == 0
    stage.deploy("command-1")
    stage.deploy("command-2")
    assert main(["rollback", *where, "--no-smoke"]) == 0
    assert "is out again at https://" in capsys.readouterr().out
    assert main(["status", *where, "--account", "999999999999"]) == 1
    assert "are for account" in capsys.readouterr().err
    assert main(["status", "--stage", "none", "--region", REGION]) == 1
    assert "there is no stack pingpong-none" in capsys.readouterr().err
    assert main(["destroy", *where]) == 1  # nobody is there to say yes
    assert "repeat with --yes" in capsys.readouterr().err
    assert main(["destroy", *where, "--yes"]) == 0
    said = capsys.readouterr().out
    assert "stays: /pingpong/t/secrets" in said
    assert main(["status", *where]) == 1
    stage.deploy("after-the-end")  # for the tests that come after this one
