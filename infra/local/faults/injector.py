"""What happens to each event: the decisions of a plan, and the count of them."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from infra.local.faults import aws_errors
from infra.local.faults.aws_call import AwsCall
from infra.local.faults.aws_errors import AwsError
from infra.local.faults.aws_models import MANAGEMENT
from infra.local.faults.rules import (
    DISCONNECT,
    KILL_MS,
    SWAP_MS,
    AwsFault,
    AwsRule,
    FaultPlan,
    GatewayFault,
    GatewayRule,
    Milliseconds,
    Rule,
)

#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
_POSTS: Final = {"POST": "PostToConnection", "GET": "GetConnection", "DELETE": "DeleteConnection"}


@dataclass(frozen=True)
class CallFault:
    """What is to be done to a call of AWS, in this order.

    Args:
        rules: the rules that struck, as in ``aws rule 2``, for logs.
        seconds: wait so long first.
        executed: then let the call be executed …
        cut: … then end the TCP connection without an answer,
        error: or answer with this error. Neither: with what the call answers.
    """

    rules: tuple[str, ...]
    seconds: float = 0.0
    executed: bool = True
    cut: bool = False
    error: AwsError | None = None


@dataclass(frozen=True)
class MessageFault:
    """What is to be done to an event on its way to its Lambda.

    Args:
        rules: the rules that struck, for logs.
        copies: how often it is delivered.
        copy_seconds: how long after the first the second one is.
        hold_seconds: it waits for the next message of its connection and is delivered after
            that, but waits so long at most. 0: it does not wait.
    """

    rules: tuple[str, ...]
    copies: int = 1
    copy_seconds: float = 0.0
    hold_seconds: float = 0.0


@dataclass(frozen=True)
class KillFault:
    """An invocation whose process is to be killed ``seconds`` after its start, by ``rule``."""

    rule: str
    seconds: float


@dataclass(frozen=True)
class _Strike:
    """A rule strikes an event. ``seconds`` is drawn from the rule's ``ms``."""

    seconds: float


class _Counted:
    """A rule, and how many events it has seen.

    The n-th event that a rule matches is decided by the seed, the rule's place in the plan
    and n alone, so neither other rules nor the order of other events change anything.
    """

    def __init__(self, name: str, seed: int, rule: Rule, ms: Milliseconds | None) -> None:
        """`name` is made of the rule's family and number; `ms` is what it draws from."""
        self.name = name
        self.rule = rule
        self.matched = 0
        self._seed = seed
        self._ms = ms if isinstance(ms, tuple) else (ms or 0.0, ms or 0.0)
        self._struck = 0

    def decide(self) -> _Strike | None:
        """Count an event that the rule matches; does it strike? Not thread-safe."""
        self.matched += 1
        rule = self.rule
        number = self.matched - rule.after
        if number <= 0 or number % rule.every or (rule.times is not None and self._spent()):
            return None
        draw = random.Random(f"{self._seed}:{self.name}:{self.matched}")
        if rule.probability < 1 and draw.random() >= rule.probability:
            return None
        self._struck += 1
        return _Strike(draw.uniform(*self._ms) / 1000)

    def take_back(self) -> None:
        """A strike had no effect, and is none of the rule's ``times``. Not thread-safe."""
        self._struck -= 1

    def _spent(self) -> bool:
        return self.rule.times is not None and self._struck >= self.rule.times


class FaultInjector:
    """The decisions of one run of a plan; from any thread.

    Each method is asked once per event, and its answer has to be carried out.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        #: How often each rule has had an effect, by its name, such as ``aws rule 2``.
        self.injected: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._aws = [
            (rule, _Counted(f"aws rule {number}", plan.seed, rule, rule.ms))
            for number, rule in enumerate(plan.aws, 1)
        ]
        self._gateway = [
            (rule, _Counted(f"gateway rule {number}", plan.seed, rule, _gateway_ms(rule)))
            for number, rule in enumerate(plan.gateway, 1)
        ]

    def call(self, call: AwsCall) -> CallFault | None:
        """What happens to a call of AWS."""
        names: list[str] = []
        seconds = 0.0
        decisive: AwsRule | None = None
        with self._lock:
            for rule, counted in self._aws:
                strike = counted.decide() if _matches(rule, call) else None
                if strike is None:
                    continue
                if rule.fault is AwsFault.LATENCY:
                    seconds += strike.seconds
                elif decisive is None:
                    decisive = rule
                else:
                    continue  # another rule's fault is the one that shows
                names.append(counted.name)
                self.injected[counted.name] += 1
        if not names:
            return None
        return CallFault(
            rules=tuple(names),
            seconds=seconds,
            executed=decisive is None
            or decisive.fault in (AwsFault.CUT_AFTER, AwsFault.ERROR_AFTER),
            cut=decisive is not None and decisive.fault in (AwsFault.CUT, AwsFault.CUT_AFTER),
            error=_error(decisive, call) if decisive is not None else None,
        )

    def post(self, method: str) -> CallFault | None:
        """What happens to a call of the management API, by its HTTP method.

        The rules are those for calls of AWS whose service is ``apigatewaymanagementapi``.
        """
        return self.call(AwsCall(MANAGEMENT, _POSTS.get(method, "")))

    def message(self, route_key: str) -> MessageFault | None:
        """What happens to a message, or to a $disconnect, which can be duplicated, too."""
        names: list[str] = []
        copies, copy_seconds, hold_seconds = 1, 0.0, 0.0
        possible = {GatewayFault.DUPLICATE}
        if route_key != DISCONNECT:
            possible.add(GatewayFault.SWAP)  # nothing comes after it
        for rule, name, strike in self._gateway_strikes(possible, route_key):
            names.append(name)
            if rule.fault is GatewayFault.DUPLICATE:
                copies, copy_seconds = copies + 1, max(copy_seconds, strike.seconds)
            else:
                hold_seconds = max(hold_seconds, strike.seconds)
        if not names:
            return None
        return MessageFault(tuple(names), copies, copy_seconds, hold_seconds)

    def disconnect(self) -> bool:
        """Whether a $disconnect gets lost."""
        return any([*self._gateway_strikes({GatewayFault.LOSE_DISCONNECT}, "")])

    def invocation(self, function: str) -> KillFault | None:
        """When an invocation's process is to be killed, if at all."""
        strikes = [
            KillFault(name, strike.seconds)
            for _rule, name, strike in self._gateway_strikes({GatewayFault.KILL}, function)
        ]
        return min(strikes, key=lambda fault: fault.seconds, default=None)

    def _gateway_strikes(
        self, faults: set[GatewayFault], subject: str
    ) -> Iterator[tuple[GatewayRule, str, _Strike]]:
        with self._lock:
            struck = [
                (rule, counted.name, strike)
                for rule, counted in self._gateway
                if rule.fault in faults and fnmatchcase(subject, rule.route or rule.function or "*")
                if (strike := counted.decide()) is not None
            ]
            self.injected.update(name for _rule, name, _strike in struck)
        yield from struck

    def spare(self, fault: KillFault) -> None:
        """Take a kill back: the invocation had ended before its time came."""
        with self._lock:
            self.injected[fault.rule] -= 1
            for _rule, counted in self._gateway:
                if counted.name == fault.rule:
                    counted.take_back()

    def count_elsewhere(self, name: str) -> None:
        """Count a rule's effect that another process, with an injector of its own, had."""
        with self._lock:
            self.injected[name] += 1

    def report(self) -> list[str]:
        """How often each rule struck, a line each, for the end of a run."""
        with self._lock:
            return [
                *(self._line(counted, _describe(rule)) for rule, counted in self._aws),
                *(self._line(counted, _describe(rule)) for rule, counted in self._gateway),
            ]

    def _line(self, counted: _Counted, what: str) -> str:
        seen = f" in {counted.matched} events" if counted.matched else ""
        return f"{counted.name} ({what}): struck {self.injected[counted.name]} times{seen}"


def _gateway_ms(rule: GatewayRule) -> Milliseconds | None:
    usual = {GatewayFault.SWAP: SWAP_MS, GatewayFault.KILL: KILL_MS}
    return rule.ms if rule.ms is not None else usual.get(rule.fault)


def _matches(rule: AwsRule, call: AwsCall) -> bool:
    return (
        fnmatchcase(call.service, rule.service)
        and any(fnmatchcase(call.operation, pattern) for pattern in rule.operations)
        and (rule.table is None or any(fnmatchcase(name, rule.table) for name in call.tables))
        and (
            rule.function is None
            or (call.function is not None and fnmatchcase(call.function, rule.function))
        )
    )


def _error(rule: AwsRule, call: AwsCall) -> AwsError | None:
    match rule.fault:
        case AwsFault.THROTTLE:
            return aws_errors.throttled(call, rule.code)
        case AwsFault.ERROR | AwsFault.ERROR_AFTER:
            return aws_errors.failed(call, rule.status, rule.code)
        case AwsFault.GONE:
            return aws_errors.gone()
        case _:
            return None


def _describe(rule: AwsRule | GatewayRule) -> str:
    if isinstance(rule, AwsRule):
        parts = [rule.fault, rule.service, "/".join(rule.operations), rule.table, rule.function]
    else:
        parts = [rule.fault, rule.route, rule.function]
    said = " ".join(part for part in parts if part)
    return f"{said}: {rule.note}" if rule.note else said
