"""A background job that fails on the local stack ends in the queue, as on AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.aws.artifacts import Artifacts
from infra.aws.package import ROOT, Package, package
from infra.aws.stack import Stack
from infra.chalice_package import make_zip
from infra.local.pingpong.adapt import adapt
from tests.unit.aws_harness import emulated_account

#: All that a job needs to fail, in place of the app.
FAILING = b"def run_in_background(event, context):\n    raise RuntimeError('hush')\n"


def test_a_job_that_goes_on_failing_waits_in_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lambda waits a minute before the second try; how long is the emulator's own affair.
    monkeypatch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
    made = package(tmp_path / "package", stage="local", libraries=False, source=ROOT)
    template = adapt(made.template, management_endpoint="http://127.0.0.1:1/ws")
    # It takes TLS only, which the emulator does not have.
    del template["Resources"]["BackgroundFailuresPolicy"]
    failing = Package(template, make_zip({"app.py": FAILING}))
    job = {"job": "erase_room", "room_id": "room-1"}
    with emulated_account(tmp_path / "aws", monkeypatch) as account:
        artifacts = Artifacts(account.client("s3"), account.artifacts_bucket())
        stack = Stack(account.client("cloudformation"), "pingpong-local")
        url = artifacts.url(artifacts.upload(failing))
        stack.deploy(url, {"Stage": "local"}, declared=template["Parameters"])
        functions, queue = account.client("lambda"), account.client("sqs")
        outputs = stack.outputs()
        functions.invoke(
            FunctionName=outputs["BackgroundFunctionName"],
            InvocationType="Event",
            Payload=json.dumps(job),
        )
        answer: Any = {}
        for _ in range(3):
            answer = queue.receive_message(
                QueueUrl=outputs["FailedJobsQueueUrl"], WaitTimeSeconds=10
            )
            if answer.get("Messages"):
                break
    (message,) = answer["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"] == job
    assert record["requestContext"]["functionArn"].split(":")[6] == "pingpong-local-background"
