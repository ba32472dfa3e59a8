"""Parts of the project's own template on any endpoint, made by CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

import boto3
from botocore.exceptions import WaiterError

from infra.aws.template import merge_template
from infra.local.part import TABLE, part_of

BUCKET: Final = "AWS::S3::Bucket"
QUEUE: Final = "AWS::SQS::Queue"
QUEUE_POLICY: Final = "AWS::SQS::QueuePolicy"

#: Seconds on a quiet machine; on a busy one a worker must not die of it before its first test.
PATIENCE: Final[Any] = {"Delay": 1, "MaxAttempts": 180}

Json = dict[str, Any]


def partial_template(types: Collection[str]) -> Json:
    """The template's resources of some types, and what they refer to."""
    part = part_of(merge_template(), types)
    for body in part["Resources"].values():
        # What tests make must go with its stack, as in all stages but production.
        body["DeletionPolicy"] = body["UpdateReplacePolicy"] = "Delete"
    return part


def data_template() -> Json:
    """The tables of the template."""
    return partial_template([TABLE])


def table_properties() -> dict[str, Json]:
    """Each table's properties, by its name without prefix; protection is for production."""
    found = {}
    for body in data_template()["Resources"].values():
        properties = dict(body["Properties"])
        name = properties.pop("TableName")["Fn::Sub"].removeprefix("${AWS::StackName}-")
        found[name] = properties | {"DeletionProtectionEnabled": False}
    return found


def create_stack(endpoint: str, stack_name: str, template: Json) -> dict[str, str]:
    """Create a stack and wait for it; its physical ids, by logical id.

    Raises:
        RuntimeError: a resource could not be made; with CloudFormation's reasons.
    """
    client = boto3.client("cloudformation", endpoint_url=endpoint)
    client.create_stack(StackName=stack_name, TemplateBody=json.dumps(template))
    try:
        client.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig=PATIENCE)
    except WaiterError as error:
        raise RuntimeError(f"the stack is not made: {_reasons(client, stack_name)}") from error
    found = client.describe_stack_resources(StackName=stack_name)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def create_tables(endpoint: str, stack_name: str) -> None:
    """Create the template's tables; their names begin with the stack's and ``-``."""
    create_stack(endpoint, stack_name, data_template())


def delete_stack(endpoint: str, stack_name: str, *, region: str | None = None) -> None:
    """Delete a stack with all that it has, and wait for that.

    Args:
        endpoint: where it is.
        stack_name: its name.
        region: its Region, if it is not AWS_REGION.
    """
    client = boto3.client("cloudformation", endpoint_url=endpoint, region_name=region)
    client.delete_stack(StackName=stack_name)
    client.get_waiter("stack_delete_complete").wait(StackName=stack_name, WaiterConfig=PATIENCE)


def _reasons(client: Any, stack_name: str) -> str:
    events = client.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "; ".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}"
        for event in failed
    )
