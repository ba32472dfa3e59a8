"""What a local stack tells of itself: to people, and to programs by the ready file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.errors import InfraError
from infra.local.deployed import Deployed
from infra.local.deployment import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from infra.local.emulator_process import REGION
from infra.local.http_front import SCHEDULES_PATH


def what_is_where(title: str, port: int, deployed: Deployed) -> list[str]:
    """Addresses for people.

    Args:
        title: the app's.
        port: the gateway's.
        deployed: what is deployed.
    """
    base = f"localhost:{port}"
    stage = deployed.websocket.stage
    keys = f"access key {ACCESS_KEY_ID}, secret {SECRET_ACCESS_KEY}"
    return [
        f"{title} is at ws://{base}/{stage}",
        *(f"HTTP: {url}" for url in http_urls(port, deployed).values()),
        f"posts to connections: http://{base}/{stage}/@connections/ID",
        f"AWS: {deployed.endpoint}, Region {REGION}, {keys}",
        *(
            f"{schedule.name}, {schedule.expression}; now: "
            f"curl -X POST http://{base}{SCHEDULES_PATH}/{schedule.name}"
            for schedule in deployed.schedules
        ),
    ]


def http_urls(port: int, deployed: Deployed) -> dict[str, str]:
    """Where the stages of REST and HTTP APIs are served."""
    base = f"http://localhost:{port}"
    return {
        stage.stage: base if stage.stage.startswith("$") else f"{base}/{stage.stage}"
        for stage in deployed.http
    }


def write_ready_file(
    path: Path, stack_name: str, port: int, deployed: Deployed, more: Mapping[str, Any]
) -> None:
    """Addresses for programs, as JSON.

    Args:
        path: the file.
        stack_name: the stack's.
        port: the gateway's.
        deployed: what is deployed.
        more: added, or instead.
    """
    stage = deployed.websocket.stage
    content = {
        "websocket": f"ws://localhost:{port}/{stage}",
        "management_endpoint": f"http://localhost:{port}/{stage}",
        "http": http_urls(port, deployed),
        "aws_endpoint": deployed.endpoint,
        "region": REGION,
        "stack_name": stack_name,
        "functions": dict(deployed.functions),
        "outputs": dict(deployed.outputs),
        "pid": os.getpid(),
        **more,
    }
    # Renamed into place: who waits for the file never reads half of it.
    draft = _draft(path)
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


@contextmanager
def claim_ready_file(path: Path) -> Iterator[None]:
    """See that a ready file can be written, and let none be there that is not true.

    Raises:
        InfraError: it can't; says why.
    """
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        draft.touch()
    except OSError as error:
        raise InfraError(f"--ready-file {path} can't be written: {error.strerror}") from error
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)
        if _writer(path) == os.getpid():  # another stack may have been given the same file
            path.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _writer(path: Path) -> int | None:
    """Process id of the stack that a ready file is of."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content.get("pid") if isinstance(content, dict) else None
