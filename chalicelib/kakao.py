"""Signing in with Kakao.

https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api and, for the id token,
PKCE and nonce, https://kauth.kakao.com/.well-known/openid-configuration.

Authlib takes some 400 ms to import, so only what talks to Kakao imports it.
"""

from __future__ import annotations

import functools
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from chalicelib import ids
from chalicelib.errors import KakaoRefusedError, KakaoUnavailableError, SignInExpiredError
from chalicelib.secret_values import secret_values
from chalicelib.settings import settings

if TYPE_CHECKING:
    import requests
    from authlib.integrations.requests_client import OAuth2Session

#: Seconds to connect and to answer; the API Lambda has 15 in all, for three requests.
TIMEOUT: Final = (2.0, 3.0)
CALLBACK_PATH: Final = "/api/auth/kakao/callback"
SCOPES: Final = ("account_email", "profile_nickname")
#: Kakao's code for "this person is not linked with the app".
NOT_LINKED: Final = -101


@dataclass(frozen=True)
class SignIn:
    """One attempt at signing in, all of it derived from one secret in the browser's cookie.

    So ``state`` is bound to the browser, nothing is stored on the server for people who
    never come back, and neither the URL nor Kakao ever sees the secret.
    """

    secret: str

    @property
    def state(self) -> str:
        """OAuth's ``state`` (RFC 6749, 10.12)."""
        return ids.keyed_id(self.secret, "state")

    @property
    def nonce(self) -> str:
        """OpenID Connect's ``nonce``."""
        return ids.keyed_id(self.secret, "nonce")

    @property
    def code_verifier(self) -> str:
        """PKCE's ``code_verifier``, 44 characters (RFC 7636, 4.1: 43 to 128)."""
        return ids.keyed_id(self.secret, "pkce-1") + ids.keyed_id(self.secret, "pkce-2")

    def has_state(self, state: str) -> bool:
        """Whether a ``state`` that came back is this attempt's, in constant time."""
        return hmac.compare_digest(self.state.encode(), state.encode())


@dataclass(frozen=True)
class KakaoPerson:
    """What Kakao tells of somebody; all but the id only with their consent."""

    kakao_id: str
    nickname: str | None
    email: str | None
    access_token: str
    refresh_token: str | None


def _client(**more: Any) -> OAuth2Session:
    from authlib.integrations.requests_client import OAuth2Session

    secrets = secret_values()
    scopes = (*SCOPES, "openid") if settings.kakao_oidc else SCOPES
    return OAuth2Session(
        client_id=secrets.kakao_client_id,
        client_secret=secrets.kakao_client_secret or None,
        # The client secret is optional at Kakao; without one the client is public.
        token_endpoint_auth_method=(
            "client_secret_post" if secrets.kakao_client_secret else "none"
        ),
        scope=" ".join(scopes),
        redirect_uri=settings.site_origin + CALLBACK_PATH,
        code_challenge_method="S256",
        **more,
    )


def authorization_url(attempt: SignIn) -> str:
    """Where to send the browser."""
    more = {"nonce": attempt.nonce} if settings.kakao_oidc else {}
    url, _ = _client().create_authorization_url(
        settings.kakao_auth_url + "/oauth/authorize",
        state=attempt.state,
        code_verifier=attempt.code_verifier,
        **more,
    )
    return str(url)


def logout_url() -> str:
    """Kakao's own sign-out page, which leads back to the site."""
    query = {
        "client_id": secret_values().kakao_client_id,
        "logout_redirect_uri": settings.site_origin + "/",
    }
    return f"{settings.kakao_auth_url}/oauth/logout?{urlencode(query)}"


def finish_sign_in(attempt: SignIn, code: str) -> KakaoPerson:
    """Exchange the code for tokens and read who the person is.

    Raises:
        SignInExpiredError: the code is too old or was used.
        KakaoRefusedError: Kakao refused for another reason, or its id token is not for us.
        KakaoUnavailableError: Kakao did not answer in time, or answered 5xx.
    """
    import requests
    from authlib.integrations.base_client import OAuthError

    client = _client()
    try:
        token = client.fetch_token(
            settings.kakao_auth_url + "/oauth/token",
            code=code,
            code_verifier=attempt.code_verifier,
            timeout=TIMEOUT,
        )
        answer = client.get(settings.kakao_api_url + "/v2/user/me", timeout=TIMEOUT)
    except OAuthError as error:
        if error.error == "invalid_grant":
            raise SignInExpiredError("code: expired, used, or not this attempt's") from error
        raise KakaoRefusedError(f"Kakao refused the code: {error.error}") from error
    except requests.HTTPError as error:  # Authlib raises it for 5xx of the token endpoint
        raise KakaoUnavailableError("Kakao's token endpoint failed") from error
    except requests.RequestException as error:
        raise KakaoUnavailableError(f"Kakao did not answer: {type(error).__name__}") from error
    profile = _json(answer)
    kakao_id = str(profile["id"]) if "id" in profile else ""
    if not kakao_id:
        raise KakaoRefusedError("Kakao told no id")
    if settings.kakao_oidc:
        _check_id_token(str(token.get("id_token", "")), attempt.nonce, kakao_id)
    account = profile.get("kakao_account") or {}
    usable = account.get("is_email_valid") and account.get("is_email_verified")
    return KakaoPerson(
        kakao_id=kakao_id,
        nickname=(account.get("profile") or {}).get("nickname"),
        email=account.get("email") if usable else None,
        access_token=token["access_token"],
        refresh_token=token.get("refresh_token"),
    )


def unlink(access_token: str, refresh_token: str | None, kakao_id: str) -> None:
    """Undo the link between the person's Kakao account and this app.

    With the admin key where there is one; else with the person's own token, refreshed
    when it has expired. Somebody who is not linked (any more) is no error.

    Raises:
        KakaoRefusedError, KakaoUnavailableError: nothing was undone.
    """
    import requests

    url = settings.kakao_api_url + "/v1/user/unlink"
    admin_key = secret_values().kakao_admin_key
    try:
        if admin_key:
            answer = requests.post(
                url,
                headers={"Authorization": f"KakaoAK {admin_key}"},
                data={"target_id_type": "user_id", "target_id": kakao_id},
                timeout=TIMEOUT,
            )
        else:
            answer = _bearer_post(url, access_token)
            if answer.status_code == 401 and refresh_token:
                refreshed = _refreshed(refresh_token)
                if refreshed is None:
                    return
                answer = _bearer_post(url, refreshed)
    except requests.RequestException as error:
        raise KakaoUnavailableError(f"Kakao did not answer: {type(error).__name__}") from error
    if answer.status_code == 400 and _error_code(answer) == NOT_LINKED:
        return
    _json(answer)


def is_admin_authorization(header: str | None) -> bool:
    """Whether a request is Kakao's own (it knows the app's admin key), in constant time."""
    admin_key = secret_values().kakao_admin_key
    expected = f"KakaoAK {admin_key}".encode()
    return bool(admin_key) and hmac.compare_digest((header or "").encode(), expected)


def _bearer_post(url: str, access_token: str) -> requests.Response:
    import requests

    return requests.post(url, headers={"Authorization": f"Bearer {access_token}"}, timeout=TIMEOUT)


def _refreshed(refresh_token: str) -> str | None:
    """A new access token; None if Kakao has ended the link to which the old one belonged."""
    from authlib.integrations.base_client import OAuthError

    try:
        token = _client().refresh_token(
            settings.kakao_auth_url + "/oauth/token", refresh_token=refresh_token, timeout=TIMEOUT
        )
    except OAuthError as error:
        if error.error == "invalid_grant":
            return None
        raise KakaoRefusedError(f"Kakao refused to refresh the token: {error.error}") from error
    return str(token["access_token"])


def _error_code(answer: requests.Response) -> int | None:
    try:
        return int(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _json(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code >= 500:
        raise KakaoUnavailableError(f"Kakao answered {answer.status_code}")
    if answer.status_code != 200:
        raise KakaoRefusedError(f"Kakao answered {answer.status_code}")
    try:
        content = answer.json()
    except ValueError as error:
        raise KakaoUnavailableError("Kakao's answer was not JSON") from error
    if not isinstance(content, dict):
        raise KakaoUnavailableError("Kakao's answer was not an object")
    return content


@functools.cache
def _jwks() -> Any:
    """Kakao's signing keys, read once per process."""
    import requests
    from joserfc.jwk import KeySet

    answer = requests.get(settings.kakao_auth_url + "/.well-known/jwks.json", timeout=TIMEOUT)
    return KeySet.import_key_set(_json(answer))  # type: ignore[arg-type]


def _check_id_token(id_token: str, nonce: str, kakao_id: str) -> None:
    """Check signature, issuer, audience, expiry, nonce and subject (OpenID Connect, 3.1.3.7)."""
    import requests
    from joserfc import jwt
    from joserfc.errors import JoseError

    claims = jwt.JWTClaimsRegistry(
        leeway=60,
        exp={"essential": True},
        iss={"essential": True, "value": settings.kakao_auth_url},
        aud={"essential": True, "value": secret_values().kakao_client_id},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True, "value": kakao_id},
    )
    try:
        claims.validate(_decoded(id_token).claims)
    except requests.RequestException as error:
        raise KakaoUnavailableError("Kakao's keys could not be read") from error
    except (JoseError, ValueError) as error:
        raise KakaoRefusedError(f"the id token is wrong: {type(error).__name__}") from error


def _decoded(id_token: str) -> Any:
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        return jwt.decode(id_token, _jwks(), algorithms=["RS256"])
    except (JoseError, ValueError):
        # The keys may have been changed since this process read them; look once more.
        _jwks.cache_clear()
        return jwt.decode(id_token, _jwks(), algorithms=["RS256"])
