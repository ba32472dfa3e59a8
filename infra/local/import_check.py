"""Tries whether a Lambda's module can be imported, before the old code is given up for it.

A process of its own forks for every try, and remembers which libraries the module needed:
the next try finds them loaded, and takes as long as the app's own files do.

The process reads one JSON object per line, ``{"directory", "module", "environment"}``, and
answers each with ``{"error": null}`` or a traceback. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import select
import signal
import sys
import traceback
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from infra.errors import InfraError

#: Lambda gives a module 10 seconds.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
IMPORT_SECONDS: Final = 10.0

#: An answer is one line with a whole traceback.
LINE_BYTES_MAX: Final = 4 * 1024 * 1024


class ImportChecker:
    """The process as its parent sees it."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def check(self, directory: Path, module: str, environment: Mapping[str, str]) -> None:
        """Import a module.

        Args:
            directory: where it is; imported by other modules from there, too.
            module: its dotted name.
            environment: of the Lambda.

        Raises:
            InfraError: it can't be imported; with the whole traceback.
        """
        request = {
            "directory": str(directory),
            "module": module,
            "environment": dict(environment),
        }
        async with self._one_at_a_time:
            process = await self._running()
            stdin, stdout = cast(asyncio.StreamWriter, process.stdin), process.stdout
            stdin.write(json.dumps(request).encode() + b"\n")
            line = await cast(asyncio.StreamReader, stdout).readline()
        error = json.loads(line)["error"] if line else "the process that imports it ended"
        if error:
            raise InfraError(error)

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __name__),
                cwd=Path(__file__).parents[2],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": os.environ.get("HOME", "/"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=LINE_BYTES_MAX,
                # Ctrl-C is the supervisor's matter.
                process_group=0,
            )
        return self._process

    async def stop(self) -> None:
        """End the process; harmless if there is none."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        answer = _try(json.loads(line))
        _load(answer.pop("libraries", ()))
        print(json.dumps(answer), file=answers, flush=True)


def _try(request: dict[str, Any]) -> dict[str, Any]:
    """Import in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(_import(request)))
        os._exit(0)  # no thread of the app's may keep it
    os.close(writing)
    try:
        text = _read(reading)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if text is None:
        seconds = IMPORT_SECONDS
        return {"error": f"importing {request['module']} takes longer than {seconds:.0f} s"}
    if not text:
        return {"error": f"importing {request['module']} ends the process"}
    answer: dict[str, Any] = json.loads(text)
    return answer


def _read(descriptor: int) -> str | None:
    """All that comes; None if it takes too long."""
    chunks: list[bytes] = []
    while select.select([descriptor], [], [], IMPORT_SECONDS)[0]:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return b"".join(chunks).decode()
        chunks.append(chunk)
    return None


def _import(request: dict[str, Any]) -> dict[str, Any]:
    """Import, in the fork: the error if any, and the libraries that were loaded."""
    directory = request["directory"]
    os.chdir(directory)
    sys.path.insert(0, directory)
    os.environ.update(request["environment"])
    before = set(sys.modules)
    try:
        importlib.import_module(request["module"])
    except BaseException as error:  # SystemExit, too, is a failure
        return {"error": _traceback(error)}
    libraries = [
        name
        for name, module in list(sys.modules.items())
        if name not in before and _is_library(module, directory)
    ]
    return {"error": None, "libraries": libraries}


def _is_library(module: Any, directory: str) -> bool:
    file = getattr(module, "__file__", None)
    if file is None:
        return False  # a namespace package, maybe of the app's own
    path = Path(file)
    # The virtual environment may be in the app's directory.
    return path.is_relative_to(sys.prefix) or not path.is_relative_to(directory)


def _traceback(error: BaseException) -> str:
    """A traceback without the frames of importing."""
    shown = traceback.TracebackException.from_exception(error)
    ours = ("<frozen importlib", __file__, importlib.__file__ or "")
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if not frame.filename.startswith(ours)]
    )
    return "".join(shown.format()).rstrip()


def _load(libraries: list[str] | tuple[()]) -> None:
    """Import libraries in this process, for the forks to come."""
    for name in libraries:
        # One that can't be imported by itself is imported by the app again.
        with suppress(Exception):
            importlib.import_module(name)


if __name__ == "__main__":
    _output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What modules print is not an answer.
    os.dup2(2, 1)
    _serve(sys.stdin, _output)
