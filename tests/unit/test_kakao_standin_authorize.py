"""The stand-in's sign-in page, sessions and authorization codes."""

import asyncio
from typing import Any

import pytest

from tests.unit.edge_harness import in_loop
from tests.unit.kakao_standin_harness import CALLBACK, CHALLENGE, kakao, parameters


@in_loop
async def test_the_page_offers_people_and_carries_the_parameters_along() -> None:
    async with kakao() as app:
        page = await app.authorize(state='"><script>', nonce="n&1")
        assert page.status == 200
        for text in ("지민", "서준", "하은", "Alex", "닉네임", "Cancel", "consent_email"):
            assert text in page.text
        assert "<script" not in page.text
        assert 'value="&quot;&gt;&lt;script&gt;"' in page.text
        assert 'value="n&amp;1"' in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert "http://" not in page.text.replace(CALLBACK, "")
        assert "https://" not in page.text


@in_loop
async def test_the_page_asks_only_for_the_consents_that_are_wanted() -> None:
    async with kakao() as app:
        page = await app.authorize(scope="profile_nickname")
        assert "consent_nickname" in page.text
        assert "consent_email" not in page.text
        assert "consent_" not in (await app.authorize(scope="openid")).text
        assert "consent_email" in (await app.authorize(scope=None)).text
        assert "consent_email" in (await app.authorize(scope="openid,account_email")).text


@in_loop
async def test_a_decision_leads_back_with_code_and_state() -> None:
    async with kakao() as app:
        answer = await app.decide()
        assert answer.status == 302
        assert answer.headers["Location"].startswith(CALLBACK + "?code=")
        assert set(answer.query) == {"code", "state"}
        assert answer.query["state"] == "the-state"


@in_loop
async def test_cancelling_leads_back_as_access_denied() -> None:
    async with kakao() as app:
        assert (await app.decide("", action="cancel")).query == {
            "error": "access_denied",
            "error_description": "User denied access",
            "state": "the-state",
        }


@in_loop
async def test_a_redirect_uri_keeps_its_own_query() -> None:
    uri = "http://localhost:8000/cb?a=1"
    async with kakao(allowed_redirect_uris=(uri,)) as app:
        query = (await app.decide(redirect_uri=uri, state=None)).query
        assert query["a"] == "1"
        assert "state" not in query


@in_loop
@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/authorize/decision"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "other"}, "KOE101"),
        ({"client_id": None}, "KOE101"),
        ({"redirect_uri": CALLBACK + "/"}, "KOE006"),
        ({"redirect_uri": "https://evil.example/"}, "KOE006"),
        ({"redirect_uri": None}, "KOE006"),
        ({"response_type": "token"}, "KOE201"),
        ({"response_type": None}, "KOE201"),
        ({"scope": "profile_nickname gender"}, "KOE205"),
        ({"code_challenge": CHALLENGE}, "KOE001"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "KOE001"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "KOE001"),
        ({"code_challenge_method": "S256"}, "KOE001"),
        ({"prompt": "none login"}, "KOE001"),
        ({"prompt": "nonsense"}, "KOE001"),
        ({"state": "x" * 2049}, "KOE001"),
    ],
)
async def test_bad_parameters_show_kakaos_error_page(
    path: str, changes: dict[str, Any], code: str
) -> None:
    async with kakao() as app:
        values = parameters(**changes)
        if path.endswith("decision"):
            answer = await app.ask("POST", path, data=values | {"person": "jimin"})
        else:
            answer = await app.ask("GET", path, params=values)
        assert answer.status in (400, 401)
        assert code in answer.text
        assert "Location" not in answer.headers


@in_loop
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"person": "nobody"}, "person"),
        ({"person": ""}, "person"),
        ({"person": "new"}, "nickname"),
        ({"person": "new", "nickname": "  "}, "nickname"),
        ({"person": "new", "nickname": "x" * 21}, "nickname"),
        ({"person": "new", "nickname": "a\nb"}, "nickname"),
        ({"person": "new", "nickname": "a", "email": "no-address"}, "email"),
        ({"person": "new", "nickname": "a", "email": "a@b@c.d"}, "email"),
        ({"person": "new", "nickname": "a", "email": "a" * 250 + "@b.cd"}, "email"),
    ],
)
async def test_a_bad_decision_is_refused_by_the_fields_name(
    changes: dict[str, str], named: str
) -> None:
    async with kakao() as app:
        answer = await app.decide(**changes)
        assert answer.status == 400
        assert named in answer.text


@in_loop
async def test_a_form_that_is_none_is_refused() -> None:
    async with kakao() as app:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for data in (b"\xff\xfe", b"a=%ff"):
            answer = await app.ask("POST", "/oauth/authorize/decision", data=data, headers=headers)
            assert answer.status == 400
        assert (await app.ask("POST", "/oauth/authorize/decision", json={})).status == 401


@in_loop
async def test_somebody_made_up_is_offered_from_then_on_and_keeps_the_id() -> None:
    async with kakao() as app:
        tokens = await app.sign_in("new", nickname=" 새사람 ", email="new@example.com")
        profile = (await app.me(tokens["access_token"])).json
        assert profile["kakao_account"]["profile"]["nickname"] == "새사람"
        assert profile["kakao_account"]["email"] == "new@example.com"
        again = await app.sign_in(str(profile["id"]))
        assert (await app.me(again["access_token"])).json["id"] == profile["id"]
        app.client.cookie_jar.clear()
        assert "새사람" in (await app.authorize()).text


@in_loop
async def test_a_kakao_session_skips_the_page_until_it_ends() -> None:
    async with kakao() as app:
        await app.sign_in()
        assert (await app.authorize()).query["state"] == "the-state"
        assert "code" in (await app.authorize(prompt="none")).query
        assert (await app.authorize(prompt="login")).status == 200
        assert (await app.authorize(prompt="select_account")).status == 200
        app.clock.now += 24 * 3600
        assert (await app.authorize()).status == 200


@in_loop
async def test_prompt_none_never_shows_a_page() -> None:
    async with kakao() as app:
        assert (await app.authorize(prompt="none")).query["error"] == "login_required"
        await app.decide()  # a session, but the code was never exchanged: not linked
        assert (await app.authorize(prompt="none")).query["error"] == "consent_required"
        page = await app.authorize()
        assert "class='person known'" in page.text


@in_loop
async def test_logging_out_of_kakao_ends_the_session_and_leads_back() -> None:
    async with kakao() as app:
        await app.sign_in()
        query = {
            "client_id": "rest-api-key",
            "logout_redirect_uri": "http://localhost:8000/",
            "state": "s",
        }
        answer = await app.ask("GET", "/oauth/logout", params=query)
        assert answer.status == 302
        assert answer.headers["Location"] == "http://localhost:8000/?state=s"
        assert (await app.authorize()).status == 200
        assert (await app.ask("GET", "/oauth/logout", params=query)).status == 302


@in_loop
async def test_logging_out_leads_only_to_the_app() -> None:
    async with kakao() as app:
        for changes, code in [
            ({"client_id": "other"}, "KOE101"),
            ({"logout_redirect_uri": "https://evil.example/"}, "KOE007"),
            ({"logout_redirect_uri": "http://localhost:8000.evil.example/"}, "KOE007"),
            ({"logout_redirect_uri": ""}, "KOE007"),
        ]:
            query = {
                "client_id": "rest-api-key",
                "logout_redirect_uri": "http://localhost:8000/",
            } | changes
            answer = await app.ask("GET", "/oauth/logout", params=query)
            assert answer.status in (400, 401)
            assert code in answer.text
    async with kakao(allowed_logout_redirect_uris=("http://localhost:8000/bye",)) as app:
        query = {"client_id": "rest-api-key", "logout_redirect_uri": "http://localhost:8000/"}
        assert (await app.ask("GET", "/oauth/logout", params=query)).status == 400


@in_loop
async def test_other_sites_and_foreign_hosts_are_refused() -> None:
    async with kakao() as app:
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert (await app.ask("POST", "/manage/unlink", headers=cross)).status == 403
        assert (await app.ask("GET", "/manage", headers={"Host": "evil.example"})).status == 421
        host = {"Host": f"localhost:{app.standin.port}"}
        assert (await app.ask("GET", "/manage", headers=host)).status == 200


@in_loop
async def test_many_people_sign_in_at_once() -> None:
    async with kakao() as app:

        async def sign_in(number: int) -> int:
            tokens = await app.sign_in("new", nickname=f"n{number}", email=None)
            profile = (await app.me(tokens["access_token"])).json
            assert profile["properties"]["nickname"] == f"n{number}"
            return int(profile["id"])

        ids = await asyncio.gather(*(sign_in(number) for number in range(30)))
        assert len(set(ids)) == 30
        app.client.cookie_jar.clear()
        page = (await app.authorize()).text
        assert page.count("class='person") == 4 + 8
