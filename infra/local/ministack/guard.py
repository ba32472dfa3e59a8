"""Who may talk to the emulated AWS: programs of this machine, not the pages of its browsers.

A page of any site can send requests to 127.0.0.1, or have its own name lead there, and the
account's root has a key that everybody knows. What a page sends has an Origin or fetch
metadata (browsers don't let pages leave them out), and a rebound name shows in Host.
https://www.w3.org/TR/fetch-metadata/
https://fetch.spec.whatwg.org/#origin-header
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

from infra.local.host_names import LOOPBACK_NAMES, host_name

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

#: Beside loopback's: those that nobody else can own (RFC 6761, section 6.3), such as a bucket's
#: in S3's virtual-hosted style, and AWS's.
_OUR_SUFFIXES: Final = (".localhost", ".amazonaws.com", ".amazonaws.com.cn")

#: The deployed app's own, with CORS and authorization of its own. MiniStack serves nothing
#: else below these paths.
_OF_THE_APP: Final = re.compile(r"/_aws/(execute-api/[^/]+/|lambda-url/[^/]+)")

#: MiniStack's own paths need no signature: resetting it, its settings, functions' code. These
#: have a token instead: a custom resource's Lambda, or a wait condition's, answers there.
_INTERNAL: Final = ("/_ministack/", "/_localstack/")
_ANSWERS: Final = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")


def guarded(app: App) -> App:
    """An ASGI application that refuses what is none of MiniStack's business."""

    async def guard(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        path = scope["path"]
        if _OF_THE_APP.match(path):
            refusal = _foreign_host(scope["headers"])
            passed = send
        else:
            refusal = _foreign_host(scope["headers"]) or _refusal(path, scope["headers"])
            passed = _without_cors(send)
        if refusal is None:
            await app(scope, receive, passed)
        else:
            await _refuse(send, *refusal)

    return guard


def _foreign_host(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    hosts = [host_name(value.decode("latin-1")) for name, value in headers if name == b"host"]
    if len(hosts) == 1 and (hosts[0] in LOOPBACK_NAMES or hosts[0].endswith(_OUR_SUFFIXES)):
        return None
    return 421, "this is localhost, nothing else"


def _refusal(path: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    if any(name in (b"origin", b"sec-fetch-site") for name, _value in headers):
        return 403, "not for web pages"
    if path.startswith(_INTERNAL) and not path.startswith(_ANSWERS):
        return 404, "not served here"
    return None


def _without_cors(send: Send) -> Send:
    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": kept}
        await send(message)

    return pass_on


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
