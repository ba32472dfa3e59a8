"""What keeps data and what people load: tables, the bucket, CloudFront.

That tables have the models' keys, indexes and TTLs is in test_tables.py.
"""

from __future__ import annotations

import copy

import pytest

from infra.aws import template as templates
from tests.unit.template_harness import packaged, parts

TEMPLATE = parts()
TABLES = templates.of_type(TEMPLATE, "AWS::DynamoDB::Table")
#: What production keeps when its stack goes.
KEPT = {*TABLES, "SiteBucket"}


@pytest.mark.parametrize("name", TABLES)
def test_tables_cost_nothing_idle_and_can_be_restored(name: str) -> None:
    properties = TABLES[name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
    assert properties["TableName"]["Fn::Sub"].startswith("${AWS::StackName}-")


@pytest.mark.parametrize(("stage", "policy"), [("prod", "Retain"), ("dev", "Delete")])
def test_only_production_outlives_its_stack(stage: str, policy: str) -> None:
    resources = packaged(stage)["Resources"]
    for kind in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert {resources[name][kind] for name in KEPT} == {policy}
        kept = {name for name, body in resources.items() if body.get(kind) == "Retain"}
        assert kept == (KEPT if stage == "prod" else set())


def test_finishing_changes_nothing_of_what_it_is_given() -> None:
    given = copy.deepcopy(TEMPLATE)
    templates.finish(given, stage="dev")
    assert given == TEMPLATE


def test_content_security_policy_allows_the_site_only() -> None:
    config = TEMPLATE["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    csp = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    directives = dict(part.strip().partition(" ")[::2] for part in csp.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "unsafe" not in csp
    assert "*" not in csp


def test_everything_from_cloudfront_has_the_security_headers_but_the_websocket() -> None:
    config = TEMPLATE["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    behaviors = {
        body.get("PathPattern", "*"): body
        for body in [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    }
    with_headers = {path for path, body in behaviors.items() if "ResponseHeadersPolicyId" in body}
    assert with_headers == {"*", "/api/*"}
    assert all(
        body["ViewerProtocolPolicy"] in ("https-only", "redirect-to-https")
        for body in behaviors.values()
    )
    # What the Lambdas answer is nobody else's: AWS's policy CachingDisabled.
    disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    for path in ("/api/*", "/ws"):
        assert behaviors[path]["CachePolicyId"] == disabled
    assert config["HttpVersion"] == "http2and3"


def test_errors_of_the_api_stay_errors() -> None:
    config = TEMPLATE["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert "CustomErrorResponses" not in config
    (association,) = config["DefaultCacheBehavior"]["FunctionAssociations"]
    assert association["FunctionARN"] == {"Fn::GetAtt": ["SiteRoutes", "FunctionARN"]}
    assert all("FunctionAssociations" not in behavior for behavior in config["CacheBehaviors"])


def test_the_bucket_is_cloudfronts_alone() -> None:
    bucket = TEMPLATE["Resources"]["SiteBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    policy = TEMPLATE["Resources"]["SiteBucketPolicy"]["Properties"]["PolicyDocument"]
    (allowed,) = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "AWS:SourceArn" in allowed["Condition"]["StringEquals"]


def test_nothing_takes_what_is_not_encrypted_on_its_way() -> None:
    policies = ("SiteBucketPolicy", "BackgroundFailuresPolicy", "AlarmsPolicy")
    for name in policies:
        document = TEMPLATE["Resources"][name]["Properties"]["PolicyDocument"]
        (denied,) = [s for s in document["Statement"] if s["Effect"] == "Deny"]
        assert denied["Principal"] == "*"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
