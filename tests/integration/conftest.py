"""The site that the integration tests run on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.conftest import READY
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.kakao import running_kakao
from tests.support.localstack import running_localstack
from tests.support.site import Site
from tests.support.stack import StackSite


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The running stack, or with ``--site=localstack`` the handlers on LocalStack."""
    if request.config.getoption("--site") == "stack":
        ready = json.loads(os.environ[READY])
        yield StackSite(ready["origin"], ready["websocket"], ready["kakao"])
    else:
        with running_localstack(), running_kakao() as kakao:
            yield from _handlers(kakao)


@pytest.fixture(scope="session")
def handlers(request: pytest.FixtureRequest) -> Iterator[HandlerSite]:
    """The handlers in this process: on the stack's DynamoDB, or on LocalStack's."""
    if request.config.getoption("--site") == "stack":
        yield from _handlers(os.environ["KAKAO_AUTH_URL"])
    else:
        yield request.getfixturevalue("site")


def _handlers(kakao: str) -> Iterator[HandlerSite]:
    management = ManagementServer()
    os.environ["MANAGEMENT_ENDPOINT"] = management.url
    os.environ["AWS_ENDPOINT_URL_LAMBDA"] = management.url
    os.environ["KAKAO_AUTH_URL"] = os.environ["KAKAO_API_URL"] = kakao
    yield HandlerSite(os.environ["SITE_ORIGIN"], kakao, management)
    management.stop()
