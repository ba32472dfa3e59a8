"""The table of what emulators do is that of the cases and of what is known."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from infra.aws.template import merge_template
from infra.local.part import TABLE
from tests.integration.conformance import table
from tests.integration.conformance.__main__ import read_report
from tests.integration.conformance.case import all_topics
from tests.integration.conformance.deviations import DEVIATIONS

TOPICS = all_topics()
CASES = [case for topic in TOPICS for case in topic.cases]

REPORT = """<testsuites><testsuite name="pytest">
<properties><property name="emulator" value="embedded"/><property name="title" value="One"/>
</properties>
<testcase classname="x" name="test_c"/>
<testcase classname="x" name="test_b"><skipped type="pytest.xfail" message="known"/></testcase>
<testcase classname="x" name="test_a"><skipped type="pytest.skip" message="none"/></testcase>
</testsuite></testsuites>"""


def test_every_case_says_what_and_where() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) > 100
    for case in CASES:
        assert case.says.endswith("."), case
        assert case.url.startswith("https://docs.aws.amazon.com/"), case


def test_what_is_known_is_of_cases() -> None:
    names = {case.name for case in CASES}
    for known in DEVIATIONS.values():
        assert known.keys() <= names


def test_there_are_no_streams_to_try() -> None:
    """If this fails: a case is wanted, and the page's introduction is wrong."""
    resources = merge_template()["Resources"].values()
    tables = [body["Properties"] for body in resources if body.get("Type") == TABLE]
    assert tables
    assert not [table for table in tables if "StreamSpecification" in table]
    kinds = {body.get("Type") for body in resources}
    assert "AWS::Lambda::EventSourceMapping" not in kinds


@pytest.mark.parametrize("emulator", DEVIATIONS)
def test_the_last_run_is_of_these_cases(emulator: str) -> None:
    """If this fails: ``make conformance``."""
    run = table.read()[emulator]
    assert sorted(run.held + run.differed + run.skipped) == sorted(case.name for case in CASES)
    assert set(run.differed) == DEVIATIONS[emulator].keys()


def test_the_page_is_of_the_last_runs() -> None:
    """If this fails: ``make conformance``."""
    assert table.PAGE.read_text("utf-8") == table.page(TOPICS, table.read(), DEVIATIONS)


def test_a_report_is_read() -> None:
    name, run = read_report(ElementTree.fromstring(REPORT))
    assert name == "embedded"
    assert run == table.Run("One", ["test_c"], ["test_b"], ["test_a"])
