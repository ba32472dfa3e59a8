"""The stand-in's kapi, unlinking from Kakao's side, misbehaviour and the state file."""

import asyncio
import json
import logging
import stat
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.local.edge_listen import PortTakenError
from infra.local.kakao import FaultError, KakaoConfig, KakaoStandIn, StateFileError
from infra.local.kakao.state_file import CHANGES_MIN
from infra.local.kakao.store import PEOPLE
from tests.unit.edge_harness import in_loop, serving
from tests.unit.kakao_standin_harness import JIMIN, bearer, kakao

NO_TOKEN = {"msg": "this access token does not exist", "code": -401}
NOT_LINKED = {"msg": "NotRegisteredUserException", "code": -101}


@in_loop
async def test_user_me_tells_what_was_consented_to() -> None:
    async with kakao() as app:
        tokens = await app.sign_in()
        for method in ("GET", "POST"):
            answer = await app.me(tokens["access_token"], method)
            assert answer.status == 200
            assert answer.json == {
                "id": JIMIN,
                "connected_at": "2027-01-15T08:00:00Z",
                "properties": {"nickname": "지민"},
                "kakao_account": {
                    "profile_nickname_needs_agreement": False,
                    "profile": {"nickname": "지민", "is_default_nickname": False},
                    "has_email": True,
                    "email_needs_agreement": False,
                    "is_email_valid": True,
                    "is_email_verified": True,
                    "email": "jimin@example.com",
                },
            }


@in_loop
async def test_user_me_leaves_out_what_was_refused() -> None:
    async with kakao() as app:
        tokens = await app.sign_in(consent_nickname=None, consent_email=None)
        profile = (await app.me(tokens["access_token"])).json
        assert "properties" not in profile
        assert profile["kakao_account"] == {
            "profile_nickname_needs_agreement": True,
            "has_email": True,
            "email_needs_agreement": True,
        }


@in_loop
async def test_an_account_without_an_email_has_none_to_consent_to() -> None:
    async with kakao() as app:
        tokens = await app.sign_in("new", nickname="이메일없음")
        account = (await app.me(tokens["access_token"])).json["kakao_account"]
        assert account["has_email"] is False
        assert "email" not in account
        assert account["email_needs_agreement"] is False


@in_loop
async def test_signing_in_again_keeps_when_the_person_was_connected() -> None:
    async with kakao() as app:
        first = (await app.me((await app.sign_in())["access_token"])).json["connected_at"]
        app.clock.now += 3600
        again = (await app.me((await app.sign_in())["access_token"])).json["connected_at"]
        assert again == first


@in_loop
@pytest.mark.parametrize("path", ["/v2/user/me", "/v1/user/logout", "/v1/user/unlink"])
@pytest.mark.parametrize(
    "authorization", [None, "Bearer x", "Bearer ", "KakaoAK wrong", "Basic eDp5", "bearer", "\xff"]
)
async def test_kapi_refuses_bad_credentials(path: str, authorization: str | None) -> None:
    async with kakao() as app:
        await app.sign_in()
        headers = {"Authorization": authorization} if authorization else {}
        answer = await app.ask(
            "POST", path, headers=headers, data={"target_id_type": "user_id", "target_id": JIMIN}
        )
        assert answer.status == 401
        assert answer.json["code"] == -401


@in_loop
async def test_the_admin_key_names_whom_it_means() -> None:
    async with kakao() as app:
        await app.sign_in()
        assert (await app.admin("/v2/user/me")).json["id"] == JIMIN
        query = f"?target_id_type=user_id&target_id={JIMIN}"
        headers = {"Authorization": "KakaoAK admin-key"}
        assert (await app.ask("GET", "/v2/user/me" + query, headers=headers)).json["id"] == JIMIN
        for changes in ({"target_id": ""}, {"target_id": "jimin"}, {"target_id_type": "uuid"}):
            answer = await app.admin("/v2/user/me", **changes)
            assert (answer.status, answer.json["code"]) == (400, -2)


@in_loop
async def test_logging_out_ends_one_pair_of_tokens() -> None:
    async with kakao() as app:
        first, second = await app.sign_in(), await app.sign_in()
        answer = await app.ask("POST", "/v1/user/logout", headers=bearer(first["access_token"]))
        assert answer.json == {"id": JIMIN}
        assert (await app.me(first["access_token"])).json == NO_TOKEN
        refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        assert (await app.token(**refresh)).status == 400
        assert (await app.me(second["access_token"])).status == 200
        await app.admin("/v1/user/logout")
        assert (await app.me(second["access_token"])).status == 401


@in_loop
async def test_unlinking_ends_everything_and_calls_nobody_back() -> None:
    async def called(_request: web.Request) -> web.Response:
        raise AssertionError

    async with (
        serving(called) as port,
        kakao(unlink_callback_url=f"http://127.0.0.1:{port}/cb") as app,
    ):
        first, second = await app.sign_in(), await app.sign_in()
        answer = await app.ask("POST", "/v1/user/unlink", headers=bearer(first["access_token"]))
        assert (answer.status, answer.json) == (200, {"id": JIMIN})
        for tokens in (first, second):
            assert (await app.me(tokens["access_token"])).json == NO_TOKEN
        for path in ("/v1/user/unlink", "/v2/user/me"):
            answer = await app.admin(path)
            assert (answer.status, answer.json) == (400, NOT_LINKED)
        assert (await app.admin("/v1/user/unlink", 1)).json == NOT_LINKED
        assert (await app.authorize()).status == 200  # consents are asked for anew


@in_loop
async def test_unlinking_twice_at_once_succeeds_once() -> None:
    async with kakao() as app:
        await app.sign_in()
        answers = await asyncio.gather(*(app.admin("/v1/user/unlink") for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]


@in_loop
@pytest.mark.parametrize("referrer", ["UNLINK_FROM_APPS", "ACCOUNT_DELETE"])
async def test_unlinking_from_kakaos_side_calls_the_app_back(referrer: str) -> None:
    received: list[tuple[str, str, dict[str, Any]]] = []

    async def callback(request: web.Request) -> web.Response:
        form = dict(await request.post())
        received.append((request.method, request.headers["Authorization"], form))
        return web.Response()

    async with (
        serving(callback) as port,
        kakao(unlink_callback_url=f"http://127.0.0.1:{port}/cb", app_id="42") as app,
    ):
        tokens = await app.sign_in()
        assert "지민" in (await app.ask("GET", "/manage")).text
        answer = await app.ask(
            "POST",
            "/manage/unlink",
            data={"person": str(JIMIN), "referrer_type": referrer},
            headers={"Accept": "application/json"},
        )
        assert answer.json == {"id": JIMIN, "callback": {"ok": True, "status": 200}}
        expected = {"app_id": "42", "user_id": str(JIMIN), "referrer_type": referrer}
        assert received == [("POST", "KakaoAK admin-key", expected)]
        assert (await app.me(tokens["access_token"])).status == 401
        assert "지민" not in (await app.ask("GET", "/manage")).text


@in_loop
async def test_a_callback_that_fails_is_told_and_the_person_unlinked_all_the_same() -> None:
    async def callback(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with (
        serving(callback) as port,
        kakao(unlink_callback_url=f"http://127.0.0.1:{port}/cb") as app,
    ):
        tokens = await app.sign_in()
        answer = await app.ask("POST", "/manage/unlink", data={"person": "jimin"})
        assert (answer.status, answer.headers["Location"]) == (303, "/manage?result=failed")
        assert "callback failed" in (await app.ask("GET", answer.headers["Location"])).text
        assert (await app.me(tokens["access_token"])).status == 401
    async with kakao(unlink_callback_url="http://127.0.0.1:1/cb") as app:
        await app.sign_in()
        answer = await app.ask(
            "POST",
            "/manage/unlink",
            data={"person": "jimin"},
            headers={"Accept": "application/json"},
        )
        assert answer.json["callback"] == {"ok": False, "status": None}


@in_loop
async def test_unlinking_nobody_is_refused() -> None:
    async with kakao() as app:
        await app.sign_in()
        for data, named in [
            ({"person": "seojun"}, "person"),
            ({}, "person"),
            ({"person": "jimin", "referrer_type": "X"}, "referrer_type"),
        ]:
            answer = await app.ask("POST", "/manage/unlink", data=data)
            assert answer.status == 400
            assert named in answer.text
        answer = await app.ask("POST", "/manage/unlink", data={"person": "jimin"})
        assert answer.headers["Location"] == "/manage?result=ok"  # an app without a callback


@in_loop
async def test_a_fault_applies_to_the_next_matching_requests_only() -> None:
    async with kakao() as app:
        token = (await app.sign_in())["access_token"]
        told = await app.misbehave({"me_error": {"times": 2, "status": 503}, "token_error": 1})
        left = {"me_error": {"times": 2, "status": 503}, "token_error": {"times": 1, "status": 500}}
        assert told.json == {"next": left}
        assert [(await app.me(token)).status for _ in range(3)] == [503, 503, 200]
        assert (await app.token(code=await app.code())).status == 500
        assert (await app.token(code=await app.code())).status == 200
        assert (await app.ask("GET", "/_control")).json == {"next": {}}


@in_loop
async def test_faults_of_consent_and_codes() -> None:
    async with kakao() as app:
        await app.misbehave({"consent_refused": 1})
        assert (await app.decide()).query["error"] == "access_denied"
        await app.misbehave({"no_email": 1, "no_nickname": 1})
        assert (await app.sign_in())["scope"] == ""
        assert (await app.sign_in())["scope"] == "profile_nickname account_email"
        await app.misbehave({"expired_code": 1})
        assert (await app.token(code=await app.code())).json["error_code"] == "KOE320"
        await app.misbehave({"unlink_error": {"status": 502}})
        assert (await app.admin("/v1/user/unlink")).status == 502
        assert (await app.admin("/v1/user/unlink")).status == 200


@in_loop
@pytest.mark.parametrize("endpoint", ["token", "me", "unlink"])
async def test_a_slow_answer_can_outlast_a_client_and_the_stop(endpoint: str) -> None:
    async with kakao() as app:
        await app.sign_in()
        app.standin.misbehave(f"{endpoint}_slow", seconds=60)
        path = {"token": "/oauth/token", "me": "/v2/user/me", "unlink": "/v1/user/unlink"}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await app.ask("POST", path[endpoint])
        app.standin.misbehave(f"{endpoint}_slow", seconds=0)
        assert (await app.ask("POST", path[endpoint])).status in (400, 401)


@in_loop
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ([], "next"),
        (None, "next"),
        ({"nonsense": 1}, "next.nonsense"),
        ({"me_slow": -1}, "next.me_slow.times"),
        ({"me_slow": 1001}, "next.me_slow.times"),
        ({"me_slow": 1.5}, "next.me_slow.times"),
        ({"me_slow": True}, "next.me_slow.times"),
        ({"me_slow": "1"}, "next.me_slow.times"),
        ({"me_slow": {"seconds": 61}}, "next.me_slow.seconds"),
        ({"me_slow": {"seconds": None}}, "next.me_slow.seconds"),
        ({"me_slow": {"status": 500}}, "next.me_slow.status"),
        ({"me_error": {"status": 404}}, "next.me_error.status"),
        ({"no_email": 1, "token_error": {"status": "x"}}, "next.token_error.status"),
    ],
)
async def test_a_bad_fault_is_refused_by_its_field_and_sets_nothing(
    wanted: object, field: str
) -> None:
    async with kakao() as app:
        answer = await app.misbehave(wanted)
        assert answer.status == 400
        assert answer.json["field"] == field
        assert (await app.ask("GET", "/_control")).json == {"next": {}}


@in_loop
async def test_a_control_message_that_is_none_is_refused() -> None:
    async with kakao() as app:
        for data, field in [
            ("{", "body"),
            ("[]", "body"),
            ('{"now": {}}', "now"),
            ("\xff", "body"),
        ]:
            answer = await app.ask("POST", "/_control", data=data.encode("latin-1"))
            assert (answer.status, answer.json["field"]) == (400, field)
        with pytest.raises(FaultError, match=r"next\.nonsense"):
            app.standin.misbehave("nonsense")


@in_loop
async def test_faults_can_be_taken_back() -> None:
    async with kakao() as app:
        await app.misbehave({"me_error": 5, "no_email": 2})
        assert (await app.misbehave({"me_error": 0})).json == {"next": {"no_email": {"times": 2}}}
        assert (await app.ask("DELETE", "/_control")).json == {"next": {}}


@in_loop
async def test_a_restart_keeps_people_tokens_sessions_and_the_key(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kakao.json"
    async with kakao(state_file=path) as app:
        tokens = await app.sign_in("new", nickname="오래", scope="openid profile_nickname")
        before = (await app.me(tokens["access_token"])).json
        keys = (await app.ask("GET", "/.well-known/jwks.json")).json
        cookies = {cookie.key: cookie.value for cookie in app.client.cookie_jar}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["kakao.json"]
    content = path.read_text(encoding="utf-8")
    assert tokens["access_token"] not in content
    assert tokens["refresh_token"] not in content
    async with kakao(state_file=path) as app:
        assert (await app.me(tokens["access_token"])).json == before
        assert (await app.ask("GET", "/.well-known/jwks.json")).json == keys
        assert (await app.token(code="", refresh_token=tokens["refresh_token"])).status == 400
        app.client.cookie_jar.update_cookies(cookies)
        assert (await app.authorize()).status == 302
        refreshed = await app.token(
            grant_type="refresh_token", refresh_token=tokens["refresh_token"], code=None
        )
        assert refreshed.status == 200


#: A whole state in which nobody has signed in.
EMPTY = json.dumps(
    {"version": 1, "made_up": {}, "links": {}, "tokens": {}, "sessions": {}, "key": None}
)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version": 2}',
        json.dumps({"version": 1, "key": {}}),
        f"{EMPTY}\n[]\n",
        f'{EMPTY}\n["rooms", "a", null]\n',
    ],
)
def test_a_broken_state_file_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kakao.json"
    path.write_text(content)
    with pytest.raises(StateFileError, match=r"kakao\.json.*delete it") as told:
        KakaoStandIn(KakaoConfig(0, "a", None, "k", ("http://localhost/",), state_file=path))
    assert told.value.path == path
    assert path.read_text() == content


@in_loop
async def test_a_stand_in_that_is_killed_has_saved_everything(tmp_path: Path) -> None:
    path = tmp_path / "kakao.json"
    async with kakao(state_file=path) as app:
        tokens = await app.sign_in("new", nickname="오래", scope="openid profile_nickname")
        gone = await app.sign_in("seojun")
        headers = bearer(gone["access_token"])
        assert (await app.ask("POST", "/v1/user/unlink", headers=headers)).status == 200
        before = (await app.me(tokens["access_token"])).json
        # The second is cut off in the middle of a change.
        for left in ("", '["tokens", "ab'):
            copy = tmp_path / f"killed{len(left)}.json"
            copy.write_text(path.read_text(encoding="utf-8") + left, encoding="utf-8")
    for copy in tmp_path.glob("killed*"):
        async with kakao(state_file=copy) as app:
            assert (await app.me(tokens["access_token"])).json == before
            assert (await app.me(gone["access_token"])).status == 401
            await app.sign_in("seojun")
        async with kakao(state_file=copy) as app:
            assert (await app.me(tokens["access_token"])).json == before


@in_loop
async def test_a_sign_in_writes_no_more_among_many_people(tmp_path: Path) -> None:
    path = tmp_path / "kakao.json"
    async with kakao(state_file=path) as app:
        store = app.standin.store
        await app.sign_in()
        for _ in range(CHANGES_MIN // 2):
            store.add("아무개", None)
        written = path.read_bytes()
        size = len(written)
        await app.sign_in()
        assert path.read_bytes().startswith(written)
        assert 0 < path.stat().st_size - size < 2000
        # From time to time all is written, so that what is gone leaves the file.
        for person in store.people()[len(PEOPLE) :] * 3:
            store.remove(person.id)
        assert path.stat().st_size < size / 2


@in_loop
async def test_a_state_file_that_somebody_deletes_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "kakao.json"
    async with kakao(state_file=path) as app:
        tokens = await app.sign_in()
        path.unlink()
        await app.sign_in("seojun")
        first, *_ = path.read_text(encoding="utf-8").splitlines()
        assert str(JIMIN) in json.loads(first)["links"]
    async with kakao(state_file=path) as app:
        assert (await app.me(tokens["access_token"])).status == 200


@in_loop
async def test_expired_tokens_leave_the_state_file(tmp_path: Path) -> None:
    path = tmp_path / "kakao.json"
    async with kakao(state_file=path) as app:
        await app.sign_in()
        app.clock.now += 5183999
        await app.sign_in("seojun")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert {token["person"] for token in content["tokens"].values()} == {JIMIN + 1}
    assert {session["person"] for session in content["sessions"].values()} == {JIMIN + 1}


@in_loop
async def test_nothing_personal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with kakao(unlink_callback_url="http://127.0.0.1:1/cb") as app:
        tokens = await app.sign_in("new", nickname="비밀이름", email="hidden@example.com")
        await app.me(tokens["access_token"])
        person = str((await app.me(tokens["access_token"])).json["id"])
        await app.ask("POST", "/manage/unlink", data={"person": person})
    assert "unlink callback failed" in caplog.text
    for text in ("비밀이름", "hidden@example.com", person, *tokens.values()):
        assert len(str(text)) < 8 or str(text) not in caplog.text


@in_loop
async def test_a_taken_port_is_named() -> None:
    async with kakao() as app:
        config = KakaoConfig(app.standin.port, "a", None, "k", ("http://localhost/",))
        with pytest.raises(PortTakenError, match="the Kakao stand-in needs it"):
            await KakaoStandIn(config).start()


@pytest.mark.parametrize(
    ("client_id", "admin_key", "uris"), [("", "k", ("u",)), ("a", "", ("u",)), ("a", "k", ())]
)
def test_a_configuration_without_its_essentials_is_refused(
    client_id: str, admin_key: str, uris: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        KakaoConfig(0, client_id, None, admin_key, uris)


def test_the_base_url_can_be_given() -> None:
    config = KakaoConfig(0, "a", None, "k", ("u",), base_url="http://localhost:8001/")
    assert KakaoStandIn(config).base_url == "http://localhost:8001"
