"""Invocations of Python functions: from MiniStack's Lambda service to a worker and back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import time
import traceback
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import apigateway, apigateway_v1, cloudwatch_logs, lambda_svc

from infra.local.faults.injector import FaultInjector
from infra.local.ministack import calls
from infra.local.ministack.functions import InitError, Launcher, Pool, Settings
from infra.local.ministack.processes import EndedError, Process

Json: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Json], None]
Key: TypeAlias = tuple[str, str, str, str]

_logger = logging.getLogger(__name__)

#: The account and Region in which functions are looked up by name alone.
ACCOUNT: Final = "000000000000"

#: How long a killed worker may take to be gone, in seconds.
KILL_SECONDS: Final = 2.0


class Invocations:
    """Runs invocations on the workers of each function's pool."""

    def __init__(self, emit: Emit, faults: FaultInjector | None = None) -> None:
        """Args:
        emit: takes ``{"invocation": {…}}`` after each.
        faults: says which worker to kill, and when.
        """
        self._emit = emit
        self._faults = faults
        self._loop = asyncio.get_running_loop()
        self._launcher = Launcher()
        self._pools: dict[Key, Pool] = {}
        self._prepared: dict[Key, Pool] = {}
        self._has_ended = False
        self.running = 0

    # --- Which pool ----------------------------------------------------------------------

    def pool(self, record: Json, config: Json) -> Pool:
        """The workers of a function as it is now, which may be newer than the record."""
        account, region = lambda_runtime._account_region_from_function_config(config)
        name, version = config["FunctionName"], config.get("Version", "$LATEST")
        if version == "$LATEST":
            live = lambda_svc._functions.get_scoped(account, region, name)
            if live is not None:
                record, config = live, live["config"]
        settings = Settings.of(record, config)
        key = (account, region, name, version)
        pool = self._pools.get(key)
        if pool is None or pool.settings != settings:
            if pool is not None:
                pool.retire()
            prepared = self._prepared.pop(key, None)
            if prepared is not None and prepared.settings != settings:
                prepared.retire()
                prepared = None
            pool = self._pools[key] = prepared or Pool(settings, config, self._launcher)
        return pool

    def forget(
        self,
        name: str,
        qualifier: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """End a function's workers: its code has changed, or it is deleted."""
        wanted = (account, region, name, qualifier)
        for key in list(self._pools):
            if all(part in (None, own) for part, own in zip(wanted, key, strict=True)):
                self._pools.pop(key).retire()

    async def warm(self, names: list[str]) -> None:
        """Start a worker for each function that has none, before somebody waits for it."""
        found = (self._find(name) for name in names)
        pools = [self.pool(record, config) for record, config in filter(None, found)]
        await asyncio.gather(*(pool.warm() for pool in pools))

    async def prepare(self, name: str, code: bytes) -> str | None:
        """Import new code of a function, which is given to it next; the error, if any.

        The process stays and makes the workers when the function gets this very code.
        """
        found = self._find(name)
        if found is None:
            return f"there is no function {name}"
        record, config = found
        settings = Settings.of({**record, "code_zip": code}, config)
        account, region = lambda_runtime._account_region_from_function_config(config)
        key = (account, region, config["FunctionName"], config.get("Version", "$LATEST"))
        old = self._prepared.pop(key, None)
        if old is not None:
            old.retire()
        pool = Pool(settings, config, self._launcher)
        try:
            await pool.load()
        except InitError as error:
            return error.trace
        self._prepared[key] = pool
        return None

    def _find(self, name: str) -> tuple[Json, Json] | None:
        record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
            name, account_id=ACCOUNT, region=lambda_svc.REGION
        )
        return (record, config) if record and config and is_ours(record, config) else None

    # --- Running -------------------------------------------------------------------------

    async def run(self, record: Json, config: Json, event: Any, request_id: str) -> Json:
        """Run an invocation; its result in the shape that MiniStack's executors give it."""
        started = time.time()
        self.running += 1
        outcome: Json = {}
        with calls.invocation() as invocation:
            try:
                outcome = await self._outcome(record, config, event, request_id, invocation)
            except asyncio.CancelledError:
                outcome = {"error": {"errorMessage": "cancelled", "errorType": "Cancelled"}}
                raise
            finally:
                self.running -= 1
                if not self._has_ended:
                    traced = {
                        "request_id": request_id,
                        "trace_id": invocation.root,
                        "segment": invocation.segment,
                        "parent": invocation.parent,
                        "calls": invocation.calls,
                        "calls_total": invocation.calls_total,
                    }
                    self._tell(config["FunctionName"], started, event, outcome, traced)
        log = outcome.get("log", "")
        if "error" not in outcome:
            return {"body": outcome.get("result"), "log": log}
        log += outcome.get("trace", "")
        return {"body": outcome["error"], "error": True, "log": log}

    def _tell(self, name: str, started: float, event: Any, outcome: Json, traced: Json) -> None:
        """Tell of an invocation; whatever is in it, its result is not changed by that."""
        try:
            self._emit({"invocation": {**summary(name, started, event, outcome), **traced}})
        except Exception:
            _logger.exception("An invocation of %s cannot be described", name)

    async def _outcome(
        self,
        record: Json,
        config: Json,
        event: Any,
        request_id: str,
        invocation: calls.Invocation,
    ) -> Json:
        """What came of an invocation: ``result`` or ``error`` and ``trace``; ``log``; ``cold``."""
        if self._has_ended:
            return _failed("Runtime.Unknown", "the emulator is stopping")
        asked = self._loop.time()
        try:
            pool = self.pool(record, config)
            worker, is_cold = await pool.acquire()
        except InitError as error:
            failure = {"error": error.payload, "trace": error.trace, "log": error.log}
            return {**failure, "cold": True}
        except EndedError as error:
            return _failed("Runtime.ExitError", f"RequestId: {request_id} Error: {error}")
        except Exception as error:
            # Of the emulator itself: a layer that cannot be unpacked, no process left.
            return {**_failed("Runtime.Unknown", str(error)), "trace": traceback.format_exc()}
        waited = self._loop.time() - asked
        message = {
            "event": event,
            "request_id": request_id,
            "arn": config.get("FunctionArn", ""),
            "deadline": time.time() + pool.settings.timeout,
            "trace_id": invocation.header,
        }
        is_over = False
        fate = _Fate(self._faults, pool.settings.name, worker)
        try:
            async with asyncio.timeout(pool.settings.timeout):
                outcome = await worker.ask(message)
            is_over = True
        except TimeoutError:
            seconds = f"{pool.settings.timeout:.2f}"
            text = f"RequestId: {request_id} Error: Task timed out after {seconds} seconds"
            outcome = _failed("Sandbox.Timedout", text)
            worker.kill()
            with contextlib.suppress(TimeoutError):
                # What it printed is in its log once it has ended.
                await asyncio.wait_for(asyncio.shield(worker.ended), KILL_SECONDS)
        except EndedError as error:
            outcome = _failed("Runtime.ExitError", f"RequestId: {request_id} Error: {error}")
            if fate.struck:
                outcome["fault"] = fate.struck
        finally:
            fate.end()
            (pool.release if is_over and not fate.struck else pool.discard)(worker)
        more = {"log": worker.log(), "cold": is_cold, "wait_ms": waited * 1000}
        return {**outcome, **more}

    async def execute(self, record: Json, event: Any) -> Json:
        """MiniStack's ``_execute_function``, without a thread."""
        config = record.get("config") or record
        slot, _limit = lambda_svc._acquire_execution_slot(record, config)
        if slot is None:
            # It says so as AWS does, and may get a slot by now.
            result: Json = await asyncio.to_thread(
                lambda_svc._execute_function_with_config_scope, record, event
            )
            return result
        request_id, started = new_uuid(), time.time()
        try:
            result = await self.run(record, config, event, request_id)
        finally:
            lambda_svc._release_execution_slot(slot)
        ms = int((time.time() - started) * 1000)
        lambda_svc._emit_lambda_logs(
            record, request_id, result["log"], bool(result.get("error")), ms
        )
        return result

    def run_in_thread(self, record: Json, config: Json, event: Any, request_id: str) -> Json:
        """Run an invocation for a thread that waits for it."""
        running = self.run(record, config, event, request_id)
        return asyncio.run_coroutine_threadsafe(running, self._loop).result()

    @property
    def is_loop_thread(self) -> bool:
        """Whether whoever asks may not wait for the event loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def end(self) -> None:
        """Kill all workers and start no more."""
        self._has_ended = True
        for process in list(Process.living):
            process.kill_now()

    def install(self) -> None:
        """Have MiniStack run Python functions here."""
        ours = self
        reentrant = lambda_svc.run_reentrant

        @functools.wraps(reentrant)
        async def run_reentrant(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
            if function is lambda_svc._execute_function_with_config_scope:
                record, event = args
                if is_ours(record, record.get("config") or record):
                    return await ours.execute(record, event)
            return await reentrant(function, *args, **more)

        for service in (lambda_svc, apigateway, apigateway_v1):
            service.run_reentrant = run_reentrant
        warm = lambda_svc._execute_function_warm

        @functools.wraps(warm)
        def execute_warm(record: Json, event: Any, request_id: str) -> Json:
            config = record.get("config") or record
            if is_ours(record, config) and not ours.is_loop_thread:
                return ours.run_in_thread(record, config, event, request_id)
            result: Json = warm(record, event, request_id)
            return result

        lambda_svc._execute_function_warm = execute_warm
        invalidate = lambda_runtime.invalidate_worker

        @functools.wraps(invalidate)
        def invalidate_worker(name: str, **scope: str | None) -> None:
            invalidate(name, **scope)
            ours._loop.call_soon_threadsafe(functools.partial(ours.forget, name, **scope))

        _log_for_readers_only()
        # lambda_svc has imported the name.
        lambda_runtime.invalidate_worker = lambda_svc.invalidate_worker = invalidate_worker


def _log_for_readers_only() -> None:
    """Leave out records that nobody reads: the supervisor prints each invocation and its log.

    MiniStack makes a log stream for every invocation, and keeps them all. They are made for
    log groups that something is subscribed to, and metrics if CloudWatch is served.
    """
    write_log, write_metrics = lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics

    @functools.wraps(write_log)
    def emit_logs(record: Json, *rest: Any, **more: Any) -> None:
        config = record.get("config") or record
        account, region = lambda_runtime._account_region_from_function_config(config)
        name = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = cloudwatch_logs._log_groups.get_scoped(
            account, region, name or f"/aws/lambda/{config['FunctionName']}"
        )
        if group and group.get("subscriptionFilters"):
            write_log(record, *rest, **more)

    @functools.wraps(write_metrics)
    def emit_metrics(*arguments: Any, **more: Any) -> None:
        if not {"cloudwatch", "monitoring"}.isdisjoint(os.environ["SERVICES"].split(",")):
            write_metrics(*arguments, **more)

    lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics = emit_logs, emit_metrics
    # It writes each invocation's output to its own log, too.
    lambda_svc.logger.setLevel("WARNING")


class _Fate:
    """Kills a worker in mid-flight if a fault says so."""

    def __init__(self, faults: FaultInjector | None, function: str, worker: Process) -> None:
        self.struck = ""
        self._faults = faults
        self._fault = faults.invocation(function) if faults is not None else None
        self._timer: asyncio.TimerHandle | None = None
        if self._fault is not None:
            loop = asyncio.get_running_loop()
            seconds, rule = self._fault.seconds, self._fault.rule
            self._timer = loop.call_later(seconds, self._strike, rule, worker)

    def _strike(self, rule: str, worker: Process) -> None:
        self.struck = rule
        worker.kill()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._faults is not None and self._fault is not None and not self.struck:
            self._faults.spare(self._fault)


def is_ours(record: Json, config: Json) -> bool:
    """Whether an invocation is run here rather than by MiniStack.

    Node.js, container images, SnapStart and durable functions stay MiniStack's.
    """
    return bool(
        str(config.get("Runtime", "")).startswith("python")
        and record.get("code_zip")
        and config.get("PackageType", "Zip") == "Zip"
        and (config.get("SnapStart") or {}).get("OptimizationStatus") != "On"
        and not lambda_svc._durable_ctx.get()
        and lambda_svc.LAMBDA_EXECUTOR != "docker"
        and not lambda_svc.LAMBDA_STRICT
        and not lambda_svc._proxy_url_for(config)
    )


def _failed(kind: str, message: str) -> Json:
    return {"error": {"errorType": kind, "errorMessage": message}}


def summary(function: str, started: float, event: Any, outcome: Json) -> Json:
    """What the supervisor prints about an invocation: no bodies, cookies or tokens."""
    answer = outcome.get("result")
    error = outcome.get("error")
    return {
        "function": function,
        "started": started,
        "duration_ms": (time.time() - started) * 1000,
        "wait_ms": outcome.get("wait_ms", 0.0),
        "cpu_ms": outcome.get("cpu_ms"),
        "what": what(event),
        "status": answer.get("statusCode") if isinstance(answer, dict) else None,
        "cold": bool(outcome.get("cold")),
        "error": error["errorMessage"] if error else None,
        "trace": outcome.get("trace"),
        "fault": outcome.get("fault"),
        "log": outcome.get("log") or "",
    }


def what(event: Any) -> str:
    """The route of an HTTP request or a message, or what kind of job it is; no texts."""
    if not isinstance(event, dict):
        return ""
    context = event.get("requestContext")
    if not isinstance(context, dict):  # of an event of another kind; anybody can invoke
        context = {}
    if "httpMethod" in context:
        return f"{context['httpMethod']} {event.get('path') or context.get('resourcePath', '')}"
    if isinstance(context.get("http"), dict):  # an HTTP API's
        return f"{context['http'].get('method')} {context['http'].get('path')}"
    if "eventType" in context:
        route = str(context.get("routeKey", DEFAULT_ROUTE))
        return _frame_type(event.get("body")) or route if route == DEFAULT_ROUTE else route
    return str(event.get("job") or event.get("type") or event.get("detail-type") or "")[:40]


#: Many apps have this route only, and tell their frames apart themselves.
DEFAULT_ROUTE: Final = "$default"


def _frame_type(body: Any) -> str:
    try:
        frame = json.loads(body or "")
    except (ValueError, TypeError, RecursionError):
        return ""
    return str(frame.get("type", ""))[:40] if isinstance(frame, dict) else ""
