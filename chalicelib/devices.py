"""What a browser tells of itself, as far as its person needs it to know which one that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Names of browsers by what their ``User-Agent`` has. Most pretend to be others that are further
#: down, so the first that fits is meant.
#: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/User-Agent
_BROWSERS: Final = (
    ("kakaotalk", r"KAKAOTALK"),
    ("naver", r"NAVER\(inapp"),
    ("samsung", r"SamsungBrowser/"),
    ("whale", r"Whale/"),
    ("edge", r"\bEdg(A|iOS)?/"),
    ("opera", r"\bOP[RT]/"),
    ("firefox", r"\b(Firefox|FxiOS)/"),
    ("chrome", r"\b(Headless)?(Chrome|CriOS)/"),
    ("safari", r"\bSafari/"),
)
_SYSTEMS: Final = (
    ("android", r"\bAndroid\b"),
    ("ios", r"\biP(hone|od)\b"),
    ("ipados", r"\biPad\b"),
    ("windows", r"\bWindows\b"),
    ("chromeos", r"\bCrOS\b"),
    ("macos", r"\bMacintosh\b"),
    ("linux", r"\b(Linux|X11)\b"),
)
#: What is longer than any browser's is looked at no further.
_LENGTH_MAX: Final = 1_000


@dataclass(frozen=True)
class Device:
    """A browser and what it runs on, as short names; empty where that is not known."""

    browser: str = ""
    system: str = ""


def read(user_agent: str | None) -> Device:
    """What a ``User-Agent`` header says. No more of it is kept."""
    text = (user_agent or "")[:_LENGTH_MAX]
    return Device(_first(_BROWSERS, text), _first(_SYSTEMS, text))


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in names if re.search(pattern, text)), "")
