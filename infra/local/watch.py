"""Changes of an app's source, as batches of paths."""

from __future__ import annotations

import asyncio
import time
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

#: How far the time of a change (the kernel's clock) and of its report may lie apart, in seconds.
MARGIN_SECONDS: Final = 0.05


async def changes(
    directories: Collection[Path], ignored: Collection[Path] = (), since: float | None = None
) -> AsyncIterator[set[Path]]:
    """Wait for changes below some directories, but not of tools' files or libraries.

    Args:
        directories: what to watch, with all below it.
        ignored: paths to leave out, with all below them.
        since: what has changed from then on (seconds since the epoch) is told, too.
    """

    def is_left_out(path: Path) -> bool:
        return is_tools(path) or path.name == LIBRARIES or path in ignored

    known: set[Path] = set()
    while True:
        # Each by itself: a recursive watch would also be one of all libraries' directories.
        found = {
            folder: names
            for directory in directories
            for folder, names in folders_below(directory, is_left_out)
        }
        folders = set(found)
        files = {folder / name for folder, names in found.items() for name in names}
        batches = awatch(*folders, step=STEP_MS, debounce=DEBOUNCE_MS, recursive=False)
        first = asyncio.ensure_future(anext(batches))
        try:
            await asyncio.sleep(0)  # from here on the kernel notes what changes
            # What has been written before: in new directories, and between two watches.
            missed = folders - known if known else set()
            if since is not None:
                missed |= {path for path in files | folders if _changed_at(path) >= since}
            missed = {path for path in missed if not is_left_out(path)}
            known = folders
            if missed:
                yield missed
            batch = await first
            while True:
                since = time.time() - MARGIN_SECONDS
                told = {path for _change, name in batch if not is_left_out(path := Path(name))}
                # Editors write to names of their own first, and rename or delete those.
                paths = {path for path in told if path.exists() or path in files | folders}
                files = {path for path in files | paths if path.exists()}
                if paths:
                    yield paths
                if any(path.is_dir() or path in folders for path in paths):
                    break  # directories have come or gone
                batch = await anext(batches)
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await batches.aclose()


def _changed_at(path: Path) -> float:
    """When a file was written, or came to its name; in seconds since the epoch."""
    try:
        return path.stat().st_ctime
    except OSError:  # it has gone meanwhile, and its directory has changed
        return 0.0
