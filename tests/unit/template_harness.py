"""The app's template as it is packaged, and as CloudFormation sees it after SAM's transform."""

from __future__ import annotations

import copy
import functools
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform

from infra.aws import template as templates
from infra.aws.package import ROOT, package

STAGES = ("dev", "prod")

#: Logical id → name, seconds, role.
FUNCTIONS = {
    "WebsocketConnect": ("connect", 10, "ConnectRole"),
    "WebsocketDisconnect": ("disconnect", 10, "DisconnectRole"),
    "WebsocketMessage": ("message", 10, "MessageRole"),
    "APIHandler": ("api", 15, "ApiRole"),
    "Background": ("background", 300, "BackgroundRole"),
    "Push": ("push", 60, "PushRole"),
}


@functools.cache
def parts() -> templates.Json:
    """The resources that Chalice has no part in, and all else that is written by hand."""
    merged = templates.merge_template()
    own = {name: body for name, body in merged["Resources"].items() if "Type" in body}
    return {**merged, "Resources": own}


@functools.cache
def _packaged(stage: str) -> str:
    with tempfile.TemporaryDirectory() as out:
        package(Path(out), stage=stage, libraries=False, source=ROOT)
        return (Path(out) / "template.json").read_text()


def packaged(stage: str) -> templates.Json:
    """The template of a stage; a new copy each time."""
    found: templates.Json = json.loads(_packaged(stage))
    return found


def after_sam(
    template: templates.Json, parameters: Mapping[str, str] | None = None, code: str = "code.zip"
) -> templates.Json:
    """What CloudFormation sees: SAM's transform applied, as AWS does."""
    uploaded = copy.deepcopy(template)
    for function in templates.of_type(uploaded, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": code}
    no_policies = type("Loader", (), {"load": lambda self: {}})()
    found: templates.Json = transform(
        uploaded, {"AWS::Region": "ap-northeast-2", **(parameters or {})}, no_policies
    )
    return found


@functools.cache
def _transformed(stage: str) -> templates.Json:
    return after_sam(packaged(stage))


def transformed(stage: str) -> templates.Json:
    """The template of a stage after the transform; a new copy each time."""
    return copy.deepcopy(_transformed(stage))


def statements(template: templates.Json) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each role's statements."""
    for role, body in templates.of_type(template, "AWS::IAM::Role").items():
        for policy in body["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role, statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def strings(node: Any) -> Iterator[str]:
    """All texts in a part of a template, names included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from strings(item)
    elif isinstance(node, dict):
        yield from node
        yield from strings(list(node.values()))
