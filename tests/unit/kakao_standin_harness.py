"""A started Kakao stand-in and a browser-like client."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from infra.local.kakao import KakaoConfig, KakaoStandIn

CALLBACK = "http://localhost:8000/api/auth/kakao/callback"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
ADMIN = {"Authorization": "KakaoAK admin-key"}
JIMIN = 3_000_000_001
CONSENTS = {"consent_nickname": "on", "consent_email": "on"}


@dataclass
class Clock:
    """A clock that stands still until it is moved (seconds since 1970)."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = field(default=None)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the redirect."""
        query = urlsplit(self.headers["Location"]).query
        return {name: values[0] for name, values in parse_qs(query).items()}


@dataclass
class Kakao:
    """The stand-in, as an app and a browser use it."""

    standin: KakaoStandIn
    clock: Clock
    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.client.request(
            method, self.standin.base_url + path, allow_redirects=False, **options
        ) as answer:
            is_json = answer.content_type == "application/json"
            json = await answer.json() if is_json else None
            return Answer(answer.status, answer.headers, await answer.text(), json)

    async def authorize(self, **changes: str | None) -> Answer:
        return await self.ask("GET", "/oauth/authorize", params=parameters(**changes))

    async def decide(self, person: str = "jimin", **changes: str | None) -> Answer:
        fields = {"person": person, **CONSENTS, **changes}
        return await self.ask("POST", "/oauth/authorize/decision", data=parameters(**fields))

    async def code(self, person: str = "jimin", **changes: str | None) -> str:
        return (await self.decide(person, **changes)).query["code"]

    async def token(self, **changes: str | None) -> Answer:
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": "rest-api-key",
            "client_secret": "client-secret",
            "redirect_uri": CALLBACK,
        }
        data = {name: value for name, value in (fields | changes).items() if value is not None}
        return await self.ask("POST", "/oauth/token", data=data)

    async def sign_in(self, person: str = "jimin", **changes: str | None) -> dict[str, Any]:
        answer = await self.token(code=await self.code(person, **changes))
        assert answer.status == 200, answer.text
        tokens: dict[str, Any] = answer.json
        return tokens

    async def me(self, access_token: str, method: str = "GET") -> Answer:
        return await self.ask(method, "/v2/user/me", headers=bearer(access_token))

    async def admin(self, path: str, target: object = JIMIN, **changes: str) -> Answer:
        data = {"target_id_type": "user_id", "target_id": str(target), **changes}
        return await self.ask("POST", path, headers=ADMIN, data=data)

    async def misbehave(self, faults: object) -> Answer:
        return await self.ask("POST", "/_control", json={"next": faults})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def parameters(**changes: str | None) -> dict[str, str]:
    """The parameters of a good authorize URL with changes; None leaves one out."""
    known: dict[str, str | None] = {
        "client_id": "rest-api-key",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "profile_nickname account_email",
        "state": "the-state",
    }
    return {name: value for name, value in (known | changes).items() if value is not None}


@asynccontextmanager
async def kakao(**changes: Any) -> AsyncIterator[Kakao]:
    """A stand-in for one app; ``changes`` to its KakaoConfig."""
    known: dict[str, Any] = {
        "port": 0,
        "client_id": "rest-api-key",
        "client_secret": "client-secret",
        "admin_key": "admin-key",
        "allowed_redirect_uris": (CALLBACK,),
    }
    clock = Clock()
    standin = KakaoStandIn(KakaoConfig(**(known | changes)), clock)
    await standin.start()
    try:
        # The stand-in's cookies are for an IP address, which aiohttp thinks unsafe.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            yield Kakao(standin, clock, client)
    finally:
        await standin.stop()
