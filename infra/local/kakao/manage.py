"""Unlinking from Kakao's side: what a person does in Kakao's own settings.

https://developers.kakao.com/docs/latest/en/kakaologin/callback
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web

from infra.local.kakao import pages
from infra.local.kakao.answers import PageError, read_form

if TYPE_CHECKING:
    from infra.local.kakao.server import KakaoStandIn

log = logging.getLogger(__name__)

#: Kakao takes an answer after this many seconds for a failure.
CALLBACK_SECONDS: Final = 3.0
REFERRERS: Final = ("UNLINK_FROM_APPS", "ACCOUNT_DELETE")


async def manage(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``GET /manage``: who is linked, each with a button to unlink."""
    return pages.html(pages.manage(standin.store.links(), request.query.get("result")))


async def unlink(standin: KakaoStandIn, request: web.Request) -> web.Response:
    """``POST /manage/unlink``: unlinks and tells the app by its callback.

    The person is unlinked whatever the callback answers, as at Kakao. Raises PageError.
    """
    form = await read_form(request)
    person = standin.store.find(form.get("person", ""))
    referrer = form.get("referrer_type", REFERRERS[0])
    if referrer not in REFERRERS:
        raise PageError("KOE001", f"referrer_type must be one of {', '.join(REFERRERS)}")
    if person is None or not standin.store.unlink(person.id):
        raise PageError("KOE001", "person is nobody who is linked")
    if referrer == "ACCOUNT_DELETE":
        standin.store.remove(person.id)
    callback = await _call_back(standin, person.id, referrer)
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response({"id": person.id, "callback": callback})
    result = "ok" if callback is None or callback["ok"] else "failed"
    return web.Response(status=303, headers={"Location": f"/manage?result={result}"})


async def _call_back(standin: KakaoStandIn, person: int, referrer: str) -> dict[str, Any] | None:
    """Returns how the app answered; None when it has no callback."""
    config = standin.config
    if config.unlink_callback_url is None:
        return None
    headers = {"Authorization": f"KakaoAK {config.admin_key}"}
    data = {"app_id": config.app_id, "user_id": str(person), "referrer_type": referrer}
    timeout = aiohttp.ClientTimeout(total=CALLBACK_SECONDS)
    status: int | None = None
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(
                config.unlink_callback_url, data=data, headers=headers, allow_redirects=False
            ) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("the unlink callback failed: %s", type(error).__name__)
    if status is not None and status != 200:
        log.warning("the unlink callback answered %d instead of 200", status)
    return {"ok": status == 200, "status": status}
