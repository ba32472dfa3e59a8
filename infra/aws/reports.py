"""`python -m infra.aws.reports --stage prod list`: what people reported, and what is done about it.

An operator reads the tables with credentials of their own; nothing of the app shows reports. What
is decided is written down first, with who, when and why, in rows that nothing changes or deletes;
then it is done. Every step can be repeated.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.account import Account
from infra.aws.arguments import stage
from infra.errors import InfraError

#: How long a report is kept after it was settled.
KEPT_DAYS: Final = 180
DAYS_MAX: Final = 60
DAY_MS: Final = 24 * 3600 * 1000
#: As the app's ids.
ID_BYTES: Final = 12

#: The stage of `make run`.
LOCAL: Final = "local"
OPEN, AUDIT = "open", "audit"


@dataclass(frozen=True)
class Operator:
    """Who acts, on which stage."""

    dynamodb: Any
    lambda_: Any
    #: What names of tables and Lambdas begin with: ``pingpong-prod-``.
    prefix: str
    #: The ARN that AWS knows them by.
    who: str
    #: The Lambda that does what takes long.
    background: str
    now: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    @property
    def _table(self) -> str:
        return f"{self.prefix}reports"

    # --- Looking

    def queue(self, name: str) -> Iterator[dict[str, Any]]:
        """Open reports, or the audit trail, the oldest first. A Query a page, a GetItem each."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by_queue",
            KeyConditionExpression="queue = :queue",
            ExpressionAttributeValues={":queue": {"S": name}},
        )
        for page in pages:
            for item in page["Items"]:
                found = self._find(item["report_id"]["S"])
                # The index may be behind: settled just now.
                if found is not None and found.get("queue") == name:
                    yield found

    def report(self, report_id: str) -> dict[str, Any]:
        """One report, also a settled one.

        Raises:
            InfraError: there is none.
        """
        found = self._find(report_id) if "#" not in report_id else None
        if found is None:
            raise InfraError(f"there is no report {report_id}")
        return found

    def _find(self, report_id: str) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(
            TableName=self._table, Key={"report_id": {"S": report_id}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return _plain(item) if item else None

    # --- Deciding

    def suspend(self, report_id: str, days: int, reason: str) -> None:
        """Exclude the person for some days: signed out at once, and refused until then.

        Raises:
            InfraError: there is no such report.
        """
        report = self.report(report_id)
        user_id = report["user_id"]
        until = self.now() + days * DAY_MS
        self._note("suspend", report, reason, days=days, until=until)
        # Of its own, as the person can withdraw and come back.
        self.dynamodb.put_item(
            TableName=self._table,
            Item=_item(
                {
                    "report_id": f"suspended#{user_id}",
                    "until": until,
                    "expires_at": until // 1000 + 1,
                }
            ),
        )
        self._update(
            f"{self.prefix}users",
            {"user_id": user_id},
            "SET suspended_until = :until",
            {":until": until},
            "attribute_exists(user_id)",
        )
        self._start({"job": "end_sessions", "user_id": user_id})
        self._settle(report, "suspended")

    def delete(self, report_id: str, reason: str) -> None:
        """Delete the chat for everybody.

        Raises:
            InfraError: there is no such report, or it is of a person.
        """
        report = self.report(report_id)
        if "seq" not in report:
            raise InfraError("this report is of a person, not of a chat")
        self._note("delete", report, reason, seq=report["seq"])
        self._start({"job": "erase_chat", "room_id": report["room_id"], "seq": report["seq"]})
        self._settle(report, "deleted")

    def dismiss(self, report_id: str, reason: str) -> None:
        """Close the report: nothing is to be done.

        Raises:
            InfraError: there is no such report.
        """
        report = self.report(report_id)
        self._note("dismiss", report, reason)
        self._settle(report, "dismissed")

    def _note(self, action: str, report: Mapping[str, Any], why: str, **more: int) -> None:
        """Write down what is about to be done: a new row, never one in the place of another."""
        self.dynamodb.put_item(
            TableName=self._table,
            Item=_item(
                {
                    "report_id": f"audit#{secrets.token_urlsafe(ID_BYTES)}",
                    "queue": AUDIT,
                    "created_at": self.now(),
                    "who": self.who,
                    "action": action,
                    "why": why,
                    "about_report": report["report_id"],
                    "user_id": report["user_id"],
                    "room_id": report["room_id"],
                    **more,
                }
            ),
            ConditionExpression="attribute_not_exists(report_id)",
        )

    def _settle(self, report: Mapping[str, Any], outcome: str) -> None:
        """Take a report from the queue, so that the same can be reported anew."""
        now = self.now()
        self._update(
            self._table,
            {"report_id": report["report_id"]},
            "SET outcome = :outcome, settled_at = :now, expires_at = :expires REMOVE queue",
            {":outcome": outcome, ":now": now, ":expires": (now + KEPT_DAYS * DAY_MS) // 1000},
            "attribute_exists(report_id)",
        )
        try:
            self.dynamodb.delete_item(
                TableName=self._table,
                Key=_item({"report_id": report["lock_id"]}),
                ConditionExpression="open_id = :id",
                ExpressionAttributeValues=_item({":id": report["report_id"]}),
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return  # settled before, and reported anew since

    def _update(
        self,
        table: str,
        key: Mapping[str, Any],
        expression: str,
        values: Mapping[str, Any],
        condition: str,
    ) -> None:
        try:
            self.dynamodb.update_item(
                TableName=table,
                Key=_item(key),
                UpdateExpression=expression,
                ExpressionAttributeValues=_item(values),
                ConditionExpression=condition,
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return  # gone meanwhile: withdrew, or expired

    def _start(self, job: Mapping[str, Any]) -> None:
        self.lambda_.invoke(
            FunctionName=self.background,
            InvocationType="Event",
            Payload=json.dumps(job).encode(),
        )


def _item(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Texts and whole numbers, as DynamoDB takes them."""
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in values.items()
    }


def _plain(item: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        name: int(value["N"]) if "N" in value else value.get("S") for name, value in item.items()
    }


# --- What a terminal shows -------------------------------------------------------------------


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _visible(text: str) -> str:
    """What people wrote, on one line and without what would steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def line(report: Mapping[str, Any]) -> str:
    """A report in the list: nothing of what was said."""
    what = f"chat {report['seq']}" if "seq" in report else "person"
    return (
        f"{_at(report['created_at'])}  {report['report_id']}  {report['reason']:<6}  "
        f"{what} of {report['user_id']} in {report['room_id']}"
    )


def details(report: Mapping[str, Any]) -> Iterator[str]:
    """A report with its context; the chat that it is about has a ``>``."""
    yield line(report)
    yield f"room      {_visible(report['room_name'])}"
    yield f"about     {_visible(report.get('user_name') or '(unknown)')}  {report['user_id']}"
    if report.get("account_name"):
        yield f"account   {_visible(report['account_name'])}"
    yield f"reporter  {report['reporter_id']}"
    if report.get("note"):
        yield f"note      {_visible(report['note'])}"
    if report.get("outcome"):
        yield f"settled   {report['outcome']} at {_at(report['settled_at'])}"
    yield ""
    for said in json.loads(report["context"]):
        mark = ">" if said["seq"] == report.get("seq") else " "
        words = "(deleted)" if said.get("deleted") else _visible(said.get("text", ""))
        yield f"{mark} {_at(said['at'])}  {_visible(said.get('name') or '?')}: {words}"


def audited(row: Mapping[str, Any]) -> str:
    """A line of the audit trail."""
    days = f" {row['days']} days" if "days" in row else ""
    return (
        f"{_at(row['created_at'])}  {row['who']}  {row['action']}{days}  "
        f"report {row['about_report']}  user {row['user_id']}  {_visible(row['why'])}"
    )


def run(operator: Operator, options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Do what the command line says.

    Raises:
        InfraError: there is no such report, or AWS refuses.
    """
    try:
        match options.command:
            case "list":
                lines = [line(report) for report in operator.queue(OPEN)]
                for each in lines:
                    say(each)
                say(f"{len(lines)} open reports")
            case "audit":
                for row in operator.queue(AUDIT):
                    say(audited(row))
            case "show":
                for each in details(operator.report(options.report)):
                    say(each)
            case "suspend":
                operator.suspend(options.report, options.days, options.reason)
                say(f"suspended for {options.days} days")
            case "delete":
                operator.delete(options.report, options.reason)
                say("the chat is being deleted")
            case _:
                operator.dismiss(options.report, options.reason)
                say("dismissed")
    except (ClientError, BotoCoreError) as error:
        raise InfraError(f"{error}; what was begun can be repeated") from error


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= DAYS_MAX):
        raise argparse.ArgumentTypeError(f"must be 1 to {DAYS_MAX}")
    return int(text)


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must say why")
    return text.strip()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m infra.aws.reports", description=__doc__)
    main.add_argument("--stage", type=stage, required=True)
    main.add_argument("--region")
    commands = main.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="open reports, the oldest first")
    commands.add_parser("audit", help="what was done, by whom and why")
    for name, help_text in (
        ("show", "one report with what was said"),
        ("suspend", "exclude the person for some days"),
        ("delete", "delete the chat for everybody"),
        ("dismiss", "nothing is to be done"),
    ):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("report", help="its id, which list shows")
        if name != "show":
            command.add_argument("--reason", type=_reason, required=True)
        if name == "suspend":
            command.add_argument("--days", type=_days, required=True)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 and a message if it does not work."""
    options = parser().parse_args(arguments)
    try:
        account = Account.from_environment(options.region)
        prefix = f"pingpong-{options.stage}-"
        # The local stack runs the newest code, and has no aliases.
        alias = "" if options.stage == LOCAL else ":live"
        operator = Operator(
            account.client("dynamodb"),
            account.client("lambda"),
            prefix,
            account.arn,
            f"{prefix}background{alias}",
        )
        run(operator, options, print)
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
