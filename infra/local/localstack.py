"""A LocalStack that runs already: whether it is one, recent enough, and has what is needed.

https://docs.localstack.cloud/aws/capabilities/networking/internal-endpoints/
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from infra.errors import InfraError

#: The release that tests run on, and the last that needs no account. Older ones are refused.
VERSION: Final = "4.14"

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4566"
HEALTH_PATH: Final = "/_localstack/health"
HEALTH_SECONDS: Final = 5.0

#: What the health report says of a service that can be used; most are loaded at their first use.
USABLE: Final = ("available", "running", "starting", "initializing", "initialized")

HOW_TO_START: Final = (
    "Start LocalStack (`docker compose -f tests/compose.yaml up --wait`), or name one that "
    "runs by LOCALSTACK_ENDPOINT=http://HOST:PORT"
)


@dataclass(frozen=True)
class LocalStackServer:
    """One that answers: where, and its version."""

    endpoint: str
    version: str


def find_localstack(endpoint: str, services: Collection[str]) -> LocalStackServer:
    """Ask a LocalStack what it is and has.

    Args:
        endpoint: its address, such as ``http://127.0.0.1:4566``.
        services: that it must have, by boto3's names.

    Raises:
        InfraError: the address is none, nothing like LocalStack answers there, it is older
            than VERSION, or it lacks a service; with what to do.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or not parts.hostname or not _has_port(endpoint) or parts.path:
        raise InfraError(
            f"LOCALSTACK_ENDPOINT must be like {DEFAULT_ENDPOINT}, not {endpoint!r} (Lambdas "
            "trust no TLS certificate but the gateway's)"
        )
    report = _health(endpoint)
    version, found = report.get("version"), report.get("services")
    if not isinstance(version, str) or not isinstance(found, dict):
        raise InfraError(f"what answers at {endpoint} is not LocalStack. {HOW_TO_START}")
    if _numbers(version) < _numbers(VERSION):
        raise InfraError(
            f"LocalStack at {endpoint} is {version}; {VERSION} or newer is needed. {HOW_TO_START}"
        )
    missing = sorted(name for name in services if found.get(name) not in USABLE)
    if missing:
        raise InfraError(
            f"LocalStack at {endpoint} does not offer {', '.join(missing)}. Start it without "
            f"SERVICES, or with SERVICES={','.join(sorted(services))}"
        )
    return LocalStackServer(endpoint, version)


def _has_port(endpoint: str) -> bool:
    try:
        return urlsplit(endpoint).port is not None
    except ValueError:  # no number, or too large
        return False


def _health(endpoint: str) -> dict[str, Any]:
    """The health report; empty if what answers has none."""
    url = endpoint + HEALTH_PATH
    try:
        with urllib3.PoolManager(retries=False, timeout=HEALTH_SECONDS) as pool:
            answer = pool.request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        raise InfraError(f"nothing answers at {endpoint} ({error}). {HOW_TO_START}") from error
    try:
        report = answer.json()
    except ValueError:
        return {}
    return report if answer.status == 200 and isinstance(report, dict) else {}


def _numbers(version: str) -> tuple[int, ...]:
    """``4.14.1.dev3`` as (4, 14): what releases are compared by."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
