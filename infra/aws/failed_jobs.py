"""Background jobs that Lambda gave up: listed without what people wrote, tried again, or dropped.

Lambda puts a record of each into a queue, its on-failure destination:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.aws.account import Account
from infra.aws.refusals import explained
from infra.aws.stack_events import Report, silent
from infra.errors import InfraError

#: How long what was read stays invisible to others, in seconds.
HELD_SECONDS: Final = 60

#: Of a job's fields only these kinds are shown: ids and flags. Texts are not.
_SHOWN_MAX: Final = 64


@dataclass(frozen=True)
class FailedJob:
    """One job that was given up."""

    receipt: str
    function: str
    payload: Any
    at: str
    condition: str
    error_type: str

    def text(self) -> str:
        """One line about it: never a message, which may quote what somebody wrote."""
        name = self.function.rsplit("function:", 1)[-1]
        return (
            f"{self.at}  {name}  {self.condition}  {self.error_type or '-'}  {_ids(self.payload)}"
        )


def _ids(payload: Any) -> str:
    """A job's kind and ids."""
    if not isinstance(payload, dict):
        return "?"
    return " ".join(
        f"{name}={value}"
        for name, value in sorted(payload.items())
        if (name == "job" or name.endswith("_id")) and len(str(value)) <= _SHOWN_MAX
    )


def read_record(body: str, receipt: str) -> FailedJob:
    """What Lambda wrote about a job. A body that is no record is shown as unreadable."""
    try:
        record = json.loads(body)
        context = record["requestContext"]
        response = record.get("responsePayload")
        return FailedJob(
            receipt,
            str(context["functionArn"]),
            record["requestPayload"],
            str(record.get("timestamp", ""))[:19],
            str(context.get("condition", "")),
            str(response.get("errorType", "")) if isinstance(response, dict) else "",
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return FailedJob(receipt, "", None, now, "unreadable", "")


class FailedJobs:
    """The queue of a stage."""

    def __init__(self, account: Account, queue_url: str, stack: str) -> None:
        self._account = account
        self._sqs = account.client("sqs")
        self._url = queue_url
        self._stack = stack

    def _each(self) -> Iterator[FailedJob]:
        """Every job, each once, invisible to others for a while."""
        seen: set[str] = set()
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=HELD_SECONDS
            )
            messages = [one for one in answer.get("Messages", []) if one["MessageId"] not in seen]
            if not messages:
                return
            for message in messages:
                seen.add(message["MessageId"])
                yield read_record(message["Body"], message["ReceiptHandle"])

    def list(self, report: Report = silent) -> int:
        """Report every job and leave it where it is; their number."""
        jobs = list(self._each())
        for job in jobs:
            report(job.text())
            self._let_go(job)
        return len(jobs)

    def _let_go(self, job: FailedJob) -> None:
        """Have a job visible to others again."""
        self._sqs.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=job.receipt, VisibilityTimeout=0
        )

    def retry(self, report: Report = silent) -> int:
        """Invoke every job again, then take it out of the queue; their number.

        A job that fails again comes back. Jobs can be repeated (chalicelib/background.py).

        Raises:
            InfraError: a job could not be handed over; it and those after it stay.
        """
        client = self._account.client("lambda")

        def again(job: FailedJob) -> None:
            self._require_own(job)
            client.invoke(
                FunctionName=job.function,
                InvocationType="Event",
                Payload=json.dumps(job.payload).encode(),
            )

        return self._take(again, "again", report)

    def discard(self, report: Report = silent) -> int:
        """Take every job out of the queue; their number."""
        return self._take(lambda job: None, "discarded", report)

    def _take(self, act: Callable[[FailedJob], None], word: str, report: Report) -> int:
        count = 0
        for job in self._each():
            try:
                act(job)
            except (ClientError, InfraError) as error:
                self._let_go(job)
                why = explained(error) if isinstance(error, ClientError) else str(error)
                raise InfraError(f"{job.text()}\n{why}") from error
            # After, so that a job is never lost, if perhaps done twice.
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=job.receipt)
            report(f"{word}: {job.text()}")
            count += 1
        return count

    def _require_own(self, job: FailedJob) -> None:
        """Refuse to invoke a function of somebody else's."""
        name = job.function.rsplit("function:", 1)[-1]
        if not name.startswith(f"{self._stack}-"):
            raise InfraError(
                f"this job names no function of {self._stack}; DISCARD=1 empties the queue"
            )
