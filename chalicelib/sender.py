"""Posts frames to live connections (API Gateway's management API).

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws, log, metering
from chalicelib.settings import settings

#: Posts under way at once. A post takes ~10 ms of waiting and ~2 ms of CPU.
PARALLEL_POSTS: Final = 16


@functools.cache
def _client() -> Any:
    return aws.client("apigatewaymanagementapi", settings.management_endpoint, attempts=2)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PARALLEL_POSTS, thread_name_prefix="post")


def post(frame: bytes, connection_ids: Iterable[str]) -> set[str]:
    """Post one frame to each connection; returns those that are gone.

    Any other failure is logged and left: a push is a hint, and whoever missed it
    catches up by ``seq``.
    """
    targets = list(connection_ids)
    if len(targets) <= 1:
        gone = [target for target in targets if not _post_one(frame, target)]
    else:
        _client()  # made once, before the threads ask for it
        alive = _pool().map(functools.partial(_post_one, frame), targets)
        gone = [target for target, is_alive in zip(targets, alive, strict=True) if not is_alive]
    return set(gone)


def disconnect(connection_id: str) -> None:
    """Close a connection, if it still is one."""
    try:
        _client().delete_connection(ConnectionId=connection_id)
    except ClientError as error:
        if not _is_gone(error):
            log.warning("disconnect_failed", error=_code(error))
    except BotoCoreError as error:
        log.warning("disconnect_failed", error=type(error).__name__)


def _post_one(frame: bytes, connection_id: str) -> bool:
    """Post; False when the connection is gone."""
    try:
        _client().post_to_connection(ConnectionId=connection_id, Data=frame)
    except ClientError as error:
        if _is_gone(error):
            metering.count_post("gone")
            return False
        metering.count_post("failed")
        log.warning("post_failed", error=_code(error))
    except BotoCoreError as error:
        metering.count_post("failed")
        log.warning("post_failed", error=type(error).__name__)
    else:
        metering.count_post("ok")
    return True


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_gone(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == 410 or _code(error) == "GoneException"
