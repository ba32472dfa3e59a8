"""Who gets a second try, and that it is told."""

from __future__ import annotations

import pytest

from tests.support.second_try import SecondTry

pytest_plugins = ["pytester"]

TESTS = """
import pytest

tries = []

@pytest.fixture(scope="module")
def made_once():
    assert not tries
    return []

def test_of_bad_luck(made_once):
    made_once.append(1)
    tries.append(1)
    assert len(tries) == 2

def test_of_a_bug():
    assert False
"""


def test_a_browser_test_is_tried_once_more_and_named(pytester: pytest.Pytester) -> None:
    browser = pytester.mkdir("browser")
    (browser / "test_browser.py").write_text(TESTS)
    pytester.makepyfile(test_other="def test_of_another_bug():\n    assert False\n")
    result = pytester.runpytest_inprocess("-p", "no:randomly", plugins=[SecondTry(browser)])
    result.assert_outcomes(passed=1, failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    named = [line for line in result.outlines if line.startswith("needed a second try: ")]
    assert [line.rsplit("::")[-1] for line in named] == ["test_of_bad_luck", "test_of_a_bug"]
