"""What a benchmark finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One figure, and what it is compared with."""

    ours: float
    unit: str
    goal: str
    peer: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times less ours is."""
        return None if self.peer is None else round(self.peer / self.ours, 2)
