"""P7: the CPU that a cold start of the message Lambda takes, up to the end of its first chat.

Both apps run out of their packages, in an interpreter that has nothing else, on DynamoDB and a
management API over real HTTP. TLS is left out of both: the peer would read all CAs for each of
its clients.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks import driver, packages, rig
from tests.benchmarks.result import Result
from tests.support.management_stub import ManagementStub
from tests.support.packaged import LambdaProcess, unpack


def measure(runs: int = 15, endpoint: str = "") -> dict[str, Result]:
    """P7."""
    with (
        tempfile.TemporaryDirectory() as directory,
        rig.tables(endpoint) as tables,
        ManagementStub() as stub,
    ):
        driver.run("seed", environment=tables, rooms=[0], people=2, listeners=2)
        environment = {**tables, "MANAGEMENT_ENDPOINT": stub.url}
        ours = unpack(packages.ours(packages.HERE), Path(directory, "ours"))
        usual = unpack(packages.usual(packages.HERE, packages.USUAL_APP), Path(directory, "usual"))
        starts: dict[Path, list[_Start]] = {ours: [], usual: []}
        for number in range(runs):
            for code, found in starts.items():
                found.append(_start(code, environment, f"cold-{number:06}-{code.name}"))
        assert len(stub.requests) == 2 * runs, "each chat is posted to the one who listens"
    mine, theirs = starts[ours], starts[usual]
    return {
        "P7": Result(
            ours=round(median(start.total for start in mine)),
            peer=round(median(start.total for start in theirs)),
            unit="ms of CPU from starting Python to the end of the first chat",
            goal="≤ 250; ≤ 1/4",
            note=f"medians of {runs}; {_told(mine)}; the peer {_told(theirs)}",
        ),
        "P7, modules": Result(
            ours=len(mine[0].modules),
            peer=len(theirs[0].modules),
            unit="modules imported until then",
            goal="-",
        ),
    }


class _Start:
    """What a cold start took, in ms of CPU."""

    def __init__(self, imported: float, total: float, modules: list[str]) -> None:
        self.imported = imported
        self.total = total
        self.modules = modules


def _start(code: Path, environment: rig.Environment, cid: str) -> _Start:
    process = LambdaProcess(code, environment)
    try:
        called = process.invoke("websocket_message", rig.send_chat(0, 0, cid))
        reply = json.loads(called["answer"]["body"])
        assert reply["type"] == "ok", reply
        modules = process.loaded()["modules"]
        return _Start(process.imported["cpu_ms"], called["cpu_ms"], modules)
    finally:
        process.stop()


def _told(starts: list[_Start]) -> str:
    totals = sorted(start.total for start in starts)
    imported = median(start.imported for start in starts)
    return f"{totals[0]:.0f} to {totals[-1]:.0f}, {imported:.0f} of it up to the end of importing"
