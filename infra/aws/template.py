"""The CloudFormation template: its YAML parts, Chalice's output, and the joined result.

Chalice generates the Lambdas and the two APIs from app.py and deep-merges one file into
that (https://aws.github.io/chalice/topics/cfn.html). That file is joined here from the
parts in infra/aws/template/, one part per concern.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import yaml

from infra.aws import aliases
from infra.aws.template_graph import Json, find_cycle, of_type, references
from infra.errors import InfraError

__all__ = [
    "Json",
    "find_cycle",
    "finish",
    "merge_template",
    "of_type",
    "parse",
    "references",
    "serialise",
]

PARTS_DIR: Final = Path(__file__).parent / "template"

#: Chalice makes these and they are not wanted: the stage deploys itself (functions.yaml).
UNWANTED: Final = ("WebsocketAPIDeployment",)

#: Stages whose data outlives the stack.
PRODUCTION: Final = "prod"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short intrinsics (!Ref, !Sub, …), in which dates are text."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    """``!Sub x`` → ``{"Fn::Sub": "x"}``, and so on."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast(yaml.MappingNode, node), deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)
# `Version: 2012-10-17` is a name, not a day.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str, name: Path) -> Any:
    """A template's YAML or JSON.

    Raises:
        InfraError: it is neither; with file, line and column.
    """
    if text.lstrip().startswith("{"):
        # If it fails: YAML in flow style, or broken, which YAML's parser tells.
        with contextlib.suppress(ValueError):
            return json.loads(text)
    try:
        # A SafeLoader by inheritance, which the rule does not see.
        return yaml.load(text, Loader=_Loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else str(name)
        problem = getattr(error, "problem", None) or str(error)
        raise InfraError(f"{where}: this is not valid YAML: {problem}") from error


def merge_template(parts_dir: Path = PARTS_DIR) -> Json:
    """The file that Chalice merges into what it generates.

    Raises:
        InfraError: a part is not YAML, or two parts define the same thing.
    """
    joined: Json = {}
    for path in sorted(parts_dir.glob("*.yaml")):
        part = parse(path.read_text(encoding="utf-8"), path)
        for section, content in part.items():
            if not isinstance(content, dict):
                joined[section] = content
                continue
            target = joined.setdefault(section, {})
            for name, definition in content.items():
                if name in target:
                    raise InfraError(f"{path}: {section}.{name} is defined in another part, too")
                target[name] = definition
    return joined


def finish(merged: Json, *, stage: str) -> Json:
    """Chalice's merged output made ready for CloudFormation.

    Args:
        merged: what `chalice package --merge-template` wrote.
        stage: `prod` keeps its tables and the bucket when the stack goes, and releases step
            by step; other stages take them along, so that a trial leaves nothing behind, and
            release at once.
    """
    template = copy.deepcopy(merged)
    for name in UNWANTED:
        template["Resources"].pop(name, None)
    stage_of_websocket = template["Resources"].get("WebsocketAPIStage")
    if stage_of_websocket is not None:
        stage_of_websocket["Properties"].pop("DeploymentId", None)
    if stage != PRODUCTION:
        for resource in template["Resources"].values():
            # DeletionPolicy takes no condition without another transform.
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if resource.get(policy) == "Retain":
                    resource[policy] = "Delete"
    _require_types(template)
    aliases.publish(template, is_staged=stage == PRODUCTION)
    return template


def _require_types(template: Json) -> None:
    """Refuse overrides of resources that Chalice did not generate.

    Such an override (a Lambda that app.py no longer has, say) merges into nothing and
    leaves a resource without a type.
    """
    orphans = [name for name, body in template["Resources"].items() if "Type" not in body]
    if orphans:
        raise InfraError(
            "infra/aws/template overrides what app.py does not define: " + ", ".join(orphans)
        )


def serialise(template: Mapping[str, Any]) -> str:
    """The template as JSON: no YAML aliases, which CloudFormation refuses; stable bytes."""
    return json.dumps(template, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
