"""Where signing in may lead: to paths of this site only."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from chalicelib.http import HOME, _packed, _unpacked, site_path
from chalicelib.sessions import SIGN_IN_COOKIE, cookie

OWN = ["/", "/rooms", "/rooms/abc_-1", "/me?tab=1&x=%2F%2F", "/a//b", "/rooms#top", "/%2e%2e/x"]
HOSTILE = {
    "nothing": None,
    "empty": "",
    "relative": "rooms",
    "another site": "https://evil.example/",
    "another site, no scheme": "//evil.example",
    "backslash": "/\\evil.example",
    "only backslashes": "\\\\evil.example",
    "script": "javascript:alert(1)",
    "tab between the slashes": "/\t/evil.example",
    "newline between the slashes": "/\n/evil.example",
    "space first": " //evil.example",
    "header injection": "/rooms\r\nSet-Cookie: session=x",
    "NUL": "/rooms\x00",
    "delete": "/rooms\x7f",
    "not ASCII": "/방",
    "fullwidth slash": "/／evil.example",
    "longer than a cookie can hold": "/" + "a" * 4096,
}


@pytest.mark.parametrize("path", OWN)
def test_own_paths_are_kept(path: str) -> None:
    assert site_path(path) == path


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE.keys())
def test_anything_else_leads_home(path: str | None) -> None:
    assert site_path(path) == HOME


@pytest.mark.parametrize("path", [*OWN, *filter(None, HOSTILE.values())])
def test_no_browser_is_led_away(path: str) -> None:
    led_to = urlsplit(urljoin("https://pingpong.example/sign-in", site_path(path)))
    assert (led_to.scheme, led_to.netloc) == ("https", "pingpong.example")


@pytest.mark.parametrize("path", OWN)
def test_a_path_survives_the_cookie(path: str) -> None:
    packed = _packed(path)
    assert packed.isalnum()
    assert _unpacked(packed) == path


@pytest.mark.parametrize("packed", ["", "zz", "abc", "ff", "방"])
def test_a_broken_cookie_leads_home(packed: str) -> None:
    assert site_path(_unpacked(packed)) == HOME


def test_the_longest_path_fits_into_a_cookie() -> None:
    """Browsers drop a cookie of more than 4096 bytes without a word (RFC 6265, 6.1)."""
    longest = max((site_path("/" + "a" * length) for length in range(0, 4096, 10)), key=len)
    assert len(longest) > 500
    assert len(cookie(SIGN_IN_COOKIE, "s" * 43 + "." + _packed(longest), seconds=600)) <= 4096


@pytest.mark.parametrize(("milliseconds", "seconds"), [(1, "1"), (1000, "1"), (1001, "2")])
def test_a_refusal_for_now_says_when_to_come_back(milliseconds: int, seconds: str) -> None:
    from chalicelib import edge
    from chalicelib.errors import TooFastError

    refused = edge.refused(TooFastError("too many sign-ins", milliseconds))
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == seconds


def test_other_refusals_do_not() -> None:
    from chalicelib import edge
    from chalicelib.errors import SignedOutError

    assert "Retry-After" not in edge.refused(SignedOutError()).headers
