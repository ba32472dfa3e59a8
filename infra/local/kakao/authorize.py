"""``/oauth/authorize`` and the sign-in page's decision: from a browser to an authorization code."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from infra.local.kakao import pages
from infra.local.kakao.answers import PageError, read_form, redirect
from infra.local.kakao.store import Link, Person

if TYPE_CHECKING:
    from infra.local.kakao.server import KakaoStandIn

NICKNAME_SCOPE: Final = "profile_nickname"
EMAIL_SCOPE: Final = "account_email"
#: What an app of the stand-in may ask for, and gets asked for when it names nothing.
SCOPES: Final = ("openid", NICKNAME_SCOPE, EMAIL_SCOPE)
PROMPTS: Final = frozenset({"login", "none", "create", "select_account"})
SESSION_COOKIE: Final = "kakao_stand_in"
#: Kakao shows 20 characters of a nickname.
NICKNAME_MAX: Final = 20
EMAIL_MAX: Final = 254
PARAMETER_MAX: Final = 2048

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
# RFC 7636, section 4.2: the base64url of a SHA-256, so always 43 characters.
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AuthorizeRequest:
    """A valid request for an authorization code."""

    redirect_uri: str
    scopes: list[str]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    parameters: Mapping[str, str]

    def back(self, **parameters: str | None) -> web.Response:
        """Returns the redirect to the app, with the state it sent."""
        return redirect(self.redirect_uri, {**parameters, "state": self.state})


@dataclass(frozen=True)
class Code:
    """What an authorization code stands for; times as from time.time()."""

    request: AuthorizeRequest
    person: int
    nickname: bool
    email: bool
    auth_time: float
    expires: float


def parse(standin: KakaoStandIn, query: Mapping[str, str]) -> AuthorizeRequest:
    """Checks the parameters of an authorize URL. Raises PageError with Kakao's codes."""
    config = standin.config
    for name, value in query.items():
        if len(value) > PARAMETER_MAX:
            raise PageError("KOE001", f"{name} is longer than {PARAMETER_MAX} characters")
    if query.get("client_id") != config.client_id:
        raise PageError("KOE101", "client_id is not this app's REST API key", 401)
    if query.get("redirect_uri") not in config.allowed_redirect_uris:
        raise PageError("KOE006", "redirect_uri is not one that is registered")
    if query.get("response_type") != "code":
        raise PageError("KOE201", "response_type must be code")
    # Kakao writes commas between scopes, OAuth spaces.
    asked = query.get("scope", "").replace(",", " ").split()
    if unknown := [scope for scope in asked if scope not in SCOPES]:
        raise PageError("KOE205", f"scope has consent items that are not set up: {unknown[0]}")
    challenge = query.get("code_challenge")
    method = query.get("code_challenge_method")
    if (challenge is not None or method is not None) and method != "S256":
        raise PageError("KOE001", "code_challenge_method must be S256")
    if method is not None and not _CHALLENGE.fullmatch(challenge or ""):
        raise PageError("KOE001", "code_challenge must be the base64url of a SHA-256 hash")
    prompts = frozenset(query.get("prompt", "").replace(",", " ").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise PageError("KOE001", f"prompt must be of {', '.join(sorted(PROMPTS))}")
    return AuthorizeRequest(
        redirect_uri=query["redirect_uri"],
        scopes=[scope for scope in SCOPES if scope in asked] or list(SCOPES),
        state=query.get("state"),
        nonce=query.get("nonce"),
        code_challenge=challenge,
        prompts=prompts,
        parameters=query,
    )


async def authorize(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``GET /oauth/authorize``: the sign-in page, or the code at once inside a Kakao session.

    Raises PageError.
    """
    wanted = parse(standin, dict(request.query))
    known = standin.store.session(request.cookies.get(SESSION_COOKIE, ""))
    link = standin.store.link_of(known[0].id) if known else None
    if known and link and not wanted.prompts - {"none"}:
        person, session = known
        return _agreed(standin, wanted, person, link, session.auth_time)
    if "none" in wanted.prompts:
        error = "consent_required" if known else "login_required"
        return wanted.back(error=error, error_description="user interaction is required")
    return pages.html(pages.sign_in(wanted, standin.store.people(), known[0] if known else None))


async def decision(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``POST /oauth/authorize/decision``: what the sign-in page's form sends; see the package.

    Raises PageError.
    """
    form = await read_form(request)
    own = ("person", "nickname", "email", "consent_nickname", "consent_email", "action")
    wanted = parse(standin, {name: form[name] for name in form if name not in own})
    if form.get("action") == "cancel":
        return _refused(wanted)
    person = _person(standin, form)
    consents = Link(
        connected_at=0,
        nickname=NICKNAME_SCOPE in wanted.scopes and form.get("consent_nickname") == "on",
        email=EMAIL_SCOPE in wanted.scopes and form.get("consent_email") == "on",
    )
    response = _agreed(standin, wanted, person, consents, standin.clock())
    session = standin.store.open_session(person.id)
    response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="Lax", path="/")
    return response


async def logout(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``GET /oauth/logout``: ends the browser's session and leads back to the app.

    https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#logout-of-service-and-kakaoaccount
    Raises PageError.
    """
    if request.query.get("client_id") != standin.config.client_id:
        raise PageError("KOE101", "client_id is not this app's REST API key", 401)
    target = request.query.get("logout_redirect_uri", "")
    if not standin.config.may_log_out_to(target):
        raise PageError("KOE007", "logout_redirect_uri is not one that is registered")
    standin.store.close_session(request.cookies.get(SESSION_COOKIE, ""))
    response = redirect(target, {"state": request.query.get("state")})
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


def _person(standin: KakaoStandIn, form: Mapping[str, str]) -> Person:
    name = form.get("person", "")
    if name != "new":
        person = standin.store.find(name)
        if person is None:
            raise PageError("KOE001", "person is nobody who is known here")
        return person
    nickname, email = form.get("nickname", "").strip(), form.get("email", "").strip()
    if not 1 <= len(nickname) <= NICKNAME_MAX or not nickname.isprintable():
        raise PageError("KOE001", f"nickname must have 1 to {NICKNAME_MAX} visible characters")
    if email and (len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email)):
        raise PageError("KOE001", "email must be an e-mail address, or empty")
    return standin.store.add(nickname, email or None)


def _agreed(
    standin: KakaoStandIn,
    wanted: AuthorizeRequest,
    person: Person,
    consents: Link,
    auth_time: float,
) -> web.Response:
    if standin.faults.take("consent_refused"):
        return _refused(wanted)
    now = standin.clock()
    standin.codes = {name: code for name, code in standin.codes.items() if code.expires > now}
    code = secrets.token_urlsafe(48)
    standin.codes[code] = Code(
        request=wanted,
        person=person.id,
        nickname=consents.nickname and not standin.faults.take("no_nickname"),
        email=consents.email and not standin.faults.take("no_email"),
        auth_time=auth_time,
        expires=now + standin.config.code_seconds,
    )
    return wanted.back(code=code)


def _refused(wanted: AuthorizeRequest) -> web.Response:
    return wanted.back(error="access_denied", error_description="User denied access")
