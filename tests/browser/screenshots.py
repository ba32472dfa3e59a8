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
ROOM = "탁구 초보 모여라"
#: Who speaks, what, and the beginning of the chat that it answers. ``@…`` is somebody in the room.
CONVERSATION = [
    (0, "안녕하세요! 여기 처음이에요 🙂", ""),
    (1, "어서 오세요~ 저는 부산이에요", ""),
    (0, "저는 서울! 탁구 배운 지 한 달 됐어요", ""),
    (2, "와 저도 한 달이요. 서브가 자꾸 네트에 걸려요 ㅠㅠ", ""),
    (1, "라켓을 조금 더 세워 보세요. 저도 그러다 나았어요", "와 저도 한 달이요"),
    (0, "라켓은 다들 뭐 쓰세요?\n저는 동네 문방구에서 산 거요 ㅎㅎ", ""),
    (2, "입문용 세트요! 이거 괜찮아요 https://example.com/racket", ""),
    (1, "@서연 @하늘 다음 주말에 온라인 말고 진짜 핑퐁 어때요? 🏓", ""),
]


def write(someone: Person, text: str) -> None:
    """Write a chat as people do: who is meant is chosen from the list."""
    composer = someone.page.get_by_test_id("composer")
    composer.focus()
    for number, part in enumerate(text.split("@")):
        name, _, rest = part.partition(" ") if number else ("", "", part)
        if name:
            composer.press_sequentially(f"@{name}")
            someone.page.get_by_test_id("mention-option").first.click()
        someone.page.keyboard.insert_text(rest)
    composer.press("Enter")


def converse(people: list[Person], name: str) -> None:
    """A lifelike conversation, each chat seen by all before the next."""
    for someone in people:
        someone.open_room(name)
    for speaker, text, answered in CONVERSATION:
        if answered:
            open_menu(people[speaker], answered).get_by_test_id("reply-chat").click()
        write(people[speaker], text)
        beginning = text.splitlines()[0].rpartition("@")[2]
        for someone in people:
            someone.sees(beginning)
            expect(someone.chat(beginning)).to_have_attribute("data-state", "sent")


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
        dark = new_person(browser, site, viewport=PHONE, device_scale_factor=2, color_scheme="dark")
        phone.page.goto(site.origin)
        expect(phone.page.get_by_role("heading", level=1)).to_be_visible()
        picture(phone.page, "landing-phone")
        people = [phone, desktop, dark]
        for someone, nickname in zip(people, ("서연", "도윤", "하늘"), strict=True):
            someone.sign_in(nickname)
        for other in ("새벽 감성 라디오", "부산 맛집 탐험대"):
            for someone in (desktop, dark):
                someone.open_room(other)
            dark.say("첫 글 남겨요")
            desktop.sees("첫 글 남겨요")
            desktop.page.goto(f"{site.origin}/rooms")
            dark.page.goto(f"{site.origin}/rooms")
        dark.open_room("부산 맛집 탐험대")
        dark.say("서면에 새로 생긴 밀면집 가 보신 분?")
        dark.page.goto(f"{site.origin}/rooms")
        converse(people, ROOM)
        react(desktop, "저는 동네 문방구에서 산 거요", "😂", people)
        react(phone, "다음 주말에 온라인 말고", "👍", people)
        react(dark, "다음 주말에 온라인 말고", "👍", people)
        for someone in people:
            someone.page.mouse.move(0, 0)
        desktop.page.get_by_test_id("composer").focus()
        expect(desktop.page.get_by_role("status").filter(has_text="찾")).to_have_count(0)
        picture(desktop.page, "chat-desktop")
        picture(phone.page, "chat-phone")
        picture(dark.page, "chat-phone-dark")
        open_menu(phone, "저는 동네 문방구에서 산 거요")
        picture(phone.page, "menu-phone")
        phone.page.keyboard.press("Escape")
        desktop.page.get_by_test_id("show-members").click()
        expect(desktop.page.get_by_test_id("present")).to_contain_text("3")
        picture(desktop.page, "members-desktop")
        dark.page.goto(f"{site.origin}/rooms")
        for room in dark.page.get_by_test_id("room-item").all():
            expect(room.locator(".room-members")).to_contain_text("도윤")
        picture(dark.page, "rooms-phone-dark")
        browser.close()


if __name__ == "__main__":
    main()
