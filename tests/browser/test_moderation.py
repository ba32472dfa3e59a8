"""What hosts do to a room and those in it, and what these see of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, Person
from tests.support.chat import ChatClient
from tests.support.site import new_person as new_visitor
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
DEVICES = pytest.mark.parametrize(
    "device", [TOUCH, {"viewport": DESKTOP}], ids=["phone", "desktop"]
)
ENGLISH: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-US"}


def say(client: ChatClient, room_id: str, text: str) -> int:
    sent = client.ask("chat.send", room_id=room_id, text=text, cid=unique("cid-"))
    seq: int = sent["entry"]["seq"]
    return seq


@DEVICES
def test_a_host_rules_a_room(person: People, stack_site: StackSite, device: dict[str, Any]) -> None:
    haeun = person("하은", **device)
    page, name = haeun.page, unique("규칙")
    haeun.open_room(name)
    minsu = new_visitor(stack_site, "민수").chat()
    room_id = minsu.ask("room.open", name=name)["room"]["room_id"]
    minsu.ask("room.enter", room_id=room_id)
    said = say(minsu, room_id, "여기서 광고해도 되나요?")

    # From the member panel: a manager, who gets a tag.
    page.get_by_test_id("show-members").click()

    def manage() -> None:
        page.get_by_test_id("person-actions").click()
        page.get_by_test_id("manage-member").click()

    manage()
    page.get_by_test_id("set-role").click()
    dialog = page.get_by_test_id("member-dialog")
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("manager")).to_have_text("부방장")
    manage()
    page.get_by_test_id("set-role").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("manager")).to_have_count(0)
    # Silenced, which can be seen, and ended.
    manage()
    expect(page.get_by_test_id("silence-0")).to_have_count(0)
    page.get_by_test_id("silence").click()
    page.get_by_test_id("silence-600").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("silenced")).to_have_text("채팅 정지됨")
    manage()
    page.get_by_test_id("silence-0").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("silenced")).to_have_count(0)
    page.get_by_role("complementary").get_by_role("button", name="닫기").click()

    # A chat at the top of the room, folded and taken down again.
    chat = page.locator(f'[data-seq="{said}"]')
    chat.press("Enter")
    page.get_by_test_id("pin-chat").click()
    pin = page.get_by_test_id("pin")
    expect(pin).to_contain_text("여기서 광고해도 되나요?")
    expect(pin).to_contain_text("하은님이 올린 공지")
    page.get_by_test_id("pin-fold").click()
    expect(pin).not_to_contain_text("하은님이 올린 공지")
    page.get_by_test_id("pin-fold").click()

    # Somebody else's chat, deleted: it leaves the top, too.
    chat.press("Enter")
    page.get_by_test_id("delete-chat").click()
    page.get_by_test_id("delete-confirm").click()
    expect(chat).to_contain_text("방장이 삭제한 메시지입니다.")
    expect(pin).to_have_count(0)

    # The room's settings.
    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("slow").select_option("30")
    page.get_by_test_id("lock").check()
    minsu.wait_for_entry(kind="locked")
    page.get_by_test_id("settings-close").click()
    notices = page.get_by_test_id("notice")
    expect(notices.filter(has_text="슬로우 모드를 켰습니다. 30초에 한 번")).to_have_count(1)
    expect(notices.filter(has_text="방을 잠갔습니다")).to_have_count(1)

    # Out, for good; and let in again.
    page.get_by_test_id("show-members").click()
    manage()
    page.get_by_test_id("kick").click()
    page.get_by_test_id("ban").check()
    page.get_by_test_id("member-confirm").click()
    assert minsu.wait_for("room.left")["reason"] == "banned"
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("member")).to_have_count(1)
    page.get_by_role("complementary").get_by_role("button", name="닫기").click()
    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("show-bans").click()
    expect(page.get_by_test_id("ban-entry")).to_contain_text("민수")
    page.get_by_test_id("unban").click()
    expect(page.get_by_test_id("ban-entry")).to_have_count(0)
    minsu.close()


def test_who_is_put_out_sees_why(person: People, stack_site: StackSite) -> None:
    host = new_visitor(stack_site, "Host").chat()
    name = unique("Rules")
    room_id = host.ask("room.open", name=name)["room"]["room_id"]
    alex = person("Alex", **ENGLISH)
    alex.open_room(name)
    host.wait_for_entry(kind="joined")
    page = alex.page
    # Whoever is nobody's better is offered nothing.
    page.get_by_test_id("show-members").click()
    page.get_by_test_id("person-actions").click()
    expect(page.get_by_test_id("person-menu")).to_be_visible()
    expect(page.get_by_test_id("manage-member")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("person-menu")).to_have_count(0)
    (user_id,) = [
        each["user_id"]
        for each in host.ask("room.members", room_id=room_id)["members"]
        if each.get("role") != "host"
    ]
    host.ask("room.kick", room_id=room_id, user_id=user_id)
    expect(page.get_by_role("alert")).to_contain_text("You were removed from this room.")
    page.get_by_role("button", name="Enter again").click()
    host.wait_for_entry(kind="joined", user_id=user_id)
    expect(page.get_by_test_id("notice").filter(has_text="Host removed Alex.")).to_have_count(1)
    host.ask("room.kick", room_id=room_id, user_id=user_id, ban=True)
    expect(page.get_by_role("alert")).to_contain_text("does not let you come back")
    expect(page.get_by_role("button", name="Enter again")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("You are banned from this room.")
    host.close()
