"""An app made ready for deployment: a template, and the code that it names."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from infra.aws.template import Json
from infra.errors import InfraError


class CodeProperty(NamedTuple):
    """How a type of resource names its code: locally by `name`, at S3 by a mapping there."""

    name: str
    bucket: str
    key: str


#: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html has the list
#: of which this is the part for Lambda.
CODE_PROPERTIES: Final[Mapping[str, CodeProperty]] = {
    "AWS::Serverless::Function": CodeProperty("CodeUri", "Bucket", "Key"),
    "AWS::Serverless::LayerVersion": CodeProperty("ContentUri", "Bucket", "Key"),
    "AWS::Lambda::Function": CodeProperty("Code", "S3Bucket", "S3Key"),
    "AWS::Lambda::LayerVersion": CodeProperty("Content", "S3Bucket", "S3Key"),
}
FUNCTION_TYPES: Final = ("AWS::Serverless::Function", "AWS::Lambda::Function")


@dataclass(frozen=True)
class Module:
    """A Python module that a Lambda's handler is in."""

    directory: Path
    name: str


@dataclass(frozen=True)
class Build:
    """An app ready to be deployed.

    `template` names no code; `code` has a zip for every function and layer whose code is
    local, by logical id. `modules`: what must be importable, by the function's logical id.
    `published`: functions that are called by a version, so new code needs a deployment.
    `is_imported`: building has imported the modules already.
    """

    template: Json
    code: Mapping[str, bytes]
    modules: Mapping[str, Module] = field(default_factory=dict)
    published: Collection[str] = ()
    is_imported: bool = False

    @property
    def functions(self) -> set[str]:
        """Logical ids of the functions among `code`."""
        resources = self.template["Resources"]
        return {name for name in self.code if resources[name]["Type"] in FUNCTION_TYPES}

    def changed(self, other: Build) -> set[str]:
        """Logical ids whose code differs from another build's."""
        return {
            name
            for name in {*self.code, *other.code}
            if self.code.get(name) != other.code.get(name)
        }

    def located(self, bucket: str, upload: Callable[[str, bytes], object]) -> Json:
        """The template with its code at S3.

        Args:
            bucket: the bucket.
            upload: puts bytes under a key; called once for equal code.
        """
        template = copy.deepcopy(self.template)
        known: dict[bytes, str] = {}
        for name, code in self.code.items():
            key = known.get(code)
            if key is None:
                key = known[code] = f"code/{hashlib.sha256(code).hexdigest()}.zip"
                upload(key, code)
            body = template["Resources"][name]
            kind = CODE_PROPERTIES[body["Type"]]
            body["Properties"][kind.name] = {kind.bucket: bucket, kind.key: key}
        return template


class App(Protocol):
    """An app on the disk."""

    @property
    def name(self) -> str:
        """A name for its stack: letters, digits and hyphens."""

    @property
    def title(self) -> str:
        """What it is called in messages."""

    @property
    def state_dir(self) -> Path:
        """Where its data is kept."""

    def build(self) -> Build:
        """Make it ready from what is on the disk now.

        Raises:
            InfraError: something is wrong with it; says what and where.
        """

    def quick_build(self, last: Build, paths: Collection[Path]) -> Build | None:
        """`last` with the code as it is now; None if there is no quicker way than `build`.

        Its template may be out of date.

        Args:
            last: what `build` returned.
            paths: what has changed since.
        """

    def watched(self) -> Collection[Path]:
        """Directories whose files make up the app."""


def stack_name(text: str) -> str:
    """A name for a stack: a letter, then letters, digits and hyphens.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    kept = kept.strip("-")[:100]
    return kept if kept[:1].isalpha() else f"app-{kept}".rstrip("-")


def require_websocket_api(template: Json, where: object) -> None:
    """Refuse a template without a WebSocket API, or with two.

    Raises:
        InfraError: names what there is instead.
    """
    found: list[str] = []
    others: list[str] = []
    for name, body in template["Resources"].items():
        protocol = body.get("Properties", {}).get("ProtocolType")
        if body["Type"] == "AWS::Serverless::WebSocketApi" or (
            body["Type"] == "AWS::ApiGatewayV2::Api" and protocol == "WEBSOCKET"
        ):
            found.append(name)
        elif "Api" in body["Type"].rsplit("::", 1)[-1]:
            others.append(f"{name} ({body['Type']}{f', {protocol}' if protocol else ''})")
    if not found:
        raise InfraError(
            f"{where} has no AWS::ApiGatewayV2::Api with ProtocolType WEBSOCKET and no "
            f"AWS::Serverless::WebSocketApi; found: {', '.join(others) or 'no API at all'}"
        )
    if len(found) > 1:
        raise InfraError(
            f"{where} has {len(found)} WebSocket APIs, and one port serves one: {', '.join(found)}"
        )
