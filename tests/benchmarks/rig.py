"""What the benchmarks of chats have around the app: DynamoDB, the management API, events.

DynamoDB is the emulator of the local stack, the management API a stub; both are processes of
their own, and real sockets lead to them.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from botocore.httpsession import get_cert_path

from infra.local.emulator_process import REGION
from tests.benchmarks import driver, seed
from tests.benchmarks.contenders import storage
from tests.conftest import DEFAULTS
from tests.support.management_stub import stub_process

#: How long the stub takes to answer a post.
LATENCY_SECONDS: Final = 0.010
#: As long as a Lambda's.
SESSION_TOKEN: Final = "t" * 800

Environment = Mapping[str, str]


@contextmanager
def tables(endpoint: str = "") -> Iterator[Environment]:
    """Empty tables; gives the environment of who works on them.

    Args:
        endpoint: of an emulator that runs; else one runs until the end of the context.
    """
    with nullcontext(endpoint) if endpoint else _own_emulator() as found:
        environment = DEFAULTS | {
            "TABLE_PREFIX": f"bench-{os.urandom(4).hex()}-",
            "AWS_ENDPOINT_URL": found,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SESSION_TOKEN": SESSION_TOKEN,
        }
        driver.run("seed", environment=environment)
        yield environment


@contextmanager
def _own_emulator() -> Iterator[str]:
    with storage() as emulator:
        yield emulator.endpoint


@contextmanager
def management(record: Path | None = None) -> Iterator[Environment]:
    """A stub of the management API; gives the environment of who posts to it.

    Args:
        record: where it writes at its end what it got.
    """
    with (
        tempfile.TemporaryDirectory() as directory,
        stub_process(Path(directory), LATENCY_SECONDS, record) as (url, ca_file),
    ):
        bundle = Path(directory) / "all.pem"
        bundle.write_text(Path(str(get_cert_path(True))).read_text() + ca_file.read_text())
        yield {"MANAGEMENT_ENDPOINT": url, "AWS_CA_BUNDLE": str(bundle)}


def send_chat(person: int, room: int, cid: str, text: str = seed.TEXT) -> dict[str, Any]:
    """The event of a chat that a person sends."""
    return message(
        person, {"type": "chat.send", "room_id": seed.room_id(room), "cid": cid, "text": text}
    )


def message(person: int, command: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a frame, as API Gateway gives it to the Lambda."""
    return {
        "requestContext": {
            "routeKey": "$default",
            "eventType": "MESSAGE",
            "connectionId": seed.connection_id(person),
            "apiId": "bench",
            "stage": "ws",
            "domainName": "localhost",
            "requestTimeEpoch": time.time_ns() // 1_000_000,
        },
        "isBase64Encoded": False,
        "body": json.dumps({"ref": "1", **command}),
    }
