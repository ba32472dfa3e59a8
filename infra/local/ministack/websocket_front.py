"""MiniStack's own WebSocket front, mended; until infra/local/gateway takes its place."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ministack.core import lambda_runtime
from ministack.services import apigateway

from infra.local.ministack.invocations import Invocations, is_ours
from infra.local.ministack.other_runtimes import Lease

Json: TypeAlias = dict[str, Any]


class _Runner:
    """What MiniStack takes for a worker."""

    def __init__(self, invocations: Invocations, config: Json, code: bytes) -> None:
        self._invocations = invocations
        self._config = config
        self._code = code

    def invoke(self, event: Any, request_id: str) -> Json:
        record = {"config": self._config, "code_zip": self._code}
        result = self._invocations.run_in_thread(record, self._config, event, request_id)
        if result.get("error"):
            return {"status": "error", "error": result["body"]["errorMessage"]}
        return {"status": "ok", "result": result["body"]}


def mend(invocations: Invocations) -> None:
    """Mend it in this process."""
    _run_handlers_concurrently(invocations)
    _answer_refused_handshakes()


def _run_handlers_concurrently(invocations: Invocations) -> None:
    """Run messages at once, also those of one connection, as API Gateway does.

    MiniStack uses one worker per function for WebSockets, and reads a connection's next
    frame only when the handler of the last one is done. And a handler's exception is sent
    to the client as text; API Gateway sends a frame that says nothing.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html
    """

    def lease(name: str, config: Json, code: bytes, qualifier: str = "$LATEST") -> _Runner | Lease:
        if is_ours({"code_zip": code}, config):
            return _Runner(invocations, config, code)
        return Lease(name, config, code, qualifier)

    lambda_runtime.get_or_create_worker = lease
    invoke = apigateway._invoke_ws_lambda
    running: set[asyncio.Task[None]] = set()

    @functools.wraps(invoke)
    async def invoke_at_once(*arguments: Any, **context: Any) -> Json | None:
        event_type = arguments[6]
        if event_type != "MESSAGE":
            try:
                answer: Json | None = await invoke(*arguments, **context)
            except Exception:
                # A Lambda that cannot start; the handshake is refused with a 5xx.
                return {"statusCode": 500}
            return answer
        task = asyncio.ensure_future(_answer_message(invoke, arguments, context))
        running.add(task)
        task.add_done_callback(running.discard)
        return None  # MiniStack then reads the next frame

    apigateway._invoke_ws_lambda = invoke_at_once


async def _answer_message(
    invoke: Callable[..., Awaitable[Json | None]], arguments: tuple[Any, ...], context: Json
) -> None:
    """Run a message's handler and put its answer among what goes to the client."""
    connection_id, request_id = arguments[5], arguments[7]
    try:
        answer = await invoke(*arguments, **context) or {}
    except Exception:
        answer = {"statusCode": 500}
    body = answer.get("body")
    if answer.get("statusCode") == 500:
        body = {
            "message": "Internal server error",
            "connectionId": connection_id,
            "requestId": request_id,
        }
    connection = apigateway._ws_connections.get(connection_id)
    if body and connection is not None:
        text = json.dumps(body) if isinstance(body, (dict, list)) else str(body)
        await connection["outbox"].put(text)


def _answer_refused_handshakes() -> None:
    """Refuse a handshake with the status that $connect answered.

    MiniStack closes before accepting, which is a 403 whatever the handler said.
    """
    handle = apigateway.handle_websocket
    invoke = apigateway._invoke_ws_lambda
    refusals: dict[int, int] = {}

    @functools.wraps(invoke)
    async def remembered(*arguments: Any, **context: Any) -> Json | None:
        answer: Json | None = await invoke(*arguments, **context)
        if arguments[6] == "CONNECT":
            task = asyncio.current_task()
            refusals[id(task)] = int((answer or {}).get("statusCode", 200))
        return answer

    @functools.wraps(handle)
    async def handle_websocket(
        scope: Json, receive: Any, send: Any, *rest: Any, **more: Any
    ) -> None:
        task = id(asyncio.current_task())
        accepted = False

        async def send_status(message: Json) -> None:
            nonlocal accepted
            status = refusals.get(task, 200)
            if message["type"] == "websocket.accept":
                accepted = True
            elif message["type"] == "websocket.close" and not accepted and status >= 300:
                await apigateway._refuse_ws_handshake(scope, send, status, "Forbidden", "", "")
                return
            await send(message)

        try:
            await handle(scope, receive, send_status, *rest, **more)
        finally:
            refusals.pop(task, None)

    apigateway._invoke_ws_lambda = remembered
    apigateway.handle_websocket = handle_websocket
