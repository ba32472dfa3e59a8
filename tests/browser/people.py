"""People in real browsers, each in a context of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, Locator, Page, expect

from tests.benchmarks import driver
from tests.support.chat import ChatClient
from tests.support.site import Browser as Visitor
from tests.support.site import Site, unique
from tests.support.site import new_person as new_visitor
from tests.support.stack import LocalStack

# Generous, as machines are noisy; what is waited for comes in milliseconds.
expect.set_options(timeout=20_000)

PHONE: Final = {"width": 390, "height": 844}
SMALL_PHONE: Final = {"width": 360, "height": 740}
DESKTOP: Final = {"width": 1440, "height": 900}
CHROMIUM: Final = "/usr/bin/chromium"
#: The same without what is around a page, which nobody sees here: half the work.
HEADLESS_SHELL: Final = "/usr/bin/chromium-headless-shell"
#: As root without a display, and without traffic of Chromium's own.
CHROMIUM_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Keeps which commands of a page are not answered yet, and which have been.
WATCH_COMMANDS: Final = """
window.commands = { waiting: {}, answered: [] };
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (text) {
  const { waiting, answered } = window.commands;
  const { ref, type } = JSON.parse(text);
  waiting[ref] = type;
  this.addEventListener('message', function hear({ data }) {
    if (JSON.parse(data).ref !== ref) return;
    this.removeEventListener('message', hear);
    delete waiting[ref];
    answered.push(type);
  });
  send.call(this, text);
};
"""


@dataclass
class Person:
    """Somebody at a browser. What they see is asserted by the tests themselves."""

    page: Page
    site: Site

    @property
    def origin(self) -> str:
        """Of the site."""
        return self.site.origin

    def sign_in(self, nickname: str, email: str | None = None) -> None:
        """From the landing page, through Kakao's, to the room list, as somebody new."""
        self.page.goto(self.origin)
        self.press_sign_in()
        self.decide(nickname, email)
        self.agrees()
        self.page.wait_for_url(f"{self.origin}/rooms")

    def is_signed_in_as(self, nickname: str) -> None:
        """Open the room list as somebody new who has signed in elsewhere: quicker."""
        signed_in = Visitor(self.site)
        assert signed_in.sign_in(nickname).location == "/rooms"
        self.page.context.add_cookies(self._cookies_of(signed_in))
        self.page.goto(f"{self.origin}/rooms")

    def another_sign_in(self) -> list[Any]:
        """The cookies of another browser of theirs, in which they have signed in, too."""
        cookies = self.page.context.cookies(self.origin)
        known = Visitor(self.site, {each["name"]: each["value"] for each in cookies})
        # Who they are at Kakao is in the copy of their data.
        kakao_id = known.post("/api/export", {}).json["profile"]["kakao_id"]
        signed_in = Visitor(self.site)
        assert signed_in.sign_in("-", person=kakao_id).location == "/rooms"
        return self._cookies_of(signed_in)

    def _cookies_of(self, signed_in: Visitor) -> list[Any]:
        return [
            {"name": name, "value": value, "url": self.origin, "httpOnly": True}
            for name, value in signed_in.cookies.items()
        ]

    def elsewhere(self) -> ChatClient:
        """A connection of theirs without a page: quick, where much has to be said."""
        cookies = self.page.context.cookies(self.origin)
        return Visitor(self.site, {each["name"]: each["value"] for each in cookies}).chat()

    def agrees(self) -> None:
        """To the terms, as a first sign-in asks for it."""
        self.page.get_by_test_id("consent-all").check()
        self.page.get_by_test_id("consent-start").click()

    def press_sign_in(self) -> None:
        """Press the Kakao button of the page that is open."""
        self.page.locator('a[href^="/api/auth/kakao"]').first.click()
        self.page.wait_for_url("**/oauth/authorize**")

    def decide(self, nickname: str, email: str | None = None) -> None:
        """Make somebody up on Kakao's page and agree."""
        page = self.page
        page.locator("summary").click()
        page.locator('input[name="nickname"]').fill(nickname)
        if email:
            page.locator('input[name="email"]').fill(email)
        page.locator("details button").click()

    def open_room(self, name: str) -> str:
        """Find or create a room by the one box; its id."""
        before = self.page.url
        box = self.page.get_by_test_id("open-room-input")
        box.fill(name)
        box.press("Enter")
        self.page.wait_for_url(lambda url: "/rooms/" in url and url != before)
        expect(self.page.get_by_test_id("composer")).to_be_enabled()
        return self.page.url.rsplit("/", 1)[1]

    def say(self, text: str) -> None:
        """Type a chat and press Enter."""
        composer = self.page.get_by_test_id("composer")
        composer.fill(text)
        composer.press("Enter")

    def chat(self, text: str) -> Any:
        """The chat with that text, in the log."""
        return self.page.get_by_test_id("chat-entry").filter(has_text=text)

    def sees(self, text: str) -> None:
        """Wait for exactly one chat with that text."""
        expect(self.chat(text)).to_have_count(1)

    def texts(self) -> list[str]:
        """What the bubbles say, in order."""
        bubbles = self.page.get_by_test_id("chat-entry").locator(".bubble")
        return [text.strip() for text in bubbles.all_inner_texts()]

    def has_a_clock(self) -> None:
        """Before the first page: its time is in the hands of the test."""
        self.page.add_init_script(WATCH_COMMANDS)
        self.page.clock.install()

    def lets_time_pass(self, ticks: str, *, after: str = "session.hello") -> None:
        """Jump ahead, when that command is answered, and no other is on its way.

        One that were would be hours old then: the page would take its connection for dead.
        """
        self.page.wait_for_function(
            """(type) => window.commands.answered.includes(type)
              && !Object.keys(window.commands.waiting).length""",
            arg=after,
        )
        self.page.clock.fast_forward(ticks)

    def goes_offline(self) -> None:
        """The phone loses its network: new requests fail and sockets die."""
        self.page.context.set_offline(True)

    def comes_online(self) -> None:
        """The network is back."""
        self.page.context.set_offline(False)


def new_person(browser: Browser, site: Site, **context: Any) -> Person:
    """Somebody with a fresh browser; Korean, on a phone, unless said otherwise.

    Without a service worker unless said otherwise: only its own tests (test_pwa.py) need one.
    """
    options = {
        "viewport": PHONE,
        "locale": "ko-KR",
        "timezone_id": "Asia/Seoul",
        "service_workers": "block",
        **context,
    }
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(20_000)
    return Person(page, site)


def open_menu(someone: Person, text: str) -> Locator:
    """The menu of a chat, by mouse."""
    chat = someone.chat(text)
    chat.hover()
    chat.get_by_test_id("chat-actions").click()
    menu = someone.page.get_by_test_id("chat-menu")
    expect(menu).to_be_visible()
    return menu


def friend_in(site: Site, room_id: str, nickname: str = "하은") -> ChatClient:
    """Somebody in that room who needs no browser."""
    friend = new_visitor(site, nickname).chat()
    friend.ask("room.enter", room_id=room_id)
    return friend


def says(friend: ChatClient, room_id: str, text: str, **more: Any) -> int:
    """They say something there; its place in the log."""
    sent = friend.ask("chat.send", room_id=room_id, text=text, cid=unique("cid"), **more)
    seq: int = sent["entry"]["seq"]
    return seq


def past(stack: LocalStack, someone: ChatClient, room_id: str, chats: int) -> int:
    """Give a room a past of so many chats of one person; the place of the last."""
    last: int = someone.ask("room.list", room_ids=[room_id])["rooms"][0]["last_seq"]
    me = someone.ask("session.hello")["me"]["user_id"]
    driver.run(
        "long_log_seed",
        environment=stack.environment,
        room_id=room_id,
        user_ids=[me],
        chats=chats,
    )
    return last + chats
