"""Inviting somebody: a link and its QR code, and what a stranger sees who follows it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import zxingcpp
from playwright.sync_api import Locator, expect

from tests.browser.axe import violations
from tests.browser.people import DESKTOP, PHONE, Person
from tests.support.site import unique

People = Callable[..., Person]

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
#: The brightness of each pixel of a PNG, its width and its height.
PIXELS = """
async (png) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const bright = [];
  for (let i = 0; i < data.length; i += 4) {
    bright.push(Math.round((data[i] + data[i + 1] + data[i + 2]) / 3));
  }
  return { bright, width, height };
}
"""


def scanned(code: Locator) -> list[str]:
    """What a scanner reads in what is seen there."""
    shot = base64.b64encode(code.screenshot()).decode()
    seen = code.page.evaluate(PIXELS, shot)
    image = memoryview(bytes(seen["bright"])).cast("B", (seen["height"], seen["width"]))
    return [found.text for found in zxingcpp.read_barcodes(image)]


def test_a_stranger_is_led_by_a_code_through_signing_in_into_the_room(person: People) -> None:
    host = person("하은", viewport=DESKTOP)
    name = unique("초대")
    room_id = host.open_room(name)
    page = host.page
    page.get_by_test_id("show-members").click()
    page.get_by_test_id("invite").click()
    page.get_by_test_id("invite-uses").select_option("1")
    page.get_by_test_id("invite-create").click()
    url = page.get_by_test_id("invite-url").input_value()
    assert url.startswith(f"{host.origin}/i/{room_id}/")
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        assert scanned(page.get_by_test_id("qr")) == [url]
    assert violations(page) == []
    expect(page.get_by_test_id("invite-entry")).to_contain_text("1명 남음")

    guest = person(locale="en-US", **TOUCH)
    guest.page.goto(url)
    card = guest.page.get_by_test_id("invitation")
    expect(card).to_contain_text(name)
    expect(card).to_contain_text("1 person is in it now")
    assert violations(guest.page) == []
    # The page's own button leads back here, and so does that over every page.
    kakao = guest.page.locator('a[href^="/api/auth/kakao"]')
    guest.page.get_by_role("link", name="Sign in", exact=True).click()
    expect(kakao).to_have_attribute("href", re.compile(rf"next=%2Fi%2F{room_id}%2F"))
    guest.page.go_back()
    guest.page.get_by_test_id("invitation-sign-in").click()
    guest.press_sign_in()
    guest.decide("Alex")
    guest.agrees()
    guest.page.wait_for_url(url)
    guest.page.get_by_test_id("invitation-join").click()
    guest.page.wait_for_url(f"**/rooms/{room_id}")
    expect(guest.page.get_by_test_id("composer")).to_be_enabled()
    guest.say("Hello!")
    host.sees("Hello!")

    # It has let in whom it could: the next is told so, and who is in finds the way.
    late = person(**TOUCH)
    late.page.goto(url)
    expect(late.page.get_by_role("alert")).to_contain_text("정해진 인원이 모두 들어가")
    guest.page.goto(url)
    guest.page.get_by_role("link", name="Go to the room").click()
    guest.sees("Hello!")


def test_a_link_is_copied_and_revoked(person: People) -> None:
    host = person("하은", permissions=["clipboard-read", "clipboard-write"], **TOUCH)
    host.open_room(unique("초대"))
    page = host.page
    page.get_by_test_id("show-members").click()
    page.get_by_test_id("invite").click()
    page.get_by_test_id("invite-create").click()
    page.get_by_test_id("invite-copy").click()
    expect(page.get_by_test_id("invite-copy")).to_have_text("복사했어요")
    url = page.evaluate("navigator.clipboard.readText()")
    assert url == page.get_by_test_id("invite-url").input_value()
    # It is there again, as long as the page is.
    page.get_by_test_id("invite-close").click()
    page.get_by_test_id("invite").click()
    expect(page.get_by_test_id("invite-url")).to_have_value(url)
    page.get_by_test_id("invite-revoke").click()
    expect(page.get_by_test_id("invite-entry")).to_have_count(0)
    expect(page.get_by_test_id("qr")).to_have_count(0)
    minsu = person("민수", **TOUCH)
    minsu.page.goto(url)
    expect(minsu.page.get_by_role("alert")).to_contain_text("만료되었거나 취소된 초대입니다")
