"""Whether there is CPU to spare for one more worker.

A worker that waits (for a server, a sleep) costs nothing, so others may run beside it. One that
computes, or waits for a server of this machine that computes, is only slowed down by others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: How much of the CPUs the stack's own processes may want for that.
SHARE_MAX: Final = 0.5

#: How much of one CPU those two may want that do all of their work on one: the emulator and the
#: supervisor, which has the gateway.
LOOP_SHARE_MAX: Final = 0.5


@dataclass(frozen=True)
class Demand:
    """What processes have wanted of the CPUs until now, in seconds, by process id."""

    at: float
    wanted: dict[int, float]

    @classmethod
    def now(cls, workers: Iterable[int]) -> Demand:
        """Measure workers, this process and its parent."""
        at = time.monotonic()
        return cls(at, {pid: _wanted(pid) for pid in (*workers, os.getpid(), os.getppid())})

    def leaves_room_since(self, before: Demand) -> bool:
        """Whether most of the CPUs' time since then was not wanted."""
        passed = self.at - before.at
        shares = {
            pid: (wanted - before.wanted.get(pid, 0.0)) / passed
            for pid, wanted in self.wanted.items()
            # Another process may have got the number of one that has ended.
            if wanted >= before.wanted.get(pid, 0.0)
        }
        loops = (shares.get(os.getpid(), 0.0), shares.get(os.getppid(), 0.0))
        most = SHARE_MAX * (os.cpu_count() or 1)
        return max(loops) < LOOP_SHARE_MAX and sum(shares.values()) < most


def _wanted(pid: int) -> float:
    """The CPU time that a process's main thread has used or waited for, in seconds.

    The time that it was ready but other processes had the CPUs counts: how much they leave says
    nothing about what it would use. Where the system does not tell (not Linux), only this
    process's own use is known.
    https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        used, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2]
    except (OSError, ValueError):  # it has ended, too
        return time.process_time() if pid == os.getpid() else 0.0
    return (int(used) + int(waited)) / 1e9
