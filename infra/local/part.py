"""Templates cut in two: some resources in a stack of their own, the rest by their names."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any, Final

from infra.aws.template import Json, of_type, references
from infra.local.leave_out import leave_out

TABLE: Final = "AWS::DynamoDB::Table"

#: What comes before a table's name.
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
ARN: Final = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"


def part_of(template: Json, types: Collection[str]) -> Json:
    """The template's resources of some types, with the parameters and conditions they need.

    Its outputs are left out.
    """
    resources = {
        name: copy.deepcopy(body)
        for name, body in template["Resources"].items()
        if body.get("Type") in types
    }
    part: Json = {"Resources": resources}
    conditions = _with_names(template.get("Conditions"), _conditions(resources))
    while more := _conditions(conditions) - conditions.keys():
        conditions |= _with_names(template.get("Conditions"), more)
    if conditions:
        part["Conditions"] = conditions
    parameters = _with_names(template.get("Parameters"), set(references([resources, conditions])))
    if parameters:
        part["Parameters"] = parameters
    return part


def without_tables(template: Json) -> Json:
    """The template for when its tables are another stack's, of its name, account and Region.

    Whoever refers to a table gets the name or ARN that it has there.

    Raises:
        InfraError: something needs more of a table than these.
    """
    tables = {
        name: _text(body["Properties"]["TableName"])
        for name, body in of_type(template, TABLE).items()
    }
    return leave_out(_by_name(template, tables), {TABLE}, "the tables are elsewhere")


def _text(name: str | Json) -> str:
    """A name in the form that Fn::Sub takes."""
    return name if isinstance(name, str) else str(name["Fn::Sub"])


def _by_name(node: Any, tables: Mapping[str, str]) -> Any:
    """A copy of a part of a template, in which tables are referred to by their names."""
    if isinstance(node, list):
        return [_by_name(item, tables) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in tables:
        return {"Fn::Sub": tables[node["Ref"]]}
    attribute = node.get("Fn::GetAtt")
    match attribute.split(".") if isinstance(attribute, str) else attribute:
        case [str(name), "Arn"] if name in tables:
            return {"Fn::Sub": ARN + tables[name]}
    match node.get("Fn::Sub"):
        case str(text):
            return {"Fn::Sub": _substituted(text, tables)}
        case [str(text), variables]:
            return {"Fn::Sub": [_substituted(text, tables), _by_name(variables, tables)]}
    return {key: _by_name(value, tables) for key, value in node.items()}


def _substituted(text: str, tables: Mapping[str, str]) -> str:
    for name, table in tables.items():
        text = text.replace(f"${{{name}}}", table).replace(f"${{{name}.Arn}}", ARN + table)
    return text


def _conditions(node: Any) -> set[str]:
    """Names of the conditions that a part of a template asks."""
    found: set[str] = set()
    if isinstance(node, list):
        for item in node:
            found |= _conditions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Fn::If":
                found.add(value[0])
            if key == "Condition" and isinstance(value, str):
                found.add(value)
            found |= _conditions(value)
    return found


def _with_names(section: Mapping[str, Any] | None, names: Collection[str]) -> Json:
    return {name: body for name, body in (section or {}).items() if name in names}
