"""What each command takes, counted: `python -m tests.benchmarks.measure_counts`.

Writes infra/cost/measured.json, which is all that the bill (infra/cost) knows of the app.
tests/integration/test_measured_counts.py counts again, and fails when the file is out of date.
Everything in it is a count but the CPU times, which are of the machine and the day they name.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.conftest import DEFAULTS
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.stack import ROOT, LocalStack

FILE: Final = ROOT / "infra" / "cost" / "measured.json"
BENCH: Final = ROOT / ".bench" / "results.json"

Json = dict[str, Any]


def write() -> None:
    """Count everything, and write the file."""
    management = ManagementServer()
    os.environ.update(DEFAULTS)
    os.environ.update(MANAGEMENT_ENDPOINT=management.url, AWS_ENDPOINT_URL_LAMBDA=management.url)
    with tempfile.TemporaryDirectory(prefix="ping-pong-counts-") as directory:
        stack = LocalStack(Path(directory))
        stack.start()
        try:
            os.environ.update(stack.environment)
            # What these import reads the environment.
            from tests.benchmarks import busy_law, counts

            site = HandlerSite(os.environ["SITE_ORIGIN"], os.environ["KAKAO_AUTH_URL"], management)
            content = {
                "written_by": "python -m tests.benchmarks.measure_counts",
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
                **_quietly(lambda: counts.measure(site, repeats=9)),
                "busy": busy_law.measure(),
                "site": counts.site_files(),
                "cpu": _cpu(),
            }
        finally:
            stack.stop()
            management.stop()
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def _quietly(measure: Callable[[], Json]) -> Json:
    """Without what the handlers log of everything that has to be prepared."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        return measure()


def _cpu() -> Json:
    """Whose CPU the times are of, and what one more post takes (P2)."""
    known = json.loads(FILE.read_text())["cpu"] if FILE.exists() else {}
    measured = json.loads(BENCH.read_text()) if BENCH.exists() else {}
    if "P2" in measured:
        known["post_ms"] = measured["P2"]["ours"]
    return known | {
        "machine": f"{platform.machine()}, {os.cpu_count()} shared cores, "
        f"Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    write()
    print(f"written: {FILE.relative_to(ROOT)}", file=sys.stderr)
