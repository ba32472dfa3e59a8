"""What access logs need before a stack can have them: a role of API Gateway's, in each Region.

It is one for all APIs of an account in a Region, so no stack makes it: another stack would
replace it, and the role would go with the stack. Whoever has one keeps it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from infra.aws.account import Account
from infra.aws.stack_events import Report, silent
from infra.errors import InfraError

ROLE: Final = "apigateway-writes-logs"
POLICY: Final = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
ASSUME: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

#: A role that was just made is known everywhere after some seconds.
WAIT_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 5.0


def allow(account: Account, report: Report = silent) -> None:
    """Have API Gateway write logs, if it has no role for that yet.

    Raises:
        InfraError: it does not accept the role.
    """
    gateway = account.client("apigateway")
    if gateway.get_account().get("cloudwatchRoleArn"):
        return
    report(f"API Gateway gets the role {ROLE} for access logs, for all of {account.region}")
    iam = account.client("iam")
    try:
        arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(
            RoleName=ROLE,
            AssumeRolePolicyDocument=json.dumps(ASSUME),
            Description="API Gateway's, for the access logs of all APIs in this account.",
        )
        arn = role["Role"]["Arn"]
    partition = arn.split(":")[1]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=f"arn:{partition}:iam::aws:policy/{POLICY}")
    _give(gateway, arn)


def _give(gateway: Any, arn: str) -> None:
    for is_last in _tries():
        try:
            gateway.update_account(
                patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
            )
        except gateway.exceptions.BadRequestException as error:
            if is_last:
                raise InfraError(f"API Gateway does not accept the role {arn}: {error}") from error
        else:
            return


def _tries() -> Iterator[bool]:
    """Whether this is the last one; with pauses between them."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        yield False
        time.sleep(PAUSE_SECONDS)
    yield True
