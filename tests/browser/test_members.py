"""Who is in a room, who is there, and who is writing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.people import DESKTOP, PHONE, Person, friend_in
from tests.support.site import new_person as new_visitor
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
DEVICES = pytest.mark.parametrize(
    "device", [TOUCH, {"viewport": DESKTOP}], ids=["phone", "desktop"]
)
ENGLISH: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-US"}


@DEVICES
def test_who_is_there_is_seen_and_who_goes(
    person: People, stack_site: StackSite, device: dict[str, Any]
) -> None:
    jimin = person(**device)
    jimin.has_a_clock()
    jimin.is_signed_in_as("지민")
    haeun, alex = new_visitor(stack_site, "하은").chat(), person("Alex")
    name = unique("멤버")
    room_id = haeun.ask("room.open", name=name)["room"]["room_id"]
    alex.open_room(name)
    jimin.open_room(name)
    page = jimin.page
    button = page.get_by_test_id("show-members")
    button.click()
    present = page.get_by_test_id("present")
    expect(present).to_have_text("3명 중 3명 접속 중")
    lines = page.get_by_test_id("member")
    # The host, oneself, and the others.
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("하은")
    expect(lines.nth(0).get_by_test_id("host")).to_have_text("방장")
    expect(lines.nth(1)).to_contain_text("지민")
    expect(lines.nth(1)).to_contain_text("나")
    expect(lines.nth(2)).to_contain_text("Alex")
    expect(lines.nth(2)).to_contain_text("접속 중")
    if device is TOUCH:
        box = page.get_by_role("complementary", name="멤버").bounding_box()
        assert box is not None
        assert box["width"] == PHONE["width"]
    alex.page.close()
    while haeun.ask("room.present", room_id=room_id)["count"] > 2:  # the server learns of it soon
        pass
    # It is asked for now and then.
    jimin.lets_time_pass("00:31")
    expect(present).to_have_text("3명 중 2명 접속 중")
    expect(lines.nth(2)).to_have_attribute("data-present", "false")
    expect(lines.nth(2)).to_contain_text("접속하지 않음")
    page.keyboard.press("Escape")
    expect(lines).to_have_count(0)
    expect(button).to_be_focused()
    haeun.close()


def test_who_comes_is_seen_at_once(person: People) -> None:
    alex, jimin = person("Alex", **ENGLISH), person("지민")
    name = unique("Members")
    alex.open_room(name)
    alex.page.get_by_test_id("show-members").click()
    present = alex.page.get_by_test_id("present")
    expect(present).to_have_text("1 of 1 online")
    jimin.open_room(name)
    expect(present).to_have_text("2 of 2 online")
    jimin.page.get_by_test_id("room-settings").click()
    jimin.page.get_by_test_id("leave-room").click()
    jimin.page.get_by_test_id("leave-confirm").click()
    expect(present).to_have_text("1 of 1 online")
    expect(alex.page.get_by_test_id("member")).to_have_count(1)


def refuse(commands: set[str]) -> Callable[[WebSocketRoute], None]:
    """The server answers commands of these types with an error, as long as they are in the set."""

    def handle(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        def on_command(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] in commands:
                error = {"type": "error", "code": "internal", "message": "", "ref": frame["ref"]}
                client.send(json.dumps(error))
            else:
                server.send(message)

        client.on_message(on_command)

    return handle


def test_members_that_could_not_be_loaded_can_be_asked_for_again(person: People) -> None:
    jimin = person()
    refused = {"room.members", "room.present"}
    jimin.page.route_web_socket("**/ws", refuse(refused))
    jimin.is_signed_in_as("지민")
    jimin.open_room(unique("실패"))
    jimin.page.get_by_test_id("show-members").click()
    panel = jimin.page.get_by_role("complementary", name="멤버")
    expect(panel.get_by_role("alert")).to_have_text("멤버를 불러오지 못했습니다.")
    expect(jimin.page.get_by_test_id("present")).to_have_text("누가 접속 중인지 알 수 없습니다.")
    refused.clear()
    panel.get_by_role("button", name="다시 시도").click()
    expect(jimin.page.get_by_test_id("member")).to_have_count(1)
    expect(panel.get_by_role("alert")).to_have_count(0)


def test_who_is_writing_is_seen(person: People, stack_site: StackSite) -> None:
    jimin, alex = person("지민"), person("Alex", **ENGLISH)
    name = unique("입력")
    room_id = jimin.open_room(name)
    alex.open_room(name)
    here, there = (someone.page.get_by_test_id("typing") for someone in (jimin, alex))
    expect(here).to_be_empty()
    alex.page.get_by_test_id("composer").press_sequentially("Hel")
    expect(here).to_have_text("Alex님이 입력 중…")
    jimin.page.get_by_test_id("composer").press_sequentially("안")
    expect(there).to_have_text("지민 is typing…")
    alex.say("Hello")
    # What was being written has come.
    expect(here).to_be_empty()
    jimin.say("안녕하세요")
    friends = [friend_in(stack_site, room_id, nickname) for nickname in ("하은", "도윤", "서연")]
    for count, (korean, english) in enumerate(
        [
            ("하은님이 입력 중…", "하은 is typing…"),
            ("하은님, 도윤님이 입력 중…", "하은 and 도윤 are typing…"),
            ("3명이 입력 중…", "3 people are typing…"),
        ],
        start=1,
    ):
        # Who was seen to write a while ago may have stopped in the meantime.
        for friend in friends[:count]:
            friend.ask("typing.signal", room_id=room_id)
        expect(here).to_have_text(korean)
        expect(there).to_have_text(english)
    for friend in friends:
        friend.close()
