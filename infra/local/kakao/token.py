"""``/oauth/token`` and OpenID Connect's discovery: from a code to tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from infra.local.kakao.answers import TokenError, read_form
from infra.local.kakao.authorize import EMAIL_SCOPE, NICKNAME_SCOPE, SCOPES
from infra.local.kakao.store import ACCESS_SECONDS, REFRESH_SECONDS

if TYPE_CHECKING:
    from infra.local.kakao.server import KakaoStandIn

#: A refresh gives a new refresh token only in the last month of the old one (seconds).
REFRESH_RENEWAL_SECONDS: Final = 30 * 24 * 3600
# https://datatracker.ietf.org/doc/html/rfc7636#section-4.1
_VERIFIER_LENGTHS: Final = range(43, 129)


async def token(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``POST /oauth/token``. The client's id and secret must be in the form: Kakao reads no Basic.

    https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#request-token
    Raises TokenError.
    """
    form = await read_form(request)
    if slow := standin.faults.take("token_slow"):
        await asyncio.sleep(slow.seconds)
    if failure := standin.faults.take("token_error"):
        raise TokenError("server_error", "asked for by /_control", "KOE003", failure.status)
    _check_client(standin, form)
    grant = form.get("grant_type")
    if grant == "authorization_code":
        return web.json_response(_by_code(standin, form), headers=_NO_STORE)
    if grant == "refresh_token":
        return web.json_response(_by_refresh_token(standin, form), headers=_NO_STORE)
    raise TokenError("unsupported_grant_type", f"unsupported grant_type: {grant!r:.60}", "KOE001")


_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _check_client(standin: KakaoStandIn, form: Mapping[str, str]) -> None:
    config = standin.config
    if not _same(form.get("client_id", ""), config.client_id):
        raise TokenError(
            "invalid_client", "Not exist client_id (it belongs in the form)", "KOE101", 401
        )
    if config.client_secret and not _same(form.get("client_secret", ""), config.client_secret):
        raise TokenError("invalid_client", "Bad client credentials", "KOE010", 401)


def _by_code(standin: KakaoStandIn, form: Mapping[str, str]) -> dict[str, Any]:
    value = form.get("code", "")
    code = standin.codes.pop(value, None)  # whatever comes of it, it was used
    expired = standin.faults.take("expired_code") is not None
    if code is None or expired or code.expires <= standin.clock():
        raise TokenError(
            "invalid_grant", f"authorization code not found for code={value:.100}", "KOE320"
        )
    if form.get("redirect_uri") != code.request.redirect_uri:
        raise TokenError("invalid_grant", "Redirect URI mismatch.", "KOE303")
    challenge = code.request.code_challenge
    if challenge is not None and not _verifies(form.get("code_verifier", ""), challenge):
        raise TokenError("invalid_grant", "code_verifier does not match", "KOE320")
    standin.store.link(code.person, nickname=code.nickname, email=code.email)
    refused = {
        NICKNAME_SCOPE: not code.nickname,
        EMAIL_SCOPE: not code.email,
    }
    scopes = [scope for scope in code.request.scopes if not refused.get(scope)]
    pair = secrets.token_hex(8)
    issued = {
        "access_token": standin.store.issue("access", code.person, scopes, pair, code.auth_time),
        "token_type": "bearer",
        "refresh_token": standin.store.issue("refresh", code.person, scopes, pair, code.auth_time),
        "expires_in": ACCESS_SECONDS,
        "refresh_token_expires_in": REFRESH_SECONDS,
        "scope": " ".join(scopes),
    }
    if "openid" in scopes:
        nonce = code.request.nonce
        if standin.faults.take("bad_nonce"):
            nonce = secrets.token_urlsafe(16)
        issued["id_token"] = _id_token(standin, code.person, code.auth_time, nonce)
    return issued


def _by_refresh_token(standin: KakaoStandIn, form: Mapping[str, str]) -> dict[str, Any]:
    value = form.get("refresh_token", "")
    if not value:
        raise TokenError("invalid_request", "refresh_token is missing", "KOE319")
    old = standin.store.token("refresh", value)
    if old is None:
        raise TokenError("invalid_grant", "expired_or_invalid_refresh_token", "KOE322")
    issue = standin.store.issue
    issued: dict[str, Any] = {
        "access_token": issue("access", old.person, old.scopes, old.pair, old.auth_time),
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
    }
    if old.expires - standin.clock() < REFRESH_RENEWAL_SECONDS:
        new = issue("refresh", old.person, old.scopes, old.pair, old.auth_time)
        standin.store.drop_tokens(lambda known: known is old)
        issued |= {"refresh_token": new, "refresh_token_expires_in": REFRESH_SECONDS}
    if "openid" in old.scopes:
        issued["id_token"] = _id_token(standin, old.person, old.auth_time, None)
    return issued


def _id_token(standin: KakaoStandIn, person_id: int, auth_time: float, nonce: str | None) -> str:
    now = int(standin.clock())
    claims: dict[str, Any] = {
        "iss": standin.base_url,
        "aud": standin.config.client_id,
        "sub": str(person_id),
        "auth_time": int(auth_time),
        "iat": now,
        "exp": now + ACCESS_SECONDS,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    person, link = standin.store.find(str(person_id)), standin.store.link_of(person_id)
    if person and link and link.nickname:
        claims["nickname"] = person.nickname
    if person and link and link.email and person.email:
        claims["email"] = person.email
    key = standin.store.signing_key()
    header = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
    if standin.faults.take("bad_signature"):
        key = RSAKey.generate_key(2048)
    return jwt.encode(header, claims, key)


def discovery(standin: KakaoStandIn) -> dict[str, Any]:
    """``/.well-known/openid-configuration``, as https://kauth.kakao.com's."""
    base = standin.base_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "userinfo_endpoint": f"{base}/v1/oidc/userinfo",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SCOPES),
        "claims_supported": (
            ["iss", "aud", "sub", "auth_time", "exp", "iat", "nonce", "nickname", "email"]
        ),
    }


def jwks(standin: KakaoStandIn) -> dict[str, Any]:
    """``/.well-known/jwks.json``: the public half of the signing key."""
    key = standin.store.signing_key()
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "RS256"}]}


def _verifies(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return len(verifier) in _VERIFIER_LENGTHS and _same(computed, challenge)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
