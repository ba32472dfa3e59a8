"""Directories as zips, as `sam` and `aws cloudformation package` upload them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from infra.chalice_package import make_zip

#: Directories that belong to tools, not to the app.
TOOLS: Final = frozenset(
    {".aws-sam", ".git", ".hg", ".idea", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    | {".svn", ".tox", ".venv", ".vscode", "__pycache__", "venv"}
)

#: Files that Vim and Emacs keep beside the one that is edited.
_EDITORS: Final = re.compile(r".*~|\..*\.sw[a-p]|\.#.*|#.*#")


def is_tools(path: Path) -> bool:
    """Whether a directory or file is a tool's, editors included."""
    return (
        path.name in TOOLS
        or path.suffix == ".pyc"
        or _EDITORS.fullmatch(path.name) is not None
        or (path / "pyvenv.cfg").exists()
    )


def folders_below(
    directory: Path, is_left_out: Callable[[Path], bool] = is_tools
) -> Iterator[tuple[Path, list[str]]]:
    """A directory and those below it, with their files' names.

    Links are followed, but not in circles.
    """
    seen: set[str] = set()
    for name, folders, files in os.walk(directory, followlinks=True):
        folder = Path(name)
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(inner for inner in folders if not is_left_out(folder / inner))
        yield folder, sorted(files)


def files_below(directory: Path) -> Iterator[Path]:
    """The files that belong into a zip of a directory."""
    for folder, names in folders_below(directory):
        for name in names:
            path = folder / name
            if path.is_file() and not is_tools(path):
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
