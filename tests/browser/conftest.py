"""A real Chromium, and the running local stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.people import CHROMIUM, CHROMIUM_ARGUMENTS, Person, new_person
from tests.support.stack import StackSite

SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a worker; each person has a context of their own."""
    path = os.environ.get("CHROMIUM", CHROMIUM)
    if not Path(path).exists():
        pytest.skip(f"no Chromium at {path}; install it, or set CHROMIUM to its path")
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

    failed_before = request.session.testsfailed
    yield make
    for number, someone in enumerate(people):
        if request.session.testsfailed > failed_before:
            SCREENSHOTS.mkdir(exist_ok=True)
            name = f"{request.node.name}-{number}.png".replace("/", "_")
            someone.page.screenshot(path=SCREENSHOTS / name)
        someone.page.context.close()
    assert errors == []
