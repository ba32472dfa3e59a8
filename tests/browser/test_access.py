"""Who gets into a room, as its host sets it and as others see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.people import DESKTOP, PHONE, Person, friend_in
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}


def test_a_passcode_is_set_asked_for_and_told_wrong(person: People) -> None:
    host = person("하은", **TOUCH)
    name = unique("암호")
    host.open_room(name)
    host.page.get_by_test_id("room-settings").click()
    host.page.get_by_test_id("access-passcode").check()
    host.page.get_by_test_id("passcode-new").fill("1234")
    host.page.get_by_test_id("passcode-save").click()
    expect(host.page.get_by_text("참여 코드를 저장했습니다.")).to_be_visible()
    expect(host.page.get_by_test_id("passcode-new")).to_have_value("")
    expect(host.page.get_by_test_id("access-passcode")).to_be_checked()
    host.page.get_by_test_id("settings-close").click()
    notice = host.page.get_by_test_id("notice").filter(has_text="참여 코드로 들어오게 했습니다")
    expect(notice).to_have_count(1)

    guest = person("Alex", viewport=DESKTOP, locale="en-US")
    page = guest.page
    box = page.get_by_test_id("open-room-input")
    box.fill(name)
    box.press("Enter")
    code = page.get_by_test_id("passcode")
    code.fill("4321")
    code.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the passcode.")
    assert violations(page) == []
    code.fill("1234")
    code.press("Enter")
    expect(page.get_by_test_id("composer")).to_be_enabled()
    guest.say("Hello!")
    host.sees("Hello!")
    # Whom the host has not made a manager invites nobody here.
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("member")).to_have_count(2)
    expect(page.get_by_test_id("invite")).to_have_count(0)


def test_a_room_is_made_private_and_small(person: People, stack_site: StackSite) -> None:
    host = person("하은", viewport=DESKTOP)
    name = unique("비공개")
    room_id = host.open_room(name)
    page = host.page
    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("capacity").fill("1")
    expect(page.get_by_test_id("capacity-save")).to_be_disabled()
    page.get_by_test_id("capacity").fill("2")
    page.get_by_test_id("capacity-save").click()
    expect(page.get_by_text("정원을 바꾸었습니다.")).to_be_visible()
    assert violations(page) == []
    page.get_by_test_id("settings-close").click()
    friend = friend_in(stack_site, room_id)
    late = person("민수", **TOUCH)
    late.page.goto(f"{late.origin}/rooms/{room_id}")
    expect(late.page.get_by_role("alert")).to_contain_text("정원이 찬 방입니다")
    friend.ask("room.leave", room_id=room_id)
    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("access-private").check()
    expect(page.get_by_test_id("access-private")).to_be_checked()
    page.get_by_test_id("settings-close").click()
    notices = page.get_by_test_id("notice")
    expect(notices.filter(has_text="초대받은 사람만 들어오게 했습니다")).to_have_count(1)
    expect(notices.filter(has_text="정원을 2명으로 정했습니다")).to_have_count(1)
    late.page.reload()
    expect(late.page.get_by_role("alert")).to_contain_text("초대받은 사람만 들어갈 수 있는 방")
    # By its name nobody finds it either.
    late.page.goto(f"{late.origin}/rooms")
    box = late.page.get_by_test_id("open-room-input")
    box.fill(name)
    box.press("Enter")
    expect(late.page.get_by_role("alert")).to_contain_text("이미 있는 대화방 이름입니다")
    # The host still invites.
    page.get_by_test_id("show-members").click()
    page.get_by_test_id("invite").click()
    page.get_by_test_id("invite-create").click()
    url = page.get_by_test_id("invite-url").input_value()
    late.page.goto(url)
    late.page.get_by_test_id("invitation-join").click()
    late.page.wait_for_url(f"**/rooms/{room_id}")
    expect(late.page.get_by_test_id("composer")).to_be_enabled()


def test_a_room_is_made_with_a_passcode(person: People) -> None:
    host = person("하은", **TOUCH)
    page = host.page
    page.get_by_test_id("new-room-open").click()
    page.get_by_test_id("new-room-name").fill(unique("새 방"))
    page.get_by_test_id("new-way-passcode").click()
    expect(page.get_by_test_id("new-room-make")).to_be_disabled()
    page.get_by_test_id("new-way-code").fill("1234")
    page.get_by_test_id("new-room-make").click()
    expect(page.get_by_test_id("composer")).to_be_enabled()
    page.get_by_test_id("room-settings").click()
    expect(page.get_by_test_id("access-passcode")).to_be_checked()
