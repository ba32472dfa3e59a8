"""What each command of `python -m infra.aws` does: parse, one call, say what came of it."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from infra.aws import logs, setup, smoke
from infra.aws.account import Account
from infra.aws.changes import Change, summary
from infra.aws.console import Console
from infra.aws.deploy import (
    PRODUCTION,
    Target,
    deploy_release,
    destroy,
    roll_back,
    secrets_parameter,
    stack_name,
)
from infra.aws.failed_jobs import FailedJobs
from infra.aws.package import ROOT, package
from infra.aws.stack import accept
from infra.aws.status import status_lines
from infra.errors import InfraError

#: A new name may take a minute to be known everywhere: how often, and after how many
#: seconds, a site is looked at again that gives no answer.
LOOKS: Final = 7
LOOK_PAUSE: Final = 10.0


class Terminal:
    """Whoever sits before the terminal."""

    def ask(self, question: str) -> str:
        """An answer that may be seen."""
        return input(question)

    def ask_secret(self, question: str) -> str:
        """An answer that is not shown."""
        return getpass.getpass(question)


def _account(options: argparse.Namespace) -> Account:
    return Account.from_environment(options.region, options.account or "")


def make_package(options: argparse.Namespace, console: Console) -> None:
    """`package`."""
    out = options.out or ROOT / ".build" / options.stage
    made = package(out, stage=options.stage)
    size = len(made.code) / 1e6
    console.line(f"{out}/template.json, {out}/code.zip ({size:.1f} MB, {made.digest})")


def bring_out(options: argparse.Namespace, console: Console) -> None:
    """`deploy`."""
    target = _target(options, console)
    console.live("packaging")
    made = package(ROOT / ".build" / options.stage, stage=options.stage)
    console.live("")
    outputs = deploy_release(
        target, made, site_dir=options.site_dir, parameters=dict(options.parameter)
    )
    url = outputs["SiteUrl"]
    _say_dns(target, outputs, console)
    if not options.no_smoke:
        _look(target, outputs, console)
    console.line(f"\nPing-Pong is at {url}")
    console.line("At developers.kakao.com the application needs:")
    console.line(f"  redirect URI         {url}/api/auth/kakao/callback")
    console.line(f"  logout redirect URI  {url}/")
    console.line(f"  unlink callback      {url}/api/auth/kakao/unlinked")


def put_back(options: argparse.Namespace, console: Console) -> None:
    """`rollback`."""
    target = _target(options, console)
    release, outputs = roll_back(target, options.to)
    if not options.no_smoke:
        _look(target, outputs, console)
    console.line(f"release {release.id} is out again at {outputs['SiteUrl']}")


def _target(options: argparse.Namespace, console: Console) -> Target:
    account = _account(options)

    def ask(changes: Sequence[Change]) -> None:
        console.line(f"account {account.id}, Region {account.region}: {summary(changes)}")
        if not sys.stdin.isatty():
            raise InfraError(
                f"{PRODUCTION} is changed only after a yes: repeat with --yes where nobody "
                "can be asked. Nothing was changed."
            )
        if input(f"Type {options.stage} to go on: ") != options.stage:
            raise InfraError("nothing was changed")

    return Target(
        account,
        options.stage,
        report=console.line,
        live=console.live,
        approve=ask if options.stage == PRODUCTION and not options.yes else accept,
        force=options.force,
    )


def _say_dns(target: Target, outputs: Mapping[str, str], console: Console) -> None:
    """Say which record a domain needs whose DNS is elsewhere."""
    parameters = target.stack.parameters()
    name = parameters.get("DomainName")
    if name and not parameters.get("HostedZoneId"):
        host = outputs["DistributionDomainName"]
        console.line(f"the domain's DNS must have: {name} CNAME (or ALIAS) {host}")


def _look(target: Target, outputs: Mapping[str, str], console: Console) -> None:
    """Look at the deployed site, again if it gives no answer yet.

    Raises:
        InfraError: something is wrong with it; says what, and how to go back.
    """
    url = outputs["SiteUrl"]
    keys = target.account.read_secrets(secrets_parameter(target.stage)) or {}
    auth_url = target.stack.parameters().get("KakaoAuthUrl") or "https://kauth.kakao.com"
    client_id = keys.get("kakao_client_id", "")
    console.line(f"looking at {url}")
    for left in reversed(range(LOOKS)):
        results = smoke.smoke(url, client_id=client_id, auth_url=auth_url)
        unanswered = [one for one in results if (one.fault or "").startswith("no answer")]
        if not unanswered or not left:
            break
        console.live(f"{url} does not answer yet")
        time.sleep(LOOK_PAUSE)
    console.live("")
    _tell(results, console)
    if smoke.faults(results):
        raise InfraError(
            f"{url} is deployed, but something is wrong with it:\n{smoke.faults(results)}\n"
            f"`make rollback STAGE={target.stage}` puts the previous release back, "
            f"`make logs STAGE={target.stage}` shows what the Lambdas say."
        )


def _tell(results: Sequence[smoke.Result], console: Console) -> None:
    for one in results:
        console.line(f"ok      {one.name}" if one.fault is None else f"FAILED  {one.name}")


def look(options: argparse.Namespace, console: Console) -> None:
    """`smoke`."""
    results = smoke.smoke(options.url)
    _tell(results, console)
    if smoke.faults(results):
        raise InfraError(f"something is wrong with {options.url}:\n{smoke.faults(results)}")


def set_up(options: argparse.Namespace, console: Console) -> None:
    """`setup`."""
    person = _person(options)
    answers = setup.Answers(
        options.domain,
        options.alarm_email,
        options.monthly_budget,
        options.access_logs,
        _given_keys(options),
    )
    setup.set_up(
        _account(options),
        options.stage,
        answers,
        person=person,
        report=console.line,
        live=console.live,
        kakao=setup.Kakao(unchecked=options.unchecked),
    )


def store_keys(options: argparse.Namespace, console: Console) -> None:
    """`secrets`."""
    setup.set_keys(
        _account(options),
        options.stage,
        _given_keys(options),
        person=_person(options),
        report=console.line,
        kakao=setup.Kakao(unchecked=options.unchecked),
    )


def _person(options: argparse.Namespace) -> Terminal | None:
    silent = getattr(options, "no_input", False) or options.keys_from_stdin
    return None if silent or not sys.stdin.isatty() else Terminal()


def _given_keys(options: argparse.Namespace) -> dict[str, str]:
    return setup.read_keys(sys.stdin.read()) if options.keys_from_stdin else {}


def show_status(options: argparse.Namespace, console: Console) -> None:
    """`status`."""
    for line in status_lines(_account(options), options.stage):
        console.line(line)


def show_logs(options: argparse.Namespace, console: Console) -> None:
    """`logs`."""
    since_ms = int((time.time() - logs.seconds(options.since)) * 1000)
    account = _account(options)
    groups = logs.log_groups(Target(account, options.stage).existing_stack(), options.function)
    find = logs.follow if options.follow else logs.read
    for line in logs.show(find(account, groups, since_ms), pattern=options.grep):
        console.line(line)


def failed_jobs(options: argparse.Namespace, console: Console) -> None:
    """`failed-jobs`."""
    account = _account(options)
    stack = Target(account, options.stage).existing_stack()
    url = stack.outputs().get("FailedJobsQueueUrl")
    if url is None:
        raise InfraError(f"{stack.name} has no queue of failed jobs: deploy it again")
    queue = FailedJobs(account, url, stack.name)
    if options.retry:
        console.line(f"{queue.retry(console.line)} jobs are done again")
    elif options.discard:
        console.line(f"{queue.discard(console.line)} jobs are forgotten")
    else:
        console.line(f"{queue.list(console.line)} failed jobs")


def remove(options: argparse.Namespace, console: Console) -> None:
    """`destroy`."""
    account = _account(options)
    name = stack_name(options.stage)
    Target(account, options.stage).existing_stack()
    if not options.yes:
        if not sys.stdin.isatty():
            raise InfraError("a stage is deleted only after a yes: repeat with --yes")
        if input(f"Type {name} to delete it from {account.id} ({account.region}): ") != name:
            raise InfraError("not deleted")
    destroy(account, stage=options.stage, report=console.line, live=console.live)


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Console], None]]] = {
    "package": make_package,
    "setup": set_up,
    "secrets": store_keys,
    "deploy": bring_out,
    "rollback": put_back,
    "status": show_status,
    "logs": show_logs,
    "failed-jobs": failed_jobs,
    "smoke": look,
    "destroy": remove,
}
