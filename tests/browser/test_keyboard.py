"""Everything by keyboard alone, with the focus always in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import DESKTOP, PHONE, Person
from tests.support.site import unique

People = Callable[..., Person]

#: Whether one sees what has the focus: it or the frame around it has an outline, on the screen.
IS_SEEN = """() => {
  const focused = document.activeElement;
  const isOutlined = (element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  };
  const { top, bottom, left, right } = focused.getBoundingClientRect();
  const isOnScreen = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  return isOnScreen && (isOutlined(focused) || isOutlined(focused.parentElement));
}"""
#: More stops than any page has.
STOPS_MAX = 40


def has_focus(target: Locator) -> bool:
    return bool(target.evaluate("(element) => element === document.activeElement"))


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Go there by Tab; on the way one sees where one is."""
    expect(target).to_be_visible()
    for _ in range(STOPS_MAX):
        page.keyboard.press(key)
        on_page = page.evaluate("document.activeElement !== document.body")
        if on_page and "/oauth/" not in page.url:
            assert page.evaluate(IS_SEEN), page.evaluate("document.activeElement.outerHTML")
        if has_focus(target):
            return
    raise AssertionError(f"no way by {key} to {target}")


def stays_in(page: Page, dialog: Locator) -> None:
    """Tab goes round in a dialog (and the browser's own bar)."""
    for key in ("Tab", "Shift+Tab"):
        for _ in range(12):
            page.keyboard.press(key)
            assert dialog.evaluate(
                "(box) => box.contains(document.activeElement)"
                " || document.activeElement === document.body"
            )


@pytest.mark.parametrize(
    "device",
    [{"viewport": PHONE}, {"viewport": DESKTOP, "locale": "en-US"}],
    ids=["phone", "desktop"],
)
def test_from_the_landing_page_to_leaving_a_room(person: People, device: dict[str, Any]) -> None:
    someone = person(**device)
    page = someone.page
    press, type_ = page.keyboard.press, page.keyboard.type

    page.goto(someone.origin)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, page.locator('main a[href^="/api/auth/kakao"]').first)
    press("Enter")
    page.wait_for_url("**/oauth/authorize**")
    tab_to(page, page.locator("summary"))
    press("Enter")
    tab_to(page, page.locator('input[name="nickname"]'))
    type_("지민")
    tab_to(page, page.locator("details button"))
    press("Enter")
    # Agree, to the first as to all.
    tab_to(page, page.get_by_test_id("consent-all"))
    press("Space")
    tab_to(page, page.get_by_test_id("consent-start"))
    press("Enter")
    page.wait_for_url(f"{someone.origin}/rooms")

    # Into a room, and say something.
    box = page.get_by_test_id("open-room-input")
    tab_to(page, box)
    type_(unique("탁구"))
    press("Enter")
    composer = page.get_by_test_id("composer")
    expect(composer).to_be_enabled()
    if not has_focus(composer):
        tab_to(page, composer)
    type_("hello")
    press("Shift+Enter")
    type_("there")
    press("Enter")
    chat = someone.chat("hello")
    expect(chat).to_have_attribute("data-state", "sent")
    assert someone.texts() == ["hello\nthere"]
    expect(composer).to_be_focused()

    # React, change, delete.
    log = page.get_by_role("log")
    tab_to(page, log, "Shift+Tab")
    press("ArrowUp")
    expect(chat).to_be_focused()
    press("Enter")
    menu = page.get_by_test_id("chat-menu")
    expect(menu).to_be_visible()
    stays_in(page, menu)
    press("Escape")
    expect(chat).to_be_focused()
    press("Enter")
    go_to_item(page, menu.get_by_role("menuitemcheckbox", name="👍"))
    press("Enter")
    expect(chat.get_by_role("button", name="👍")).to_have_attribute("aria-pressed", "true")
    expect(chat).to_be_focused()
    press("Enter")
    go_to_item(page, menu.get_by_test_id("edit-chat"))
    press("Enter")
    expect(composer).to_be_focused()
    type_("!")
    press("Enter")
    expect(chat.get_by_test_id("edited")).to_be_visible()
    expect(composer).to_be_focused()
    tab_to(page, log, "Shift+Tab") if not has_focus(chat) else None
    if not has_focus(chat):
        press("ArrowUp")
    expect(chat).to_be_focused()
    press("Enter")
    go_to_item(page, menu.get_by_test_id("delete-chat"))
    press("Enter")
    dialog = page.get_by_test_id("delete-dialog")
    expect(dialog).to_be_visible()
    stays_in(page, dialog)
    press("Escape")
    expect(dialog).to_have_count(0)
    expect(chat).to_be_focused()
    press("Enter")
    go_to_item(page, menu.get_by_test_id("delete-chat"))
    press("Enter")
    tab_to_in(page, page.get_by_test_id("delete-confirm"))
    press("Enter")
    expect(page.locator(".is-deleted")).to_be_visible()
    # Not lost: the next key goes on from where one was.
    expect(page.get_by_test_id("chat-entry")).to_be_focused()

    # Members and leaving; what is closed gives the focus back.
    members = page.get_by_test_id("show-members")
    tab_to(page, members, "Shift+Tab")
    press("Enter")
    expect(page.get_by_test_id("member")).to_be_visible()
    press("Escape")
    expect(page.get_by_test_id("member")).to_have_count(0)
    expect(members).to_be_focused()
    settings = page.get_by_test_id("room-settings")
    tab_to(page, settings)
    press("Enter")
    dialog = page.get_by_test_id("settings-dialog")
    expect(dialog).to_be_visible()
    stays_in(page, dialog)
    leave = page.get_by_test_id("leave-room")
    tab_to_in(page, leave)
    press("Enter")
    dialog = page.get_by_test_id("leave-dialog")
    expect(dialog).to_be_visible()
    stays_in(page, dialog)
    press("Escape")
    expect(dialog).to_have_count(0)
    expect(settings).to_be_focused()
    press("Enter")
    tab_to_in(page, leave)
    press("Enter")
    tab_to_in(page, page.get_by_test_id("leave-confirm"))
    press("Enter")
    page.wait_for_url(f"{someone.origin}/rooms")
    expect(page.get_by_test_id("room-item")).to_have_count(0)


def go_to_item(page: Page, item: Locator) -> None:
    """Go through a menu by arrows."""
    expect(item).to_be_visible()
    for key in ("ArrowRight", "ArrowDown"):
        for _ in range(STOPS_MAX):
            if has_focus(item):
                assert page.evaluate(IS_SEEN)
                return
            page.keyboard.press(key)
    raise AssertionError(f"no way by arrows to {item}")


def tab_to_in(page: Page, target: Locator) -> None:
    """As `tab_to`, in a dialog; what it opens with may have the focus already."""
    expect(target).to_be_visible()
    if not has_focus(target):
        tab_to(page, target)


def test_my_page_by_keyboard(person: People) -> None:
    someone = person("지민")
    page = someone.page
    page.goto(f"{someone.origin}/me")
    name = page.get_by_test_id("nickname-input")
    tab_to(page, name)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("새 지민")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("nickname")).to_contain_text("새 지민")
    expect(name).to_be_focused()
    tab_to(page, page.locator('input[name="lang"]:checked'))
    page.keyboard.press("ArrowRight")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    withdraw = page.get_by_test_id("withdraw")
    tab_to(page, withdraw)
    page.keyboard.press("Enter")
    dialog = page.get_by_test_id("withdraw-dialog")
    expect(dialog).to_be_visible()
    stays_in(page, dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(withdraw).to_be_focused()
