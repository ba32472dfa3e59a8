"""The HTTP edge: what a browser does by navigating. docs/http.md lists the routes."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, urlencode

from chalice.app import Response

from chalicelib import (
    clock,
    connections,
    devices,
    ids,
    invites,
    kakao,
    limits,
    sessions,
    users,
    withdrawal,
)
from chalicelib.edge import (
    FORM,
    JSON,
    answers_browser,
    answers_json,
    header,
    json_answer,
    query,
    redirect,
    request,
    require_own_origin,
    require_session,
)
from chalicelib.edge import (
    routes as routes,
)
from chalicelib.errors import (
    ConsentRefusedError,
    InvalidFieldError,
    InviteNotFoundError,
    KakaoRefusedError,
    SignedOutError,
    SignInExpiredError,
)
from chalicelib.protocol import ID_PATTERN
from chalicelib.rows import find_open_room
from chalicelib.sessions import SESSION_COOKIE, SIGN_IN_COOKIE

HOME: Final = "/rooms"
#: Of a path to go on to: in hexadecimal it must fit into a cookie of 4096 bytes.
PATH_MAX: Final = 1000
_ID_MAX: Final = 64


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
@answers_json
def health() -> Response:
    """Says that the API answers."""
    return json_answer({"status": "ok"})


@routes.route("/session", methods=["GET"])
@answers_json
def session_state() -> Response:
    """Tells the site whether somebody is signed in."""
    found = sessions.find(header("cookie"), clock.now_ms())
    return json_answer({"signed_in": found is not None})


@routes.route("/invitation", methods=["GET"])
@answers_json
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
    return json_answer({"name": room.name, "member_count": room.member_count})


def _id(name: str) -> str | None:
    """A parameter that can be an id."""
    value = query(name) or ""
    return value if re.match(ID_PATTERN, value) and len(value) <= _ID_MAX else None


@routes.route("/auth/kakao", methods=["GET"])
@answers_browser
def sign_in() -> Response:
    """Send the browser to Kakao."""
    attempt = kakao.SignIn(ids.new_token())
    # The way to go on to is in the cookie, not in the state: it can't be changed on the way.
    value = f"{attempt.secret}.{_packed(site_path(query('next')))}"
    remember = sessions.cookie(SIGN_IN_COOKIE, value, seconds=limits.SIGN_IN_SECONDS)
    return redirect(kakao.authorization_url(attempt), [remember])


@routes.route("/auth/kakao/callback", methods=["GET"])
@answers_browser
def finish_sign_in() -> Response:
    """Kakao sends the browser back here."""
    now = clock.now_ms()
    cookie = sessions.read_cookie(header("cookie"), SIGN_IN_COOKIE) or ""
    secret, _, packed = cookie.partition(".")
    attempt = kakao.SignIn(secret)
    if not secret or not attempt.has_state(query("state") or ""):
        raise SignInExpiredError("state: not this browser's sign-in")
    error = query("error")
    if error == "access_denied":
        raise ConsentRefusedError("the person cancelled at Kakao")
    code = query("code")
    if error or not code:
        raise KakaoRefusedError("Kakao sent neither a code nor access_denied")
    person = kakao.finish_sign_in(attempt, code)
    suspended_until = users.suspended_until(users.kakao_user_id(person.kakao_id))
    users.check_not_suspended(suspended_until, now)
    row = users.sign_up_or_in(person.kakao_id, person.nickname, person.email, now)
    device = devices.read(header("user-agent"))
    token = sessions.start(row.user_id, person.access_token, person.refresh_token, device, now)
    cookies = [
        sessions.cookie(SESSION_COOKIE, token, seconds=limits.SESSION_SECONDS),
        sessions.cookie(SIGN_IN_COOKIE, "", seconds=0),
    ]
    path = site_path(_unpacked(packed))
    if users.has_consented(row):
        return redirect(path, cookies)
    # Nothing of the site can be used before; it asks there, and then goes on.
    return redirect(
        f"/sign-in?{urlencode({'consent': limits.TERMS_VERSION, 'next': path})}", cookies
    )


@routes.route("/auth/logout", methods=["POST"])
@answers_json
def sign_out() -> Response:
    """End this session and its connections; the site goes on to Kakao's own sign-out."""
    require_own_origin()
    session = require_session()
    sessions.end(session.session_id)
    connections.end_session(session.user_id, session.session_id)
    gone = sessions.cookie(SESSION_COOKIE, "", seconds=0)
    return json_answer({"redirect": kakao.logout_url()}, cookies=[gone])


@routes.route("/auth/withdraw", methods=["POST"])
@answers_json
def withdraw() -> Response:
    """회원 탈퇴: take away everything of the person's, and unlink them at Kakao."""
    require_own_origin()
    session = require_session()
    withdrawal.ask(session, clock.now_ms())
    gone = sessions.cookie(SESSION_COOKIE, "", seconds=0)
    return json_answer({"redirect": "/"}, cookies=[gone])


@routes.route("/auth/kakao/unlinked", methods=["GET", "POST"], content_types=[FORM, JSON])
@answers_json
def unlinked() -> Response:
    """Kakao's unlink callback: the person unlinked this service in their Kakao account.

    https://developers.kakao.com/docs/latest/ko/kakaologin/callback
    """
    if not kakao.is_admin_authorization(header("authorization")):
        raise SignedOutError
    kakao_id = query("user_id") or _form_value("user_id")
    if kakao_id is None or not (kakao_id.isascii() and kakao_id.isdigit()):
        raise InvalidFieldError("user_id", "must be a number")
    withdrawal.unlinked_at_kakao(users.kakao_user_id(kakao_id), clock.now_ms())
    return json_answer({})


def _form_value(name: str) -> str | None:
    body = request().raw_body
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
