"""What the cases run on: an emulator, and the project's own tables on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config

from tests.integration.conformance.wire import Json, n, s
from tests.support.site import unique

Result = TypeVar("Result")

#: So long an index may lag behind its table, in seconds.
INDEX_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Emulator:
    """Something that says it is AWS. `name` is as in deviations.py."""

    name: str
    title: str
    endpoint: str
    region: str

    def client(self, service: str) -> Any:
        """A client that sends what it is told, once."""
        config = Config(
            parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=60
        )
        make: Any = boto3.client  # its types want a literal
        return make(service, endpoint_url=self.endpoint, region_name=self.region, config=config)


@dataclass
class Tables:
    """Three tables of the template, and what the cases do with them.

    Every case has partitions of its own, so all can run beside each other.
    """

    emulator: Emulator
    prefix: str
    _scratch: list[str] = field(default_factory=list)

    @cached_property
    def client(self) -> Any:
        return self.emulator.client("dynamodb")

    @property
    def chats(self) -> str:
        """Keys: ``room_id`` (S), ``seq`` (N)."""
        return self.prefix + "chats"

    @property
    def members(self) -> str:
        """Keys: ``user_id``, ``room_id``; index ``by_room`` the other way, with two more."""
        return self.prefix + "members"

    @property
    def sessions(self) -> str:
        """Key: ``session_id``; index ``by_user`` by ``user_id``, keys only."""
        return self.prefix + "sessions"

    # --- Chats ---------------------------------------------------------------------------

    def chat_key(self, room: str | None = None, seq: int = 1) -> Json:
        """A place in a log, by default of a room of its own."""
        return {"room_id": s(room or unique("room")), "seq": n(seq)}

    def put_chat(self, room: str | None = None, seq: int = 1, **more: Json) -> Json:
        """Write an entry; returns all of it."""
        item = self.chat_key(room, seq) | more
        self.client.put_item(TableName=self.chats, Item=item)
        return item

    def key_of(self, item: Json) -> Json:
        """An entry's key."""
        return {name: item[name] for name in ("room_id", "seq")}

    def chat(self, key: Json) -> Json:
        """An entry as it is now; empty if there is none."""
        answer = self.client.get_item(TableName=self.chats, Key=key, ConsistentRead=True)
        found: Json = answer.get("Item", {})
        return found

    def update(
        self,
        key: Json,
        update: str,
        values: Json | None = None,
        condition: str = "",
        more_values: Json | None = None,
    ) -> Json:
        """Update an entry; returns all of it. ``#t`` is the attribute ``text``."""
        arguments: Json = {"UpdateExpression": update}
        if condition:
            arguments["ConditionExpression"] = condition
        if given := {**(values or {}), **(more_values or {})}:
            arguments["ExpressionAttributeValues"] = given
        if "#t" in update + condition:
            arguments["ExpressionAttributeNames"] = {"#t": "text"}
        answer = self.client.update_item(
            TableName=self.chats, Key=key, ReturnValues="ALL_NEW", **arguments
        )
        found: Json = answer["Attributes"]
        return found

    def transact(self, *actions: Json, **more: Any) -> None:
        """Carry out a transaction."""
        self.client.transact_write_items(TransactItems=list(actions), **more)

    def query(
        self, room: str, condition: str = "", values: Json | None = None, **more: Any
    ) -> Json:
        """One page of a log."""
        answer: Json = self.client.query(
            TableName=self.chats,
            KeyConditionExpression=" AND ".join(["room_id = :room", *filter(None, [condition])]),
            ExpressionAttributeValues={":room": s(room), **(values or {})},
            **more,
        )
        return answer

    def count(self, room: str) -> int:
        """How many entries a log has."""
        return len(self.query(room, ConsistentRead=True)["Items"])

    # --- Members and sessions --------------------------------------------------------------

    def put_member(self, user: str, room: str, **more: Json) -> None:
        self.client.put_item(
            TableName=self.members, Item={"user_id": s(user), "room_id": s(room), **more}
        )

    def query_members(self, user: str) -> Json:
        return self._query(self.members, "user_id", user)

    def query_by_room(self, room: str, **more: Any) -> Json:
        return self._query(self.members, "room_id", room, IndexName="by_room", **more)

    def put_session(self, session: str, **more: Json) -> None:
        self.client.put_item(TableName=self.sessions, Item={"session_id": s(session), **more})

    def query_by_user(self, user: str, **more: Any) -> Json:
        return self._query(self.sessions, "user_id", user, IndexName="by_user", **more)

    def _query(self, table: str, key: str, value: str, **more: Any) -> Json:
        answer: Json = self.client.query(
            TableName=table,
            KeyConditionExpression=f"{key} = :key",
            ExpressionAttributeValues={":key": s(value)},
            **more,
        )
        return answer

    def eventually(self, look: Callable[[], Result]) -> Result:
        """What an index has, when it has followed its table, which takes a moment on AWS."""
        deadline = time.monotonic() + INDEX_SECONDS
        while not (found := look()):
            assert time.monotonic() < deadline, "the index did not follow"
        return found

    # --- Tables of their own ---------------------------------------------------------------

    def scratch_table(self, **more: Any) -> str:
        """A new table with the key ``id`` (S), deleted at the end."""
        name = unique(f"{self.prefix}scratch")
        self._scratch.append(name)
        self.create_scratch_table(name, **more)
        return name

    def create_scratch_table(self, name: str, **more: Any) -> None:
        self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            **{"BillingMode": "PAY_PER_REQUEST", **more},
        )
        self.client.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    def release(self, name: str) -> None:
        """Take a table's protection away, if it is still there."""
        if name in self.client.list_tables()["TableNames"]:
            self.client.update_table(TableName=name, DeletionProtectionEnabled=False)

    def delete_scratch_tables(self) -> None:
        for name in self._scratch:
            if name in self.client.list_tables()["TableNames"]:
                self.client.delete_table(TableName=name)
