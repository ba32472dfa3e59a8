"""What one can rely on: no visible gap, nothing lost, nothing twice, always a way on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocket, WebSocketRoute, expect

from tests.browser.people import DESKTOP, Person, friend_in, new_person, says
from tests.support.site import unique
from tests.support.stack import StackSite, own_stack

People = Callable[..., Person]
Frame = dict[str, Any]

#: Has the page keep every state that its connection is in from now on.
WATCH_STATES = """() => {
  window.states = [];
  const line = document.querySelector('[data-testid=connection-status]');
  new MutationObserver(() => window.states.push(line.dataset.state))
    .observe(line, { attributes: true, attributeFilter: ['data-state'] });
}"""


class Wires:
    """The WebSockets of a page, and what it said over them."""

    def __init__(self, page: Page) -> None:
        self.opened: list[WebSocket] = []
        self.sent: list[Frame] = []
        page.on("websocket", self._add)

    def _add(self, socket: WebSocket) -> None:
        if not socket.url.endswith("/ws"):
            return
        self.opened.append(socket)
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))

    def of_type(self, type_: str) -> list[Frame]:
        return [frame for frame in self.sent if frame["type"] == type_]


def status(page: Page, state: str) -> None:
    """Wait for the connection to be in that state."""
    expect(page.get_by_test_id("connection-status")).to_have_attribute("data-state", state)


def test_a_new_connection_takes_over_without_a_gap(person: People, stack_site: StackSite) -> None:
    jimin = person()
    page = jimin.page
    wires = Wires(page)
    jimin.has_a_clock()
    jimin.is_signed_in_as("지민")
    room_id = jimin.open_room(unique("두 시간"))
    friend = friend_in(stack_site, room_id)
    said = [f"이야기 {number:02}" for number in range(30)]
    for text in said[:10]:
        last = says(friend, room_id, text)
    jimin.sees(said[9])
    friend.wait_for("read.marked", lambda event: bool(event["seq"] == last))
    page.evaluate(WATCH_STATES)
    # API Gateway would end the connection four minutes later.
    jimin.lets_time_pass("01:56:00")
    for text in said[10:20]:
        says(friend, room_id, text)
        jimin.say(f"네, {text}")
    old = wires.opened[0]
    if not old.is_closed():
        old.wait_for_event("close")
    assert len(wires.opened) == 2
    for text in said[20:]:
        says(friend, room_id, text)
    jimin.sees(said[29])
    expect(jimin.page.locator('[data-state="sending"]')).to_have_count(0)
    entries = friend.ask("chat.history", room_id=room_id, limit=100)["entries"]
    texts = [entry["text"] for entry in entries if "text" in entry]
    assert [text for text in texts if not text.startswith("네")] == said
    assert [text for text in texts if text.startswith("네")] == [f"네, {t}" for t in said[10:20]]
    # Of a long log, only what is near is drawn.
    shown = jimin.texts()
    assert len(shown) > 10
    assert shown == texts[-len(shown) :]
    assert set(page.evaluate("window.states")) <= {"online"}
    friend.close()


@pytest.mark.timeout(180)
def test_nothing_is_lost_when_the_gateway_cuts_again_and_again(
    chromium: Browser, tmp_path: Path
) -> None:
    with own_stack(tmp_path, "--limit", "connection_seconds=4") as stack:
        jimin = new_person(chromium, stack.site)
        wires = Wires(jimin.page)
        jimin.is_signed_in_as("지민")
        name = unique("자주 끊기는")
        room_id = jimin.open_room(name)
        haeun = new_person(chromium, stack.site, viewport=DESKTOP)
        haeun.is_signed_in_as("하은")
        haeun.open_room(name)
        said = 0
        # Each of them was cut at least twice.
        while len(wires.opened) < 4:
            jimin.say(f"하나 {said:03}")
            haeun.say(f"둘 {said:03}")
            haeun.sees(f"하나 {said:03}")
            jimin.sees(f"둘 {said:03}")
            said += 1
        for someone in (jimin, haeun):
            someone.page.goto(f"{someone.origin}/rooms/{room_id}")
            someone.sees(f"둘 {said - 1:03}")
            expect(someone.page.locator('[data-state="sending"]')).to_have_count(0)
        friend = friend_in(stack.site, room_id)
        entries = friend.ask("chat.history", room_id=room_id, limit=100)["entries"]
        texts = [entry["text"] for entry in entries if "text" in entry]
        known = min(said, 20)
        assert sorted(texts[-2 * known :]) == sorted(
            f"{who} {number:03}" for who in ("하나", "둘") for number in range(said - known, said)
        )
        for someone in (jimin, haeun):
            shown = someone.texts()
            assert shown == texts[-len(shown) :]
        friend.close()
        for someone in (jimin, haeun):
            someone.page.context.close()


def test_several_rooms_are_caught_up_with_in_one_request(
    person: People, stack_site: StackSite
) -> None:
    jimin = person(viewport=DESKTOP)
    wires = Wires(jimin.page)
    jimin.is_signed_in_as("지민")
    rooms = [jimin.open_room(unique(f"방{number}")) for number in range(3)]
    friends = [friend_in(stack_site, room_id) for room_id in rooms]
    for friend, room_id in zip(friends, rooms, strict=True):
        says(friend, room_id, "먼저")
    items = jimin.page.get_by_test_id("room-item")
    for room_id in rooms:
        item = jimin.page.locator(f'[data-room-id="{room_id}"]')
        expect(item).to_contain_text("먼저")
    jimin.goes_offline()
    status(jimin.page, "offline")
    before = len(wires.sent)
    for friend, room_id in zip(friends, rooms, strict=True):
        says(friend, room_id, "끊긴 사이에")
    jimin.comes_online()
    expect(items.filter(has_text="끊긴 사이에")).to_have_count(3)
    jimin.sees("끊긴 사이에")
    asked = wires.sent[before:]
    assert [frame["type"] for frame in asked[:2]] == ["session.hello", "room.sync"]
    assert {position["room_id"] for position in asked[1]["rooms"]} == set(rooms)
    assert sum(frame["type"] == "room.sync" for frame in asked) == 1
    assert not any(frame["type"] in ("chat.history", "room.enter") for frame in asked)
    for friend in friends:
        friend.close()


def test_a_send_whose_answer_is_lost_appears_once(person: People, stack_site: StackSite) -> None:
    """The phone goes into a tunnel after the chat has left it and before the answer comes."""
    jimin = person("지민")
    room_id = jimin.open_room(unique("터널"))
    lost: list[str] = []

    def lose_the_first_answer(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_page(text: str | bytes) -> None:
            frame = json.loads(text)
            if not lost and frame["type"] == "ok" and "entry" in frame:
                lost.append(frame["entry"]["text"])
                socket.close()
                return
            if lost or frame["type"] != "entries.added":
                socket.send(text)

        server.on_message(to_page)

    jimin.page.route_web_socket("**/ws", lose_the_first_answer)
    jimin.page.reload()
    status(jimin.page, "online")
    jimin.say("터널 앞에서")
    expect(jimin.chat("터널 앞에서")).to_have_attribute("data-state", "sent")
    assert lost == ["터널 앞에서"]
    jimin.say("터널 뒤에서")
    expect(jimin.chat("터널 뒤에서")).to_have_attribute("data-state", "sent")
    assert jimin.texts() == ["터널 앞에서", "터널 뒤에서"]
    friend = friend_in(stack_site, room_id)
    entries = friend.ask("chat.history", room_id=room_id)["entries"]
    assert [entry["text"] for entry in entries if "text" in entry] == ["터널 앞에서", "터널 뒤에서"]
    friend.close()


def test_the_status_line_says_what_is_the_matter(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("상태"))
    line = jimin.page.get_by_test_id("connection-status")
    expect(line).to_have_class("hidden")
    jimin.goes_offline()
    expect(line).to_contain_text("오프라인")
    jimin.comes_online()
    expect(line).to_contain_text("다시 연결됨")
    expect(line).to_have_class("hidden")
    expect(line).to_have_text("")


def test_a_server_that_refuses_is_asked_again_and_the_page_says_so(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("거절"))
    refusals: list[WebSocketRoute] = []

    def refuse(socket: WebSocketRoute) -> None:
        refusals.append(socket)
        socket.close()

    jimin.page.route_web_socket("**/ws", refuse)
    jimin.page.route("**/api/session", lambda route: route.fulfill(status=500, body="oops"))
    jimin.page.reload()
    expect(jimin.page.get_by_test_id("connection-status")).to_contain_text("다시 연결하는 중")
    expect(jimin.page.locator(".chat-title")).to_be_visible()
    jimin.page.goto(f"{jimin.origin}/rooms")
    expect(jimin.page.get_by_role("heading", name="대화방")).to_be_visible()
    expect(jimin.page.locator(".skeleton").first).to_be_visible()
    jimin.page.goto(f"{jimin.origin}/me")
    expect(jimin.page.get_by_test_id("sign-out")).to_be_visible()
    assert len(refusals) > 1


def test_a_session_that_has_ended_leads_to_signing_in(person: People) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("만료"))
    jimin.page.context.clear_cookies()
    jimin.page.reload()
    jimin.page.wait_for_url("**/sign-in?next=*")
    # And back to where one was.
    link = jimin.page.locator('a[href^="/api/auth/kakao"]').first
    assert room_id in (link.get_attribute("href") or "")


def test_what_a_server_should_not_say_does_no_harm(person: People, stack_site: StackSite) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("잡음"))
    garbage = [
        "",
        "null",
        "[]",
        "{",
        '"text"',
        '{"type":7}',
        '{"type":"not.known","room_id":1}',
        '{"type":"ok"}',
        '{"type":"error"}',
        '{"type":"error","code":"not_a_code","message":"m"}',
        '{"type":"room.left","room_id":"of-somebody-else"}',
        '{"type":"typing.signalled","room_id":"nowhere","user_id":"nobody"}',
        json.dumps({"type": "entries.added", "room_id": "nowhere", "entries": [], "users": {}}),
    ]

    def with_noise(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def to_page(text: str | bytes) -> None:
            for noise in garbage:
                socket.send(noise)
            socket.send(text)

        server.on_message(to_page)

    jimin.page.route_web_socket("**/ws", with_noise)
    jimin.page.reload()
    status(jimin.page, "online")
    friend = friend_in(stack_site, room_id)
    says(friend, room_id, "들리나요?")
    jimin.sees("들리나요?")
    jimin.say("잘 들려요")
    expect(jimin.chat("잘 들려요")).to_have_attribute("data-state", "sent")
    friend.close()


#: Pages, and what is seen on each when all of its parts are there.
PAGES = {
    "/": 'a[href^="/api/auth/kakao"]',
    "/sign-in": 'a[href^="/api/auth/kakao"]',
    "/rooms": '[data-testid="open-room-input"]',
    "/rooms/{}": '[data-testid="notice"]',
    "/me": '[data-testid="nickname-input"]',
    "/nowhere": "#main .blank a",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_part_of_the_site_that_does_not_load_can_be_tried_again(
    person: People, path: str
) -> None:
    # A worker would have it at hand.
    someone = person(service_workers="block")
    page = someone.page
    if path.startswith(("/rooms", "/me")):
        someone.is_signed_in_as("지민")
    wanted = path
    if path == "/rooms/{}":
        path = path.format(someone.open_room(unique("탁구")))
    loaded = page.locator(PAGES[wanted]).first
    part = re.compile(r"/assets/(?!index-|early-)[^/]+\.(js|css)$")
    broken: list[str] = []

    def fail(route: Route) -> None:
        broken.append(route.request.url)
        route.abort()

    page.route(part, fail)
    page.goto(someone.origin + path)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("다시 시도해|새로 고쳐"))
    page.unroute(part, fail)
    # Where a browser does not ask again for what failed, the page is loaded anew.
    ways = ("다시 시도", "새로고침")
    way_on = alert.get_by_role("button", name=re.compile("|".join(ways)))
    way_on.click()
    expect(way_on.or_(loaded).first).to_be_visible()
    if way_on.count():
        way_on.click()
    expect(loaded).to_be_visible()
    expect(alert).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert broken


def test_a_log_whose_code_does_not_load_is_asked_for_once(person: People) -> None:
    """And again when the room is there: not all the time."""
    jimin = person("지민")
    room_id = jimin.open_room(unique("코드"))
    page = jimin.page
    part = re.compile(r"/assets/log-[^/]+\.js$")
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(part, fail)
    page.goto(f"{jimin.origin}/rooms/{room_id}")
    way_on = page.get_by_role("button", name=re.compile("다시 시도|새로고침"))
    expect(way_on).to_be_visible()
    # Answers of the server take longer than failures would.
    some = """async () => {
      for (let i = 0; i < 10; i++) await (await fetch('/api/session')).text();
    }"""
    page.evaluate(some)
    once = len(asked)
    page.evaluate(some)
    assert len(asked) == once
    expect(way_on).to_be_visible()
    page.unroute(part, fail)
    page.reload()
    expect(page.get_by_test_id("notice")).to_be_visible()


def test_an_error_is_said_though_its_words_do_not_load(person: People) -> None:
    jimin = person("지민")
    page = jimin.page
    part = re.compile(r"/assets/failures-[^/]+\.js$")
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(part, fail)
    page.goto(f"{jimin.origin}/rooms")
    page.get_by_test_id("open-room-input").fill("시발")
    page.get_by_test_id("open-room-input").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("문제가 생겼습니다.")
    assert asked
    # What was typed is still there, and can be sent again.
    expect(page.get_by_test_id("open-room-input")).to_have_value("시발")
    page.unroute(part, fail)
    page.reload()
    page.get_by_test_id("open-room-input").fill("시발")
    page.get_by_test_id("open-room-input").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("쓸 수 없는 말이 들어 있습니다.")


def test_a_list_whose_code_is_gone_is_had_by_loading_the_page_anew(person: People) -> None:
    """A newer release may have taken its place."""
    page = person("지민").page
    part = re.compile(r"/assets/rooms-[^/]+\.js$")
    page.route(part, lambda route: route.fulfill(status=404))
    page.reload()
    page.get_by_role("button", name="다시 시도").click()
    way_on = page.get_by_role("button", name="새로고침")
    expect(way_on).to_be_visible()
    page.unroute(part)
    way_on.click()
    expect(page.get_by_test_id("open-room-input")).to_be_visible()
