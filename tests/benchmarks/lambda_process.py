"""A Lambda's process: `python -m tests.benchmarks.lambda_process`.

Imports the app, says so in a line, then takes one invocation after another, as a line of JSON
each, and answers with what it took. What the app prints is dropped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict
from typing import Any

from tests.benchmarks import units

#: As the template's Lambdas have.
REMAINING_MS = 60_000


class _Context:
    function_name = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        return REMAINING_MS


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the end
    import app
    from chalicelib import metering

    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        with units.recorded() as calls:
            cpu, began = time.process_time(), time.monotonic()
            answer: Any = getattr(app, task["function"])(task["event"], _Context())
            ended, cpu = time.monotonic(), time.process_time() - cpu
        found = {
            "function": task["function"],
            "began": began,
            "ended": ended,
            "cpu_seconds": cpu,
            "calls": Counter(call.operation for call in calls),
            "dynamodb_seconds": sum(call.seconds for call in calls),
            "units": asdict(units.total(calls)),
            "posts": metering.posts,
            "answer": answer,
        }
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
