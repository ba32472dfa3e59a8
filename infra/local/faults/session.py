"""Faults as a supervisor starts and stops them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.faults.aws_models import MANAGEMENT
from infra.local.faults.injector import FaultInjector
from infra.local.faults.killing import PLAN_VARIABLE
from infra.local.faults.plan_file import write_plan
from infra.local.faults.proxy import AwsProxy, FaultEvent
from infra.local.faults.rules import FaultPlan


class Faults:
    """A plan at work: the injector that the gateway asks, and the proxy for calls of AWS.

    The supervisor's order: ``start``; start the emulator with ``environment`` added to its
    own; ``forward_to`` the emulator's endpoint; at the end stop the emulator, then ``stop``,
    and print ``report``.
    """

    def __init__(
        self,
        plan: FaultPlan,
        state_dir: Path,
        on_fault: Callable[[FaultEvent], object] = lambda event: None,
    ) -> None:
        """A copy of the plan is written into `state_dir`, for the emulator."""
        self.injector = FaultInjector(plan)
        self._proxy = AwsProxy(self.injector, on_fault)
        self._copy = state_dir / "faults.toml"

    async def start(self) -> None:
        """Listen for the Lambdas' calls, if there are rules for them.

        Posts to connections go to the gateway, not through the proxy.
        """
        self._copy.parent.mkdir(parents=True, exist_ok=True)
        write_plan(self.injector.plan, self._copy)
        if any(rule.service != MANAGEMENT for rule in self.injector.plan.aws):
            await self._proxy.start()

    @property
    def endpoint(self) -> str:
        """The Lambdas' AWS_ENDPOINT_URL; "": the emulator's own."""
        return self._proxy.endpoint

    @property
    def environment(self) -> dict[str, str]:
        """What the emulator's process needs in its environment; its workers inherit it."""
        environment = {PLAN_VARIABLE: str(self._copy.resolve())}
        if self.endpoint:
            environment["AWS_ENDPOINT_URL"] = self.endpoint
        return environment

    def forward_to(self, endpoint: str, elsewhere: Mapping[str, str] | None = None) -> None:
        """Send the Lambdas' calls on to the emulator.

        Args:
            endpoint: the emulator's.
            elsewhere: other services' endpoints, by boto3's names.
        """
        self._proxy.forward_to(endpoint, elsewhere)

    def note_invocation(self, invocation: Mapping[str, Any]) -> None:
        """Count a Lambda that the emulator killed, from what it reports of an invocation."""
        if rule := invocation.get("fault"):
            self.injector.count_elsewhere(str(rule))

    def report(self) -> list[str]:
        """How often each rule struck."""
        return self.injector.report()

    async def stop(self) -> None:
        """Stop listening; harmless when it was never started."""
        await self._proxy.stop()
