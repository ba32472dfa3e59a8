"""infra/aws/deployer-policy.json against what the commands call and what the template has."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from infra.aws import template as templates
from infra.aws.package import ROOT

POLICY = json.loads((ROOT / "infra" / "aws" / "deployer-policy.json").read_text())
#: epochs.py writes to the tables themselves, after a restore: an operator's work.
SOURCES = "\n".join(
    path.read_text()
    for path in sorted((ROOT / "infra" / "aws").glob("*.py"))
    if path.name != "epochs.py"
)

#: Operations that are not permitted by an action of their own name.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
OTHER_ACTION = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "lambda:Invoke": "lambda:InvokeFunction",
    "apigateway:GetAccount": "apigateway:GET",
    "apigateway:UpdateAccount": "apigateway:PATCH",
}
#: Called by a resource of boto3's, not by a client's method.
BY_RESOURCE = {
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
}

#: Types whose service has another name in IAM.
PREFIX = {"ApiGatewayV2": "apigateway", "Serverless": "lambda"}


def actions() -> list[str]:
    return [action for statement in POLICY["Statement"] for action in statement["Action"]]


def is_allowed(action: str) -> bool:
    return any(fnmatch.fnmatchcase(action, allowed) for allowed in actions())


def services() -> set[str]:
    """Those that the commands make clients of."""
    return {
        name or other
        for name, other in re.findall(
            r'\.client\(\s*"([a-z0-9]+)"|resource\("([a-z0-9]+)"\)', SOURCES
        )
    }


def called() -> set[str]:
    """Operations of these services whose method is named in the commands' code."""
    session = Session()
    found: set[str] = set()
    for service in services():
        for operation in session.get_service_model(service).operation_names:
            method = xform_name(operation)
            if re.search(rf"""\.{method}\(|_paginator\(\s*"{method}"\)""", SOURCES):
                found.add(f"{service}:{operation}")
    return found


def test_whatever_the_commands_call_is_allowed() -> None:
    wanted = {OTHER_ACTION.get(name, name) for name in called()} | set(BY_RESOURCE.values())
    # Names of methods that are another service's, or none: `iam.get_policy` is not meant by
    # `lambda.get_policy`, so what is asked for is a little more than what is called.
    assert len(wanted) > 30
    assert sorted(name for name in wanted if not is_allowed(name)) == []


def test_every_service_of_the_template_is_allowed() -> None:
    types = {
        body["Type"] for body in templates.merge_template()["Resources"].values() if "Type" in body
    }
    prefixes = {action.split(":")[0] for action in actions()}
    missing = {
        kind
        for kind in types | {"AWS::Serverless::Function", "AWS::CodeDeploy::Application"}
        if PREFIX.get(kind.split("::")[1], kind.split("::")[1].lower()) not in prefixes
    }
    assert missing == set()


def test_nobody_reads_chats_or_others_things_with_it() -> None:
    assert not [
        name
        for name in ("GetItem", "Query", "Scan", "BatchGetItem", "PartiQLSelect", "PutItem")
        if is_allowed(f"dynamodb:{name}")
    ]
    assert not is_allowed("iam:CreateUser")
    assert not is_allowed("iam:CreateAccessKey")
    roles: dict[str, Any] = next(one for one in POLICY["Statement"] if one["Sid"] == "Roles")
    assert all("*:role/*" not in arn for arn in roles["Resource"])


def test_it_fits_into_a_managed_policy() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: without spaces
    assert len(re.sub(r"\s", "", json.dumps(POLICY))) <= 6144


@pytest.mark.parametrize(
    "path", sorted((ROOT / "infra" / "aws").glob("*.json")), ids=lambda path: path.name
)
def test_it_is_sorted(path: Path) -> None:
    for statement in json.loads(path.read_text())["Statement"]:
        assert statement["Action"] == sorted(statement["Action"])
