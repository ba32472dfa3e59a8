"""Releases: all calls go to each Lambda's alias `live`, which names the version people get.

CodeDeploy moves the alias step by step in production, and back if an alarm goes off
(infra/aws/template/release.yaml, docs/decisions/0018-release.md).
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html

Chalice calls the Lambdas themselves, in places that a merge cannot reach: the REST API's
integrations are inside its OpenAPI document, one for each method.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from infra.aws.template_graph import Json, of_type, references
from infra.errors import InfraError

ALIAS: Final = "live"

#: Where Chalice writes down whom API Gateway calls, and may call.
CALLERS: Final = (
    "AWS::Serverless::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::Lambda::Permission",
)

#: Parts of infra/aws/template/release.yaml that only a staged release needs.
STAGED_ONLY: Final = (
    *(("Resources", "ReleaseRole"), ("Conditions", "IsCanary")),
    ("Parameters", "Rollout"),
)

#: Lambda's limit of a version's description.
#: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
DESCRIPTION_CHARACTERS_MAX: Final = 256

_INTEGRATION: Final = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "${%s}/invocations"
)
_RELEASE_PROPERTIES: Final = (
    *("AutoPublishAlias", "AutoPublishAliasAllProperties"),
    *("DeploymentPreference", "VersionDescription"),
)


def alias_of(function: str) -> str:
    """The logical id that SAM gives to the alias of a function."""
    return f"{function}Alias{ALIAS}"


def publish(template: Json, *, is_staged: bool) -> None:
    """Have each Lambda published as a version, and called by its alias.

    Args:
        template: is changed.
        is_staged: whether CodeDeploy moves the alias, as DeploymentPreference says; else
            CloudFormation does, at once, and what CodeDeploy would need is left out.

    Raises:
        InfraError: something calls a Lambda in a way that is not known here.
    """
    functions = of_type(template, "AWS::Serverless::Function")
    for body in functions.values():
        properties = body["Properties"]
        properties["AutoPublishAlias"] = ALIAS
        properties["AutoPublishAliasAllProperties"] = True
        properties["VersionDescription"] = _description(template, properties)
        if not is_staged:
            properties.pop("DeploymentPreference", None)
    if not is_staged:
        for section, name in STAGED_ONLY:
            template.get(section, {}).pop(name, None)
    for kind in CALLERS:
        for name, body in of_type(template, kind).items():
            body["Properties"] = _call_alias(body["Properties"], set(functions))
            direct = sorted(set(references(body)).intersection(functions))
            if direct:
                raise InfraError(f"{name} ({kind}) does not call the alias of {', '.join(direct)}")


def _description(template: Json, properties: Json) -> Json:
    """A description that changes with each parameter that is in a function's properties.

    SAM publishes a version when its properties change as they are written, and they go on
    saying `Ref` whatever a parameter's value is
    (https://github.com/aws/serverless-application-model/issues/3820). A version's description
    cannot be changed in place, so CloudFormation publishes a new one for a new description:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
    """
    configuration = {
        key: value for key, value in properties.items() if key not in _RELEASE_PROPERTIES
    }
    names = sorted(set(references(configuration)).intersection(template.get("Parameters", {})))
    return {"Fn::Sub": " ".join(f"${{{name}}}" for name in names)}


def _call_alias(node: Any, functions: set[str]) -> Any:
    """A part of a template with calls of functions turned into calls of their aliases."""
    if isinstance(node, list):
        return [_call_alias(item, functions) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in functions:
        return {"Ref": alias_of(node["Ref"])}
    substituted = node.get("Fn::Sub")
    if isinstance(substituted, str):
        return {"Fn::Sub": _of_attribute(substituted, functions)}
    if isinstance(substituted, list):
        # Chalice's WebSocket integration: an ARN put together from the function's name.
        text, names = substituted
        called = [name for name in references(names) if name in functions]
        if text.endswith("/invocations") and len(called) == 1:
            return {"Fn::Sub": _INTEGRATION % alias_of(called[0])}
    return {key: _call_alias(value, functions) for key, value in node.items()}


def _of_attribute(text: str, functions: set[str]) -> str:
    """``${Function.Arn}`` → ``${FunctionAliaslive}``, whose value is the alias's ARN."""

    def alias(match: re.Match[str]) -> str:
        return f"${{{alias_of(match[1])}}}" if match[1] in functions else match[0]

    return re.sub(r"\$\{(\w+)\.Arn\}", alias, text)


def unpublish(template: Json) -> None:
    """Undo `publish`, for where functions are updated in place and have no versions.

    Args:
        template: is changed.
    """
    functions = of_type(template, "AWS::Serverless::Function")
    for body in functions.values():
        for name in _RELEASE_PROPERTIES:
            body["Properties"].pop(name, None)
    by_alias = {alias_of(name): name for name in functions}

    def call(text: str) -> str:
        text = re.sub(
            r"\$\{(\w+)\}",
            lambda found: f"${{{by_alias[found[1]]}.Arn}}" if found[1] in by_alias else found[0],
            text,
        )
        return text.replace(f":{ALIAS}", "")

    template["Resources"] = {
        name: _rewrite(body, by_alias, call) for name, body in template["Resources"].items()
    }


def _rewrite(node: Any, by_alias: dict[str, str], call: Callable[[str], str]) -> Any:
    if isinstance(node, list):
        return [_rewrite(item, by_alias, call) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in by_alias:
        return {"Ref": by_alias[node["Ref"]]}
    if isinstance(node.get("Fn::Sub"), str):
        return {"Fn::Sub": call(node["Fn::Sub"])}
    return {key: _rewrite(value, by_alias, call) for key, value in node.items()}
