"""One JSON line per event on standard output, where CloudWatch picks it up.

Never put texts of chats, names, tokens or emails into a line: ids, codes and counts only.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any


def info(event: str, **fields: Any) -> None:
    """Something that happened."""
    _write("info", event, fields)


def warning(event: str, **fields: Any) -> None:
    """Something that went wrong and was dealt with."""
    _write("warning", event, fields)


def exception(event: str, error: BaseException, **fields: Any) -> None:
    """Something that should not happen, with the traceback whole.

    Local variables are not shown, and messages of errors from parsing people's input
    name fields and rules, never values.
    """
    lines = "".join(traceback.format_exception(error))
    _write("error", event, {**fields, "traceback": lines})


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    line = {"level": level, "event": event, **fields}
    sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
