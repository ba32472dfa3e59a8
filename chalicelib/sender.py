"""Posts frames to live connections (API Gateway's management API).

botocore would take twenty times the CPU: docs/decisions/0009-sender.md.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import functools
import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from botocore.exceptions import BotoCoreError

from chalicelib import aws, log, metering
from chalicelib.channels import Endpoint
from chalicelib.fanout import Fanout, Pool
from chalicelib.settings import SettingsError, settings
from chalicelib.sigv4 import Signer

#: A push takes this long at most; whom it has not reached by then catches up by ``seq``.
#: fanout.py has the limits of a single post.
PUSH_SECONDS: Final = 2.0

#: The Region in the host of an API: https://docs.aws.amazon.com/general/latest/gr/apigateway.html
_REGION: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")

#: Ids as API Gateway makes them.
_USUAL_ID: Final = re.compile(r"[A-Za-z0-9_-]+=?", re.ASCII)


def post(frame: bytes, connection_ids: Iterable[str], *, within: float = PUSH_SECONDS) -> set[str]:
    """Post one frame to each connection; returns those that are gone.

    A post that fails for the time being is repeated, and may then arrive twice. Whom it does
    not reach ``within`` so many seconds is counted and left: a push is a hint, and whoever
    missed it catches up by ``seq``.

    Raises:
        SettingsError: MANAGEMENT_ENDPOINT is not an address of a management API.
        BotoCoreError: there are no credentials.
    """
    fanout = _send("POST", frame, connection_ids, within)
    ended = Counter(map(_meaning, fanout.outcomes.values()))
    for meaning, number in ended.items():
        metering.count_post(meaning, number)
    if fanout.repeats:
        metering.count_post("repeated", fanout.repeats)
    if ended["failed"]:
        failures = Counter(o for o in fanout.outcomes.values() if _meaning(o) == "failed")
        log.warning("posts_failed", of=len(fanout.outcomes), by=dict(failures))
    return {id_ for id_, outcome in fanout.outcomes.items() if outcome == 410}


def disconnect(connection_id: str) -> None:
    """Close a connection, if it still is one.

    Raises:
        SettingsError: MANAGEMENT_ENDPOINT is not an address of a management API.
    """
    outcome: int | str
    try:
        outcome = _send("DELETE", b"", [connection_id], PUSH_SECONDS).outcomes[connection_id]
    except BotoCoreError as error:
        outcome = type(error).__name__
    if _meaning(outcome) == "failed":
        log.warning("disconnect_failed", by=outcome)


def _send(method: str, body: bytes, connection_ids: Iterable[str], within: float) -> Fanout:
    endpoint, pool = _endpoint(settings.management_endpoint)
    fanout = Fanout(pool, _Requests(method, endpoint, body).to)
    fanout.run(connection_ids, within)
    return fanout


def _meaning(outcome: int | str) -> str:
    """What an outcome is counted as."""
    if outcome == 410:
        return "gone"
    return "ok" if isinstance(outcome, int) and 200 <= outcome < 300 else "failed"


@functools.cache
def _endpoint(url: str) -> tuple[Endpoint, Pool]:
    """The endpoint, and the connections to it, of which there are none yet."""
    try:
        endpoint = Endpoint.parse(url)
    except ValueError as error:
        raise SettingsError("MANAGEMENT_ENDPOINT", f"must be https://HOST/STAGE: {error}") from None
    if not endpoint.is_tls:
        return endpoint, Pool(endpoint, None)
    return endpoint, Pool(endpoint, aws.tls(endpoint.host))


class _Requests:
    """Signed requests that differ in the connection alone."""

    def __init__(self, method: str, endpoint: Endpoint, body: bytes) -> None:
        directory = f"{endpoint.path}/@connections/"
        region = _REGION.search(f".{endpoint.host}")
        signer = Signer(
            aws.credentials(),
            region=region[1] if region else aws.region(),
            service="execute-api",
            method=method,
            host=endpoint.authority,
            directory=directory,
            body=body,
            at=time.time(),
        )
        headers = {"Host": endpoint.authority, "Content-Length": str(len(body))}
        headers |= signer.headers | aws.trace_headers()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._before_id = f"{method} {directory}"
        self._after_id = f" HTTP/1.1\r\n{lines}Authorization: "
        self._authorization = signer.authorization
        self._body = b"\r\n\r\n" + body

    def to(self, connection_id: str) -> bytes:
        """The whole request for a connection."""
        if _USUAL_ID.fullmatch(connection_id):
            segment = connection_id.replace("=", "%3D")  # a fifth of quote's time
        else:
            segment = quote(connection_id, safe="")
        head = f"{self._before_id}{segment}{self._after_id}{self._authorization(segment)}"
        return head.encode() + self._body
