"""One environment for all tests.

Every process that runs tests (each of xdist's workers) starts a local stack of its own when
tests are asked for that need it, so that no test meets another's faults. With
``--site=localstack`` the tests marked ``localstack`` run with the handlers in this process on
LocalStack instead: one for all workers, tables for each.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import second_try
from tests.support.handlers import ManagementServer
from tests.support.kakao import running_kakao
from tests.support.localstack import (
    OLD_ENGINE,
    NoLocalStackError,
    has_old_engine,
    localstack_server,
    own_resources,
)
from tests.support.order import in_shares
from tests.support.rights_plugin import RightsPlugin
from tests.support.selection import select_for
from tests.support.stack import LocalStack, StackSite

#: What the app needs to be imported at all; the stack's own values replace it.
DEFAULTS = {
    "TABLE_PREFIX": "test-",
    "SITE_ORIGIN": "http://localhost:8000",
    "SECRETS_PARAMETER": "/ping-pong/test",
    "BACKGROUND_FUNCTION": "background",
    "PUSH_FUNCTION": "push",
    # Handlers in this process push every chat at once, so that tests need not wait; those of
    # the stack do as on AWS.
    "FRAME_PACE_MS": "0",
    # So that tests may say things as fast as they can; those of flood control set it.
    "CHAT_WINDOW_MS": "0",
    "NEW_ACCOUNT_HOURS": "0",
    "KAKAO_OIDC": "1",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
TESTS = Path(__file__).parent
STACK = pytest.StashKey[LocalStack]()
LOCALSTACK = pytest.StashKey[ExitStack]()
MANAGEMENT = pytest.StashKey[ManagementServer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--site",
        choices=("stack", "localstack", "dynamodb-local"),
        default="stack",
        help="what the integration tests run on",
    )


def pytest_configure(config: pytest.Config) -> None:
    site = config.getoption("--site")
    opened = config.stash[LOCALSTACK] = ExitStack()
    if site == "localstack" and _needs_stack(config) and not hasattr(config, "workerinput"):
        # What it sets is inherited by the workers.
        try:
            opened.enter_context(localstack_server())
        except NoLocalStackError as error:
            raise pytest.UsageError(str(error)) from error
    rights = RightsPlugin(
        runs_tests=_runs_tests(config),
        is_controller=not hasattr(config, "workerinput"),
        on_stack=site == "stack",
    )
    config.pluginmanager.register(rights)
    if second_try.is_wanted():
        config.pluginmanager.register(second_try.SecondTry())
    if not _runs_tests(config):
        return
    os.environ.update(DEFAULTS)
    os.environ.pop("AWS_PROFILE", None)
    # Before anything imports the app, which reads its environment then.
    management = config.stash[MANAGEMENT] = ManagementServer()
    os.environ.update(MANAGEMENT_ENDPOINT=management.url, AWS_ENDPOINT_URL_LAMBDA=management.url)
    if site == "localstack" and _needs_stack(config):
        opened.enter_context(own_resources())
        kakao = opened.enter_context(running_kakao())
        os.environ.update(KAKAO_AUTH_URL=kakao, KAKAO_API_URL=kakao)
    if site == "stack" and _needs_stack(config):
        stack = config.stash[STACK] = LocalStack(Path(tempfile.mkdtemp(prefix="ping-pong-test-")))
        stack.start()
        os.environ.update(stack.environment)
        rights.stack = (stack.state_dir, stack.ready)


def pytest_unconfigure(config: pytest.Config) -> None:
    if LOCALSTACK in config.stash:
        config.stash[LOCALSTACK].close()
    management = config.stash.get(MANAGEMENT, None)
    if management is not None:
        management.stop()
    stack = config.stash.get(STACK, None)
    if stack is not None:
        stack.stop()
        if keep := os.environ.get("KEEP_STACK_LOG"):
            shutil.copy(stack.log_path, f"{keep}.{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
        shutil.rmtree(stack.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> LocalStack:
    """The running local stack of this process."""
    return request.config.stash[STACK]


@pytest.fixture(scope="session")
def stack_site(stack: LocalStack) -> StackSite:
    """The site as the running local stack serves it."""
    return stack.site


@pytest.hookimpl(trylast=True)  # after pytest-randomly
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    site = config.getoption("--site")
    if site != "stack":
        wanted = select_for(site.replace("-", "_"), items)
        unwanted = set(items).difference(wanted)
        items[:] = wanted
        config.hook.pytest_deselected(items=list(unwanted))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = in_shares(items, workers, lambda item: item.path.relative_to(TESTS).parts)
    endpoint = os.environ.get("LOCALSTACK_ENDPOINT") if site == "localstack" else None
    if endpoint and has_old_engine(endpoint):
        for item in items:
            if item.name in OLD_ENGINE:
                item.add_marker(pytest.mark.xfail(reason=OLD_ENGINE[item.name], strict=True))


def _runs_tests(config: pytest.Config) -> bool:
    """Whether this process runs tests itself: a worker, or there are no workers."""
    return hasattr(config, "workerinput") or not config.getoption("numprocesses", None)


def _needs_stack(config: pytest.Config) -> bool:
    """Whether anything but unit tests was asked for."""
    if config.option.collectonly or config.option.help:
        return False
    return any(
        not Path(argument.split("::")[0]).resolve().is_relative_to(Path(__file__).parent / "unit")
        for argument in config.args
    )
