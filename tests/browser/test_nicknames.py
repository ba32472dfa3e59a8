"""Going by another name in one room."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, Person
from tests.integration.test_conversation import say
from tests.support.site import new_person as new_visitor
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
ENGLISH: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-US"}


def test_ones_name_in_a_room_is_taken_and_taken_back(person: People, stack_site: StackSite) -> None:
    alex, other = person("Alex", **ENGLISH), new_visitor(stack_site, "Sam").chat()
    room_id = alex.open_room(unique("names"))
    other.ask("room.enter", room_id=room_id)
    page = alex.page
    page.get_by_test_id("show-members").click()
    me = page.get_by_test_id("member").filter(has_text="Alex")
    me.get_by_test_id("change-nickname").click()
    dialog = page.get_by_test_id("nickname-dialog")
    field, save = (
        dialog.get_by_test_id("room-nickname"),
        dialog.get_by_test_id("room-nickname-save"),
    )
    expect(field).to_be_focused()
    expect(save).to_be_disabled()
    field.fill("a" * 21)
    expect(dialog).to_contain_text("At most 20 characters.")
    expect(save).to_be_disabled()
    # What the server refuses is said beside the field.
    field.fill("fuck")
    save.click()
    expect(dialog.get_by_role("alert")).to_contain_text("word")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(" Running  Bear ")
    field.press("Enter")
    expect(dialog).to_have_count(0)
    expect(me).to_have_count(1)  # by the account's name, which is told to oneself
    expect(me).to_contain_text("Running Bear")
    expect(me.get_by_test_id("account-name")).to_have_text("Account: Alex")
    expect(page.get_by_test_id("notice").last).to_have_text(
        "Running Bear chose this name for this room."
    )
    notice = other.wait_for_entry(kind="nicknamed")
    assert notice["text"] == "Running Bear"
    assert "Alex" not in json.dumps(other.ask("room.members", room_id=room_id))
    # Too soon to be changed again: the person is told so, and what they wrote stays.
    me.get_by_test_id("change-nickname").click()
    expect(field).to_have_value("Running Bear")
    field.fill("")
    save.click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(field).to_have_value("")
    dialog.press("Escape")
    expect(me.get_by_test_id("change-nickname")).to_be_focused()
    other.close()


def test_others_are_seen_by_their_names_in_each_room(person: People, stack_site: StackSite) -> None:
    jimin, account = person("지민", **TOUCH), unique("계정")[:20]
    haeun = new_visitor(stack_site, account).chat()
    room_id = jimin.open_room(unique("이름"))
    haeun.ask("room.enter", room_id=room_id)
    page = jimin.page
    jimin.say("하나")
    expect(jimin.chat("하나")).to_have_attribute("data-state", "sent")
    # In sight while it changes: nothing has to be loaded again.
    said = say(haeun, room_id, "안녕하세요")
    jimin.sees("안녕하세요")
    log = page.get_by_role("log")
    expect(log).to_contain_text(account)
    haeun.ask("room.set_nickname", room_id=room_id, nickname="달리기")
    expect(page.get_by_test_id("notice").last).to_have_text(
        "달리기님이 이 방에서 쓸 이름을 정했습니다."
    )
    expect(log).not_to_contain_text(account)
    haeun.ask("chat.react", room_id=room_id, seq=said["seq"], emoji="🏓")
    expect(page.locator(".reaction")).to_have_attribute("title", "달리기")
    composer = page.get_by_test_id("composer")
    composer.press_sequentially("@달")
    page.get_by_test_id("mention-option").filter(has_text="달리기").click()
    composer.press_sequentially("반가워요")
    composer.press("Enter")
    jimin.sees("@달리기 반가워요")
    haeun.ask("typing.signal", room_id=room_id)
    expect(page.get_by_test_id("typing")).to_contain_text("달리기")
    page.get_by_test_id("show-members").click()
    member = page.get_by_test_id("member").filter(has_text="달리기")
    member.get_by_test_id("person-actions").click()
    page.get_by_test_id("block-person").click()
    expect(page.get_by_test_id("block-dialog")).to_contain_text("달리기님을 차단할까요?")
    page.get_by_test_id("block-confirm").click()
    expect(member).to_contain_text("차단함")
    page.goto(f"{jimin.origin}/me")
    expect(page.get_by_test_id("blocked-people")).to_contain_text("달리기")
    page.get_by_test_id("unblock").click()
    page.goto(f"{jimin.origin}/rooms")
    expect(page.get_by_test_id("room-item")).to_contain_text("@달리기 반가워요")
    expect(page.get_by_test_id("room-item")).to_contain_text("달리기")
    expect(page.get_by_text(account)).to_have_count(0)
    # Elsewhere they are who they are.
    other = jimin.open_room(unique("다른 방"))
    haeun.ask("room.enter", room_id=other)
    say(haeun, other, "여기서는 저예요")
    jimin.sees("여기서는 저예요")
    expect(log).to_contain_text(account)
    haeun.close()
