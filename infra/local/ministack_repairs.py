"""What MiniStack 1.5.33 does otherwise than AWS and this project needs as on AWS.

Everything that reaches into MiniStack's internals is here, so that a new release of it
(pinned in requirements-dev.txt) means looking through one file; tests/unit/
test_infra_emulator.py fails when a name is gone. Found out in docs/local-stack-findings.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import apigateway, dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

Json: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Json], None]

#: How long an invocation that logged nothing is searched for log lines, in seconds.
#: MiniStack waits 50 ms, the better part of a warm invocation; what a handler wrote is in
#: the pipe before its result is, so a scheduler's breath is enough.
LOG_WAIT_SECONDS: Final = 0.003

#: Services whose state outlives this process.
KEPT_STATE: Final = ("dynamodb", "ssm")

#: How many workers of a function start or run before another invocation waits for one, and
#: how long it waits, in seconds, until it has a worker started for itself after all.
WORKERS_AT_ONCE: Final = max(4, 2 * (os.cpu_count() or 1))
PATIENCE_SECONDS: Final = 3.0

#: The account and Region in which functions are looked up when warmed.
ACCOUNT: Final = "000000000000"


_ended = threading.Event()


def apply(emit: Emit) -> None:
    """Mend MiniStack in this process.

    Args:
        emit: takes ``{"invocation": {…}}`` after each Lambda invocation.
    """
    _report_invocations(emit)
    _search_logs_briefly()
    _run_websocket_handlers_concurrently()
    _answer_refused_handshakes()
    _let_invocations_finish()
    _make_tables_as_described()
    _keep_data_only()


def _report_invocations(emit: Emit) -> None:
    """Tell the supervisor about each invocation.

    MiniStack itself only writes CloudWatch Logs, where REPORT lines lack the route and
    tracebacks of a failed import are missing.
    """
    invoke = lambda_runtime.Worker.invoke

    @functools.wraps(invoke)
    def reported(self: Any, event: Any, request_id: str, **context: Any) -> Json:
        started = time.time()
        error: str | None = None
        result: Json = {}
        try:
            if _ended.is_set():
                raise RuntimeError("the emulator is stopping")
            result = invoke(self, event, request_id, **context)
        except Exception as failure:
            # A worker that could not start: app.py raised, most likely.
            error = str(failure)
            raise
        finally:
            emit({"invocation": summary(self.func_name, started, event, result, error)})
        return result

    lambda_runtime.Worker.invoke = reported

    # A failed import is reported by its message alone; where it happened matters more.
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(
        '{"status": "error", "error": str(e)}',
        '{"status": "error", "error": traceback.format_exc()}',
    )


def summary(
    function: str, started: float, event: Any, result: Json, error: str | None = None
) -> Json:
    """What the supervisor prints about an invocation: no bodies, cookies or tokens."""
    answer = result.get("result")
    return {
        "function": function,
        "started": started,
        "duration_ms": (time.time() - started) * 1000,
        "what": what(event),
        "status": answer.get("statusCode") if isinstance(answer, dict) else None,
        "cold": bool(result.get("cold_start")),
        "error": error or result.get("error"),
        "trace": result.get("trace"),
        "log": result.get("log") or "",
    }


def what(event: Any) -> str:
    """The route of an HTTP request, the type of a frame, or nothing."""
    if not isinstance(event, dict):
        return ""
    context = event.get("requestContext") or {}
    if "httpMethod" in context:
        return f"{context['httpMethod']} {event.get('path') or context.get('resourcePath', '')}"
    if context.get("eventType") == "MESSAGE":
        try:
            frame = json.loads(event.get("body") or "")
        except ValueError:
            return "not JSON"
        return str(frame.get("type", "no type"))[:40] if isinstance(frame, dict) else "no object"
    if "eventType" in context:
        return str(context["routeKey"])
    return str(event.get("job") or event.get("type") or "")[:40]


def _search_logs_briefly() -> None:
    """Do not wait 50 ms for log lines that a silent handler never wrote."""
    lambda_runtime.Worker._drain_stderr_bounded = functools.partialmethod(
        lambda_runtime.Worker._drain_stderr_bounded,
        first_line_wait=LOG_WAIT_SECONDS,
        idle_confirm=LOG_WAIT_SECONDS,
    )


_slots: dict[str, threading.Semaphore] = {}
_slots_lock = threading.Lock()


class _Lease:
    """A worker that is leased for as long as one invocation takes."""

    def __init__(self, name: str, config: Json, code: bytes, qualifier: str) -> None:
        self._arguments = (name, config, code, qualifier)

    def invoke(self, event: Any, request_id: str, **context: Any) -> Json:
        """Run on a free worker, or on a new one if all are busy, as Lambda does.

        But while others start or run, wait a while for one of them: a crowd that comes at
        once would start a Python each, which takes a laptop longer than all their chats.
        """
        with _slots_lock:
            slots = _slots.setdefault(self._arguments[0], threading.Semaphore(WORKERS_AT_ONCE))
        is_counted = slots.acquire(timeout=PATIENCE_SECONDS)
        try:
            # None only at a cap, and there is none.
            worker, _how = lambda_runtime.acquire_worker(*self._arguments)
            try:
                result: Json = worker.invoke(event, request_id, **context)
            finally:
                lambda_runtime.release_worker(worker)
        finally:
            if is_counted:
                slots.release()
        return result


def _run_websocket_handlers_concurrently() -> None:
    """Run messages at once, also those of one connection, as API Gateway does.

    MiniStack uses one worker per function for WebSockets, and reads a connection's next
    frame only when the handler of the last one is done. And a handler's exception is sent
    to the client as text; API Gateway sends a frame that says nothing.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html
    """

    def lease(name: str, config: Json, code: bytes, qualifier: str = "$LATEST") -> _Lease:
        return _Lease(name, config, code, qualifier)

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


def _let_invocations_finish() -> None:
    """Let what runs on a function's old code finish when its code is updated.

    MiniStack kills those workers. Here only idle ones are killed at once, busy ones when
    their invocation is over; new invocations start on the new code, as on AWS.
    """
    kill = lambda_runtime.kill_workers
    release = lambda_runtime.release_worker
    retired: set[int] = set()

    @functools.wraps(kill)
    def kill_idle(workers: list[Any]) -> None:
        # They are out of their pools already, so nothing can lease them any more.
        busy = [worker for worker in workers if worker is not None and worker.in_use]
        retired.update(id(worker) for worker in busy)
        kill([worker for worker in workers if worker not in busy])

    @functools.wraps(release)
    def release_or_end(worker: Any) -> None:
        release(worker)
        if worker is not None and id(worker) in retired:
            retired.discard(id(worker))
            kill([worker])

    lambda_runtime.kill_workers = kill_idle
    # lambda_svc has imported the name.
    lambda_runtime.release_worker = lambda_svc.release_worker = release_or_end


def _make_tables_as_described() -> None:
    """Let tables made by CloudFormation have their TTL, and the items of the last run.

    The stack is made anew at every start (see _keep_data_only), but its data stays. On AWS
    creating a table that exists fails; MiniStack would empty it.
    """
    actions = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = actions["create"]

    @functools.wraps(create)
    def create_table(logical_id: str, properties: Json, stack_name: str) -> Any:
        old = dynamodb._tables.get(properties.get("TableName"))
        made = create(logical_id, properties, stack_name)
        new = dynamodb._tables[made[0]]
        if old is not None and old["KeySchema"] == new["KeySchema"]:
            for kept in ("items", "ItemCount", "TableSizeBytes"):
                new[kept] = old[kept]
        ttl = properties.get("TimeToLiveSpecification")
        if ttl:
            dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": ttl})
        return made

    actions["create"] = create_table


def _keep_data_only() -> None:
    """Save and load DynamoDB's and SSM's state, and nothing else's.

    A deployment of an older template or app, found at the next start, would have to be
    updated to the present one; making it anew is as fast and always right.
    """
    app._state_map = {name: app._state_map[name] for name in KEPT_STATE}


def is_busy() -> bool:
    """Whether a Lambda runs, or one will because a WebSocket is being closed."""
    return bool(lambda_runtime.workers_in_use() or apigateway._ws_connections)


def end_workers() -> None:
    """Kill all workers and start no more."""
    _ended.set()
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
        for worker in workers:
            worker.in_use = False
    lambda_runtime.kill_workers(workers)


def warm(names: list[str]) -> None:
    """Start a worker for each function that has none, before somebody waits for it."""
    for name in names:
        data, config, function = lambda_svc._get_func_record_for_ref_in_scope(
            name, account_id=ACCOUNT, region=lambda_svc.REGION
        )
        if not data or not config or not data.get("code_zip"):
            continue
        worker, _how = lambda_runtime.acquire_worker(function, config, data["code_zip"])
        try:
            # The first invocation meets the same error, and reports it.
            with contextlib.suppress(Exception):
                lambda_runtime.ensure_spawned(worker)
        finally:
            lambda_runtime.release_worker(worker)
