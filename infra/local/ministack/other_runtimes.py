"""Functions that MiniStack runs itself: Node.js above all. Its workers, mended.

Python functions do not come here; see invocations.py.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from infra.local.faults.injector import FaultInjector
from infra.local.faults.killing import killing
from infra.local.ministack.invocations import summary

Json: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Json], None]

#: How long an invocation that logged nothing is searched for log lines, in seconds.
#: MiniStack waits 50 ms, the better part of a warm invocation; what a handler wrote is in
#: the pipe before its result is, so a scheduler's breath is enough.
LOG_WAIT_SECONDS: Final = 0.003

#: What is added to MiniStack's Node.js worker, and where that prepares https for handlers.
_NODE_HTTPS: Final = Path(__file__).with_name("node_https.js")
_NODE_PATCHES: Final = "      patchAwsSdk();\n"

_ended = threading.Event()


def mend(emit: Emit, faults: FaultInjector | None = None) -> None:
    """Mend them in this process.

    Args:
        emit: takes ``{"invocation": {…}}`` after each invocation.
        faults: says which worker to kill, and when.
    """
    _report_invocations(emit, faults)
    _search_logs_briefly()
    _let_invocations_finish()
    _let_node_reach_the_gateway()


def _report_invocations(emit: Emit, faults: FaultInjector | None) -> None:
    """Tell the supervisor about each invocation, which MiniStack only logs; and kill some."""
    invoke = lambda_runtime.Worker.invoke

    @functools.wraps(invoke)
    def reported(self: Any, event: Any, request_id: str, **context: Any) -> Json:
        started = time.time()
        result: Json = {}
        try:
            if _ended.is_set():
                raise RuntimeError("the emulator is stopping")
            fault = faults.invocation(self.func_name) if faults is not None else None
            spare = faults.spare if faults is not None else None
            with killing(fault, functools.partial(_kill, self), spare) as fate:
                result = invoke(self, event, request_id, **context)
            result["fault"] = fate.struck or None
        except Exception as failure:
            # A worker that could not start.
            result = {"error": str(failure)}
            raise
        finally:
            error = result.get("error")
            outcome = {
                **result,
                "cold": result.get("cold_start"),
                "error": {"errorMessage": error} if error else None,
            }
            made = summary(self.func_name, started, event, outcome)
            emit({"invocation": {**made, "request_id": request_id}})
        return result

    lambda_runtime.Worker.invoke = reported


def _kill(worker: Any) -> bool:
    """Kill a worker's process, if it has one."""
    process = worker._proc
    if process is None or process.poll() is not None:
        return False
    process.kill()
    return True


def _search_logs_briefly() -> None:
    """Do not wait 50 ms for log lines that a silent handler never wrote."""
    lambda_runtime.Worker._drain_stderr_bounded = functools.partialmethod(
        lambda_runtime.Worker._drain_stderr_bounded,
        first_line_wait=LOG_WAIT_SECONDS,
        idle_confirm=LOG_WAIT_SECONDS,
    )


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


def _let_node_reach_the_gateway() -> None:
    """Leave https requests to the gateway as they are."""
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    before, found, after = script.partition(_NODE_PATCHES)
    if not found:
        raise RuntimeError("MiniStack's Node.js worker is another one than it was")
    called = f"      const plain = https.request;\n{_NODE_PATCHES}      reachGateway(plain);\n"
    own = _NODE_HTTPS.read_text(encoding="utf-8")
    lambda_runtime._NODEJS_WORKER_SCRIPT = f"{before}{called}{after}\n{own}"


def is_busy() -> bool:
    """Whether one of these functions runs."""
    return bool(lambda_runtime.workers_in_use())


def end_workers() -> None:
    """Kill all workers and start no more."""
    _ended.set()
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
        for worker in workers:
            worker.in_use = False
    lambda_runtime.kill_workers(workers)
