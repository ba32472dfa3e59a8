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
