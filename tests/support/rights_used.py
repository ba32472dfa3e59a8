"""Which rights a test process uses: its stacks' Lambdas, and the handlers called in it.

What the stack's Lambdas do is what its IAM has decided (infra/local/ministack/permissions.py).
What is called in this process has no role; it is noted where it leaves chalicelib, together
with the Lambda that is played.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from infra.local.permission_modes import USED_NAME
from tests.support.rights import Names, Right, arn, of_stack

#: Of this process.
USED: set[Right] = set()

_played: ContextVar[str | None] = ContextVar("played", default=None)

#: The action of a part of a transaction.
_PARTS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}


@contextmanager
def played(function: str) -> Iterator[None]:
    """What this thread does from here on until the end of the context is a Lambda's."""
    token = _played.set(function)
    try:
        yield
    finally:
        _played.reset(token)


def add_of_stack(state_dir: Path, ready: Mapping[str, Any]) -> None:
    """Add what the Lambdas of a Ping-Pong stack have done since it was started."""
    names = Names(ready["table_prefix"], ready["secrets_parameter"])
    for line in (state_dir / USED_NAME).read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        USED.add(of_stack(said["function"], said["action"], said["resource"], names))


@functools.cache
def note_calls() -> None:
    """Note this process's calls from now on."""
    from chalicelib import dynamodb, invocations, sender
    from chalicelib.settings import settings

    names = Names(settings.table_prefix, settings.secrets_parameter)

    def note(action: str, resource: str) -> None:
        function = _played.get()
        if function is not None:
            USED.add(of_stack(function, action, resource, names))

    def note_tables(_client: object, operation: str, arguments: dict[str, Any]) -> None:
        for action, table in table_actions(operation, arguments):
            note(f"dynamodb:{action}", arn("dynamodb", f"table/{table}"))

    def note_posts(method: str, *_: Any) -> None:
        resource = arn("execute-api", f"API/ws/{method}/@connections/*")
        note("execute-api:ManageConnections", resource)

    def note_invocation(function: str, *_: Any) -> None:
        # In this process the Lambdas have their short names.
        note("lambda:InvokeFunction", arn("lambda", f"function:{names.prefix}{function}"))

    _before(dynamodb.Client, "call", note_tables)
    _before(sender, "_send", note_posts)
    _before(invocations, "start", note_invocation)


def _before(owner: Any, name: str, note: Callable[..., None]) -> None:
    """Have a function's arguments noted before it is called."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def noted(*arguments: Any, **more: Any) -> Any:
        note(*arguments)
        return original(*arguments, **more)

    setattr(owner, name, noted)


def table_actions(operation: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The actions that a DynamoDB request needs, each with its table or ``table/index/name``.

    A transaction needs what its parts need; a batch its own action on each table.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    """
    if "TransactItems" in arguments:
        for part in arguments["TransactItems"]:
            for kind, request in part.items():
                yield _PARTS[kind], request["TableName"]
    elif "RequestItems" in arguments:
        for table in arguments["RequestItems"]:
            yield operation, table
    else:
        index = arguments.get("IndexName")
        table = arguments["TableName"]
        yield operation, f"{table}/index/{index}" if index else table
