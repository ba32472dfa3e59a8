"""What clients send, and that they are gone: events for Lambdas, and what goes back.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass

from infra.local.gateway.api import DISCONNECT, Route
from infra.local.gateway.core import NO_FAULT, Client, Core
from infra.local.gateway.events import Subject, new_id, new_trace_id
from infra.local.gateway.lambdas import NO_STATUS, InvocationError, result_status

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """A message that came, with its ids; `received_at` is in ms since the epoch."""

    text: str
    message_id: str
    request_id: str
    received_at: int


class Messages:
    """Has events of open connections handled."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def tell_end(self, subject: Subject, code: int, reason: str) -> None:
        """$disconnect: at most once, and nobody waits for its answer."""
        route = subject.api.routes.get(DISCONNECT)
        if route is None or not route.function:
            return
        if self._core.faults is not None and self._core.faults.disconnect():
            return
        event = subject.disconnect(code, reason, new_id(), self._core.now_ms())
        fault = self._core.fault_of(DISCONNECT)
        for copy in range(fault.copies):
            await asyncio.sleep(fault.copy_seconds if copy else 0)
            try:
                await self._core.invoke(route, event, new_trace_id())
            except InvocationError as error:
                self._core.observe("failed", route=DISCONNECT, reason=str(error))

    def receive(self, client: Client, text: str) -> None:
        """Have a message handled, at once with any others of this connection."""
        route = client.subject.api.select(text)
        # One for all copies: what is delivered twice is the same event.
        arrival = Arrival(text, new_id(), new_id(), self._core.now_ms())
        fault = self._core.fault_of(route.key) if route is not None else NO_FAULT
        passing, client.held = client.held, []
        for copy in range(fault.copies):
            client.connection.handling(+1)
            delay = fault.hold_seconds + (fault.copy_seconds if copy else 0)
            go = asyncio.Event()
            if fault.hold_seconds:
                client.held.append(go)
            self._core.spawn(self._handle(client, route, arrival, go if delay else None, delay))
        for go in passing:
            go.set()

    async def _handle(
        self,
        client: Client,
        route: Route | None,
        arrival: Arrival,
        go: asyncio.Event | None,
        delay: float,
    ) -> None:
        """Handle a message; before that wait for `go` or so many seconds, if there is a fault."""
        try:
            if go is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(go.wait(), delay)
            answer = await self._answer(client.subject, route, arrival)
            if answer is not None and client.connection.is_open:
                client.connection.send_text(answer.encode("utf-8", "replace"))
        except ConnectionError:
            log.debug("the client left before its answer")
        finally:
            client.connection.handling(-1)

    async def _answer(self, subject: Subject, route: Route | None, arrival: Arrival) -> str | None:
        """What goes back to the client for a message, if anything."""
        request_id = arrival.request_id
        if route is None:
            return _error_frame("Forbidden", subject.connection_id, request_id)
        if not self._core.requests.take() or not self._core.may_run(route.key):
            self._core.observe("throttled", route=route.key, connection_id=subject.connection_id)
            return _error_frame("Too Many Requests", subject.connection_id, request_id)
        if not route.function:
            return None
        trace_id = new_trace_id()
        event = subject.message(
            route.key, arrival.text, arrival.message_id, request_id, arrival.received_at
        )
        self._core.observe(
            "message",
            trace_id=trace_id,
            connection_id=subject.connection_id,
            route=route.key,
            body=arrival.text,
        )
        try:
            result = await self._core.invoke(route, event, trace_id)
        except InvocationError as error:
            self._core.observe("failed", trace_id=trace_id, route=route.key, reason=str(error))
            return _error_frame("Internal server error", subject.connection_id, request_id)
        if result_status(result) is None:
            self._core.observe("failed", trace_id=trace_id, route=route.key, reason=NO_STATUS)
            return _error_frame("Internal server error", subject.connection_id, request_id)
        if not route.has_response:
            return None
        body = result.get("body")
        if not isinstance(body, str) or not body:
            return None
        size, limit = len(body.encode("utf-8", "replace")), self._core.limits.message_bytes
        if size > limit:
            reason = f"the route response has {size} bytes; {limit} are allowed"
            self._core.observe("failed", trace_id=trace_id, route=route.key, reason=reason)
            return _error_frame("Internal server error", subject.connection_id, request_id)
        return body


def _error_frame(message: str, connection_id: str, request_id: str) -> str:
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": request_id})
