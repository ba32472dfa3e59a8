"""Nothing jumps while a page is being built, however slowly its parts come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import DESKTOP, PHONE, Person, says
from tests.support.site import unique

People = Callable[..., Person]

#: Notes what has moved without anybody having touched the page: how far, and which elements.
LISTEN = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    if (shift.hadRecentInput) continue;
    const names = shift.sources.map(({node}) => node?.className || node?.nodeName);
    window.shifts.push(`${shift.value.toFixed(4)} ${names.join(', ')}`);
  }
}).observe({type: 'layout-shift', buffered: true});
"""

#: So slow that each part comes by itself, and that the connection is waited for.
SLOW = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}


def slow_down(page: Page) -> None:
    """From now on, for everything that this page asks for."""
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    tools.send("Network.emulateNetworkConditions", SLOW)


def shifts(page: Page) -> list[str]:
    """What has moved, after all that was going to be drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    found: list[str] = page.evaluate("window.shifts")
    return found


both_sizes = pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])


@both_sizes
@pytest.mark.parametrize("locale", ["ko-KR", "en-GB"])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/no/such/page"])
def test_pages_outside_stand_still(
    person: People, viewport: dict[str, int], locale: str, path: str
) -> None:
    visitor = person(viewport=viewport, locale=locale)
    visitor.page.add_init_script(LISTEN)
    slow_down(visitor.page)
    visitor.page.goto(visitor.origin + path, wait_until="networkidle")
    expect(visitor.page.locator("main a").first).to_be_visible()
    assert shifts(visitor.page) == []


@pytest.fixture
def resident(person: People) -> Callable[[dict[str, int]], tuple[Person, str]]:
    """Somebody with rooms and a conversation, whose network is slow from now on."""

    def make(viewport: dict[str, int]) -> tuple[Person, str]:
        jimin = person("지민", viewport=viewport)
        elsewhere = jimin.elsewhere()
        for name in ("새벽 라디오", "탁구 모임"):
            jimin.page.goto(f"{jimin.origin}/rooms")
            room = jimin.open_room(unique(name))
            for number in range(12):
                says(elsewhere, room, f"{number + 1}번째 공, 받으세요")
            jimin.sees("12번째 공, 받으세요")
        elsewhere.close()
        jimin.page.add_init_script(LISTEN)
        slow_down(jimin.page)
        return jimin, room

    return make


Resident = Callable[[dict[str, int]], tuple[Person, str]]


@both_sizes
def test_pages_inside_stand_still(resident: Resident, viewport: dict[str, int]) -> None:
    jimin, room = resident(viewport)
    page: Any = jimin.page
    moved = {}
    ready = {
        "/rooms": page.get_by_test_id("room-item").nth(1),
        f"/rooms/{room}": page.get_by_test_id("chat-entry").last,
        "/me": page.get_by_test_id("nickname").filter(has_text="지민"),
    }
    for path, what in ready.items():
        page.goto(jimin.origin + path)
        expect(what).to_be_visible()
        expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", "online")
        moved[path] = shifts(page)
    assert moved == {path: [] for path in ready}
