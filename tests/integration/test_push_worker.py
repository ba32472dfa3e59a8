"""Pushing that a sender leaves to others: leases, workers, and large audiences.

The handlers run in this process, on the tables of the stack; tests/integration/
test_push_lambda.py has the same Lambda on the stack, with its own role.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id
from tests.integration.test_races import before
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.room_log import RoomLog
from tests.support.room_rows import lease_of, put_lease, store, subscribe, take_place
from tests.support.site import new_person, unique

pytestmark = pytest.mark.localstack

CHATS_AT_ONCE = 16
HOLDER = "holder-of-this-test"


@pytest.fixture
def management(handlers: HandlerSite) -> Iterator[ManagementServer]:
    """AWS's side, with what came of it before this test forgotten."""
    management = handlers.management
    management.finish_jobs()
    management.posts.clear()
    management.invocations.clear()
    yield management
    management.finish_jobs()


@pytest.fixture
def room_id(host: ChatClient) -> str:
    return open_room(host)


@pytest.fixture
def listener(
    handlers: HandlerSite, host: ChatClient, room_id: str, management: ManagementServer
) -> ChatClient:
    """Somebody who says nothing in the room; what was told of their coming is forgotten."""
    client = new_person(handlers).chat()
    client.ask("room.enter", room_id=room_id)
    management.finish_jobs()
    host.events.clear()
    client.events.clear()
    management.posts.clear()
    management.invocations.clear()
    return client


def frames(client: ChatClient) -> list[Frame]:
    """The frames with entries that came over a connection, in order."""
    return [event for event in client.events if event["type"] == "entries.added"]


def seqs(client: ChatClient) -> list[int]:
    """The places of the entries that came over a connection, in order."""
    return [entry["seq"] for frame in frames(client) for entry in frame["entries"]]


def carry_room(room_id: str, delivered: int, holder: str = HOLDER) -> Frame:
    """The job of a worker, as the Lambda gets it."""
    return {"job": "carry_room", "room_id": room_id, "holder": holder, "delivered": delivered}


def run(job: Frame, *, remaining_ms: list[int] | None = None) -> None:
    """Do a job here and now; ``remaining_ms`` is what is left at each look at the time."""
    from chalicelib import push_worker

    # So many looks at most, lest a worker that never ends hold up the tests.
    left = iter(remaining_ms or range(60_000, 0, -1_000))
    push_worker.run(job, lambda: next(left, 0))


# --- A busy room -------------------------------------------------------------------------


# How many frames there are is said by how fast the chats come, not by the engine.
@pytest.mark.stack_only
def test_a_busy_room_hears_all_of_it_in_few_frames(
    handlers: HandlerSite,
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    management: ManagementServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chalicelib.delivery import RoomSteps

    # So slow that chats are faster on any machine.
    monkeypatch.setattr(RoomSteps, "frame_pace_ms", 1_000)
    people = [host, *(new_person(handlers).chat() for _ in range(3))]
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    with ThreadPoolExecutor(CHATS_AT_ONCE) as pool:
        speakers = itertools.islice(itertools.cycle(people), CHATS_AT_ONCE)
        said = list(pool.map(lambda person: say(person, room_id, "다 같이"), speakers))
    management.finish_jobs()
    heard = RoomLog()
    for frame in frames(listener):
        in_frame = [entry["seq"] for entry in frame["entries"]]
        assert in_frame == list(range(in_frame[0], in_frame[-1] + 1))
        heard.take(frame["entries"])
    chats = [entry for entry in heard.entries() if "kind" not in entry]
    assert chats == sorted(said, key=lambda entry: int(entry["seq"]))
    assert len(frames(listener)) < len(said) / 2
    assert lease_of(room_id) is None


def test_what_comes_while_its_sender_pushes_is_carried_on_by_a_worker(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    management: ManagementServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chalicelib.delivery import RoomSteps

    user_id = my_id(host)
    put_lease(room_id, "dead", delivered=2, is_live=False)
    before(monkeypatch, RoomSteps, "release", lambda: store(room_id, user_id, "그 사이에"))
    say(host, room_id, "먼저")
    management.finish_jobs()
    ((function, job),) = management.invocations
    assert (function, job["job"], job["delivered"]) == ("push", "carry_room", 3)
    assert seqs(listener) == [3, 4]
    assert lease_of(room_id) is None


@pytest.mark.stack_only
def test_what_is_pushed_from_the_log_has_chats_that_were_changed_as_they_are(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    said = say(host, room_id, "처음")
    put_lease(room_id, "dead", delivered=said["seq"] - 1, is_live=False)
    edited = host.ask("chat.edit", room_id=room_id, seq=said["seq"], text="고친 말")["entry"]
    frame = frames(listener)[-1]
    assert frame["entries"] == [edited["changed"], edited]
    assert edited["changed"]["text"] == "고친 말"


@pytest.mark.stack_only
def test_a_sender_goes_on_by_itself_where_there_is_no_worker(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    management: ManagementServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chalicelib.delivery import RoomSteps

    user_id = my_id(host)
    put_lease(room_id, "dead", delivered=2, is_live=False)
    before(monkeypatch, RoomSteps, "release", lambda: store(room_id, user_id, "그 사이에"))
    monkeypatch.delitem(management.functions, "push")
    say(host, room_id, "먼저")
    assert seqs(listener) == [3, 4]
    assert lease_of(room_id) is None


def test_who_sees_a_holder_at_work_leaves_its_chat_to_them(
    host: ChatClient, room_id: str, listener: ChatClient, management: ManagementServer
) -> None:
    from chalicelib import metering

    put_lease(room_id, "alive", delivered=2, is_live=True)
    say(host, room_id, "나를 데려가")
    assert management.posts == []
    # Whose connection; the place, the claim, the chat: nothing for the lease.
    assert metering.report()["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1}
    run(carry_room(room_id, delivered=2, holder="alive"))
    assert seqs(listener) == [3]


def test_an_entry_behind_what_the_holder_has_delivered_is_pushed_by_its_sender(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    # Somebody faster has taken the lease for a later place.
    put_lease(room_id, "alive", delivered=3, is_live=True)
    say(host, room_id, "늦었지만")
    assert seqs(listener) == [3]


# --- A holder that dies ------------------------------------------------------------------


@pytest.mark.parametrize("command", ["room.sync", "room.enter", "chat.send"])
def test_what_a_dead_holder_left_is_pushed_by_who_comes_next(
    command: str,
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    management: ManagementServer,
) -> None:
    user_id = my_id(host)
    left = [store(room_id, user_id, text) for text in ("하나", "둘")]
    put_lease(room_id, "dead", delivered=2, is_live=False)
    fields: dict[str, dict[str, Any]] = {
        "room.sync": {"rooms": [{"room_id": room_id, "after": 4}]},
        "room.enter": {"room_id": room_id},
        "chat.send": {"room_id": room_id, "text": "셋", "cid": unique("cid")},
    }
    host.ask(command, **fields[command])
    management.finish_jobs()
    expected = [*left, 5] if command == "chat.send" else left
    assert seqs(listener) == expected
    assert lease_of(room_id) is None


@pytest.mark.alike
@pytest.mark.parametrize("command", ["room.sync", "room.enter"])
def test_a_living_holder_is_left_alone(
    command: str, host: ChatClient, room_id: str, management: ManagementServer
) -> None:
    from chalicelib import metering

    put_lease(room_id, "alive", delivered=1, is_live=True)
    fields: dict[str, dict[str, Any]] = {
        "room.sync": {"rooms": [{"room_id": room_id, "after": 1}]},
        "room.enter": {"room_id": room_id},
    }
    host.ask(command, **fields[command])
    assert management.invocations == []
    assert "UpdateItem" not in metering.report()["dynamodb"]
    lease = lease_of(room_id)
    assert lease is not None
    assert lease.holder == "alive"


# --- A worker ----------------------------------------------------------------------------


def test_a_worker_whose_time_is_short_hands_over(
    host: ChatClient, room_id: str, listener: ChatClient, management: ManagementServer
) -> None:
    user_id = my_id(host)
    for text in ("하나", "둘"):
        store(room_id, user_id, text)
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    run(carry_room(room_id, delivered=2), remaining_ms=[60_000, 9_000])
    management.finish_jobs()
    assert management.invocations == [("push", carry_room(room_id, delivered=4))]
    assert seqs(listener) == [3, 4]
    assert lease_of(room_id) is None


@pytest.mark.stack_only
def test_a_job_that_is_done_again_does_nothing(
    host: ChatClient, room_id: str, listener: ChatClient, management: ManagementServer
) -> None:
    store(room_id, my_id(host), "한 번")
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    run(carry_room(room_id, delivered=2))
    assert seqs(listener) == [3]
    management.posts.clear()
    run(carry_room(room_id, delivered=2))
    put_lease(room_id, "another", delivered=3, is_live=True)
    run(carry_room(room_id, delivered=2))
    assert management.posts == []
    lease = lease_of(room_id)
    assert lease is not None
    assert (lease.holder, lease.delivered) == ("another", 3)


def test_a_job_that_is_done_twice_at_once_does_no_harm(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    user_id = my_id(host)
    stored = [store(room_id, user_id, f"{number}") for number in range(5)]
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [carry_room(room_id, delivered=2)] * 2))
    assert sorted(set(seqs(listener))) == stored
    assert lease_of(room_id) is None


def test_a_worker_fills_a_hole_and_goes_on(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    user_id = my_id(host)
    first, hole = store(room_id, user_id, "하나"), take_place(room_id, user_id)
    last = store(room_id, user_id, "셋")
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    run(carry_room(room_id, delivered=2))
    assert [[entry["seq"] for entry in frame["entries"]] for frame in frames(listener)] == [
        [first],
        [hole, last],
    ]
    assert listener.wait_for_entry(seq=hole)["kind"] == "void"
    assert lease_of(room_id) is None


@pytest.mark.stack_only
def test_a_worker_stops_when_the_room_is_closed(
    host: ChatClient, room_id: str, listener: ChatClient, management: ManagementServer
) -> None:
    store(room_id, my_id(host), "마지막 말")
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    host.ask("room.leave", room_id=room_id, close=True)
    run(carry_room(room_id, delivered=2))
    management.finish_jobs()
    assert seqs(listener) == []
    assert listener.wait_for("room.closed")["room_id"] == room_id


@pytest.mark.stack_only
def test_large_chats_go_in_several_frames_of_32_kb_at_most(
    host: ChatClient, room_id: str, listener: ChatClient, management: ManagementServer
) -> None:
    user_id = my_id(host)
    stored = [store(room_id, user_id, "가" * limits.CHAT_TEXT_MAX) for _ in range(7)]
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    run(carry_room(room_id, delivered=2))
    sizes = [len(body) for id_, body in management.posts if id_ == listener.transport.connection_id]
    assert max(sizes) <= limits.FRAME_BYTES_MAX
    # Two of 12 KB fit into one.
    assert len(sizes) == 4
    assert seqs(listener) == stored
    assert all(user_id in frame["users"] for frame in frames(listener))


@pytest.mark.stack_only
def test_a_rename_shows_in_the_next_frame(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    user_id = my_id(host)
    store(room_id, user_id, "옛 이름으로")
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    host.ask("profile.update", nickname="새 이름")
    run(carry_room(room_id, delivered=2))
    say(host, room_id, "새 이름으로")
    first, second = frames(listener)
    assert first["users"] == second["users"] == {user_id: {"nickname": "새 이름"}}


@pytest.mark.stack_only
def test_a_change_that_a_worker_carries_shows_the_chat_as_it_is_by_then(
    host: ChatClient, room_id: str, listener: ChatClient
) -> None:
    put_lease(room_id, HOLDER, delivered=2, is_live=True)
    said = say(host, room_id, "고칠 말")
    for text in ("한 번 고친 말", "두 번 고친 말"):
        host.ask("chat.edit", room_id=room_id, seq=said["seq"], text=text)
    run(carry_room(room_id, delivered=2))
    (frame,) = frames(listener)
    assert [entry.get("kind") for entry in frame["entries"]] == [None, "changed", "changed"]
    assert [entry.get("changed", {}).get("text") for entry in frame["entries"]] == [
        None,
        None,
        "두 번 고친 말",
    ]


# --- A large audience --------------------------------------------------------------------


@pytest.fixture
def audience(
    room_id: str, handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> list[ChatClient]:
    """Eleven more connections that hear the room, where three are as many as one posts to."""
    monkeypatch.setattr(limits, "AUDIENCE_INLINE_MAX", 3)
    clients = {unique("listener"): ChatClient() for _ in range(11)}
    handlers.management.connections.update(clients)
    subscribe(room_id, clients)
    return list(clients.values())


def jobs(management: ManagementServer) -> Counter[str]:
    return Counter(event["job"] for _, event in management.invocations)


def test_a_large_audience_is_shared_out_and_each_hears_it_once(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    audience: list[ChatClient],
    management: ManagementServer,
) -> None:
    said = say(host, room_id, "모두에게")
    management.finish_jobs()
    # Of thirteen the sender hears nothing; of the other twelve the first worker has three.
    assert jobs(management) == {"push_to_all": 1, "push_to_some": 3}
    assert [seqs(client) for client in [*audience, listener]] == [[said["seq"]]] * 12
    assert len(management.posts) == 12
    assert frames(host) == []


@pytest.mark.stack_only
def test_a_large_audience_that_is_not_shared_out_is_told_all_the_same(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    audience: list[ChatClient],
    management: ManagementServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(management.functions, "push")
    run({"job": "push_to_all", "room_id": room_id, "frame": '{"type":"test"}'})
    told = [connection_id for connection_id, _ in management.posts]
    assert len(told) == len(set(told)) == 13


@pytest.mark.stack_only
def test_a_frame_to_all_that_is_delivered_twice_is_dropped_by_who_has_it(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    audience: list[ChatClient],
    management: ManagementServer,
) -> None:
    say(host, room_id, "두 번")
    management.finish_jobs()
    for function, job in list(management.invocations):
        assert function == "push"
        run(job)
    management.finish_jobs()
    for client in [*audience, listener]:
        log = RoomLog()
        for frame in frames(client):
            log.take(frame["entries"])
        assert log.texts() == ["두 번"]


def test_who_is_gone_from_a_large_audience_is_unsubscribed(
    host: ChatClient,
    room_id: str,
    listener: ChatClient,
    audience: list[ChatClient],
    management: ManagementServer,
) -> None:
    from chalicelib import delivery

    connections = management.connections
    gone = [id_ for id_, client in connections.items() if client in audience[:5]]
    for connection_id in gone:
        del connections[connection_id]
    say(host, room_id, "남은 사람?")
    management.finish_jobs()
    assert len(delivery.audience(room_id)) == 8
    assert [len(frames(client)) for client in audience] == [0] * 5 + [1] * 6
