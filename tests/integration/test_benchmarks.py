"""The benchmarks of chats, small, so that they work when somebody wants their figures.

Counts are compared; times are not, as this machine may be busy.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.benchmarks import busy_room, busy_talk, catch_up, cost, large_room, one_chat
from tests.benchmarks.result import Result
from tests.support.stack import LocalStack

#: Processes are started by the dozen.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def endpoint(stack: LocalStack) -> str:
    """The stack's DynamoDB."""
    return stack.environment["AWS_ENDPOINT_URL"]


def in_a_thread(measure: Callable[..., dict[str, Result]], *arguments: object) -> dict[str, Result]:
    """Measure in a thread of its own: Playwright's event loop may occupy this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(measure, *arguments).result()


def test_a_large_room(endpoint: str) -> None:
    size = large_room.Size(listeners=1_200, cold=0, warm=1, peers=100)
    results = in_a_thread(large_room.measure, size, endpoint)
    assert set(results) == {"P3", "P3 threads", "P3 CPU", "P3 computed"}
    assert "of 1199 posts failed" in results["P3"].note
    # boto3 needs a thread and a connection for what the sender does with a few bytes.
    assert results["P3 CPU"].ratio is not None
    assert results["P3 CPU"].ratio > 3


def test_a_busy_room_and_a_quiet_one(endpoint: str) -> None:
    size = busy_room.Size(
        listeners=10,
        rates=(20,),
        seconds=1,
        quiet_chats=3,
        warm_up=5,
        warm=2,
        arrivals={"": busy_talk.evenly},
    )
    results = in_a_thread(busy_room.measure, size, endpoint)
    # Never more posts, however little of it happens at the same time here.
    assert results["P4"].ours <= 1
    assert results["P4, simulated"].ours < 0.5
    for name in ("P5", "P5 units", "P5 posts"):
        assert results[name].ours == results[name].peer, name
    assert results["P5"].ours == 5
    assert results["P5 posts"].ours == 9


def test_what_a_chat_costs(endpoint: str) -> None:
    results = cost.measure(endpoint)
    assert "5 calls" in results["P6"].note
    assert "3 WRU, 2 RRU" in results["P6"].note
    assert "3 WRU, 27 RRU" in results["P6, 1000 listening"].note


def test_one_chat(endpoint: str) -> None:
    assert one_chat.measure(20, endpoint)["P9"].ours > 0


def test_catching_up(endpoint: str) -> None:
    results = catch_up.measure(10, endpoint)
    assert (results["P12"].ours, results["P12"].peer) == (1, 10)
    assert (results["P12 messages"].ours, results["P12 messages"].peer) == (2, 20)
