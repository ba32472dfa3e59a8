"""Brings a CloudFormation stack to a package's state; the one deploy path of all targets.

AWS and the emulators differ by the clients' endpoint only. Deploying is a change set
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html),
which expands Chalice's SAM template and tells "nothing changed" from a failure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra.aws.changes import Change, read_changes
from infra.aws.stack_events import Events, Progress, Report, follow, pauses, silent
from infra.errors import InfraError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

#: A stack in which nothing but its deletion is possible: its creation failed.
STILLBORN: Final = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
#: A stack that does what it is for.
RUNNING: Final = (*SETTLED, "UPDATE_ROLLBACK_COMPLETE")

#: A stack of which there is a change set only: somebody looked, or was interrupted.
UNBORN: Final = "REVIEW_IN_PROGRESS"

#: What is asked before a change set is executed; raises InfraError to refuse it.
Approve = Callable[[Sequence[Change]], None]


def accept(changes: Sequence[Change]) -> None:
    """Approve of any change set."""


class Stack:
    """One stack, by name."""

    def __init__(self, cloudformation: CloudFormationClient, name: str) -> None:
        self._client = cloudformation
        self.name = name

    def describe(self, name: str = "") -> StackTypeDef | None:
        """What CloudFormation tells of the stack; None if there is no such stack."""
        try:
            answer = self._client.describe_stacks(StackName=name or self.name)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return answer["Stacks"][0]

    def status(self) -> str | None:
        """The stack's status, None if there is no such stack."""
        found = self.describe()
        return found["StackStatus"] if found is not None else None

    def outputs(self) -> dict[str, str]:
        """The stack's outputs; none if there is no such stack."""
        found = self.describe()
        items = found.get("Outputs", []) if found is not None else []
        return {item["OutputKey"]: item["OutputValue"] for item in items}

    def parameters(self) -> dict[str, str]:
        """The parameters that the stack has now."""
        found = self.describe()
        items = found.get("Parameters", []) if found is not None else []
        return {item["ParameterKey"]: item.get("ParameterValue", "") for item in items}

    def resources(self, kind: str) -> dict[str, str]:
        """Physical ids of the stack's resources of a type, by logical id."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
            for page in pages
            for item in page["StackResourceSummaries"]
            if item["ResourceType"] == kind
        }

    def deploy(
        self,
        template_url: str,
        parameters: Mapping[str, str],
        *,
        declared: Collection[str],
        tags: Mapping[str, str] | None = None,
        approve: Approve = accept,
        report: Report = silent,
        live: Report = silent,
    ) -> bool:
        """Create or update the stack.

        Args:
            template_url: the template at S3.
            parameters: values for the template's parameters; others keep their value or
                take their default.
            declared: names of all of the template's parameters.
            tags: put on the stack and everything in it.
            approve: is asked about the changes before any is made.
            report: takes a line for every resource.
            live: takes what is going on now, again and again.

        Returns:
            Whether anything changed.

        Raises:
            InfraError: with the reasons that the failed resources gave; or somebody else is
                deploying.
        """
        status = self._ready(report, live)
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
        live("CloudFormation compares the template with the stack")
        self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if status is not None else "CREATE",
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[*given, *kept],
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        try:
            if not self._is_ready(change_set):
                self._forget(change_set, is_new=status is None)
                return False
            live("")
            changes = read_changes(self._client, self.name, change_set)
            approve(changes)
        except BaseException:
            self._forget(change_set, is_new=status is None)
            raise
        events = Events(self._client, self.name)
        self._client.execute_change_set(
            StackName=self.name,
            ChangeSetName=change_set,
            # If it fails, what it has made goes, also what is kept otherwise: the names of
            # tables would stay taken, and a Lambda has no second version of the same code.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
            RetainExceptOnCreate=True,
        )
        progress = Progress(self.name, len(changes), report)
        state = follow(events, progress, self.status, live=live)
        if state not in SETTLED:
            raise progress.error(state)
        return True

    def _ready(self, report: Report, live: Report) -> str | None:
        """The status from which to deploy, None for a new stack.

        Raises:
            InfraError: it takes no deployment now.
        """
        status = self.status()
        if status in STILLBORN:
            report(f"{self.name} is {status}: deleting what is left of it")
            self.delete(report=report, live=live)
            return None
        if status in (None, UNBORN):
            return None
        if status is not None and status.endswith("IN_PROGRESS"):
            raise InfraError(
                f"{self.name} is {status}: somebody else is deploying, or an interrupted "
                "deployment goes on. Wait until it is done (`make status`), then repeat."
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            raise Progress(self.name, 0, silent, ["an earlier deployment is stuck"]).error(status)
        return status

    def _is_ready(self, change_set: str) -> bool:
        """Wait for the change set; False if it has no changes."""
        for pause in pauses():
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

    def _forget(self, change_set: str, *, is_new: bool) -> None:
        """Delete a change set that is not executed, and the empty stack made for it."""
        self._client.delete_change_set(StackName=self.name, ChangeSetName=change_set)
        if is_new and self.status() == UNBORN:
            self._client.delete_stack(StackName=self.name)

    def delete(self, *, report: Report = silent, live: Report = silent) -> None:
        """Delete the stack, and wait until it is gone.

        Raises:
            InfraError: something in it would not go, with its reason.
        """
        found = self.describe()
        if found is None:
            return
        report(f"deleting {self.name}")
        # By name a deleted stack can't be asked about.
        stack_id = found.get("StackId", self.name)
        count = len(self._all_resources())
        events = Events(self._client, stack_id)
        self._client.delete_stack(StackName=self.name)
        progress = Progress(self.name, count, report)

        def status() -> str | None:
            now = self.describe(stack_id)
            return now["StackStatus"] if now is not None else None

        state = follow(events, progress, status, live=live)
        if state not in (None, "DELETE_COMPLETE"):
            raise progress.error(state)

    def _all_resources(self) -> list[str]:
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            item["LogicalResourceId"] for page in pages for item in page["StackResourceSummaries"]
        ]
