"""infra/aws/deployer-policy.json against what the commands call and what the template has."""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from infra.aws import template as templates
from infra.aws.package import ROOT
from tests.unit.template_harness import strings, transformed

POLICY = json.loads((ROOT / "infra" / "aws" / "deployer-policy.json").read_text())
#: epochs.py and reports.py write to the tables themselves: an operator's work.
SOURCES = "\n".join(
    path.read_text()
    for path in sorted((ROOT / "infra" / "aws").glob("*.py"))
    if path.name not in ("epochs.py", "reports.py")
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

#: Names in CloudFormation's schemas that are no actions of IAM: the API's operations, which need
#: the action on the right.
NO_ACTION = {
    "s3:DeleteBucketAnalyticsConfiguration": "s3:PutAnalyticsConfiguration",
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketMetricsConfiguration": "s3:PutMetricsConfiguration",
    "s3:DeleteBucketReplication": "s3:PutReplicationConfiguration",
}

#: Type → property → what CloudFormation does only for a resource with that property. The
#: template has none of these properties.
ONLY_WITH: dict[str, dict[str, tuple[str, ...]]] = {
    "AWS::DynamoDB::Table": {
        "ContributorInsightsSpecification": ("dynamodb:UpdateContributorInsights",),
        "ImportSourceSpecification": (
            "dynamodb:ImportTable",
            "s3:GetObjectMetadata",
            "logs:*LogStream*",
            "logs:PutLogEvents",
        ),
        "KMSMasterKeyId": ("kms:*",),
        "KinesisStreamSpecification": ("kinesis:*", "dynamodb:*KinesisStreamingDestination"),
        # A table's schema shares its list with a global table's, which copies rows.
        "Replicas": (
            *("dynamodb:AssociateTableReplica", "dynamodb:CreateTableReplica"),
            *("dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan"),
            "iam:CreateServiceLinkedRole",
        ),
        "ResourcePolicy": ("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
    },
    "AWS::IAM::ManagedPolicy": {
        "Groups": ("iam:AttachGroupPolicy", "iam:DetachGroupPolicy"),
        "Users": ("iam:AttachUserPolicy", "iam:DetachUserPolicy"),
    },
    "AWS::IAM::Role": {
        "Description": ("iam:UpdateRoleDescription",),
        "MaxSessionDuration": ("iam:UpdateRole",),
        "PermissionsBoundary": ("iam:*RolePermissionsBoundary",),
    },
    "AWS::Lambda::Function": {
        "FileSystemConfigs": ("elasticfilesystem:*", "s3files:*"),
        "KmsKeyArn": ("kms:*",),
        "S3ObjectVersion": ("s3:GetObjectVersion",),
        "VpcConfig": ("ec2:*",),
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": ("logs:PutBearerTokenAuthentication",),
        "DataProtectionPolicy": (
            *("logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy"),
            # Where its findings go.
            *("firehose:TagDeliveryStream", "s3:REST.PUT.OBJECT"),
        ),
        "DeletionProtectionEnabled": ("logs:PutLogGroupDeletionProtection",),
        "FieldIndexPolicies": ("logs:PutIndexPolicy", "logs:DeleteIndexPolicy"),
        "KmsKeyId": ("logs:*KmsKey",),
        "ResourcePolicyDocument": ("logs:DeleteResourcePolicy",),
    },
    "AWS::S3::Bucket": {
        "AccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
        "AccessControl": ("s3:PutObjectAcl",),
        "AnalyticsConfigurations": ("s3:PutAnalyticsConfiguration",),
        "IntelligentTieringConfigurations": ("s3:PutIntelligentTieringConfiguration",),
        "InventoryConfigurations": ("s3:PutInventoryConfiguration",),
        "MetadataConfiguration": ("s3:*BucketMetadata*", "s3tables:*"),
        "MetricsConfigurations": ("s3:PutMetricsConfiguration",),
        "ObjectLockConfiguration": ("s3:PutObjectLockConfiguration",),
        "ReplicationConfiguration": ("s3:PutReplicationConfiguration",),
        "WebsiteConfiguration": ("s3:DeleteBucketWebsite",),
    },
}

#: Types whose service has another name in IAM.
PREFIX = {"ApiGatewayV2": "apigateway", "Serverless": "lambda"}


def actions() -> list[str]:
    return [action for statement in POLICY["Statement"] for action in statement["Action"]]


def is_allowed(action: str) -> bool:
    """Whether the policy has it; IAM does not mind the case of an action."""
    return matches(action, actions())


def matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


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


def handled() -> dict[str, set[str]]:
    """Each type of the template and what CloudFormation's handlers do for it, as they declare.

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
    """
    schemas = resources.files("cfnlint") / "data" / "schemas"
    files = json.loads((schemas / "providers" / "ap-northeast-2.json").read_text())
    found: dict[str, set[str]] = {}
    # `prod` has all types that any stage has.
    for kind in {body["Type"] for body in transformed("prod")["Resources"].values()}:
        schema = json.loads((schemas / "resources" / f"{files[kind]}.json").read_text())
        found[kind] = {
            NO_ACTION.get(action, action)
            for handler, body in schema.get("handlers", {}).items()
            # A stack never lists all resources of a type.
            if handler != "list"
            for action in body["permissions"]
        }
    return found


def test_whatever_cloudformation_does_for_the_templates_resources_is_allowed() -> None:
    found = handled()
    # Types of before there were handlers, whose actions are not declared.
    assert {kind for kind in found if not found[kind]} == {"AWS::Route53::RecordSetGroup"}
    missing = {
        (kind, action)
        for kind, wanted in found.items()
        for action in wanted
        if not is_allowed(action)
        and not matches(action, itertools.chain(*ONLY_WITH.get(kind, {}).values()))
    }
    assert sorted(missing) == []


def test_exceptions_are_for_properties_that_the_template_does_not_have() -> None:
    found = handled()
    for kind, properties in ONLY_WITH.items():
        bodies = templates.of_type(transformed("prod"), kind).values()
        names = set(strings([body["Properties"] for body in bodies]))
        assert bodies
        assert names.isdisjoint(properties)
        for pattern in itertools.chain(*properties.values()):
            assert [one for one in found[kind] if matches(one, [pattern])], (kind, pattern)
            assert not is_allowed(pattern), pattern


def test_a_rollback_that_stopped_can_be_continued() -> None:
    # docs/deploy.md and decision 18 tell people to.
    assert is_allowed("cloudformation:ContinueUpdateRollback")


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
