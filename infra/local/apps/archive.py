"""Directories as zips, as `sam` and `aws cloudformation package` upload them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.chalice_package import make_zip

#: Directories that belong to tools, not to the app.
TOOLS: Final = frozenset(
    {".aws-sam", ".git", ".hg", ".idea", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    | {".svn", ".tox", ".venv", ".vscode", "__pycache__", "venv"}
)


def is_tools(name: str) -> bool:
    """Whether a directory or file of this name is a tool's."""
    return name in TOOLS or name.endswith(".pyc")


def files_below(directory: Path) -> Iterator[Path]:
    """The files that belong into a zip of a directory; links are followed, but not in circles."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(directory, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_tools(name))
        for name in sorted(files):
            path = Path(folder, name)
            if not is_tools(name) and path.is_file():
                yield path


class Archiver:
    """Zips directories; one whose files have not changed is not zipped again."""

    def __init__(self) -> None:
        self._made: dict[Path, tuple[object, bytes]] = {}

    def zip(self, directory: Path) -> bytes:
        """A directory's files as a zip."""
        files = list(files_below(directory))
        state = [(str(path), *_stamp(path)) for path in files]
        known = self._made.get(directory)
        if known is not None and known[0] == state:
            return known[1]
        code = make_zip(
            {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
        )
        self._made[directory] = (state, code)
        return code


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
