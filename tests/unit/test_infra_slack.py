"""The emulator sees whether there is CPU to spare for another worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from infra.local.ministack.slack import Demand

CPUS = os.cpu_count() or 1
WORKERS = range(900_000, 900_000 + 4 * CPUS)


@pytest.mark.parametrize(
    ("wanted", "has_room"),
    [
        ({}, True),
        (dict.fromkeys(WORKERS, 0.01), True),
        (dict.fromkeys(WORKERS, 0.9), False),
        ({os.getpid(): 0.6}, False),
        ({os.getppid(): 0.6}, False),
        ({os.getpid(): -5.0}, True),
    ],
)
def test_room_is_what_the_stack_itself_leaves(wanted: dict[int, float], *, has_room: bool) -> None:
    before = Demand(10.0, dict.fromkeys(wanted, 7.0))
    after = Demand(11.0, {pid: 7.0 + seconds for pid, seconds in wanted.items()})
    assert after.leaves_room_since(before) is has_room


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_process_that_computes_is_told_from_one_that_waits() -> None:
    with (
        subprocess.Popen(["sh", "-c", "while :; do :; done"]) as computing,
        subprocess.Popen(["sleep", "99"]) as waiting,
    ):
        pids = computing.pid, waiting.pid
        try:
            deadline = time.monotonic() + 20
            while Demand.now(pids).wanted[computing.pid] < 0.5:
                assert time.monotonic() < deadline
            assert Demand.now(pids).wanted[waiting.pid] < 0.5
        finally:
            computing.kill()
            waiting.kill()
    assert Demand.now(pids).wanted[computing.pid] == 0.0
