"""The app as it is in a package: each Lambda a process with nothing but what was deployed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, cast

PROGRAM: Final = Path(__file__).with_name("packaged_process.py")

#: The app's Lambdas, by the name of their handler in app.py.
HANDLERS: Final = (
    "app",
    "websocket_connect",
    "websocket_message",
    "websocket_disconnect",
    "run_in_background",
    "push",
)


def unpack(code: bytes, directory: Path) -> Path:
    """Unpack a package as Lambda does, into files that nobody writes to; returns where."""
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        archive.extractall(directory)
    return directory


class LambdaProcess:
    """One execution environment; takes one invocation at a time."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        """Start it; it has imported the app when this returns.

        Args:
            directory: the unpacked code.
            environment: all of its environment.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(PROGRAM), str(directory)],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._one_at_a_time = threading.Lock()
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        #: CPU used before and after importing the app, in ms.
        self.imported: dict[str, float] = self._answer()

    def invoke(self, function: str, event: Any) -> dict[str, Any]:
        """Call a handler: ``answer``, and ``cpu_ms`` since the process's start.

        Raises:
            RuntimeError: it failed; with what it wrote to stderr.
        """
        return self._ask({"function": function, "event": event})

    def loaded(self) -> dict[str, list[str]]:
        """What it has imported: names of ``modules``, ``files`` of those in the package."""
        return self._ask({"loaded": True})

    def stop(self) -> str:
        """End it, if it has not ended; returns what it wrote to stderr, which has its log."""
        with self._one_at_a_time:
            if self._process.returncode is not None:
                return "".join(self._said)
            cast(IO[str], self._process.stdin).close()
            self._process.wait(30)
            self._listener.join(10)
            cast(IO[str], self._process.stdout).close()
        return "".join(self._said)

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        with self._one_at_a_time:
            tasks = cast(IO[str], self._process.stdin)
            tasks.write(json.dumps(task) + "\n")
            tasks.flush()
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = cast(IO[str], self._process.stdout).readline()
        if not line:
            self._process.wait(30)
            self._listener.join(10)
            raise RuntimeError(f"the Lambda ended:\n{''.join(self._said)}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _listen(self) -> None:
        with cast(IO[str], self._process.stderr) as lines:
            self._said.extend(lines)


class PackagedApp:
    """All Lambdas of a package, with the handlers of app.py as its functions."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        """Args: see ``LambdaProcess``."""
        self.directory = directory
        self.processes = {name: LambdaProcess(directory, environment) for name in HANDLERS}

    def __call__(self, event: Any, _context: object) -> Any:
        """The REST API's handler, which is the app itself."""
        return self.processes["app"].invoke("app", event)["answer"]

    def __getattr__(self, name: str) -> Any:
        if name == "app":
            return self
        if name not in HANDLERS:
            raise AttributeError(name)
        return lambda event, _context: self.processes[name].invoke(name, event)["answer"]

    def stop(self) -> dict[str, str]:
        """End them; returns what each wrote."""
        return {name: process.stop() for name, process in self.processes.items()}
