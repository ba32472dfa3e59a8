"""Ping-Pong's template for this machine: what has a stand-in here dropped, each with its reason.

This is the only place where the local stack's template differs from the deployed one.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from infra.aws.template import Json, references
from infra.errors import InfraError

#: Types of resources that are left out, and why nothing is missed.
DROPPED: Final = {
    "AWS::CloudFront::Distribution": "the edge (infra/local/edge.py) stands in for it",
    "AWS::CloudFront::CachePolicy": "part of CloudFront",
    "AWS::CloudFront::Function": "part of CloudFront; the edge has the same fallback",
    "AWS::CloudFront::OriginAccessControl": "part of CloudFront",
    "AWS::CloudFront::ResponseHeadersPolicy": (
        "part of CloudFront; the edge sends the headers that it names (headers.py)"
    ),
    "AWS::Route53::RecordSetGroup": "there is no domain",
    "AWS::S3::Bucket": "the edge serves the site from the disk",
    "AWS::S3::BucketPolicy": "there is no bucket",
}


def adapt(template: Json, *, management_endpoint: str | Json) -> Json:
    """The template without what has a stand-in.

    Args:
        template: what would be deployed to AWS.
        management_endpoint: where the Lambdas post to connections.

    Raises:
        InfraError: something that stays needs something that is dropped.
    """
    adapted = copy.deepcopy(template)
    resources = adapted["Resources"]
    gone = {name for name, body in resources.items() if body["Type"] in DROPPED}
    for name in gone:
        del resources[name]
    for body in resources.values():
        _forget_dependencies(body, gone)
        variables = body.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "MANAGEMENT_ENDPOINT" in variables:
            variables["MANAGEMENT_ENDPOINT"] = management_endpoint
    adapted["Outputs"] = {
        name: body
        for name, body in adapted.get("Outputs", {}).items()
        if gone.isdisjoint(references(body))
    }
    for name, body in resources.items():
        missing = gone.intersection(references(body))
        if missing:
            raise InfraError(f"{name} needs {', '.join(missing)}, which pingpong/adapt.py drops")
    return adapted


def _forget_dependencies(body: dict[str, Any], gone: set[str]) -> None:
    """Remove what is gone from DependsOn."""
    needed = body.get("DependsOn", [])
    needed = [needed] if isinstance(needed, str) else needed
    kept = [name for name in needed if name not in gone]
    body.pop("DependsOn", None)
    if kept:
        body["DependsOn"] = kept
