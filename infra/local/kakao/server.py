"""The server: configuration, routes, and errors turned into Kakao's answers."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from infra.local.edge_listen import LocalServer
from infra.local.host_names import LOOPBACK_NAMES, host_name
from infra.local.kakao import authorize, manage, pages, token, users
from infra.local.kakao.answers import ApiError, KakaoAnswerError, PageError, TokenError
from infra.local.kakao.faults import FaultError, Faults
from infra.local.kakao.store import Store

#: A form or a control message has no more bytes.
BODY_BYTES_MAX: Final = 64 * 1024
#: How long requests in flight (slow ones, say) may take when the stand-in stops.
SHUTDOWN_SECONDS: Final = 0.1

Handler = Callable[["KakaoStandIn", web.Request], Awaitable[web.Response]]


@dataclass(frozen=True)
class KakaoConfig:
    """One app, as registered at Kakao.

    ``port``: 0 picks a free one. ``client_id`` is the REST API key; ``client_secret`` None means
    not enabled. ``allowed_redirect_uris`` are compared exactly; people are led back from signing
    out to ``allowed_logout_redirect_uris`` or, when there are none, anywhere on the origins of the
    redirect URIs. ``unlink_callback_url`` None: the app has no callback. ``state_file`` None
    forgets everything at the end. ``base_url`` is how the app and browsers reach the stand-in;
    None means http://127.0.0.1:PORT, which keeps its cookies apart from those of a site on
    localhost. ``code_seconds``: how long an authorization code lives.
    Raises ValueError for what must not be empty.
    """

    port: int
    client_id: str
    client_secret: str | None
    admin_key: str
    allowed_redirect_uris: tuple[str, ...]
    unlink_callback_url: str | None = None
    state_file: Path | None = None
    base_url: str | None = None
    allowed_logout_redirect_uris: tuple[str, ...] = ()
    app_id: str = "1000001"
    code_seconds: float = 600.0

    def __post_init__(self) -> None:
        for name in ("client_id", "admin_key", "allowed_redirect_uris"):
            if not getattr(self, name):
                raise ValueError(f"{name} must not be empty")

    def may_log_out_to(self, url: str) -> bool:
        """Tells whether signing out may lead to ``url``."""
        if self.allowed_logout_redirect_uris:
            return url in self.allowed_logout_redirect_uris
        return _origin(url) in {_origin(uri) for uri in self.allowed_redirect_uris}


class KakaoStandIn:
    """The server. ``port`` is the actual one after ``start``."""

    def __init__(self, config: KakaoConfig, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells seconds since 1970. Raises StateFileError."""
        self.config = config
        self.clock = clock
        self.port = config.port
        self.faults = Faults()
        self.store = Store(config.state_file, clock)
        self.codes: dict[str, authorize.Code] = {}
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self._answer])
        for method, path, handler in _ROUTES:
            app.router.add_route(method, path, self._bind(handler))
        self._server = LocalServer(app, shutdown_seconds=SHUTDOWN_SECONDS)

    @property
    def base_url(self) -> str:
        """Where kauth and kapi are, without a slash at its end; also the id tokens' issuer."""
        return (self.config.base_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    async def start(self) -> None:
        """Listens on 127.0.0.1 and ::1. Raises PortTakenError."""
        self.port = await self._server.start(self.config.port, "the Kakao stand-in")

    async def stop(self) -> None:
        """Stops listening, closes every connection and the store."""
        await self._server.stop()
        self.store.close()

    def misbehave(self, fault: str, times: int = 1, **options: float) -> None:
        """Lets the next ``times`` matching requests fail; see the package. Raises FaultError."""
        self.faults.set_all({fault: {"times": times, **options}})

    def _bind(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def bound(request: web.Request) -> web.Response:
            return await handler(self, request)

        return bound

    @web.middleware
    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if host_name(request.headers.get("Host", "")) not in LOOPBACK_NAMES:
            return web.json_response({"error": "this is a local stand-in"}, status=421)
        # Another site's page must not sign anybody in or out here.
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return web.json_response({"error": "forbidden"}, status=403)
        try:
            return await handler(request)
        except PageError as error:
            return pages.html(pages.error(error.code, error.message), error.status)
        except KakaoAnswerError as error:
            return web.json_response(_body(error), status=error.status)
        except FaultError as error:
            body = {"error": "invalid_request", "field": error.field, "message": str(error)}
            return web.json_response(body, status=400)


def _body(error: KakaoAnswerError) -> dict[str, Any]:
    if isinstance(error, ApiError):
        return {"msg": error.message, "code": error.code}
    if isinstance(error, TokenError):
        return {
            "error": error.error,
            "error_description": error.message,
            "error_code": error.code,
        }
    return {"error": error.message}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


async def _index(_standin: KakaoStandIn, _request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/manage"})


async def _discovery(standin: KakaoStandIn, _request: web.Request) -> web.Response:
    return web.json_response(token.discovery(standin))


async def _jwks(standin: KakaoStandIn, _request: web.Request) -> web.Response:
    return web.json_response(token.jwks(standin))


async def _show_control(standin: KakaoStandIn, _request: web.Request) -> web.Response:
    return web.json_response({"next": standin.faults.describe()})


async def _set_control(standin: KakaoStandIn, request: web.Request) -> web.Response:
    try:
        wanted = json.loads(await request.read())
    except ValueError as error:
        raise FaultError("body", "must be JSON") from error
    if not isinstance(wanted, dict):
        raise FaultError("body", "must be an object")
    for name in wanted:
        if name != "next":
            raise FaultError(str(name), "no such field; there is next")
    standin.faults.set_all(wanted.get("next"))
    return await _show_control(standin, request)


async def _clear_control(standin: KakaoStandIn, request: web.Request) -> web.Response:
    standin.faults.clear()
    return await _show_control(standin, request)


_ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/", _index),
    ("GET", "/oauth/authorize", authorize.authorize),
    ("POST", "/oauth/authorize/decision", authorize.decision),
    ("GET", "/oauth/logout", authorize.logout),
    ("POST", "/oauth/token", token.token),
    ("GET", "/.well-known/openid-configuration", _discovery),
    ("GET", "/.well-known/jwks.json", _jwks),
    ("GET", "/v2/user/me", users.me),
    ("POST", "/v2/user/me", users.me),
    ("GET", "/v1/oidc/userinfo", users.userinfo),
    ("POST", "/v1/user/logout", users.logout),
    ("POST", "/v1/user/unlink", users.unlink),
    ("GET", "/manage", manage.manage),
    ("POST", "/manage/unlink", manage.unlink),
    ("GET", "/_control", _show_control),
    ("POST", "/_control", _set_control),
    ("DELETE", "/_control", _clear_control),
)
