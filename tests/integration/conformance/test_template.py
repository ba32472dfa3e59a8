"""The template's tables, parameters and files."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Emulator, Tables
from tests.integration.conformance.wire import n, refused, s
from tests.support.site import unique
from tests.support.tables import table_properties

CLOUDFORMATION = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-dynamodb-table.html"
)
SSM = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/"
S3 = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"


def described(tables: Tables, name: str) -> Any:
    return tables.client.describe_table(TableName=tables.prefix + name)["Table"]


@case(CLOUDFORMATION)
def test_keys_and_indexes(tables: Tables) -> None:
    """Tables made from a template have its keys, key types, indexes and projections."""
    for name, wanted in table_properties().items():
        found = described(tables, name)
        assert found["KeySchema"] == wanted["KeySchema"]
        assert sorted(found["AttributeDefinitions"], key=str) == sorted(
            wanted["AttributeDefinitions"], key=str
        )
        indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}
        for index in wanted.get("GlobalSecondaryIndexes", []):
            made = indexes.pop(index["IndexName"])
            assert made["KeySchema"] == index["KeySchema"]
            assert made["Projection"]["ProjectionType"] == index["Projection"]["ProjectionType"]
            assert sorted(made["Projection"].get("NonKeyAttributes", [])) == sorted(
                index["Projection"].get("NonKeyAttributes", [])
            )
        assert indexes == {}


@case(API + "API_BillingModeSummary.html")
def test_on_demand(tables: Tables) -> None:
    """Tables with `PAY_PER_REQUEST` say so."""
    for name in table_properties():
        assert described(tables, name).get("BillingModeSummary", {}).get("BillingMode") == (
            "PAY_PER_REQUEST"
        )


@case(CLOUDFORMATION, service="cloudformation")
def test_time_to_live(tables: Tables) -> None:
    """Tables with a `TimeToLiveSpecification` have it, the others have none."""
    for name, wanted in table_properties().items():
        found = tables.client.describe_time_to_live(TableName=tables.prefix + name)
        ttl = found["TimeToLiveDescription"]
        if "TimeToLiveSpecification" in wanted:
            assert ttl["TimeToLiveStatus"] == "ENABLED"
            assert ttl["AttributeName"] == wanted["TimeToLiveSpecification"]["AttributeName"]
        else:
            assert ttl["TimeToLiveStatus"] == "DISABLED"


@case(API + "API_UpdateTimeToLive.html")
def test_time_to_live_can_be_switched(tables: Tables) -> None:
    """Time to live is switched on for one attribute, and told."""
    name = tables.scratch_table()
    tables.client.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    found = tables.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert found["AttributeName"] == "expires_at"
    assert found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")


@case(GUIDE + "ttl-expired-items.html")
def test_an_expired_item_can_still_be_found(tables: Tables) -> None:
    """An item whose time is more than five years ago, or no number, is not deleted for it."""
    sessions = {unique("session"): expires for expires in (n(1), s("never"))}
    for session, expires in sessions.items():
        tables.put_session(session, expires_at=expires)
    for session in sessions:
        key = {"session_id": s(session)}
        assert "Item" in tables.client.get_item(
            TableName=tables.sessions, Key=key, ConsistentRead=True
        )


@case(CLOUDFORMATION, service="cloudformation")
def test_point_in_time_recovery(tables: Tables) -> None:
    """Tables with `PointInTimeRecoveryEnabled` have it."""
    for name in table_properties():
        found = tables.client.describe_continuous_backups(TableName=tables.prefix + name)
        recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


@case(CLOUDFORMATION, service="cloudformation")
def test_encryption(tables: Tables) -> None:
    """Tables with `SSEEnabled` have it."""
    for name in table_properties():
        assert described(tables, name).get("SSEDescription", {}).get("Status") == "ENABLED"


@case(SSM + "API_GetParameter.html", service="ssm")
def test_a_secret_parameter(emulator: Emulator) -> None:
    """A SecureString is told in clear only with `WithDecryption`."""
    ssm, name = emulator.client("ssm"), f"/{unique('conformance')}/secret"
    ssm.put_parameter(Name=name, Value="비밀 value", Type="SecureString")
    try:
        clear = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert clear["Value"] == "비밀 value"
        assert (clear["Type"], clear["Version"]) == ("SecureString", 1)
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] != "비밀 value"
    finally:
        ssm.delete_parameter(Name=name)


@case(SSM + "API_PutParameter.html", service="ssm")
def test_a_parameter_is_not_overwritten_unasked(emulator: Emulator) -> None:
    """A parameter that exists is kept unless `Overwrite` is said; then its version grows."""
    ssm, name = emulator.client("ssm"), f"/{unique('conformance')}/secret"
    ssm.put_parameter(Name=name, Value="one", Type="SecureString")
    try:
        with refused("ParameterAlreadyExists"):
            ssm.put_parameter(Name=name, Value="two", Type="SecureString")
        ssm.put_parameter(Name=name, Value="three", Type="SecureString", Overwrite=True)
        found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert (found["Value"], found["Version"]) == ("three", 2)
    finally:
        ssm.delete_parameter(Name=name)


@case(SSM + "API_GetParameter.html", service="ssm")
def test_a_missing_parameter(emulator: Emulator) -> None:
    """A parameter that does not exist is a `ParameterNotFound`."""
    with refused("ParameterNotFound"):
        emulator.client("ssm").get_parameter(Name=f"/{unique('conformance')}", WithDecryption=True)


@pytest.fixture
def bucket(emulator: Emulator) -> Any:
    """A bucket that is empty, and gone afterwards."""
    s3, name = emulator.client("s3"), unique("conformance")
    place = {"LocationConstraint": emulator.region}
    where = {} if emulator.region == "us-east-1" else {"CreateBucketConfiguration": place}
    s3.create_bucket(Bucket=name, **where)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)


@case(S3 + "API_PutObject.html", service="s3")
def test_a_file_keeps_its_headers(emulator: Emulator, bucket: str) -> None:
    """An object is told with the content type and cache rule that it was put with."""
    s3 = emulator.client("s3")
    headers = {"ContentType": "text/html; charset=utf-8", "CacheControl": "no-cache"}
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"<p>", **headers)
    found = s3.get_object(Bucket=bucket, Key="index.html")
    assert {name: found[name] for name in headers} == headers
    assert found["Body"].read() == b"<p>"


@case(S3 + "API_ListObjectsV2.html", service="s3")
def test_a_listing_has_pages(emulator: Emulator, bucket: str) -> None:
    """A listing has pages, in the order of the keys, and every key once."""
    s3 = emulator.client("s3")
    names = sorted(f"assets/{number}.js" for number in range(7))
    for name in reversed(names):
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    found = list(
        s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="assets/", PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(page["Contents"]) for page in found] == [3, 3, 1]
    assert [each["Key"] for page in found for each in page["Contents"]] == names


@case(LAMBDA, service="lambda")
def test_an_unknown_function(emulator: Emulator) -> None:
    """Invoking a function that does not exist is a `ResourceNotFoundException`, with 404."""
    with refused("ResourceNotFoundException", 404):
        emulator.client("lambda").invoke(
            FunctionName=unique("no-such"), InvocationType="Event", Payload=b"{}"
        )
