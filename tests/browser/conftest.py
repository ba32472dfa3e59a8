"""A real Chromium, and the running local stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.people import (
    CHROMIUM,
    CHROMIUM_ARGUMENTS,
    HEADLESS_SHELL,
    Person,
    new_person,
)
from tests.support.stack import StackSite

SCREENSHOTS = Path(__file__).parent / "screenshots"
HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how the test ended, for its fixtures: they are taken down after it."""
    report = yield
    if report.when != "teardown":
        item.stash[HAS_FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a worker; each person has a context of their own."""
    asked = os.environ.get("CHROMIUM")
    paths = [asked] if asked else [HEADLESS_SHELL, CHROMIUM]
    path = next((each for each in paths if Path(each).exists()), None)
    if path is None:
        pytest.skip(f"no Chromium at {paths[-1]}; install it, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def person(
    chromium: Browser, stack_site: StackSite, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Person]]:
    """Makes people; errors of the page itself fail the test, and a picture is kept."""
    people: list[Person] = []
    errors: list[str] = []

    def make(nickname: str | None = None, **context: Any) -> Person:
        made = new_person(chromium, stack_site, **context)
        made.page.on("pageerror", lambda error: errors.append(str(error)))
        made.page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        people.append(made)
        if nickname is not None:
            made.is_signed_in_as(nickname)
        return made

    yield make
    for number, someone in enumerate(people):
        if request.node.stash[HAS_FAILED]:
            SCREENSHOTS.mkdir(exist_ok=True)
            name = f"{request.node.name}-{number}.png".replace("/", "_")
            someone.page.screenshot(path=SCREENSHOTS / name)
        someone.page.context.close()
    assert errors == []
