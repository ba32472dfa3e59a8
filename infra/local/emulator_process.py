"""The emulated AWS as the supervisor sees it: a child process with an endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from infra.errors import InfraError
from infra.local.permission_modes import USED_FILE, USED_NAME

log = logging.getLogger(__name__)

#: What the stack needs; MiniStack leaves its other services, and their ports, closed.
SERVICES: Final = (
    *("apigateway", "cloudformation", "dynamodb", "events", "iam", "lambda"),
    *("logs", "s3", "ssm", "sts"),
)

REGION: Final = "ap-northeast-2"

#: How long ending the workers and saving the state may take, in seconds; when it is said that
#: it takes long, and when it is given up.
STOP_SECONDS: Final = 10.0
SAVE_SECONDS: Final = 120.0

#: How long the answer to a question may take, in seconds: a permission's, which is looked up,
#: and an import's, which has a limit of its own.
ANSWER_SECONDS: Final = 10.0
PREPARE_SECONDS: Final = 120.0

#: A message is one line, and one may carry the log of a whole invocation.
LINE_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Authorization:
    """What IAM says: the key's secret, if there is such a key; whether it may; why not."""

    secret: str | None
    allowed: bool
    error: str | None


class EmulatorProcess:
    """MiniStack in a process group of its own, with its Lambda workers."""

    def __init__(
        self,
        state_dir: Path,
        on_invocation: Callable[[dict[str, Any]], None],
        *,
        services: Collection[str] = SERVICES,
        environment: Mapping[str, str] | None = None,
        on_permission: Callable[[dict[str, str]], None] = lambda _: None,
    ) -> None:
        """Args:
        state_dir: where its state and log are kept.
        on_invocation: takes what Invocations.run in ministack/invocations.py tells.
        services: those of MiniStack's that answer; all if none is named.
        environment: for it and its Lambdas, beside what it needs itself.
        on_permission: takes what ministack/permissions.py tells.
        """
        self._more_environment = dict(environment or {})
        self._state_dir = state_dir
        self._services = services
        self._on_invocation = on_invocation
        self._on_permission = on_permission
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self.log_path = state_dir / "ministack.log"
        #: What Lambdas' roles were used for since the start: permission_modes.py.
        self.permissions_used_path = state_dir / USED_NAME
        self.endpoint = ""

    async def start(self) -> None:
        """Start it and learn its port; it may still be importing.

        Raises:
            InfraError: it ended at once; with the end of its log.
        """
        # What killed workers left: unpacked code.
        temporary = self._state_dir / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        with self.log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "infra.local.emulator"),
                cwd=Path(__file__).parents[2],
                env=self._environment(temporary),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                limit=LINE_BYTES_MAX,
                # A group of its own: Ctrl-C in the terminal goes to the supervisor alone,
                # and whatever the emulator leaves behind can be ended by the group's id.
                process_group=0,
            )
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._process, port))
        self.endpoint = f"http://127.0.0.1:{await port}"

    def _environment(self, temporary: Path) -> dict[str, str]:
        """The workers inherit it, so it has nothing of the developer's own."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
        }
        return {
            **inherited,
            # The Lambdas get their role's permissions and no more, as on AWS. The key of this
            # process is the account's root, which the supervisor and tests use.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MINISTACK_REGION": REGION,
            "SERVICES": ",".join(self._services),
            "BIND_HOST": "127.0.0.1",
            "PERSIST_STATE": "1",
            "STATE_DIR": str((self._state_dir / "ministack").resolve()),
            USED_FILE: str(self.permissions_used_path.resolve()),
            # These listen on fixed ports, whatever SERVICES says.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(temporary.resolve()),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._more_environment,
        }

    async def _read(self, process: Process, port: asyncio.Future[int]) -> None:
        """Take messages until the process ends."""
        output = cast(asyncio.StreamReader, process.stdout)
        try:
            while True:
                try:
                    line = await output.readline()
                except ValueError:  # longer than LINE_BYTES_MAX; its rest is the next one
                    log.error("a message of the emulator is too long")  # noqa: TRY400 - says all
                    continue
                if not line:
                    break
                try:
                    self._take(json.loads(line), port)
                except Exception:  # the next ones come all the same
                    log.exception("a message of the emulator is lost")
        finally:
            # Nobody may wait for what cannot come any more.
            if not port.done():
                port.set_exception(InfraError(f"MiniStack did not start:\n{self.log_tail()}"))
            for question in self._questions.values():
                if not question.done():
                    question.set_exception(InfraError("MiniStack has ended"))
            self._questions.clear()

    def _take(self, message: dict[str, Any], port: asyncio.Future[int]) -> None:
        if "port" in message:
            port.set_result(message["port"])
        elif "invocation" in message:
            self._on_invocation(message["invocation"])
        elif "answer" in message:
            self._take_answer(message)
        elif "missing_permission" in message or "unknown_permission" in message:
            self._on_permission(message)

    def _take_answer(self, message: dict[str, Any]) -> None:
        question = self._questions.pop(message["answer"], None)
        if question is None or question.done():
            return  # nobody waits for it any more
        if "failed" in message:
            question.set_exception(InfraError(message["failed"]))
        else:
            question.set_result(message["result"])

    async def _ask(self, command: dict[str, Any], seconds: float) -> Any:
        """Send a command and wait for its answer, so many seconds at most.

        Raises:
            InfraError: the emulator could not do it, has ended, or does not answer.
        """
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise InfraError("MiniStack does not run")
        number = next(self._numbers)
        question: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[number] = question
        process.stdin.write(json.dumps({"id": number, **command}).encode() + b"\n")
        try:
            return await asyncio.wait_for(question, seconds)
        except TimeoutError as error:
            what = next(iter(command))
            raise InfraError(f"MiniStack has not answered within {seconds:g} s: {what}") from error
        finally:
            self._questions.pop(number, None)

    def log_tail(self, lines: int = 20) -> str:
        """The end of MiniStack's log."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def warm(self, functions: list[str]) -> None:
        """Have a worker started for each function that has none."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps({"warm": functions}).encode() + b"\n")

    async def prepare(self, function: str, code: Path) -> str | None:
        """Import new code of a function before the function gets it.

        The process that has imported it makes the function's workers once UpdateFunctionCode
        was given this very zip file.

        Returns:
            Why it does not import, a traceback, or None.
        """
        asked = {"function": function, "zip": str(code.resolve())}
        return cast("str | None", (await self._ask({"prepare": asked}, PREPARE_SECONDS))["error"])

    async def authorize(
        self, access_key_id: str, session_token: str, action: str, resource: str
    ) -> Authorization:
        """Ask IAM about a request that another server than MiniStack's has got.

        Args:
            access_key_id: of whoever has signed it.
            session_token: of a role's temporary credentials, else "".
            action: such as ``execute-api:ManageConnections``.
            resource: its ARN.
        """
        asked = {
            "access_key_id": access_key_id,
            "session_token": session_token,
            "action": action,
            "resource": resource,
        }
        return Authorization(**(await self._ask({"authorize": asked}, ANSWER_SECONDS)))

    async def ended(self) -> int:
        """Wait until the started process has ended; its exit status.

        Raises:
            InfraError: it runs, but what it says can't be read any more.
        """
        status = asyncio.ensure_future(cast(Process, self._process).wait())
        reader = cast("asyncio.Task[None]", self._reader)
        try:
            await asyncio.wait({status, reader}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and not reader.cancelled() and (failure := reader.exception()):
                raise InfraError(f"MiniStack can't be read any more: {failure!r}") from failure
            return await status
        finally:
            status.cancel()

    async def stop(self) -> None:
        """Save the state and end the process and all its workers."""
        process = self._process
        if process is None:
            return
        if process.returncode is None and process.stdin is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                # Cut off while it saves, it would lose what was written since the last time.
                log.warning("MiniStack is still saving (Ctrl-C: at once, without saving)")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), SAVE_SECONDS)
        self.kill()
        await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    def kill(self) -> None:
        """End what is left of the process group at once, unsaved."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
