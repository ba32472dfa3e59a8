"""The code that a template names on the disk, checked and zipped."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.aws.template import Json, parse, references
from infra.errors import InfraError
from infra.local.apps.archive import Archiver
from infra.local.apps.build import (
    CODE_PROPERTIES,
    FUNCTION_TYPES,
    Build,
    Module,
    require_websocket_api,
)

#: What `sam` takes for CodeUri if a function has none.
DEFAULT_CODE: Final = "."

#: Files that a handler can be in, by the beginning of the runtime's name.
_SUFFIXES: Final = {"python": (".py", "/__init__.py"), "nodejs": (".js", ".mjs", ".cjs")}

#: Other templates inside one: their code would be packaged by `sam package` only.
_NESTED: Final = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")

_TABLE: Final = "AWS::DynamoDB::Table"

#: APIs whose definition may be in a file of its own.
_DEFINED: Final = ("AWS::Serverless::Api", "AWS::Serverless::HttpApi")


def read_template(path: Path) -> Json:
    """A template from a file.

    Raises:
        InfraError: it is no template; with the line if it is no YAML.
    """
    try:
        template = parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InfraError(f"{path} can't be read: {error}") from error
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict) or not resources:
        raise InfraError(f"{path} is no CloudFormation template: it has no Resources")
    for name, body in resources.items():
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            raise InfraError(f"{path}: resource {name} has no Type")
    found: Json = template
    return found


class LocalCode:
    """Makes builds of a template whose code is beside it."""

    def __init__(self, path: Path, archiver: Archiver, environment: Mapping[str, str]) -> None:
        """Args: `environment` is added to every function's variables."""
        self._path = path
        self._archiver = archiver
        self._environment = environment
        #: Directories that the last build took code from.
        self.directories: set[Path] = set()

    def build(self) -> Build:
        """Read the template, check it, and zip its code.

        Raises:
            InfraError: it can't be run here; names the resource and what is wrong with it.
        """
        template = copy.deepcopy(read_template(self._path))
        require_websocket_api(template, self._path)
        shared = (template.get("Globals") or {}).get("Function") or {}
        shared_code = shared.pop("CodeUri", DEFAULT_CODE)
        directories: set[Path] = set()
        code: dict[str, bytes] = {}
        modules: dict[str, Module] = {}
        published = set()
        for name, body in template["Resources"].items():
            if body["Type"] in _NESTED:
                raise InfraError(f"{self._where(name)}: nested stacks are not run here")
            properties = body.setdefault("Properties", {})
            if body["Type"] == _TABLE:
                # CloudFormation would make a name up at every start, and the items of the last
                # one would be in a table that nobody asks any more.
                properties.setdefault("TableName", {"Fn::Sub": f"${{AWS::StackName}}-{name}"})
            if body["Type"] in _DEFINED:
                self._inline_definition(name, properties)
            if body["Type"] in FUNCTION_TYPES:
                merged = {**shared, **properties}
                self._require_runtime(name, merged)
                if "AutoPublishAlias" in merged:
                    published.add(name)
                self._add_environment(properties)
            location = self._location(name, body, shared_code)
            if location is None:
                continue
            code[name] = self._zip(name, location)
            if location.is_dir():
                directories.add(location)
            if body["Type"] in FUNCTION_TYPES:
                self._require_handler(name, merged, location, code[name])
                if merged["Runtime"].startswith("python") and location.is_dir():
                    module = merged["Handler"].rpartition(".")[0].replace("/", ".")
                    modules[name] = Module(location, module)
        self._require_references(template)
        self.directories = directories
        return Build(template, code, modules, published)

    def _where(self, name: str) -> str:
        return f"{self._path}: resource {name}"

    def _require_references(self, template: Json) -> None:
        """Refuse what refers to nothing: CloudFormation does, the emulator leaves the text."""
        known = {*template["Resources"], *(template.get("Parameters") or {})}
        for name, body in template["Resources"].items():
            for other in references(body):
                # SAM makes further resources, whose names begin with the one that they are for.
                if not other.startswith(("AWS::", "Serverless", *known)):
                    raise InfraError(f"{self._where(name)} refers to {other}, which is not there")

    def _location(self, name: str, body: Json, shared_code: Any) -> Path | None:
        """Where a resource's code is; None if it has none, or has it in the template."""
        kind = CODE_PROPERTIES.get(body["Type"])
        if kind is None:
            return None
        properties = body["Properties"]
        default = shared_code if body["Type"] == "AWS::Serverless::Function" else None
        value = properties.get(kind.name, default)
        if "InlineCode" in properties or (isinstance(value, dict) and "ZipFile" in value):
            return None
        if not isinstance(value, str):
            raise InfraError(
                f"{self._where(name)}: {kind.name} must be a path here, not {value!r}: what is "
                "in a bucket or another template can't be fetched"
            )
        location = (self._path.parent / value).resolve()
        if not location.exists():
            raise InfraError(f"{self._where(name)}: {kind.name} {value}: no such file or directory")
        return location

    def _zip(self, name: str, location: Path) -> bytes:
        if location.is_dir():
            return self._archiver.zip(location)
        if not zipfile.is_zipfile(location):
            raise InfraError(f"{self._where(name)}: {location} is neither a directory nor a zip")
        return location.read_bytes()

    def _require_runtime(self, name: str, properties: Json) -> None:
        if properties.get("PackageType") == "Image" or "ImageUri" in properties:
            raise InfraError(f"{self._where(name)}: container images are not run here")
        runtime = properties.get("Runtime")
        if not isinstance(runtime, str) or not runtime.startswith(tuple(_SUFFIXES)):
            raise InfraError(
                f"{self._where(name)}: Runtime {runtime!r} is not run here, only python and nodejs"
            )
        if not isinstance(properties.get("Handler"), str) or "." not in properties["Handler"]:
            raise InfraError(f"{self._where(name)}: Handler must be like module.function")

    def _require_handler(self, name: str, merged: Json, location: Path, code: bytes) -> None:
        """Look for the handler's file; layers may have it instead."""
        if merged.get("Layers"):
            return
        module = merged["Handler"].rpartition(".")[0]
        if merged["Runtime"].startswith("python"):
            module = module.replace(".", "/")
        family = next(key for key in _SUFFIXES if merged["Runtime"].startswith(key))
        wanted = [f"{module.removeprefix('./')}{suffix}" for suffix in _SUFFIXES[family]]
        if location.is_dir():
            is_there = any((location / file).is_file() for file in wanted)
        else:
            with zipfile.ZipFile(location) as archive:
                is_there = not set(wanted).isdisjoint(archive.namelist())
        if not is_there:
            hint = "" if family == "python" else " (TypeScript? give what `sam build` made)"
            raise InfraError(
                f"{self._where(name)}: Handler {merged['Handler']} needs {wanted[0]}, which is not "
                f"in {location}{hint}"
            )

    def _add_environment(self, properties: Json) -> None:
        if self._environment:
            variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
            variables.update(self._environment)

    def _inline_definition(self, name: str, properties: Json) -> None:
        """An OpenAPI definition in a file becomes part of the template."""
        location = properties.get("DefinitionUri")
        if not isinstance(location, str):
            return
        path = (self._path.parent / location).resolve()
        if not path.is_file():
            raise InfraError(f"{self._where(name)}: DefinitionUri {location}: no such file")
        properties.pop("DefinitionUri")
        properties["DefinitionBody"] = parse(path.read_text(encoding="utf-8"), path)
