"""What one message, request or event led to: every invocation, call of AWS and post.

API Gateway gives each event a trace; Lambda and the SDKs hand its root on to whatever they
call, which is how X-Ray puts them together. The local stack does the same, so a chat can be
followed through the gateway, its Lambda, the Lambdas that that one invokes, and the posts.
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader

Steps are kept without bodies: neither messages nor tokens are in a trace. What a message is
found by, the short values in its JSON, is kept as keyed hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: How many traces are remembered, and how many steps of one.
TRACES_MAX: Final = 2_000
STEPS_MAX: Final = 500

#: How many invocations' posts are counted before the invocation is told of.
SEGMENTS_MAX: Final = 5_000


@dataclass(frozen=True)
class Step:
    """Something that happened. ``at``: seconds since the epoch; ``depth``: of indentation."""

    at: float
    depth: int
    text: str


@dataclass
class Trace:
    """What is known of one trace. ``labels``: keyed hashes of the message's values."""

    root: str
    labels: frozenset[bytes] = frozenset()
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS_MAX))

    def lines(self) -> list[str]:
        """The steps in the order of time, with milliseconds since the first."""
        steps = sorted(self.steps, key=lambda step: step.at)
        first = steps[0].at if steps else 0.0
        clock = time.strftime("%H:%M:%S", time.localtime(first))
        return [
            f"trace {self.root} at {clock}",
            *(
                f"{(step.at - first) * 1000:9.1f} ms  {'  ' * step.depth}{step.text}"
                for step in steps
            ),
        ]


def header_parts(header: str) -> dict[str, str]:
    """The fields of an ``X-Amzn-Trace-Id`` header."""
    return dict(part.strip().partition("=")[::2] for part in header.split(";") if part)


class Tracer:
    """Puts together what the gateway, the emulator and the faults tell. One thread."""

    def __init__(
        self, follow: str | None = None, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """Args:
        follow: a text; traces whose message has a value equal to it are told as they happen.
        say: takes the lines of followed traces.
        """
        self._key = os.urandom(hashlib.blake2b.MAX_KEY_SIZE)
        self._follow = self._hash(follow) if follow is not None else None
        self._say = say
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._posts: OrderedDict[str, Counter[str]] = OrderedDict()

    def gateway(self, what: str, details: Mapping[str, Any]) -> None:
        """Take what the gateway observes."""
        if what in ("post", "delete", "get"):
            self._post(what, details)
        elif what == "message":
            self._message(details)
        elif what in ("failed", "refused") and "trace_id" in details:
            self._add(str(details["trace_id"]), 0, f"gateway: {what}: {details['reason']}")

    def invocation(self, summary: Mapping[str, Any]) -> None:
        """Take what the emulator tells of an invocation that is over."""
        root = summary.get("trace_id")
        if not root:
            return
        result = "failed" if summary.get("error") else str(summary.get("status") or "ok")
        cold = ", cold start" if summary.get("cold") else ""
        text = f"{summary['function']}: {summary['duration_ms']:.1f} ms, {result}{cold}"
        self._add(root, 0, text, at=summary["started"])
        at = summary["started"]
        for call in summary.get("calls", ()):
            where = f" {call['table']}" if call.get("table") else ""
            status = "" if call["status"] == 200 else f", {call['status']}"
            text = f"{call['service']} {call['operation']}{where}: {call['ms']:.1f} ms{status}"
            at = call.get("at", at)
            self._add(root, 1, text, at=at)

    def fault(self, event: Mapping[str, Any]) -> None:
        """Take what the faults proxy did to a call."""
        root = header_parts(str(event.get("trace_id") or "")).get("Root")
        if root:
            names = ", ".join(event["rules"])
            self._add(root, 1, f"fault: {event['what']} ({names}), {event['operation']}")

    def posts(self, segment: str) -> Mapping[str, int]:
        """How many posts an invocation made, by status; asked once."""
        return self._posts.pop(segment, Counter())

    def find(self, text: str) -> list[Trace]:
        """The remembered traces whose message had a value equal to a text; or that root."""
        label = self._hash(text)
        return [
            trace for trace in self._traces.values() if label in trace.labels or trace.root == text
        ]

    def _hash(self, value: str) -> bytes:
        content = value.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=16, key=self._key).digest()

    def _message(self, details: Mapping[str, Any]) -> None:
        root = str(details["trace_id"])
        body = str(details["body"])
        trace = self._trace(root)
        trace.labels = frozenset(map(self._hash, labels(body)))
        if self._follow in trace.labels:
            self._say(f"following {root}")
        size = len(body.encode())
        text = f"gateway: {details['route']}, {size} bytes, from {details['connection_id']}"
        self._add(root, 0, text)

    def _post(self, what: str, details: Mapping[str, Any]) -> None:
        parts = header_parts(str(details["trace"]))
        segment = parts.get("Parent", "")
        status = str(details["status"])
        if segment:
            counts = self._posts.setdefault(segment, Counter())
            counts[status] += 1
            if len(self._posts) > SEGMENTS_MAX:
                self._posts.popitem(last=False)
        if "Root" in parts:
            text = f"{what} {details['connection_id']}: {details['ms']:.1f} ms, {status}"
            self._add(parts["Root"], 1, text)

    def _trace(self, root: str) -> Trace:
        trace = self._traces.get(root)
        if trace is None:
            trace = self._traces[root] = Trace(root)
            if len(self._traces) > TRACES_MAX:
                self._traces.popitem(last=False)
        return trace

    def _add(self, root: str, depth: int, text: str, *, at: float | None = None) -> None:
        trace = self._trace(root)
        step = Step(time.time() if at is None else at, depth, text)
        trace.steps.append(step)
        if self._follow is not None and self._follow in trace.labels:
            self._say(f"  {'  ' * depth}{text}")


def labels(body: str) -> frozenset[str]:
    """What a message can be found by: the short values in its JSON, or its own text."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset({body}) if len(body) <= _LABEL_MAX else frozenset()
    found: set[str] = set()
    waiting = [content]
    while waiting and len(found) < _LABELS_MAX:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, (str, int)) and len(str(value)) <= _LABEL_MAX:
            found.add(str(value))
    return frozenset(found)


#: Longer values are texts rather than references; a message has few of either.
_LABEL_MAX: Final = 64
_LABELS_MAX: Final = 32
