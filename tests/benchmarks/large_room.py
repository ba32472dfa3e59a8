"""P3: a chat to 10,000 connections, from its event to the answer to the last post.

The handlers run in processes as on Lambda, but not more of the push worker at once than this
machine has CPUs: a vCPU each is what the template gives them. The peers only post, from one
process, to the same stub: boto3 for one connection after another, and from 50 threads.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from chalicelib import limits
from tests.benchmarks import driver, processes, push, rig, seed
from tests.benchmarks.lambdas import Fleet, Invocation, running_fleet
from tests.benchmarks.result import Result

#: API Gateway waits so long for a Lambda, which binds a peer that posts in its handler.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
INTEGRATION_SECONDS: Final = 29
#: Listeners that a worker gets.
PART: Final = limits.AUDIENCE_INLINE_MAX
#: A part alone is measured so often.
PARTS_ALONE: Final = 5

_numbers: Final = itertools.count(1)


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    listeners: int = 10_000
    cold: int = 2
    warm: int = 5
    #: Of the peers, which are multiplied.
    peers: int = push.LISTENERS


@dataclass(frozen=True)
class Sent:
    """What became of a chat."""

    #: From its event to the end of the last invocation.
    seconds: float
    #: From its event until the last part of the audience was handed to a worker.
    until_shared: float
    #: Of that, what the emulator's DynamoDB took.
    dynamodb_seconds: float
    #: That were answered well, and the others.
    posts: int
    failed: int
    #: Of workers that did nothing but post: CPU per post.
    cpu_seconds: float


def measure(size: Size = Size(), endpoint: str = "") -> dict[str, Result]:
    """P3, on the emulator at ``endpoint`` or on one of its own."""
    others = processes.Others()
    with rig.tables(endpoint) as tables, rig.management() as management:
        task = {"rooms": [0], "people": 1, "listeners": size.listeners}
        driver.run("seed", environment=tables, **task)
        cold, warm, alone = asyncio.run(_ours({**tables, **management}, size))
        peers = {
            way: push.run(way, management, size.peers)[1:] for way in ("sequential", "threads")
        }
    times = size.listeners / size.peers
    sampled = size.peers // push.SAMPLED
    seconds = {way: median(each.seconds for each in runs) * times for way, runs in peers.items()}
    peer_cpu = median(each.cpu_seconds for each in peers["threads"]) / size.peers
    ours = median(sent.seconds for sent in warm)
    cpu = median(sent.cpu_seconds for sent in warm)
    dynamodb = median(sent.dynamodb_seconds for sent in warm)
    shared = median(sent.until_shared for sent in warm)
    listening = f"s from a chat's event to the last answer, {size.listeners:,} listening"
    reached = INTEGRATION_SECONDS / seconds["sequential"] * size.listeners
    workers = -(-size.listeners // PART)
    results = {
        "P3": Result(
            ours=round(ours, 2),
            peer=round(seconds["sequential"], 1),
            unit=f"{listening}, warm; boto3, one after another",
            goal="≤ 1.0",
            note=f"{size.listeners / ours:.0f} posts/s by {_cpus()} workers at once; "
            f"{_failed(warm)}; others used {others.cpus:.1f} CPUs. The peer's is "
            f"{sampled} posts × {size.listeners / sampled:g}; API Gateway gives up after "
            f"{INTEGRATION_SECONDS} s, at {reached:.0f} posts",
        ),
        "P3 threads": Result(
            ours=round(ours, 2),
            peer=round(seconds["threads"], 1),
            unit=f"{listening}, warm; boto3, {push.THREADS} threads",
            goal="≤ 1.0",
            note=f"the peer's is {size.peers} posts × {times:g}",
        ),
        "P3 CPU": Result(
            ours=round(cpu * 1000, 4),
            peer=round(peer_cpu * 1000, 4),
            unit=f"ms of CPU per post; boto3, {push.THREADS} threads",
            goal="-",
        ),
        "P3 computed": Result(
            ours=round(shared + alone, 2),
            unit=f"s, computed: as if each of {workers} workers had a vCPU of its own",
            goal="≤ 1.0",
            note=f"measured: {shared:.2f} s until the last part is handed over (while others "
            f"post; the emulator's DynamoDB takes {dynamodb:.2f} s of it), {alone:.2f} s for a "
            f"part of {PART} alone. AWS's time to start {workers} invocations is not in it",
        ),
    }
    if cold:
        results["P3 cold"] = Result(
            ours=round(median(sent.seconds for sent in cold), 2),
            unit=f"{listening}, no Lambda has a process yet",
            goal="-",
            note=f"{_failed(cold)}; without AWS's own time to make them",
        )
    return results


async def _ours(environment: rig.Environment, size: Size) -> tuple[list[Sent], list[Sent], float]:
    """Cold chats, warm chats, and seconds for a part alone."""
    cold, warm = [], []
    for _ in range(size.cold):
        async with running_fleet(environment, _cpus()) as fleet:
            cold.append(await _send(fleet, size.listeners))
    async with running_fleet(environment, _cpus()) as fleet:
        await fleet.warm("websocket_message", 1)
        await fleet.warm("push", _cpus())
        await _send(fleet, size.listeners)
        for _ in range(size.warm):
            warm.append(await _send(fleet, size.listeners))  # noqa: PERF401
        part = {
            "job": "push_to_some",
            "room_id": seed.room_id(0),
            "frame": push.FRAME.decode(),
            "connection_ids": [seed.connection_id(n) for n in range(min(PART, size.listeners))],
        }
        alone = [(await fleet.invoke("push", part)).seconds for _ in range(PARTS_ALONE)]
    return cold, warm, median(alone)


async def _send(fleet: Fleet, listeners: int) -> Sent:
    fleet.invocations.clear()
    event = rig.send_chat(0, 0, f"bench-{os.getpid()}-{next(_numbers):06}")
    sent = await fleet.invoke("websocket_message", event)
    assert json.loads(sent.answer["body"])["type"] == "ok", sent.answer
    await fleet.drain()
    parts = [each for each in fleet.invocations if each.job == "push_to_some"]
    posts = sum(each.posts["ok"] for each in fleet.invocations)
    failed = sum(each.posts["failed"] for each in fleet.invocations)
    assert posts + failed == listeners - 1, f"{posts} + {failed} posts"
    return Sent(
        seconds=max(each.ended for each in fleet.invocations) - sent.asked,
        until_shared=max((each.asked for each in parts), default=sent.ended) - sent.asked,
        dynamodb_seconds=sum(
            each.dynamodb_seconds for each in fleet.invocations if each.job != "push_to_some"
        ),
        posts=posts,
        failed=failed,
        cpu_seconds=_cpu_per_post(parts or [sent]),
    )


def _cpu_per_post(invocations: Sequence[Invocation]) -> float:
    posts = sum(each.posts["ok"] + each.posts["failed"] for each in invocations)
    return sum(each.cpu_seconds for each in invocations) / posts


def _failed(sent: Sequence[Sent]) -> str:
    failed = sum(each.failed for each in sent)
    return f"{failed} of {failed + sum(each.posts for each in sent)} posts failed"


def _cpus() -> int:
    return os.cpu_count() or 1
