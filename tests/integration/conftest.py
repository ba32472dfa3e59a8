"""The site that the integration tests run on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import MANAGEMENT
from tests.support.handlers import HandlerSite
from tests.support.kakao import running_kakao
from tests.support.localstack import running_localstack
from tests.support.site import Site


@pytest.fixture(scope="session")
def localstack() -> Iterator[None]:
    """LocalStack with the template's tables, for ``--site=localstack``."""
    with running_localstack():
        yield


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The running stack, or with ``--site=localstack`` the handlers on LocalStack."""
    if request.config.getoption("--site") == "stack":
        yield request.getfixturevalue("stack_site")
    else:
        request.getfixturevalue("localstack")
        with running_kakao() as kakao:
            os.environ["KAKAO_AUTH_URL"] = os.environ["KAKAO_API_URL"] = kakao
            yield _handlers(request, kakao)


@pytest.fixture(scope="session")
def handlers(request: pytest.FixtureRequest) -> HandlerSite:
    """The handlers in this process: on the stack's DynamoDB, or on LocalStack's."""
    if request.config.getoption("--site") == "stack":
        return _handlers(request, os.environ["KAKAO_AUTH_URL"])
    site: HandlerSite = request.getfixturevalue("site")
    return site


def _handlers(request: pytest.FixtureRequest, kakao: str) -> HandlerSite:
    management = request.config.stash[MANAGEMENT]
    return HandlerSite(os.environ["SITE_ORIGIN"], kakao, management)
