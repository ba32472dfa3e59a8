"""Templates without some of their resources."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from infra.aws.template import Json, references
from infra.errors import InfraError


def leave_out(template: Json, types: Collection[str], why: str) -> Json:
    """A template without its resources of some types, and the outputs that need them.

    Args:
        template: the whole one.
        types: of resources.
        why: they are left out, for the error.

    Raises:
        InfraError: something that stays needs something that goes.
    """
    kept = copy.deepcopy(template)
    resources = kept["Resources"]
    gone = {name: body["Type"] for name, body in resources.items() if body["Type"] in types}
    for name in gone:
        del resources[name]
    for name, body in resources.items():
        _forget_dependencies(body, gone)
        needed = sorted(set(references(body)).intersection(gone))
        if needed:
            named = ", ".join(f"{other} ({gone[other]})" for other in needed)
            raise InfraError(f"{name} needs {named}: {why}")
    kept["Outputs"] = {
        name: body
        for name, body in (kept.get("Outputs") or {}).items()
        if set(references(body)).isdisjoint(gone)
    }
    return kept


def _forget_dependencies(body: dict[str, Any], gone: Collection[str]) -> None:
    """Remove what is gone from DependsOn."""
    needed = body.get("DependsOn", [])
    needed = [needed] if isinstance(needed, str) else needed
    kept = [name for name in needed if name not in gone]
    body.pop("DependsOn", None)
    if kept:
        body["DependsOn"] = kept
