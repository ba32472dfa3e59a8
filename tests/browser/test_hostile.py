"""What people write to do harm, or without meaning to: it is shown as what it is, and no more."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, Person, friend_in, open_menu, says
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

MARKUP = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "<svg/onload=window.pwned=1>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "${window.pwned=1}",
    "&lt;b&gt; &amp; &#60;",
    "<!-- <![CDATA[ ]]> -->",
]
ADDRESSES = [
    "javascript:window.pwned=1",
    "JaVaScRiPt:window.pwned=1//https://example.com",
    "java\tscript:window.pwned=1",
    "data:text/html,<script>window.pwned=1</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "https:javascript:window.pwned=1",
    "https://example.com@evil.example/",
    "https://example.com\u202e/moc.live",
    "https://[::1]/",
    "http://localhost/api/auth/withdraw",
]
EMOJI = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "🇰🇷🇯🇵", "👋🏻👋🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "🫨🫠"]
#: A hundred marks above one letter, and as many below.
ZALGO = "e" + "\u0300\u0316" * 100
TURNED = "\u202egnp.exe \u2066\u2067abc"
TWO_DAYS_MS = 2 * 24 * 3_600_000


def is_unharmed(someone: Person) -> None:
    """Nothing of it ran, or became a part of the page."""
    page = someone.page
    assert page.evaluate("'pwned' in window") is False
    assert page.locator("#app :is(img, script, iframe, object, embed)").count() == 0
    hrefs = page.evaluate("[...document.links].map((link) => new URL(link.href).protocol)")
    assert set(hrefs) <= {"http:", "https:"}


def fits(someone: Person) -> None:
    """Nothing is wider than the screen."""
    width, room = someone.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= room


def test_markup_in_every_field_is_text(person: People, stack_site: StackSite) -> None:
    name = "<b onclick=a()>x</b>"
    jimin = person(name, viewport=DESKTOP)
    room_name = f"<script>alert(1)</script>{unique('')[-9:]}"
    room_id = jimin.open_room(room_name)
    page = jimin.page
    expect(page.get_by_test_id("notice").first).to_have_text(f"{name}님이 대화방을 만들었습니다.")
    expect(page.locator(".chat-title")).to_contain_text(room_name)
    expect(page.get_by_test_id("room-item")).to_contain_text(room_name)
    friend = friend_in(stack_site, room_id, "<i>하은</i>")
    for text in MARKUP:
        jimin.say(text)
        expect(jimin.chat(text)).to_have_attribute("data-state", "sent")
        seq = says(friend, room_id, f"{text} 도요")
        expect(page.get_by_test_id("room-item")).to_contain_text(text[:30])
    friend.ask("chat.react", room_id=room_id, seq=seq, emoji="👍")
    friend.ask("chat.edit", room_id=room_id, seq=seq, text=f"{MARKUP[0]} 고침")
    jimin.sees(f"{MARKUP[0]} 고침")
    expect(page.get_by_test_id("author").last).to_have_text("<i>하은</i>")
    # The one that is edited, and what is begun, too.
    page.get_by_test_id("composer").press("ArrowUp")
    expect(page.get_by_test_id("editing")).to_contain_text(MARKUP[-1])
    page.keyboard.press("Escape")
    page.get_by_test_id("composer").fill(MARKUP[1])
    page.get_by_test_id("show-members").click()
    expect(page.get_by_test_id("member").first).to_contain_text(name)
    page.get_by_test_id("open-room-input").fill(MARKUP[0])
    is_unharmed(jimin)
    before = jimin.texts()
    page.reload()
    expect(page.get_by_test_id("composer")).to_have_value(MARKUP[1])
    jimin.sees(f"{MARKUP[0]} 고침")
    assert jimin.texts() == before
    is_unharmed(jimin)
    friend.close()


def test_markup_around_a_room_is_text(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", viewport=DESKTOP)
    page = jimin.page
    # With a topic and a tag, in the dialog that makes a room.
    page.get_by_test_id("new-room-open").click()
    name = f"<b>{unique('')[-9:]}</b>"
    page.get_by_test_id("new-room-name").fill(name)
    page.get_by_test_id("about-draft").fill("<i>tag")
    page.get_by_test_id("about-draft").press("Enter")
    page.get_by_test_id("new-room-make").click()
    page.wait_for_url(f"{jimin.origin}/rooms/*")
    room_id = page.url.rpartition("/")[2]
    friend = friend_in(stack_site, room_id)
    # A name that is for this room only, beside what was said.
    friend.ask("room.set_nickname", room_id=room_id, nickname="<u>하은</u>")
    expect(page.get_by_test_id("notice").last).to_contain_text("<u>하은</u>")
    says(friend, room_id, MARKUP[0])
    # What is at the top of the room, and what is reported with a note.
    open_menu(jimin, MARKUP[0]).get_by_test_id("pin-chat").click()
    expect(page.get_by_test_id("pin")).to_contain_text(MARKUP[0])
    expect(page.get_by_test_id("pin")).to_contain_text("지민")
    open_menu(jimin, MARKUP[0]).get_by_test_id("report").click()
    dialog = page.get_by_test_id("report-dialog")
    expect(dialog).to_contain_text(MARKUP[0])
    page.get_by_test_id("report-note").fill(MARKUP[1])
    is_unharmed(jimin)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    # A filter word that can't be is shown with the reason.
    page.get_by_test_id("room-settings").click()
    page.get_by_test_id("show-words").click()
    page.get_by_test_id("word-draft").fill(MARKUP[2])
    page.get_by_test_id("word-draft").press("Enter")
    expect(page.get_by_test_id("word-problem")).to_contain_text(MARKUP[2])
    is_unharmed(jimin)
    # To who looks for rooms, too.
    other = person("서준", viewport=DESKTOP)
    other.page.get_by_test_id("view-all").click()
    other.page.get_by_test_id("browse-room").filter(has_text=name).click()
    expect(other.page.get_by_test_id("preview")).to_contain_text(name)
    is_unharmed(other)
    friend.close()


@pytest.mark.parametrize("path", ["/sign-in?error={}&next={}", "/rooms/{}", "/{}?{}#{}"])
def test_markup_in_an_address_is_nothing(person: People, path: str) -> None:
    someone = person()
    # Without a dot, which would make it the name of a file.
    hostile = "%3Cimg%20src=x%20onerror=pwned=1%3E"
    someone.page.goto(someone.origin + path.replace("{}", hostile))
    expect(someone.page.locator("#main > *").first).to_be_visible()
    is_unharmed(someone)


@pytest.mark.parametrize(
    "next_path", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_signing_in_leads_nowhere_else(person: People, next_path: str) -> None:
    someone = person()
    someone.page.goto(f"{someone.origin}/sign-in?next={next_path}")
    someone.press_sign_in()
    someone.decide("지민")
    someone.agrees()
    someone.page.wait_for_url(f"{someone.origin}/rooms")


def test_addresses_lead_to_the_web_or_nowhere(person: People, stack_site: StackSite) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("주소"))
    friend = friend_in(stack_site, room_id)
    for text in ADDRESSES:
        says(friend, room_id, text)
    expect(jimin.page.get_by_test_id("chat-entry")).to_have_count(len(ADDRESSES))
    is_unharmed(jimin)
    log = jimin.page.get_by_role("log")
    assert "evil.example" not in str(log.locator("a").all_inner_texts())
    # The one link there may be says where it leads to.
    for link in log.locator("a").all():
        assert link.inner_text() in (link.get_attribute("href") or "")
    friend.close()


def test_what_turns_text_turns_only_itself(person: People, stack_site: StackSite) -> None:
    jimin = person("지민", viewport=DESKTOP)
    room_id = jimin.open_room(unique("방향"))
    friend, arab = friend_in(stack_site, room_id), friend_in(stack_site, room_id, "مرحبا")
    says(friend, room_id, TURNED)
    says(arab, room_id, "שלום \u202e עולם")
    says(friend, room_id, "다음 말")
    jimin.sees("다음 말")
    for chat in jimin.page.get_by_test_id("chat-entry").all():
        bubble, at = chat.locator(".bubble").bounding_box(), chat.locator("time").bounding_box()
        assert bubble is not None
        assert at is not None
        assert at["x"] > bubble["x"]
        assert "오" in chat.locator("time").inner_text()
    # In a sentence with a name that is written from the right, the rest goes on after it.
    notice = jimin.page.get_by_test_id("notice").filter(has_text="مرحبا")
    name, rest = notice.evaluate(
        """(notice) => {
          const text = notice.firstChild;
          const place = (start, end) => {
            const range = document.createRange();
            range.setStart(text, start);
            range.setEnd(text, end);
            return range.getBoundingClientRect().left;
          };
          const at = text.data.indexOf('님이');
          return [place(0, at), place(at, at + 2)];
        }"""
    )
    assert name < rest
    expect(jimin.page.get_by_test_id("room-item")).to_contain_text("다음 말")
    is_unharmed(jimin)
    for each in (friend, arab):
        each.close()


def test_a_name_that_deceives_is_refused_with_a_reason(person: People) -> None:
    jimin = person("지민")
    page = jimin.page
    for text in ("탁구\u202e방", "\u200b\u2060\ufeff", "\u3164"):
        page.get_by_test_id("open-room-input").fill(text)
        page.get_by_test_id("open-room-input").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("입력한 내용을 확인해 주세요")
        page.get_by_test_id("open-room-input").fill("")
        expect(page.get_by_role("alert")).to_have_count(0)
    page.goto(f"{jimin.origin}/me")
    for text in ("지\u200b민", "\u202e민지", "\u2067민지"):
        page.get_by_test_id("nickname-input").fill(text)
        page.get_by_test_id("nickname-save").click()
        expect(page.get_by_role("alert")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("nickname")).to_have_text("지민")


@pytest.mark.parametrize(
    "nothing", ["\u200b\u200c\u200d", "\u2060\ufeff", "\u3164 \u2800", "\n\t "]
)
def test_a_chat_that_shows_nothing_cannot_be_sent(person: People, nothing: str) -> None:
    jimin = person("지민")
    jimin.open_room(unique("빈말"))
    jimin.page.get_by_test_id("composer").fill(nothing)
    expect(jimin.page.get_by_test_id("send")).to_be_disabled()
    jimin.page.get_by_test_id("composer").press("Enter")
    expect(jimin.page.get_by_test_id("chat-entry")).to_have_count(0)


def test_marks_above_marks_do_not_paint_over_what_others_say(
    person: People, stack_site: StackSite
) -> None:
    """By what is cut off, as not all fonts pile marks up."""
    jimin = person("지민")
    room_id = jimin.open_room(unique("자리"))
    friend = friend_in(stack_site, room_id, "e" + "\u0300" * 19)
    says(friend, room_id, ZALGO * 10)
    jimin.sees(ZALGO * 10)
    for what in (".bubble", '[data-testid="author"]', '[data-testid="notice"]', ".avatar"):
        shown = jimin.page.locator(what).last
        expect(shown).to_have_css("overflow-y", re.compile("clip|hidden"))
    friend.close()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_words_without_end_are_broken(
    person: People, stack_site: StackSite, viewport: dict[str, int]
) -> None:
    jimin = person("W" * 20, viewport=viewport)
    room_id = jimin.open_room(unique("W" * 20))
    friend = friend_in(stack_site, room_id, "ﷺ" * 20)
    for text in ("W" * 4000, "﷽" * 4000, "https://example.com/" + "W" * 3980):
        says(friend, room_id, text)
    last = jimin.page.get_by_test_id("chat-entry").last
    expect(last).to_be_visible()
    fits(jimin)
    for bubble in jimin.page.locator(".bubble").all():
        inner, outer = bubble.evaluate("(each) => [each.scrollWidth, each.clientWidth]")
        assert inner <= outer
    jimin.page.goto(f"{jimin.origin}/rooms")
    expect(jimin.page.get_by_test_id("room-item")).to_be_visible()
    fits(jimin)
    friend.close()


def test_emoji_of_many_parts_stay_whole(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("👨‍👩‍👧‍👦"))
    for text in EMOJI:
        jimin.say(text)
        expect(jimin.chat(text)).to_have_attribute("data-state", "sent")
    jimin.page.reload()
    jimin.sees(EMOJI[-1])
    assert jimin.texts() == EMOJI
    assert jimin.page.locator(".bubble.is-emoji").count() == len(EMOJI)
    jimin.page.goto(f"{jimin.origin}/me")
    jimin.page.get_by_test_id("nickname-input").fill("👨‍👩‍👧‍👦")
    jimin.page.get_by_test_id("nickname-save").click()
    # A whole family, not the first of it.
    expect(jimin.page.locator(".me-head .avatar")).to_have_text("👨‍👩‍👧‍👦")


def test_half_characters_and_control_characters_are_left_out(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("반쪽"))
    composer = jimin.page.get_by_test_id("composer")
    composer.evaluate(
        """(box) => {
          box.value = 'a\\ud800b\\u0000c\\u0007d\\udc00\\u001b[31m';
          box.dispatchEvent(new InputEvent('input', { bubbles: true }));
        }"""
    )
    composer.press("Enter")
    expect(jimin.page.get_by_test_id("chat-entry")).to_have_attribute("data-state", "sent")
    assert jimin.texts() == ["abcd[31m"]


def test_too_much_is_kept_and_said_to_be_too_much(person: People) -> None:
    jimin = person("지민")
    jimin.open_room(unique("긴 글"))
    page = jimin.page
    composer = page.get_by_test_id("composer")
    composer.focus()
    text = ("아주 긴 글입니다. " * 6554)[: 64 * 1024]
    page.evaluate("(text) => document.execCommand('insertText', false, text)", text)
    expect(page.get_by_test_id("send")).to_be_disabled()
    expect(page.locator(".counter")).to_have_text("61,536자 초과")
    assert composer.input_value() == text
    fits(jimin)
    # And goes on at once.
    page.keyboard.type("끝")
    assert composer.input_value() == f"{text}끝"
    composer.fill(text[:4000].strip())
    composer.press("Enter")
    expect(page.get_by_test_id("chat-entry")).to_have_attribute("data-state", "sent")


def put_reactions(friend: ChatClient, room_id: str, seq: int, most: int) -> int:
    """React with one emoji after the other until it is refused; returns how many there are."""
    for count in range(most):
        try:
            friend.ask("chat.react", room_id=room_id, seq=seq, emoji=chr(0x1F600 + count))
        except CommandRefusedError as refused:
            if refused.code != "too_many_reactions":
                raise
            return count
    return most


def test_a_chat_with_all_reactions_it_can_have(person: People, stack_site: StackSite) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("반응"))
    friend = friend_in(stack_site, room_id)
    seq = says(friend, room_id, "반응해 주세요")
    count = put_reactions(friend, room_id, seq, 10_000)
    chips = jimin.chat("반응해 주세요").locator(".reaction")
    expect(chips).to_have_count(count)
    fits(jimin)
    open_menu(jimin, "반응해 주세요").get_by_role("menuitemcheckbox", name="👍").click()
    refused = jimin.page.get_by_role("status").filter(has_text="반응을 더 남길 수 없습니다")
    expect(refused).to_be_visible()
    expect(chips).to_have_count(count)
    friend.close()


@pytest.mark.parametrize("off_ms", [TWO_DAYS_MS, -TWO_DAYS_MS], ids=["fast", "slow"])
def test_a_clock_two_days_off(person: People, stack_site: StackSite, off_ms: int) -> None:
    right, wrong = person("하은", viewport=DESKTOP), person(viewport=DESKTOP)
    wrong.page.clock.install(time=(time.time() * 1_000 + off_ms) / 1_000)
    wrong.is_signed_in_as("지민")
    name = unique("시계")
    for someone in (right, wrong):
        someone.open_room(name)
    right.say("지금 몇 시예요?")
    wrong.sees("지금 몇 시예요?")
    wrong.say("글쎄요")
    right.sees("글쎄요")
    expect(wrong.chat("글쎄요")).to_have_attribute("data-state", "sent")
    assert wrong.texts() == right.texts() == ["지금 몇 시예요?", "글쎄요"]
    for what in ('[data-testid="day-separator"]', "time", ".room-time"):
        shown = [someone.page.locator(what).all_inner_texts() for someone in (right, wrong)]
        assert shown[0] == shown[1], what
    assert wrong.page.get_by_test_id("day-separator").count() == 1
    moments = wrong.page.locator(".line time").evaluate_all(
        "(all) => all.map((each) => Date.parse(each.dateTime))"
    )
    assert all(abs(moment / 1_000 - time.time()) < 120 for moment in moments)
