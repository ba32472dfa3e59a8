"""The local stack stopped and started again in mid-chat, seen from two browsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import new_person
from tests.support.site import unique
from tests.support.stack import own_stack


@pytest.mark.timeout(180)
def test_browsers_come_back_by_themselves_and_nothing_is_missing(
    chromium: Browser, tmp_path: Path
) -> None:
    with own_stack(tmp_path) as stack:
        site = stack.site
        jimin, haeun = new_person(chromium, site), new_person(chromium, site)
        name = unique("정전")
        for someone, nickname in ((jimin, "지민"), (haeun, "하은")):
            someone.is_signed_in_as(nickname)
            someone.open_room(name)
        for number in range(5):
            jimin.say(f"정전 전 {number}")
            haeun.sees(f"정전 전 {number}")
        # Acknowledged a moment before the end; the other may or may not have heard it.
        jimin.say("마지막 한마디")
        expect(jimin.chat("마지막 한마디")).to_have_attribute("data-state", "sent")
        stack.stop()
        status = haeun.page.get_by_test_id("connection-status")
        expect(status).not_to_have_attribute("data-state", "online")
        haeun.say("정전 중에 쓴 말")
        expect(haeun.chat("정전 중에 쓴 말")).to_have_attribute("data-state", "sending")
        stack.start()
        for someone in (jimin, haeun):
            online = someone.page.get_by_test_id("connection-status")
            expect(online).to_have_attribute("data-state", "online", timeout=60_000)
            someone.sees("정전 중에 쓴 말")
            someone.sees("마지막 한마디")
        expected = [f"정전 전 {number}" for number in range(5)]
        expected += ["마지막 한마디", "정전 중에 쓴 말"]
        assert jimin.texts() == haeun.texts() == expected
        jimin.page.context.close()
        haeun.page.context.close()
