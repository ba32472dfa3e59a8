"""Lambdas as their author knows them: logical ids for names, and source files for unpacked code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.local.apps import Build
from infra.local.deployed import Deployed

#: Where the emulator unpacks a function's code (ministack/functions.py); not its layers.
_UNPACKED: Final = re.compile(r"/[^\s\"]*/lambda-[^/\s]+/0/")

#: What of an invocation's summary has paths.
_WITH_PATHS: Final = ("error", "trace", "log")


class OwnCode:
    """Names and places of a deployed app's functions."""

    def __init__(self, stack_name: str, deployed: Deployed, build: Build) -> None:
        self._prefix = f"{stack_name}-"
        self._labels: dict[str, str] = {}
        self._directories: dict[str, Path] = {}
        for logical, name in deployed.functions.items():
            # A name that CloudFormation made; one that the template gives says more.
            if name.startswith(f"{self._prefix}{logical}"):
                self._labels[name] = logical
            if logical in build.modules:
                self._directories[name] = build.modules[logical].directory

    def summary(self, invocation: Mapping[str, Any]) -> dict[str, Any]:
        """An invocation's summary in these terms."""
        function = invocation["function"]
        label = self._labels.get(function, function).removeprefix(self._prefix)
        said = {**invocation, "function": label}
        directory = self._directories.get(function)
        if directory is not None:
            for name in _WITH_PATHS:
                if said.get(name):
                    said[name] = _own_paths(str(said[name]), directory)
        return said


def _own_paths(text: str, directory: Path) -> str:
    """A traceback in which unpacked code is where its author has it."""
    return _UNPACKED.sub(f"{directory}/", text)


def from_own_on(text: str, directory: Path) -> str:
    """A traceback of an import, from the first line that is the author's own."""
    own = _own_paths(text, directory).strip()
    _importing, found, rest = own.partition(f'  File "{directory}/')
    return f"Traceback (most recent call last):\n{found}{rest}" if found else own
