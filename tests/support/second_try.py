"""A browser test that fails in CI is tried once more, and named at the end of the run.

Why, and what follows from it: docs/decisions/0028-second-try.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import pytest

BROWSER: Final = Path(__file__).parents[1] / "browser"


def is_wanted() -> bool:
    """In CI, and where somebody asks for it."""
    return os.environ.get("CI") == "true" or os.environ.get("RETRIES") == "1"


class SecondTry:
    """Of one process: marks what may be tried again, and says what was."""

    def __init__(self, folder: Path = BROWSER) -> None:
        """Args: `folder` is where the tests are that may."""
        self._folder = folder

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Allow one more try, but for a test that hung: there is no time left for that."""
        once = pytest.mark.flaky(reruns=1, rerun_except=["from pytest-timeout"])
        for item in items:
            if item.path.is_relative_to(self._folder):
                item.add_marker(once)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name each that was needed, with what was wrong the first time."""
        again = terminalreporter.stats.get("rerun", [])
        if not again:
            return
        terminalreporter.section("tried twice", yellow=True)
        for report in again:
            terminalreporter.write_sep("_", report.nodeid)
            report.toterminal(terminalreporter._tw)
        terminalreporter.write_line("")
        for report in again:
            terminalreporter.write_line(f"needed a second try: {report.nodeid}", yellow=True)
        terminalreporter.write_line(
            "Each of them is a bug, of the test or of the site: docs/decisions/0028-second-try.md",
            yellow=True,
        )
