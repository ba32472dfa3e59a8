"""Two strangers press the button, talk, and go on or keep it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, Person
from tests.support.site import unique

People = Callable[..., Person]


def look(someone: Person, tag: str) -> None:
    """Look for somebody who shares an interest that nobody else has."""
    someone.page.get_by_test_id("meet").click()
    someone.page.get_by_test_id("match-own-tag").fill(tag)
    someone.page.get_by_test_id("match-own-tag").press("Enter")
    expect(someone.page.get_by_test_id("match-tag").last).to_have_attribute("aria-pressed", "true")
    someone.page.get_by_test_id("match-start").click()


def test_who_wants_to_meet_somebody_and_has_to_sign_in_first_is_asked_then(person: People) -> None:
    someone = person()
    someone.page.goto(someone.origin)
    someone.page.get_by_test_id("landing-meet").click()
    someone.press_sign_in()
    someone.decide("지민")
    someone.agrees()
    expect(someone.page.get_by_test_id("match-dialog")).to_be_visible()
    someone.page.keyboard.press("Escape")
    expect(someone.page.get_by_test_id("match-dialog")).to_have_count(0)
    assert someone.page.url == f"{someone.origin}/rooms"


@pytest.mark.timeout(180)
def test_two_strangers_meet_talk_keep_it_and_part(person: People) -> None:
    jimin, haeun = person("지민"), person("하은", viewport=DESKTOP)
    tag = unique("t")[-12:]
    look(jimin, tag)
    expect(jimin.page.get_by_test_id("match-seeking")).to_be_visible()
    look(haeun, tag)
    for one, other in ((jimin, "하은"), (haeun, "지민")):
        expect(one.page.locator(".chat-title")).to_contain_text(other)
        expect(one.page.get_by_test_id("notice").first).to_contain_text(f"#{tag}")
    jimin.say("안녕하세요!")
    haeun.sees("안녕하세요!")
    jimin.page.get_by_test_id("match-keep").click()
    expect(haeun.page.get_by_test_id("pair-bar")).to_contain_text("간직하고 싶어 해요")
    haeun.page.get_by_test_id("match-keep").click()
    for one in (jimin, haeun):
        expect(one.page.get_by_test_id("pair-bar")).to_have_count(0)
    jimin.page.get_by_test_id("room-settings").click()
    jimin.page.get_by_test_id("leave-room").click()
    jimin.page.get_by_test_id("leave-confirm").click()
    expect(haeun.page.get_by_test_id("pair-over")).to_contain_text("상대가 나갔어요")
    expect(haeun.page.get_by_test_id("composer")).to_have_count(0)
    haeun.page.get_by_test_id("match-next").click()
    haeun.page.get_by_test_id("match-start").click()
    expect(haeun.page.get_by_test_id("match-seeking")).to_be_visible()
    haeun.page.get_by_test_id("match-cancel").click()
    expect(haeun.page.get_by_test_id("room-item")).to_have_count(0)


def test_a_small_screen_shows_first_what_comes_first(person: People) -> None:
    """The focus is on the button at the end."""
    jimin = person("지민", viewport={"width": 360, "height": 560})
    jimin.page.get_by_test_id("meet").click()
    expect(jimin.page.get_by_test_id("match-start")).to_be_focused()
    expect(jimin.page.get_by_role("heading", name="새로운 사람과 핑퐁")).to_be_in_viewport(ratio=1)
    expect(jimin.page.get_by_test_id("match-start")).to_be_in_viewport(ratio=1)
