"""What the routes of the HTTP edge share: their blueprint, requests, answers and refusals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib import clock, log, metering, sessions, users
from chalicelib.errors import (
    ForbiddenOriginError,
    InvalidFieldError,
    PingPongError,
    SignedOutError,
)
from chalicelib.metrics import Metric
from chalicelib.protocol import ErrorCode
from chalicelib.sessions import SIGN_IN_COOKIE
from chalicelib.settings import settings
from chalicelib.tables import UserRow

routes = Blueprint(__name__)

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
#: HTTP status of each refusal; anything else is a 400.
STATUS: Final = {
    ErrorCode.SIGNED_OUT: 401,
    ErrorCode.FORBIDDEN_ORIGIN: 403,
    ErrorCode.SUSPENDED: 403,
    ErrorCode.CONSENT_REQUIRED: 403,
    ErrorCode.INVITE_NOT_FOUND: 404,
    ErrorCode.INVITE_USED_UP: 410,
    ErrorCode.TOO_FAST: 429,
    ErrorCode.KAKAO_REFUSED: 502,
    ErrorCode.KAKAO_UNAVAILABLE: 502,
    ErrorCode.INTERNAL: 500,
}

Handler = Callable[[], Response]
Body = TypeVar("Body", bound=msgspec.Struct)


def request() -> Request:
    """The request that is answered."""
    return routes.current_request


def query(name: str) -> str | None:
    """A parameter of the query."""
    parameters: Mapping[str, str] = request().query_params or {}
    return parameters.get(name)


def header(name: str) -> str | None:
    """A header, in any case."""
    value = request().headers.get(name)
    return str(value) if value is not None else None


def body(kind: type[Body]) -> Body:
    """The request's body. Raises InvalidFieldError."""
    try:
        return msgspec.json.decode(request().raw_body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InvalidFieldError("body", "must be JSON as docs/http.md has it") from None


def json_answer(
    content: dict[str, Any], status: int = 200, cookies: list[str] | None = None
) -> Response:
    """An answer of JSON, which nobody keeps."""
    headers: dict[str, Any] = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if cookies:
        headers["Set-Cookie"] = cookies
    return Response(body=content, status_code=status, headers=headers)


def redirect(location: str, cookies: list[str] | None = None) -> Response:
    """Send the browser elsewhere."""
    headers: dict[str, Any] = {"Location": location, "Cache-Control": "no-store"}
    if cookies:
        headers["Set-Cookie"] = cookies
    return Response(body="", status_code=302, headers=headers)


def refused(error: PingPongError) -> Response:
    """A refusal as JSON. ``Retry-After`` is in whole seconds (RFC 9110, 10.2.3)."""
    said: dict[str, Any] = {"code": error.code.value, "message": error.message}
    if error.retry_after_ms:
        said["retry_after_ms"] = error.retry_after_ms
    response = json_answer(said, STATUS.get(error.code, 400))
    if error.retry_after_ms:
        response.headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    return response


def answers_json(handler: Handler) -> Handler:
    """Map errors of a route to JSON, and log one line."""

    @functools.wraps(handler)
    def wrapped() -> Response:
        return _logged(handler, refused)

    return wrapped


def answers_browser(handler: Handler) -> Handler:
    """Map errors of a route to the sign-in page, which says what went wrong."""

    @functools.wraps(handler)
    def wrapped() -> Response:
        forget = sessions.cookie(SIGN_IN_COOKIE, "", seconds=0)

        def to_sign_in(error: PingPongError) -> Response:
            wait = f"&retry_after_ms={error.retry_after_ms}" if error.retry_after_ms else ""
            return redirect(f"/sign-in?error={error.code.value}{wait}", [forget])

        return _logged(handler, to_sign_in)

    return wrapped


def _logged(handler: Handler, refuse: Callable[[PingPongError], Response]) -> Response:
    asked = request()
    # The route's path, without a query: codes and states are secrets.
    with log.invocation("http", method=asked.method, path=asked.path) as line:
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
            log.exception("http_failed", error, path=asked.path)
        line["status"] = response.status_code
    return response


def require_own_origin() -> None:
    """Refuse what another site made the browser send (with SameSite=Lax, defence in depth)."""
    if header("origin") != settings.site_origin:
        raise ForbiddenOriginError


def require_person() -> tuple[sessions.Session, UserRow]:
    """Whose request it is, as somebody who may use the site. One GetItem more.

    Raises:
        SignedOutError: nobody's, or they withdrew.
        SuspendedError: an operator has excluded them.
        ConsentRequiredError: they have not agreed to the terms.
    """
    session = require_session()
    person = users.find(session.user_id)
    if person is None:
        raise SignedOutError
    users.check_may_act(person, clock.now_ms())
    return session, person


def require_session() -> sessions.Session:
    """Whose request it is. Raises SignedOutError."""
    session = sessions.find(header("cookie"), clock.now_ms())
    if session is None:
        raise SignedOutError
    return session
