"""Compares what the tests' Lambdas did with what the template lets them do, after the last test.

Every process that runs tests leaves a file with what it used; the one that began the run joins
them. What was used and isn't allowed fails any run. What is allowed and wasn't used fails a run
of all integration tests on the stack, if they passed: the others may be what uses it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest

from infra.aws.template import merge_template
from tests.support import rights, rights_used
from tests.support.rights import Right

#: Environment variable: where the processes leave their files.
DIRECTORY: Final = "RIGHTS_USED_DIR"

INTEGRATION: Final = Path(__file__).parents[1] / "integration"


class RightsPlugin:
    """Of one process; `is_controller`: of the one that began the run."""

    def __init__(self, *, runs_tests: bool, is_controller: bool, on_stack: bool) -> None:
        self._runs_tests = runs_tests
        self._is_controller = is_controller
        self._on_stack = on_stack
        self._is_partial = False
        self._selected: set[str] = set()
        self._lines: list[str] = []
        #: The session's stack, once it is started: its state directory and what it told.
        self.stack: tuple[Path, dict[str, Any]] | None = None
        if is_controller:
            # Workers are started later, and inherit it.
            os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="rights-used-")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Some tests are not wanted."""
        if any(item.path.is_relative_to(INTEGRATION) for item in items):
            self._is_partial = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """These tests are wanted."""
        if any("::" in argument for argument in session.config.args):
            self._is_partial = True
        self._selected = {
            item.path.name for item in session.items if item.path.is_relative_to(INTEGRATION)
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests of this process are over; those of the workers are, too, in the controller."""
        if self._runs_tests:
            self._leave_file()
        if self._is_controller:
            directory = Path(os.environ.pop(DIRECTORY))
            try:
                self._judge(session, directory)
            finally:
                shutil.rmtree(directory, ignore_errors=True)

    def _leave_file(self) -> None:
        if self.stack is not None:
            rights_used.add_of_stack(*self.stack)
        wanted = {path.name for path in INTEGRATION.rglob("test_*.py")}
        left = {
            "is_whole": not self._is_partial and wanted <= self._selected,
            "used": sorted(rights_used.USED),
        }
        path = Path(os.environ[DIRECTORY], f"{os.getpid()}.json")
        path.write_text(json.dumps(left), encoding="utf-8")

    def _judge(self, session: pytest.Session, directory: Path) -> None:
        left = [json.loads(path.read_text(encoding="utf-8")) for path in directory.glob("*.json")]
        used = {Right(*each) for process in left for each in process["used"]}
        if not used:
            return
        template = merge_template()
        allowed = rights.allowed(template)
        used |= rights.used_by_lambda_itself(template)
        missing = rights.missing(used, allowed)
        unused: list[Right] = []
        passed = session.exitstatus in (pytest.ExitCode.OK, 0)
        if self._on_stack and passed and all(process["is_whole"] for process in left):
            unused = rights.unused(used, allowed)
            rest = f"{len(allowed)} allowed, {len(allowed) - len(unused)} of them used"
        else:
            rest = f"{len(allowed)} allowed; not all integration tests passed on the stack, "
            rest += "so what is unused isn't judged"
        self._lines = [f"rights of Lambdas: {rest}"]
        self._lines += [f"  not allowed, but used: {_told(right)}" for right in missing]
        self._lines += [f"  allowed, but not used: {_told(right)}" for right in unused]
        if missing or unused:
            self._lines.append("  infra/aws/template/permissions.yaml must say what the code does")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say it with the tests' results."""
        bad = len(self._lines) > 1
        for line in self._lines:
            terminalreporter.write_line(line, red=bad)


def _told(right: Right) -> str:
    return f"{right.function}: {right.action} on {right.resource}"
