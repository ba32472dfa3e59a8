"""Which of the tests run on an engine that is not the stack's own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def select_for(engine: str, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests with the engine's marker, in their order.

    Without those that are ``stack_only``; and of a test's cases that are ``alike`` with the
    first of them only, as they are written, whatever the order of the items is.
    """
    wanted = [item for item in items if _has(item, engine) and not _has(item, "stack_only")]
    first: dict[str, pytest.Item] = {}
    for item in wanted:
        if _has(item, "alike"):
            other = first.setdefault(_function_of(item), item)
            if _place(item) < _place(other):
                first[_function_of(item)] = item
    kept = set(first.values())
    return [item for item in wanted if item in kept or not _has(item, "alike")]


def _has(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


def _function_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _place(item: pytest.Item) -> tuple[int, ...]:
    """The case's place among those of its test."""
    callspec = getattr(item, "callspec", None)
    return tuple(callspec.indices.values()) if callspec else ()
