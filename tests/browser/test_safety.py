"""Blocking people, and reporting them or what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, Person
from tests.integration.test_conversation import say
from tests.support.site import new_person as new_visitor
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
ENGLISH: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-US"}
DEVICES = pytest.mark.parametrize(
    "device", [TOUCH, {"viewport": DESKTOP}], ids=["phone", "desktop"]
)


@DEVICES
def test_who_is_blocked_is_hidden_until_one_unblocks_them(
    person: People, stack_site: StackSite, device: dict[str, Any]
) -> None:
    jimin = person("지민", **device)
    haeun = new_visitor(stack_site, "하은").chat()
    room_id = jimin.open_room(unique("차단"))
    haeun.ask("room.enter", room_id=room_id)
    say(haeun, room_id, "심한 말 하나")
    say(haeun, room_id, "심한 말 둘")
    page = jimin.page
    jimin.sees("심한 말 둘")
    page.get_by_test_id("show-members").click()
    member = page.get_by_test_id("member").filter(has_text="하은")
    member.get_by_test_id("person-actions").click()
    page.get_by_test_id("block-person").click()
    expect(page.get_by_test_id("block-dialog")).to_contain_text("하은님을 차단할까요?")
    page.get_by_test_id("block-confirm").click()
    expect(member).to_contain_text("차단함")
    # Both are one line, also those that come later.
    hidden = page.get_by_test_id("hidden-chats")
    expect(hidden).to_have_text("차단한 사람의 메시지 2")
    say(haeun, room_id, "심한 말 셋")
    expect(hidden).to_have_text("차단한 사람의 메시지 3")
    expect(page.get_by_test_id("announcer")).not_to_contain_text("셋")
    expect(page.get_by_text("심한 말 셋")).to_have_count(0)
    page.get_by_role("complementary").press("Escape")
    hidden.click()
    jimin.sees("심한 말 셋")
    expect(page.get_by_test_id("chat-entry").first).to_be_focused()
    # In the list, too, and with no number.
    page.goto(f"{jimin.origin}/rooms")
    item = page.get_by_test_id("room-item")
    expect(item).to_contain_text("차단한 사람의 메시지")
    page.goto(f"{jimin.origin}/me")
    page.get_by_test_id("unblock").click()
    expect(page.get_by_test_id("blocked-people")).to_contain_text("차단한 사람이 없습니다.")
    page.goto(f"{jimin.origin}/rooms/{room_id}")
    jimin.sees("심한 말 하나")
    haeun.close()


def test_a_chat_is_reported_with_its_reason_and_its_writer_blocked(
    person: People, stack_site: StackSite
) -> None:
    alex = person("Alex", **ENGLISH)
    other = new_visitor(stack_site, "Sam").chat()
    room_id = alex.open_room(unique("report"))
    other.ask("room.enter", room_id=room_id)
    say(other, room_id, "send me money")
    page = alex.page
    alex.chat("send me money").hover()
    alex.chat("send me money").get_by_test_id("chat-actions").click()
    page.get_by_test_id("report").click()
    dialog = page.get_by_test_id("report-dialog")
    expect(dialog).to_contain_text("send me money")
    expect(page.get_by_test_id("report-send")).to_be_disabled()
    dialog.get_by_text("Fraud or impersonation").click()
    page.get_by_test_id("report-note").fill("They write this to everybody.")
    page.get_by_test_id("report-block").check()
    page.get_by_test_id("report-send").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("hidden-chats")).to_be_visible()
    other.close()
