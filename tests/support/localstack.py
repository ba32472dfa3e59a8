"""LocalStack through pytest-localstack, with the project's tables on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import docker
import pytest
from docker.errors import DockerException
from pytest_localstack.session import LocalstackSession, RunningSession

from tests.support.tables import create_tables, delete_tables

#: The last release that needs no account.
VERSION: Final = "4.14"
SERVICES: Final = ("cloudformation", "dynamodb", "ssm")
START_SECONDS: Final = 120


@contextmanager
def running_localstack() -> Iterator[None]:
    """LocalStack at ``LOCALSTACK_ENDPOINT``, or else in a container of its own.

    Sets AWS_ENDPOINT_URL and TABLE_PREFIX; the tables are deleted at the end.
    """
    endpoint = os.environ.get("LOCALSTACK_ENDPOINT")
    session = _running(endpoint) if endpoint else _container()
    session.start(timeout=START_SECONDS)
    try:
        url = session.endpoint_url("dynamodb")
        os.environ["AWS_ENDPOINT_URL"] = url
        stack_name = f"pytest-{os.getpid()}-{os.urandom(3).hex()}"
        os.environ["TABLE_PREFIX"] = f"{stack_name}-"
        create_tables(url, stack_name)
        yield
        delete_tables(url, stack_name)
    finally:
        session.stop(timeout=30)


def _running(endpoint: str) -> Any:
    parts = urlsplit(endpoint)
    if parts.hostname is None or parts.port is None:
        pytest.fail(f"LOCALSTACK_ENDPOINT must be like http://127.0.0.1:4566, not {endpoint!r}")
    return RunningSession(hostname=parts.hostname, services=dict.fromkeys(SERVICES, parts.port))


def _container() -> Any:
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        pytest.fail(
            "LocalStack is needed: start Docker, or a LocalStack of your own and set "
            f"LOCALSTACK_ENDPOINT=http://127.0.0.1:4566 (Docker: {error})"
        )
    return LocalstackSession(
        docker_client=client, services=list(SERVICES), localstack_version=VERSION
    )
