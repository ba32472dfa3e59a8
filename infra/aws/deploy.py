"""Deploys a package to AWS: stack, then site; puts a release back; removes a stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.aws import access_logs, remembered, site
from infra.aws.account import Account
from infra.aws.artifacts import Artifacts
from infra.aws.changes import Change, refuse_data_loss
from infra.aws.domain import check_certificate
from infra.aws.package import Package
from infra.aws.releases import Release, Releases, current_commit
from infra.aws.site import SiteFile
from infra.aws.stack import RUNNING, Stack, accept
from infra.aws.stack_events import Report, silent
from infra.errors import InfraError

#: The stage whose data outlives the stack.
PRODUCTION = "prod"

#: Parameters that hold for one deployment; the next one begins with the template's default.
ONCE = ("Rollout",)


def stack_name(stage: str) -> str:
    """The stack of a stage; its tables, Lambdas and log groups begin with it."""
    return f"pingpong-{stage}"


def secrets_parameter(stage: str) -> str:
    """The SSM parameter with a stage's secrets."""
    return f"/pingpong/{stage}/secrets"


@dataclass(frozen=True)
class Target:
    """A stage in an account, and what is said and asked while it is worked on."""

    account: Account
    stage: str
    report: Report = silent
    live: Report = silent
    #: Is told the changes of a deployment before the first of them; raises to refuse.
    approve: Callable[[Sequence[Change]], None] = accept
    #: Go on although a table or the site's bucket would be replaced or removed.
    force: bool = False

    @property
    def stack(self) -> Stack:
        """The stage's stack, which may not be there yet."""
        return Stack(self.account.client("cloudformation"), stack_name(self.stage))

    @property
    def artifacts(self) -> Artifacts:
        """The bucket with packages."""
        return Artifacts(self.account.client("s3"), self.account.artifacts_bucket())

    def existing_stack(self) -> Stack:
        """The stage's stack.

        Raises:
            InfraError: there is none.
        """
        stack = self.stack
        if stack.status() is None:
            raise InfraError(f"there is no stack {stack.name} in {self.account.region}")
        return stack


def deploy(
    account: Account,
    package: Package,
    *,
    stage: str,
    site_dir: Path,
    parameters: Mapping[str, str],
    report: Report,
) -> dict[str, str]:
    """Deploy without questions; see `deploy_release`."""
    target = Target(account, stage, report)
    return deploy_release(target, package, site_dir=site_dir, parameters=parameters)


def deploy_release(
    target: Target, package: Package, *, site_dir: Path, parameters: Mapping[str, str]
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
    files = site.read_files(site_dir)  # raises before anything is changed
    account, stage = target.account, target.stage
    _require_secrets(account, stage)
    declared = package.template["Parameters"]
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise InfraError(
            f"the template has no parameter {', '.join(unknown)}; it has {', '.join(declared)}"
        )
    ssm = account.client("ssm")
    defaults = {name: str(declared[name]["Default"]) for name in ONCE if name in declared}
    chosen = {**defaults, **remembered.read(ssm, stage), **parameters}
    for name, value in chosen.items():
        # CloudFormation takes no empty number: what is empty takes the template's default.
        if not value and declared.get(name, {}).get("Type") == "Number":
            chosen[name] = str(declared[name]["Default"])
    if chosen.get("DomainName"):
        check_certificate(account, chosen["DomainName"], chosen.get("CertificateArn", ""))
    if chosen.get("AccessLogs") == "on":
        access_logs.allow(account, target.report)
    target.report(f"deploying {stack_name(stage)} to account {account.id} in {account.region}")
    artifacts = target.artifacts
    releases = Releases(artifacts, stage)
    release = releases.keep(artifacts.upload(package), files, current_commit())
    outputs = _bring_up(target, artifacts, release, chosen, declared)
    kept = {name: chosen[name] for name in parameters if name not in ONCE}
    if kept:
        remembered.write(ssm, stage, kept)
    _finish(target, releases, release, outputs, files, "deploy")
    return outputs


def roll_back(target: Target, wanted: str = "") -> tuple[Release, dict[str, str]]:
    """Put a release back: its template and code, then its site. Parameters stay as they are.

    Args:
        wanted: the release's id; the one before the current one if empty.

    Returns:
        The release, and the stack's outputs.

    Raises:
        InfraError: there is nothing to put back, or AWS refuses something.
    """
    target.existing_stack()
    artifacts = target.artifacts
    releases = Releases(artifacts, target.stage)
    release = releases.to_put_back(wanted)
    files = releases.files(release)
    template = artifacts.read(release.template)
    if template is None:
        raise InfraError(f"the template of release {release.id} is no longer in the artifacts")
    target.report(f"putting release {release.id} back ({release.commit or 'commit unknown'})")
    declared = json.loads(template)["Parameters"]
    # At once: an alarm that is on, and why one rolls back, would stop a release in steps.
    outputs = _bring_up(target, artifacts, release, {"Rollout": "AllAtOnce"}, declared)
    _finish(target, releases, release, outputs, files, "rollback")
    return release, outputs


def _require_secrets(account: Account, stage: str) -> None:
    parameter = secrets_parameter(stage)
    if account.read_secrets(parameter) is None:
        raise InfraError(
            f"the SSM parameter {parameter} is missing in {account.region}; it holds the keys of "
            f"the Kakao application. `make setup-aws STAGE={stage}` asks for all that is needed, "
            "for the keys alone:\n"
            f"  python -m infra.aws secrets --stage {stage} --region {account.region}"
        )


def _bring_up(
    target: Target,
    artifacts: Artifacts,
    release: Release,
    chosen: Mapping[str, str],
    declared: Mapping[str, object],
) -> dict[str, str]:
    """Bring the stack to a release's template; returns its outputs."""
    stage, stack = target.stage, target.stack
    given = {"Stage": stage, "SecretsParameter": secrets_parameter(stage), **chosen}
    is_new = stack.status() not in RUNNING
    if not is_new and chosen.get("DomainName"):
        # In one pass: else sign-in would be refused at the domain until the second is done.
        given["SiteOrigin"] = f"https://{chosen['DomainName']}"
    asked: list[bool] = []

    def approve(changes: Sequence[Change]) -> None:
        if not target.force:
            refuse_data_loss(changes)
        if not asked:  # the second round only tells the Lambdas an address
            target.approve(changes)
        asked.append(True)

    def go(more: Mapping[str, str]) -> bool:
        return stack.deploy(
            artifacts.url(release.template),
            {name: value for name, value in {**given, **more}.items() if name in declared},
            declared=declared,
            tags={"app": "pingpong", "stage": stage},
            approve=approve,
            report=target.report,
            live=target.live,
        )

    changed = go({})
    outputs = stack.outputs()
    if stack.parameters().get("SiteOrigin") != outputs["SiteUrl"]:
        # The Lambdas need the site's address, CloudFront's needs the APIs, and the APIs need
        # the Lambdas: the first deployment goes round twice.
        target.report(f"telling the Lambdas that the site is {outputs['SiteUrl']}")
        # Nobody is there yet for whom it would be released in steps.
        at_once = {"Rollout": "AllAtOnce"} if is_new else {}
        changed = go({"SiteOrigin": outputs["SiteUrl"], **at_once}) or changed
    if not changed:
        target.report("the stack is up to date")
    return outputs


def _finish(
    target: Target,
    releases: Releases,
    release: Release,
    outputs: Mapping[str, str],
    files: Sequence[SiteFile],
    action: str,
) -> None:
    """Write the release down, then bring out the site."""
    account = target.account
    # First: if the upload fails, this release's Lambdas are out already.
    releases.record(release, by=account.arn, action=action)
    done = site.put(account.client("s3"), outputs["SiteBucketName"], files, report=target.report)
    if not done:
        target.report("the site is up to date")
    site.invalidate(account.client("cloudfront"), outputs["DistributionId"], done, live=target.live)


def destroy(
    account: Account, *, stage: str, report: Report = silent, live: Report = silent
) -> None:
    """Delete a stage; what the template retains (prod's tables and site) stays.

    Raises:
        InfraError: there is no such stack, prod's tables are protected, or something would not
            go.
    """
    stack = Target(account, stage).existing_stack()
    tables = sorted(stack.resources("AWS::DynamoDB::Table").values())
    protected = protected_tables(account, tables)
    if protected:
        commands = "\n".join(
            f"  aws dynamodb update-table --no-deletion-protection-enabled --table-name {name}"
            for name in protected
        )
        raise InfraError(
            f"{stack.name} was not deleted: its tables are protected against deletion. If the "
            f"service is to end, take the protection away on purpose:\n{commands}"
        )
    bucket = stack.outputs().get("SiteBucketName")
    if bucket is not None and stage != PRODUCTION:
        # CloudFormation deletes empty buckets only, and versions count.
        report(f"emptying {bucket}")
        account.session.resource("s3").Bucket(bucket).object_versions.delete()
    stack.delete(report=report, live=live)
    for line in what_stays(stage, bucket, tables):
        report(line)


def protected_tables(account: Account, tables: Sequence[str]) -> list[str]:
    """Those of the tables that DynamoDB protects against deletion."""
    dynamodb = account.client("dynamodb")
    return [
        name
        for name in tables
        if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled")
    ]


def what_stays(stage: str, bucket: str | None, tables: Sequence[str]) -> list[str]:
    """What a deleted stage leaves behind, and costs, in lines."""
    stays = [
        f"stays: {secrets_parameter(stage)} and {remembered.parameter_name(stage)} in SSM",
        "stays: the packages in the artifacts bucket (pingpong-artifacts-…)",
    ]
    if stage == PRODUCTION:
        stays.append(f"stays: the tables {', '.join(tables)}; they cost storage until deleted")
        stays.append(f"stays: the bucket {bucket}")
    return stays
