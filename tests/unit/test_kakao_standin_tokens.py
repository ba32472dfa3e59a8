"""The stand-in's token endpoint and id tokens."""

import asyncio
import base64
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from tests.unit.edge_harness import in_loop
from tests.unit.kakao_standin_harness import (
    CALLBACK,
    CHALLENGE,
    JIMIN,
    VERIFIER,
    Kakao,
    bearer,
    kakao,
)

OPENID = "openid profile_nickname account_email"


async def claims_of(app: Kakao, id_token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await app.ask("GET", "/.well-known/jwks.json")).json)
    return dict(jwt.decode(id_token, keys, algorithms=["RS256"]).claims)


@in_loop
async def test_a_code_brings_tokens() -> None:
    async with kakao() as app:
        answer = await app.token(code=await app.code())
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        tokens = answer.json
        assert tokens.pop("access_token") != tokens.pop("refresh_token")
        assert tokens == {
            "token_type": "bearer",
            "expires_in": 21599,
            "refresh_token_expires_in": 5183999,
            "scope": "profile_nickname account_email",
        }


@in_loop
async def test_the_scope_tells_what_was_consented_to() -> None:
    async with kakao() as app:
        assert (await app.sign_in(consent_email=None))["scope"] == "profile_nickname"
        assert (await app.sign_in(consent_nickname=None, consent_email=None))["scope"] == ""


@in_loop
async def test_a_code_works_once() -> None:
    async with kakao() as app:
        code = await app.code()
        answers = await asyncio.gather(*(app.token(code=code) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]
        refused = next(answer for answer in answers if answer.status == 400)
        assert refused.json["error"] == "invalid_grant"
        assert refused.json["error_code"] == "KOE320"


@in_loop
async def test_a_code_expires_after_ten_minutes() -> None:
    async with kakao() as app:
        young, old = await app.code(), await app.code()
        app.clock.now += 599
        assert (await app.token(code=young)).status == 200
        app.clock.now += 1
        assert (await app.token(code=old)).json["error_code"] == "KOE320"


@in_loop
@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_id": "other"}, 401, "invalid_client", "KOE101"),
        ({"client_id": None}, 401, "invalid_client", "KOE101"),
        ({"client_secret": "wrong"}, 401, "invalid_client", "KOE010"),
        ({"client_secret": None}, 401, "invalid_client", "KOE010"),
        ({"redirect_uri": CALLBACK + "?x"}, 400, "invalid_grant", "KOE303"),
        ({"redirect_uri": None}, 400, "invalid_grant", "KOE303"),
        ({"code": "unknown"}, 400, "invalid_grant", "KOE320"),
        ({"code": None}, 400, "invalid_grant", "KOE320"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "KOE001"),
        ({"grant_type": None}, 400, "unsupported_grant_type", "KOE001"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request", "KOE319"),
        (
            {"grant_type": "refresh_token", "refresh_token": "x"},
            400,
            "invalid_grant",
            "KOE322",
        ),
    ],
)
async def test_bad_token_requests_are_refused_in_kakaos_words(
    changes: dict[str, Any], status: int, error: str, code: str
) -> None:
    async with kakao() as app:
        answer = await app.token(**({"code": await app.code()} | changes))
        assert answer.status == status
        assert (answer.json["error"], answer.json["error_code"]) == (error, code)
        assert answer.json["error_description"]


@in_loop
async def test_a_client_secret_is_optional_when_it_is_not_enabled() -> None:
    async with kakao(client_secret=None) as app:
        assert (await app.token(code=await app.code(), client_secret=None)).status == 200


@in_loop
async def test_credentials_in_http_basic_are_not_read() -> None:
    async with kakao() as app:
        data = {"grant_type": "authorization_code", "code": await app.code()}
        basic = base64.b64encode(b"rest-api-key:client-secret").decode()
        headers = {"Authorization": f"Basic {basic}"}
        answer = await app.ask("POST", "/oauth/token", data=data, headers=headers)
        assert answer.json["error_code"] == "KOE101"


@in_loop
@pytest.mark.parametrize(
    ("verifier", "status"),
    [(VERIFIER, 200), ("w" * 43, 400), ("v" * 42, 400), ("", 400), (None, 400), (CHALLENGE, 400)],
)
async def test_a_challenged_code_needs_its_verifier(verifier: str | None, status: int) -> None:
    async with kakao() as app:
        code = await app.code(code_challenge=CHALLENGE, code_challenge_method="S256")
        answer = await app.token(code=code, code_verifier=verifier)
        assert answer.status == status
        if status != 200:
            assert answer.json["error"] == "invalid_grant"
            # A failed attempt used the code up.
            assert (await app.token(code=code, code_verifier=VERIFIER)).status == 400


@in_loop
async def test_a_refresh_token_brings_a_new_access_token() -> None:
    async with kakao() as app:
        old = await app.sign_in()
        app.clock.now += 21599
        assert (await app.me(old["access_token"])).status == 401
        answer = await app.token(
            grant_type="refresh_token", refresh_token=old["refresh_token"], code=None
        )
        assert set(answer.json) == {"access_token", "token_type", "expires_in"}
        assert (await app.me(answer.json["access_token"])).json["id"] == JIMIN
        assert (await app.me(old["refresh_token"])).status == 401


@in_loop
async def test_a_refresh_token_is_renewed_in_its_last_month_only() -> None:
    async with kakao() as app:
        old = (await app.sign_in())["refresh_token"]
        app.clock.now += 5183999 - 30 * 24 * 3600 + 1
        renewed = await app.token(grant_type="refresh_token", refresh_token=old, code=None)
        assert renewed.json["refresh_token_expires_in"] == 5183999
        assert (await app.token(grant_type="refresh_token", refresh_token=old)).status == 400
        new = renewed.json["refresh_token"]
        app.clock.now += 5183998
        assert (await app.token(grant_type="refresh_token", refresh_token=new)).status == 200
        app.clock.now += 5183999
        assert (await app.token(grant_type="refresh_token", refresh_token=new)).status == 400


@in_loop
async def test_an_id_token_tells_who_signed_in() -> None:
    async with kakao() as app:
        code = await app.code(scope=OPENID, nonce="the-nonce")
        app.clock.now += 5
        tokens = (await app.token(code=code)).json
        now = int(app.clock.now)
        assert await claims_of(app, tokens["id_token"]) == {
            "iss": app.standin.base_url,
            "aud": "rest-api-key",
            "sub": str(JIMIN),
            "nonce": "the-nonce",
            "auth_time": now - 5,
            "iat": now,
            "exp": now + 21599,
            "nickname": "지민",
            "email": "jimin@example.com",
        }
        refreshed = await app.token(
            grant_type="refresh_token", refresh_token=tokens["refresh_token"], code=None
        )
        assert "nonce" not in await claims_of(app, refreshed.json["id_token"])


@in_loop
async def test_an_id_token_keeps_to_the_consents_and_to_openid() -> None:
    async with kakao() as app:
        assert "id_token" not in await app.sign_in()
        tokens = await app.sign_in(scope=None, consent_nickname=None, consent_email=None)
        claims = await claims_of(app, tokens["id_token"])
        assert not {"nickname", "email", "nonce"} & set(claims)


@in_loop
async def test_discovery_names_endpoints_that_are_there() -> None:
    async with kakao() as app:
        found = (await app.ask("GET", "/.well-known/openid-configuration")).json
        base = app.standin.base_url
        assert found["issuer"] == base
        for name, value in found.items():
            if name.endswith(("_endpoint", "_uri")):
                path = value.removeprefix(base)
                assert (await app.ask("GET", path)).status != 404, name
        key = (await app.ask("GET", "/.well-known/jwks.json")).json["keys"][0]
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        assert not {"d", "p", "q"} & set(key)


@in_loop
async def test_a_bad_nonce_and_a_bad_signature_come_once_when_asked_for() -> None:
    async with kakao() as app:
        app.standin.misbehave("bad_nonce")
        tokens = await app.sign_in(scope=OPENID, nonce="n")
        assert (await claims_of(app, tokens["id_token"]))["nonce"] != "n"
        app.standin.misbehave("bad_signature")
        tokens = await app.sign_in(scope=OPENID, nonce="n")
        with pytest.raises(BadSignatureError):
            await claims_of(app, tokens["id_token"])
        tokens = await app.sign_in(scope=OPENID, nonce="n")
        assert (await claims_of(app, tokens["id_token"]))["nonce"] == "n"
        answer = await app.ask("GET", "/v1/oidc/userinfo", headers=bearer(tokens["access_token"]))
        assert answer.json["sub"] == str(JIMIN)
