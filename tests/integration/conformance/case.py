"""Marking tests as cases, and finding all of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

GUIDE: Final = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
API: Final = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"

_ATTRIBUTE: Final = "conformance_case"


@dataclass(frozen=True)
class Case:
    """Something that AWS documents: `says` it in a sentence, `url` is where AWS does."""

    name: str
    says: str
    url: str
    service: str


@dataclass(frozen=True)
class Topic:
    """The cases of one module."""

    title: str
    cases: tuple[Case, ...]


def case(url: str, *, service: str = "dynamodb") -> Callable[[Function], Function]:
    """Make a test a case. Its docstring's first paragraph is what AWS says."""

    def mark(function: Function) -> Function:
        says = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        found = Case(function.__name__, says, url, service)
        setattr(function, _ATTRIBUTE, found)
        return function

    return mark


def case_of(function: object) -> Case | None:
    """The case that a test is, if it is one."""
    found: Case | None = getattr(function, _ATTRIBUTE, None)
    return found


def all_topics() -> list[Topic]:
    """All modules with cases, by name; cases as they are written there."""
    package = __name__.rpartition(".")[0]
    modules = sorted(
        module.name
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if module.name.startswith("test_")
    )
    return [_topic(importlib.import_module(f"{package}.{name}")) for name in modules]


def _topic(module: ModuleType) -> Topic:
    cases = tuple(found for value in vars(module).values() if (found := case_of(value)))
    title = (module.__doc__ or "").strip().splitlines()[0].removesuffix(".")
    return Topic(title, cases)
