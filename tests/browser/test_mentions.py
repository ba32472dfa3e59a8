"""Meaning somebody: completion while writing, and names wherever chats are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.people import DESKTOP, PHONE, Person, friend_in, open_menu
from tests.support.site import unique
from tests.support.stack import StackSite

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


def test_somebody_is_meant_by_a_part_of_their_name(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", **TOUCH)
    alex = person("Alex", viewport=DESKTOP, locale="en-US")
    name = unique("탁구")
    jimin.open_room(name)
    friend_in(stack_site, alex.open_room(name), "지수").close()
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
    # The same in the list of rooms, and where it is copied from.
    expect(alex.page.get_by_test_id("room-item")).to_contain_text("Hi @지민 and @지수야")
    menu = open_menu(alex, "Hi @지민")
    menu.get_by_test_id("edit-chat").click()
    expect(composer).to_have_value("Hi @지민 and @지수야")
    composer.press_sequentially("!")
    composer.press("Enter")
    edited = jimin.chat("Hi @지민 and @지수야!")
    expect(edited.locator(".mention")).to_have_text(["@지민", "@지수"])


def test_two_people_of_one_name_are_told_apart(person: People) -> None:
    alex = person("Alex", viewport=DESKTOP, locale="en-US")
    twins = [person("지민", **TOUCH), person("지민", **TOUCH)]
    name = unique("탁구")
    for someone in (alex, *twins):
        someone.open_room(name)
    composer = begin(alex, "@지민")
    expect(options(alex)).to_have_text([re.compile("지민#.{4}"), re.compile("지민#.{4}")])
    first, second = (each.get_attribute("data-user-id") for each in options(alex).all())
    composer.press("ArrowDown")
    expect(options(alex).nth(1)).to_have_attribute("aria-selected", "true")
    # By mouse, too; the focus stays where one writes.
    options(alex).nth(0).click()
    expect(composer).to_be_focused()
    begin(alex, "@지민")
    composer.press("ArrowUp")
    composer.press("Enter")
    expect(composer).to_have_value("@지민 @지민 ")
    begin(alex, "hello")
    composer.press("Enter")
    ids = []
    for twin in twins:
        said = twin.chat("hello")
        expect(said).to_contain_text(re.compile(r"@지민 #\w{4} @지민 #\w{4} hello"))
        expect(said.locator(".is-to-me")).to_have_count(1)
        ids.append(twin.page.evaluate("localStorage.getItem('ping-pong.user')"))
    assert set(ids) == {first, second}


def test_who_is_renamed_is_meant_all_the_same(person: People) -> None:
    jimin = person("지민", **TOUCH)
    alex = person("Alex", viewport=DESKTOP, locale="en-US")
    name = unique("탁구")
    alex.open_room(name)
    jimin.open_room(name)
    composer = begin(alex, "see you, @지민")
    expect(options(alex)).to_have_count(1)
    composer.press("Enter")
    composer.press("Enter")
    jimin.sees("see you, @지민")
    # Begun before, and sent after somebody has another name, by another page.
    begin(alex, "and you, @지민")
    expect(options(alex)).to_have_count(1)
    composer.press("Enter")
    expect(composer).to_have_value("and you, @지민 ")
    jimin.page.goto(f"{jimin.origin}/me")
    jimin.page.get_by_test_id("nickname-input").fill("민지")
    jimin.page.get_by_test_id("nickname-save").click()
    expect(jimin.page.get_by_test_id("nickname")).to_have_text("민지")
    alex.page.reload()
    alex.sees("see you, @민지")
    expect(composer).to_have_value("and you, @지민 ")
    composer.focus()
    composer.press("Enter")
    alex.sees("and you, @민지")
    expect(alex.chat("and you").locator(".mention")).to_have_text("@민지")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_list_of_people_by_keys(
    person: People, stack_site: StackSite, size: dict[str, int]
) -> None:
    jimin = person("지민", viewport=size)
    name = unique("탁구")
    room_id = jimin.open_room(name)
    for other in ("서연", "서준", "도윤"):
        friend_in(stack_site, room_id, other).close()
    composer = begin(jimin, "@ㅅ")
    expect(options(jimin)).to_have_text([re.compile("서"), re.compile("서")])
    # The Enter that ends a composition belongs to it.
    composer.evaluate(
        "box => box.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))"
    )
    expect(options(jimin)).to_have_count(2)
    expect(composer).to_have_value("@ㅅ")
    # Escape closes the list, and nothing opens it again for that name.
    composer.press("Escape")
    expect(options(jimin)).to_have_count(0)
    composer.press_sequentially("ㅇ")
    expect(options(jimin)).to_have_count(0)
    expect(composer).not_to_have_attribute("aria-activedescendant", re.compile("."))
    # An address is nobody.
    composer.fill("")
    begin(jimin, "a@서")
    expect(options(jimin)).to_have_count(0)
    begin(jimin, " @")
    expect(options(jimin)).to_have_count(3)
    # A list that is open takes the Enter, and one of nobody does not.
    composer.press_sequentially("xyz")
    expect(options(jimin)).to_have_count(0)
    composer.press("Enter")
    jimin.sees("a@서 @xyz")
    # What is taken back by Ctrl+Z is nobody again.
    begin(jimin, "@도윤")
    expect(options(jimin)).to_have_count(1)
    composer.press("Enter")
    expect(composer).to_have_value("@도윤 ")
    composer.press("Backspace")
    composer.press("Backspace")
    composer.press_sequentially("x")
    composer.press("Enter")
    jimin.sees("@도x")
    expect(jimin.chat("@도x").locator(".mention")).to_have_count(0)
