"""Meaning somebody: completion while writing, and names wherever chats are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.people import DESKTOP, PHONE, Person, open_menu
from tests.support.site import unique

People = Callable[..., Person]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}


def options(someone: Person) -> Locator:
    """The people who are offered."""
    return someone.page.get_by_test_id("mention-option")


def begin(someone: Person, text: str) -> Locator:
    """Type into the composer by keys; the composer."""
    composer = someone.page.get_by_test_id("composer")
    composer.focus()
    composer.press_sequentially(text)
    return composer


def test_somebody_is_meant_by_a_part_of_their_name(person: People) -> None:
    jimin = person("지민", **TOUCH)
    alex = person("Alex", viewport=DESKTOP, locale="en-US")
    name = unique("탁구")
    for someone in (jimin, alex, person("지수", **TOUCH)):
        someone.open_room(name)
    # Initials are enough; oneself is not offered.
    composer = begin(alex, "Hi @ㅈㅁ")
    expect(options(alex)).to_have_text([re.compile("지민")])
    expect(composer).to_have_attribute("aria-activedescendant", "mention-0")
    composer.press("Enter")
    expect(composer).to_have_value("Hi @지민 ")
    expect(options(alex)).to_have_count(0)
    expect(alex.page.get_by_test_id("chat-entry")).to_have_count(0)
    # A particle stands straight after the name.
    begin(alex, "and @지수야")
    expect(options(alex)).to_have_text([re.compile("지수")])
    composer.press("Tab")
    expect(composer).to_have_value("Hi @지민 and @지수야")
    composer.press("Enter")
    said = jimin.chat("Hi @지민 and @지수야")
    expect(said.locator(".mention")).to_have_text(["@지민", "@지수"])
    expect(said.locator(".bubble")).to_have_class(re.compile("is-to-me"))
    expect(alex.chat("Hi @지민").locator(".is-to-me")).to_have_count(0)
