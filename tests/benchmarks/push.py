"""P1, P2: one chat to 1,000 live connections, ours and the usual ways with boto3.

The peers are what tutorials do: ``post_to_connection`` for one connection after another
(Chalice's WebSocket tutorial), and the same from 50 threads. All post the same frame, over TLS
to the same stub in another process, which answers after 10 ms, and trust the same CAs: the
world's and the stub's. Each way has a process of its own; its first push is the cold one.
https://aws.github.io/chalice/tutorials/websockets.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from tests.benchmarks import rig
from tests.benchmarks.result import Result
from tests.conftest import DEFAULTS
from tests.support.stack import ROOT

LISTENERS: Final = 1000
#: One after another takes too long to do it for all: it is done for one in so many, and
#: multiplied.
SAMPLED: Final = 10
THREADS: Final = 50
#: Processes of each way, and warm pushes in each.
PROCESSES: Final = 3
WARM_PUSHES: Final = {"ours": 10, "sequential": 2, "threads": 3}

FRAME: Final = json.dumps({"type": "entries.added", "text": "안녕하세요! " * 30}).encode()


@dataclass(frozen=True)
class Push:
    """What a push to all took."""

    seconds: float
    cpu_seconds: float


def measure() -> dict[str, Result]:
    """P1 and P2, side by side."""
    pushes: dict[str, list[list[Push]]] = {way: [] for way in WARM_PUSHES}
    with rig.management() as management:
        for _ in range(PROCESSES):  # in turns, so that a noisy minute meets all
            for way, runs in pushes.items():
                runs.append(run(way, management))
    cold = {way: median(run[0].seconds for run in runs) for way, runs in pushes.items()}
    warm = {way: [push for run in runs for push in run[1:]] for way, runs in pushes.items()}
    seconds = {way: median(push.seconds for push in pushed) for way, pushed in warm.items()}
    cpu = {way: median(push.cpu_seconds for push in pushed) for way, pushed in warm.items()}
    unit = f"s for {LISTENERS} posts over TLS, answered after {rig.LATENCY_SECONDS * 1000:g} ms"
    quickest = min(push.seconds for push in warm["ours"])
    return {
        "P1": Result(
            ours=round(seconds["ours"], 3),
            peer=round(seconds["sequential"], 3),
            unit=f"{unit}; boto3, one after another",
            goal="≤ 0.10, ≥ 100×",
            note=f"median of {len(warm['ours'])}, quickest {quickest:.3f}; "
            f"the peer's is {SAMPLED} × {LISTENERS // SAMPLED} posts",
        ),
        "P1 threads": Result(
            ours=round(seconds["ours"], 3),
            peer=round(seconds["threads"], 3),
            unit=f"{unit}; boto3, {THREADS} threads",
            goal="≥ 15×",
        ),
        "P1 cold": Result(
            ours=round(cold["ours"], 3),
            peer=round(cold["threads"], 3),
            unit=f"{unit}, the process's first; boto3, {THREADS} threads",
            goal="≤ 0.4",
        ),
        "P2": Result(
            ours=round(cpu["ours"] / LISTENERS * 1000, 4),
            peer=round(cpu["sequential"] / LISTENERS * 1000, 4),
            unit="ms of CPU per post, warm; boto3, one after another",
            goal="≤ 0.06",
            note=f"least {min(p.cpu_seconds for p in warm['ours']) / LISTENERS * 1000:.4f}",
        ),
    }


def run(way: str, management: rig.Environment, listeners: int = LISTENERS) -> list[Push]:
    """The pushes of one process, the cold one first."""
    environment = {**os.environ, **DEFAULTS, **management}
    environment["AWS_SESSION_TOKEN"] = rig.SESSION_TOKEN
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.push", way, str(listeners)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Push(**push) for push in json.loads(done.stdout)]


def _ours() -> Callable[[list[str]], None]:
    import app  # noqa: F401  # what a Lambda has done before its first event
    from chalicelib import metering, sender

    def push(connection_ids: list[str]) -> None:
        metering.reset()
        sender.post(FRAME, connection_ids)
        assert metering.report()["posts"]["ok"] == len(connection_ids)

    return push


def _boto3(post_all: Callable[[Callable[[str], Any], list[str]], Any]) -> Callable[..., None]:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=os.environ["MANAGEMENT_ENDPOINT"],
        config=Config(max_pool_connections=THREADS),
    )

    def push(connection_ids: list[str]) -> None:
        post_all(
            lambda id_: client.post_to_connection(ConnectionId=id_, Data=FRAME), connection_ids
        )

    return push


def _main(way: str, listeners: int) -> None:
    push: Callable[[list[str]], None]
    times = 1
    if way == "ours":
        push = _ours()
    elif way == "sequential":
        push = _boto3(lambda post, ids: list(map(post, ids)))
        times = SAMPLED
    else:
        pool = ThreadPoolExecutor(THREADS)
        push = _boto3(lambda post, ids: list(pool.map(post, ids)))
    connection_ids = [f"L0SM9c{n:07d}Ihw=" for n in range(listeners // times)]
    found = []
    for _ in range(1 + WARM_PUSHES[way]):
        began, cpu_began = time.perf_counter(), time.process_time()
        push(connection_ids)
        found.append(
            {
                "seconds": (time.perf_counter() - began) * times,
                "cpu_seconds": (time.process_time() - cpu_began) * times,
            }
        )
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
