"""What the template lets each Lambda do, and whether that is what its code does.

A right is a Lambda's short name, an action and a resource, as an ARN whose Region, account,
stack and ids are the same in a template and in every test's stack. Roles that are no Lambda's
(a release's) are another matter.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

Json = dict[str, Any]

STACK: Final = "STACK"
SECRETS: Final = "/SECRETS"

#: What stands for what a template refers to.
_NAMES: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "REGION",
    "AWS::AccountId": "ACCOUNT",
    "AWS::StackName": STACK,
    "WebsocketAPI": "API",
    "SecretsParameter": SECRETS,
}

#: An alias of a Lambda, which the local stack hasn't (pingpong/adapt.py).
_ALIAS: Final = re.compile(r"(:function:[^:]+):\w+$")


class Right(NamedTuple):
    """Something that a Lambda may do, or has done."""

    function: str
    action: str
    resource: str


class Names(NamedTuple):
    """What one stack calls what a right names."""

    prefix: str
    secrets_parameter: str


def arn(service: str, resource: str) -> str:
    """A resource's ARN as rights have it."""
    return f"arn:aws:{service}:REGION:ACCOUNT:{resource}"


def of_stack(function: str, action: str, resource: str, names: Names) -> Right:
    """A right that was used on a stack."""
    function = function.removeprefix(names.prefix)
    if not resource.startswith("arn:"):
        return Right(function, action, resource)
    _arn, _partition, service, _region, _account, rest = resource.split(":", 5)
    kind = "function:" if service == "lambda" else "table/"
    if rest.startswith(kind + names.prefix):
        rest = f"{kind}{STACK}-{rest.removeprefix(kind + names.prefix)}"
    elif service == "execute-api":
        rest = "API/" + rest.partition("/")[2]
    elif service == "ssm" and rest == f"parameter{names.secrets_parameter}":
        rest = f"parameter{SECRETS}"
    return Right(function, action, _ALIAS.sub(r"\1", arn(service, rest)))


# --- What a template allows --------------------------------------------------------------------


def allowed(template: Mapping[str, Any]) -> set[Right]:
    """What the roles of a template's Lambdas allow, each action with each resource."""
    return {
        Right(name, action, resource)
        for name, function in _functions(template)
        for statement in _statements(template, function["Properties"]["Role"])
        for action in _listed(statement["Action"])
        for resource in _resolved(template, statement["Resource"])
    }


def used_by_lambda_itself(template: Mapping[str, Any]) -> set[Right]:
    """What Lambda does in the roles' names, whatever the code: logs, traces, destinations.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    found = set()
    for name, function in _functions(template):
        properties = function["Properties"]
        logs = {"Fn::GetAtt": [properties["LoggingConfig"]["LogGroup"]["Ref"], "Arn"]}
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            found |= {Right(name, action, each) for each in _resolved(template, logs)}
        if "Tracing" in properties:
            for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
                found.add(Right(name, action, "*"))
        config = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {})
        for destination in config.values():
            assert destination["Type"] == "SQS", "say here what another type needs"
            queue = _resolved(template, destination["Destination"])
            found |= {Right(name, "sqs:SendMessage", each) for each in queue}
    return found


def _functions(template: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    for body in template["Resources"].values():
        if "FunctionName" in body.get("Properties", {}) and "Role" in body["Properties"]:
            (name,) = _resolved(template, body["Properties"]["FunctionName"])
            yield name.removeprefix(f"{STACK}-"), body


def _statements(template: Mapping[str, Any], role: Json) -> Iterator[Json]:
    properties = template["Resources"][role["Fn::GetAtt"][0]]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
    managed = properties.get("ManagedPolicyArns", [])
    if isinstance(managed, dict):  # on a condition, which may be met
        managed = managed["Fn::If"][1]
    managed = [template["Resources"][reference["Ref"]]["Properties"] for reference in managed]
    documents += [policy["PolicyDocument"] for policy in managed]
    for document in documents:
        for statement in document["Statement"]:
            assert statement["Effect"] == "Allow", "say here what a Deny means"
            yield statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resolved(template: Mapping[str, Any], value: Any) -> list[str]:
    """Names or ARNs with the values that stand for what they refer to."""
    return [_ALIAS.sub(r"\1", _text(template, each)) for each in _listed(value)]


def _text(template: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, str):
        return value
    ((intrinsic, argument),) = value.items()
    if intrinsic == "Ref":
        return _NAMES[argument]
    if intrinsic == "Fn::GetAtt":
        return _arn_of(template, ".".join(argument))
    assert intrinsic == "Fn::Sub", value

    def replaced(match: re.Match[str]) -> str:
        return _NAMES.get(match[1]) or _arn_of(template, match[1])

    return re.sub(r"\$\{([^}]+)\}", replaced, argument)


def _arn_of(template: Mapping[str, Any], attribute: str) -> str:
    logical, name = attribute.split(".")
    assert name == "Arn", attribute
    body = template["Resources"][logical]
    kind = body["Type"]
    if kind == "AWS::DynamoDB::Table":
        return arn("dynamodb", "table/" + _text(template, body["Properties"]["TableName"]))
    service = {"AWS::Logs::LogGroup": "logs", "AWS::SQS::Queue": "sqs"}[kind]
    return arn(service, logical)


# --- Comparing ---------------------------------------------------------------------------------


def missing(used: Iterable[Right], allowed: Collection[Right]) -> list[Right]:
    """What was done and isn't allowed."""
    return sorted(right for right in used if not any(_covers(each, right) for each in allowed))


def unused(used: Collection[Right], allowed: Iterable[Right]) -> list[Right]:
    """What is allowed and was not done."""
    return sorted(right for right in allowed if not any(_covers(right, each) for each in used))


def _covers(allowed: Right, used: Right) -> bool:
    return (
        allowed.function == used.function
        # IAM's actions are the same in any case; ours have the services' own.
        and fnmatchcase(used.action, allowed.action)
        and (used.resource == allowed.resource or fnmatchcase(used.resource, allowed.resource))
    )
