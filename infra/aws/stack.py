"""Brings a CloudFormation stack to a package's state; the one deploy path of all targets.

AWS and the emulators differ by the clients' endpoint only. Deploying is a change set
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html),
which expands Chalice's SAM template and tells "nothing changed" from a failure.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, WaiterError

from infra.aws import template as templates
from infra.aws.package import Package
from infra.errors import InfraError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef
    from mypy_boto3_s3 import S3Client

#: Pauses between two looks at a running operation, in seconds. An emulator is done at
#: once, AWS takes minutes and limits how often one may ask.
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 3.0

#: A stack in which nothing but its deletion is possible: its creation failed.
STILLBORN: Final = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

Report = Callable[[str], None]


@dataclass(frozen=True)
class Artifacts:
    """Where code and template are uploaded for CloudFormation to fetch."""

    s3: S3Client
    bucket: str

    def upload(self, package: Package) -> str:
        """Upload a package; equal packages have equal keys.

        Returns:
            URL of the template, which has its functions' code at S3.
        """
        key = f"code/{package.digest}.zip"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=package.code)
        template = copy.deepcopy(package.template)
        for function in templates.of_type(template, "AWS::Serverless::Function").values():
            function["Properties"]["CodeUri"] = {"Bucket": self.bucket, "Key": key}
        text = templates.serialise(template)
        name = f"template/{hashlib.sha256(text.encode()).hexdigest()}.json"
        # Inline a template may have 51,200 bytes only.
        self.s3.put_object(Bucket=self.bucket, Key=name, Body=text.encode())
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{name}"


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE)


class Stack:
    """One stack, by name."""

    def __init__(self, cloudformation: CloudFormationClient, name: str) -> None:
        self._client = cloudformation
        self.name = name

    def status(self) -> str | None:
        """The stack's status, None if there is no such stack."""
        try:
            answer = self._client.describe_stacks(StackName=self.name)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return answer["Stacks"][0]["StackStatus"]

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        stack = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        """The parameters that the stack has now."""
        stack = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {
            item["ParameterKey"]: item.get("ParameterValue", "")
            for item in stack.get("Parameters", [])
        }

    def deploy(
        self,
        template_url: str,
        parameters: Mapping[str, str],
        *,
        declared: Collection[str],
        tags: Mapping[str, str] | None = None,
        report: Report = lambda line: None,
    ) -> bool:
        """Create or update the stack.

        Args:
            template_url: the template at S3.
            parameters: values for the template's parameters; others keep their value or
                take their default.
            declared: names of all of the template's parameters.
            tags: put on the stack and everything in it.
            report: takes a line for every step of CloudFormation.

        Returns:
            Whether anything changed.

        Raises:
            InfraError: with the reasons that the failed resources gave.
        """
        status = self.status()
        if status in STILLBORN:
            report(f"{self.name} is {status}: deleting what is left of it")
            self.delete(report=report)
            status = None
        started = time.time()
        change_set = f"deploy-{time.time_ns()}"
        given: list[ParameterTypeDef] = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in sorted(parameters.items())
        ]
        kept: list[ParameterTypeDef] = [
            {"ParameterKey": key, "UsePreviousValue": True}
            for key in sorted(self.parameters() if status is not None else ())
            if key in declared and key not in parameters
        ]
        self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if status is not None else "CREATE",
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[*given, *kept],
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        if not self._change_set_is_ready(change_set):
            self._client.delete_change_set(StackName=self.name, ChangeSetName=change_set)
            return False
        self._client.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self._follow(started, report)
        return True

    def _change_set_is_ready(self, change_set: str) -> bool:
        """Wait for the change set; False if it has no changes."""
        for pause in _pauses():
            answer = self._client.describe_change_set(StackName=self.name, ChangeSetName=change_set)
            if answer["Status"] == "CREATE_COMPLETE":
                return True
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason", "no reason given")
                if "didn't contain changes" in reason or "No updates are to be" in reason:
                    return False
                raise InfraError(f"CloudFormation refuses the template: {reason}")
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _follow(self, started: float, report: Report) -> None:
        """Report events until the stack has settled.

        Raises:
            InfraError: it settled in another state than was asked for.
        """
        seen: set[str] = set()
        failures: list[str] = []
        for pause in _pauses():
            status = self.status()  # first, so that no event of the end is missed
            for event in self._events(started, seen):
                state = event.get("ResourceStatus", "")
                line = f"{state:<28} {event.get('LogicalResourceId', '')}"
                reason = event.get("ResourceStatusReason", "")
                report(f"{line}  {reason}".rstrip())
                if state.endswith("FAILED") and "cancelled" not in reason:
                    failures.append(f"{event.get('LogicalResourceId')}: {reason}")
            if status in SETTLED:
                return
            if status is None or status.endswith("IN_PROGRESS"):
                time.sleep(pause)
                continue
            reasons = "\n  ".join(failures) or "no resource gave a reason"
            raise InfraError(f"{self.name} is {status}:\n  {reasons}")

    def _events(self, started: float, seen: set[str]) -> list[Mapping[str, Any]]:
        """Events since the start that were not seen yet, oldest first."""
        fresh: list[Mapping[str, Any]] = []
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=self.name)
        for page in pages:
            events = page["StackEvents"]
            for event in events:
                # A second's tolerance: the clocks are two.
                old = event["Timestamp"].timestamp() < started - 1
                if old or event["EventId"] in seen:
                    return fresh[::-1]
                fresh.append(event)
            seen.update(event["EventId"] for event in events)
        return fresh[::-1]

    def delete(self, *, report: Report = lambda line: None) -> None:
        """Delete the stack, and wait until it is gone.

        Raises:
            InfraError: something in it would not go.
        """
        report(f"deleting {self.name}")
        self._client.delete_stack(StackName=self.name)
        waiter = self._client.get_waiter("stack_delete_complete")
        try:
            waiter.wait(StackName=self.name, WaiterConfig={"Delay": 3, "MaxAttempts": 600})
        except WaiterError as error:
            raise InfraError(f"{self.name} could not be deleted: {error}") from error
