"""Asks Kakao whether keys are an application's, without signing anybody in.

What Kakao answers to a token request and to a question about nobody tells wrong keys from right
ones: https://developers.kakao.com/docs/latest/en/kakaologin/trouble-shooting (KOE101, KOE010,
KOE319, KOE322) and https://developers.kakao.com/docs/latest/en/rest-api/reference (-401).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import requests

AUTH_URL: Final = "https://kauth.kakao.com"
API_URL: Final = "https://kapi.kakao.com"

#: Seconds to connect and to answer.
TIMEOUT: Final = (5.0, 10.0)

#: Nobody's refresh token and nobody's id.
NO_TOKEN: Final = "check-of-keys-no-token"  # noqa: S105 - opens nothing
NOBODY: Final = "0"

#: Codes of Kakao's that say which key is wrong.
_WRONG: Final = {
    "KOE101": "the REST API key is no application's",
    "KOE008": "this is not the REST API key but another of the application's keys",
    "KOE010": "the client secret is not the application's (Kakao Login → Security)",
}


class UnknownError(Exception):
    """Kakao could not be asked, or answered something else."""


def wrong_keys(
    keys: Mapping[str, str], *, auth_url: str = AUTH_URL, api_url: str = API_URL
) -> list[str]:
    """What is wrong with keys, in words; empty if Kakao takes them.

    Args:
        keys: as SECRET_NAMES in account.py; an empty admin key is not asked about.

    Raises:
        UnknownError: Kakao can't be asked, or what it says is neither yes nor no.
    """
    wrong = [_client(keys, auth_url), _admin(keys.get("kakao_admin_key", ""), api_url)]
    return [one for one in wrong if one]


def _client(keys: Mapping[str, str], auth_url: str) -> str:
    """A refresh token that was never given: only right keys get as far as that."""
    form = {
        "grant_type": "refresh_token",
        "client_id": keys["kakao_client_id"],
        "refresh_token": NO_TOKEN,
    }
    if keys.get("kakao_client_secret"):
        form["client_secret"] = keys["kakao_client_secret"]
    answer = _ask("POST", f"{auth_url}/oauth/token", data=form)
    code = str(_body(answer).get("error_code", ""))
    if code in _WRONG:
        return _WRONG[code]
    if answer.status_code == 400 and code in ("KOE319", "KOE322"):
        return ""
    raise UnknownError(f"Kakao answered {answer.status_code} {code} about the REST API key")


def _admin(key: str, api_url: str) -> str:
    """A question about nobody: only the right key gets "not registered" (-101) or "which?" (-2)."""
    if not key:
        return ""
    answer = _ask(
        "GET",
        f"{api_url}/v2/user/me",
        headers={"Authorization": f"KakaoAK {key}"},
        params={"target_id_type": "user_id", "target_id": NOBODY},
    )
    code = _body(answer).get("code")
    if answer.status_code == 401:
        return "the admin key is not the application's"
    if answer.status_code == 400 and code in (-101, -2):
        return ""
    raise UnknownError(f"Kakao answered {answer.status_code} {code} about the admin key")


def _ask(method: str, url: str, **more: Any) -> requests.Response:
    try:
        return requests.request(method, url, timeout=TIMEOUT, allow_redirects=False, **more)
    except (requests.RequestException, UnicodeError) as error:
        # Without the request, which has the keys.
        raise UnknownError(f"Kakao can't be reached ({type(error).__name__})") from None


def _body(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
