"""`make run AWS=localstack`: the tables and secrets on LocalStack, all else on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.faults.plan_file import write_plan
from infra.local.faults.rules import AwsFault, AwsRule, FaultPlan
from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.faults import strikes
from tests.support.site import new_person
from tests.support.stack import LocalStack, own_stack
from tests.support.tables import delete_stack, table_properties

pytestmark = pytest.mark.localstack


class Trial:
    """A stack's name on LocalStack, and what is there under it."""

    def __init__(self, directory: Path) -> None:
        self.endpoint = os.environ["LOCALSTACK_ENDPOINT"]
        self.name = f"run-{os.getpid()}-{os.urandom(3).hex()}"
        self._directory = directory

    def client(self, service: Any) -> Any:
        """A client of LocalStack, in the local stack's Region."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name="ap-northeast-2")

    @contextmanager
    def running(self, *options: str) -> Iterator[LocalStack]:
        """The stack as `make run AWS=localstack` starts it, with the same state each time."""
        where = ("--aws", "localstack", "--name", self.name)
        with own_stack(self._directory, *where, *options) as stack:
            yield stack

    def tables(self) -> set[str]:
        """Names of its tables, without their prefix."""
        pages = self.client("dynamodb").get_paginator("list_tables").paginate()
        names = [name for page in pages for name in page["TableNames"]]
        return {
            name.removeprefix(f"{self.name}-") for name in names if name.startswith(f"{self.name}-")
        }

    def texts(self, room_id: str) -> list[str]:
        """The texts of a room's chats, as they are in the table."""
        items = self.client("dynamodb").query(
            TableName=f"{self.name}-chats",
            KeyConditionExpression="room_id = :room",
            ExpressionAttributeValues={":room": {"S": room_id}},
            ConsistentRead=True,
        )["Items"]
        return [item["text"]["S"] for item in items if "text" in item]


@pytest.fixture
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trial]:
    if request.config.getoption("--site") != "localstack":
        pytest.skip("make test-localstack runs it")
    trial = Trial(tmp_path)
    yield trial
    delete_stack(trial.endpoint, trial.name, region="ap-northeast-2")
    trial.client("ssm").delete_parameter(Name=f"/{trial.name}/secrets")


def test_people_talk_through_the_gateway_and_their_words_are_on_localstack(trial: Trial) -> None:
    with trial.running() as stack:
        jimin, haeun = new_person(stack.site, "지민"), new_person(stack.site, "하은")
        host, guest = jimin.chat(), haeun.chat()
        room_id = open_room(host)
        guest.ask("room.enter", room_id=room_id)
        seq = say(host, room_id, "로컬스택에서")["seq"]
        assert guest.wait_for_entry(seq=seq)["text"] == "로컬스택에서"
        assert trial.tables() == set(table_properties())
        assert trial.texts(room_id) == ["로컬스택에서"]
        # The emulator that runs the Lambdas has none of it.
        embedded = boto3.client(
            "dynamodb", endpoint_url=stack.ready["aws_endpoint"], region_name="ap-northeast-2"
        )
        assert embedded.list_tables()["TableNames"] == []
        said = stack.log_path.read_text()
        assert re.search(rf"LocalStack \S+ at {trial.endpoint} \(stack {trial.name};", said)
    made = stack_times(trial)

    # Ctrl-C leaves LocalStack as it is; the next start finds the stack, the people, the log.
    rule = AwsRule(fault=AwsFault.THROTTLE, service="dynamodb", table=f"{trial.name}-*", times=2)
    plan = Path(stack.directory) / "plan.toml"
    write_plan(FaultPlan(aws=(rule,)), plan)
    with trial.running("--faults", str(plan)) as stack:
        jimin.site = haeun.site = stack.site
        back, again = haeun.chat(), jimin.chat()
        seq = say(again, room_id, "다시 왔어요")["seq"]
        assert back.wait_for_entry(seq=seq)["text"] == "다시 왔어요"
        history = back.ask("chat.history", room_id=room_id)
        assert texts_of(history) == ["로컬스택에서", "다시 왔어요"]
    assert trial.texts(room_id) == ["로컬스택에서", "다시 왔어요"]
    assert stack_times(trial) == made
    # Faults strike on the way to LocalStack, and are got over.
    assert strikes(stack) == {"aws rule 1": 2}


def stack_times(trial: Trial) -> tuple[Any, Any]:
    """When the stack on LocalStack was made and last changed."""
    (stack,) = trial.client("cloudformation").describe_stacks(StackName=trial.name)["Stacks"]
    return stack["CreationTime"], stack.get("LastUpdatedTime")
