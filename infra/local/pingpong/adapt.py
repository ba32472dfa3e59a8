"""Ping-Pong's template for this machine: what has a stand-in here dropped, each with its reason.

The Lambdas have no aliases here: there is one release, which changes whenever a file does.
This is the only place where the local stack's template differs from the deployed one.
"""

from __future__ import annotations

from typing import Final

from infra.aws.aliases import unpublish
from infra.aws.template import Json
from infra.local.leave_out import leave_out

#: Types of resources that are left out, and why nothing is missed.
DROPPED: Final = {
    "AWS::CloudWatch::Alarm": "nobody is told at night of a laptop; errors are in the log",
    "AWS::CloudWatch::Dashboard": "there are no metrics here; the log has each invocation",
    "AWS::Budgets::Budget": "nothing here costs anything",
    "AWS::SNS::Topic": "alarms tell it",
    "AWS::SNS::TopicPolicy": "there is no topic",
    "AWS::SNS::Subscription": "there is no topic",
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
    adapted = leave_out(template, DROPPED, "infra/local/pingpong/adapt.py drops it")
    unpublish(adapted)
    for body in adapted["Resources"].values():
        variables = body.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "MANAGEMENT_ENDPOINT" in variables:
            variables["MANAGEMENT_ENDPOINT"] = management_endpoint
    return adapted
