"""One's account over HTTP: agreeing to the terms, devices, and a copy of one's data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id
from tests.integration.test_sign_in import another_browser, handshake_status, is_signed_in
from tests.support.chat import TIMEOUT, ChatClient, CommandRefusedError
from tests.support.handlers import HandlerSite
from tests.support.site import Answer, Browser, Site, new_person

pytestmark = pytest.mark.localstack

CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
AGREEMENT = {"version": limits.TERMS_VERSION, "is_14_or_older": True, "agrees": True}
#: What needs somebody who has agreed.
ROUTES = [("GET", "/api/sessions"), ("POST", "/api/sessions/end"), ("POST", "/api/export")]


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# --- Agreeing -------------------------------------------------------------------------------


def undecided(site: Site) -> Browser:
    """Somebody who has signed in for the first time and agreed to nothing yet."""
    browser = Browser(site, agrees=False)
    answer = browser.sign_in("지민")
    assert answer.location == f"/sign-in?consent={limits.TERMS_VERSION}&next=%2Frooms"
    return browser


@pytest.mark.alike
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_can_be_used_before_one_agrees(site: Site, method: str, path: str) -> None:
    browser = undecided(site)
    call = browser.get if method == "GET" else browser.post
    assert refusal(call(path)) == (403, "consent_required")
    client = browser.connect()
    for command in ("session.hello", "session.hello"):
        with pytest.raises(CommandRefusedError) as error:
            client.ask(command)
        assert error.value.code == "consent_required"
    with pytest.raises(CommandRefusedError) as error:
        client.ask("room.open", name="동의 전")
    assert error.value.code == "hello_first"
    # The same connection goes on when they have agreed.
    browser.agree(limits.TERMS_VERSION)
    assert client.ask("session.hello")["me"]["nickname"] == "지민"
    assert call(path).status != 403


def test_what_was_agreed_to_is_kept_and_asked_for_once(handlers: HandlerSite) -> None:
    from chalicelib.clock import now_ms
    from chalicelib.tables import UserRow

    browser = undecided(handlers)
    before = now_ms()
    assert browser.post("/api/consent", AGREEMENT).json == {}
    row = UserRow.get(my_id(browser.chat()), consistent_read=True)
    assert row.consent_version == limits.TERMS_VERSION
    assert before <= (row.consented_at or 0) <= now_ms()
    # The next sign-in leads straight on.
    other = Browser(handlers, agrees=False)
    assert other.sign_in("-", person=row.provider_id).location == "/rooms"


@pytest.mark.stack_only
def test_newer_terms_are_asked_for_anew(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = new_person(handlers)
    client = browser.chat()
    monkeypatch.setattr(limits, "TERMS_VERSION", limits.TERMS_VERSION + 1)
    with pytest.raises(CommandRefusedError) as error:
        client.ask("session.hello")
    assert error.value.code == "consent_required"
    assert refusal(browser.get("/api/sessions")) == (403, "consent_required")
    assert refusal(browser.post("/api/consent", AGREEMENT)) == (400, "invalid_field")
    browser.agree(limits.TERMS_VERSION)
    client.ask("session.hello")


@pytest.mark.alike
@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": str(limits.TERMS_VERSION)},
        {"is_14_or_older": False},
        {"is_14_or_older": "true"},
        {"agrees": False},
        {"agrees": None},
        {"more": 1},
    ],
)
def test_half_an_agreement_is_none(site: Site, change: dict[str, Any]) -> None:
    browser = undecided(site)
    answer = browser.post("/api/consent", AGREEMENT | change)
    assert refusal(answer) == (400, "invalid_field")
    assert refusal(browser.get("/api/sessions")) == (403, "consent_required")


@pytest.mark.stack_only
def test_who_does_not_agree_can_sign_out_and_withdraw(site: Site) -> None:
    for path in ("/api/auth/logout", "/api/auth/withdraw"):
        browser = undecided(site)
        assert browser.post(path).status == 200
        assert not is_signed_in(browser)


@pytest.mark.stack_only
def test_agreeing_takes_ones_own_page_and_session(site: Site) -> None:
    browser = undecided(site)
    answer = browser.post("/api/consent", AGREEMENT, origin="https://evil.example")
    assert refusal(answer) == (403, "forbidden_origin")
    assert refusal(Browser(site).post("/api/consent", AGREEMENT)) == (401, "signed_out")
    assert refusal(browser.get("/api/sessions")) == (403, "consent_required")


# --- Devices --------------------------------------------------------------------------------


def devices(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/api/sessions").json["sessions"]
    return found


@pytest.mark.stack_only
def test_ones_devices_are_listed(site: Site) -> None:
    from chalicelib.clock import now_ms

    before = now_ms()
    laptop = new_person(site)
    phone = another_browser(laptop)
    client = phone.chat()
    first, second = devices(laptop)
    assert [each["is_current"] for each in (first, second)] == [False, True]
    assert [each["is_connected"] for each in (first, second)] == [True, False]
    assert before <= second["signed_in_at"] <= first["signed_in_at"] <= now_ms()
    assert first.keys() == {
        *("id", "signed_in_at", "browser", "system", "is_current", "is_connected")
    }
    assert [each["id"] for each in devices(phone)] == [first["id"], second["id"]]
    # Nobody else's, and nothing to sign in with.
    assert len(devices(new_person(site))) == 1
    assert not {first["id"], second["id"]} & {*laptop.cookies.values(), *phone.cookies.values()}
    client.close()


@pytest.mark.stack_only
def test_a_device_is_named_after_its_browser(site: Site) -> None:
    browser = Browser(site)
    url = browser.decide(browser.start(), "지민")
    browser.get(url.removeprefix(site.origin), **{"User-Agent": CHROME})
    browser.agree(limits.TERMS_VERSION)
    (device,) = devices(browser)
    assert (device["browser"], device["system"]) == ("chrome", "android")


@pytest.mark.alike
@pytest.mark.parametrize("which", ["one", "others"])
def test_signing_another_device_out_ends_what_it_hears_at_once(site: Site, which: str) -> None:
    here = new_person(site)
    there = another_browser(here)
    mine, theirs = here.chat(), there.chat()
    room_id = open_room(mine)
    (other,) = [each["id"] for each in devices(here) if not each["is_current"]]
    content = {"id": other} if which == "one" else {"others": True}
    for _ in range(2):  # repeating it does no harm
        assert here.post("/api/sessions/end", content).json == {}
    assert theirs.closed.wait(TIMEOUT)
    assert not is_signed_in(there)
    old = {"Origin": site.origin, "Cookie": there.cookie_header}
    assert handshake_status(site, old) == 401
    assert len(devices(here)) == 1
    say(mine, room_id, "여기는 그대로")


@pytest.mark.stack_only
def test_nobody_else_can_sign_a_device_out(site: Site) -> None:
    mine, stranger = new_person(site), new_person(site)
    client = mine.chat()
    (own,) = devices(mine)
    # As if it were gone already: nothing is told of what others have.
    assert stranger.post("/api/sessions/end", {"id": own["id"]}).json == {}
    assert stranger.post("/api/sessions/end", {"others": True}).json == {}
    client.ask("session.hello")
    assert devices(mine) == [own]
    answer = mine.post("/api/sessions/end", {"others": True}, origin="https://evil.example")
    assert refusal(answer) == (403, "forbidden_origin")


@pytest.mark.alike
@pytest.mark.parametrize(
    "content",
    [
        {},
        {"id": "x"},
        {"id": "0" * 64, "others": True},
        {"id": None},
        {"others": False},
        {"others": 1},
        {"id": "0" * 63 + "\n"},
        [],
        "x",
    ],
)
def test_a_device_to_sign_out_must_be_named(site: Site, content: Any) -> None:
    browser = new_person(site)
    assert refusal(browser.post("/api/sessions/end", content)) == (400, "invalid_field")
    assert is_signed_in(browser)


@pytest.mark.stack_only
def test_this_device_is_signed_out_by_signing_out(site: Site) -> None:
    browser = new_person(site)
    (own,) = devices(browser)
    assert refusal(browser.post("/api/sessions/end", {"id": own["id"]})) == (400, "invalid_field")
    assert is_signed_in(browser)


# --- A copy of one's data -------------------------------------------------------------------


def exported(browser: Browser) -> dict[str, Any]:
    """All pages, as the site puts them together."""
    page = browser.post("/api/export", {}).json
    whole: dict[str, Any] = {**page, "chats": {}}
    pages = 0
    while page["next"]:
        answer = browser.post("/api/export", {"cursor": page["next"]})
        assert answer.status == 200, answer
        page = answer.json
        pages += 1
        for group in page["chats"]:
            whole["chats"].setdefault(group["room_id"], []).extend(group["chats"])
    return {**whole, "pages": pages}


def test_a_copy_has_what_is_known_of_one_and_nothing_of_others(site: Site) -> None:
    browser, friend = Browser(site), new_person(site, "하은").chat()
    browser.sign_in("지민", "jimin@example.com")
    client = browser.chat()
    room_id, empty = open_room(client), open_room(client)
    friend.ask("room.enter", room_id=room_id)
    first = say(client, room_id, "내 말")
    theirs = say(friend, room_id, "하은의 말")
    gone = say(client, room_id, "지운 말")
    client.ask("chat.delete", room_id=room_id, seq=gone["seq"])
    client.ask("user.block", user_id=my_id(friend))
    client.ask(
        "report.send",
        room_id=room_id,
        user_id=my_id(friend),
        seq=theirs["seq"],
        reason="abuse",
        note="메모",
    )
    found = exported(browser)
    me = my_id(client)
    profile = found["profile"]
    assert profile.pop("kakao_id")
    assert profile.pop("signed_up_at") <= found["exported_at"]
    assert profile == {"user_id": me, "nickname": "지민", "email": "jimin@example.com"}
    (consent,) = found["consents"]
    assert consent["version"] == limits.TERMS_VERSION
    assert len(found["sessions"]) == 1
    assert {room["room_id"]: room["role"] for room in found["rooms"]} == {
        room_id: "host",
        empty: "host",
    }
    assert found["blocked"] == [{"user_id": my_id(friend), "nickname": "하은"}]
    (report,) = found["reports"]
    assert (report["about"], report["reason"], report["note"]) == ("하은", "abuse", "메모")
    assert report["seq"] == theirs["seq"]
    assert found["chats"][room_id] == [
        {"seq": first["seq"], "at": first["at"], "text": "내 말"},
        {"seq": gone["seq"], "at": gone["at"], "deleted": True},
    ]
    assert found["chats"][empty] == []
    assert "하은의 말" not in json.dumps(found, ensure_ascii=False)


def test_a_copy_comes_in_pages_of_which_none_is_large_or_takes_long(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import export

    browser, friend = new_person(handlers), new_person(handlers).chat()
    client = browser.chat()
    rooms = sorted(open_room(client) for _ in range(3))
    said: dict[str, list[str]] = {room_id: [] for room_id in rooms}
    for room_id in rooms[:2]:
        friend.ask("room.enter", room_id=room_id)
        for number in range(4):
            said[room_id].append(f"{number} 긴 말 " + "가" * 60)
            say(client, room_id, said[room_id][-1])
            say(friend, room_id, "그 사이에")
    # Each chat counts 100 and the bytes of its text: two on a page.
    monkeypatch.setattr(limits, "EXPORT_PAGE_BYTES", 300)
    monkeypatch.setattr(export, "STRETCH", 3)
    found = exported(browser)
    assert {
        room_id: [chat["text"] for chat in chats] for room_id, chats in found["chats"].items()
    } == said
    assert found["pages"] == 5
    # And where one finds nothing for long, a page ends, too.
    monkeypatch.setattr(limits, "EXPORT_PAGE_BYTES", 1_000_000)
    monkeypatch.setattr(export, "PAGE_MS", -1)
    monkeypatch.setattr(limits, "EXPORT_EVERY_MS", -1)
    again = exported(browser)
    assert again["chats"] == found["chats"]
    assert again["pages"] > 7


def test_one_copy_an_hour_is_enough(handlers: HandlerSite, monkeypatch: Any) -> None:
    browser = new_person(handlers)
    client = browser.chat()
    open_room(client)
    cursor = browser.post("/api/export", {}).json["next"]
    refused = browser.post("/api/export", {})
    assert refusal(refused) == (429, "too_fast")
    wait = refused.json["retry_after_ms"]
    assert limits.EXPORT_EVERY_MS - 60_000 < wait <= limits.EXPORT_EVERY_MS
    assert refused.headers["retry-after"] == [str(-(-wait // 1000))]
    # A page can be had again: its answer may have got lost; but not for ever.
    monkeypatch.setattr(limits, "EXPORT_PAGES_MAX", 3)
    for _ in range(3):
        assert browser.post("/api/export", {"cursor": cursor}).json["next"] is None
    assert refusal(browser.post("/api/export", {"cursor": cursor})) == (400, "invalid_field")
    # Of an earlier copy nothing can be had when there is a later one.
    monkeypatch.setattr(limits, "EXPORT_EVERY_MS", -1)
    assert browser.post("/api/export", {}).json["next"] != cursor
    assert refusal(browser.post("/api/export", {"cursor": cursor})) == (400, "invalid_field")


@pytest.mark.stack_only
def test_rooms_that_one_is_not_in_are_not_looked_into(
    handlers: HandlerSite, host: ChatClient
) -> None:
    browser = new_person(handlers)
    guest = browser.chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    say(guest, room_id, "말하고 나간다")
    guest.ask("room.leave", room_id=room_id)
    began = browser.post("/api/export", {}).json["next"].split(".")[0]
    page = browser.post("/api/export", {"cursor": f"{began}.1.{room_id}"}).json
    assert page == {"chats": [], "next": None}


@pytest.mark.alike
@pytest.mark.parametrize(
    "cursor",
    ["x", "1.1.", "1.1.room", "1..room", "1.1.ro om", "9" * 15 + ".1.", "1.1.room\n", "١.1.", 1],
)
def test_a_garbled_cursor_is_refused(site: Site, cursor: Any) -> None:
    browser = new_person(site)
    assert refusal(browser.post("/api/export", {"cursor": cursor})) == (400, "invalid_field")


@pytest.mark.alike
@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "\x00", '{"cursor": "\\ud800"}', "x" * 9999]
)
def test_garbled_bodies_are_refused_by_every_route(site: Site, body: str) -> None:
    browser = new_person(site)
    headers = {
        "Origin": site.origin,
        "Cookie": browser.cookie_header,
        "Content-Type": "application/json",
    }
    for path in ("/api/consent", "/api/sessions/end", *(["/api/export"] if body else [])):
        answer = site.request("POST", path, headers, body)
        assert refusal(answer) == (400, "invalid_field"), path
    assert is_signed_in(browser)
