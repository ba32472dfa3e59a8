"""One environment for all tests.

``pytest`` starts the local stack once, before xdist's workers, whenever tests are asked
for that need it; ``--site=localstack`` runs the tests marked ``localstack`` with the
handlers in this process on LocalStack instead.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support.stack import LocalStack

#: What the app needs to be imported at all; the stack's own values replace it.
DEFAULTS = {
    "TABLE_PREFIX": "test-",
    "SITE_ORIGIN": "http://localhost:8000",
    "SECRETS_PARAMETER": "/ping-pong/test",
    "BACKGROUND_FUNCTION": "background",
    "KAKAO_OIDC": "1",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
READY = "PING_PONG_TEST_STACK"
_KEY = pytest.StashKey[LocalStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--site",
        choices=("stack", "localstack"),
        default="stack",
        help="what the integration tests run on",
    )


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # the controller has set the environment up
    os.environ.update(DEFAULTS)
    os.environ.pop("AWS_PROFILE", None)
    if config.getoption("--site") == "stack" and _needs_stack(config):
        directory = Path(tempfile.mkdtemp(prefix="ping-pong-test-"))
        stack = config.stash[_KEY] = LocalStack(directory)
        stack.start()
        os.environ[READY] = json.dumps(stack.ready)
        os.environ.update(
            TABLE_PREFIX=stack.ready["table_prefix"],
            SITE_ORIGIN=stack.ready["origin"],
            SECRETS_PARAMETER=stack.ready["secrets_parameter"],
            AWS_ENDPOINT_URL=stack.ready["aws_endpoint"],
            AWS_REGION=stack.ready["region"],
            AWS_DEFAULT_REGION=stack.ready["region"],
            KAKAO_AUTH_URL=stack.ready["kakao"],
            KAKAO_API_URL=stack.ready["kakao"],
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    stack = config.stash.get(_KEY, None)
    if stack is not None:
        stack.stop()
        shutil.rmtree(stack.directory, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--site") == "localstack":
        unwanted = [item for item in items if item.get_closest_marker("localstack") is None]
        items[:] = [item for item in items if item.get_closest_marker("localstack")]
        config.hook.pytest_deselected(items=unwanted)


def _needs_stack(config: pytest.Config) -> bool:
    """Whether anything but unit tests was asked for."""
    if config.option.collectonly or config.option.help:
        return False
    return any(
        not Path(argument.split("::")[0]).resolve().is_relative_to(Path(__file__).parent / "unit")
        for argument in config.args
    )
