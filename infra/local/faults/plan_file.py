"""Plans as TOML files."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from infra.errors import InfraError
from infra.local.faults.aws_models import nearest
from infra.local.faults.rules import (
    AwsFault,
    AwsRule,
    FaultPlan,
    GatewayFault,
    GatewayRule,
    Rule,
    RuleError,
    keys,
)

R = TypeVar("R", bound=Rule)

_KEYS: Final = ("seed", "aws", "gateway")


class PlanFileError(InfraError):
    """A plan that can't be used; says where in which file, and what would be right."""

    def __init__(self, path: Path, where: str, reason: str) -> None:
        super().__init__(f"{path}: {where}: {reason}" if where else f"{path}: {reason}")


def read_plan(path: Path) -> FaultPlan:
    """Read a plan.

    Raises:
        PlanFileError: there is none, it is no TOML, or it says what makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanFileError(path, "", f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PlanFileError(path, "", "is no UTF-8 text") from error
    return parse_plan(text, path)


def parse_plan(text: str, path: Path) -> FaultPlan:
    """Read a plan from the text of a file; `path` is where it is, for messages.

    Raises:
        PlanFileError: it is no TOML, or it says what makes no sense.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanFileError(path, "", f"is no TOML: {error}") from error
    for key in content:
        if key not in _KEYS:
            raise PlanFileError(path, key, f"unknown{nearest(key, _KEYS)}")
    aws = _rules(path, "aws", content.get("aws", []), AwsRule, AwsFault)
    gateway = _rules(path, "gateway", content.get("gateway", []), GatewayRule, GatewayFault)
    try:
        return FaultPlan(aws=aws, gateway=gateway, seed=content.get("seed", 0))
    except RuleError as error:
        raise PlanFileError(path, error.field, error.reason) from error


def _rules(
    path: Path, family: str, tables: object, kind: type[R], faults: type[StrEnum]
) -> tuple[R, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PlanFileError(path, family, f"must be rules, each under [[{family}]]")
    made = []
    for number, table in enumerate(tables, 1):
        try:
            made.append(kind(**_arguments(table, kind, faults)))
        except RuleError as error:
            where = f"[[{family}]] rule {number}, {error.field}"
            raise PlanFileError(path, where, error.reason) from error
    return tuple(made)


def _arguments(table: Mapping[str, Any], kind: type[Rule], faults: type[StrEnum]) -> dict[str, Any]:
    """What a rule is made from; raises RuleError for what the rule itself can't see."""
    for key in table:
        if key not in keys(kind):
            raise RuleError(key, f"unknown{nearest(key, keys(kind))}")
    if "fault" not in table:
        raise RuleError("fault", f"is missing; it is one of {', '.join(faults)}")
    if table["fault"] not in tuple(faults):
        near = nearest(str(table["fault"]), tuple(faults))
        raise RuleError("fault", f"{table['fault']!r} is none of {', '.join(faults)}{near}")
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    return {**values, "fault": faults(table["fault"])}


def write_plan(plan: FaultPlan, path: Path) -> None:
    """Write a plan, so that another process can read it."""
    path.write_text(to_toml(plan), encoding="utf-8")


def to_toml(plan: FaultPlan) -> str:
    """A plan as the text of a file."""
    lines = [f"seed = {plan.seed}"]
    for family, rules in (("aws", plan.aws), ("gateway", plan.gateway)):
        for rule in rules:
            lines += ["", f"[[{family}]]"]
            for field in dataclasses.fields(rule):
                value = getattr(rule, field.name)
                if value != field.default:
                    lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: str | float | tuple[Any, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # JSON's strings are TOML's basic strings, but for one control character.
        # https://toml.io/en/v1.0.0#string
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return repr(value)
