"""How a stage is: its stack, what runs, what is wrong, and what went out when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import domain
from infra.aws.account import Account
from infra.aws.artifacts import Artifacts
from infra.aws.deploy import Target
from infra.aws.refusals import code_of
from infra.aws.releases import Releases
from infra.aws.stack import Stack

#: The alias that everybody calls (functions.yaml).
ALIAS = "live"

RECORDS_SHOWN = 5


def status_lines(account: Account, stage: str) -> Iterator[str]:
    """A stage's state in lines for people.

    Raises:
        InfraError: there is no such stack.
    """
    stack = Target(account, stage).existing_stack()
    found = stack.describe()
    changed = found and (found.get("LastUpdatedTime") or found["CreationTime"])
    when = f", changed {changed:%Y-%m-%d %H:%M} UTC" if changed else ""
    where = f"account {account.id}, {account.region}{when}"
    yield f"stack        {stack.name} is {stack.status()} ({where})"
    outputs = stack.outputs()
    for name in ("SiteUrl", "DashboardUrl"):
        if name in outputs:
            yield f"{name:<12} {outputs[name]}"
    yield from _versions(account, stack)
    yield from _alarms(account, stack)
    yield from _failed_jobs(account, outputs)
    yield from _certificate(account, stack)
    yield from _records(account, stage)


def _versions(account: Account, stack: Stack) -> Iterator[str]:
    """The version behind each Lambda's alias, and a staged release under way."""
    client = account.client("lambda")
    for name in sorted(stack.resources("AWS::Lambda::Function").values()):
        try:
            alias: dict[str, Any] = client.get_alias(FunctionName=name, Name=ALIAS)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield f"Lambda       {name}: $LATEST, it has no alias {ALIAS}"
            continue
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        staged = "".join(
            f", release under way: {weight:.0%} of calls go to version {version}"
            for version, weight in weights.items()
        )
        yield f"Lambda       {name}: version {alias['FunctionVersion']}{staged}"


def _alarms(account: Account, stack: Stack) -> Iterator[str]:
    """Alarms that are ringing, with their reason."""
    if not stack.resources("AWS::CloudWatch::Alarm"):
        yield "alarms       the stack has none"
        return
    pages = (
        account.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{stack.name}-")
    )
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    yield f"alarms       {len(ringing)} of {len(alarms)} in ALARM (docs/operations.md)"
    for alarm in ringing:
        yield f"             {alarm['AlarmName']}: {alarm.get('StateReason', '')}"


def _failed_jobs(account: Account, outputs: dict[str, str]) -> Iterator[str]:
    """How many background jobs were given up."""
    url = outputs.get("FailedJobsQueueUrl")
    if url is None:
        return
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
    count = sum(int(found["Attributes"].get(name, 0)) for name in wanted)
    advice = " (`make failed-jobs`)" if count else ""
    yield f"failed jobs  {count}{advice}"


def _certificate(account: Account, stack: Stack) -> Iterator[str]:
    """The domain's certificate and until when it is good."""
    parameters = stack.parameters()
    name, arn = parameters.get("DomainName"), parameters.get("CertificateArn")
    if not name or not arn:
        yield "domain       none of its own"
        return
    try:
        found = domain.describe_certificate(account, arn)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        yield f"domain       {name}: its certificate {arn} is gone"
        return
    until = found.get("NotAfter")
    good = f", good until {until:%Y-%m-%d}" if until is not None else ""
    yield f"domain       {name}: certificate {found['Status']}{good}"


def _records(account: Account, stage: str) -> Iterator[str]:
    """The last releases, the newest last."""
    artifacts = Artifacts(account.client("s3"), account.artifacts_bucket())
    for record in Releases(artifacts, stage).latest(RECORDS_SHOWN):
        commit = f" commit {record.release.commit}" if record.release.commit else ""
        who = record.by.rsplit("/", 1)[-1]
        when = f"{record.at:%Y-%m-%d %H:%M} UTC"
        yield f"{record.action:<12} {record.release.id} {when}{commit} by {who}"
