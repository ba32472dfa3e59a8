"""The HTTP edge: what a browser does by navigating. docs/http.md lists the routes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from chalice.app import Blueprint, Request, Response

from chalicelib import (
    clock,
    connections,
    ids,
    invites,
    kakao,
    limits,
    log,
    metering,
    sessions,
    users,
    withdrawal,
)
from chalicelib.errors import (
    ConsentRefusedError,
    ForbiddenOriginError,
    InvalidFieldError,
    InviteNotFoundError,
    KakaoRefusedError,
    PingPongError,
    SignedOutError,
    SignInExpiredError,
)
from chalicelib.metrics import Metric
from chalicelib.protocol import ID_PATTERN, ErrorCode
from chalicelib.rows import find_open_room
from chalicelib.sessions import SESSION_COOKIE, SIGN_IN_COOKIE
from chalicelib.settings import settings

routes = Blueprint(__name__)

HOME: Final = "/rooms"
#: Of a path to go on to: in hexadecimal it must fit into a cookie of 4096 bytes.
PATH_MAX: Final = 1000
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_ID_MAX: Final = 64
#: HTTP status of each refusal; anything else is a 400.
STATUS: Final = {
    ErrorCode.SIGNED_OUT: 401,
    ErrorCode.FORBIDDEN_ORIGIN: 403,
    ErrorCode.SUSPENDED: 403,
    ErrorCode.INVITE_NOT_FOUND: 404,
    ErrorCode.INVITE_USED_UP: 410,
    ErrorCode.TOO_FAST: 429,
    ErrorCode.KAKAO_REFUSED: 502,
    ErrorCode.KAKAO_UNAVAILABLE: 502,
    ErrorCode.INTERNAL: 500,
}

Handler = Callable[[], Response]


def _request() -> Request:
    return routes.current_request


def _query(name: str) -> str | None:
    parameters: Mapping[str, str] = _request().query_params or {}
    return parameters.get(name)


def _header(name: str) -> str | None:
    value = _request().headers.get(name)
    return str(value) if value is not None else None


def _json(content: dict[str, Any], status: int = 200, cookies: list[str] | None = None) -> Response:
    headers: dict[str, Any] = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if cookies:
        headers["Set-Cookie"] = cookies
    return Response(body=content, status_code=status, headers=headers)


def _redirect(location: str, cookies: list[str] | None = None) -> Response:
    headers: dict[str, Any] = {"Location": location, "Cache-Control": "no-store"}
    if cookies:
        headers["Set-Cookie"] = cookies
    return Response(body="", status_code=302, headers=headers)


def _refused(error: PingPongError) -> Response:
    """A refusal as JSON. ``Retry-After`` is in whole seconds (RFC 9110, 10.2.3)."""
    response = _json(
        {"code": error.code.value, "message": error.message}, STATUS.get(error.code, 400)
    )
    if error.retry_after_ms:
        response.headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    return response


def _answers_json(handler: Handler) -> Handler:
    """Map errors of a route to JSON, and log one line."""

    @functools.wraps(handler)
    def wrapped() -> Response:
        return _logged(handler, _refused)

    return wrapped


def _answers_browser(handler: Handler) -> Handler:
    """Map errors of a route to the sign-in page, which says what went wrong."""

    @functools.wraps(handler)
    def wrapped() -> Response:
        forget = sessions.cookie(SIGN_IN_COOKIE, "", seconds=0)

        def to_sign_in(error: PingPongError) -> Response:
            wait = f"&retry_after_ms={error.retry_after_ms}" if error.retry_after_ms else ""
            return _redirect(f"/sign-in?error={error.code.value}{wait}", [forget])

        return _logged(handler, to_sign_in)

    return wrapped


def _logged(handler: Handler, refuse: Callable[[PingPongError], Response]) -> Response:
    request = _request()
    # The route's path, without a query: codes and states are secrets.
    with log.invocation("http", method=request.method, path=request.path) as line:
        try:
            response = handler()
        except PingPongError as error:
            response = refuse(error)
            line["outcome"] = error.code.value
            if error.is_input_wrong:
                metering.count(Metric.REFUSED_INPUTS)
        except Exception as error:  # the edge: people get an answer they can do something with
            response = refuse(PingPongError("something went wrong here"))
            line["outcome"] = ErrorCode.INTERNAL.value
            log.exception("http_failed", error, path=request.path)
        line["status"] = response.status_code
    return response


def _require_own_origin() -> None:
    """Refuse what another site made the browser send (with SameSite=Lax, defence in depth)."""
    if _header("origin") != settings.site_origin:
        raise ForbiddenOriginError


def _require_session() -> sessions.Session:
    session = sessions.find(_header("cookie"), clock.now_ms())
    if session is None:
        raise SignedOutError
    return session


def site_path(path: str | None) -> str:
    """``path`` if it is a path of this site, else the room list: no open redirects.

    Browsers take ``//host`` and ``/\\host`` for other sites, and drop tabs and newlines.
    """
    if not path or len(path) > PATH_MAX or path[0] != "/" or path[1:2] in ("/", "\\"):
        return HOME
    if not all(" " < character < "\x7f" for character in path):
        return HOME
    return path


# --- Routes ----------------------------------------------------------------------------


@routes.route("/health", methods=["GET"])
@_answers_json
def health() -> Response:
    """Says that the API answers."""
    return _json({"status": "ok"})


@routes.route("/session", methods=["GET"])
@_answers_json
def session_state() -> Response:
    """Tells the site whether somebody is signed in."""
    found = sessions.find(_header("cookie"), clock.now_ms())
    return _json({"signed_in": found is not None})


@routes.route("/invitation", methods=["GET"])
@_answers_json
def invitation() -> Response:
    """Says where the link of an invitation leads, also to who is not signed in.

    In the query, as no log has that: whoever has the link can enter.
    """
    room_id, token = _id("room_id"), _id("token")
    if room_id is None or token is None:
        raise InviteNotFoundError
    room = find_open_room(room_id)
    if room is None:
        raise InviteNotFoundError
    invites.find(room, token, clock.now_ms())
    return _json({"name": room.name, "member_count": room.member_count})


def _id(name: str) -> str | None:
    """A parameter that can be an id."""
    value = _query(name) or ""
    return value if re.match(ID_PATTERN, value) and len(value) <= _ID_MAX else None


@routes.route("/auth/kakao", methods=["GET"])
@_answers_browser
def sign_in() -> Response:
    """Send the browser to Kakao."""
    attempt = kakao.SignIn(ids.new_token())
    # The way to go on to is in the cookie, not in the state: it can't be changed on the way.
    value = f"{attempt.secret}.{_packed(site_path(_query('next')))}"
    remember = sessions.cookie(SIGN_IN_COOKIE, value, seconds=limits.SIGN_IN_SECONDS)
    return _redirect(kakao.authorization_url(attempt), [remember])


@routes.route("/auth/kakao/callback", methods=["GET"])
@_answers_browser
def finish_sign_in() -> Response:
    """Kakao sends the browser back here."""
    now = clock.now_ms()
    cookie = sessions.read_cookie(_header("cookie"), SIGN_IN_COOKIE) or ""
    secret, _, packed = cookie.partition(".")
    attempt = kakao.SignIn(secret)
    if not secret or not attempt.has_state(_query("state") or ""):
        raise SignInExpiredError("state: not this browser's sign-in")
    error = _query("error")
    if error == "access_denied":
        raise ConsentRefusedError("the person cancelled at Kakao")
    code = _query("code")
    if error or not code:
        raise KakaoRefusedError("Kakao sent neither a code nor access_denied")
    person = kakao.finish_sign_in(attempt, code)
    suspended_until = users.suspended_until(users.kakao_user_id(person.kakao_id))
    users.check_not_suspended(suspended_until, now)
    user_id = users.sign_up_or_in(person.kakao_id, person.nickname, person.email, now)
    token = sessions.start(user_id, person.access_token, person.refresh_token, now)
    cookies = [
        sessions.cookie(SESSION_COOKIE, token, seconds=limits.SESSION_SECONDS),
        sessions.cookie(SIGN_IN_COOKIE, "", seconds=0),
    ]
    return _redirect(site_path(_unpacked(packed)), cookies)


@routes.route("/auth/logout", methods=["POST"])
@_answers_json
def sign_out() -> Response:
    """End this session and its connections; the site goes on to Kakao's own sign-out."""
    _require_own_origin()
    session = _require_session()
    sessions.end(session.session_id)
    connections.end_session(session.user_id, session.session_id)
    gone = sessions.cookie(SESSION_COOKIE, "", seconds=0)
    return _json({"redirect": kakao.logout_url()}, cookies=[gone])


@routes.route("/auth/withdraw", methods=["POST"])
@_answers_json
def withdraw() -> Response:
    """회원 탈퇴: unlink at Kakao, then take away everything of the person's."""
    _require_own_origin()
    session = _require_session()
    person = users.find(session.user_id)
    if person is not None:
        # First, as it may fail: then nothing is deleted, and the person can try again.
        kakao.unlink(session.access_token, session.refresh_token, person.provider_id)
    withdrawal.withdraw(session.user_id, session_id=session.session_id)
    gone = sessions.cookie(SESSION_COOKIE, "", seconds=0)
    return _json({"redirect": "/"}, cookies=[gone])


@routes.route("/auth/kakao/unlinked", methods=["GET", "POST"], content_types=[FORM, JSON])
@_answers_json
def unlinked() -> Response:
    """Kakao's unlink callback: the person unlinked this service in their Kakao account.

    https://developers.kakao.com/docs/latest/ko/kakaologin/callback
    """
    if not kakao.is_admin_authorization(_header("authorization")):
        raise SignedOutError
    kakao_id = _query("user_id") or _form_value("user_id")
    if kakao_id is None or not (kakao_id.isascii() and kakao_id.isdigit()):
        raise InvalidFieldError("user_id", "must be a number")
    withdrawal.withdraw(users.kakao_user_id(kakao_id), session_id=None)
    return _json({})


def _form_value(name: str) -> str | None:
    body = _request().raw_body
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    values = parse_qs(text).get(name)
    return values[0] if values else None


def _packed(path: str) -> str:
    """A path as cookie-safe text."""
    return path.encode().hex()


def _unpacked(packed: str) -> str | None:
    try:
        return bytes.fromhex(packed).decode()
    except ValueError:
        return None
