"""The push Lambda on the stack: its own process, its own role, its own loop back to itself."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from chalicelib import limits
from chalicelib.protocol import EntryKind
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id
from tests.support.chat import ChatClient, Frame
from tests.support.room_log import RoomLog
from tests.support.room_rows import lease_of, put_lease, store, subscribe, take_place
from tests.support.site import Site, new_person
from tests.support.stack import LocalStack

HOLDER = "holder-of-this-test"
GONE = "gone-gone-go="


@pytest.fixture
def host(stack_site: Site) -> ChatClient:
    return new_person(stack_site).chat()


@pytest.fixture
def room_id(host: ChatClient) -> str:
    return open_room(host)


@pytest.fixture
def listener(stack_site: Site, host: ChatClient, room_id: str) -> ChatClient:
    """Somebody who says nothing in the room."""
    client = new_person(stack_site).chat()
    client.ask("room.enter", room_id=room_id)
    host.wait_for_entry(kind="joined")
    return client


def invoke(stack: LocalStack, job: dict[str, Any]) -> list[Frame]:
    """Have the Lambda do a job, and wait for it; returns what it logged."""
    client: Any = boto3.client("lambda", endpoint_url=stack.ready["aws_endpoint"])
    answer = client.invoke(
        FunctionName=f"{stack.ready['table_prefix']}push",
        LogType="Tail",
        Payload=json.dumps(job),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_worker_may_do_all_that_carrying_a_room_takes(
    stack: LocalStack, host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    from chalicelib import delivery

    user_id = my_id(host)
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    subscribe(room_id, [GONE])
    said = store(room_id, user_id, "첫 말")
    take_place(room_id, user_id)
    host.ask("chat.react", room_id=room_id, seq=said, emoji="🏓", on=True)
    take_place(room_id, user_id, EntryKind.JOINED)
    last = store(room_id, user_id, "마지막 말")
    job = {"job": "carry_room", "room_id": room_id, "holder": HOLDER, "delivered": 2}
    logged = invoke(stack, job)
    assert [line["level"] for line in logged] == ["info"]
    listener.wait_for_entry(seq=last)
    log = RoomLog()
    for frame in [event for event in listener.events if event["type"] == "entries.added"]:
        log.take(frame["entries"])
    kinds = [entry.get("kind") for entry in log.entries()]
    assert kinds == [None, "void", "changed", "void", None]
    assert GONE not in dict(delivery.audience(room_id))
    assert lease_of(room_id) is None


def test_a_worker_may_have_others_tell_their_share(
    stack: LocalStack, room_id: str, listener: ChatClient
) -> None:
    # The ids of those that are gone come last, so the listener is another worker's business.
    subscribe(room_id, (f"zzzzzzz{number:04}=" for number in range(limits.AUDIENCE_INLINE_MAX)))
    frame = json.dumps({"type": "room.left", "room_id": room_id})
    logged = invoke(stack, {"job": "push_to_all", "room_id": room_id, "frame": frame})
    # The host, the listener, and all but two of those that are gone went to another worker.
    assert [(line["event"], line["posts"]) for line in logged] == [("push_job", {"gone": 2})]
    assert listener.wait_for("room.left")["room_id"] == room_id


def test_a_busy_room_hears_all_of_it_in_few_frames(
    stack_site: Site, host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    people = [host, *(new_person(stack_site).chat() for _ in range(3))]
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)

    def talk(person: ChatClient) -> list[Frame]:
        return [say(person, room_id, f"{number}") for number in range(8)]

    with ThreadPoolExecutor(len(people)) as pool:
        said = [entry for entries in pool.map(talk, people) for entry in entries]
    for entry in said:
        assert listener.wait_for_entry(seq=entry["seq"]) == entry
    frames = [event for event in listener.events if event["type"] == "entries.added"]
    assert sum(any("kind" not in entry for entry in frame["entries"]) for frame in frames) < 32
