"""Who writes faster than a room can bear sees why it waits, and has all of it said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.people import DESKTOP, Person
from tests.support.site import Site, new_person, unique

SLOW_MS = 4_000
WORDS = {
    "ko-KR": "천천히 대화하는 방이에요",
    "en-US": "This room is in slow mode",
}


@pytest.mark.parametrize("locale", WORDS)
def test_in_slow_mode_what_was_written_is_said_by_itself_in_order(
    person: Callable[..., Person], stack_site: Site, locale: str
) -> None:
    from chalicelib.tables import RoomRow

    name = unique("탁구")
    room_id = new_person(stack_site).chat().ask("room.open", name=name)["room"]["room_id"]
    RoomRow(room_id).update([RoomRow.slow_ms.set(SLOW_MS)])
    view = {} if locale == "ko-KR" else {"viewport": DESKTOP}
    jimin = person("지민", locale=locale, **view)
    jimin.open_room(name)
    said = ["하나", "둘", "셋"]
    for text in said:
        jimin.say(text)
    waiting = jimin.page.get_by_test_id("pace")
    expect(waiting).to_contain_text(WORDS[locale])
    expect(waiting).to_have_attribute("data-code", "slow_mode")
    sent = jimin.page.locator('[data-testid="chat-entry"][data-state="sent"]')
    expect(sent).to_have_count(len(said))
    assert jimin.texts() == said
    expect(waiting).to_have_count(0)
    assert jimin.page.get_by_test_id("retry-send").count() == 0
