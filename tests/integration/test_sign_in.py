"""Signing in with Kakao, staying signed in, and signing out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import pytest
import requests

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.chat import (
    TIMEOUT,
    ChatClient,
    CommandRefusedError,
    ConnectionRefusedWithStatusError,
)
from tests.support.site import Answer, Browser, Site, misbehave, new_person

pytestmark = pytest.mark.localstack

SIGN_IN_GONE = "sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


# --- What tests of signing in need to know ---------------------------------------------


def me(browser: Browser) -> dict[str, Any]:
    """Who the browser's person is to the site."""
    client = browser.connect()
    found: dict[str, Any] = client.ask("session.hello")["me"]
    client.close()
    return found


def kakao_id(user_id: str) -> str:
    """The Kakao id of somebody who has signed in."""
    found = boto3.client("dynamodb").get_item(
        TableName=os.environ["TABLE_PREFIX"] + "users",
        Key={"user_id": {"S": user_id}},
        ConsistentRead=True,
    )
    return found["Item"]["provider_id"]["S"]


def another_browser(browser: Browser, **decision: str) -> Browser:
    """Another browser of the same person, signed in."""
    other = Browser(browser.site)
    answer = other.sign_in("-", person=kakao_id(me(browser)["user_id"]), **decision)
    assert answer.location == "/rooms", answer
    return other


def is_signed_in(browser: Browser) -> bool:
    answer = browser.get("/api/session")
    assert answer.status == 200
    assert answer.headers["cache-control"] == ["no-store"]
    signed_in: bool = answer.json["signed_in"]
    return signed_in


def handshake_status(site: Site, headers: dict[str, str]) -> int:
    """The status that a refused handshake gets."""
    with pytest.raises(ConnectionRefusedWithStatusError) as error:
        site.connect(headers)
    return error.value.status


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# --- Signing in --------------------------------------------------------------------------


def test_the_first_sign_in_makes_a_person(site: Site) -> None:
    browser = Browser(site)
    assert not is_signed_in(browser)
    answer = browser.sign_in("지민", "jimin.kim@example.com")
    assert answer.status == 302
    assert is_signed_in(browser)
    found = me(browser)
    assert found.pop("user_id")
    assert found == {"nickname": "지민", "email": "jimin.kim@example.com"}


def test_different_people_have_different_ids(site: Site) -> None:
    assert me(new_person(site))["user_id"] != me(new_person(site))["user_id"]


def test_the_session_is_in_a_cookie_that_scripts_and_other_sites_cannot_use(site: Site) -> None:
    browser = Browser(site)
    answer = browser.sign_in("지민")
    session, gone = answer.headers["set-cookie"]
    pattern = r"session=([\w-]{43}); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Lax"
    found = re.fullmatch(pattern, session)
    assert found, session
    assert int(found[2]) == limits.SESSION_SECONDS
    assert gone == SIGN_IN_GONE
    assert browser.cookies.keys() == {"session"}


def test_a_sign_in_is_remembered_for_minutes_only(site: Site) -> None:
    browser = Browser(site)
    answer = browser.get("/api/auth/kakao")
    (cookie,) = answer.headers["set-cookie"]
    pattern = r"sign-in=[\w.-]+; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
    assert re.fullmatch(pattern, cookie), cookie


def test_kakao_is_asked_for_just_what_is_needed_and_bound_to_the_browser(site: Site) -> None:
    first, second = (query_of(Browser(site).start()) for _ in range(2))
    assert first.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert first["redirect_uri"] == site.origin + "/api/auth/kakao/callback"
    assert set(first["scope"].split()) == {"account_email", "profile_nickname", "openid"}
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_no_url_holds_a_secret_or_an_id(site: Site) -> None:
    browser = Browser(site)
    to_kakao = browser.start()
    secret = browser.cookies["sign-in"].partition(".")[0]
    from_kakao = browser.decide(to_kakao, "지민")
    home = browser.finish(from_kakao).location
    out = browser.post("/api/auth/logout").json["redirect"]
    again = Browser(site)
    again.sign_in("지민")
    user_id = me(again)["user_id"]
    for url in (to_kakao, from_kakao, home, out):
        assert secret not in url
        assert again.cookies["session"] not in url
        assert user_id not in url
        assert "secret" not in query_of(url)
    assert home == "/rooms"
    assert query_of(from_kakao).keys() == {"code", "state"}


@pytest.mark.alike
@pytest.mark.parametrize(
    ("next_path", "location"),
    [
        ("/rooms", "/rooms"),
        ("/rooms/abc-_1", "/rooms/abc-_1"),
        ("/me?tab=1&x=%20#end", "/me?tab=1&x=%20#end"),
        ("https://evil.example/", "/rooms"),
        ("//evil.example", "/rooms"),
        ("/\\evil.example", "/rooms"),
        ("/\t/evil.example", "/rooms"),
        ("/rooms\r\nSet-Cookie: session=x", "/rooms"),
        ("javascript:alert(1)", "/rooms"),
        ("", "/rooms"),
        ("/" + "a" * 3000, "/rooms"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_signing_in_leads_on_within_the_site(site: Site, next_path: str, location: str) -> None:
    browser = Browser(site)
    url = browser.start(quote(next_path, safe=""))
    answer = browser.finish(browser.decide(url, "지민"))
    assert answer.location == location
    assert is_signed_in(browser)


def test_where_to_go_on_to_cannot_be_changed_on_the_way(site: Site) -> None:
    browser = Browser(site)
    url = browser.decide(browser.start("/rooms/mine"), "지민")
    answer = browser.finish(url + "&next=/rooms/theirs")
    assert answer.location == "/rooms/mine"


def test_signing_in_again_is_the_same_person(site: Site) -> None:
    browser = new_person(site, "지민")
    first = me(browser)
    assert first["nickname"] == "지민"
    browser.chat().ask("profile.update", nickname="핑퐁왕")
    again = me(another_browser(browser))
    assert again == {"user_id": first["user_id"], "nickname": "핑퐁왕"}
    assert is_signed_in(browser)


@pytest.mark.stack_only
def test_the_email_follows_kakao(site: Site) -> None:
    browser = Browser(site)
    browser.sign_in("지민", "one@example.com", consent_email="")
    assert "email" not in me(browser)
    assert me(another_browser(browser, consent_email="on"))["email"] == "one@example.com"
    assert "email" not in me(another_browser(browser))


@pytest.mark.stack_only
def test_without_consent_to_a_nickname_there_is_a_default(site: Site) -> None:
    browser = Browser(site)
    browser.sign_in("지민", consent_nickname="")
    found = me(browser)
    assert re.fullmatch(r"핑퐁\d{4}", found["nickname"])
    assert me(another_browser(browser, consent_nickname=""))["nickname"] == found["nickname"]


def test_two_first_sign_ins_at_once_make_one_person(site: Site) -> None:
    gone = new_person(site, "지민")
    person = kakao_id(me(gone)["user_id"])
    assert gone.post("/api/auth/withdraw").status == 200
    browsers = [Browser(site) for _ in range(4)]
    urls = [browser.decide(browser.start(), "-", person=person) for browser in browsers]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(Browser.finish, browsers, urls))
    assert [answer.location for answer in answers] == ["/rooms"] * 4
    people = [me(browser) for browser in browsers]
    assert people == [people[0]] * 4
    assert people[0]["nickname"] == "지민"


# --- What can go wrong -------------------------------------------------------------------


def _callback(browser: Browser, **changes: str | None) -> Answer:
    """A callback from Kakao of which something was changed; None leaves it out."""
    query = query_of(browser.decide(browser.start(), "지민")) | changes
    pairs = [f"{name}={quote(value)}" for name, value in query.items() if value is not None]
    return browser.get("/api/auth/kakao/callback?" + "&".join(pairs))


def _cancelled(browser: Browser) -> Answer:
    return browser.finish(browser.decide(browser.start(), "지민", action="cancel"))


def _of_another_browser(browser: Browser) -> Answer:
    other = Browser(browser.site)
    url = other.decide(other.start(), "지민")
    browser.start()
    return browser.finish(url)


def _of_an_earlier_attempt(browser: Browser) -> Answer:
    url = browser.decide(browser.start(), "지민")
    browser.start()
    return browser.finish(url)


def _without_cookie(browser: Browser) -> Answer:
    url = browser.decide(browser.start(), "지민")
    browser.cookies.clear()
    return browser.finish(url)


def _with_cookie(value: str) -> Callable[[Browser], Answer]:
    def go(browser: Browser) -> Answer:
        url = browser.decide(browser.start(), "지민")
        browser.cookies["sign-in"] = value
        return browser.finish(url)

    return go


def _used_code(browser: Browser) -> Answer:
    url = browser.decide(browser.start(), "지민")
    attempt = dict(browser.cookies)
    assert browser.finish(url).location == "/rooms"
    browser.cookies = attempt
    return browser.finish(url)


def _code_of_another(browser: Browser) -> Answer:
    """A code that was stolen from somebody else: PKCE binds it to their browser."""
    victim = Browser(browser.site)
    code = query_of(victim.decide(victim.start(), "지민"))["code"]
    return _callback(browser, code=code)


def _fault(name: str, **options: Any) -> Callable[[Browser], Answer]:
    def go(browser: Browser) -> Answer:
        url = browser.decide(browser.start(), "지민")
        misbehave(browser.site, name, **options)
        return browser.finish(url)

    return go


FAILURES: dict[str, tuple[Callable[[Browser], Answer], str]] = {
    "cancelled at Kakao": (_cancelled, "consent_refused"),
    "no state": (lambda browser: _callback(browser, state=None), "sign_in_expired"),
    "empty state": (lambda browser: _callback(browser, state=""), "sign_in_expired"),
    "wrong state": (lambda browser: _callback(browser, state="x" * 22), "sign_in_expired"),
    "another browser's state": (_of_another_browser, "sign_in_expired"),
    "an earlier attempt's state": (_of_an_earlier_attempt, "sign_in_expired"),
    "no cookie": (_without_cookie, "sign_in_expired"),
    "empty cookie": (_with_cookie(".2f"), "sign_in_expired"),
    "garbled cookie": (_with_cookie("%%%.zz"), "sign_in_expired"),
    "used code": (_used_code, "sign_in_expired"),
    "unknown code": (lambda browser: _callback(browser, code="nonsense"), "sign_in_expired"),
    "another one's code": (_code_of_another, "sign_in_expired"),
    "no code": (lambda browser: _callback(browser, code=None), "kakao_refused"),
    "an error of Kakao's": (
        lambda browser: _callback(browser, code=None, error="server_error"),
        "kakao_refused",
    ),
    "expired code": (_fault("expired_code"), "sign_in_expired"),
    "token endpoint 500": (_fault("token_error"), "kakao_unavailable"),
    "token endpoint 503": (_fault("token_error", status=503), "kakao_unavailable"),
    "user endpoint 500": (_fault("me_error"), "kakao_unavailable"),
    "user endpoint 502": (_fault("me_error", status=502), "kakao_unavailable"),
    "Kakao slower than 3 s": (_fault("token_slow", seconds=6), "kakao_unavailable"),
    "id token with another nonce": (_fault("bad_nonce"), "kakao_refused"),
    "id token of another key": (_fault("bad_signature"), "kakao_refused"),
}


@pytest.mark.alike
@pytest.mark.parametrize(("fail", "code"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_sign_in_says_why_and_can_be_tried_again(
    site: Site, fail: Callable[[Browser], Answer], code: str
) -> None:
    browser = Browser(site)
    answer = fail(browser)
    assert answer.status == 302
    assert answer.location == f"/sign-in?error={code}"
    assert answer.headers["set-cookie"] == [SIGN_IN_GONE]
    assert answer.headers["cache-control"] == ["no-store"]
    assert browser.cookies == {}
    assert not is_signed_in(browser)
    assert browser.sign_in("지민").location == "/rooms"
    assert is_signed_in(browser)


# --- Being signed in ---------------------------------------------------------------------


@pytest.mark.alike
@pytest.mark.parametrize("cookie", ["session=" + "A" * 43, "session=x", "session=", "", "a=b"])
def test_a_handshake_needs_a_session(site: Site, cookie: str) -> None:
    headers = {"Origin": site.origin} | ({"Cookie": cookie} if cookie else {})
    assert handshake_status(site, headers) == 401


@pytest.mark.alike
@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "ORIGIN.evil.example", "ORIGIN:1", "ORIGIN/"]
)
def test_a_handshake_must_come_from_the_site_itself(site: Site, origin: str | None) -> None:
    headers = {"Cookie": new_person(site).cookie_header}
    if origin is not None:
        headers["Origin"] = origin.replace("ORIGIN", site.origin)
    assert handshake_status(site, headers) == 403


def test_only_the_token_itself_is_a_session(site: Site) -> None:
    browser = new_person(site)
    token = browser.cookies["session"]
    for changed in (token[:-1], token + "A", token.swapcase(), f"{token}.x"):
        browser.cookies["session"] = changed
        assert not is_signed_in(browser)
    browser.cookies["session"] = token
    assert is_signed_in(browser)


# --- Signing out -------------------------------------------------------------------------


def test_signing_out_ends_the_session_and_leads_to_kakaos_own(site: Site) -> None:
    browser = new_person(site)
    before = dict(browser.cookies)
    answer = browser.post("/api/auth/logout")
    assert answer.status == 200
    assert answer.headers["set-cookie"] == ["session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]
    assert browser.cookies == {}
    assert not is_signed_in(browser)

    redirect = answer.json["redirect"]
    assert redirect.startswith(site.kakao + "/oauth/logout?")
    query = query_of(redirect)
    assert query.keys() == {"client_id", "logout_redirect_uri"}
    at_kakao = requests.get(redirect, allow_redirects=False, timeout=10)
    assert (at_kakao.status_code, at_kakao.headers["location"]) == (302, site.origin + "/")

    browser.cookies = before
    assert not is_signed_in(browser)
    assert handshake_status(site, {"Origin": site.origin, "Cookie": browser.cookie_header}) == 401
    assert browser.post("/api/auth/logout").status == 401


@pytest.mark.stack_only
def test_signing_out_ends_this_sessions_connections_only(site: Site) -> None:
    browser = new_person(site)
    other = another_browser(browser)
    tabs, elsewhere = [browser.chat(), browser.chat()], other.chat()
    assert browser.post("/api/auth/logout").status == 200
    for tab in tabs:
        assert tab.closed.wait(TIMEOUT)
    elsewhere.ask("room.sync", rooms=[])
    assert not elsewhere.closed.is_set()
    assert is_signed_in(other)


@pytest.mark.stack_only
def test_nothing_is_done_for_a_connection_that_was_signed_out(site: Site) -> None:
    browser, witness = new_person(site), new_person(site).chat()
    client = browser.chat()
    room_id = open_room(witness)
    client.ask("room.enter", room_id=room_id)
    say(client, room_id, "아직 있어요")
    assert browser.post("/api/auth/logout").status == 200
    for _ in range(3):
        assert _refused_or_closed(client, room_id)
    page = witness.ask("chat.history", room_id=room_id)
    assert texts_of(page) == ["아직 있어요"]
    # What is said now does not reach it any more, either.
    say(witness, room_id, "나갔나 봐요")
    assert all(entry.get("text") != "나갔나 봐요" for entry in client.entries)


def _refused_or_closed(client: ChatClient, room_id: str) -> bool:
    try:
        client.ask("chat.send", room_id=room_id, text="몰래", cid="after-sign-out")
    except CommandRefusedError as error:
        return error.code == "signed_out"
    except ConnectionError:
        return True
    return False


@pytest.mark.alike
@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/auth/withdraw"])
@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_another_site_cannot_sign_anybody_out(site: Site, path: str, origin: str | None) -> None:
    browser = new_person(site)
    client = browser.chat()
    headers = {"Cookie": browser.cookie_header} | ({"Origin": origin} if origin else {})
    answer = site.request("POST", path, headers)
    assert answer.status == 403
    assert answer.json["code"] == "forbidden_origin"
    assert "set-cookie" not in answer.headers
    assert is_signed_in(browser)
    client.ask("room.sync", rooms=[])


@pytest.mark.alike
@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/auth/withdraw"])
@pytest.mark.parametrize("cookie", ["session=nobody", None])
def test_only_who_is_signed_in_can_sign_out(site: Site, path: str, cookie: str | None) -> None:
    headers = {"Origin": site.origin} | ({"Cookie": cookie} if cookie else {})
    answer = site.request("POST", path, headers)
    assert answer.status == 401
    assert answer.json["code"] == "signed_out"
