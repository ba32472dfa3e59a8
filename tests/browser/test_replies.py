"""Answering a chat: how one begins, what is seen of it, and going to what was answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.people import DESKTOP, PHONE, Person, open_menu, past, says
from tests.support.chat import ChatClient
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack

People = Callable[..., Person]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
DESK = {"viewport": DESKTOP, "locale": "en-US"}


def replying(someone: Person) -> Locator:
    """What is said over the composer while one answers."""
    return someone.page.get_by_test_id("replying")


def answer(someone: Person, text: str) -> Locator:
    """The chat with this text that answers something."""
    chats = someone.page.get_by_test_id("chat-entry").filter(has_text=text)
    return chats.filter(has=someone.page.get_by_test_id("quote"))


def quote(someone: Person, text: str) -> Locator:
    """What the chat with this text answers."""
    return answer(someone, text).get_by_test_id("quote")


def drag(someone: Person, chat: Locator, left: int, down: int = 0) -> None:
    """Draw a chat with a finger, as a touch screen tells it."""
    box = chat.locator(".bubble").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 20, box["y"] + 20
    devtools = someone.page.context.new_cdp_session(someone.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x, y))
    for step in range(1, 9):
        touch("touchMove", (x - left * step / 8, y + down * step / 8))
    touch("touchEnd")
    devtools.detach()


def pair(person: People) -> tuple[Person, Person]:
    """Somebody on a phone and somebody at a desk, in one room; each has said something."""
    jimin = person("지민", **TOUCH)
    alex = person("Alex", **DESK)
    name = unique("탁구")
    jimin.open_room(name)
    alex.open_room(name)
    jimin.say("커피 마실 사람?")
    alex.sees("커피 마실 사람?")
    alex.say("Anyone for table tennis?")
    jimin.sees("Anyone for table tennis?")
    # A finger's own code is loaded before it comes.
    jimin.page.wait_for_function(
        "[...document.styleSheets].some((each) => each.href?.includes('actions'))"
    )
    return jimin, alex


def test_a_chat_is_answered_by_menu_key_and_finger(person: People) -> None:
    jimin, alex = pair(person)
    page = alex.page
    open_menu(alex, "커피 마실 사람?").get_by_test_id("reply-chat").click()
    expect(replying(alex)).to_have_text(re.compile("Replying to 지민.*커피 마실 사람"))
    composer = page.get_by_test_id("composer")
    expect(composer).to_be_focused()
    composer.press_sequentially("I would")
    composer.press("Enter")
    expect(replying(alex)).to_have_count(0)
    expect(quote(alex, "I would")).to_contain_text("커피 마실 사람?")
    # Its author is oneself, to who is answered.
    expect(quote(jimin, "I would").locator("b")).to_have_text("나")

    # By the key, on one's own chat, and by Escape out of it.
    alex.chat("Anyone for table").focus()
    page.keyboard.press("r")
    expect(replying(alex)).to_contain_text("Replying to yourself")
    expect(composer).to_be_focused()
    composer.press("Escape")
    expect(replying(alex)).to_have_count(0)
    alex.say("no answer")
    jimin.sees("no answer")
    expect(answer(jimin, "no answer")).to_have_count(0)

    # A finger that goes down scrolls, one that goes a little aside changes its mind.
    asked = jimin.chat("Anyone for table tennis?")
    drag(jimin, asked, left=20, down=120)
    drag(jimin, asked, left=40)
    expect(asked).not_to_have_attribute("data-drawn", re.compile("."))
    expect(replying(jimin)).to_have_count(0)
    drag(jimin, asked, left=110)
    expect(replying(jimin)).to_have_text(re.compile("Alex에게 답장.*table tennis"))
    expect(asked.locator(".line-words")).to_have_attribute("style", "")
    jimin.say("저요!")
    expect(quote(alex, "저요!")).to_contain_text("YouAnyone for table tennis?")
    expect(jimin.page.get_by_test_id("chat-menu")).to_have_count(0)


def test_what_is_answered_is_shown_as_it_is_by_now(person: People) -> None:
    jimin, alex = pair(person)
    open_menu(alex, "커피 마실 사람?").get_by_test_id("reply-chat").click()
    alex.say("I would")
    drag(jimin, answer(jimin, "I would"), left=110)
    jimin.say("언제요?")
    # A quote shows the words of a chat, not what that answers.
    expect(quote(alex, "언제요?")).to_contain_text("I would")
    expect(quote(alex, "언제요?")).not_to_contain_text("커피")
    composer = alex.page.get_by_test_id("composer")
    composer.press("ArrowUp")
    expect(composer).to_have_value("I would")
    alex.say("I could")
    expect(quote(jimin, "언제요?")).to_contain_text("I could")
    own = alex.page.locator(".line.is-own").last
    own.hover()
    own.get_by_test_id("chat-actions").click()
    alex.page.get_by_test_id("delete-chat").click()
    alex.page.get_by_test_id("delete-confirm").click()
    expect(quote(jimin, "언제요?")).to_contain_text("삭제된 메시지")
    jimin.page.reload()
    expect(quote(jimin, "언제요?")).to_contain_text("삭제된 메시지")
    expect(jimin.page.locator("body")).not_to_contain_text("I could")


def test_an_answer_that_was_begun_survives_a_reload(person: People) -> None:
    jimin, alex = pair(person)
    drag(jimin, jimin.chat("Anyone for table tennis?"), left=110)
    composer = jimin.page.get_by_test_id("composer")
    composer.press_sequentially("저는 아직")
    jimin.page.reload()
    expect(replying(jimin)).to_have_text(re.compile("Alex에게 답장.*table tennis"))
    expect(composer).to_have_value("저는 아직")
    # No keyboard opens for it, and in another room nothing is answered.
    expect(composer).not_to_be_focused()
    room = jimin.page.url
    jimin.page.goto(f"{jimin.origin}/rooms")
    jimin.open_room(unique("다른 방"))
    expect(replying(jimin)).to_have_count(0)
    jimin.page.goto(room)
    expect(replying(jimin)).to_contain_text("Alex에게 답장")
    # Offline it is kept with what it answers.
    jimin.goes_offline()
    jimin.page.get_by_test_id("send").click()
    expect(quote(jimin, "저는 아직")).to_contain_text("table tennis")
    jimin.comes_online()
    expect(quote(alex, "저는 아직")).to_contain_text("table tennis")
    expect(replying(jimin)).to_have_count(0)
    jimin.page.reload()
    jimin.sees("저는 아직")
    expect(replying(jimin)).to_have_count(0)


@pytest.fixture
def writer(stack_site: Any) -> ChatClient:
    """Somebody who writes a lot, by the protocol alone."""
    client: ChatClient = new_person(stack_site, "도윤").chat()
    return client


@pytest.mark.parametrize("how", [TOUCH, DESK], ids=["phone-ko", "desktop-en"])
def test_going_to_what_was_said_long_ago_and_back(
    person: People, stack: LocalStack, writer: ChatClient, how: dict[str, Any]
) -> None:
    jimin = person("지민", **how)
    room_id = jimin.open_room(unique("탁구"))
    writer.ask("room.enter", room_id=room_id)
    first = says(writer, room_id, "첫 이야기")
    past(stack, writer, room_id, 320)
    jimin.page.reload()
    says(writer, room_id, "기억나요?", reply_to=first)
    expect(quote(jimin, "기억나요?")).to_contain_text("도윤첫 이야기")
    # As it is found by who comes later, and holds the newest page only.
    jimin.page.reload()
    expect(quote(jimin, "기억나요?")).to_contain_text("도윤첫 이야기")
    told = jimin.page.locator(f'[data-testid=chat-entry][data-seq="{first}"]')
    expect(told).to_have_count(0)
    quote(jimin, "기억나요?").click()
    expect(told).to_be_in_viewport()
    expect(told).to_be_focused()
    expect(jimin.chat("기억나요?")).to_have_count(0)
    # What happens here and at the end of the log meanwhile.
    writer.ask("chat.edit", room_id=room_id, seq=first, text="처음 한 이야기")
    expect(told).to_contain_text("처음 한 이야기")
    expect(told).to_be_in_viewport()
    last = says(writer, room_id, "그사이 새 소식")
    newest = jimin.page.get_by_test_id("to-newest")
    expect(newest).to_contain_text("1")
    expect(told).to_be_in_viewport()
    assert not jimin.chat("그사이 새 소식").count()
    newest.click()
    expect(jimin.chat("그사이 새 소식")).to_be_in_viewport()
    expect(quote(jimin, "기억나요?")).to_contain_text("처음 한 이야기")
    # It was not read before it was seen, and is now.
    writer.wait_for("read.marked", lambda event: event["seq"] == last)
    # Far up again; what one says brings one back.
    quote(jimin, "기억나요?").click()
    expect(told).to_be_in_viewport()
    jimin.say("저도 기억나요")
    expect(jimin.chat("저도 기억나요")).to_be_in_viewport()
    writer.close()


def test_answers_of_one_person_in_two_tabs(person: People) -> None:
    jimin, alex = pair(person)
    other = Person(alex.page.context.new_page(), alex.site)
    other.page.goto(alex.page.url)
    open_menu(alex, "커피 마실 사람?").get_by_test_id("reply-chat").click()
    alex.say("I would")
    expect(quote(other, "I would")).to_contain_text("커피 마실 사람?")
    open_menu(other, "I would").get_by_test_id("delete-chat").click()
    other.page.get_by_test_id("delete-confirm").click()
    for someone in (alex, jimin):
        expect(someone.chat("I would")).to_have_count(0)
        expect(someone.page.get_by_test_id("quote")).to_have_count(0)
