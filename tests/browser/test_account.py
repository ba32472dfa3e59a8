"""Signing in and out, my page, and withdrawing, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.people import Person
from tests.support.site import Site, misbehave, unique

People = Callable[..., Person]


def test_cancelling_at_kakao_leads_to_a_page_that_says_so(person: People) -> None:
    someone = person()
    someone.page.goto(someone.origin)
    someone.press_sign_in()
    someone.page.locator('button[value="cancel"]').click()
    someone.page.wait_for_url("**/sign-in*")
    error = someone.page.get_by_test_id("sign-in-error")
    expect(error).to_be_visible()
    # Trying again works from there.
    someone.press_sign_in()
    someone.decide("다시")
    someone.agrees()
    someone.page.wait_for_url(f"{someone.origin}/rooms")


@pytest.mark.parametrize("fault", ["token_error", "me_error", "expired_code", "bad_signature"])
def test_a_failure_at_kakao_can_be_tried_again(
    person: People, stack_site: Site, fault: str
) -> None:
    someone = person()
    someone.page.goto(someone.origin)
    someone.press_sign_in()
    misbehave(stack_site, fault)
    someone.decide("불운")
    someone.page.wait_for_url("**/sign-in*")
    expect(someone.page.get_by_test_id("sign-in-error")).to_be_visible()
    someone.page.locator('a[href^="/api/auth/kakao"]').first.click()
    # Inside Kakao's own session it asks nothing more, unless the link was never made.
    someone.page.wait_for_url(re.compile(r"oauth/authorize|/sign-in\?consent"))
    if "oauth/authorize" in someone.page.url:
        someone.decide("행운")
    someone.agrees()
    someone.page.wait_for_url(f"{someone.origin}/rooms")


def test_signing_in_leads_where_one_wanted_to_go(person: People) -> None:
    host, guest = person("방장"), person()
    room_id = host.open_room(unique("초대"))
    guest.page.goto(f"{guest.origin}/rooms/{room_id}")
    guest.press_sign_in()
    guest.decide("초대받은 이")
    guest.agrees()
    guest.page.wait_for_url(f"**/rooms/{room_id}")
    expect(host.page.get_by_test_id("notice").last).to_contain_text("초대받은 이님이 들어왔습니다")


def test_nothing_secret_is_in_reach_of_scripts(person: People) -> None:
    someone = person("지민")
    cookies = someone.page.context.cookies()
    session = next(cookie for cookie in cookies if cookie["name"] == "session")
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    page = someone.page
    assert page.evaluate("document.cookie") == ""
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert session["value"] not in stored
    assert session["value"] not in page.content()


def test_the_nickname_can_be_changed(person: People) -> None:
    jimin, haeun = person("지민"), person("하은")
    name = unique("이름")
    jimin.open_room(name)
    haeun.open_room(name)
    haeun.page.goto(f"{haeun.origin}/me")
    haeun.page.get_by_test_id("nickname-input").fill("새 하은")
    haeun.page.get_by_test_id("nickname-save").click()
    expect(haeun.page.get_by_test_id("nickname")).to_contain_text("새 하은")
    haeun.page.goto(f"{haeun.origin}/rooms")
    haeun.page.get_by_test_id("room-item").click()
    haeun.say("저예요")
    jimin.sees("저예요")
    expect(jimin.page.get_by_test_id("author").last).to_have_text("새 하은")


def test_signing_out_ends_here(person: People) -> None:
    someone = person("지민")
    someone.page.goto(f"{someone.origin}/me")
    someone.page.get_by_test_id("sign-out").click()
    someone.page.wait_for_url(f"{someone.origin}/")
    assert all(cookie["name"] != "session" for cookie in someone.page.context.cookies())
    someone.page.goto(f"{someone.origin}/rooms")
    expect(someone.page.locator('a[href^="/api/auth/kakao"]').first).to_be_visible()


def test_what_can_be_pressed_does_not_move_when_ones_devices_are_there(person: People) -> None:
    someone = person("지민")
    page = someone.page
    held: list[Route] = []
    page.route("**/api/sessions", lambda route: held.append(route))
    page.goto(f"{someone.origin}/me")
    expect(page.get_by_test_id("devices")).to_contain_text("불러오는 중")
    expect(page.get_by_test_id("blocked-people")).to_contain_text("차단한 사람이 없습니다.")
    before = page.get_by_test_id("sign-out").bounding_box()
    held[0].continue_()
    expect(page.get_by_test_id("device")).to_have_count(1)
    assert page.get_by_test_id("sign-out").bounding_box() == before


def test_withdrawing_asks_first_and_then_takes_everything_away(person: People) -> None:
    jimin, haeun = person("지민"), person("하은")
    name = unique("탈퇴")
    jimin.open_room(name)
    haeun.open_room(name)
    haeun.say("남는 말")
    jimin.sees("남는 말")
    haeun.page.goto(f"{haeun.origin}/me")
    haeun.page.get_by_test_id("withdraw").click()
    confirm = haeun.page.get_by_test_id("withdraw-confirm")
    expect(confirm).to_be_visible()
    checkbox = haeun.page.get_by_role("dialog").get_by_role("checkbox")
    if checkbox.count():
        checkbox.check()
    confirm.click()
    haeun.page.wait_for_url(f"{haeun.origin}/")
    expect(jimin.page.get_by_test_id("notice").last).to_contain_text("나갔습니다")
    jimin.page.reload()
    jimin.sees("남는 말")
    expect(jimin.page.get_by_test_id("author").last).to_have_text("탈퇴한 사용자")


def test_one_agrees_before_anything_else(person: People) -> None:
    someone = person()
    page = someone.page
    page.goto(f"{someone.origin}/rooms/nothing-here")
    someone.press_sign_in()
    someone.decide("새 사람")
    consent = page.get_by_test_id("consent")
    expect(consent).to_be_visible()
    start = page.get_by_test_id("consent-start")
    expect(start).to_be_disabled()
    # The site itself does not let anybody past.
    page.goto(f"{someone.origin}/rooms")
    expect(consent).to_be_visible()
    with page.expect_popup() as opened:
        consent.get_by_role("link").first.click()
    expect(opened.value.get_by_test_id("legal")).to_contain_text("만 14세 이상")
    opened.value.close()
    page.get_by_test_id("consent-all").check()
    start.click()
    page.wait_for_url(f"{someone.origin}/rooms")
    expect(page.get_by_test_id("open-room-input")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("open-room-input")).to_be_visible()


def test_another_device_is_signed_out_from_here(person: People) -> None:
    here, there = person("지민"), person()
    there.page.context.add_cookies(here.another_sign_in())
    there.page.goto(f"{there.origin}/rooms")
    expect(there.page.get_by_test_id("connection-status")).to_have_attribute("data-state", "online")
    here.page.goto(f"{here.origin}/me")
    devices = here.page.get_by_test_id("device")
    expect(devices).to_have_count(2)
    expect(devices.first).to_contain_text("이 기기")
    here.page.get_by_test_id("end-session").click()
    expect(devices).to_have_count(1)
    there.page.wait_for_url("**/sign-in*")
    expect(there.page.get_by_test_id("sign-in-error")).to_have_attribute("data-code", "signed_out")


def test_ones_data_can_be_taken_away(person: People) -> None:
    someone = person("지민")
    someone.open_room(unique("내 말"))
    someone.say("가져갈 말")
    someone.sees("가져갈 말")
    someone.page.goto(f"{someone.origin}/me")
    with someone.page.expect_download() as started:
        someone.page.get_by_test_id("export-start").click()
    assert started.value.suggested_filename.endswith(".json")
    found = json.loads(started.value.path().read_text(encoding="utf-8"))
    assert found["profile"]["nickname"] == "지민"
    assert [chat["text"] for room in found["chats"] for chat in room["chats"]] == ["가져갈 말"]
    # Once an hour.
    someone.page.get_by_test_id("export-start").click()
    expect(someone.page.get_by_test_id("export").get_by_role("alert")).to_contain_text("한 시간")
