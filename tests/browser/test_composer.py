"""The box where one writes, with more in it than it is meant for, and a device that is full."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.people import DESKTOP, PHONE, Person
from tests.support.site import unique

People = Callable[..., Person]

KOREAN = {"viewport": PHONE}
ENGLISH = {"viewport": DESKTOP, "locale": "en-US"}
both = pytest.mark.parametrize("how", [KOREAN, ENGLISH], ids=["phone-ko", "desktop-en"])


@both
def test_a_pasted_book_is_kept_whole_and_not_sent(person: People, how: dict[str, Any]) -> None:
    jimin = person("지민", **how)
    jimin.open_room(unique("탁구"))
    composer = jimin.page.get_by_test_id("composer")
    book = ("가나다라 마바사 " * 9 + "\n") * 780  # 64 K characters
    # As after a paste; Chromium's own typing of lines takes minutes, also in a bare page.
    composer.evaluate(
        """(box, text) => {
          box.focus();
          box.value = text;
          box.dispatchEvent(new InputEvent('input', { bubbles: true }));
        }""",
        book,
    )
    over = f"{len(book.strip()) - 4_000:,}"
    counter = jimin.page.locator("#composer-counter")
    expect(counter).to_have_text(f"{over}자 초과" if how is KOREAN else f"{over} too many")
    expect(composer).to_have_attribute("aria-invalid", "true")
    expect(jimin.page.get_by_test_id("send")).to_be_disabled()
    # Writing goes on in it, with somebody meant, and nothing is cut.
    composer.press_sequentially("@끝")
    composer.press("Enter")
    assert composer.input_value() == f"{book}@끝"
    expect(jimin.page.get_by_test_id("chat-entry")).to_have_count(0)
    # It is not taller for it than a few lines, and says something again when it is short enough.
    box = composer.bounding_box()
    assert box is not None
    assert box["height"] <= 150
    composer.fill("짧게")
    expect(counter).to_be_hidden()
    composer.press("Enter")
    jimin.sees("짧게")


@both
def test_a_full_device_says_what_would_be_lost(person: People, how: dict[str, Any]) -> None:
    jimin = person("지민", **how)
    jimin.open_room(unique("탁구"))
    page = jimin.page
    page.evaluate(
        """() => {
          for (let size = 1 << 22; size; size >>= 1) {
            for (let part = 0; ; part++) {
              try {
                localStorage.setItem(`full.${size}.${part}`, 'x'.repeat(size));
              } catch {
                break;
              }
            }
          }
        }"""
    )
    jimin.goes_offline()
    jimin.say("어디에도 없는 글")
    note = jimin.chat("어디에도 없는 글").get_by_test_id("not-kept")
    said = "저장하지 못했어요" if how is KOREAN else "can’t store it"
    expect(note).to_contain_text(said)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.evaluate("setTimeout(() => location.reload())")
    expect(note).to_contain_text(said)
    page.wait_for_function("navigator.userActivation.hasBeenActive")
    jimin.comes_online()
    expect(jimin.chat("어디에도 없는 글")).to_have_attribute("data-state", "sent")
    expect(note).to_have_count(0)
    assert asked == ["beforeunload"]
    # Nothing is left to be asked about.
    page.reload()
    jimin.sees("어디에도 없는 글")
    expect(jimin.chat("어디에도 없는 글")).to_have_attribute("data-seq", re.compile(r"\d"))


@pytest.mark.parametrize("key_code", [13, 229])
def test_the_enter_that_ends_a_hangul_composition_does_not_send(
    person: People, key_code: int
) -> None:
    """As input methods do it: on a Mac the key is Enter's own, elsewhere it is 229."""
    jimin = person("지민", viewport=DESKTOP)
    jimin.open_room(unique("한글"))
    page = jimin.page
    composer = page.get_by_test_id("composer")
    composer.focus()
    devtools = page.context.new_cdp_session(page)
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": key_code}
    for syllable in ("하", "한"):
        devtools.send(
            "Input.imeSetComposition",
            {"text": syllable, "selectionStart": 1, "selectionEnd": 1},
        )
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    devtools.send("Input.insertText", {"text": "한"})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    expect(composer).to_have_value("한")
    expect(page.get_by_test_id("chat-entry")).to_have_count(0)
    composer.press("Enter")
    jimin.sees("한")
    assert jimin.texts() == ["한"]
