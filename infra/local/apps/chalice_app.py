"""An app that is a Chalice project."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from infra import chalice_package
from infra.aws.template import parse
from infra.chalice_package import Packaging
from infra.errors import InfraError
from infra.local.apps.archive import Archiver
from infra.local.apps.build import Build, Module, stack_name
from infra.local.apps.local_code import LocalCode

#: What `chalice` does without --stage.
DEFAULT_STAGE: Final = "dev"

#: In the build directory.
KEY_FILE: Final = "inputs.sha256"


class ChaliceApp:
    """A directory with app.py and .chalice/config.json."""

    def __init__(self, project: Path, state_dir: Path, packaging: Packaging) -> None:
        self.state_dir = state_dir
        self._project = project
        self._packaging = packaging
        self._work_dir = state_dir / "build"
        self._out = self._work_dir / "chalice"
        self._code = LocalCode(self._out / "sam.json", Archiver(), packaging.environment or {})

    @property
    def name(self) -> str:
        """The project's app_name, with the stage."""
        return stack_name(f"{self._configuration().get('app_name', 'app')}-{self._packaging.stage}")

    @property
    def title(self) -> str:
        """The project's directory."""
        return str(self._project)

    def _configuration(self) -> dict[str, Any]:
        path = self._project / chalice_package.CONFIGURATION / "config.json"
        found = parse(path.read_text(encoding="utf-8"), path)
        if not isinstance(found, dict):
            raise InfraError(f"{path} must be a JSON object")
        stages = found.get("stages")
        stage = self._packaging.stage
        # Chalice would take a stage that is not there for one with nothing of its own.
        if stage != DEFAULT_STAGE and stage not in (stages if isinstance(stages, dict) else ()):
            raise InfraError(
                f"{path} has no stage {stage!r}, only: {', '.join(stages or [DEFAULT_STAGE])}"
            )
        return found

    def build(self) -> Build:
        """Package the project, or take the last packaging if nothing has changed since.

        Raises:
            InfraError: the app does not import, with its traceback; or Chalice's own message.
        """
        self._configuration()
        key_file = self._work_dir / KEY_FILE
        key = self._inputs()
        if not (key_file.exists() and key_file.read_text() == key):
            key_file.unlink(missing_ok=True)
            staging = self._work_dir / "staging"
            chalice_package.stage(self._project, staging)
            chalice_package.run(staging, self._out, self._packaging)
            zip_path = self._out / "deployment.zip"
            zip_path.write_bytes(chalice_package.reproducible_zip(zip_path))
            key_file.write_text(key)
        built = self._code.build()
        modules = dict.fromkeys(built.code, Module(self._project, "app"))
        return dataclasses.replace(built, modules=modules, is_imported=True)

    def _inputs(self) -> str:
        """A digest of all that the package is made from."""
        packaging = dataclasses.asdict(self._packaging)
        digest = hashlib.sha256(f"{sys.version} {version('chalice')} {packaging}".encode())
        files = chalice_package.app_files(self._project)
        for path in sorted((self._project / chalice_package.CONFIGURATION).glob("*.json")):
            files[str(path)] = path.read_bytes()
        if self._packaging.merge is not None:
            files["merge"] = self._packaging.merge.read_bytes()
        for name, content in sorted(files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def quick_build(self, last: Build, paths: Collection[Path]) -> Build | None:
        """The last packaging with the app's files as they are now, if only such changed."""
        configuration = self._project / chalice_package.CONFIGURATION
        if any(path.is_relative_to(configuration) or path == self._merged() for path in paths):
            return None
        new: dict[bytes, bytes] = {}  # all functions share one zip
        for code in last.code.values():
            if code not in new:
                new[code] = chalice_package.with_app_files(code, self._project)
        changed = {name: new[code] for name, code in last.code.items()}
        return dataclasses.replace(last, code=changed, is_imported=False)

    def _merged(self) -> Path | None:
        merge = self._packaging.merge
        return merge.resolve() if merge is not None else None

    def watched(self) -> Collection[Path]:
        """The project, and where the merged template is."""
        merged = self._merged()
        return {self._project} if merged is None else {self._project, merged.parent}
