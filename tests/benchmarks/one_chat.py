"""P9: the message Lambda's CPU for a chat, without its posts."""

from __future__ import annotations

from statistics import median, quantiles

from tests.benchmarks import driver, rig
from tests.benchmarks.result import Result


def measure(chats: int = 1_000, endpoint: str = "") -> dict[str, Result]:
    """P9."""
    with rig.tables(endpoint) as tables:
        driver.run("seed", environment=tables, rooms=[0], people=1, listeners=1)
        found = driver.run("in_process", environment=tables, kind="one_chat", chats=chats)
    took = found["ms"]
    return {
        "P9": Result(
            ours=round(median(took), 2),
            unit="ms of CPU for a chat.send, warm, the audience looked up, nobody else there",
            goal="≤ 4",
            note=f"median of {chats}; a tenth takes at most {quantiles(took, n=10)[0]:.2f}, nine "
            f"tenths {quantiles(took, n=10)[-1]:.2f}; calls {found['calls']}",
        )
    }
