"""A log of any length: where one reads on, what is new, and that nothing moves meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import DESKTOP, PHONE, Person, friend_in, past, says
from tests.support.site import unique
from tests.support.stack import LocalStack, StackSite

People = Callable[..., Person]

PHONE_KO: Final = {"viewport": PHONE}
DESK_EN: Final = {"viewport": DESKTOP, "locale": "en-US"}
#: Rows in the document: what is in sight, twice 1,000 px, and some.
DRAWN_MAX: Final = 130

#: Where the chats in sight are, by their places in the log.
SIGHT: Final = """() => {
  const log = document.querySelector('.log').getBoundingClientRect();
  return [...document.querySelectorAll('.line[data-seq]')].flatMap((line) => {
    const { top, bottom } = line.getBoundingClientRect();
    return top >= log.top && bottom <= log.bottom ? [[line.dataset.seq, top]] : [];
  });
}"""


def sight(page: Page) -> dict[str, float]:
    """Where the chats in sight are."""
    return dict(page.evaluate(SIGHT))


def scroll(page: Page, by: int) -> None:
    """Turn the wheel, and wait until the page has moved and was drawn."""
    moved = """([by, before]) => {
      const log = document.querySelector('.log');
      const left = log.scrollHeight - log.clientHeight - log.scrollTop;
      const end = by < 0 ? log.scrollTop === 0 : left < 1;
      return end || log.scrollTop !== before;
    }"""
    before = page.evaluate("document.querySelector('.log').scrollTop")
    page.locator(".log").hover()
    page.mouse.wheel(0, by)
    page.wait_for_function(moved, arg=[by, before])
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def stays(page: Page, before: dict[str, float]) -> None:
    """What was in sight is where it was, to a tenth of a pixel."""
    after = sight(page)
    assert before
    for seq, top in before.items():
        assert after.get(seq) == pytest.approx(top, abs=0.1), (seq, before, after)


def line(page: Page, seq: int) -> Locator:
    """The chat in that place of the log."""
    return page.locator(f'.line[data-seq="{seq}"]')


def is_hidden(page: Page, hidden: bool) -> None:
    """As when the person looks at another tab, which Chromium without a window can't do."""
    page.evaluate(
        """(state) => {
          Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        "hidden" if hidden else "visible",
    )


def test_a_long_log_is_scrolled_with_few_rows_drawn(
    person: People, stack: LocalStack, stack_site: StackSite
) -> None:
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("긴 방"))
    last = past(stack, friend_in(stack_site, room_id), room_id, 2_000)
    page = jimin.page
    page.reload()
    expect(line(page, last)).to_be_in_viewport()
    drawn = "document.querySelectorAll('.log-lines > *').length"
    most = 0
    beginning = page.get_by_text("대화의 시작입니다.")
    while not beginning.count() or not page.get_by_test_id("notice").count():
        scroll(page, -2_500)
        most = max(most, page.evaluate(drawn))
    assert most <= DRAWN_MAX
    assert page.evaluate("document.querySelector('.log').scrollHeight") > 2_000 * 45
    page.get_by_test_id("to-newest").click()
    expect(line(page, last)).to_be_in_viewport()
    assert page.evaluate(drawn) <= DRAWN_MAX


def test_older_chats_come_without_a_jump(
    person: People, stack: LocalStack, stack_site: StackSite
) -> None:
    """What is in sight while a page of history arrives is not moved by it."""
    alex = person("Alex", **DESK_EN)
    room_id = alex.open_room(unique("jumps"))
    haeun = friend_in(stack_site, room_id)
    last = past(stack, haeun, room_id, 400)
    page = alex.page
    held: list[Any] = []

    def proxy(socket: Any) -> None:
        server = socket.connect_to_server()

        def out(message: Any) -> None:
            # What is held goes on when somebody begins to write.
            if "typing.signal" in str(message):
                for each in held:
                    socket.send(each)
                held.clear()
            server.send(message)

        def back(message: Any) -> None:
            if '"has_before"' in str(message) and '"room"' not in str(message):
                held.append(message)
            else:
                socket.send(message)

        socket.on_message(out)
        server.on_message(back)

    page.route_web_socket(re.compile("."), proxy)
    page.reload()
    expect(line(page, last)).to_be_in_viewport()
    scroll(page, -1_000)
    while not held:
        page.wait_for_timeout(20)
    before = sight(page)
    page.get_by_test_id("composer").press_sequentially("a")
    # What comes after it on the same connection is there, so that is, too.
    says(haeun, room_id, "news")
    expect(page.get_by_test_id("to-newest")).to_have_text("1 new message")
    stays(page, before)
    for _ in range(4):
        scroll(page, -1_000)
    expect(line(page, last - 60)).to_be_attached()


def test_what_changes_above_moves_nothing(person: People, stack_site: StackSite) -> None:
    """A reaction, an edit, and a thousand chats below."""
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    seqs = [says(haeun, room_id, f"메시지 {number}") for number in range(60)]
    jimin.sees("메시지 59")
    page = jimin.page
    scroll(page, -900)
    before = sight(page)
    first = int(next(iter(before)))
    above = page.locator(f'.line[data-seq="{first - 2}"]')
    haeun.ask("chat.react", room_id=room_id, seq=first - 2, emoji="👍")
    expect(above.get_by_test_id("reactions")).to_have_count(1)
    stays(page, before)
    haeun.ask("chat.edit", room_id=room_id, seq=first - 2, text="길어진 말 " * 60)
    expect(above.get_by_test_id("edited")).to_have_count(1)
    stays(page, before)
    button = page.get_by_test_id("to-newest")
    for burst in range(4):
        futures = [
            haeun.begin(
                "chat.send", room_id=room_id, text=f"물결 {burst} {number}", cid=unique("cid")
            )
            for number in range(30)
        ]
        for future in futures:
            future.result(30)
        expect(button).to_have_text(f"새 메시지 {min(99, 30 * (burst + 1))}{'+' * (burst > 2)}개")
        stays(page, before)
    assert len(seqs) == 60
    button.click()
    expect(jimin.chat("물결 3 29")).to_be_in_viewport()
    expect(button).to_have_attribute("aria-hidden", "true")


def test_one_goes_on_reading_where_one_stopped(person: People, stack_site: StackSite) -> None:
    """A line before the first unread chat, and the way up to it; both go in time."""
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    for number in range(8):
        says(haeun, room_id, f"읽은 말 {number}")
    jimin.sees("읽은 말 7")
    page = jimin.page
    divider, way = page.get_by_test_id("divider"), page.get_by_test_id("to-unread")
    expect(divider).to_have_count(0)
    page.goto(f"{jimin.origin}/rooms")
    for number in range(40):
        says(haeun, room_id, f"새 말 {number}")
    badge = page.get_by_test_id("room-item").get_by_test_id("unread")
    expect(badge).to_contain_text("40")
    page.get_by_test_id("room-item").click()
    expect(jimin.chat("새 말 39")).to_be_in_viewport()
    expect(way).to_have_text(re.compile("안 읽은 메시지 40개"))
    way.click()
    expect(divider).to_be_in_viewport()
    expect(divider).to_have_text("여기까지 읽었어요")
    expect(way).to_have_count(0)
    after = "document.querySelector('[data-testid=divider]').nextElementSibling.textContent"
    assert "새 말 0" in page.evaluate(after)
    expect(page.locator(".line:focus")).to_contain_text("새 말 0")
    # News does not move the line; what one says takes it away.
    says(haeun, room_id, "아직 거기 있어요?")
    expect(page.get_by_test_id("to-newest")).to_have_text("새 메시지 1개")
    assert "새 말 0" in page.evaluate(after)
    jimin.say("다 읽었어요")
    expect(divider).to_have_count(0)
    expect(jimin.chat("다 읽었어요")).to_be_in_viewport()


def test_the_way_to_what_is_not_held(
    person: People, stack: LocalStack, stack_site: StackSite
) -> None:
    """The first unread chat may be far up: it is fetched, and one reads on from there."""
    alex = person("Alex", **DESK_EN)
    room_id = alex.open_room(unique("far"))
    page = alex.page
    haeun = friend_in(stack_site, room_id)
    says(haeun, room_id, "read this")
    alex.sees("read this")
    expect(page.get_by_test_id("unread")).to_have_count(0)
    page.goto("about:blank")
    last = past(stack, haeun, room_id, 600)
    page.goto(f"{alex.origin}/rooms/{room_id}")
    way = page.get_by_test_id("to-unread")
    expect(way).to_have_text(re.compile("600 unread messages"))
    way.click()
    expect(page.get_by_test_id("divider")).to_be_in_viewport()
    expect(line(page, last - 599)).to_be_focused()
    expect(way).to_have_count(0)
    # On to the end, page by page.
    while not line(page, last).count():
        scroll(page, 3_000)
    assert page.evaluate("document.querySelectorAll('.line').length") < DRAWN_MAX


def test_what_was_read_stays_read_whatever_becomes_of_the_page(
    person: People, stack_site: StackSite
) -> None:
    """The page is left as soon as a chat is seen, and the server hears of it from the next one."""
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    page = jimin.page

    def proxy(socket: Any) -> None:
        server = socket.connect_to_server()
        server.on_message(socket.send)

        def out(message: Any) -> None:
            if '"room.read"' not in str(message):
                server.send(message)

        socket.on_message(out)

    page.route_web_socket(re.compile("."), proxy)
    page.reload()
    expect(page.get_by_test_id("composer")).to_be_enabled()
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
          if (!document.querySelector('.log')?.textContent.includes('보자마자')) return;
          observer.disconnect();
          location = '/me';
        }).observe(document.body, { childList: true, subtree: true })"""
    )
    seq = says(haeun, room_id, "보자마자 떠나요")
    page.wait_for_url("**/me")
    read = [each["read_seq"] for each in haeun.ask("room.members", room_id=room_id)["members"]]
    assert min(read) < seq
    page.close()
    jimin.page = page = page.context.new_page()
    page.goto(f"{jimin.origin}/rooms")
    room = page.get_by_test_id("room-item")
    expect(room).to_contain_text("보자마자 떠나요")
    expect(room.get_by_test_id("unread")).to_have_count(0)
    haeun.wait_for("read.marked", lambda event: event["seq"] == seq)


def test_what_came_while_nobody_looked_is_below_a_line(
    person: People, stack_site: StackSite
) -> None:
    """The page was hidden behind another and is shown again: only then it has been read."""
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    seen = says(haeun, room_id, "보이는 말")
    haeun.wait_for("read.marked", lambda read: read["seq"] == seen)
    page, divider = jimin.page, jimin.page.get_by_test_id("divider")
    is_hidden(page, True)
    for number in range(3):
        last = says(haeun, room_id, f"가려진 말 {number}")
    jimin.sees("가려진 말 2")
    expect(page).to_have_title(re.compile(r"^\(3\)"))
    expect(divider).to_have_count(0)
    is_hidden(page, False)
    haeun.wait_for("read.marked", lambda read: read["seq"] == last)
    expect(divider).to_be_in_viewport()
    below = page.locator("[data-testid=divider] + .line")
    expect(below).to_contain_text("가려진 말 0")
    expect(page.get_by_test_id("to-unread")).to_have_count(0)
    # The next time, it is where one looked away then.
    is_hidden(page, True)
    says(haeun, room_id, "또 가려진 말")
    jimin.sees("또 가려진 말")
    is_hidden(page, False)
    expect(below).to_contain_text("또 가려진 말")
    expect(divider).to_have_count(1)


@pytest.mark.parametrize("context", [PHONE_KO, DESK_EN], ids=["phone-ko", "desk-en"])
def test_how_many_have_not_read_it(
    person: People, stack_site: StackSite, context: dict[str, Any]
) -> None:
    """As KakaoTalk shows it: a number that falls as the others read; nothing at zero."""
    jimin = person("지민", **context)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    minsu = friend_in(stack_site, room_id, "민수")
    jimin.say("모두 보세요")
    mark = jimin.chat("모두 보세요").get_by_test_id("unread-by")
    name = {"ko-KR": "2명이 읽지 않음", "en-US": "Not read by 2 people"}
    expect(mark).to_contain_text(name[context.get("locale", "ko-KR")])
    seq = int(jimin.chat("모두 보세요").get_attribute("data-seq") or 0)
    haeun.ask("room.read", room_id=room_id, seq=seq)
    expect(mark.locator("[aria-hidden]")).to_have_text("1")
    # Who comes in later has not left it unread.
    friend_in(stack_site, room_id, "새 사람")
    expect(jimin.page.get_by_test_id("notice")).to_have_count(4)
    expect(mark.locator("[aria-hidden]")).to_have_text("1")
    minsu.ask("room.read", room_id=room_id, seq=seq)
    expect(mark).to_have_count(0)
    # What others say has been read by its author, and by who sees it.
    says(haeun, room_id, "봤어요")
    seen = jimin.chat("봤어요").get_by_test_id("unread-by").locator("[aria-hidden]")
    expect(seen).to_have_text("2")
    # And after coming back, it is known at once what was read meanwhile.
    jimin.page.reload()
    expect(seen).to_have_text("2")
    expect(mark).to_have_count(0)


def test_screen_readers_are_told_of_new_chats_once(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", **PHONE_KO)
    room_id = jimin.open_room(unique("방"))
    haeun = friend_in(stack_site, room_id)
    told = jimin.page.get_by_test_id("announcer")
    expect(jimin.page.locator(".log")).to_have_attribute("aria-live", "off")
    expect(told).to_have_attribute("role", "status")
    expect(told).to_have_text("")
    says(haeun, room_id, "들리나요?")
    expect(told).to_have_text("하은: 들리나요?")
    futures = [
        haeun.begin("chat.send", room_id=room_id, text=f"많은 말 {number}", cid=unique("cid"))
        for number in range(12)
    ]
    for future in futures:
        future.result(30)
    expect(told).to_have_text(re.compile("새 메시지 \\d+개"))
    # Neither one's own words, nor what was said before the page was opened.
    jimin.say("네, 잘 들려요")
    jimin.page.reload()
    jimin.sees("많은 말 11")
    says(haeun, room_id, "다시 왔네요")
    expect(told).to_have_text("하은: 다시 왔네요")


def test_history_that_does_not_come_is_asked_for_again(
    person: People, stack: LocalStack, stack_site: StackSite
) -> None:
    alex = person("Alex", **DESK_EN)
    room_id = alex.open_room(unique("history"))
    last = past(stack, friend_in(stack_site, room_id), room_id, 200)
    page = alex.page
    refused = [True]

    def proxy(socket: Any) -> None:
        server = socket.connect_to_server()

        def out(message: Any) -> None:
            if refused[0] and '"chat.history"' in str(message):
                ref = re.search(r'"ref":\s*("?[^",}]+"?)', str(message))
                assert ref is not None
                socket.send(f'{{"type":"error","code":"internal","ref":{ref[1]}}}')
            else:
                server.send(message)

        socket.on_message(out)
        server.on_message(socket.send)

    page.route_web_socket(re.compile("."), proxy)
    page.reload()
    expect(line(page, last)).to_be_in_viewport()
    again = page.get_by_test_id("retry-history")
    scroll(page, -1_000)
    expect(again).to_have_count(1)
    page.locator(".log").focus()
    page.keyboard.press("Home")
    expect(again).to_be_in_viewport()
    refused[0] = False
    again.click()
    expect(again).to_have_count(0)


def test_the_keyboard_goes_through_rows_that_are_not_drawn(
    person: People, stack: LocalStack, stack_site: StackSite
) -> None:
    """The chat with the focus stays in the document, and arrows go on from it."""
    alex = person("Alex", **DESK_EN)
    room_id = alex.open_room(unique("keys"))
    last = past(stack, friend_in(stack_site, room_id), room_id, 45)
    page = alex.page
    page.reload()
    expect(line(page, last)).to_be_in_viewport()
    page.locator(".log").focus()
    page.keyboard.press("ArrowUp")
    expect(line(page, last)).to_be_focused()
    for key, seq in (("Home", last - 44), ("ArrowDown", last - 43), ("End", last)):
        page.keyboard.press(key)
        expect(line(page, seq)).to_be_focused()
        expect(line(page, seq)).to_be_in_viewport()
    # Scrolled away from, it is still there, and arrows go on from it.
    scroll(page, -1_600)
    page.keyboard.press("ArrowUp")
    expect(line(page, last - 1)).to_be_focused()
    expect(line(page, last - 1)).to_be_in_viewport()
