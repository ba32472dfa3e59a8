"""What a local stack tells of itself: to people, and to programs by the ready file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
