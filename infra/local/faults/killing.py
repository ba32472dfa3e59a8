"""Lambdas killed in mid-flight, as when a host of AWS's fails under them.

The emulator uses it, around each invocation.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Final

from infra.local.faults.injector import FaultInjector, KillFault
from infra.local.faults.plan_file import read_plan

#: Names a plan's file for the emulator's process.
PLAN_VARIABLE: Final = "INFRA_LOCAL_FAULTS"


def injector_from(environment: MutableMapping[str, str]) -> FaultInjector | None:
    """The emulator's injector, if its environment names a plan.

    The name is taken out of it: Lambdas have no such variable.

    Raises:
        InfraError: the plan can't be used.
    """
    path = environment.pop(PLAN_VARIABLE, None)
    return FaultInjector(read_plan(Path(path))) if path else None


class Killing:
    """One invocation's fate: ``struck`` is the rule that its process was killed by, or ""."""

    def __init__(self, rule: str, kill: Callable[[], bool]) -> None:
        self.struck = ""
        self._rule = rule
        self._kill = kill
        self._is_over = False
        self._lock = threading.Lock()

    def strike(self) -> None:
        """Kill the process, unless the invocation has ended: its worker may have another."""
        with self._lock:
            if not self._is_over and self._kill():
                self.struck = self._rule

    def end(self) -> None:
        """The invocation is over; from here on nothing is killed."""
        with self._lock:
            self._is_over = True


@contextlib.contextmanager
def killing(
    fault: KillFault | None,
    kill: Callable[[], bool],
    spare: Callable[[KillFault], None] | None = None,
) -> Iterator[Killing]:
    """Have an invocation's process killed some time after its start, while the body runs.

    Args:
        fault: FaultInjector.invocation's answer.
        kill: ends the process at once (SIGKILL); False if there is none. It is called from
            another thread.
        spare: FaultInjector.spare, for an invocation that ends before its time.
    """
    fate = Killing(fault.rule if fault is not None else "", kill)
    timer = threading.Timer(fault.seconds, fate.strike) if fault is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield fate
    finally:
        fate.end()
        if timer is not None:
            timer.cancel()
        if fault is not None and spare is not None and not fate.struck:
            spare(fault)
