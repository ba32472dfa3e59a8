"""A Lambda's process on unpacked code: `python -I -S -B packaged_process.py DIRECTORY`.

Only the standard library and the code are there to import: no virtual environment, none of this
project's other files. Imports the app and says so in a line of JSON, then takes one task after
another, each a line: an invocation (``function``, ``event``), or ``loaded``, which asks what was
imported so far. What the app prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time

#: How much time the template gives each Lambda, in seconds; the others get 10.
TIMEOUTS = {"run_in_background": 300, "push": 60, "app": 15}


class Context:
    """Lambda's context of an invocation."""

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self._ends_at = time.monotonic() + TIMEOUTS.get(function_name, 10)
        self.aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends_at - time.monotonic()) * 1000)


def cpu_ms() -> float:
    """CPU time of this process since it was started, user's and system's, of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def loaded(directory: str) -> dict[str, list[str]]:
    """What was imported: the names of all modules, and the files of those in the directory."""
    files = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(directory):
            files.add(os.path.relpath(file, directory))
    return {"modules": sorted(sys.modules), "files": sorted(files)}


def main(directory: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.insert(0, directory)
    before = cpu_ms()
    app = importlib.import_module("app")
    print(json.dumps({"start_ms": before, "cpu_ms": cpu_ms()}), file=answers, flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        if "loaded" in task:
            found: object = loaded(directory)
        else:
            handler = getattr(app, task["function"])
            answer = handler(task["event"], Context(task["function"]))
            found = {"answer": answer, "cpu_ms": cpu_ms()}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(os.path.realpath(sys.argv[1]))
