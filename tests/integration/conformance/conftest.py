"""Each case on the emulator that ``--site`` names, and what is known to be otherwise there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conformance import targets
from tests.integration.conformance.case import Case, case_of
from tests.integration.conformance.deviations import DEVIATIONS
from tests.integration.conformance.emulators import Emulator, Tables

#: How a case may fail where a deviation is known; anything else is a defect of the case.
FAILURES = (AssertionError, ClientError, pytest.fail.Exception)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if case_of(getattr(item, "function", None)) is not None:
            for site in targets.SITES:
                if site != "stack":
                    item.add_marker(site.replace("-", "_"))


@pytest.fixture(scope="session")
def emulator(
    request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Emulator]:
    """What the cases run on."""
    site = request.config.getoption("--site")
    with targets.running(site) as emulator:
        record_testsuite_property("emulator", emulator.name)
        record_testsuite_property("title", emulator.title)
        yield emulator


@pytest.fixture(scope="session")
def tables(emulator: Emulator) -> Iterator[Tables]:
    """The template's tables."""
    tables = Tables(emulator, os.environ["TABLE_PREFIX"])
    yield tables
    tables.delete_scratch_tables()


@pytest.fixture(autouse=True)
def _known(request: pytest.FixtureRequest, emulator: Emulator) -> None:
    """Expect a failure where one is known, and skip services that are not there."""
    case = case_of(request.function)
    assert case is not None, "every test here is a case"
    _require(case, emulator)
    reason = DEVIATIONS[emulator.name].get(case.name)
    if reason is not None:
        mark = pytest.mark.xfail(reason=reason, strict=True, raises=FAILURES)
        request.applymarker(mark)


def _require(case: Case, emulator: Emulator) -> None:
    if case.service != "dynamodb" and emulator.name.startswith("dynamodb-local"):
        pytest.skip(f"{emulator.title} has DynamoDB only")


__all__: list[Any] = ["emulator", "tables"]
