"""What the supervisor prints: one line per Lambda invocation, and what it logged."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

RED: Final = "\033[31m"
YELLOW: Final = "\033[33m"
DIM: Final = "\033[2m"
RESET: Final = "\033[0m"

_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text: str, colour: str) -> str:
    """Colour text for a terminal; leave it for a file."""
    return f"{colour}{text}{RESET}" if _coloured else text


def say(text: str) -> None:
    """Print a line; what the terminal's encoding lacks, lone surrogates too, as escapes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


#: How many lines of one invocation's log are printed: a terminal takes its time.
LINES_MAX: Final = 500

#: What a handler's log becomes: notes for the invocation's line, and lines below it.
Digest: TypeAlias = Callable[[str], tuple[list[str], list[str]]]


def whole(text: str) -> tuple[list[str], list[str]]:
    """A log as it is."""
    return [], text.rstrip().splitlines()


def invocation_lines(
    invocation: Mapping[str, Any], posts: Mapping[str, int], digest: Digest = whole
) -> list[str]:
    """An invocation as lines: what was asked, duration, result, calls of AWS, posts; its log.

    Args:
        invocation: what Invocations.run in ministack/invocations.py tells.
        posts: how many posts to connections it made, by HTTP status.
        digest: reads its log.
    """
    clock = time.strftime("%H:%M:%S", time.localtime(invocation["started"]))
    function = invocation["function"]
    result = "failed" if invocation["error"] else str(invocation["status"] or "ok")
    notes, details = digest(invocation["log"])
    failure = invocation["trace"] or invocation["error"]
    if failure:
        details += failure.rstrip().splitlines()
    what = _one_line(invocation["what"])
    line = f"{function:<10} {what:<28} {invocation['duration_ms']:6.0f} ms  {result}"
    if failure or result.startswith("5"):
        line = paint(line, RED)
    notes = [*_counts(invocation, posts), *notes]
    if invocation["cold"]:
        notes.insert(0, "cold start")
    rest = paint("  " + "; ".join(notes), DIM) if notes else ""
    if len(details) > LINES_MAX:
        more = len(details) - LINES_MAX
        details = [*details[:LINES_MAX], f"... {more} more lines; MiniStack's log has them"]
    return [f"{paint(clock, DIM)}  {line}{rest}", *(f"          {text}" for text in details)]


#: Close codes by which the gateway ends a connection whose client broke a rule.
_BROKEN_RULES: Final = {
    1002: "no WebSocket frames",
    1003: "binary",
    1007: "no UTF-8",
    1009: "a frame or message above the limit",
}


def gateway_line(what: str, details: Mapping[str, Any]) -> str | None:
    """What the gateway did on its own, as a line; None for what other lines tell."""
    match what:
        case "refused":
            text = f"handshake refused: {details['status']}, {details['reason']}"
        case "throttled":
            text = f"throttled: {details['route']} of {details['connection_id']}"
        case "failed":
            text = f"{details['route']}: {details['reason']}"
        case "cut":
            text = f"closed {details['connection_id']}: {details['reason']}"
        case "closed" if details["code"] in _BROKEN_RULES and not details["by_client"]:
            rule = _BROKEN_RULES[details["code"]]
            text = f"closed {details['connection_id']}: {details['code']}, {rule}"
        case _:
            return None
    clock = paint(time.strftime("%H:%M:%S"), DIM)
    said = paint(f"{'gateway':<10} {text}", YELLOW)
    return f"{clock}  {said}"


def permission_lines(told: Mapping[str, str]) -> str:
    """What a Lambda's role does not allow, and the statement that would; or what isn't known."""
    clock = paint(time.strftime("%H:%M:%S"), DIM)
    missing = told.get("missing_permission")
    text, colour = (missing, RED) if missing else (told["unknown_permission"], YELLOW)
    first, *others = text.splitlines()
    said = [paint(f"{'permission':<10} {first}", colour), *(f"          {line}" for line in others)]
    return f"{clock}  " + "\n".join(said)


def _counts(invocation: Mapping[str, Any], posts: Mapping[str, int]) -> list[str]:
    """Calls of AWS by operation, and posts, as notes."""
    calls = Counter(call["operation"] for call in invocation.get("calls", ()))
    notes = []
    if calls:
        notes.append(" ".join(f"{name}:{count}" for name, count in calls.items()))
    if posts:
        failed = [f"{status}:{count}" for status, count in posts.items() if status != "200"]
        notes.append(" ".join([f"posts:{sum(posts.values())}", *failed]))
    return notes


def _one_line(text: str) -> str:
    """What a client has chosen, without its line ends and a terminal's commands."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
