"""axe-core finds nothing wrong: every state of the site, in both themes, languages and sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.browser.axe import SOURCE, violations
from tests.browser.people import DESKTOP, PHONE, Person, friend_in, new_person, open_menu, says
from tests.support.chat import ChatClient
from tests.support.site import unique
from tests.support.stack import StackSite

DEVICES = {
    "phone-ko": {"viewport": PHONE, "locale": "ko-KR"},
    "desktop-en": {"viewport": DESKTOP, "locale": "en-US"},
}

#: Whether something is open or passes in a room; if not, its page need not be loaded again.
IS_BUSY = """!!document.querySelector(
  'dialog, [data-testid=member], [data-testid=typing]:not(:empty), '
  + '[data-testid=divider], [data-testid=to-unread]')"""


@dataclass
class Scene:
    """Somebody in a lively room, somebody who has none, and a guest of the landing page."""

    jimin: Person
    newcomer: Person
    guest: Person
    haeun: ChatClient
    room_id: str

    def in_room(self) -> Person:
        """In the room, and nothing open, begun or answered in it, whatever was there before."""
        page = self.jimin.page
        address = f"{self.jimin.origin}/rooms/{self.room_id}"
        if page.url == address:
            page.keyboard.press("Escape")
        if page.url != address or page.evaluate(IS_BUSY):
            page.goto(address)
        self.jimin.sees("제 말이에요")
        composer = page.get_by_test_id("composer")
        composer.fill("")
        composer.press("Escape")
        for what in ("replying", "editing"):
            expect(page.get_by_test_id(what)).to_have_count(0)
        page.mouse.move(0, 0)
        return self.jimin


@pytest.fixture(scope="module", params=list(DEVICES))
def scene(
    request: pytest.FixtureRequest, chromium: Browser, stack_site: StackSite
) -> Iterator[Scene]:
    if not SOURCE.exists():
        pytest.skip("no axe-core: run npm ci in frontend")
    # Nothing moves, so that no colour is looked at while it fades in.
    options: dict[str, Any] = {**DEVICES[request.param], "reduced_motion": "reduce"}
    jimin, newcomer, guest = (new_person(chromium, stack_site, **options) for _ in range(3))
    jimin.is_signed_in_as("지민")
    newcomer.is_signed_in_as("새얼굴")
    name = unique("탁구")
    room_id = jimin.open_room(name)
    haeun = friend_in(stack_site, room_id)
    hello = says(haeun, room_id, "안녕하세요, 여기서 만나요: https://example.com/a")
    says(haeun, room_id, "🏓🎉")
    for emoji in ("👍", "❤️"):
        haeun.ask("chat.react", room_id=room_id, seq=hello, emoji=emoji, on=True)
    gone = says(haeun, room_id, "지울 말")
    haeun.ask("chat.delete", room_id=room_id, seq=gone)
    haeun.ask("chat.edit", room_id=room_id, seq=hello + 1, text="고친 말")
    meant = jimin_id(jimin)
    for seq in (hello, gone):
        haeun.ask(
            "chat.send",
            room_id=room_id,
            cid=unique("cid"),
            text=f"답장이에요 <@{meant}>",
            reply_to=seq,
        )
    jimin.say("제 말이에요")
    expect(jimin.chat("제 말이에요")).to_have_attribute("data-state", "sent")
    yield Scene(jimin, newcomer, guest, haeun, room_id)
    haeun.close()
    for someone in (jimin, newcomer, guest):
        someone.page.context.close()


def jimin_id(jimin: Person) -> str:
    """As the member panel says it."""
    page = jimin.page
    page.get_by_test_id("show-members").click()
    user_id = page.get_by_test_id("member").first.get_attribute("data-user-id")
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("member")).to_have_count(0)
    assert user_id
    return user_id


def landing(scene: Scene) -> Person:
    scene.guest.page.goto(scene.guest.origin)
    expect(scene.guest.page.get_by_role("heading", level=1)).to_be_visible()
    return scene.guest


def sign_in(scene: Scene) -> Person:
    scene.guest.page.goto(f"{scene.guest.origin}/sign-in")
    expect(scene.guest.page.get_by_role("heading", level=1)).to_be_visible()
    return scene.guest


def sign_in_error(scene: Scene) -> Person:
    scene.guest.page.goto(f"{scene.guest.origin}/sign-in?error=kakao_unavailable")
    expect(scene.guest.page.get_by_test_id("sign-in-error")).to_be_visible()
    return scene.guest


def agreeing(scene: Scene) -> Person:
    scene.guest.page.goto(f"{scene.guest.origin}/sign-in?consent=1")
    expect(scene.guest.page.get_by_test_id("consent")).to_be_visible()
    return scene.guest


def terms(scene: Scene) -> Person:
    scene.guest.page.goto(f"{scene.guest.origin}/terms")
    expect(scene.guest.page.get_by_test_id("legal")).to_be_visible()
    return scene.guest


def not_found(scene: Scene) -> Person:
    scene.guest.page.goto(f"{scene.guest.origin}/nowhere")
    expect(scene.guest.page.locator(".blank")).to_be_visible()
    return scene.guest


def no_rooms(scene: Scene) -> Person:
    scene.newcomer.page.goto(f"{scene.newcomer.origin}/rooms")
    expect(scene.newcomer.page.locator(".blank").first).to_be_visible()
    return scene.newcomer


def rooms(scene: Scene) -> Person:
    scene.jimin.page.goto(f"{scene.jimin.origin}/rooms")
    expect(scene.jimin.page.get_by_test_id("room-item")).to_be_visible()
    return scene.jimin


def browsing(scene: Scene) -> Person:
    """Rooms of others."""
    page = scene.newcomer.page
    page.goto(f"{scene.newcomer.origin}/rooms")
    page.get_by_test_id("view-all").click()
    expect(page.get_by_test_id("browse-room").first).to_be_visible()
    expect(page.get_by_test_id("browse")).to_have_attribute("data-state", "ready")
    return scene.newcomer


def previewing(scene: Scene) -> Person:
    page = browsing(scene).page
    page.get_by_test_id("browse-room").first.click()
    expect(page.get_by_test_id("preview")).to_be_visible()
    return scene.newcomer


def making_a_room(scene: Scene) -> Person:
    page = browsing(scene).page
    page.get_by_test_id("new-room-open").click()
    page.get_by_test_id("about-topic").first.click()
    page.get_by_test_id("about-draft").fill("탁구")
    page.get_by_test_id("about-draft").press("Enter")
    expect(page.get_by_test_id("about-tag")).to_be_visible()
    return scene.newcomer


def room_name_too_long(scene: Scene) -> Person:
    box = rooms(scene).page.get_by_test_id("open-room-input")
    box.fill("긴" * 41)
    expect(box).to_have_attribute("aria-invalid", "true")
    return scene.jimin


def room(scene: Scene) -> Person:
    return scene.in_room()


def members(scene: Scene) -> Person:
    page = scene.in_room().page
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("member")).to_have_count(2)
    return scene.jimin


def settings(scene: Scene) -> Person:
    page = scene.in_room().page
    page.get_by_test_id("room-settings").click()
    expect(page.get_by_test_id("settings-dialog")).to_be_visible()
    return scene.jimin


def leaving(scene: Scene) -> Person:
    page = settings(scene).page
    page.get_by_test_id("leave-room").click()
    expect(page.get_by_test_id("leave-dialog")).to_be_visible()
    page.get_by_test_id("leave-hand-over").click()
    expect(page.get_by_test_id("successor")).to_be_visible()
    return scene.jimin


def menu(scene: Scene) -> Person:
    open_menu(scene.in_room(), "제 말이에요")
    return scene.jimin


def picker(scene: Scene) -> Person:
    page = menu(scene).page
    page.get_by_test_id("more-emoji").click()
    expect(page.locator(".picker-grid .emoji").first).to_be_visible()
    return scene.jimin


def replying(scene: Scene) -> Person:
    page = scene.in_room().page
    open_menu(scene.jimin, "고친 말").get_by_test_id("reply-chat").click()
    expect(page.get_by_test_id("replying")).to_be_visible()
    return scene.jimin


def answered(scene: Scene) -> Person:
    """With quotes of chats, one of them deleted, and somebody's name in the words."""
    scene.in_room()
    expect(scene.jimin.page.get_by_test_id("quote")).to_have_count(2)
    return scene.jimin


def typing(scene: Scene) -> Person:
    page = scene.in_room().page
    scene.haeun.ask("typing.signal", room_id=scene.room_id)
    expect(page.get_by_test_id("typing")).to_contain_text("하은")
    return scene.jimin


def finding_no_room(scene: Scene) -> Person:
    rooms(scene).page.get_by_test_id("open-room-input").fill("없는 방 이름")
    expect(scene.jimin.page.get_by_test_id("room-item")).to_have_count(0)
    return scene.jimin


def muted(scene: Scene) -> Person:
    page = settings(scene).page
    page.get_by_test_id("mute").check()
    page.get_by_test_id("settings-close").click()
    scene.jimin.page.goto(f"{scene.jimin.origin}/rooms")
    expect(page.get_by_test_id("muted")).to_be_visible()
    return scene.jimin


def unread(scene: Scene) -> Person:
    """Where somebody goes on reading, above what is in sight."""
    scene.jimin.page.goto(f"{scene.jimin.origin}/rooms")
    expect(scene.jimin.page.get_by_test_id("room-item")).to_be_visible()
    for number in range(20):
        says(scene.haeun, scene.room_id, f"새 이야기 {number}")
    expect(scene.jimin.page.get_by_test_id("unread")).to_have_text("20")
    scene.jimin.page.get_by_test_id("room-item").click()
    expect(scene.jimin.page.get_by_test_id("to-unread")).to_be_visible()
    return scene.jimin


def deleting(scene: Scene) -> Person:
    page = menu(scene).page
    page.get_by_test_id("delete-chat").click()
    expect(page.get_by_test_id("delete-dialog")).to_be_visible()
    return scene.jimin


def editing(scene: Scene) -> Person:
    page = menu(scene).page
    page.get_by_test_id("edit-chat").click()
    expect(page.get_by_test_id("editing")).to_be_visible()
    return scene.jimin


def chat_too_long(scene: Scene) -> Person:
    composer = scene.in_room().page.get_by_test_id("composer")
    composer.fill("길" * 4001)
    expect(composer).to_have_attribute("aria-invalid", "true")
    return scene.jimin


def me(scene: Scene) -> Person:
    page = scene.jimin.page
    page.goto(f"{scene.jimin.origin}/me")
    expect(page.get_by_test_id("nickname")).to_contain_text("지민")
    expect(page.get_by_test_id("device")).to_be_visible()
    return scene.jimin


def withdrawing(scene: Scene) -> Person:
    page = me(scene).page
    page.get_by_test_id("withdraw").click()
    expect(page.get_by_test_id("withdraw-dialog")).to_be_visible()
    return scene.jimin


def no_such_room(scene: Scene) -> Person:
    scene.jimin.page.goto(f"{scene.jimin.origin}/rooms/nothing-there")
    expect(scene.jimin.page.get_by_role("alert")).to_be_visible()
    return scene.jimin


@pytest.mark.parametrize(
    "state",
    [
        landing,
        sign_in,
        sign_in_error,
        agreeing,
        terms,
        not_found,
        no_rooms,
        rooms,
        browsing,
        previewing,
        making_a_room,
        room_name_too_long,
        room,
        answered,
        replying,
        typing,
        members,
        settings,
        leaving,
        menu,
        picker,
        deleting,
        editing,
        chat_too_long,
        me,
        withdrawing,
        no_such_room,
        finding_no_room,
        muted,
        unread,
    ],
    ids=lambda state: state.__name__,
)
def test_nothing_is_wrong_with(scene: Scene, state: Callable[[Scene], Person]) -> None:
    assert violations(state(scene).page) == []


def test_nothing_is_wrong_with_being_offline(scene: Scene) -> None:
    someone = scene.in_room()
    someone.goes_offline()
    try:
        expect(someone.page.get_by_test_id("connection-status")).to_be_visible()
        someone.say("연결되면 갈 말")
        expect(someone.chat("연결되면 갈 말")).to_have_attribute("data-state", "sending")
        assert violations(someone.page) == []
    finally:
        someone.comes_online()


@pytest.mark.parametrize("path", ["/rooms", "/rooms/{}", "/me"])
def test_nothing_is_wrong_while_it_loads(scene: Scene, path: str) -> None:
    page = scene.jimin.page.context.new_page()
    # A server that takes its time.
    page.route_web_socket("**/ws", lambda _: None)
    page.goto(scene.jimin.origin + path.format(scene.room_id))
    expect(page.locator(".skeleton").first).to_be_visible()
    assert violations(page) == []
    page.close()


def test_nothing_is_wrong_with_a_chat_that_was_refused(scene: Scene) -> None:
    page = scene.jimin.page.context.new_page()

    def refuse_chats(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "chat.send":
                refusal = {"type": "error", "ref": frame["ref"], "code": "invalid_field"}
                socket.send(json.dumps({**refusal, "field": "text", "message": ""}))
            else:
                server.send(text)

        socket.on_message(pass_on)

    page.route_web_socket("**/ws", refuse_chats)
    page.goto(f"{scene.jimin.origin}/rooms/{scene.room_id}")
    someone = Person(page, scene.jimin.site)
    someone.say("이 말은 안 돼요")
    expect(someone.chat("이 말은 안 돼요")).to_have_attribute("data-state", "failed")
    assert violations(page) == []
    page.get_by_test_id("discard").click()
    page.close()
