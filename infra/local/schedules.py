"""Scheduled Lambdas, fired by hand: nobody wants to wait for `rate(1 day)`.

The emulator fires them by itself, too, some seconds late at most.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from infra.errors import InfraError
from infra.local.deployed import Deployed, Schedule


def event_of(schedule: Schedule) -> bytes:
    """What the Lambda gets: the schedule's own input, else EventBridge's event.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
    """
    if schedule.payload is not None:
        return schedule.payload.encode()
    _arn, _aws, service, region, account, _name = schedule.source.split(":", 5)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler" if service == "scheduler" else "aws.events",
            "account": account,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "region": region,
            "resources": [schedule.source],
            "detail": {},
        }
    ).encode()


def fire(client: Any, deployed: Deployed, name: str) -> None:
    """Invoke the Lambdas of a schedule as EventBridge does: asynchronously.

    Args:
        client: Lambda's.
        deployed: what has the schedule.
        name: its logical id.

    Raises:
        InfraError: there is no such schedule; says which there are.
    """
    found = [schedule for schedule in deployed.schedules if schedule.name == name]
    if not found:
        names = ", ".join(sorted({schedule.name for schedule in deployed.schedules}))
        raise InfraError(f"there is no schedule {name}, only: {names or 'none'}")
    for schedule in found:
        client.invoke(
            FunctionName=schedule.function, InvocationType="Event", Payload=event_of(schedule)
        )
