"""What one does with a chat: its menu, reactions, editing, deleting, copying."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.people import DESKTOP, PHONE, Person, open_menu, says
from tests.support.site import unique

People = Callable[..., Person]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
LONG_PRESS_MS = 700


def long_press(page: Page, chat: Locator) -> None:
    """Rest a finger on a chat, as a touch screen tells it."""
    box = chat.locator(".bubble").bounding_box()
    assert box is not None
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    devtools = page.context.new_cdp_session(page)
    touch = {"type": "touchStart", "touchPoints": [point]}
    devtools.send("Input.dispatchTouchEvent", touch)
    menu = page.get_by_test_id("chat-menu")
    expect(menu.or_(page.get_by_test_id("chunk-loading"))).to_be_visible()
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(menu).to_be_visible()
    devtools.detach()


def pair(person: People) -> tuple[Person, Person]:
    """Somebody on a phone and somebody at a desk, in one room."""
    jimin = person("지민", **TOUCH)
    alex = person("Alex", viewport=DESKTOP, locale="en-US")
    name = unique("탁구")
    jimin.open_room(name)
    alex.open_room(name)
    jimin.say("안녕하세요")
    alex.sees("안녕하세요")
    alex.say("Hello there")
    jimin.sees("Hello there")
    return jimin, alex


def test_a_reaction_from_the_menu_and_from_its_chip(person: People) -> None:
    jimin, alex = pair(person)
    menu = open_menu(alex, "안녕하세요")
    # Somebody else's chat: nothing of what only its author may do.
    expect(menu.get_by_test_id("copy-chat")).to_be_visible()
    expect(menu.get_by_test_id("edit-chat")).to_have_count(0)
    expect(menu.get_by_test_id("delete-chat")).to_have_count(0)
    menu.get_by_role("menuitemcheckbox", name="👍").click()
    expect(menu).to_have_count(0)
    chip = alex.chat("안녕하세요").get_by_role("button", name="👍: 1 reaction")
    expect(chip).to_have_attribute("aria-pressed", "true")
    seen = jimin.chat("안녕하세요").get_by_role("button", name="👍 1, 반응")
    expect(seen).to_have_attribute("aria-pressed", "false")
    expect(seen).to_have_attribute("title", "Alex")
    seen.tap()
    expect(alex.chat("안녕하세요").get_by_role("button", name="👍: 2 reactions")).to_be_visible()
    alex.page.reload()
    chip = alex.chat("안녕하세요").get_by_role("button", name="👍: 2 reactions")
    expect(chip).to_have_attribute("title", re.compile("Alex.*지민|지민.*Alex"))
    chip.click()
    expect(jimin.chat("안녕하세요").get_by_role("button", name="👍 1, 반응")).to_be_visible()
    expect(alex.chat("안녕하세요").get_by_role("button", name="👍: 1 reaction")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_a_long_press_opens_the_menu_of_ones_own_chat(person: People) -> None:
    jimin, alex = pair(person)
    long_press(jimin.page, jimin.chat("안녕하세요"))
    menu = jimin.page.get_by_test_id("chat-menu")
    menu.evaluate("(menu) => Promise.all(menu.getAnimations().map((each) => each.finished))")
    box = menu.bounding_box()
    assert box is not None
    # A sheet at the bottom, as wide as the phone.
    assert box["width"] == PHONE["width"]
    assert box["y"] + box["height"] == pytest.approx(PHONE["height"], abs=1)
    menu.get_by_test_id("edit-chat").tap()
    composer = jimin.page.get_by_test_id("composer")
    expect(composer).to_be_focused()
    expect(composer).to_have_value("안녕하세요")
    expect(jimin.page.get_by_test_id("editing")).to_contain_text("고치는 중")
    jimin.say("안녕하세요, 여러분")
    expect(jimin.page.get_by_test_id("editing")).to_have_count(0)
    edited = alex.chat("안녕하세요, 여러분")
    expect(edited.get_by_test_id("edited")).to_be_visible()

    long_press(jimin.page, jimin.chat("안녕하세요, 여러분"))
    menu.get_by_test_id("delete-chat").tap()
    confirm = jimin.page.get_by_test_id("delete-confirm")
    expect(confirm).to_be_visible()
    confirm.tap()
    expect(alex.page.get_by_text("This message was deleted.").last).to_be_visible()
    jimin.sees("삭제된 메시지입니다.")
    # Nothing can be done with what is gone.
    expect(jimin.chat("삭제된 메시지입니다.").get_by_test_id("chat-actions")).to_have_count(0)


def test_the_finger_that_asked_for_the_menu_chooses_nothing(person: People) -> None:
    """Where it goes up there may be something of the menu by then."""
    jimin, _ = pair(person)
    page = jimin.page
    elsewhere, room_id = jimin.elsewhere(), page.url.rsplit("/", 1)[1]
    for number in range(16):
        says(elsewhere, room_id, f"더 아래로 {number:02}")
    elsewhere.close()
    jimin.sees("더 아래로 15")
    # Once with the code loaded before, as a finger then goes up over the menu itself.
    long_press(page, jimin.chat("더 아래로 15"))
    menu = page.get_by_test_id("chat-menu")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    long_press(page, jimin.chat("더 아래로 15"))
    expect(menu).to_be_visible()
    expect(page.get_by_test_id("reactions")).to_have_count(0)
    expect(page.get_by_test_id("editing")).to_have_count(0)
    expect(page.get_by_test_id("delete-dialog")).to_have_count(0)


def test_the_finger_that_asked_for_the_menu_does_not_close_it(person: People) -> None:
    """Also when its code is still on its way as the finger goes up."""
    jimin, _ = pair(person)
    waiting: list[Route] = []
    jimin.page.route("**/assets/actions-*.js", lambda route: waiting.append(route))
    # Who has written has it already, for those whom one may mean.
    jimin.page.reload()
    chat = jimin.chat("안녕하세요").locator(".bubble")
    expect(chat).to_be_visible()
    box = chat.bounding_box()
    assert box is not None
    devtools = jimin.page.context.new_cdp_session(jimin.page)
    point = {"x": box["x"] + 5, "y": box["y"] + 5}
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    loading = jimin.page.get_by_test_id("chunk-loading")
    expect(loading).to_be_visible()
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    # What the finger does is told as a click, where it was, which is beside the dialog by now.
    loading.dispatch_event("click")
    expect(loading).to_be_visible()
    for route in waiting:
        route.continue_()
    expect(jimin.page.get_by_test_id("chat-menu")).to_be_visible()


def test_a_finger_that_scrolls_asks_for_nothing(person: People) -> None:
    jimin, _ = pair(person)
    chat = jimin.chat("안녕하세요")
    box = chat.locator(".bubble").bounding_box()
    assert box is not None
    devtools = jimin.page.context.new_cdp_session(jimin.page)
    x, y = box["x"] + 5, box["y"] + 5
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x, "y": y + 60}]),
    ):
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    jimin.page.wait_for_timeout(LONG_PRESS_MS)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(jimin.page.locator("dialog")).to_have_count(0)


def test_a_button_that_a_finger_sees_works(person: People) -> None:
    """A tap shows the button of a chat, as the chat has the focus then."""
    jimin, _ = pair(person)
    chat = jimin.chat("안녕하세요")
    button = chat.get_by_test_id("chat-actions")
    expect(button).to_have_css("opacity", "0")
    expect(button).to_have_css("pointer-events", "none")
    chat.locator(".bubble").tap()
    expect(button).to_have_css("opacity", "1")
    button.tap()
    expect(jimin.page.get_by_test_id("chat-menu")).to_be_visible()


def test_all_of_a_menu_can_be_reached_on_a_low_screen(person: People) -> None:
    jimin, _ = pair(person)
    page = jimin.page
    long_press(page, jimin.chat("안녕하세요"))
    page.set_viewport_size({"width": 568, "height": 200})
    menu = page.get_by_test_id("chat-menu")
    last = menu.get_by_test_id("delete-chat")
    expect(last).not_to_be_in_viewport()
    box = menu.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 2_000)
    expect(last).to_be_in_viewport(ratio=1)


def test_a_menu_shows_two_whole_lines_of_its_chat(person: People) -> None:
    """And nothing of a third."""
    jimin, alex = pair(person)
    alex.say("\n".join(f"줄 {number}" for number in range(5)))
    jimin.sees("줄 4")
    long_press(jimin.page, jimin.chat("줄 4"))
    seen = jimin.page.locator(".sheet .acting-text").evaluate(
        """(box) => {
          const range = document.createRange();
          range.selectNodeContents(box);
          const { bottom } = box.getBoundingClientRect();
          const tops = [...range.getClientRects()].map((line) => Math.round(line.top));
          return new Set(tops.filter((top) => top < bottom - 1)).size;
        }"""
    )
    assert seen == 2


def test_all_of_it_by_keyboard(person: People) -> None:
    _, alex = pair(person)
    page = alex.page
    composer = page.get_by_test_id("composer")
    composer.focus()
    page.keyboard.press("Shift+Tab")
    log = page.get_by_role("log")
    expect(log).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(alex.chat("Hello there")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(alex.chat("안녕하세요")).to_be_focused()
    page.keyboard.press("Enter")
    menu = page.get_by_test_id("chat-menu")
    expect(menu.get_by_role("menuitemcheckbox", name="👍")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(menu.get_by_role("menuitemcheckbox", name="❤️")).to_be_focused()
    for item in ("reply-chat", "copy-chat", "block-person", "report"):
        page.keyboard.press("ArrowDown")
        expect(menu.get_by_test_id(item)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitemcheckbox", name="👍")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(alex.chat("안녕하세요")).to_be_focused()
    page.keyboard.press("Shift+F10")
    expect(menu).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    chip = alex.chat("안녕하세요").get_by_role("button", name="❤️")
    expect(chip).to_have_attribute("aria-pressed", "true")
    # The chat that has the focus lets the Tab key into it: its button, its chips.
    expect(alex.chat("안녕하세요")).to_be_focused()
    page.keyboard.press("Tab")
    expect(alex.chat("안녕하세요").get_by_test_id("chat-actions")).to_be_focused()
    page.keyboard.press("Tab")
    expect(chip).to_be_focused()
    page.keyboard.press("Tab")
    expect(composer).to_be_focused()


def test_editing_with_the_arrow_key_keeps_the_draft(person: People) -> None:
    jimin, alex = pair(person)
    page = alex.page
    composer = page.get_by_test_id("composer")
    composer.fill("a draft")
    alex.chat("Hello there").hover()
    open_menu(alex, "Hello there").get_by_test_id("edit-chat").click()
    expect(composer).to_have_value("Hello there")
    page.keyboard.press("Escape")
    expect(composer).to_have_value("a draft")
    expect(composer).to_be_focused()
    composer.fill("")
    page.keyboard.press("ArrowUp")
    expect(composer).to_have_value("Hello there")
    composer.fill("Hello, all")
    page.keyboard.press("Enter")
    jimin.sees("Hello, all")
    expect(composer).to_have_value("")


def test_a_draft_survives_a_reload_and_not_a_sign_out(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("탁구"))
    page = jimin.page
    composer = page.get_by_test_id("composer")
    composer.fill("쓰다 만 글")
    page.reload()
    expect(composer).to_have_value("쓰다 만 글")
    page.goto(f"{jimin.origin}/me")
    page.get_by_test_id("sign-out").click()
    page.wait_for_url(f"{jimin.origin}/")
    assert "쓰다 만 글" not in page.evaluate("JSON.stringify({...localStorage})")


def test_an_edit_of_what_was_deleted_meanwhile_keeps_the_words(person: People) -> None:
    jimin, alex = pair(person)
    other = alex.page.context.new_page()
    other.goto(alex.page.url)
    expect(other.get_by_text("Hello there").last).to_be_visible()
    alex.page.get_by_test_id("composer").press("ArrowUp")
    alex.page.get_by_test_id("composer").fill("words that took time")
    elsewhere = Person(other, alex.site)
    open_menu(elsewhere, "Hello there").get_by_test_id("delete-chat").click()
    other.get_by_test_id("delete-confirm").click()
    jimin.sees("삭제된 메시지입니다.")
    alex.page.get_by_test_id("composer").press("Enter")
    failed = alex.page.get_by_role("alert").filter(has_text="Not changed")
    expect(failed).to_contain_text("deleted")
    failed.get_by_test_id("edit-send").click()
    expect(alex.page.get_by_test_id("composer")).to_have_value("words that took time")
    expect(failed).to_have_count(0)


def test_a_change_made_offline_is_shown_and_made_later(person: People) -> None:
    jimin, alex = pair(person)
    alex.goes_offline()
    alex.page.get_by_test_id("composer").press("ArrowUp")
    alex.say("Hello from the tunnel")
    alex.sees("Hello from the tunnel")
    alex.comes_online()
    jimin.sees("Hello from the tunnel")


def test_copying(person: People) -> None:
    _, alex = pair(person)
    alex.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alex.origin)
    open_menu(alex, "안녕하세요").get_by_test_id("copy-chat").click()
    expect(alex.page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert alex.page.evaluate("navigator.clipboard.readText()") == "안녕하세요"
    # It goes with its words: no empty shape is left of it.
    is_empty_and_seen = """() => {
      const pill = document.querySelector('.pill');
      const isSeen = pill.checkVisibility({ visibilityProperty: true });
      return pill.textContent ? null : { isSeen };
    }"""
    gone = alex.page.wait_for_function(is_empty_and_seen).json_value()
    assert gone == {"isSeen": False}


def test_the_menu_offline_says_so_and_comes_later(person: People) -> None:
    """Its code is loaded when it is needed first; that can fail, and be tried again."""
    _, alex = pair(person)
    page = alex.page

    def fail(route: Route) -> None:
        route.abort()

    page.route("**/assets/actions-*", fail)
    alex.chat("안녕하세요").hover()
    alex.chat("안녕하세요").get_by_test_id("chat-actions").click()
    loading = page.get_by_test_id("chunk-loading")
    expect(loading.get_by_role("alert")).to_contain_text("Could not load")
    retry = loading.get_by_role("button", name="Try again")
    page.unroute("**/assets/actions-*", fail)
    retry.click()
    expect(page.get_by_test_id("chat-menu")).to_be_visible()


@pytest.mark.parametrize("device", [TOUCH, {"viewport": DESKTOP}], ids=["phone", "desktop"])
def test_the_emoji_picker(person: People, device: dict[str, Any]) -> None:
    jimin, other = person("지민", **device), person("하은", viewport=DESKTOP)
    name = unique("탁구")
    jimin.open_room(name)
    other.open_room(name)
    jimin.say("좋은 아침")
    other.sees("좋은 아침")
    page = jimin.page

    def fail(route: Route) -> None:
        route.abort()

    page.route("**/assets/emoji-*", fail)
    if device is TOUCH:
        long_press(page, jimin.chat("좋은 아침"))
    else:
        open_menu(jimin, "좋은 아침")
    page.get_by_test_id("more-emoji").click()
    picker = page.get_by_test_id("emoji-picker")
    expect(picker.get_by_role("alert")).to_contain_text("불러오지 못했습니다")
    page.unroute("**/assets/emoji-*", fail)
    picker.get_by_role("button", name="다시 시도").click()
    expect(picker.get_by_role("region", name="표정과 감정")).to_be_visible()
    search = picker.get_by_test_id("emoji-search")
    search.fill("핑퐁")
    expect(picker.locator(".picker-grid .emoji")).to_have_text(["🏓"])
    search.fill("thumbs up")
    expect(picker.locator(".picker-grid .emoji").first).to_have_text("👍")
    search.fill("qwxz")
    expect(picker).to_contain_text("맞는 이모지가 없습니다")
    search.fill("흔드는 손")
    picker.get_by_test_id("skin-tone").select_option("3")
    search.press("ArrowDown")
    expect(picker.locator(".picker-grid .emoji").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(picker).to_have_count(0)
    expect(other.chat("좋은 아침").get_by_role("button", name="👋🏽 1, 반응")).to_be_visible()
    # It is among the recent ones the next time, and arrows go through the grid.
    if device is TOUCH:
        long_press(page, jimin.chat("좋은 아침"))
    else:
        open_menu(jimin, "좋은 아침")
    page.get_by_test_id("more-emoji").click()
    # On a phone its keyboard would cover what one wants to look at.
    if device is TOUCH:
        expect(picker.locator(".sheet-body")).to_be_focused()
    else:
        expect(search).to_be_focused()
    recent = picker.get_by_role("region", name="최근에 쓴 이모지")
    expect(recent.locator(".emoji")).to_have_text(["👋🏽"])
    search.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(picker.get_by_role("region", name="표정과 감정").locator(".emoji").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(picker).to_have_count(0)


def test_links_lead_where_they_say_and_scripts_nowhere(person: People) -> None:
    jimin, alex = pair(person)
    jimin.say("https://example.com/a에서 javascript:alert(1) https://аррӏе.com/x \u202egpj.exe")
    chat = alex.chat("javascript:alert(1)")
    links = chat.get_by_role("link")
    expect(links).to_have_count(2)
    expect(links.first).to_have_attribute("href", "https://example.com/a")
    expect(links.first).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    expect(links.first).to_have_attribute("target", "_blank")
    expect(links.last).to_have_text("https://xn--80ak6aa92e.com/x")
    jimin.say("🏓👍🏽")
    expect(alex.chat("🏓👍🏽").locator(".bubble.is-emoji")).to_be_visible()
