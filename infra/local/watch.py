"""Changes of the app's source, as batches of paths."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch

from infra.aws.template import PARTS_DIR

#: An editor's save is several events; they are one change if they come this close, in ms.
STEP_MS: Final = 40
DEBOUNCE_MS: Final = 300


def _matters(_change: Change, path: str) -> bool:
    name = Path(path).name
    return not name.startswith(".") and name.endswith((".py", ".yaml", "config.json"))


async def changes(source: Path) -> AsyncIterator[set[Path]]:
    """Wait for changes of app.py, chalicelib, Chalice's configuration or the template."""
    # Directories, not app.py itself: editors replace a file, which ends its watch.
    watched = [source, source / "chalicelib", source / ".chalice", PARTS_DIR]
    below = (source / "chalicelib", source / ".chalice", PARTS_DIR)
    async for batch in awatch(
        *watched,
        watch_filter=_matters,
        step=STEP_MS,
        debounce=DEBOUNCE_MS,
        recursive=False,
    ):
        paths = {Path(path) for _change, path in batch}
        ours = {
            path
            for path in paths
            if path == source / "app.py" or any(part in path.parents for part in below)
        }
        if ours:
            yield ours
