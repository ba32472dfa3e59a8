"""The site that the integration tests run on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import MANAGEMENT
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Site:
    """The running stack, or with ``--site=localstack`` the handlers on LocalStack."""
    if request.config.getoption("--site") == "stack":
        site: Site = request.getfixturevalue("stack_site")
    else:
        site = _handlers(request)
    return site


@pytest.fixture(scope="session")
def handlers(request: pytest.FixtureRequest) -> HandlerSite:
    """The handlers in this process: on the stack's DynamoDB, or on LocalStack's."""
    if request.config.getoption("--site") == "stack":
        return _handlers(request)
    site: HandlerSite = request.getfixturevalue("site")
    return site


def _handlers(request: pytest.FixtureRequest) -> HandlerSite:
    management = request.config.stash[MANAGEMENT]
    return HandlerSite(os.environ["SITE_ORIGIN"], os.environ["KAKAO_AUTH_URL"], management)


@pytest.fixture
def host(handlers: HandlerSite) -> ChatClient:
    """Somebody on the handlers in this process, connected and greeted."""
    return new_person(handlers).chat()


@pytest.fixture
def guest(handlers: HandlerSite) -> Browser:
    """Somebody else there, who is not connected yet."""
    return new_person(handlers)


@pytest.fixture
def at(handlers: HandlerSite) -> Iterator[Callable[[int], None]]:
    """Sets when API Gateway took the next frames, in ms from now."""
    from chalicelib.clock import now_ms

    began = now_ms()

    def take(after: int) -> None:
        handlers.received_at = began + after

    yield take
    handlers.received_at = None
