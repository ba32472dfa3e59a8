"""Rooms that one is not in: looked through, searched, joined, and made so that they are found."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.people import DESKTOP, Person, friend_in
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]


def row(someone: Person, room_id: str) -> Locator:
    """A room of the directory."""
    return someone.page.locator(f'[data-testid="browse-room"][data-room-id="{room_id}"]')


def is_ready(someone: Person) -> None:
    expect(someone.page.get_by_test_id("browse")).to_have_attribute("data-state", "ready")


@pytest.mark.timeout(180)
def test_a_room_is_made_with_a_topic_found_by_it_and_joined(person: People) -> None:
    host, guest = person("지민", viewport=DESKTOP), person("하은")
    mark = unique("")[-6:].replace("-", "x")
    tag = f"탁구{mark}"
    host.page.get_by_test_id("new-room-open").click()
    host.page.get_by_test_id("new-room-name").fill(f"서울{mark} 탁구 모임")
    host.page.locator('[data-testid="about-topic"][data-topic="sports"]').click()
    # The tag that is still being written counts, too.
    host.page.get_by_test_id("about-draft").fill(f"#{tag}")
    host.page.get_by_test_id("new-room-make").click()
    expect(host.page.get_by_test_id("composer")).to_be_enabled()
    room_id = host.page.url.rsplit("/", 1)[1]

    guest.page.get_by_test_id("to-browse").click()
    guest.page.locator('[data-testid="browse-topic"][data-topic="games"]').click()
    is_ready(guest)
    expect(row(guest, room_id)).to_have_count(0)
    guest.page.locator('[data-testid="browse-topic"][data-topic="sports"]').click()
    expect(row(guest, room_id)).to_contain_text(f"#{tag}")
    # While it is typed, and by initials.
    box = guest.page.get_by_test_id("open-room-input")
    for typed in (f"서울{mark} 타", f"ㅅㅇ{mark}ㅌ", f"#{tag}"):
        box.fill("")
        expect(guest.page.get_by_test_id("browse-topic").first).to_be_visible()
        box.fill(typed)
        expect(guest.page.get_by_test_id("browse-topic")).to_have_count(0)
        is_ready(guest)
        expect(row(guest, room_id)).to_have_count(1)
    box.press("ArrowDown")
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_test_id("preview")).to_contain_text("1명")
    guest.page.get_by_test_id("preview-enter").click()
    expect(guest.page.get_by_test_id("composer")).to_be_enabled()
    assert guest.page.url.endswith(room_id)

    # The host says something else of it.
    host.page.get_by_test_id("room-settings").click()
    host.page.get_by_test_id("describe-room").click()
    host.page.get_by_test_id("about-tag").click()
    host.page.locator('[data-testid="about-topic"][data-topic="travel"]').click()
    host.page.get_by_test_id("about-save").click()
    expect(host.page.get_by_test_id("about-dialog")).to_have_count(0)
    host.page.get_by_test_id("settings-close").click()
    host.page.get_by_test_id("view-all").click()
    host.page.locator('[data-testid="browse-topic"][data-topic="travel"]').click()
    expect(row(host, room_id)).to_contain_text("참여 중")
    expect(row(host, room_id)).not_to_contain_text(tag)


@pytest.mark.timeout(180)
def test_a_long_list_goes_on_and_what_could_not_be_loaded_is_tried_again(
    person: People, stack_site: StackSite
) -> None:
    someone = person("서연")
    here = someone.elsewhere()
    tag = unique("긴")[-16:].lower()
    for number in range(25):
        here.ask("room.open", name=unique(f"긴 목록 {number}"), tags=[tag])
    someone.page.get_by_test_id("view-all").click()
    is_ready(someone)
    box = someone.page.get_by_test_id("open-room-input")
    box.fill(f"#{tag}")
    rooms = someone.page.get_by_test_id("browse-room")
    expect(rooms.nth(19)).to_be_attached()
    someone.page.locator(".browse .room-list").hover()
    someone.page.mouse.wheel(0, 4_000)
    expect(rooms).to_have_count(25)
    expect(someone.page.get_by_test_id("browse-more")).to_have_attribute("data-state", "none")
    # A room in which there is no place can be looked at, not entered.
    full = unique("꽉 찬 방")
    room_id = here.ask("room.open", name=full)["room"]["room_id"]
    here.ask("room.set_capacity", room_id=room_id, capacity=2)
    friend_in(stack_site, room_id).close()
    other = person("도윤")
    other.page.get_by_test_id("view-all").click()
    is_ready(other)
    other.page.get_by_test_id("open-room-input").fill(full)
    expect(row(other, room_id)).to_contain_text("정원 참")
    row(other, room_id).click()
    expect(other.page.get_by_test_id("preview-enter")).to_be_disabled()
    # Nothing found: a room of that name can be made.
    name = unique("없는 방")
    box.fill(name)
    someone.page.get_by_test_id("browse-make").click()
    expect(someone.page.get_by_test_id("new-room-name")).to_have_value(name)
    someone.page.keyboard.press("Escape")
    # Without a connection it says so, and goes on by itself when there is one.
    someone.page.context.set_offline(True)
    box.fill("서울")
    expect(someone.page.get_by_test_id("browse")).to_have_attribute("data-state", "failed")
    expect(someone.page.get_by_test_id("browse-retry")).to_be_visible()
    someone.page.context.set_offline(False)
    expect(someone.page.get_by_test_id("browse")).to_have_attribute(
        "data-state", re.compile("ready")
    )
