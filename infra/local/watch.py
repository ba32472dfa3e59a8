"""Changes of an app's source, as batches of paths."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Final

from watchfiles import awatch

from infra.local.apps.archive import folders_below, is_tools

#: An editor's save is several events; they are one change if they come this close, in ms,
#: and what goes on for longer than the second is told in parts.
STEP_MS: Final = 25
DEBOUNCE_MS: Final = 300

#: A package's installation is thousands of files, and followed by a change of one's own.
LIBRARIES: Final = "node_modules"


async def changes(
    directories: Collection[Path], ignored: Collection[Path] = ()
) -> AsyncIterator[set[Path]]:
    """Wait for changes below some directories, but not of tools' files or libraries.

    Args:
        directories: what to watch, with all below it.
        ignored: paths to leave out, with all below them.
    """

    def is_left_out(path: Path) -> bool:
        return is_tools(path) or path.name == LIBRARIES or path in ignored

    known: set[Path] = set()
    while True:
        # Each by itself: a recursive watch would also be one of all libraries' directories.
        folders = {
            folder
            for directory in directories
            for folder, _files in folders_below(directory, is_left_out)
        }
        if known and folders - known:
            # What has been written into them before they were watched.
            yield folders - known
        known = folders
        async for batch in awatch(*folders, step=STEP_MS, debounce=DEBOUNCE_MS, recursive=False):
            paths = {path for _change, name in batch if not is_left_out(path := Path(name))}
            if paths:
                yield paths
            if any(path.is_dir() or path in folders for path in paths):
                break  # directories have come or gone
