"""What the supervisor prints: one line per Lambda invocation, and what it logged."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Final

RED: Final = "\033[31m"
YELLOW: Final = "\033[33m"
DIM: Final = "\033[2m"
RESET: Final = "\033[0m"

_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text: str, colour: str) -> str:
    """Colour text for a terminal; leave it for a file."""
    return f"{colour}{text}{RESET}" if _coloured else text


def say(text: str) -> None:
    """Print a line of the supervisor's own."""
    print(text, flush=True)


def invocation_lines(invocation: dict[str, Any], *, prefix: str = "") -> list[str]:
    """An invocation as lines: time, function, what was asked, duration, result; its log.

    Args:
        invocation: what ministack_repairs.summary made.
        prefix: beginning of the function's name that is not worth repeating.
    """
    clock = time.strftime("%H:%M:%S", time.localtime(invocation["started"]))
    function = invocation["function"].removeprefix(prefix)
    result = str(invocation["status"] or "ok")
    colour = RED if invocation["error"] or result.startswith("5") else ""
    if invocation["error"]:
        result = "failed"
    line = f"{function:<10} {invocation['what']:<28} {invocation['duration_ms']:7.0f} ms  {result}"
    if invocation["cold"]:
        line += paint("  cold", DIM)
    lines = [f"{paint(clock, DIM)}  {paint(line, colour) if colour else line}"]
    details = [invocation["log"], invocation["trace"] or invocation["error"] or ""]
    for text in details:
        lines += [f"          {part}" for part in text.rstrip().splitlines()]
    return lines
