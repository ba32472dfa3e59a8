"""The cookies: what is set, and what is read back whatever else is sent along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import sessions
from chalicelib.sessions import SESSION_COOKIE, read_cookie

SHOW = """
import json
from chalicelib import sessions
print(json.dumps([sessions.SESSION_COOKIE, sessions.SIGN_IN_COOKIE,
                  sessions.cookie(sessions.SESSION_COOKIE, "t", seconds=9)]))
"""


def cookies_of(origin: str) -> tuple[str, str, str]:
    """The names of the cookies, and one of them, on a site of that origin."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**os.environ, "SITE_ORIGIN": origin},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    session, sign_in, example = json.loads(done.stdout)
    return session, sign_in, example


def test_cookies_of_a_site_with_tls_are_pinned_to_it() -> None:
    session, sign_in, example = cookies_of("https://pingpong.example")
    assert (session, sign_in) == ("__Host-session", "__Host-sign-in")
    # What the prefix demands: Secure, Path=/, and no Domain (RFC 6265bis, 4.1.3.2).
    assert example == "__Host-session=t; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure"


def test_cookies_without_tls_are_not_secure() -> None:
    assert cookies_of("http://localhost:8000") == (
        "session",
        "sign-in",
        "session=t; Path=/; Max-Age=9; HttpOnly; SameSite=Lax",
    )


def test_a_cookie_is_deleted_by_its_age() -> None:
    assert "; Max-Age=0;" in sessions.cookie(SESSION_COOKIE, "", seconds=0)


@pytest.mark.parametrize(
    "header",
    [
        "NAME=token",
        " NAME=token ",
        "a=1; NAME=token; b=2",
        "a=1;NAME=token",
        'NAME="token"',
        "a=[1,2]; NAME=token",
        'a={"json": true}; NAME=token',
        "a b c; NAME=token",
        "=; ;; =x; NAME=token; ;",
        "한글=쿠키; NAME=token",
        "a=\x01\x02; NAME=token",
        'a="not closed; NAME=token',
        "expires=Mon, 01 Jan 2024; NAME=token",
        "path=/; NAME=token",
        "$Version=1; NAME=token",
        "NAMEs=other; xNAME=other; NAME=token",
        "a=" + "x" * 8000 + "; NAME=token",
    ],
    ids=lambda header: header[:24],
)
def test_the_cookie_is_found_among_others(header: str) -> None:
    assert read_cookie(header.replace("NAME", "session"), "session") == "token"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ";",
        "session",
        "session=",
        'session=""',
        "sessions=token",
        "xsession=token",
        "SESSION=token",
        "a=session=token",
        "a=b, session=token",
    ],
)
def test_there_is_no_cookie(header: str | None) -> None:
    assert read_cookie(header, "session") is None


@pytest.mark.parametrize(
    "value", ["\x00", "a b", "a,b", "{}", '"', '"\\777"', "\\", "é", "방", "%00", "\U0001f3d3"]
)
def test_a_garbled_cookie_raises_nothing(value: str) -> None:
    assert read_cookie(f"session={value}; a=1", "session") != "token"
