"""Every size of screen and text: nothing is cut off, hidden by something else, or out of reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.people import PHONE, Person, open_menu, says
from tests.support.site import unique

People = Callable[..., Person]

SIZES: dict[str, dict[str, Any]] = {
    "zoom-200": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
    # 1280 pixels at 400 %: https://www.w3.org/WAI/WCAG22/Understanding/reflow.html
    "zoom-400": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
    "small-phone": {"viewport": {"width": 320, "height": 568}},
    "landscape": {"viewport": {"width": 844, "height": 390}},
}

#: Texts that do not fit into their button or link, and things to press that are out of reach.
CUT_OFF = """() => [...document.querySelectorAll('main :is(a, button, label, input), header a')]
  .filter((each) => each.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter((each) => !each.closest('.hidden') && getComputedStyle(each).display !== 'inline')
  .filter((each) => {
    const { left, right } = each.getBoundingClientRect();
    const isEllipsis = getComputedStyle(each).textOverflow === 'ellipsis';
    const isTooNarrow = each.scrollWidth > each.clientWidth + 1 && each.matches('.button, .kakao');
    return left < -1 || right > innerWidth + 1 || (isTooNarrow && !isEllipsis);
  })
  .map((each) => each.outerHTML.slice(0, 120))"""


def fits(page: Page) -> None:
    """Nothing is wider than the screen, or cut off."""
    width, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= room
    assert page.evaluate(CUT_OFF) == []


def box_of(page: Page, test_id: str) -> FloatRect:
    box = page.get_by_test_id(test_id).last.bounding_box()
    assert box is not None
    return box


def writing_is_in_sight(page: Page) -> None:
    """One sees what one writes, and what was said last."""
    expect(page.get_by_test_id("composer")).to_be_in_viewport(ratio=1)
    expect(page.get_by_test_id("send")).to_be_in_viewport(ratio=1)
    last, composer = box_of(page, "chat-entry"), box_of(page, "composer")
    assert last["y"] + last["height"] <= composer["y"] + 1
    expect(page.get_by_test_id("chat-entry").last).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits(person: People, size: str, locale: str) -> None:
    someone = person(locale=locale, **SIZES[size])
    page = someone.page
    page.goto(someone.origin)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    fits(page)
    page.goto(f"{someone.origin}/sign-in?error=kakao_unavailable")
    expect(page.get_by_test_id("sign-in-error")).to_be_visible()
    fits(page)
    page.goto(f"{someone.origin}/nowhere")
    expect(page.locator(".blank")).to_be_visible()
    fits(page)
    someone.is_signed_in_as("김" * 20)
    expect(page.locator(".blank").first).to_be_visible()
    fits(page)
    someone.open_room(unique("긴 이름의 방 "))
    for number in range(3):
        someone.say(f"이야기 {number}")
    expect(someone.chat("이야기 2")).to_have_attribute("data-state", "sent")
    fits(page)
    writing_is_in_sight(page)
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("member")).to_be_visible()
    fits(page)
    page.keyboard.press("Escape")
    open_menu(someone, "이야기 2")
    fits(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("room-settings").click()
    leave = page.get_by_test_id("leave-room")
    leave.scroll_into_view_if_needed()
    expect(leave).to_be_in_viewport(ratio=0.9)
    fits(page)
    leave.click()
    confirm = page.get_by_test_id("leave-confirm")
    confirm.scroll_into_view_if_needed()
    expect(confirm).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("Escape")
    page.goto(f"{someone.origin}/rooms")
    expect(page.get_by_test_id("room-item")).to_be_visible()
    fits(page)
    page.goto(f"{someone.origin}/me")
    expect(page.get_by_test_id("nickname")).to_contain_text("김")
    fits(page)
    page.get_by_test_id("withdraw").click()
    confirm = page.get_by_test_id("withdraw-confirm")
    confirm.scroll_into_view_if_needed()
    expect(confirm).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize(
    ("before", "after"),
    [(PHONE, {"width": 390, "height": 400}), ({"width": 844, "height": 390}, None)],
    ids=["portrait", "landscape"],
)
def test_a_keyboard_that_opens_hides_nothing(
    person: People, before: dict[str, int], after: dict[str, int] | None
) -> None:
    """`interactive-widget=resizes-content`: the page becomes as low as what is left."""
    someone = person("지민", viewport=before)
    page = someone.page
    room_id = someone.open_room(unique("자판"))
    elsewhere = someone.elsewhere()
    for number in range(25):
        says(elsewhere, room_id, f"이야기 {number:02}")
    elsewhere.close()
    expect(someone.chat("이야기 24")).to_have_attribute("data-state", "sent")
    page.get_by_test_id("composer").focus()
    page.set_viewport_size(after or {"width": 844, "height": 220})  # type: ignore[arg-type]
    writing_is_in_sight(page)
    # A chat of some lines leaves room for what is answered.
    page.get_by_test_id("composer").fill("\n".join("여러 줄" for _ in range(8)))
    expect(page.get_by_test_id("send")).to_be_in_viewport(ratio=1)
    log = page.get_by_role("log").bounding_box()
    assert log is not None
    assert log["height"] > 40


@pytest.mark.parametrize("width", [844, 932], ids=["one-pane", "two-panes"])
def test_nothing_to_press_is_under_a_notch_or_the_home_bar(person: People, width: int) -> None:
    someone = person("지민", viewport={"width": width, "height": 390})
    page = someone.page
    insets = {"top": 24, "left": 59, "right": 59, "bottom": 21}
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    inside = """({ top, left, right, bottom }) =>
      [...document.querySelectorAll('a, button, input, textarea, .bubble, h1, h2, li')]
        .filter((each) => each.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
        .filter((each) => !each.matches('.hidden, .hidden *, .skip, ul.room-list > li'))
        .filter((each) => {
          const box = each.getBoundingClientRect();
          const isScrolled = each.closest('.log, .room-list, .me, .landing, dialog');
          const isBelow = !isScrolled && box.bottom > innerHeight - bottom;
          // The room that is pressed may reach to the edge; what is in it must not.
          const { paddingLeft, paddingRight } = getComputedStyle(each);
          return box.left + parseFloat(paddingLeft) < left
            || box.right - parseFloat(paddingRight) > innerWidth - right
            || (!isScrolled && box.bottom > 0 && box.top + box.height / 2 < top) || isBelow;
        })
        .map((each) => each.outerHTML.slice(0, 60)
          + JSON.stringify(each.getBoundingClientRect()))"""
    name = unique("노치")
    someone.open_room(name)
    someone.say("가장자리")
    expect(someone.chat("가장자리")).to_have_attribute("data-state", "sent")
    assert page.evaluate(inside, insets) == []
    open_menu(someone, "가장자리")
    assert page.evaluate(inside, insets) == []
    page.keyboard.press("Escape")
    page.goto(f"{someone.origin}/rooms")
    expect(page.get_by_test_id("room-item")).to_be_visible()
    assert page.evaluate(inside, insets) == []
    page.goto(f"{someone.origin}/me")
    expect(page.get_by_test_id("nickname")).to_contain_text("지민")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert page.evaluate(inside, insets) == []


def test_nothing_moves_for_who_wants_no_motion(person: People) -> None:
    someone = person("지민", reduced_motion="reduce")
    page = someone.page
    moving = "document.getAnimations().map((each) => each.effect.target.className)"
    hung = page.context.new_page()
    hung.route_web_socket("**/ws", lambda _: None)
    hung.goto(f"{someone.origin}/rooms")
    expect(hung.locator(".skeleton").first).to_be_visible()
    assert hung.evaluate(moving) == []
    hung.close()
    someone.open_room(unique("멈춤"))
    someone.say("가만히")
    open_menu(someone, "가만히")
    assert page.evaluate(moving) == []
    page.keyboard.press("Escape")
    someone.goes_offline()
    expect(page.get_by_test_id("connection-status")).to_be_visible()
    assert page.evaluate(moving) == []
    someone.comes_online()
    page.goto(f"{someone.origin}/me")
    page.get_by_test_id("nickname-input").fill("새 지민")
    page.get_by_test_id("nickname-save").click()
    expect(page.get_by_role("status").filter(has_text="닉네임")).to_be_visible()
    assert page.evaluate(moving) == []


#: What tells one state from another, or a control from the page, by its colour alone.
EDGES: dict[str, str] = {
    ".is-own .bubble": "border-top-style",
    ".send": "border-top-style",
    ".reaction[aria-pressed='true']": "outline-style",
    ".room-item[aria-current]": "outline-style",
    ".badge, .tag, .avatar": "border-top-style",
}


def test_controls_are_seen_in_forced_colours(person: People) -> None:
    someone = person("지민", viewport={"width": 1440, "height": 900}, forced_colors="active")
    page = someone.page
    someone.open_room(unique("대비"))
    someone.say("보이나요")
    expect(someone.chat("보이나요")).to_have_attribute("data-state", "sent")
    open_menu(someone, "보이나요").get_by_role("menuitemcheckbox", name="👍").click()
    expect(page.locator(".reaction")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("host")).to_be_visible()
    styles: dict[str, Any] = {
        selector: page.locator(selector).first.evaluate(
            "(element, name) => getComputedStyle(element).getPropertyValue(name)", name
        )
        for selector, name in EDGES.items()
    }
    assert "none" not in styles.values(), styles
