"""Misbehaviour on request; the table of faults is in the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TIMES_MAX: Final = 1000
SECONDS_MAX: Final = 60.0
SECONDS_DEFAULT: Final = 5.0

_PLAIN: Final = frozenset(
    {"consent_refused", "no_nickname", "no_email", "expired_code", "bad_nonce", "bad_signature"}
)
_ERRORS: Final = frozenset({"token_error", "me_error", "unlink_error"})
_SLOW: Final = frozenset({"token_slow", "me_slow", "unlink_slow"})
NAMES: Final = tuple(sorted(_PLAIN | _ERRORS | _SLOW))


class FaultError(ValueError):
    """A fault that can't be set. ``field`` is the path of what is wrong, such as ``next.times``."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True)
class Fault:
    """How one fault shows: ``status`` for errors, ``seconds`` for slowness."""

    times: int
    status: int = 500
    seconds: float = SECONDS_DEFAULT


class Faults:
    """What will go wrong next; each fault counts down as it is met."""

    def __init__(self) -> None:
        self._next: dict[str, Fault] = {}

    def set_all(self, wanted: object, field: str = "next") -> None:
        """Sets every fault of a mapping from JSON, or none of them. Raises FaultError."""
        if not isinstance(wanted, Mapping):
            raise FaultError(field, "must be an object of faults")
        parsed = {str(name): parse(str(name), value, field) for name, value in wanted.items()}
        self._next.update(parsed)
        self._next = {name: fault for name, fault in self._next.items() if fault.times}

    def clear(self) -> None:
        """Takes back every fault."""
        self._next.clear()

    def take(self, name: str) -> Fault | None:
        """Returns the fault if it is due, and counts it down."""
        fault = self._next.pop(name, None)
        if fault is not None and fault.times > 1:
            self._next[name] = Fault(fault.times - 1, fault.status, fault.seconds)
        return fault

    def describe(self) -> dict[str, Any]:
        """Returns what is left, in the form that ``set_all`` takes."""
        return {name: _describe(name, fault) for name, fault in sorted(self._next.items())}


def parse(name: str, value: object, field: str = "next") -> Fault:
    """Reads ``N`` or ``{"times": N, "status": …, "seconds": …}``. Raises FaultError."""
    if name not in NAMES:
        raise FaultError(f"{field}.{name}", f"no such fault; there are {', '.join(NAMES)}")
    options: Mapping[Any, Any] = value if isinstance(value, Mapping) else {"times": value}
    extra = {"status"} if name in _ERRORS else {"seconds"} if name in _SLOW else set()
    for option in options:
        if option not in {"times"} | extra:
            raise FaultError(f"{field}.{name}.{option}", "no such option of this fault")
    at = f"{field}.{name}"
    return Fault(
        times=int(_number(options.get("times", 1), 0, TIMES_MAX, f"{at}.times", whole=True)),
        status=int(_number(options.get("status", 500), 500, 599, f"{at}.status", whole=True)),
        seconds=_number(options.get("seconds", SECONDS_DEFAULT), 0, SECONDS_MAX, f"{at}.seconds"),
    )


def _number(value: object, low: float, high: float, field: str, *, whole: bool = False) -> float:
    fits = isinstance(value, int) or (isinstance(value, float) and not whole)
    if not fits or isinstance(value, bool) or not low <= float(str(value)) <= high:
        kind = "a whole number" if whole else "a number"
        raise FaultError(field, f"must be {kind} from {low:g} to {high:g}")
    return float(str(value))


def _describe(name: str, fault: Fault) -> dict[str, Any]:
    described: dict[str, Any] = {"times": fault.times}
    if name in _ERRORS:
        described["status"] = fault.status
    if name in _SLOW:
        described["seconds"] = fault.seconds
    return described
