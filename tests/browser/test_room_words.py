"""A room's own filter words: how a host says them, and what everybody sees of it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.people import PHONE, Person
from tests.support.site import new_person as new_visitor
from tests.support.site import unique
from tests.support.stack import StackSite


def test_a_host_chooses_what_is_masked(
    person: Callable[..., Person], stack_site: StackSite
) -> None:
    haeun = person("하은", viewport=PHONE, has_touch=True, is_mobile=True)
    page, name = haeun.page, unique("영화")
    haeun.open_room(name)
    minsu = new_visitor(stack_site, "민수").chat()
    room_id = minsu.ask("room.open", name=name)["room"]["room_id"]
    minsu.ask("room.enter", room_id=room_id)

    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("show-words").click()
    draft, words = page.get_by_test_id("word-draft"), page.get_by_test_id("word")
    save = page.get_by_test_id("words-save")
    expect(save).to_be_disabled()
    # By Enter and by a comma; what can't be stays to be mended, and is explained.
    draft.fill("스포일러")
    draft.press("Enter")
    draft.press_sequentially("결말,범인,")
    expect(words).to_have_count(3)
    expect(page.get_by_test_id("words-count")).to_have_text("3 / 30")
    draft.fill("나쁜 말, 반전")
    draft.press("Enter")
    expect(page.get_by_test_id("word-problem")).to_contain_text("나쁜 말")
    expect(draft).to_have_value("나쁜 말")
    expect(words).to_have_count(4)
    assert violations(page) == []
    # By key: from the empty field to the last one, and on.
    draft.fill("")
    draft.press("Backspace")
    expect(words.nth(3)).to_be_focused()
    words.nth(3).press("Delete")
    expect(words).to_have_count(3)
    expect(words.nth(2)).to_be_focused()
    words.nth(2).click()
    expect(words).to_have_count(2)
    # What is still written is meant, too.
    draft.fill("주인공")
    save.click()
    expect(page.get_by_test_id("words-dialog")).to_have_count(0)
    assert minsu.wait_for_entry(kind="words_changed")["text"] == "3"
    page.get_by_test_id("show-words").click()
    expect(words).to_have_count(3)
    page.get_by_test_id("words-dialog").get_by_role("button", name="취소").click()
    page.get_by_test_id("settings-close").click()

    minsu.ask("chat.send", room_id=room_id, text="스.포 일러: 주인공은", cid=unique("cid-"))
    haeun.sees("＊*＊*＊＊: ＊＊＊은")
    notice = page.get_by_test_id("notice").filter(has_text="금칙어를 바꾸었습니다")
    expect(notice).to_have_count(1)
    expect(notice).not_to_contain_text("스포일러")
