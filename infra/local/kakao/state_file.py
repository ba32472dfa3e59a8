"""The file in which the stand-in's state outlives it: all of it, then a line for each change.

A sign-in changes half a dozen rows. To write everything anew for each would take longer the more
people there are, and the stand-in shares its process with the gateway.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
#: A part of the state, the name of a row of it, and what the row is now; None: gone.
Change: TypeAlias = tuple[str, str, Json | None]

#: All is written again when there are as many changes as rows, but not before this many.
CHANGES_MIN: Final = 1000


class StateFile:
    """A JSON object on the first line; its rows that changed since on the others.

    It is replaced atomically, only its owner may read it, and what a process that was killed left
    of a last line doesn't count.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Changes that may follow before all is to be written again.
        self._left = 0

    def read(self) -> Json:
        """The state; raises OSError, or ValueError and others if it is none."""
        first, *lines = self.path.read_text(encoding="utf-8").split("\n")
        state: Json = json.loads(first)
        # The last is what follows the last line's end.
        for line in lines[:-1]:
            part, name, row = json.loads(line)
            if row is None:
                state[part].pop(name, None)
            else:
                state[part][name] = row
        return state

    def write(self, state: Mapping[str, Any]) -> None:
        """Write all of it."""
        self._left = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp's files are 0600.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name + ".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(state, ensure_ascii=False) + "\n")
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise
        rows = sum(len(part) for part in state.values() if isinstance(part, dict))
        self._left = max(CHANGES_MIN, rows)

    def add(self, changes: Iterable[Change]) -> bool:
        """Write what has changed, if what is before it is there; False: write all of it."""
        lines = [json.dumps(change, ensure_ascii=False) + "\n" for change in changes]
        if self._left < len(lines):
            return False
        left, self._left = self._left - len(lines), 0
        try:
            # Not made anew if somebody has deleted it.
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(lines)
        self._left = left  # only now: half a line must not be followed by another
        return True
