"""Follows what CloudFormation does with a stack, resource by resource."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infra.aws.console import clock_text
from infra.aws.refusals import hint
from infra.errors import InfraError

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

Report = Callable[[str], None]

#: Pauses between two looks at a running operation, in seconds. An emulator is done at
#: once, AWS takes minutes and limits how often one may ask.
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 3.0

#: What a resource says that was stopped because another one failed.
_STOPPED: Final = re.compile(r"Resource \w+ cancelled|cancelled$")

#: How many names of resources fit into a line of what is being made now.
NAMES_SHOWN: Final = 3


def pauses() -> Iterator[float]:
    """Pauses between two looks, longer and longer."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE)


def silent(line: str) -> None:
    """Report nothing."""


@dataclass
class Progress:
    """How far an operation on a stack is, from its events."""

    stack: str
    total: int
    report: Report
    failures: list[str] = field(default_factory=list)
    _begun: dict[str, datetime] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def take(self, event: StackEventTypeDef) -> None:
        """Take the next event; a line is reported for a resource that is done or failed."""
        name = event.get("LogicalResourceId", "")
        state = event.get("ResourceStatus", "")
        reason = event.get("ResourceStatusReason", "")
        if event.get("PhysicalResourceId") == event.get("StackId") and name == self.stack:
            if "ROLLBACK" in state or state.endswith("FAILED"):
                self.report(f"{state:<28} {name}  {reason}".rstrip())
            return
        if state.endswith("IN_PROGRESS"):
            self._begun.setdefault(name, event["Timestamp"])
            return
        begun = self._begun.pop(name, None)
        seconds = int((event["Timestamp"] - begun).total_seconds()) if begun else 0
        took = f"  ({clock_text(seconds)})" if seconds else ""
        if state.endswith("FAILED"):
            if _STOPPED.search(reason):
                return  # only because another one failed
            self.failures.append(f"{name}: {reason}")
            self.report(f"{state:<28} {name}  {reason}")
            return
        self._done.add(name)
        self.report(f"{state:<28} {name}{took}")

    def text(self, elapsed: float) -> str:
        """One line: elapsed time, how many are done, and what is being made now."""
        names = list(self._begun)
        now = ", ".join(names[:NAMES_SHOWN])
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        count = f"{len(self._done)} of {max(self.total, len(self._done))}"
        return f"{clock_text(elapsed)}  {count} resources  {now}{more}".rstrip()

    def error(self, status: str | None) -> InfraError:
        """What to raise when the stack has settled in another state than was asked for."""
        reasons = self.failures or ["no resource gave a reason"]
        advice = list(dict.fromkeys(filter(None, map(hint, reasons))))
        text = f"{self.stack} is {status}:\n  " + "\n  ".join(reasons)
        return InfraError("\n".join([text, *advice, *filter(None, [_afterwards(status)])]))


def _afterwards(status: str | None) -> str:
    """What state people are in now, and what to do about a stack that is stuck."""
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return "CloudFormation has put the stack back: what ran before runs on."
    if status in ("UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED"):
        return (
            "CloudFormation could not put everything back, and takes no deployment until that is "
            "done: remove what the resource complains about, then\n"
            "  aws cloudformation continue-update-rollback --stack-name NAME"
        )
    return ""


class Events:
    """The events of one stack since this was made, each of them once."""

    def __init__(self, client: CloudFormationClient, stack: str) -> None:
        """Args: `stack` is its name, or better its id, which outlives its deletion."""
        self._client = client
        self._stack = stack
        self._last = ""
        self.fresh()

    def fresh(self) -> list[StackEventTypeDef]:
        """Those that were not seen yet, oldest first."""
        found: list[StackEventTypeDef] = []
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=self._stack)
        for page in pages:
            for event in page["StackEvents"]:
                if event["EventId"] == self._last:
                    return self._taken(found)
                found.append(event)
            if not self._last:
                break  # at the start, only the newest is of interest
        return self._taken(found)

    def _taken(self, newest_first: list[StackEventTypeDef]) -> list[StackEventTypeDef]:
        if newest_first:
            self._last = newest_first[0]["EventId"]
        return newest_first[::-1]


def follow(
    events: Events,
    progress: Progress,
    status: Callable[[], str | None],
    *,
    live: Report = silent,
) -> str | None:
    """Report events until the stack has settled.

    Returns:
        The state it settled in; None if it is gone.
    """
    started = time.monotonic()
    try:
        for pause in pauses():
            state = status()  # first, so that no event of the end is missed
            for event in events.fresh():
                progress.take(event)
            if state is None or not state.endswith("IN_PROGRESS"):
                live("")
                return state
            live(progress.text(time.monotonic() - started))
            time.sleep(pause)
    except KeyboardInterrupt:
        live("")
        progress.report(
            f"CloudFormation goes on with {progress.stack} without this command. "
            f"`make status` shows how far it is."
        )
        raise
    raise AssertionError("unreachable")
