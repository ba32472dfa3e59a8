"""LocalStack through pytest-localstack, with the project's tables on it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import docker
import requests
from botocore.exceptions import ClientError
from docker.errors import DockerException
from pytest_localstack.exceptions import TimeoutError as NotStartedError
from pytest_localstack.session import LocalstackSession, RunningSession

from infra.local.localstack import VERSION
from tests.support.tables import create_tables, delete_stack

SERVICES: Final = ("cloudformation", "dynamodb", "lambda", "s3", "sqs", "ssm")
START_SECONDS: Final = 120
#: What answers at LOCALSTACK_ENDPOINT should have been started by now.
ANSWER_SECONDS: Final = 30

#: Tests that fail where LocalStack has a DynamoDB Local of 2020, and why.
OLD_ENGINE: Final = {
    "test_more_holes_than_a_transaction_has_parts_are_filled": "takes 10 actions in a transaction",
}


class NoLocalStackError(Exception):
    """There is no LocalStack; says what to do."""


@contextmanager
def localstack_server() -> Iterator[None]:
    """LocalStack at ``LOCALSTACK_ENDPOINT``, or a container that is there from then on.

    For the process that starts all others, which share it.

    Raises:
        NoLocalStackError: there is none.
    """
    session = open_session(os.environ.get("LOCALSTACK_ENDPOINT"))
    os.environ["LOCALSTACK_ENDPOINT"] = session.endpoint_url("dynamodb")
    try:
        yield
    finally:
        session.stop(timeout=30)


@contextmanager
def own_resources() -> Iterator[None]:
    """This process's own tables and secret on the LocalStack at ``LOCALSTACK_ENDPOINT``.

    Sets AWS_ENDPOINT_URL, TABLE_PREFIX and SECRETS_PARAMETER, before anything imports the app,
    which reads them then. What was made is deleted at the end.
    """
    url = os.environ["LOCALSTACK_ENDPOINT"]
    stack_name = f"pytest-{os.getpid()}-{os.urandom(3).hex()}"
    os.environ["AWS_ENDPOINT_URL"] = url
    os.environ["TABLE_PREFIX"] = f"{stack_name}-"
    os.environ["SECRETS_PARAMETER"] = f"/{stack_name}/secrets"
    try:
        create_tables(url, stack_name)
        yield
    finally:
        delete_stack(url, stack_name)
        ssm = boto3.client("ssm", endpoint_url=url)
        with contextlib.suppress(ssm.exceptions.ParameterNotFound):  # nobody needed a secret
            ssm.delete_parameter(Name=os.environ["SECRETS_PARAMETER"])


def open_session(endpoint: str | None) -> Any:
    """A LocalStack that answers: a running one, or a new container. To be stopped.

    Raises:
        NoLocalStackError: there is none.
    """
    if endpoint:
        session, seconds = _running(endpoint), ANSWER_SECONDS
        hint = f"nothing like LocalStack answers at LOCALSTACK_ENDPOINT={endpoint}"
    else:
        session, seconds = _container(), START_SECONDS
        hint = f"LocalStack {VERSION} did not start in its container"
    try:
        session.start(timeout=seconds)
        # start returns when its time is over, too.
        requests.get(session.endpoint_url("ssm") + "/_localstack/health", timeout=seconds)
    except (NotStartedError, requests.RequestException) as error:
        session.stop(timeout=30)
        raise NoLocalStackError(f"{hint}: {error}") from error
    return session


def _running(endpoint: str) -> Any:
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or parts.hostname is None or parts.port is None:
        raise NoLocalStackError(
            f"LOCALSTACK_ENDPOINT must be like http://127.0.0.1:4566, not {endpoint!r}"
        )
    return RunningSession(hostname=parts.hostname, services=dict.fromkeys(SERVICES, parts.port))


def _container() -> Any:
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        raise NoLocalStackError(
            "LocalStack is needed: start Docker, or a LocalStack of your own and set "
            f"LOCALSTACK_ENDPOINT=http://127.0.0.1:4566 (Docker: {error})"
        ) from error
    return LocalstackSession(
        docker_client=client, services=list(SERVICES), localstack_version=VERSION
    )


def has_old_engine(endpoint: str) -> bool:
    """Whether this LocalStack has a DynamoDB Local from before PartiQL, so from before 2021.

    LocalStack's container downloads the latest one. A LocalStack without Docker has what it was
    given, and a package registry's may be years old.
    """
    client = boto3.client("dynamodb", endpoint_url=endpoint)
    try:
        client.execute_statement(Statement="this is no PartiQL")
    except ClientError as error:
        return error.response["Error"]["Code"] != "ValidationException"
    return False
