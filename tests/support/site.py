"""A browser for tests, and what a site must offer it: HTTP and a WebSocket.

Two sites serve the same tests: the running local stack (stack.py: real HTTP, real
sockets, real Lambda processes), and the handlers called with AWS's events against any
DynamoDB endpoint (handlers.py), which is how LocalStack's free release is used.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import requests

from tests.support.chat import ChatClient

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case, each with all its values."""

    status: int
    headers: Mapping[str, list[str]]
    body: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers["location"][0]


class Site(Protocol):
    """Something that serves Ping-Pong."""

    origin: str
    kakao: str

    def request(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        """An HTTP request; ``path`` begins with ``/api/``. Redirects are not followed."""

    def connect(self, headers: Mapping[str, str]) -> ChatClient:
        """A WebSocket. Raises ConnectionRefusedWithStatusError."""


@dataclass
class Browser:
    """A person's browser: keeps cookies, sends its Origin."""

    site: Site
    cookies: dict[str, str] = field(default_factory=dict)
    #: Whether its person agrees to the terms as soon as they are asked.
    agrees: bool = True

    def get(self, path: str, **headers: str) -> Answer:
        """Navigate."""
        return self._request("GET", path, headers)

    def post(
        self, path: str, content: Any = None, *, origin: str | None = None, **headers: str
    ) -> Answer:
        """A script's POST, with the site's own Origin unless another is given.

        Args:
            content: what is sent as JSON, if anything is.
        """
        sent = {"Origin": origin or self.site.origin, **headers}
        if content is None:
            return self._request("POST", path, sent)
        return self._request(
            "POST", path, {"Content-Type": "application/json", **sent}, json.dumps(content)
        )

    def connect(self, *, origin: str | None = None) -> ChatClient:
        """A WebSocket with this browser's cookies, without any command sent."""
        return self.site.connect(
            {"Origin": origin or self.site.origin, "Cookie": self.cookie_header}
        )

    def chat(self) -> ChatClient:
        """A WebSocket that has said hello."""
        client = self.connect()
        client.ask("session.hello")
        return client

    @property
    def cookie_header(self) -> str:
        """What the browser sends as Cookie."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, nickname: str, email: str | None = None, **decision: str) -> Answer:
        """Sign a new person in at the Kakao stand-in; returns the callback's answer."""
        return self.finish(self.decide(self.start(), nickname, email, **decision))

    def start(self, next_path: str = "/rooms") -> str:
        """Press the sign-in button; returns Kakao's address."""
        return self.get(f"/api/auth/kakao?next={next_path}").location

    def decide(self, url: str, nickname: str, email: str | None = None, **decision: str) -> str:
        """Answer Kakao's page; returns the address that Kakao sends the browser to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        form = {"person": "new", "nickname": nickname, "consent_nickname": "on"}
        if email:
            form |= {"email": email, "consent_email": "on"}
        answer = requests.post(
            f"{self.site.kakao}/oauth/authorize/decision",
            data=query | form | decision,
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def finish(self, callback_url: str) -> Answer:
        """Follow Kakao's redirect back to the site; returns the callback's answer.

        Where the terms are to be agreed to first, that is done, and the answer leads on as the
        site does then.
        """
        parts = urlsplit(callback_url)
        assert f"{parts.scheme}://{parts.netloc}" == self.site.origin
        answer = self.get(f"{parts.path}?{parts.query}")
        query = parse_qs(urlsplit("".join(answer.headers.get("location", []))).query)
        if not self.agrees or "consent" not in query:
            return answer
        self.agree(int(query["consent"][0]))
        return replace(answer, headers={**answer.headers, "location": query["next"]})

    def agree(self, version: int) -> None:
        """Agree to the terms."""
        agreement = {"version": version, "is_14_or_older": True, "agrees": True}
        answer = self.post("/api/consent", agreement)
        assert answer.status == 200, answer

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: str = ""
    ) -> Answer:
        sent = dict(headers)
        if self.cookies:
            sent.setdefault("Cookie", self.cookie_header)
        answer = self.site.request(method, path, sent, body)
        for value in answer.headers.get("set-cookie", []):
            for name, morsel in SimpleCookie(value).items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return answer


def unique(prefix: str) -> str:
    """A name that no other test uses, also in another worker or an earlier run."""
    return f"{prefix}-{os.getpid()}-{os.urandom(2).hex()}-{next(_numbers)}"


def new_person(site: Site, nickname: str = "민서") -> Browser:
    """The browser of somebody who has just signed in for the first time."""
    browser = Browser(site)
    answer = browser.sign_in(nickname)
    assert answer.location == "/rooms", answer
    return browser


def misbehave(site: Site, fault: str, **options: Any) -> None:
    """Have the Kakao stand-in misbehave at the next request that matches."""
    what = {"times": 1, **options}
    answer = requests.post(f"{site.kakao}/_control", json={"next": {fault: what}}, timeout=10)
    assert answer.status_code == 200, answer.text
