"""The project's own tables on any DynamoDB endpoint, made from the template."""

from __future__ import annotations

import json
from typing import Any

import boto3

from infra.aws.template import merge_template


def data_template() -> dict[str, Any]:
    """The tables of the template, and what they refer to."""
    whole = merge_template()
    wanted = {
        name: body
        for name, body in whole["Resources"].items()
        if body.get("Type") == "AWS::DynamoDB::Table"
    }
    return {
        "Parameters": {"Stage": whole["Parameters"]["Stage"]},
        "Conditions": {"IsProduction": whole["Conditions"]["IsProduction"]},
        "Resources": wanted,
    }


def table_properties() -> dict[str, dict[str, Any]]:
    """Each table's properties, by its name without prefix; protection is for production."""
    found = {}
    for body in data_template()["Resources"].values():
        properties = dict(body["Properties"])
        name = properties.pop("TableName")["Fn::Sub"].removeprefix("${AWS::StackName}-")
        found[name] = properties | {"DeletionProtectionEnabled": False}
    return found


def create_tables(endpoint: str, stack_name: str) -> None:
    """Create the tables through CloudFormation and wait for them."""
    client = boto3.client("cloudformation", endpoint_url=endpoint)
    client.create_stack(StackName=stack_name, TemplateBody=json.dumps(data_template()))
    client.get_waiter("stack_create_complete").wait(
        StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def delete_tables(endpoint: str, stack_name: str) -> None:
    """Delete the tables of ``create_tables``."""
    boto3.client("cloudformation", endpoint_url=endpoint).delete_stack(StackName=stack_name)
