"""Several tabs of one person agree."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.people import DESKTOP, Person, friend_in, says
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]


def another_tab(someone: Person, path: str) -> Person:
    """The same person, looking at something else, too."""
    page = someone.page.context.new_page()
    page.set_default_timeout(20_000)
    page.goto(someone.origin + path)
    return Person(page, someone.site)


def test_what_is_read_in_one_tab_is_read_in_the_other(
    person: People, stack_site: StackSite
) -> None:
    jimin = person("지민", viewport=DESKTOP)
    room_id = jimin.open_room(unique("두 탭"))
    friend = friend_in(stack_site, room_id)
    jimin.page.goto(f"{jimin.origin}/rooms")
    other = another_tab(jimin, "/rooms")
    says(friend, room_id, "읽어 줘요")
    for tab in (jimin, other):
        expect(tab.page.get_by_test_id("unread")).to_have_text("1")
        expect(tab.page).to_have_title("(1) 대화방 · Ping-Pong")
    other.page.bring_to_front()
    other.page.get_by_test_id("room-item").click()
    other.sees("읽어 줘요")
    for tab in (jimin, other):
        expect(tab.page.get_by_test_id("unread")).to_have_count(0)
    expect(jimin.page).to_have_title("대화방 · Ping-Pong")
    friend.close()


def test_what_is_said_in_one_tab_is_in_the_other_once(person: People) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("두 탭"))
    other = another_tab(jimin, f"/rooms/{room_id}")
    jimin.say("첫째 탭에서")
    other.sees("첫째 탭에서")
    other.say("둘째 탭에서")
    jimin.sees("둘째 탭에서")
    assert jimin.texts() == other.texts() == ["첫째 탭에서", "둘째 탭에서"]
    expect(other.chat("첫째 탭에서")).to_have_class("line is-own is-first is-sent")


def test_signing_out_in_one_tab_signs_out_the_other_at_once(person: People) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("나가기"))
    other = another_tab(jimin, f"/rooms/{room_id}")
    expect(other.page.get_by_test_id("composer")).to_be_enabled()
    jimin.page.goto(f"{jimin.origin}/me")
    jimin.page.get_by_test_id("sign-out").click()
    other.page.wait_for_url("**/sign-in?next=*")
    expect(other.page.get_by_test_id("sign-in-error")).to_have_attribute("data-code", "signed_out")


def test_a_tab_that_was_closed_leaves_its_chats_to_the_other(person: People) -> None:
    jimin = person("지민", viewport=DESKTOP)
    room_id = jimin.open_room(unique("닫힌 탭"))
    other = another_tab(jimin, "/rooms")
    swallowed: list[str] = []

    def swallow(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_server(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "chat.send":
                swallowed.append(frame["text"])
            else:
                server.send(text)

        socket.on_message(to_server)

    dying = another_tab(jimin, f"/rooms/{room_id}")
    dying.page.route_web_socket("**/ws", swallow)
    dying.page.reload()
    expect(dying.page.get_by_test_id("composer")).to_be_enabled()
    dying.say("마지막 말")
    expect(dying.chat("마지막 말")).to_have_attribute("data-state", "sending")
    dying.page.wait_for_function("Object.keys(localStorage).some(key => key.includes('outbox'))")
    dying.page.close()
    # Which shows the tab that was behind it.
    other.page.bring_to_front()
    other.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    jimin.sees("마지막 말")
    expect(jimin.chat("마지막 말")).to_have_attribute("data-state", "sent")
    assert swallowed == ["마지막 말"]
    expect(other.page.get_by_test_id("room-item")).to_contain_text("마지막 말")
