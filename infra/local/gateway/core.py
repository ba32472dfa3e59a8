"""What handshakes, messages and the management API share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from infra.local.faults.injector import FaultInjector, MessageFault
from infra.local.gateway.api import Api, Route
from infra.local.gateway.clock import Clock
from infra.local.gateway.connection import Connection
from infra.local.gateway.events import Subject
from infra.local.gateway.lambdas import Lambdas
from infra.local.gateway.limits import Limits
from infra.local.gateway.throttle import TokenBucket

log = logging.getLogger(__name__)

#: Is told what happens: a name, and details. Never printed as they are: they have messages.
Observe: TypeAlias = Callable[[str, Mapping[str, Any]], None]

GOING_AWAY: Final = (1001, "Going away")
NO_FAULT: Final = MessageFault(())


@dataclass
class Client:
    """A connection with what events tell of it."""

    connection: Connection
    subject: Subject
    #: By the monotonic clock: when it was opened, and when a frame came or went.
    opened_at: float
    active_at: float
    #: Messages that wait to be overtaken by the next one.
    held: list[asyncio.Event] = field(default_factory=list)


class Core:
    """The deployed API, the open connections, what runs, and what limits it."""

    def __init__(
        self,
        lambdas: Lambdas,
        limits: Limits,
        clock: Clock,
        faults: FaultInjector | None,
        observe: Observe,
    ) -> None:
        self.lambdas = lambdas
        self.limits = limits
        self.clock = clock
        self.faults = faults
        self.api: Api | None = None
        #: By connection id.
        self.clients: dict[str, Client] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self._observe = observe
        connects = limits.connects_per_second
        # Below 1 a second, too, it has to hold a whole one.
        self.connects = TokenBucket(connects, max(1, connects), clock.monotonic)
        self.requests = TokenBucket(
            limits.requests_per_second, limits.request_burst, clock.monotonic
        )
        self._routes: dict[str, TokenBucket] = {}

    def configure(self, api: Api) -> None:
        """Serve an API; connections that are open stay, with the new routes."""
        self.api = api
        self._routes = {
            key: TokenBucket(route.throttle.rate, route.throttle.burst, self.clock.monotonic)
            for key, route in api.routes.items()
            if route.throttle is not None
        }
        for client in self.clients.values():
            client.subject = replace(client.subject, api=api)

    def may_run(self, route_key: str) -> bool:
        """Whether the stage's own limit lets a route be taken."""
        bucket = self._routes.get(route_key)
        return bucket is None or bucket.take()

    def fault_of(self, route_key: str) -> MessageFault:
        """What is to go wrong with an event."""
        fault = self.faults.message(route_key) if self.faults is not None else None
        return fault or NO_FAULT

    async def invoke(self, route: Route, event: Any, trace_id: str) -> Any:
        """Run a route's Lambda and return its result.

        Raises:
            InvocationError: there is none.
        """
        seconds = route.seconds(self.limits.integration_seconds)
        return await self.lambdas.invoke(route.function, event, trace_id=trace_id, seconds=seconds)

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock.time() * 1000)

    def observe(self, what: str, **details: Any) -> None:
        """Tell what happens."""
        self._observe(what, details)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background; errors are logged, not lost."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._finished)

    def sweep(self) -> None:
        """Close connections that were idle or open for too long."""
        now = self.clock.monotonic()
        for client in list(self.clients.values()):
            if now - client.active_at >= self.limits.idle_seconds:
                reason = f"idle for {self.limits.idle_seconds:g} s"
            elif now - client.opened_at >= self.limits.connection_seconds:
                reason = f"open for {self.limits.connection_seconds:g} s"
            else:
                continue
            self.observe("cut", connection_id=client.subject.connection_id, reason=reason)
            client.connection.close(*GOING_AWAY)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the gateway failed", exc_info=task.exception())
