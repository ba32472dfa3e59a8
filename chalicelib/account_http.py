"""The HTTP edge of one's account: devices, a copy of one's data, agreeing to the terms."""

from __future__ import annotations

from typing import Annotated

import msgspec
from chalice.app import Blueprint, Response
from msgspec import Meta

from chalicelib import clock, connections, export, limits, sessions, users
from chalicelib.edge import (
    answers_json,
    body,
    json_answer,
    require_own_origin,
    require_person,
    require_session,
)
from chalicelib.errors import InvalidFieldError, SignedOutError

account_routes = Blueprint(__name__)

SessionId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class EndSession(msgspec.Struct, forbid_unknown_fields=True):
    """Which of one's browsers to sign out: one, or all others."""

    id: SessionId | None = None
    others: bool = False


class Agreement(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody agrees to."""

    version: int
    #: Younger people need a parent's consent, which can't be had here.
    #: https://www.law.go.kr/법령/개인정보보호법/제22조의2
    is_14_or_older: bool
    agrees: bool


class Export(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of what is known of one."""

    #: Where the page before says that it goes on; without it an export begins.
    cursor: Annotated[str, Meta(max_length=120)] = ""


@account_routes.route("/consent", methods=["POST"])
@answers_json
def consent() -> Response:
    """Agree to the terms; nothing else can be done before."""
    require_own_origin()
    session = require_session()
    agreement = body(Agreement)
    if agreement.version != limits.TERMS_VERSION:
        raise InvalidFieldError("version", f"must be {limits.TERMS_VERSION}")
    if not agreement.is_14_or_older:
        raise InvalidFieldError("is_14_or_older", "must be true")
    if not agreement.agrees:
        raise InvalidFieldError("agrees", "must be true")
    if not users.consent(session.user_id, clock.now_ms()):
        raise SignedOutError
    return json_answer({})


@account_routes.route("/sessions", methods=["GET"])
@answers_json
def list_sessions() -> Response:
    """Where one is signed in."""
    session, person = require_person()
    connected = connections.sessions_of(person.user_id)
    return json_answer(
        {
            "sessions": [
                {
                    "id": row.session_id,
                    "signed_in_at": row.created_at,
                    "browser": row.browser or "",
                    "system": row.system or "",
                    "is_current": row.session_id == session.session_id,
                    "is_connected": row.session_id in connected,
                }
                for row in sessions.of_user(person.user_id, clock.now_ms())
            ]
        }
    )


@account_routes.route("/sessions/end", methods=["POST"])
@answers_json
def end_session() -> Response:
    """Sign one of one's other browsers out, or all of them. Repeating it does no harm."""
    require_own_origin()
    session, person = require_person()
    which = body(EndSession)
    if which.others == (which.id is not None):
        raise InvalidFieldError("id", "must be given, or others be true")
    if which.id == session.session_id:
        raise InvalidFieldError("id", "must be another one: this is ended by /auth/logout")
    if which.id is not None:
        sessions.end_own(person.user_id, which.id)
        connections.end_session(person.user_id, which.id)
    else:
        sessions.end_until(person.user_id, clock.now_ms(), but=session.session_id)
        connections.end_without_session(person.user_id)
    return json_answer({})


@account_routes.route("/export", methods=["POST"])
@answers_json
def export_data() -> Response:
    """A page of what is known of one."""
    require_own_origin()
    _, person = require_person()
    cursor = body(Export).cursor
    now = clock.now_ms()
    if not cursor:
        return json_answer(export.begin(person, now))
    return json_answer(export.go_on(person.user_id, export.parse(cursor), now))
