"""kapi: who a token's person is, logging out and unlinking."""

from __future__ import annotations

import asyncio
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from infra.local.kakao.answers import ApiError, read_form
from infra.local.kakao.store import Link, Person, Token

if TYPE_CHECKING:
    from infra.local.kakao.server import KakaoStandIn


async def me(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``GET``/``POST /v2/user/me``. Raises ApiError.

    https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#req-user-info
    """
    await _misbehave(standin, "me")
    person, link, _ = await _linked(standin, request)
    return web.json_response(_profile(person, link))


async def userinfo(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``GET /v1/oidc/userinfo``: the same as OpenID Connect's claims. Raises ApiError."""
    person, link, _ = await _linked(standin, request)
    claims: dict[str, Any] = {"sub": str(person.id)}
    if link.nickname:
        claims["nickname"] = person.nickname
    if link.email and person.email:
        claims |= {"email": person.email, "email_verified": True}
    return web.json_response(claims)


async def logout(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``POST /v1/user/logout``: ends the token (and its pair), or with the admin key all.

    Raises ApiError.
    """
    person, _, token = await _linked(standin, request)
    standin.store.drop_tokens(
        lambda known: known.person == person.id and (token is None or known.pair == token.pair)
    )
    return web.json_response({"id": person.id})


async def unlink(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``POST /v1/user/unlink``: ends the link and every token, and calls nobody back.

    Raises ApiError.
    """
    await _misbehave(standin, "unlink")
    person, _, _ = await _linked(standin, request)
    standin.store.unlink(person.id)
    return web.json_response({"id": person.id})


async def _misbehave(standin: KakaoStandIn, endpoint: str) -> None:
    if slow := standin.faults.take(f"{endpoint}_slow"):
        await asyncio.sleep(slow.seconds)
    if failure := standin.faults.take(f"{endpoint}_error"):
        raise ApiError(-1, "asked for by /_control", failure.status)


async def _linked(standin: KakaoStandIn, request: web.Request) -> tuple[Person, Link, Token | None]:
    """Returns whom the request is about; the token is None with the admin key."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    token: Token | None = None
    if scheme == "KakaoAK":
        expected = standin.config.admin_key
        if not hmac.compare_digest(
            credentials.encode("utf-8", "surrogateescape"), expected.encode()
        ):
            raise ApiError(-401, "wrong appKey", 401)
        parameters = {**request.query, **await read_form(request)}
        name = parameters.get("target_id", "")
        if parameters.get("target_id_type") != "user_id":
            raise ApiError(-2, "target_id_type must be user_id", 400)
        if not (name.isascii() and name.isdigit()):
            raise ApiError(-2, "target_id must be a number", 400)
    elif scheme == "Bearer":
        token = standin.store.token("access", credentials)
        if token is None:
            raise ApiError(-401, "this access token does not exist", 401)
        name = str(token.person)
    else:
        raise ApiError(-401, "no authentication key!", 401)
    person = standin.store.find(name)
    link = standin.store.link_of(person.id) if person else None
    if person is None or link is None:
        raise ApiError(-101, "NotRegisteredUserException", 400)
    return person, link, token


def _profile(person: Person, link: Link) -> dict[str, Any]:
    account: dict[str, Any] = {"profile_nickname_needs_agreement": not link.nickname}
    profile: dict[str, Any] = {
        "id": person.id,
        "connected_at": datetime.fromtimestamp(link.connected_at, UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "kakao_account": account,
    }
    if link.nickname:
        profile["properties"] = {"nickname": person.nickname}
        account["profile"] = {"nickname": person.nickname, "is_default_nickname": False}
    account["has_email"] = person.email is not None
    account["email_needs_agreement"] = person.email is not None and not link.email
    if link.email and person.email:
        account |= {"is_email_valid": True, "is_email_verified": True, "email": person.email}
    return profile
