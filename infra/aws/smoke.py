"""Looks at a deployed site from outside, signed out, and tells what is wrong.

Nothing is written, so this can be run against production at any time.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

#: How long an answer may take, in seconds: a cold start is in it.
TIMEOUT: Final = 20.0

#: What every page has (site.yaml), over TLS with HSTS besides.
SECURITY_HEADERS: Final = (
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
)
FOREIGN_ORIGIN: Final = "https://elsewhere.example"
_ASSET: Final = re.compile(r'["\'](/?assets/[^"\']+\.(?:js|css))["\']')


class FaultError(Exception):
    """What a check found wrong."""


@dataclass(frozen=True)
class Result:
    """A check, and what it found wrong, if anything."""

    name: str
    fault: str | None


class _Site:
    """A site under its address."""

    def __init__(self, url: str, *, websocket: str, client_id: str, auth_url: str) -> None:
        self.url = url.rstrip("/")
        self.websocket = websocket or f"ws{self.url.removeprefix('http')}/ws"
        self.client_id = client_id
        self.auth_url = auth_url
        self.is_https = self.url.startswith("https://")
        self._session = requests.Session()

    def get(self, path: str, **headers: str) -> requests.Response:
        """A GET without cookies; redirects are not followed."""
        self._session.cookies.clear()
        return self._session.get(
            urljoin(f"{self.url}/", path), headers=headers, allow_redirects=False, timeout=TIMEOUT
        )

    def handshake(self, origin: str) -> tuple[int, str]:
        """Status and body of a WebSocket handshake without a cookie."""
        try:
            with connect(
                self.websocket,
                additional_headers={"Origin": origin},
                compression=None,
                open_timeout=TIMEOUT,
                proxy=None,
                legacy=True,
            ):
                return 101, ""
        except InvalidStatus as error:
            body = error.response.body or b""
            return error.response.status_code, body.decode("utf-8", "replace")


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise FaultError(f"{what} is {found!r}, not {wanted!r}")


def _page(site: _Site) -> None:
    """The page is there, asked for anew each time, and has the security headers."""
    answer = site.get("/")
    _expect(answer.status_code, 200, "the status of /")
    _expect(answer.headers.get("cache-control"), "no-cache", "Cache-Control of /")
    if "text/html" not in answer.headers.get("content-type", ""):
        raise FaultError(f"/ is {answer.headers.get('content-type')}, not HTML")
    wanted = [*SECURITY_HEADERS, *(["strict-transport-security"] if site.is_https else [])]
    missing = [name for name in wanted if name not in answer.headers]
    if missing:
        raise FaultError(f"/ has no {', '.join(missing)}")
    policy = answer.headers["content-security-policy"]
    if "default-src 'none'" not in policy or "unsafe-" in policy:
        raise FaultError(f"the Content-Security-Policy is weak: {policy}")


def _asset(site: _Site) -> None:
    """An asset that the page names is there and may be kept for ever."""
    named = _ASSET.search(site.get("/").text)
    if named is None:
        raise FaultError("the page names no asset; is this the built site?")
    answer = site.get(named[1])
    _expect(answer.status_code, 200, f"the status of {named[1]}")
    if "immutable" not in answer.headers.get("cache-control", ""):
        raise FaultError(f"Cache-Control of {named[1]} is {answer.headers.get('cache-control')!r}")


def _route(site: _Site) -> None:
    """A route of the single-page app gives the page."""
    answer = site.get("/rooms", Accept="text/html")
    _expect(answer.status_code, 200, "the status of /rooms")
    _expect(answer.text, site.get("/").text, "the page at /rooms")


def _missing_asset(site: _Site) -> None:
    """A missing asset is a 404, and not the page."""
    answer = site.get("/assets/there-is-none-0.js")
    _expect(answer.status_code, 404, "the status of a missing asset")


def _health(site: _Site) -> None:
    """The API answers."""
    answer = site.get("/api/health")
    _expect((answer.status_code, _json(answer)), (200, {"status": "ok"}), "/api/health")


def _session(site: _Site) -> None:
    """Somebody without a cookie is signed out, which nobody keeps a copy of."""
    answer = site.get("/api/session")
    _expect((answer.status_code, _json(answer)), (200, {"signed_in": False}), "/api/session")
    _expect(answer.headers.get("cache-control"), "no-store", "Cache-Control of /api/session")


def _sign_in(site: _Site) -> None:
    """Signing in leads to Kakao, with this site's callback, and is bound to the browser."""
    answer = site.get("/api/auth/kakao")
    _expect(answer.status_code, 302, "the status of /api/auth/kakao")
    location = answer.headers.get("location", "")
    if not location.startswith(f"{site.auth_url}/oauth/authorize?"):
        raise FaultError(f"signing in leads to {location.split('?')[0]}, not to {site.auth_url}")
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    _expect(
        query.get("redirect_uri"), f"{site.url}/api/auth/kakao/callback", "Kakao's redirect_uri"
    )
    if not query.get("client_id") or not query.get("state"):
        raise FaultError("the address at Kakao has no client_id or no state")
    if site.client_id and query["client_id"] != site.client_id:
        raise FaultError("the client_id is not the stored REST API key")
    _sign_in_cookie(site, answer)


def _sign_in_cookie(site: _Site, answer: requests.Response) -> None:
    cookies: SimpleCookie = SimpleCookie()
    for line in answer.raw.headers.getlist("set-cookie"):
        cookies.load(line)
    name = "__Host-sign-in" if site.is_https else "sign-in"
    if name not in cookies:
        raise FaultError(f"signing in sets no cookie {name}")
    cookie = cookies[name]
    if not cookie["httponly"] or cookie["samesite"].lower() != "lax" or cookie["path"] != "/":
        raise FaultError(f"the cookie {name} is not HttpOnly, SameSite=Lax and of the path /")
    if site.is_https and not cookie["secure"]:
        raise FaultError(f"the cookie {name} is not Secure")


def _foreign_post(site: _Site) -> None:
    """What another site makes a browser send is refused."""
    answer = requests.post(
        f"{site.url}/api/auth/logout", headers={"Origin": FOREIGN_ORIGIN}, timeout=TIMEOUT
    )
    _expect(
        (answer.status_code, _json(answer).get("code")),
        (403, "forbidden_origin"),
        "a POST from another site",
    )


def _websocket(site: _Site) -> None:
    """The WebSocket is there, and refuses who is not signed in."""
    _expect(site.handshake(site.url)[0], 401, "a handshake without a cookie")


def _foreign_websocket(site: _Site) -> None:
    """A page of another site gets no WebSocket: the Origin comes through CloudFront."""
    _expect(site.handshake(FOREIGN_ORIGIN)[0], 403, "a handshake from another site")


def _plain_http(site: _Site) -> None:
    """Without TLS the page leads to the one with it."""
    if not site.is_https:
        return
    answer = requests.get(f"http{site.url[5:]}/", allow_redirects=False, timeout=TIMEOUT)
    if answer.status_code not in (301, 308) or not answer.headers.get("location", "").startswith(
        "https://"
    ):
        raise FaultError(f"plain http answers {answer.status_code}, and no redirect to https")


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise FaultError(f"{urlsplit(answer.url).path} does not answer JSON") from None


CHECKS: Final[Mapping[str, Callable[[_Site], None]]] = {
    "page and its headers": _page,
    "asset": _asset,
    "route of the app": _route,
    "missing asset": _missing_asset,
    "plain http": _plain_http,
    "API": _health,
    "session": _session,
    "sign-in at Kakao": _sign_in,
    "POST from another site": _foreign_post,
    "WebSocket": _websocket,
    "WebSocket from another site": _foreign_websocket,
}


def smoke(
    url: str,
    *,
    websocket: str = "",
    client_id: str = "",
    auth_url: str = "https://kauth.kakao.com",
    report: Callable[[str], None] = lambda line: None,
) -> list[Result]:
    """Make every check, whatever the others find.

    Args:
        url: the site's origin, as people open it.
        websocket: the WebSocket's address, if it is not ``/ws`` of the origin.
        client_id: the REST API key that the sign-in must use; any if empty.
        auth_url: where Kakao signs people in.
        report: takes a line for each check.

    Returns:
        All results.
    """
    site = _Site(url, websocket=websocket, client_id=client_id, auth_url=auth_url.rstrip("/"))
    results: list[Result] = []
    for name, check in CHECKS.items():
        fault: str | None = None
        try:
            check(site)
        except FaultError as error:
            fault = str(error)
        except (requests.RequestException, WebSocketException, OSError, TimeoutError) as error:
            fault = f"no answer: {_cause(error)}"
        results.append(Result(name, fault))
        report(f"ok      {name}" if fault is None else f"FAILED  {name}: {fault}")
    return results


def _cause(error: BaseException) -> str:
    """The innermost reason, without the address and the objects that requests prints."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    text = str(error)
    return text if len(text) < 200 and text else type(error).__name__


def faults(results: list[Result]) -> str:
    """The failed checks in lines; empty if there are none."""
    return "\n".join(f"  {one.name}: {one.fault}" for one in results if one.fault is not None)
