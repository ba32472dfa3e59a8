"""What a command shows while it works: lines that stay, and one that is written over."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

#: Without a terminal (a pipe, CI) what is going on is said this often, in seconds.
PLAIN_SECONDS: Final = 30.0

#: Move to the line's start and clear it (ECMA-48: EL).
_CLEAR: Final = "\r\x1b[K"


class Console:
    """Output of a command; a terminal gets a live last line, a pipe plain lines."""

    def __init__(
        self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Args:
        out: standard output by default.
        clock: seconds, for how often a pipe hears of what is going on.
        """
        self._out = out if out is not None else sys.stdout
        self._clock = clock
        self._is_terminal = self._out.isatty()
        self._is_live = False
        self._said_at = clock()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        self._out.write(f"{text}\n")
        self._out.flush()
        self._said_at = self._clock()

    def live(self, text: str) -> None:
        """Say what is going on now; the next line takes its place. Empty: nothing is."""
        if self._is_terminal:
            self._clear()
            if text:
                width = _width() - 1
                self._out.write(text if len(text) <= width else f"{text[: width - 1]}…")
                self._is_live = True
            self._out.flush()
        elif text and self._clock() - self._said_at >= PLAIN_SECONDS:
            self.line(text)

    def _clear(self) -> None:
        if self._is_live:
            self._out.write(_CLEAR)
            self._is_live = False


def _width() -> int:
    return shutil.get_terminal_size().columns


def clock_text(seconds: float) -> str:
    """A duration as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
