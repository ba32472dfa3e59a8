"""The list of rooms, what a room can be set to, and how one notices what is new."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.people import DESKTOP, PHONE, Person, friend_in, says
from tests.support.site import Browser as Visitor
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
DEVICES = pytest.mark.parametrize(
    "device", [TOUCH, {"viewport": DESKTOP}], ids=["phone", "desktop"]
)
ENGLISH: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-US"}

#: Counts the tones that the page makes; a sound is two of them.
COUNT_TONES = """
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  const { dataset } = document.documentElement;
  dataset.tones = Number(dataset.tones ?? 0) + 1;
  start.apply(this, when);
};
"""


def another_tab(someone: Person, path: str) -> Person:
    """The same person, looking at something else, too."""
    page = someone.page.context.new_page()
    page.set_default_timeout(20_000)
    page.goto(someone.origin + path)
    return Person(page, someone.site)


def keep_back(command: str) -> Callable[[WebSocketRoute], None]:
    """What this page tells the server gets there, but for commands of one type."""

    def handle(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        def on_command(message: str | bytes) -> None:
            if json.loads(message)["type"] != command:
                server.send(message)

        client.on_message(on_command)

    return handle


def names(page: Page) -> list[str]:
    """Of the rooms in the list, as they are shown."""
    return page.locator(".room-name").all_inner_texts()


def open_settings(someone: Person) -> None:
    """Of the room that is open."""
    someone.page.get_by_test_id("room-settings").click()
    expect(someone.page.get_by_test_id("settings-dialog")).to_be_visible()


def hears(page: Page, tones: int) -> None:
    """So many tones have been made by now, or are any moment."""
    root = page.locator("html")
    if tones:
        expect(root).to_have_attribute("data-tones", str(tones))
    else:
        expect(root).not_to_have_attribute("data-tones", re.compile(""))


def icon(page: Page) -> str:
    """The name of the picture in the tab."""
    return str(page.locator("link[rel=icon]").get_attribute("href"))


@DEVICES
def test_the_box_looks_through_ones_own_rooms(
    person: People, stack_site: StackSite, device: dict[str, Any]
) -> None:
    jimin = person("지민", **device)
    tag = unique("")
    for name in ("주말 탁구 모임", "동네 책방", "Rally"):
        room_id = jimin.open_room(name + tag)
        jimin.page.goto(f"{jimin.origin}/rooms")
    friend_in(stack_site, room_id, "박도윤").close()
    page = jimin.page
    items = page.get_by_test_id("room-item")
    expect(items).to_have_count(3)
    expect(items.first).to_contain_text("박도윤")
    box = page.get_by_test_id("open-room-input")
    for typed, name in (("ㅌㄱ", "주말 탁구 모임"), ("책바", "동네 책방"), ("ㄷㅇ", "Rally")):
        box.fill(typed)
        expect(items).to_have_count(1)
        expect(items).to_contain_text(name)
    expect(page.get_by_role("status").filter(has_text="대화방 1개")).to_be_attached()
    # Not one of one's own: said clearly, with what to do.
    box.fill(f"없는 방{tag}")
    expect(items).to_have_count(0)
    expect(page.locator(".pane-list")).to_contain_text("내 대화방에는 없어요")
    page.get_by_test_id("open-named").click()
    expect(page.get_by_role("heading", level=None, name=f"없는 방{tag}")).to_be_visible()
    # One's own name in another case is one's own room: nothing is to be made.
    page.goto(f"{jimin.origin}/rooms")
    box.fill(f" RALLY{tag} ")
    expect(items).to_have_count(1)
    expect(page.get_by_test_id("open-named")).to_have_count(0)
    box.press("Escape")
    expect(items).to_have_count(4)


def test_the_list_by_keyboard(person: People) -> None:
    alex = person("Alex", **ENGLISH)
    for name in ("one", "two"):
        alex.open_room(unique(name))
    page = alex.page
    box = page.get_by_test_id("open-room-input")
    items = page.get_by_test_id("room-item")
    box.focus()
    page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.last).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    name = names(page)[1]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_test_id("composer")).to_be_focused()


def test_a_hundred_rooms_are_looked_through_at_once(person: People, stack_site: StackSite) -> None:
    visitor = Visitor(stack_site)
    visitor.sign_in("지민")
    chat = visitor.chat()
    tag = unique("")
    for number in range(100):
        room_id = chat.ask("room.open", name=f"방 {number:03}{tag}")["room"]["room_id"]
        chat.ask("room.enter", room_id=room_id)
    chat.close()
    jimin = person()
    jimin.page.context.add_cookies(
        [{"name": n, "value": v, "url": jimin.origin} for n, v in visitor.cookies.items()]
    )
    jimin.page.goto(f"{jimin.origin}/rooms")
    items = jimin.page.get_by_test_id("room-item")
    expect(items).to_have_count(100)
    box = jimin.page.get_by_test_id("open-room-input")
    box.fill("ㅂ 07")
    expect(items).to_have_count(10)
    box.fill("ㅂ 077")
    expect(items).to_have_count(1)
    box.fill("")
    expect(items).to_have_count(100)
    assert names(jimin.page)[0].startswith("방 099")


def test_what_was_begun_and_what_did_not_go_out_is_marked(person: People) -> None:
    haeun = person("하은", viewport=DESKTOP)
    first, second = unique("첫 방"), unique("둘째 방")
    haeun.open_room(first)
    composer = haeun.page.get_by_test_id("composer")
    composer.fill("쓰다 만 말")
    haeun.open_room(second)
    begun = haeun.page.get_by_test_id("room-item").filter(has_text=first)
    expect(begun).to_contain_text("[작성 중] 쓰다 만 말")
    begun.click()
    expect(composer).to_have_value("쓰다 만 말")
    # Where one writes it is seen anyway.
    expect(begun.get_by_test_id("draft")).to_have_count(0)


def test_who_said_the_last_chat_is_told_among_more_than_two(
    person: People, stack_site: StackSite
) -> None:
    jimin = person("지민", viewport=DESKTOP)
    room_id = jimin.open_room(unique("셋"))
    friend = friend_in(stack_site, room_id)
    says(friend, room_id, "둘이서")
    preview = jimin.page.locator(".room-preview")
    expect(preview).to_have_text("둘이서")
    friend_in(stack_site, room_id, "도윤").close()
    says(friend, room_id, "셋이서")
    expect(preview).to_have_text("하은: 셋이서")
    jimin.say("저도요")
    expect(preview).to_have_text("나: 저도요")
    friend.close()


def test_nothing_moves_away_under_a_finger(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", viewport=DESKTOP)
    low, high = unique("아래"), unique("위")
    room_id = jimin.open_room(low)
    jimin.open_room(high)
    friend = friend_in(stack_site, room_id)
    page = jimin.page
    items = page.get_by_test_id("room-item")
    expect(page.locator(".room-name")).to_have_text([low, high])
    jimin.say("위로")
    expect(page.locator(".room-name")).to_have_text([high, low])
    box = items.first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    says(friend, room_id, "새 소식")
    expect(items.last.get_by_test_id("unread")).to_have_text("1")
    expect(page.locator(".room-name")).to_have_text([high, low])
    page.mouse.up()
    page.mouse.move(900, 500)
    expect(page.locator(".room-name")).to_have_text([low, high])
    friend.close()


def test_times_pass_in_the_list(person: People) -> None:
    jimin = person()
    jimin.has_a_clock()
    jimin.is_signed_in_as("지민")
    jimin.open_room(unique("시간"))
    jimin.page.goto(f"{jimin.origin}/rooms")
    time = jimin.page.locator(".room-time")
    expect(time).to_have_text("방금")
    jimin.lets_time_pass("05:00", after="room.members")
    expect(time).to_have_text("5분 전")
    expect(time).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))


@DEVICES
def test_a_new_name_is_seen_everywhere_at_once(person: People, device: dict[str, Any]) -> None:
    jimin = person("지민", **device)
    alex = person("Alex", **ENGLISH)
    name, new = unique("옛 이름"), unique("새 이름")
    jimin.open_room(name)
    alex.open_room(name)
    open_settings(jimin)
    box = jimin.page.get_by_test_id("room-name-input")
    save = jimin.page.get_by_test_id("room-name-save")
    expect(box).to_have_value(name)
    for refused in ("", "   ", "가" * 41, "\u3164"):
        box.fill(refused)
        expect(save).to_be_disabled()
        expect(box).to_have_attribute("aria-invalid", "true")
    box.fill(f"  {new} ")
    save.click()
    expect(box).to_have_value(new)
    jimin.page.keyboard.press("Escape")
    expect(jimin.page.get_by_test_id("settings-dialog")).to_have_count(0)
    expect(jimin.page.get_by_test_id("room-settings")).to_be_focused()
    for someone in (jimin, alex):
        expect(someone.page.locator(".chat-title")).to_contain_text(new)
        expect(someone.page).to_have_title(f"{new} · Ping-Pong")
    expect(alex.page.locator(".room-name")).to_have_text(new)
    expect(alex.page.get_by_test_id("notice").last).to_contain_text(f"to “{new}”")
    # Who was away knows it afterwards, and it is found by its new name alone.
    alex.page.reload()
    expect(alex.page.locator(".chat-title")).to_contain_text(new)
    other = person("하은")
    other.open_room(new)
    expect(other.page.locator(".chat-title")).to_contain_text(new)


def test_a_name_that_is_taken_offers_that_room(person: People) -> None:
    jimin, alex = person("지민", viewport=DESKTOP), person("Alex", **ENGLISH)
    taken, name = unique("Taken"), unique("Mine")
    jimin.open_room(taken)
    alex.open_room(name)
    open_settings(alex)
    alex.page.get_by_test_id("room-name-input").fill(taken)
    alex.page.get_by_test_id("room-name-save").click()
    dialog = alex.page.get_by_test_id("settings-dialog")
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(alex.page.locator(".chat-title")).to_contain_text(name)
    alex.page.get_by_test_id("go-there").click()
    expect(alex.page.locator(".chat-title")).to_contain_text(taken)
    expect(jimin.page.get_by_test_id("notice").last).to_contain_text("Alex님이 들어왔습니다")


@DEVICES
def test_settings_of_somebody_who_is_not_the_host(person: People, device: dict[str, Any]) -> None:
    jimin, guest = person("지민"), person("하은", **device)
    name = unique("손님")
    jimin.open_room(name)
    guest.open_room(name)
    open_settings(guest)
    dialog = guest.page.get_by_test_id("settings-dialog")
    expect(dialog).to_contain_text("방장 지민")
    expect(dialog.get_by_test_id("room-name-input")).to_have_count(0)
    expect(dialog.get_by_test_id("close-room")).to_have_count(0)
    box = dialog.bounding_box()
    assert box is not None
    if device is TOUCH:
        assert (box["x"], box["y"]) == (0, 0)
        assert (box["width"], box["height"]) == (PHONE["width"], PHONE["height"])
    else:
        assert box["width"] < DESKTOP["width"] / 2
    dialog.get_by_test_id("settings-close").click()
    expect(dialog).to_have_count(0)
    # Given to somebody else, the room is theirs to rename, at once.
    open_settings(guest)
    open_settings(jimin)
    jimin.page.get_by_test_id("leave-room").click()
    jimin.page.get_by_test_id("successor").first.click()
    jimin.page.get_by_test_id("leave-confirm").click()
    expect(dialog.get_by_test_id("room-name-input")).to_have_value(name)


def test_a_host_closes_the_room_from_its_settings(person: People) -> None:
    jimin, guest = person("지민"), person("하은")
    name = unique("닫기")
    jimin.open_room(name)
    guest.open_room(name)
    open_settings(jimin)
    jimin.page.get_by_test_id("close-room").click()
    expect(jimin.page.get_by_test_id("leave-close")).to_be_checked()
    jimin.page.get_by_test_id("leave-confirm").click()
    jimin.page.wait_for_url("**/rooms")
    expect(guest.page.locator("body")).to_contain_text("방장이 대화방을 닫았습니다")


def test_a_muted_room_is_quiet_in_all_tabs(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", viewport=DESKTOP)
    room_id = jimin.open_room(unique("조용히"))
    other = another_tab(jimin, "/rooms")
    expect(other.page.get_by_test_id("room-item")).to_have_count(1)
    open_settings(jimin)
    mute = jimin.page.get_by_role("switch", name="알림 끄기")
    expect(mute).not_to_be_checked()
    mute.check()
    for tab in (jimin, other):
        expect(tab.page.get_by_test_id("muted")).to_be_visible()
    jimin.page.keyboard.press("Escape")
    expect(jimin.page.locator(".chat-title")).to_contain_text("알림 꺼짐")
    jimin.page.goto(f"{jimin.origin}/rooms")
    friend = friend_in(stack_site, room_id)
    says(friend, room_id, "들리나요")
    for tab in (jimin, other):
        badge = tab.page.get_by_test_id("unread")
        expect(badge).to_have_text("1")
        expect(badge).to_have_class("badge is-muted")
        expect(tab.page).to_have_title("대화방 · Ping-Pong")
        assert icon(tab.page) == "/favicon.svg"
    other.page.get_by_test_id("room-item").click()
    open_settings(other)
    other.page.get_by_test_id("mute").uncheck()
    for tab in (jimin, other):
        expect(tab.page.get_by_test_id("muted")).to_have_count(0)
    friend.close()


def test_muting_that_is_refused_snaps_back(person: People) -> None:
    alex = person("Alex", **ENGLISH)
    alex.open_room(unique("Refused"))
    open_settings(alex)
    alex.goes_offline()
    mute = alex.page.get_by_test_id("mute")
    mute.click()
    dialog = alex.page.get_by_test_id("settings-dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("You are not connected")
    expect(mute).not_to_be_checked()
    alex.comes_online()
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_title_and_icon_say_that_something_is_unread(person: People, stack_site: StackSite) -> None:
    alex = person("Alex", viewport=PHONE, locale="en-US")
    room_id = alex.open_room(unique("News"))
    alex.page.goto(f"{alex.origin}/rooms")
    expect(alex.page).to_have_title("Rooms · Ping-Pong")
    assert icon(alex.page) == "/favicon.svg"
    friend = friend_in(stack_site, room_id)
    for number in range(3):
        says(friend, room_id, f"News {number}")
    expect(alex.page).to_have_title("(3) Rooms · Ping-Pong")
    assert icon(alex.page) == "/favicon-unread.svg"
    picture = alex.page.request.get(f"{alex.origin}/favicon-unread.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    alex.page.get_by_test_id("room-item").click()
    expect(alex.page).to_have_title(re.compile(r"^News-"))
    assert icon(alex.page) == "/favicon.svg"
    friend.close()


def test_a_ball_is_heard_for_what_one_does_not_look_at(
    person: People, stack_site: StackSite
) -> None:
    jimin = person(viewport=DESKTOP)
    jimin.page.context.add_init_script(COUNT_TONES)
    jimin.is_signed_in_as("지민")
    page = jimin.page
    room_id = jimin.open_room(unique("소리"))
    page.wait_for_load_state("networkidle")
    friend = friend_in(stack_site, room_id)
    # In front of one's eyes it is not heard.
    says(friend, room_id, "보고 있는 말")
    jimin.sees("보고 있는 말")
    jimin.open_room(unique("다른 방"))
    hears(page, 0)
    says(friend, room_id, "안 보는 말")
    hears(page, 2)
    # Another tab that shows the room sees it, also before anybody hears that it was read there;
    # and only one of them would make a sound.
    other = Person(jimin.page.context.new_page(), jimin.site)
    other.page.route_web_socket("**/ws", keep_back("room.read"))
    other.page.goto(f"{jimin.origin}/rooms/{room_id}")
    other.sees("안 보는 말")
    # What comes at the same time as something else is not heard anyway.
    page.wait_for_timeout(1_100)
    says(friend, room_id, "다른 탭이 보는 말")
    other.sees("다른 탭이 보는 말")
    # One's own words are nothing new, wherever they were written.
    other.say("내가 쓴 말")
    expect(page.locator(".room-preview").filter(has_text="내가 쓴 말")).to_be_visible()
    other.page.goto(f"{jimin.origin}/me")
    # Where it is turned off, it is off in all tabs.
    switch = other.page.get_by_role("switch", name="새 메시지 소리")
    switch.uncheck()
    says(friend, room_id, "조용히")
    expect(page.get_by_test_id("unread")).to_have_text("1")
    hears(page, 2)
    hears(other.page, 0)
    other.page.get_by_test_id("listen").click()
    hears(other.page, 2)
    switch.check()
    says(friend, room_id, "들리게")
    hears(page, 4)
    hears(other.page, 2)
    friend.close()


def test_no_sound_before_somebody_has_touched_the_page(
    person: People, stack_site: StackSite
) -> None:
    jimin = person(viewport=DESKTOP)
    warnings: list[str] = []
    jimin.page.on("console", lambda message: warnings.append(message.text))
    jimin.page.context.add_init_script(COUNT_TONES)
    jimin.is_signed_in_as("지민")
    room_id = jimin.open_room(unique("아직"))
    jimin.page.goto(f"{jimin.origin}/rooms")
    friend = friend_in(stack_site, room_id)
    says(friend, room_id, "들리나요")
    expect(jimin.page.get_by_test_id("unread")).to_have_text("1")
    hears(jimin.page, 0)
    assert [each for each in warnings if "AudioContext" in each] == []
    friend.close()
