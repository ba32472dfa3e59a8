"""Ping-Pong's package, as `make deploy` makes it, but without libraries."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Final

from infra import chalice_package
from infra.aws import template as templates
from infra.aws.package import ROOT, Package, package
from infra.local.apps.build import Build, Module

STAGE: Final = "local"
STACK_NAME: Final = "pingpong-local"


class PingPong:
    """The app in this repository, or a copy of it."""

    title = "Ping-Pong"

    def __init__(self, state_dir: Path, source: Path = ROOT, name: str = STACK_NAME) -> None:
        """Args: `name` is the stack's, which the names of its tables and Lambdas begin with."""
        self.name = name
        self.state_dir = state_dir
        self._build_dir = state_dir / "build"
        self._source = source

    def build(self) -> Build:
        """Package the app, or take the last packaging if nothing has changed since.

        Raises:
            InfraError: the app does not import.
        """
        key_file = self._build_dir / "inputs.sha256"
        key = self._inputs()
        template, code = self._build_dir / "template.json", self._build_dir / "code.zip"
        if key_file.exists() and key_file.read_text() == key and template.exists():
            made = Package(json.loads(template.read_text()), code.read_bytes())
        else:
            key_file.unlink(missing_ok=True)
            made = package(self._build_dir, stage=STAGE, libraries=False, source=self._source)
            key_file.write_text(key)
        functions = templates.of_type(made.template, "AWS::Serverless::Function")
        return Build(
            made.template,
            dict.fromkeys(functions, made.code),
            dict.fromkeys(functions, Module(self._source, "app")),
            is_imported=True,
        )

    def _inputs(self) -> str:
        """A digest of all that the package is made from."""
        digest = hashlib.sha256(f"{sys.version} {version('chalice')}".encode())
        files = chalice_package.app_files(self._source)
        others = [self._source / ".chalice" / "config.json"]
        others += sorted((ROOT / "infra" / "aws").rglob("*.*"))
        for path in others:
            if path.is_file() and path.suffix != ".pyc":
                files[str(path)] = path.read_bytes()
        for name, content in files.items():
            digest.update(f"{name}\0".encode() + content + b"\0")
        return digest.hexdigest()

    def quick_build(self, last: Build, paths: Collection[Path]) -> Build | None:
        """The last package with the app's files as they are now, if only such have changed."""
        if not all(path.suffix == ".py" or path.is_dir() for path in paths):
            return None
        (old,) = set(last.code.values())
        new = chalice_package.with_app_files(old, self._source)
        return dataclasses.replace(last, code=dict.fromkeys(last.code, new), is_imported=False)

    def watched(self) -> Collection[Path]:
        """The app, its configuration, the template's parts."""
        chalicelib, configuration = self._source / "chalicelib", self._source / ".chalice"
        return {self._source, chalicelib, configuration, templates.PARTS_DIR}
