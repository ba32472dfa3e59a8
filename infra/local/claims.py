"""What a local stack needs for itself, claimed before anything is started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import TextIO

from infra.errors import InfraError
from infra.local.edge_listen import PortTakenError, listen


def claim_port(port: int, service: str, way_out: str) -> int:
    """See whether a port is free, before anything is started; 0 becomes a free one.

    Args:
        port: the port.
        service: who wants it.
        way_out: how to choose another; ``{port}`` in it becomes one.

    Raises:
        InfraError: it is taken.
    """
    try:
        sockets = listen(port, service)
    except PortTakenError as error:
        raise InfraError(f"{error}: {way_out.format(port=port + 10)}") from error
    claimed = int(sockets[0].getsockname()[1])
    for listener in sockets:
        listener.close()
    return claimed


def claim_directory(path: Path) -> TextIO:
    """Have a state directory to oneself for as long as the returned file is open.

    It has tables, messages and keys, so other users of the machine have no access to it.

    Raises:
        InfraError: another local stack has it; names its process.
    """
    path.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode
    if not mode & stat.S_ISVTX:  # /tmp and its like are everybody's
        with contextlib.suppress(PermissionError):  # another user's
            path.chmod(0o700)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    file = (path / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise InfraError(
            f"{path} is in use by another local stack (process {owner}): stop that one, or choose "
            "another --state-dir"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
