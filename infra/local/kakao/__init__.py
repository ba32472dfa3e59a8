"""A stand-in for Kakao: kauth and kapi on one local port, with a sign-in page.

An app follows the real flow; only the two base URLs differ (``KakaoStandIn.base_url`` for both).
What is served, as https://developers.kakao.com/docs/latest/en/kakaologin/rest-api tells it:

| request | |
|---|---|
| ``GET /oauth/authorize`` | the sign-in page, or straight back to the app inside a Kakao session |
| ``POST /oauth/authorize/decision`` | the page's form (below) |
| ``POST /oauth/token`` | authorization_code (with PKCE) and refresh_token |
| ``GET /oauth/logout`` | ends the browser's Kakao session and leads back |
| ``GET /.well-known/openid-configuration``, ``/.well-known/jwks.json`` | OpenID Connect |
| ``GET``/``POST /v2/user/me``, ``/v1/oidc/userinfo`` | who it is, as far as consented |
| ``POST /v1/user/logout``, ``POST /v1/user/unlink`` | by ``Bearer`` or ``KakaoAK`` |
| ``GET /manage``, ``POST /manage/unlink`` | unlinking from Kakao's side, with the callback |
| ``GET``/``POST``/``DELETE /_control`` | misbehaviour on request (below) |

Signing in without a browser: POST to ``/oauth/authorize/decision``, as a form, the parameters of
the authorize URL plus

* ``person``: ``jimin``, ``seojun``, ``haeun``, ``alex``, the id of somebody made up before, or
  ``new`` with ``nickname`` and, if wanted, ``email``;
* ``consent_nickname=on``, ``consent_email=on``: what is left out is refused;
* or ``action=cancel`` instead of a person.

The answer is the 302 to the redirect URI. ``POST /manage/unlink`` takes ``person`` (an id) and
``referrer_type`` (``UNLINK_FROM_APPS`` or ``ACCOUNT_DELETE``), and answers JSON when asked to by
Accept: ``{"id": …, "callback": {"ok": …, "status": …}}``.

Misbehaviour: ``POST /_control {"next": {FAULT: N}}`` or ``{"next": {FAULT: {"times": N, …}}}``, or
``KakaoStandIn.misbehave(FAULT, times=N, …)``. It applies to the next N requests that match, then
is over; 0 takes it back, ``DELETE /_control`` takes back all. ``GET /_control`` and every answer
show what is left. Input that isn't understood: 400 ``{"error", "field", "message"}``.

| fault | next matching request | more |
|---|---|---|
| ``consent_refused`` | an agreed sign-in comes back with ``error=access_denied`` | |
| ``no_nickname``, ``no_email`` | an agreed sign-in goes without that consent | |
| ``expired_code`` | an authorization_code grant is refused with KOE320 | |
| ``token_error`` | ``/oauth/token`` answers ``status`` | ``status`` 500-599, else 500 |
| ``token_slow`` | ``/oauth/token`` waits ``seconds`` first | ``seconds`` 0-60, else 5 |
| ``me_error``, ``me_slow`` | the same for ``/v2/user/me`` | the same |
| ``unlink_error``, ``unlink_slow`` | the same for ``/v1/user/unlink`` | the same |
| ``bad_nonce`` | the next id_token has another nonce | |
| ``bad_signature`` | the next id_token is signed by a foreign key | |

Where the stand-in differs: the consents that are ticked replace earlier ones (Kakao only adds);
``/oauth/logout`` asks nothing; the error code of a failed PKCE check is a guess.
"""

from infra.local.kakao.faults import FaultError
from infra.local.kakao.server import KakaoConfig, KakaoStandIn
from infra.local.kakao.store import StateFileError

__all__ = ["FaultError", "KakaoConfig", "KakaoStandIn", "StateFileError"]
