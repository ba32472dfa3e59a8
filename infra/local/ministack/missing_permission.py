"""Why a role may not do something, for the one who writes its policies."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, PrincipalInfo
from ministack.services import cloudformation

Json: TypeAlias = dict[str, Any]

#: Condition keys that tell what is true if they are absent: there is no such tag.
_TRULY_ABSENT: Final = ("aws:resourcetag/", "aws:requesttag/", "aws:principaltag/", "aws:tagkeys")


def unknown_here(
    role: Json, principal: PrincipalInfo, action: str, resource: str, context: Json
) -> str | None:
    """What might allow something and can't be evaluated on this machine, or None.

    A policy managed by AWS whose document MiniStack has not, or a statement that fits but for a
    condition on a key that it doesn't know.
    """
    for arn in role.get("AttachedPolicies") or ():
        if iam_evaluator._resolve_managed_policy_document(arn, principal.account) is None:
            return f"what {arn} allows is not known here; everything is let pass"
    asked = EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region="",
        service_context={key.lower(): value for key, value in context.items()},
        principal_keys=principal.keys,
    )
    for policy in principal.policies or []:
        for statement in policy:
            if (
                statement.effect == "Allow"
                and statement.conditions
                and iam_evaluator._action_matches(action, statement.actions, statement.not_actions)
                and iam_evaluator._resource_matches(
                    resource, statement.resources, statement.not_resources
                )
            ):
                keys = sorted(_unknown_keys(statement.conditions, asked))
                if keys:
                    return f"{action}'s condition on {', '.join(keys)} is not evaluated here"
    return None


def _unknown_keys(conditions: Json, asked: EvalContext) -> set[str]:
    named = {key for block in conditions.values() if isinstance(block, dict) for key in block}
    return {
        key
        for key in named
        if not key.lower().startswith(_TRULY_ABSENT)
        and key.lower() not in asked.service_context
        and iam_evaluator._resolve_condition_key(key, asked) is None
    }


def told(
    function: str,
    role: str,
    action: str,
    resource: str,
    *,
    is_explicit: bool,
    by_resource: str,
    is_enforced: bool,
) -> list[str]:
    """What to print: who may not do what, and the statement that would allow it."""
    verb = "may not do" if is_enforced else "could not do on AWS"
    lines = [f"{logical_id(function)} {verb} {action} on {resource}"]
    if by_resource:
        return [*lines, f"  the policy of {by_resource} denies it"]
    name = logical_id(role)
    if is_explicit:
        return [*lines, f"  a statement of {name} with Effect: Deny denies it"]
    return [
        *lines,
        f"  no statement of {name} allows it; this would:",
        "    - Effect: Allow",
        f"      Action: {action}",
        f"      Resource: {in_template(resource)}",
    ]


def logical_id(physical_id: str) -> str:
    """What the template of a stack calls a resource; its own name if none does."""
    for stack in cloudformation._stacks.values():
        for logical, resource in stack.get("_resources", {}).items():
            if resource.get("PhysicalResourceId") == physical_id:
                return str(logical)
    return physical_id


def in_template(arn: str) -> str:
    """A resource as a template's author would write it: by the table's logical id, say."""
    if ":table/" not in arn:
        return arn
    name, _, index = arn.partition(":table/")[2].partition("/")
    logical = logical_id(name)
    if logical == name:
        return arn
    return f'!Sub "${{{logical}.Arn}}/{index}"' if index else f"!GetAtt {logical}.Arn"
