"""Lambdas that are killed in mid-flight, and never after it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from infra.local.faults.injector import KillFault
from infra.local.faults.killing import Killing, killing


def test_an_invocation_without_a_fault_is_left_alone() -> None:
    before = threading.active_count()
    with killing(None, lambda: pytest.fail("killed")) as fate:
        assert threading.active_count() == before
    assert fate.struck == ""


def test_a_process_is_killed_while_its_invocation_runs() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def kill() -> bool:
        process.kill()
        return True

    with process, killing(KillFault("gateway rule 1", 0.0), kill) as fate:
        assert process.wait(10) == -9
    assert fate.struck == "gateway rule 1"


def test_what_ended_before_its_time_is_not_killed() -> None:
    fault, spared = KillFault("gateway rule 1", 60.0), list[KillFault]()
    with killing(fault, lambda: pytest.fail("killed"), spared.append) as fate:
        assert not spared
    assert spared == [fault]
    # The timer may have been about to strike when the invocation ended.
    fate.strike()
    assert fate.struck == ""


def test_a_process_that_is_not_there_was_not_killed() -> None:
    fate = Killing("gateway rule 1", lambda: False)
    fate.strike()
    assert fate.struck == ""


def test_the_end_waits_for_a_kill_under_way() -> None:
    """Or else the worker's next invocation could be hit."""
    entered, leave, order = threading.Event(), threading.Event(), list[str]()

    def kill() -> bool:
        entered.set()
        leave.wait(10)
        order.append("killed")
        return True

    fate = Killing("gateway rule 1", kill)
    strike = threading.Thread(target=fate.strike)
    strike.start()
    entered.wait(10)

    def end() -> None:
        fate.end()
        order.append("ended")

    ending = threading.Thread(target=end)
    ending.start()
    leave.set()
    strike.join()
    ending.join()
    assert order == ["killed", "ended"]
