"""회원 탈퇴, from the site or from Kakao's side: everything of the person's goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_sign_in import (
    another_browser,
    handshake_status,
    is_signed_in,
    kakao_id,
    me,
)
from tests.support import rights_used
from tests.support.chat import TIMEOUT, ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import Answer, Browser, Site, misbehave, new_person, unique

pytestmark = pytest.mark.localstack

FORM = "application/x-www-form-urlencoded"
UNLINKED = "/api/auth/kakao/unlinked"


@dataclass
class Life:
    """Somebody who hosts a room with a guest, and is a guest of theirs in another."""

    browser: Browser
    client: ChatClient
    user_id: str
    kakao_id: str
    friend: ChatClient
    own_room: str
    own_name: str
    friends_room: str


@pytest.fixture
def life(site: Site) -> Life:
    browser = new_person(site, "지민")
    client, friend = browser.chat(), new_person(site, "하은").chat()
    user_id = me(browser)["user_id"]
    own_name = unique("내 방")
    own_room, friends_room = open_room(client, own_name), open_room(friend)
    friend.ask("room.enter", room_id=own_room)
    client.ask("room.enter", room_id=friends_room)
    say(client, friends_room, "남을 말")
    return Life(
        browser, client, user_id, kakao_id(user_id), friend, own_room, own_name, friends_room
    )


def kakao_authorization() -> str:
    """What Kakao's own requests carry."""
    name = os.environ["SECRETS_PARAMETER"]
    found = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return f"KakaoAK {json.loads(found['Parameter']['Value'])['kakao_admin_key']}"


def at_kakao(site: Site, path: str, person: str) -> requests.Response:
    """A request of the app's to Kakao about somebody."""
    return requests.post(
        site.kakao + path,
        headers={"Authorization": kakao_authorization()},
        data={"target_id_type": "user_id", "target_id": person},
        timeout=10,
    )


def is_linked(site: Site, person: str) -> bool:
    answer = at_kakao(site, "/v2/user/me", person)
    assert answer.status_code in (200, 400), answer.text
    return answer.status_code == 200


def call_back(site: Site, method: str, query: str, authorization: str | None) -> Answer:
    """Kakao's unlink callback."""
    headers = {"Authorization": authorization} if authorization is not None else {}
    if method == "GET":
        return site.request("GET", f"{UNLINKED}?{query}", headers)
    return site.request("POST", UNLINKED, {**headers, "Content-Type": FORM}, query)


def withdraw_by_callback(life: Life, method: str) -> Answer:
    query = f"app_id=1&user_id={life.kakao_id}&referrer_type=UNLINK_FROM_APPS"
    return call_back(life.browser.site, method, query, kakao_authorization())


WAYS: dict[str, Callable[[Life], Answer]] = {
    "the site": lambda life: life.browser.post("/api/auth/withdraw"),
    "Kakao's callback by GET": lambda life: withdraw_by_callback(life, "GET"),
    "Kakao's callback by POST": lambda life: withdraw_by_callback(life, "POST"),
}
each_way = pytest.mark.parametrize(
    "withdraw",
    [
        # Where the request's fields are is nothing to DynamoDB.
        pytest.param(way, id=name, marks=[pytest.mark.stack_only] if "POST" in name else [])
        for name, way in WAYS.items()
    ],
)


def wait_until_out_of_all_rooms(life: Life) -> None:
    """Until the background has done its part, as others see it."""
    life.friend.wait_for("room.closed", lambda event: event["room_id"] == life.own_room)
    life.friend.wait_for_entry(kind="left", user_id=life.user_id)


def assert_nothing_changed(life: Life) -> None:
    assert is_signed_in(life.browser)
    hello = life.client.ask("session.hello")
    assert {room["room_id"] for room in hello["rooms"]} == {life.own_room, life.friends_room}
    assert hello["me"]["user_id"] == life.user_id
    said = say(life.client, life.own_room, "아직 있어요")
    assert life.friend.wait_for_entry(seq=said["seq"], text="아직 있어요")


def eventually(condition: Callable[[], bool]) -> bool:
    """For state that no event tells of."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# --- What goes, and what stays ------------------------------------------------------------


@each_way
def test_the_rooms_they_host_are_closed(life: Life, withdraw: Callable[[Life], Answer]) -> None:
    assert withdraw(life).status == 200
    closed = life.friend.wait_for("room.closed")
    assert closed == {"type": "room.closed", "room_id": life.own_room, "name": life.own_name}
    assert refused(life.friend, "room.enter", room_id=life.own_room) == "room_not_found"
    assert refused(life.friend, "chat.history", room_id=life.own_room) in (
        "room_not_found",
        "not_member",
    )
    listed = {room["room_id"] for room in life.friend.ask("session.hello")["rooms"]}
    assert listed == {life.friends_room}
    reopened = life.friend.ask("room.open", name=life.own_name)
    assert reopened["created"]
    assert reopened["room"]["room_id"] != life.own_room


@pytest.mark.alike
@each_way
def test_they_leave_the_rooms_of_others_with_a_notice(
    life: Life, withdraw: Callable[[Life], Answer]
) -> None:
    assert withdraw(life).status == 200
    event = life.friend.wait_for(
        "entries.added", lambda frame: frame["entries"][0].get("kind") == "left"
    )
    assert event["room_id"] == life.friends_room
    assert [entry["user_id"] for entry in event["entries"]] == [life.user_id]
    assert life.user_id not in event["users"]
    room = next(
        room
        for room in life.friend.ask("session.hello")["rooms"]
        if room["room_id"] == life.friends_room
    )
    assert room["member_count"] == 1
    assert eventually(
        lambda: len(life.friend.ask("room.members", room_id=life.friends_room)["members"]) == 1
    )


@pytest.mark.stack_only
@each_way
def test_what_they_said_to_others_stays_without_their_name(
    life: Life, withdraw: Callable[[Life], Answer]
) -> None:
    before = life.friend.ask("chat.history", room_id=life.friends_room)
    assert before["users"][life.user_id] == {"nickname": "지민"}
    assert withdraw(life).status == 200
    wait_until_out_of_all_rooms(life)
    after = life.friend.ask("chat.history", room_id=life.friends_room)
    assert texts_of(after) == ["남을 말"]
    hello = life.friend.ask("session.hello")
    entered = life.friend.ask("room.enter", room_id=life.friends_room)
    for frame in (after, hello, entered):
        assert life.user_id not in frame["users"]
        assert "지민" not in json.dumps(frame, ensure_ascii=False)


@pytest.mark.alike
@each_way
def test_all_their_sessions_and_connections_end(
    life: Life, withdraw: Callable[[Life], Answer]
) -> None:
    site = life.browser.site
    other = another_browser(life.browser)
    old = [
        {"Origin": site.origin, "Cookie": browser.cookie_header}
        for browser in (life.browser, other)
    ]
    connections = [life.client, other.chat(), other.connect()]
    assert withdraw(life).status == 200
    for connection in connections:
        assert connection.closed.wait(TIMEOUT)
    for headers in old:
        assert handshake_status(site, headers) == 401
        assert site.request("GET", "/api/session", headers).json == {"signed_in": False}
        assert site.request("POST", "/api/auth/logout", headers).status == 401
    assert life.friend.ask("session.hello")["me"]["nickname"] == "하은"


@pytest.mark.stack_only
def test_the_site_unlinks_at_kakao_and_leads_home(life: Life) -> None:
    assert is_linked(life.browser.site, life.kakao_id)
    answer = life.browser.post("/api/auth/withdraw")
    assert answer.json == {"redirect": "/"}
    assert answer.headers["set-cookie"] == ["session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]
    assert not is_linked(life.browser.site, life.kakao_id)


@pytest.mark.alike
@each_way
def test_who_comes_back_starts_anew(life: Life, withdraw: Callable[[Life], Answer]) -> None:
    life.client.ask("profile.update", nickname="옛 이름")
    assert withdraw(life).status == 200
    wait_until_out_of_all_rooms(life)
    back = Browser(life.browser.site)
    assert back.sign_in("-", person=life.kakao_id).location == "/rooms"
    client = back.connect()
    hello = client.ask("session.hello")
    assert hello["me"]["nickname"] == "지민"
    assert hello["rooms"] == []
    assert refused(client, "chat.history", room_id=life.friends_room) == "not_member"
    assert client.ask("room.enter", room_id=life.friends_room)["joined"]


def test_rooms_of_the_new_life_are_not_closed_with_those_of_the_old(life: Life) -> None:
    assert life.browser.post("/api/auth/withdraw").status == 200
    back = Browser(life.browser.site)
    assert back.sign_in("-", person=life.kakao_id).location == "/rooms"
    client = back.chat()
    rooms = {open_room(client) for _ in range(3)}
    wait_until_out_of_all_rooms(life)
    for room_id in rooms:
        say(client, room_id, "새 출발")
    listed = {room["room_id"] for room in client.ask("session.hello")["rooms"]}
    assert rooms <= listed
    assert life.own_room not in listed


def test_who_has_no_rooms_just_goes(site: Site) -> None:
    browser = new_person(site)
    assert browser.post("/api/auth/withdraw").status == 200
    assert not is_signed_in(browser)


def test_withdrawing_in_two_tabs_at_once_is_withdrawing(life: Life) -> None:
    tabs = [Browser(life.browser.site, dict(life.browser.cookies)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda tab: tab.post("/api/auth/withdraw"), tabs))
    # Whoever comes second is served too, or is signed out by then.
    assert {answer.status for answer in answers} <= {200, 401}
    assert 200 in {answer.status for answer in answers}
    wait_until_out_of_all_rooms(life)
    assert not is_linked(life.browser.site, life.kakao_id)


# --- When Kakao fails ---------------------------------------------------------------------


@pytest.mark.stack_only
@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("unlink_error", {}),
        ("unlink_error", {"status": 503}),
        # Done in the end, as Kakao may well: not before the test has looked.
        ("unlink_slow", {"seconds": 60}),
    ],
)
def test_who_withdraws_while_kakao_fails_is_unlinked_later(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, fault: str, options: dict[str, Any]
) -> None:
    from chalicelib import jobs, withdrawal

    monkeypatch.setattr(withdrawal, "SETTLED_SECONDS", 0)
    browser = new_person(handlers)
    client = browser.chat()
    user_id, room_id = my_id(client), open_room(client)
    person = kakao_id(user_id)
    # When it is asked for, and at the first try of the job.
    misbehave(handlers, fault, times=2, **options)
    assert browser.post("/api/auth/withdraw").json == {"redirect": "/"}
    with pytest.raises(withdrawal.UnfinishedError):
        handlers.management.finish_jobs()
    assert is_linked(handlers, person)
    assert not is_signed_in(browser)
    # All else is done: who comes back has nothing.
    back = Browser(handlers)
    back.sign_in("-", person=person)
    client = back.connect()
    assert client.ask("session.hello")["rooms"] == []
    assert refused(client, "room.enter", room_id=room_id) == "room_not_found"
    assert back.post("/api/auth/withdraw").status == 200
    handlers.management.finish_jobs()
    assert not is_linked(handlers, person)
    assert withdrawal.find(user_id) is None
    # And Lambda's own repeat of the first job finds nothing to do.
    jobs.run({"job": "finish_withdrawal", "user_id": user_id}, lambda: 300_000)


@pytest.mark.stack_only
def test_what_kakao_does_not_do_at_once_is_done_by_the_job(life: Life) -> None:
    site = life.browser.site
    misbehave(site, "unlink_error")
    assert life.browser.post("/api/auth/withdraw").status == 200
    wait_until_out_of_all_rooms(life)
    assert eventually(lambda: not is_linked(site, life.kakao_id))


@pytest.mark.stack_only
def test_who_was_cut_off_can_ask_again(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import background, withdrawal

    monkeypatch.setattr(withdrawal, "SETTLED_SECONDS", 0)
    browser = new_person(handlers)
    client = browser.chat()
    user_id, room_id = my_id(client), open_room(client)
    monkeypatch.setattr(background, "start", lambda *_: 1 / 0)
    for _ in range(2):
        assert browser.post("/api/auth/withdraw").json["code"] == "internal"
        assert is_signed_in(browser)
    monkeypatch.undo()
    assert browser.post("/api/auth/withdraw").status == 200
    handlers.management.finish_jobs()
    assert not is_signed_in(browser)
    assert withdrawal.find(user_id) is None
    assert refused(new_person(handlers).chat(), "room.enter", room_id=room_id) == "room_not_found"


@pytest.mark.stack_only
def test_what_three_tries_did_not_finish_is_taken_up_by_the_clock(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import jobs, withdrawal
    from chalicelib.tables import WithdrawalRow

    monkeypatch.setattr(withdrawal, "SETTLED_SECONDS", 0)
    browser = new_person(handlers)
    person = kakao_id(user_id := me(browser)["user_id"])
    misbehave(handlers, "unlink_error", times=2)
    browser.post("/api/auth/withdraw")
    with pytest.raises(withdrawal.UnfinishedError):
        handlers.management.finish_jobs()

    def at_the_full_hour() -> None:
        with rights_used.played("background"):
            jobs.run({"job": "finish_withdrawals"}, lambda: 300_000)
        handlers.management.finish_jobs()

    # Lambda may still be at it.
    at_the_full_hour()
    assert is_linked(handlers, person)
    WithdrawalRow(WithdrawalRow.PENDING, user_id).update(
        [WithdrawalRow.asked_at.set(WithdrawalRow.asked_at - withdrawal.LEFT_ALONE_MS)]
    )
    at_the_full_hour()
    # The person was deleted before: nobody has come back, so that is done, too.
    assert not is_linked(handlers, person)
    assert withdrawal.find(user_id) is None


@pytest.mark.stack_only
def test_who_came_back_is_not_unlinked_late(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import jobs, withdrawal
    from chalicelib.tables import SeekerRow

    monkeypatch.setattr(withdrawal, "SETTLED_SECONDS", 0)
    browser = new_person(handlers)
    person = kakao_id(user_id := me(browser)["user_id"])
    misbehave(handlers, "unlink_error", times=2)
    browser.post("/api/auth/withdraw")
    with pytest.raises(withdrawal.UnfinishedError):
        handlers.management.finish_jobs()
    back = Browser(handlers)
    back.sign_in("-", person=person)
    client = back.chat()
    room_id = open_room(client)
    other, tag = new_person(handlers).chat(), unique("t")[-limits.TAG_MAX :]
    client.ask("user.block", user_id=my_id(other))
    client.ask("match.seek", cid=unique("cid"), languages=["vi"], tags=[tag])
    jobs.run({"job": "finish_withdrawal", "user_id": user_id}, lambda: 300_000)
    assert is_linked(handlers, person)
    assert withdrawal.find(user_id) is None
    hello = client.ask("session.hello")
    assert [room["room_id"] for room in hello["rooms"]] == [room_id]
    assert hello["blocked"] == [my_id(other)]
    assert SeekerRow.get(SeekerRow.key(user_id), SeekerRow.PLACE).since
    client.close()


@pytest.mark.stack_only
def test_who_has_unlinked_at_kakao_already_can_withdraw(life: Life) -> None:
    assert at_kakao(life.browser.site, "/v1/user/unlink", life.kakao_id).status_code == 200
    assert_nothing_changed(life)
    assert life.browser.post("/api/auth/withdraw").status == 200
    wait_until_out_of_all_rooms(life)
    assert not is_signed_in(life.browser)


# --- From Kakao's side --------------------------------------------------------------------


@pytest.mark.stack_only
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_but_kakao_can_call_back(life: Life, method: str) -> None:
    right = kakao_authorization()
    key = right.removeprefix("KakaoAK ")
    wrong = ["", "KakaoAK", "KakaoAK ", "KakaoAK wrong", f"Bearer {key}", key, right.lower()]
    for authorization in (None, *wrong, right[:-1], right + "x"):
        answer = call_back(life.browser.site, method, f"user_id={life.kakao_id}", authorization)
        assert answer.status == 401, authorization
        assert answer.json["code"] == "signed_out"
    assert_nothing_changed(life)


# Only the stack's Kakao knows where to call back.
@pytest.mark.stack_only
def test_unlinking_on_kakaos_page_withdraws(life: Life) -> None:
    answer = requests.post(
        f"{life.browser.site.kakao}/manage/unlink",
        data={"person": life.kakao_id},
        headers={"Accept": "application/json"},
        timeout=10,
    )
    assert answer.json()["callback"] == {"ok": True, "status": 200}
    wait_until_out_of_all_rooms(life)
    assert not is_signed_in(life.browser)


@pytest.mark.alike
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "query", ["", "user_id=", "user_id=abc", "user_id=-1", "user_id=1.5", "user_id=%EF%BC%91"]
)
def test_a_callback_must_say_who(site: Site, method: str, query: str) -> None:
    answer = call_back(site, method, query, kakao_authorization())
    assert answer.status == 400
    assert answer.json == {"code": "invalid_field", "message": "user_id: must be a number"}


@pytest.mark.alike
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_callback_about_nobody_is_fine(site: Site, method: str) -> None:
    """Kakao may call twice, or about somebody who has withdrawn here."""
    for _ in range(2):
        answer = call_back(site, method, "user_id=1", kakao_authorization())
        assert answer.status == 200
        assert answer.json == {}
