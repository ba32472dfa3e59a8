"""Lambdas of the emulator that a plan has killed."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.emulator_process import REGION, EmulatorProcess
from infra.local.faults.rules import FaultPlan, GatewayFault, GatewayRule
from infra.local.faults.session import Faults

SLEEPY = {
    "python3.11": (
        "app.py",
        "import time, os\ndef handler(event, context):\n"
        "    time.sleep(event['seconds'])\n    return dict(os.environ)\n",
    ),
    "nodejs20.x": (
        "app.js",
        "exports.handler = async (event) => {\n"
        "  await new Promise((done) => setTimeout(done, event.seconds * 1000));\n"
        "  return process.env;\n};\n",
    ),
}


@pytest.mark.parametrize("runtime", SLEEPY)
def test_a_killed_lambda_fails_and_the_next_invocation_does_not(
    tmp_path: Path, runtime: str
) -> None:
    kill = GatewayRule(fault=GatewayFault.KILL, function="sleepy", ms=2000, after=1, times=1)
    invocations: list[dict[str, Any]] = []

    async def scenario() -> list[str]:
        faults = Faults(FaultPlan(gateway=(kill,)), tmp_path)
        await faults.start()
        emulator = EmulatorProcess(
            tmp_path / "state", invocations.append, environment=faults.environment
        )
        try:
            await emulator.start()
            await asyncio.to_thread(_use, emulator.endpoint, runtime)
        finally:
            await emulator.stop()
            await faults.stop()
        for invocation in invocations:
            faults.note_invocation(invocation)
        return faults.report()

    assert asyncio.run(scenario()) == ["gateway rule 1 (kill sleepy): struck 1 times"]
    assert [each["fault"] for each in invocations] == [None, None, "gateway rule 1", None]
    assert [bool(each["error"]) for each in invocations] == [False, False, True, False]


def _use(endpoint: str, runtime: str) -> None:
    session = boto3.session.Session("test", "test", region_name=REGION)
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [{**trusted, "Action": "sts:AssumeRole"}]}
    role = session.client("iam", endpoint_url=endpoint).create_role(
        RoleName="sleepy", AssumeRolePolicyDocument=json.dumps(trust)
    )
    functions: Any = session.client("lambda", endpoint_url=endpoint)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(*SLEEPY[runtime])
    functions.create_function(
        FunctionName="sleepy",
        Runtime=runtime,
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Timeout=25,
        Code={"ZipFile": code.getvalue()},
    )

    def invoke(seconds: float) -> Any:
        payload = json.dumps({"seconds": seconds})
        return functions.invoke(FunctionName="sleepy", Payload=payload)

    first = invoke(0)
    assert "FunctionError" not in first
    environment = json.loads(first["Payload"].read())
    assert not [name for name in environment if "FAULTS" in name]
    # It ends before its time, so the only kill is still to come.
    assert "FunctionError" not in invoke(0)
    assert "FunctionError" in invoke(20)
    assert "FunctionError" not in invoke(0)
