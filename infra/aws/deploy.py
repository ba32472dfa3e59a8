"""Deploys a package to AWS: stack, then site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.aws import site
from infra.aws.account import Account
from infra.aws.package import Package
from infra.aws.stack import Artifacts, Stack
from infra.errors import InfraError

Report = Callable[[str], None]


def stack_name(stage: str) -> str:
    """The stack of a stage; its tables, Lambdas and log groups begin with it."""
    return f"pingpong-{stage}"


def secrets_parameter(stage: str) -> str:
    """The SSM parameter with a stage's secrets."""
    return f"/pingpong/{stage}/secrets"


def deploy(
    account: Account,
    package: Package,
    *,
    stage: str,
    site_dir: Path,
    parameters: Mapping[str, str],
    report: Report,
) -> dict[str, str]:
    """Bring a stage to the package's state and upload the site.

    Args:
        parameters: values for the template's parameters, besides those that follow from
            the stage; at later deployments they keep what they were given.

    Returns:
        The stack's outputs.

    Raises:
        InfraError: something is missing beforehand, or AWS refuses something.
    """
    list(site.in_upload_order(site_dir))  # raises before anything is changed
    parameter = secrets_parameter(stage)
    if account.read_secrets(parameter) is None:
        raise InfraError(
            f"the SSM parameter {parameter} is missing in {account.region}; it holds the keys of "
            "the Kakao application. Store them with:\n"
            f"  python -m infra.aws secrets --stage {stage} --region {account.region}"
        )
    report(f"deploying {stack_name(stage)} to account {account.id} in {account.region}")
    artifacts = Artifacts(account.client("s3"), account.artifacts_bucket())
    url = artifacts.upload(package)
    stack = Stack(account.client("cloudformation"), stack_name(stage))
    given = {"Stage": stage, "SecretsParameter": parameter, **parameters}

    def bring_up(more: Mapping[str, str]) -> bool:
        return stack.deploy(
            url,
            {**given, **more},
            declared=package.template["Parameters"],
            tags={"app": "pingpong", "stage": stage},
            report=report,
        )

    changed = bring_up({})
    outputs = stack.outputs()
    if stack.parameters().get("SiteOrigin") != outputs["SiteUrl"]:
        # The Lambdas need the site's address, CloudFront's needs the APIs, and the APIs need
        # the Lambdas: the first deployment goes round twice.
        report(f"telling the Lambdas that the site is {outputs['SiteUrl']}")
        changed = bring_up({"SiteOrigin": outputs["SiteUrl"]}) or changed
    if not changed:
        report("the stack is up to date")
    site.upload(account.client("s3"), outputs["SiteBucketName"], site_dir, report=report)
    site.invalidate(account.client("cloudfront"), outputs["DistributionId"])
    return outputs


def destroy(account: Account, *, stage: str, report: Report) -> None:
    """Delete a stage; what the template retains (prod's tables and site) stays.

    Raises:
        InfraError: there is no such stack, or something would not go.
    """
    stack = Stack(account.client("cloudformation"), stack_name(stage))
    if stack.status() is None:
        raise InfraError(f"there is no stack {stack.name} in {account.region}")
    bucket = stack.outputs().get("SiteBucketName")
    if bucket is not None and stage != "prod":
        # CloudFormation deletes empty buckets only, and versions count.
        report(f"emptying {bucket}")
        account.session.resource("s3").Bucket(bucket).object_versions.delete()
    stack.delete(report=report)
