"""Takes the pictures in docs/ from the running app: `make screenshots`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.people import (
    CHROMIUM,
    CHROMIUM_ARGUMENTS,
    DESKTOP,
    PHONE,
    Person,
    new_person,
    open_menu,
)
from tests.support.stack import ROOT, own_stack

PICTURES = ROOT / "docs" / "images"
CONVERSATION = [
    (0, "안녕하세요! 여기 처음이에요 🙂"),
    (1, "어서 오세요~ 저는 부산이에요"),
    (0, "저는 서울! 탁구 배운 지 한 달 됐어요"),
    (1, "오, 저도요. 라켓은 뭐 쓰세요?"),
    (0, "동네 문방구에서 산 거요 ㅎㅎ\n그래도 서브는 자신 있어요"),
    (1, "다음 주말에 온라인 말고 진짜 핑퐁 어때요? 🏓"),
]


def converse(people: list[Person], name: str) -> None:
    """A lifelike conversation, each chat seen by both before the next."""
    for someone in people:
        someone.open_room(name)
    for speaker, text in CONVERSATION:
        people[speaker].say(text)
        for someone in people:
            someone.sees(text.splitlines()[0])
            expect(someone.chat(text.splitlines()[0])).to_have_attribute("data-state", "sent")


def react(someone: Person, text: str, emoji: str, people: list[Person]) -> None:
    """React to a chat by its menu, and wait until everybody sees it."""
    open_menu(someone, text).get_by_role("menuitemcheckbox", name=emoji).click()
    for each in people:
        expect(each.chat(text).get_by_test_id("reactions")).to_contain_text(emoji)


def picture(page: Page, name: str) -> None:
    """Take a picture when nothing moves any more."""
    page.evaluate(
        """() => Promise.allSettled(document.getAnimations()
             .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
             .map((each) => each.finished))"""
    )
    page.screenshot(path=PICTURES / f"{name}.png")


def main() -> None:
    """Start a stack of its own, let two people talk, take the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        own_stack(Path(directory)) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        site = stack.site
        phone = new_person(browser, site, viewport=PHONE, device_scale_factor=2)
        desktop = new_person(browser, site, viewport=DESKTOP)
        phone.page.goto(site.origin)
        expect(phone.page.get_by_role("heading", level=1)).to_be_visible()
        picture(phone.page, "landing-phone")
        phone.sign_in("서연")
        desktop.sign_in("도윤")
        for other in ("새벽 감성 라디오", "부산 맛집 탐험대"):
            desktop.open_room(other)
            desktop.say("첫 글 남겨요")
            desktop.sees("첫 글 남겨요")
        people = [phone, desktop]
        converse(people, "탁구 초보 모여라")
        react(desktop, "동네 문방구에서 산 거요", "😂", people)
        react(phone, "다음 주말에 온라인 말고", "👍", people)
        desktop.page.mouse.move(0, 0)
        desktop.page.get_by_test_id("composer").focus()
        expect(desktop.page.get_by_role("status").filter(has_text="찾")).to_have_count(0)
        picture(desktop.page, "chat-desktop")
        picture(phone.page, "chat-phone")
        open_menu(phone, "동네 문방구에서 산 거요")
        picture(phone.page, "menu-phone")
        browser.close()


if __name__ == "__main__":
    main()
