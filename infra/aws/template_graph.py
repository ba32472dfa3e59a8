"""A template as a graph: its resources by type, and what refers to what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Json]:
    """Resources of one type, by logical id."""
    found: dict[str, Json] = {
        name: body for name, body in template["Resources"].items() if body["Type"] == kind
    }
    return found


def references(node: Any) -> Iterator[str]:
    """Logical ids (and parameters) that a part of a template refers to."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                yield from _substitutions(value)
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from references(value)


def _substitutions(value: Any) -> Iterator[str]:
    """What ``${…}`` in an Fn::Sub refers to."""
    text, names = (value, {}) if isinstance(value, str) else value
    yield from references(names)
    for piece in text.split("${")[1:]:
        name = piece.split("}", 1)[0].split(".")[0]
        if name not in names and not name.startswith(("!", "AWS::")):
            yield name


def find_cycle(template: Mapping[str, Any]) -> list[str]:
    """Resources that wait for each other, in order; empty if there are none.

    CloudFormation refuses such templates; cfn-lint does not see what SAM will add, so this
    is for a template after SAM's transform.
    """
    resources = template["Resources"]
    needs = {
        name: sorted({other for other in references(body) if other in resources})
        for name, body in resources.items()
    }
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in needs[name]:
            found = visit(other, [*path, name])
            if found:
                return found
        done.add(name)
        return []

    for name in sorted(needs):
        found = visit(name, [])
        if found:
            return found
    return []
