"""Errors and who may call."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Emulator, Tables
from tests.integration.conformance.wire import n, refusal_of, refused, s
from tests.support.site import unique

ERRORS = GUIDE + "Programming.Errors.html"
LOW_LEVEL = GUIDE + "Programming.LowLevelAPI.html"

_pool = urllib3.PoolManager(retries=False)


def send(emulator: Emulator, operation: str, body: str) -> tuple[int, Any, Any]:
    """A signed request as it is; status, headers and body of the answer."""
    request = AWSRequest(
        "POST",
        emulator.endpoint + "/",
        data=body,
        headers={
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        },
    )
    SigV4Auth(Credentials("test", "test"), "dynamodb", emulator.region).add_auth(request)
    headers = dict(request.headers.items())
    answer = _pool.request("POST", emulator.endpoint + "/", body=body, headers=headers)
    return answer.status, answer.headers, answer.data


def stranger(emulator: Emulator, key_id: str, secret: str) -> Any:
    """A client with other keys."""
    session = boto3.session.Session(key_id, secret, region_name=emulator.region)
    return session.client("dynamodb", endpoint_url=emulator.endpoint)


@case(ERRORS)
def test_an_unknown_table(tables: Tables) -> None:
    """A table that is not there is a `ResourceNotFoundException`, in every operation."""
    table: Any = {"TableName": "no-such-table"}
    key = {"id": s("x")}
    client = tables.client
    calls: tuple[Callable[[], object], ...] = (
        lambda: client.get_item(**table, Key=key),
        lambda: client.put_item(**table, Item=key),
        lambda: client.update_item(**table, Key=key),
        lambda: client.delete_item(**table, Key=key),
        lambda: client.batch_get_item(RequestItems={"no-such-table": {"Keys": [key]}}),
        lambda: client.transact_write_items(TransactItems=[{"Put": {**table, "Item": key}}]),
    )
    for call in calls:
        with refused("ResourceNotFoundException"):
            call()


@case(API + "API_GetItem.html")
def test_a_key_must_be_the_tables(tables: Tables) -> None:
    """A key with another attribute, a missing one or the wrong type is refused."""
    room = {"room_id": s("r")}
    for key in (room, room | {"seq": s("1")}, room | {"seq": n(1), "more": n(1)}):
        with refused("ValidationException"):
            tables.client.get_item(TableName=tables.chats, Key=key)


@case(API + "API_PutItem.html")
def test_an_item_needs_its_key(tables: Tables) -> None:
    """An item without its key, or with a key of the wrong type, is refused."""
    for item in ({"room_id": s("r")}, {"room_id": s("r"), "seq": s("1")}):
        with refused("ValidationException"):
            tables.client.put_item(TableName=tables.chats, Item=item)


@case(LOW_LEVEL)
def test_an_error_as_it_is_sent(emulator: Emulator) -> None:
    """An error is 400 with JSON: `__type` is a namespace, `#` and the code; and a `message`."""
    body = json.dumps({"TableName": "no-such-table", "Key": {"id": s("x")}})
    status, headers, data = send(emulator, "GetItem", body)
    answer = json.loads(data)
    assert status == 400
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert answer["__type"] == "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    assert answer.get("message")


@case(LOW_LEVEL)
def test_an_answer_has_an_id_and_a_checksum(emulator: Emulator) -> None:
    """Every answer has `x-amzn-RequestId`, another one each, and its CRC-32 as `x-amz-crc32`."""
    answers = [send(emulator, "ListTables", "{}") for _ in range(2)]
    assert len({headers["x-amzn-RequestId"] for _, headers, _ in answers}) == 2
    for status, headers, data in answers:
        assert status == 200
        assert int(headers["x-amz-crc32"]) == zlib.crc32(data)


@case(ERRORS)
def test_a_wrong_secret(emulator: Emulator, tables: Tables) -> None:
    """A request signed with a wrong secret is refused."""
    _expect_stranger(stranger(emulator, "test", "wrong"), tables)


@case(ERRORS)
def test_an_unknown_access_key(emulator: Emulator, tables: Tables) -> None:
    """A request with an access key that does not exist is refused."""
    _expect_stranger(stranger(emulator, "AKIAIOSFODNN7EXAMPLE", "wrong"), tables)


def _expect_stranger(client: Any, tables: Tables) -> None:
    with pytest.raises(ClientError) as caught:
        client.get_item(TableName=tables.chats, Key=tables.chat_key())
    told = refusal_of(caught.value)
    # The page has the first for both; AWS answers a wrong secret with the second.
    assert told.code in ("UnrecognizedClientException", "InvalidSignatureException")


@case(ERRORS)
def test_an_unsigned_request(emulator: Emulator) -> None:
    """A request without signature is a `MissingAuthenticationTokenException`."""
    answer = _pool.request(
        "POST",
        emulator.endpoint + "/",
        body=b"{}",
        headers={
            "X-Amz-Target": "DynamoDB_20120810.ListTables",
            "Content-Type": "application/x-amz-json-1.0",
        },
    )
    found = json.loads(answer.data).get("__type", "").rpartition("#")[2]
    assert (answer.status, found) == (400, "MissingAuthenticationTokenException")


@case(API + "API_CreateTable.html")
def test_a_table_that_exists(tables: Tables) -> None:
    """Creating a table that exists is a `ResourceInUseException`, and leaves its items."""
    name = tables.scratch_table()
    tables.client.put_item(TableName=name, Item={"id": s("x")})
    with refused("ResourceInUseException"):
        tables.create_scratch_table(name)
    assert "Item" in tables.client.get_item(TableName=name, Key={"id": s("x")})


@case(API + "API_DeleteTable.html")
def test_a_protected_table_stays(tables: Tables) -> None:
    """A table with deletion protection cannot be deleted."""
    name = tables.scratch_table(DeletionProtectionEnabled=True)
    tables.client.put_item(TableName=name, Item={"id": s("x")})
    try:
        with refused("ValidationException"):
            tables.client.delete_table(TableName=name)
        assert "Item" in tables.client.get_item(TableName=name, Key={"id": s("x")})
    finally:
        tables.release(name)


@case(API + "API_DeleteTable.html")
def test_a_deleted_table_is_gone(tables: Tables) -> None:
    """A deleted table is not found any more, and one made anew is empty."""
    name = tables.scratch_table()
    tables.client.put_item(TableName=name, Item={"id": s("x")})
    tables.client.delete_table(TableName=name)
    tables.client.get_waiter("table_not_exists").wait(
        TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    with refused("ResourceNotFoundException"):
        tables.client.get_item(TableName=name, Key={"id": s("x")})
    tables.create_scratch_table(name)
    assert tables.client.scan(TableName=name)["Items"] == []


@case(GUIDE + "Programming.Errors.html#Programming.Errors.BatchOperations")
def test_a_batch_for_an_unknown_table(tables: Tables) -> None:
    """A batch with one unknown table is refused whole."""
    room = unique("room")
    puts = {
        tables.chats: [{"PutRequest": {"Item": {"room_id": s(room), "seq": n(1)}}}],
        "no-such-table": [{"PutRequest": {"Item": {"id": s("x")}}}],
    }
    with refused("ResourceNotFoundException"):
        tables.client.batch_write_item(RequestItems=puts)
    assert tables.count(room) == 0
