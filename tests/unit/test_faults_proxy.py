"""Faults of calls of AWS, as boto3's clients meet them through the proxy."""

from __future__ import annotations

import asyncio
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from infra.local.emulator_process import EmulatorProcess
from infra.local.faults.rules import AwsFault, AwsRule, FaultPlan
from infra.local.faults.session import Faults
from tests.support.faults import FaultyAws, faulty_aws

MANAGEMENT = "apigatewaymanagementapi"
REFUSED = (ConnectionClosedError, EndpointConnectionError)


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Upstream:
    """A server that keeps what it gets, and answers each request alike."""

    endpoint: str = ""
    received: list[Received] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@contextmanager
def serving() -> Iterator[Upstream]:
    state = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.received.append(Received(self.command, self.path, self.headers.items(), body))
            self.send_response_only(state.status)
            for name, value in {"Content-Length": str(len(state.body)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(state.body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving() as state:
        yield state


def client(service: Any, aws: FaultyAws, path: str = "", **config: Any) -> Any:
    config = {"retries": {"total_max_attempts": 1}, "read_timeout": 10, **config}
    return boto3.client(
        service,
        endpoint_url=aws.endpoint + path,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**config),
    )


# --- unchanged ------------------------------------------------------------------------


def test_a_call_without_a_fault_goes_on_as_it_came(upstream: Upstream) -> None:
    upstream.headers = {"x-amzn-RequestId": "r-1", "Content-Type": "application/x-amz-json-1.0"}
    upstream.body = b'{"Item": {"id": {"S": "1"}}}'
    with faulty_aws(upstream.endpoint) as aws:
        answer = client("dynamodb", aws).get_item(TableName="t", Key={"id": {"S": "1"}})
        host = aws.endpoint.removeprefix("http://")
    assert answer["Item"] == {"id": {"S": "1"}}
    assert answer["ResponseMetadata"]["RequestId"] == "r-1"
    (received,) = upstream.received
    headers = {name.lower(): value for name, value in received.headers}
    assert (received.method, received.target) == ("POST", "/")
    assert json.loads(received.body) == {"TableName": "t", "Key": {"id": {"S": "1"}}}
    assert headers["host"] == host  # it is signed
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["user-agent"].startswith("Boto3/")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert not aws.events


def test_a_client_that_asks_first_may_go_on(upstream: Upstream) -> None:
    """As boto3 does before it sends a file; RFC 9110, section 10.1.1."""
    with faulty_aws(upstream.endpoint) as aws:
        host, port = aws.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client_:
            head = f"PUT /b/k HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n"
            client_.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            assert client_.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client_.sendall(b"bytes")
            assert client_.recv(1024).startswith(b"HTTP/1.1 200 ")
    (received,) = upstream.received
    assert received.body == b"bytes"
    assert "expect" not in {name.lower() for name, _ in received.headers}


def test_a_service_can_be_elsewhere(upstream: Upstream) -> None:
    rule = AwsRule(fault=AwsFault.THROTTLE, service="dynamodb", operation="PutItem", times=1)
    with (
        serving() as other,
        faulty_aws(upstream.endpoint, rule, elsewhere={"dynamodb": f"{other.endpoint}/"}) as aws,
    ):
        dynamodb = client("dynamodb", aws)
        dynamodb.list_tables()
        client("ssm", aws).delete_parameter(Name="x")
        with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException):
            dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}})
        targets = [
            [dict(received.headers)["X-Amz-Target"] for received in server.received]
            for server in (other, upstream)
        ]
    assert targets == [["DynamoDB_20120810.ListTables"], ["AmazonSSM.DeleteParameter"]]


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/stage/@connections/L0SM9cOFvHcCIhw%3D", None),
        ("PUT", "/b/a%2Fb%20c//d/../e?x=%2B&empty=&flag&x=2", b"\x00\xff" * 70_000),
        ("POST", "/empty", b""),
        ("HEAD", "/b/key", None),
    ],
)
def test_targets_bodies_and_headers_stay_as_they_are(
    upstream: Upstream, method: str, target: str, body: bytes | None
) -> None:
    sent = {"X-Twice": "a, b", "Accept": ""}
    upstream.status, upstream.headers = 207, {"ETag": '"e"', "x-amz-meta-a": "b", "Vary": "q"}
    with faulty_aws(upstream.endpoint) as aws, socket.create_connection(_address(aws)) as raw:
        head = [f"{method} {target} HTTP/1.1", "Host: signed.example:1", "Connection: close"]
        head += [f"{name}: {value}" for name, value in sent.items()]
        head += [] if body is None else [f"Content-Length: {len(body)}"]
        raw.sendall("\r\n".join([*head, "", ""]).encode() + (body or b""))
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    (received,) = upstream.received
    got = dict(received.headers)
    assert (received.method, received.target, received.body) == (method, target, body or b"")
    assert got["Host"] == "signed.example:1"
    assert got["X-Twice"] == "a, b"
    assert got["Accept"] == ""
    assert not {"Connection", "User-Agent", "Accept-Encoding", "Content-Type"} & got.keys()
    assert ("Content-Length" in got) == (body is not None)
    status, _, rest = answer.partition(b"\r\n")
    lines = rest.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert status.startswith(b"HTTP/1.1 207 ")
    assert {b'etag: "e"', b"x-amz-meta-a: b", b"content-length: 2"} <= set(lines)
    assert answer.endswith(b"\r\n\r\n" if method == "HEAD" else b"\r\n\r\n{}")


def _address(aws: FaultyAws) -> tuple[str, int]:
    host, _, port = aws.endpoint.removeprefix("http://").partition(":")
    return host, int(port)


def test_an_upstream_that_is_not_there_looks_like_one(upstream: Upstream) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with faulty_aws(f"http://127.0.0.1:{nobody.getsockname()[1]}") as aws:
            with pytest.raises(REFUSED):
                client("dynamodb", aws).list_tables()
            assert not aws.injected


def test_a_lambda_that_ends_while_it_sends_is_no_failure(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    rule = AwsRule(fault=AwsFault.ERROR)
    with faulty_aws(upstream.endpoint, rule) as aws:
        with socket.create_connection(_address(aws)) as raw:
            raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        with pytest.raises(ClientError):
            put_item(aws)
    assert aws.injected == {"aws rule 1": 1}
    assert upstream.received == []
    assert caplog.messages == []


# --- each fault -----------------------------------------------------------------------


def put_item(aws: FaultyAws) -> Any:
    return client("dynamodb", aws).put_item(TableName="app-rooms", Item={"id": {"S": "1"}})


def invoke(aws: FaultyAws) -> Any:
    return client("lambda", aws).invoke(FunctionName="app-background", Payload=b"{}")


def post(aws: FaultyAws) -> Any:
    return client(MANAGEMENT, aws, "/stage").post_to_connection(ConnectionId="L0=", Data=b"x")


def get_parameter(aws: FaultyAws) -> Any:
    return client("ssm", aws).get_parameter(Name="/secret")


def put_object(aws: FaultyAws) -> Any:
    return client("s3", aws).put_object(Bucket="b", Key="k", Body=b"content")


def send_message(aws: FaultyAws) -> Any:
    return client("sqs", aws).send_message(QueueUrl=f"{aws.endpoint}/1/q", MessageBody="m")


def caller(aws: FaultyAws) -> Any:
    return client("sts", aws).get_caller_identity()


def log_events(aws: FaultyAws) -> Any:
    return client("logs", aws).describe_log_groups()


def alarms(aws: FaultyAws) -> Any:
    return client("cloudwatch", aws).describe_alarms()


def schedules(aws: FaultyAws) -> Any:
    return client("scheduler", aws).list_schedules()


Call = Callable[[FaultyAws], Any]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (put_item, 400, "ProvisionedThroughputExceededException"),
        (invoke, 429, "TooManyRequestsException"),
        (post, 429, "LimitExceededException"),
        (get_parameter, 400, "ThrottlingException"),
        (put_object, 503, "SlowDown"),
        (send_message, 403, "RequestThrottled"),
        (caller, 400, "Throttling"),
        (log_events, 400, "ThrottlingException"),
        (schedules, 429, "TooManyRequestsException"),
        (alarms, 400, "ThrottlingException"),
    ],
)
def test_a_throttle_is_the_services_own_and_nothing_is_executed(
    upstream: Upstream, call: Call, status: int, code: str
) -> None:
    with faulty_aws(upstream.endpoint, AwsRule(fault=AwsFault.THROTTLE)) as aws:
        with pytest.raises(ClientError) as raised:
            call(aws)
        assert aws.injected == {"aws rule 1": 1}
    answer = raised.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"] == "injected by aws rule 1 of the fault plan"
    assert answer["ResponseMetadata"]["RequestId"]
    assert upstream.received == []


@pytest.mark.parametrize(
    ("call", "exception"),
    [
        (put_item, "ProvisionedThroughputExceededException"),
        (invoke, "TooManyRequestsException"),
        (post, "LimitExceededException"),
        (send_message, "RequestThrottled"),
    ],
)
def test_clients_have_their_own_exception_for_it(
    upstream: Upstream, call: Call, exception: str
) -> None:
    with (
        faulty_aws(upstream.endpoint, AwsRule(fault=AwsFault.THROTTLE)) as aws,
        pytest.raises(ClientError) as raised,
    ):
        call(aws)
    assert type(raised.value).__name__ == exception


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (put_item, "InternalServerError"),
        (invoke, "ServiceException"),
        (post, "InternalServerErrorException"),
        (get_parameter, "InternalServerError"),
        (put_object, "InternalError"),
        (send_message, "InternalFailure"),
        (caller, "InternalFailure"),
    ],
)
@pytest.mark.parametrize("fault", [AwsFault.ERROR, AwsFault.ERROR_AFTER])
def test_an_error_is_a_500_before_or_after_the_execution(
    upstream: Upstream, call: Call, code: str, fault: AwsFault
) -> None:
    with (
        faulty_aws(upstream.endpoint, AwsRule(fault=fault)) as aws,
        pytest.raises(ClientError) as raised,
    ):
        call(aws)
    answer = raised.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert answer["Error"]["Code"] == code
    assert len(upstream.received) == (fault is AwsFault.ERROR_AFTER)


def test_status_and_code_can_be_said(upstream: Upstream) -> None:
    conflict = AwsRule(
        fault=AwsFault.ERROR, table="app-*", status=400, code="TransactionConflictException"
    )
    busy = AwsRule(fault=AwsFault.ERROR, service="ssm", status=503)
    slow = AwsRule(fault=AwsFault.THROTTLE, service="lambda", code="EC2ThrottledException")
    with faulty_aws(upstream.endpoint, conflict, busy, slow) as aws:
        codes = []
        for call in (put_item, get_parameter, invoke):
            with pytest.raises(ClientError) as raised:
                call(aws)
            codes.append(raised.value.response["Error"]["Code"])
    assert codes == ["TransactionConflictException", "ServiceUnavailable", "EC2ThrottledException"]


def test_a_connection_is_gone(upstream: Upstream) -> None:
    with faulty_aws(upstream.endpoint, AwsRule(fault=AwsFault.GONE)) as aws:
        with pytest.raises(ClientError) as raised:
            post(aws)
        assert type(raised.value).__name__ == "GoneException"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410
        put_item(aws)
    assert [each.target for each in upstream.received] == ["/"]


@pytest.mark.parametrize("call", [put_item, invoke, post, put_object])
def test_a_cut_connection_executes_nothing(upstream: Upstream, call: Call) -> None:
    rule = AwsRule(fault=AwsFault.CUT)
    with faulty_aws(upstream.endpoint, rule) as aws, pytest.raises(REFUSED):
        call(aws)
    assert upstream.received == []


@pytest.mark.parametrize("call", [put_item, invoke, post, put_object])
def test_a_connection_cut_after_it_was_executed(upstream: Upstream, call: Call) -> None:
    rule = AwsRule(fault=AwsFault.CUT_AFTER)
    with faulty_aws(upstream.endpoint, rule) as aws, pytest.raises(REFUSED):
        call(aws)
    assert len(upstream.received) == 1


def test_what_retries_gets_through(upstream: Upstream) -> None:
    rules = (
        AwsRule(fault=AwsFault.CUT, times=1),
        AwsRule(fault=AwsFault.THROTTLE, after=1, times=1),
        AwsRule(fault=AwsFault.CUT_AFTER, after=2, times=1),
    )
    with faulty_aws(upstream.endpoint, *rules) as aws:
        retries = {"mode": "standard", "total_max_attempts": 5}
        dynamodb = client("dynamodb", aws, retries=retries)
        answer = dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}})
    assert answer["ResponseMetadata"]["RetryAttempts"] == 3
    assert len(upstream.received) == 2  # the one that was cut after it, and the last
    assert [event["what"] for event in aws.events] == [
        "cut",
        "400 ProvisionedThroughputExceededException",
        "cut, after it was executed",
    ]
    assert {event["operation"] for event in aws.events} == {"PutItem"}


def test_a_late_call_is_executed_when_its_time_has_come(upstream: Upstream) -> None:
    late = AwsRule(fault=AwsFault.LATENCY, ms=60_000, service="ssm")
    little = AwsRule(fault=AwsFault.LATENCY, ms=(1, 2), service="dynamodb")
    with faulty_aws(upstream.endpoint, late, little) as aws:
        with pytest.raises(ReadTimeoutError):
            client("ssm", aws, read_timeout=0.05).get_parameter(Name="n")
        assert upstream.received == []
        put_item(aws)
    assert len(upstream.received) == 1
    assert aws.events[0]["what"] == "60000 ms late"
    assert aws.events[1]["what"] in ("1 ms late", "2 ms late")


def test_a_log_line_says_what_happened_and_no_contents(upstream: Upstream) -> None:
    with faulty_aws(upstream.endpoint, AwsRule(fault=AwsFault.ERROR_AFTER)) as aws:
        requests.post(
            aws.endpoint + "/",
            data='{"secret": "text"}',
            headers={
                "X-Amz-Target": "DynamoDB_20120810.PutItem",
                "Authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/r/dynamodb/aws4_request",
                "X-Amzn-Trace-Id": "Root=1-2-3",
            },
            timeout=10,
        )
    assert aws.events == [
        {
            "rules": ("aws rule 1",),
            "service": "dynamodb",
            "operation": "PutItem",
            "what": "500 InternalServerError, after it was executed",
            "trace_id": "Root=1-2-3",
        }
    ]


# --- which call it is -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "service", "operation"),
    [
        (put_item, "dynamodb", "PutItem"),
        (invoke, "lambda", "Invoke"),
        (post, MANAGEMENT, "PostToConnection"),
        (
            lambda aws: client(MANAGEMENT, aws, "/a/b").delete_connection(ConnectionId="x"),
            MANAGEMENT,
            "DeleteConnection",
        ),
        (get_parameter, "ssm", "GetParameter"),
        (put_object, "s3", "PutObject"),
        (lambda aws: client("s3", aws).list_buckets(), "s3", "ListBuckets"),
        (lambda aws: client("s3", aws).list_objects_v2(Bucket="b"), "s3", "ListObjectsV2"),
        (lambda aws: client("s3", aws).list_objects(Bucket="b"), "s3", "ListObjects"),
        (lambda aws: client("s3", aws).get_object(Bucket="b", Key="a/b"), "s3", "GetObject"),
        (lambda aws: client("s3", aws).get_object_acl(Bucket="b", Key="k"), "s3", "GetObjectAcl"),
        (
            lambda aws: client("s3", aws).copy_object(Bucket="b", Key="k", CopySource="b/c"),
            "s3",
            "CopyObject",
        ),
        (
            lambda aws: client("s3", aws).upload_part(
                Bucket="b", Key="k", UploadId="u", PartNumber=1, Body=b"x"
            ),
            "s3",
            "UploadPart",
        ),
        (send_message, "sqs", "SendMessage"),
        (caller, "sts", "GetCallerIdentity"),
        (alarms, "cloudwatch", "DescribeAlarms"),
        (lambda aws: client("stepfunctions", aws).list_activities(), "stepfunctions", "ListA*"),
        (
            lambda aws: client("lambda", aws).get_function_configuration(FunctionName="f"),
            "lambda",
            "GetFunctionConfiguration",
        ),
        (
            lambda aws: client("dynamodbstreams", aws).list_streams(),
            "dynamodbstreams",
            "ListStreams",
        ),
    ],
)
def test_a_call_is_known_by_service_and_operation(
    upstream: Upstream, call: Call, service: str, operation: str
) -> None:
    rule = AwsRule(fault=AwsFault.CUT, service=service, operation=operation)
    with faulty_aws(upstream.endpoint, rule) as aws, pytest.raises(REFUSED):
        call(aws)
    assert aws.events[0]["service"] == service


def test_a_presigned_call_is_known_too(upstream: Upstream) -> None:
    rule = AwsRule(fault=AwsFault.THROTTLE, service="s3", operation="GetObject")
    with faulty_aws(upstream.endpoint, rule) as aws:
        s3 = client("s3", aws, signature_version="s3v4")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        assert requests.get(url, timeout=10).status_code == 503


@pytest.mark.parametrize(
    "name",
    [
        "app-background",
        "app-background:live",
        "1:function:app-background",
        "arn:aws:lambda:eu-west-1:123456789012:function:app-background:7",
    ],
)
def test_a_function_is_known_by_any_of_its_names(upstream: Upstream, name: str) -> None:
    rule = AwsRule(fault=AwsFault.CUT, function="app-b*d")
    with faulty_aws(upstream.endpoint, rule) as aws:
        client("lambda", aws).invoke(FunctionName="app-message", Payload=b"{}")
        with pytest.raises(REFUSED):
            client("lambda", aws).invoke(FunctionName=name, Payload=b"{}")


def test_what_is_no_call_of_aws_meets_rules_for_all_only(upstream: Upstream) -> None:
    rules = (
        AwsRule(fault=AwsFault.CUT, service="s3", operation="GetObject"),
        AwsRule(fault=AwsFault.ERROR, after=1),
    )
    with faulty_aws(upstream.endpoint, *rules) as aws:
        assert requests.get(aws.endpoint + "/b/k", timeout=10).status_code == 200
        assert requests.get(aws.endpoint + "/b/k", timeout=10).status_code == 500


# --- in front of the emulator ---------------------------------------------------------


def test_the_emulator_takes_signatures_through_the_proxy(tmp_path: Path) -> None:
    """MiniStack checks them (AUTH=true), over the Host header, too."""
    rule = AwsRule(fault=AwsFault.CUT_AFTER, table="things", operation="PutItem", times=1)

    async def scenario() -> dict[str, Any]:
        faults = Faults(FaultPlan(aws=(rule,)), tmp_path)
        emulator = EmulatorProcess(tmp_path / "state", lambda invocation: None)
        await faults.start()
        await emulator.start()
        try:
            faults.forward_to(emulator.endpoint)
            found = await asyncio.to_thread(_use, faults.endpoint)
        finally:
            await emulator.stop()
            await faults.stop()
        assert faults.report() == [
            "aws rule 1 (cut_after dynamodb PutItem things): struck 1 times in 2 events"
        ]
        return found

    assert asyncio.run(scenario())["n"] == {"N": "2"}


def _use(endpoint: str) -> dict[str, Any]:
    aws = FaultyAws(FaultPlan())
    aws.endpoint = endpoint
    dynamodb = client("dynamodb", aws)
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "1"}}
    with pytest.raises(REFUSED):
        dynamodb.put_item(TableName="things", Item={**key, "n": {"N": "1"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):  # it was executed
        dynamodb.put_item(
            TableName="things", Item=key, ConditionExpression="attribute_not_exists(id)"
        )
    add = {"ExpressionAttributeValues": {":one": {"N": "1"}}, "UpdateExpression": "ADD n :one"}
    dynamodb.update_item(TableName="things", Key=key, **add)
    item: dict[str, Any] = dynamodb.get_item(TableName="things", Key=key)["Item"]
    return item


def test_without_rules_for_aws_there_is_no_proxy(tmp_path: Path) -> None:
    async def scenario() -> str:
        faults = Faults(FaultPlan(aws=(AwsRule(fault=AwsFault.GONE),)), tmp_path)
        await faults.start()
        await faults.stop()
        assert list(faults.environment) == ["INFRA_LOCAL_FAULTS"]
        return faults.endpoint

    assert asyncio.run(scenario()) == ""
