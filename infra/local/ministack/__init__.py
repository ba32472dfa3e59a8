"""What MiniStack 1.5.33 does otherwise than AWS and the local stack needs as on AWS.

Everything that reaches into MiniStack's internals is in this package, so that a new release of
it (pinned in requirements-dev.txt) means looking through one place; tests/unit/
test_infra_emulator.py fails when a name is gone. Found out in docs/local-stack-findings.md.

- server, guard: HTTP, and who may use it;
- identity: IAM;
- permissions, missing_permission: what Lambdas' roles let them do;
- memo: what need not be computed again;
- state: what is kept;
- invocations, functions, slack, processes, runtime: Lambda, from request to handler, for Python;
- other_runtimes: Lambda for Node.js;
- resources: types of CloudFormation resources;
- http_api: HTTP APIs described by OpenAPI;
- calls: which request of AWS belongs to which invocation;
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any, TypeAlias

from infra.local.faults.killing import injector_from
from infra.local.ministack import (
    calls,
    http_api,
    identity,
    memo,
    other_runtimes,
    permissions,
    resources,
    state,
)
from infra.local.ministack.identity import authorize
from infra.local.ministack.invocations import Invocations, summary, what
from infra.local.ministack.server import Server

__all__ = ["Invocations", "Server", "apply", "authorize", "end", "is_busy", "summary", "what"]

Json: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Json], None]


def apply(emit: Emit, environment: MutableMapping[str, str]) -> Invocations:
    """Mend MiniStack in this process; on the event loop that it is to run on.

    Args:
        emit: takes ``{"invocation": {…}}`` after each Lambda invocation, and what permissions.py
            tells; from any thread.
        environment: this process's; may name faults to be made, and permission_modes.py's.

    Raises:
        InfraError: the faults cannot be read.
    """
    faults = injector_from(environment)
    invocations = Invocations(emit, faults)
    identity.mend()
    memo.mend()
    permissions.mend(emit, environment)
    state.mend()
    resources.mend()
    http_api.mend()
    calls.attribute()
    invocations.install()
    other_runtimes.mend(emit, faults)
    return invocations


def is_busy(invocations: Invocations) -> bool:
    """Whether a Lambda runs."""
    return bool(invocations.running or other_runtimes.is_busy())


async def end(invocations: Invocations) -> None:
    """Kill all workers and start no more."""
    invocations.end()
    await asyncio.to_thread(other_runtimes.end_workers)
