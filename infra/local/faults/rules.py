"""What a rule of a plan says; a rule that makes no sense cannot be made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from infra.errors import InfraError
from infra.local.faults import aws_models

#: Longest wait that a rule can ask for, in milliseconds. Lambda's own limit is 15 minutes.
MS_MAX: Final = 900_000.0

#: How long `swap` waits for another message, and when `kill` strikes, if nothing is said.
SWAP_MS: Final = 200.0
KILL_MS: Final = 50.0


#: Events that are no messages.
CONNECT: Final = "$connect"
DISCONNECT: Final = "$disconnect"


class RuleError(InfraError):
    """A rule that makes no sense.

    ``field`` is the key that is wrong, ``reason`` what it has to be.
    """

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class AwsFault(StrEnum):
    """What can happen to a call of AWS."""

    #: It takes longer.
    LATENCY = "latency"
    #: It is refused as too much, with the service's own code; not executed.
    THROTTLE = "throttle"
    #: It fails with a 5xx (or with what ``status`` and ``code`` say); not executed.
    ERROR = "error"
    #: A connection to post to is gone: 410. Only the management API answers so.
    GONE = "gone"
    #: The TCP connection ends without an answer; not executed.
    CUT = "cut"
    #: It is executed, then the TCP connection ends without an answer.
    CUT_AFTER = "cut_after"
    #: It is executed, and answered with a 5xx all the same.
    ERROR_AFTER = "error_after"


class GatewayFault(StrEnum):
    """What can happen between a client and the Lambdas of a WebSocket API."""

    #: An event is delivered twice.
    DUPLICATE = "duplicate"
    #: A message is delivered after the connection's next one.
    SWAP = "swap"
    #: $disconnect is never delivered; API Gateway sends it as well as it can, no more.
    LOSE_DISCONNECT = "lose_disconnect"
    #: The Lambda's process is killed while it handles an event.
    KILL = "kill"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a rule strikes, counted in the events that it matches.

    Args:
        probability: of each strike, above 0 and at most 1.
        after: how many events are let through first.
        every: of the others, only each such one may be struck: 5 is the fifth, tenth, …
        times: how often it strikes at most; None: no limit.
        note: why it is there, for people.
    """

    probability: float = 1.0
    after: int = 0
    every: int = 1
    times: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        _number("probability", self.probability, 0.0, 1.0)
        if self.probability == 0:
            raise RuleError("probability", "must be above 0: a rule with 0 never strikes")
        _whole("after", self.after, 0)
        _whole("every", self.every, 1)
        if self.times is not None:
            _whole("times", self.times, 1)
        _text("note", self.note, may_be_empty=True)


#: A duration in milliseconds, or the shortest and the longest of a range to draw from.
Milliseconds = float | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class AwsRule(Rule):
    """A fault of calls of AWS, and which calls. Patterns are as in a shell: ``*``, ``?``, ``[…]``.

    Args:
        fault: what happens.
        service: pattern of boto3's name of the service: ``dynamodb``, ``lambda``,
            ``apigatewaymanagementapi``. Needed with `operation`, unless something else of the
            rule says it: `table`, `function` or ``gone``.
        operation: pattern, or several, of the operation's name as AWS writes it: ``PutItem``.
        table: pattern of the name of a DynamoDB table that the call is about.
        function: pattern of the name of the Lambda that the call is about.
        ms: of ``latency``: how long the call waits.
        status: of ``error`` and ``error_after``: the HTTP status, 500 unless said.
        code: of ``error``, ``error_after`` and ``throttle``: AWS's error code, where it shall
            not be the service's usual one.
    """

    fault: AwsFault
    service: str = "*"
    operation: str | tuple[str, ...] = "*"
    table: str | None = None
    function: str | None = None
    ms: Milliseconds | None = None
    status: int | None = None
    code: str | None = None

    _OPTIONS: ClassVar = {
        AwsFault.LATENCY: {"ms"},
        AwsFault.THROTTLE: {"code"},
        AwsFault.ERROR: {"status", "code"},
        AwsFault.ERROR_AFTER: {"status", "code"},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of("fault", self.fault, AwsFault)
        _only_options(self, self._OPTIONS.get(self.fault, set()), ("ms", "status", "code"))
        if self.fault is AwsFault.LATENCY and self.ms is None:
            raise RuleError("ms", "latency needs it: milliseconds, or [shortest, longest]")
        _milliseconds("ms", self.ms)
        self._check_error()
        self._check_calls()

    def _check_error(self) -> None:
        if self.code is not None:
            _text("code", self.code)
        if self.status is not None:
            _whole("status", self.status, 400, 599)
            if self.status < 500 and self.code is None:
                raise RuleError("code", f"must say what a {self.status} means")

    def _check_calls(self) -> None:
        """See that the patterns can match anything: a misspelt rule would never strike."""
        _text("service", self.service)
        for pattern in self.operations:
            _text("operation", pattern)
        if self.fault is AwsFault.GONE and self.service == "*":
            object.__setattr__(self, "service", aws_models.MANAGEMENT)
        for field, service in (("table", "dynamodb"), ("function", "lambda")):
            pattern = getattr(self, field)
            if pattern is None:
                continue
            _text(field, pattern)
            if self.service == "*":
                object.__setattr__(self, "service", service)
            elif not fnmatchcase(service, self.service):
                raise RuleError(field, f"only calls of {service} have one, not {self.service}")
        if self.fault is AwsFault.GONE and not fnmatchcase(aws_models.MANAGEMENT, self.service):
            raise RuleError("fault", f"only {aws_models.MANAGEMENT} answers gone")
        services = aws_models.matching_services(self.service)
        if not services:
            near = aws_models.nearest(self.service, aws_models.services())
            raise RuleError("service", f"boto3 knows no service {self.service!r}{near}")
        if self.operations == ("*",):
            return
        if self.service == "*":
            raise RuleError("service", "is needed with operation")
        known = [name for service in services for name in aws_models.operations(service)]
        for pattern in self.operations:
            if not any(fnmatchcase(name, pattern) for name in known):
                near = aws_models.nearest(pattern, known)
                raise RuleError("operation", f"{self.service} has no {pattern!r}{near}")

    @property
    def operations(self) -> tuple[str, ...]:
        """The patterns of operations, also if there is but one."""
        return (self.operation,) if isinstance(self.operation, str) else self.operation


@dataclass(frozen=True, kw_only=True)
class GatewayRule(Rule):
    """A fault between clients and Lambdas, and which events.

    Args:
        fault: what happens.
        route: of ``duplicate`` and ``swap``: pattern of the event's route key. There are none
            of ``$connect``; ``$disconnect`` can be duplicated only.
        function: of ``kill``: pattern of the Lambda's name.
        ms: of ``duplicate``: how long after the first the second one comes; of ``swap``: how
            long the message is held at most if no other comes (200); of ``kill``: how long
            after the start of the invocation (50).
    """

    fault: GatewayFault
    route: str | None = None
    function: str | None = None
    ms: Milliseconds | None = None

    _OPTIONS: ClassVar = {
        GatewayFault.DUPLICATE: {"route", "ms"},
        GatewayFault.SWAP: {"route", "ms"},
        GatewayFault.KILL: {"function", "ms"},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of("fault", self.fault, GatewayFault)
        _only_options(self, self._OPTIONS.get(self.fault, set()), ("route", "function", "ms"))
        for field in ("route", "function"):
            if getattr(self, field) is not None:
                _text(field, getattr(self, field))
        if self.route == CONNECT:
            raise RuleError(
                "route", f"{CONNECT} is the handshake, which comes once: no {self.fault}"
            )
        if self.route == DISCONNECT and self.fault is GatewayFault.SWAP:
            raise RuleError("route", f"nothing comes after {DISCONNECT}: no {self.fault}")
        _milliseconds("ms", self.ms)


@dataclass(frozen=True)
class FaultPlan:
    """All rules, and the seed that every decision follows from.

    Each rule counts the events that it matches, also those that another rule strikes, too.
    Where several strike one event, their delays add up and the first of them that is more
    than a delay decides.
    """

    aws: tuple[AwsRule, ...] = ()
    gateway: tuple[GatewayRule, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        _whole("seed", self.seed, None)


def keys(kind: type[Rule]) -> tuple[str, ...]:
    """The keys that a rule of this kind can have."""
    return tuple(field.name for field in fields(kind))


def _only_options(rule: Any, allowed: Collection[str], options: Collection[str]) -> None:
    for option in options:
        if getattr(rule, option) is not None and option not in allowed:
            raise RuleError(option, f"has no meaning for {rule.fault}")


def _one_of(field: str, value: object, kind: type[StrEnum]) -> None:
    if not isinstance(value, kind):
        raise RuleError(field, f"must be one of {', '.join(kind)}, not {value!r}")


def _number(field: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= float(str(value)) <= high:
        raise RuleError(field, f"must be a number from {low:g} to {high:g}, not {value!r}")


def _whole(field: str, value: object, low: int | None, high: int | None = None) -> None:
    fits = isinstance(value, int) and not isinstance(value, bool)
    if fits and isinstance(value, int):  # told twice: mypy does not follow `fits`
        fits = (low is None or low <= value) and (high is None or value <= high)
    if not fits:
        limits = "" if low is None else f" of {low} or more" if high is None else ""
        limits = f" from {low} to {high}" if high is not None else limits
        raise RuleError(field, f"must be a whole number{limits}, not {value!r}")


def _text(field: str, value: object, *, may_be_empty: bool = False) -> None:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise RuleError(field, f"must be a text, not {value!r}")


def _milliseconds(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, tuple):
        _number(field, value, 0.0, MS_MAX)
        return
    if len(value) != 2:
        raise RuleError(field, f"must be milliseconds or [shortest, longest], not {value!r}")
    for end in value:
        _number(field, end, 0.0, MS_MAX)
    if value[0] > value[1]:
        raise RuleError(field, f"the shortest comes first, not {list(value)!r}")
