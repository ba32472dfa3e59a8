"""Two people sign in, meet in a room by its name, and talk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, PHONE, SMALL_PHONE, Person, says
from tests.support.site import unique

People = Callable[..., Person]


def meet(host: Person, guest: Person) -> str:
    """Both enter a new room by its name; the name."""
    name = unique("탁구")
    host.open_room(name)
    guest.open_room(name)
    expect(host.page.get_by_test_id("notice").last).to_contain_text("들어왔습니다")
    return name


def test_two_people_meet_and_talk(person: People) -> None:
    jimin, alex = person(), person(viewport=DESKTOP, locale="en-US")
    jimin.sign_in("지민")
    alex.sign_in("Alex")
    name = unique("탁구 이야기")
    jimin.open_room(name)
    expect(jimin.page.get_by_test_id("notice")).to_have_text("지민님이 대화방을 만들었습니다.")
    alex.open_room(f" {name.upper()} ")
    expect(alex.page.get_by_test_id("notice").last).to_have_text("Alex came in.")
    expect(jimin.page.get_by_test_id("notice").last).to_have_text("Alex님이 들어왔습니다.")

    jimin.say("안녕하세요!")
    alex.sees("안녕하세요!")
    alex.say("Hello 👋 <b>not bold</b>")
    jimin.sees("Hello 👋 <b>not bold</b>")
    assert jimin.texts() == alex.texts() == ["안녕하세요!", "Hello 👋 <b>not bold</b>"]
    expect(jimin.page.get_by_test_id("author").last).to_have_text("Alex")
    expect(jimin.chat("안녕하세요!")).to_have_attribute("data-state", "sent")
    expect(jimin.page.get_by_test_id("day-separator")).to_have_count(1)


def test_a_reload_shows_the_same_conversation(person: People) -> None:
    jimin, haeun = person("지민"), person("하은")
    meet(jimin, haeun)
    for number in range(3):
        jimin.say(f"하나 {number}")
        haeun.sees(f"하나 {number}")
        haeun.say(f"둘 {number}")
        jimin.sees(f"둘 {number}")
    before = haeun.texts()
    haeun.page.reload()
    haeun.sees("둘 2")
    assert haeun.texts() == before
    jimin.say("아직 거기 있어요?")
    haeun.sees("아직 거기 있어요?")


def test_a_chat_typed_offline_is_sent_later_once_and_nothing_is_missed(person: People) -> None:
    jimin, haeun = person("지민"), person("하은")
    meet(jimin, haeun)
    haeun.goes_offline()
    expect(haeun.page.get_by_test_id("connection-status")).to_have_attribute(
        "data-state", "offline"
    )
    haeun.say("터널 안에서")
    expect(haeun.chat("터널 안에서")).to_have_attribute("data-state", "sending")
    jimin.say("그동안에")
    expect(jimin.chat("그동안에")).to_have_attribute("data-state", "sent")
    haeun.comes_online()
    expect(haeun.chat("터널 안에서")).to_have_attribute("data-state", "sent")
    jimin.sees("터널 안에서")
    haeun.sees("그동안에")
    assert jimin.texts() == haeun.texts() == ["그동안에", "터널 안에서"]


def test_a_chat_typed_offline_survives_a_reload(person: People) -> None:
    jimin, haeun = person("지민"), person("하은")
    meet(jimin, haeun)
    haeun.goes_offline()
    haeun.say("새로 고쳐도")
    expect(haeun.chat("새로 고쳐도")).to_have_attribute("data-state", "sending")
    haeun.comes_online()
    haeun.page.reload()
    jimin.sees("새로 고쳐도")
    expect(haeun.chat("새로 고쳐도")).to_have_attribute("data-state", "sent")


def test_the_host_closes_the_room(person: People) -> None:
    host, guest = person("방장"), person("손님")
    meet(host, guest)
    host.page.get_by_test_id("room-settings").click()
    host.page.get_by_test_id("leave-room").click()
    host.page.get_by_test_id("leave-close").click()
    confirm = host.page.get_by_test_id("leave-confirm")
    if confirm.count():
        confirm.click()
    host.page.wait_for_url("**/rooms")
    expect(guest.page.get_by_test_id("composer")).to_have_count(0)
    expect(guest.page.locator("body")).to_contain_text("닫")


def test_the_host_hands_the_room_over(person: People) -> None:
    host, guest = person("방장"), person("손님")
    meet(host, guest)
    host.page.get_by_test_id("room-settings").click()
    host.page.get_by_test_id("leave-room").click()
    host.page.get_by_test_id("leave-hand-over").click()
    successor = host.page.get_by_test_id("successor").first
    expect(successor).to_be_visible()
    if successor.evaluate("element => element.tagName") == "SELECT":
        successor.select_option(index=successor.locator("option").count() - 1)
    else:
        successor.click()
    host.page.get_by_test_id("leave-confirm").click()
    host.page.wait_for_url("**/rooms")
    expect(host.page.get_by_test_id("room-item")).to_have_count(0)
    expect(guest.page.get_by_test_id("notice").last).to_contain_text("방장님이 나갔습니다")
    guest.say("이제 제가 방장이에요")
    guest.sees("이제 제가 방장이에요")


def test_a_member_leaves(person: People) -> None:
    host, guest = person("방장"), person("손님")
    meet(host, guest)
    guest.page.get_by_test_id("room-settings").click()
    guest.page.get_by_test_id("leave-room").click()
    guest.page.get_by_test_id("leave-confirm").click()
    guest.page.wait_for_url("**/rooms")
    expect(guest.page.get_by_test_id("room-item")).to_have_count(0)
    expect(host.page.get_by_test_id("notice").last).to_have_text("손님님이 나갔습니다.")


def test_the_room_list_is_live(person: People) -> None:
    jimin, haeun = person("지민"), person("하은", viewport=DESKTOP)
    first = meet(jimin, haeun)
    second = unique("다른 방")
    haeun.open_room(second)
    items = haeun.page.get_by_test_id("room-item")
    expect(items).to_have_count(2)
    expect(items.first).to_contain_text(second)
    jimin.say("여기 좀 봐요")
    expect(items.first).to_contain_text(first)
    expect(items.first).to_contain_text("여기 좀 봐요")
    expect(items.first.get_by_test_id("unread")).to_have_text("1")
    expect(items.first).to_contain_text("지민")
    items.first.click()
    haeun.sees("여기 좀 봐요")
    expect(items.first.get_by_test_id("unread")).to_have_count(0)


def test_what_was_read_stays_read_after_a_reload(person: People) -> None:
    jimin, haeun = person("지민"), person("하은", viewport=DESKTOP)
    meet(jimin, haeun)
    for number in range(3):
        jimin.say(f"읽어 주세요 {number}")
        haeun.sees(f"읽어 주세요 {number}")
    haeun.page.goto(f"{haeun.origin}/rooms")
    expect(haeun.page.get_by_test_id("room-item")).to_have_count(1)
    expect(haeun.page.get_by_test_id("unread")).to_have_count(0)


def test_history_comes_when_scrolling_up_without_a_jump(person: People) -> None:
    jimin = person("지민")
    room_id = jimin.open_room(unique("긴 이야기"))
    elsewhere = jimin.elsewhere()
    for number in range(70):
        says(elsewhere, room_id, f"이야기 {number:02}")
    elsewhere.close()
    jimin.page.reload()
    jimin.sees("이야기 69")
    expect(jimin.chat("이야기 05")).to_have_count(0)
    oldest = jimin.page.get_by_test_id("chat-entry").first
    text = oldest.locator(".bubble").inner_text()
    oldest.scroll_into_view_if_needed()
    jimin.sees("이야기 05")
    place = jimin.chat(text).bounding_box()
    assert place is not None
    # What was in view before is in view still.
    assert -PHONE["height"] / 2 < place["y"] < PHONE["height"]


@pytest.mark.parametrize("viewport", [SMALL_PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_page_is_wider_than_the_screen(
    person: People, viewport: dict[str, int], locale: str
) -> None:
    someone = person(viewport=viewport, locale=locale)

    def fits() -> None:
        width = someone.page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], someone.page.url

    someone.page.goto(someone.origin)
    fits()
    someone.page.goto(f"{someone.origin}/sign-in?error=kakao_unavailable")
    fits()
    someone.sign_in("김" * 20)
    fits()
    someone.open_room(unique("긴")[:39].ljust(40, "방"))
    someone.say("끝없이이어지는말" * 40)
    expect(someone.page.get_by_test_id("chat-entry")).to_have_attribute("data-state", "sent")
    fits()
    someone.page.goto(f"{someone.origin}/me")
    expect(someone.page.get_by_test_id("nickname")).to_contain_text("김" * 20)
    fits()
    someone.page.goto(f"{someone.origin}/nowhere")
    fits()
    assert someone.page.locator("html").get_attribute("lang") == locale[:2]
