"""Has load made by processes of their own, so that who measures is not in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, cast

from tests.support.stack import ROOT


def run(
    module: str, *, environment: Mapping[str, str] | None = None, **task: Any
) -> dict[str, Any]:
    """Run a task of a module of this package to its end; what it found.

    Args:
        environment: of its process, beside this one's.

    Raises:
        RuntimeError: it failed; with the end of what it wrote to stderr.
    """
    done = subprocess.run(
        _command(module),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        input=json.dumps(task) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def steps(module: str, **task: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """Run a task that reports after each step, and goes on when the next one is asked for."""
    with subprocess.Popen(
        _command(module), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        tasks, found = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        tasks.write(json.dumps(task) + "\n")
        tasks.flush()

        def reports() -> Iterator[dict[str, Any]]:
            for line in found:
                yield json.loads(line)
                tasks.write("\n")
                tasks.flush()

        try:
            yield reports()
        finally:
            tasks.close()


def _command(module: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.{module}"]
