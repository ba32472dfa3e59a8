"""Faults for tests: a plan in front of any endpoint, or a whole stack that runs with one."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.faults.injector import FaultInjector
from infra.local.faults.plan_file import write_plan
from infra.local.faults.proxy import AwsProxy, FaultEvent
from infra.local.faults.rules import AwsRule, FaultPlan
from tests.support.stack import LocalStack, own_stack


class FaultyAws:
    """A proxy with a plan, running in a thread of its own."""

    def __init__(self, plan: FaultPlan) -> None:
        self.injector = FaultInjector(plan)
        self.events: list[FaultEvent] = []
        self.endpoint = ""

    @property
    def injected(self) -> Counter[str]:
        """How often each rule struck."""
        return self.injector.injected


@contextmanager
def faulty_aws(
    upstream: str, *rules: AwsRule, seed: int = 0, elsewhere: Mapping[str, str] | None = None
) -> Iterator[FaultyAws]:
    """An endpoint like `upstream`, whose calls meet faults.

    Args:
        upstream: where calls go on to.
        rules: of the plan.
        seed: of the plan.
        elsewhere: other endpoints, by the service's name.
    """
    faulty = FaultyAws(FaultPlan(aws=rules, seed=seed))
    proxy = AwsProxy(faulty.injector, faulty.events.append)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        faulty.endpoint = asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
        proxy.forward_to(upstream, elsewhere)
        yield faulty
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def stack_with_faults(plan: FaultPlan, directory: Path) -> Iterator[LocalStack]:
    """A local stack of one test's own, whose Lambdas and clients meet a plan's faults.

    `strikes` tells afterwards how often.
    """
    path = directory / "plan.toml"
    write_plan(plan, path)
    with own_stack(directory, "--faults", str(path)) as stack:
        yield stack


def strikes(stack: LocalStack) -> dict[str, int]:
    """How often each rule struck, by its name, from the log of a stack that has ended."""
    found = re.findall(
        r"((?:aws|gateway) rule \d+) .*: struck (\d+) times", stack.log_path.read_text()
    )
    return {name: int(times) for name, times in found}
