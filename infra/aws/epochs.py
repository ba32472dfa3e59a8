"""`python -m infra.aws.epochs --stage prod`: a new epoch for every room, after a restore.

A client holds a room's log up to some place. When tables are restored to an earlier second
(docs/operations.md), that place may lie ahead, and new entries would get numbers that the client
has already. A room with another epoch has another log: clients drop their copy and read anew.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.account import Account
from infra.aws.arguments import stage
from infra.errors import InfraError

#: As long as the ids that the app makes (chalicelib/ids.py): 16 characters.
EPOCH_BYTES: Final = 12


def renew_epochs(client: Any, table: str) -> int:
    """Give every room a new epoch; returns how many there are.

    Repeating it does no harm. A lease is taken away, too: its holder is of the time before.

    Args:
        client: boto3's of DynamoDB.
        table: name of the table of rooms.

    Raises:
        InfraError: the table can't be read or written; rooms before that are done.
    """
    done = 0
    try:
        for room_id in _rooms(client, table):
            try:
                client.update_item(
                    TableName=table,
                    Key={"room_id": {"S": room_id}},
                    UpdateExpression=(
                        "SET epoch = :epoch REMOVE lease_holder, lease_until, delivered_seq"
                    ),
                    # Erased meanwhile: an update would make half a room.
                    ConditionExpression="attribute_exists(epoch)",
                    ExpressionAttributeValues={
                        ":epoch": {"S": secrets.token_urlsafe(EPOCH_BYTES)},
                    },
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
            done += 1
    except (ClientError, BotoCoreError) as error:
        raise InfraError(f"{table}: {error}; {done} rooms are done, run this again") from error
    return done


def _rooms(client: Any, table: str) -> Iterator[str]:
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression="room_id",
        FilterExpression="attribute_exists(epoch)",
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            yield item["room_id"]["S"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 and a message if it does not work."""
    parser = argparse.ArgumentParser(prog="python -m infra.aws.epochs", description=__doc__)
    parser.add_argument("--stage", type=stage, required=True)
    parser.add_argument("--region")
    options = parser.parse_args(arguments)
    try:
        account = Account.from_environment(options.region)
        done = renew_epochs(account.client("dynamodb"), f"pingpong-{options.stage}-rooms")
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{done} rooms have a new epoch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
