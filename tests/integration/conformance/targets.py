"""The emulators, each found or started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import requests

from tests.integration.conformance.emulators import Emulator
from tests.support.dynamodb_local import running_dynamodb_local
from tests.support.localstack import has_old_engine

#: What ``--site`` can be here.
SITES: Final = ("stack", "localstack", "dynamodb-local")


@contextmanager
def running(site: str) -> Iterator[Emulator]:
    """The emulator that a site has, with the template's tables; TABLE_PREFIX is theirs."""
    if site == "stack":
        yield _emulator("embedded", f"embedded (MiniStack {version('ministack')})")
    elif site == "localstack":
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        health = requests.get(f"{endpoint}/_localstack/health", timeout=30).json()
        title = f"LocalStack {health['version']}"
        if has_old_engine(endpoint):
            yield _emulator("localstack-2020", f"{title} on DynamoDB Local of 2020")
        else:
            yield _emulator("localstack", title)
    else:
        with running_dynamodb_local() as engine:
            yield _emulator("dynamodb-local", f"DynamoDB Local {engine}")


def _emulator(name: str, title: str) -> Emulator:
    return Emulator(name, title, os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"])
