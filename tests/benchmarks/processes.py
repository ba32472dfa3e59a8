"""What a process and its descendants use, from /proc (proc(5)); Linux only."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
MB: Final = 1024.0


@dataclass(frozen=True)
class Stat:
    """Of one process."""

    parent: int
    #: Seconds on a CPU, with those of its children that have ended.
    cpu_seconds: float


def cpu_seconds(*roots: int) -> float:
    """CPU time of these processes and all under them since they began."""
    stats = _stats()
    return sum(stats[pid].cpu_seconds for pid in _trees(roots, stats))


def tree_mb(*roots: int) -> float:
    """Memory of these processes and all under them; what they share is counted once."""
    return sum(_kb(pid, "smaps_rollup", "Pss") for pid in _trees(roots, _stats())) / MB


def resident_kb(pid: int) -> float:
    """Resident memory of one process."""
    return _kb(pid, "status", "VmRSS")


class Others:
    """How many CPUs were busy with what is not ours, from its making until it is asked."""

    def __init__(self) -> None:
        self._machine, self._own = _machine_cpu_seconds(), cpu_seconds(os.getpid())
        self._started = time.monotonic()

    @property
    def cpus(self) -> float:
        """An average; 0 is an otherwise idle machine."""
        others = _machine_cpu_seconds() - self._machine
        others -= cpu_seconds(os.getpid()) - self._own
        return max(0.0, others / (time.monotonic() - self._started))


def children(pid: int) -> set[int]:
    """The processes that it has started and that run."""
    return {child for child, stat in _stats().items() if stat.parent == pid}


def _trees(roots: tuple[int, ...], stats: dict[int, Stat]) -> set[int]:
    found = set(roots) & stats.keys()
    while True:
        more = {pid for pid, stat in stats.items() if stat.parent in found} - found
        if not more:
            return found
        found |= more


def _stats() -> dict[int, Stat]:
    stats = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may have spaces.
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        ticks = sum(int(field) for field in fields[11:15])
        stats[int(directory.name)] = Stat(int(fields[1]), ticks / TICKS_PER_SECOND)
    return stats


def _machine_cpu_seconds() -> float:
    """CPU time of everything, also what the host took away (steal)."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


def _kb(pid: int, file: str, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0.0)
