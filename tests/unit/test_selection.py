"""What of the tests runs on an engine that is not the stack's own."""

from __future__ import annotations

import textwrap

import pytest

from tests.support.selection import select_for

pytest_plugins = ("pytester",)

SOURCE = textwrap.dedent("""
    import pytest

    engine, alike, stack_only = (
        getattr(pytest.mark, name) for name in ("engine", "alike", "stack_only")
    )

    @engine
    def test_there(): ...

    def test_elsewhere(): ...

    @engine
    @stack_only
    def test_long(): ...

    @engine
    @pytest.mark.parametrize("case", "abc")
    def test_each(case): ...

    @engine
    @alike
    @pytest.mark.parametrize("case", "abc")
    @pytest.mark.parametrize("more", "xyz")
    def test_any(case, more): ...

    @engine
    @pytest.mark.parametrize("case", ["a", *(pytest.param(c, marks=alike) for c in "bcd")])
    def test_some(case): ...

    @engine
    @alike
    @pytest.mark.parametrize("case", [pytest.param("a", marks=stack_only), "b[", "c"])
    def test_not_the_first(case): ...
""")
WANTED = [
    "test_there",
    *("test_each[a]", "test_each[b]", "test_each[c]"),
    "test_any[x-a]",
    *("test_some[a]", "test_some[b]"),
    "test_not_the_first[b[]",
]


@pytest.fixture(autouse=True)
def _markers(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers = engine\n alike\n stack_only")


@pytest.mark.parametrize("step", [1, -1], ids=["as written", "backwards"])
def test_one_of_what_is_alike_and_none_of_what_says_nothing(
    pytester: pytest.Pytester, step: int
) -> None:
    items = pytester.getitems(SOURCE)[::step]
    assert [item.name for item in select_for("engine", items)] == WANTED[::step]


def test_a_case_that_is_asked_for_by_name_runs(pytester: pytest.Pytester) -> None:
    asked = [item for item in pytester.getitems(SOURCE) if item.name == "test_any[z-c]"]
    assert select_for("engine", asked) == asked
    assert len(asked) == 1
