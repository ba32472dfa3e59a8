"""DynamoDB's client, against a server that answers as told."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from chalicelib import aws, metering, signed_http
from chalicelib.dynamodb import Client
from chalicelib.signed_http import TRIES, Service

REGION = "eu-west-3"
THROTTLED = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"


@dataclass
class Server:
    """Answers requests in turn; None cuts the connection after the request."""

    url: str = ""
    answers: list[tuple[int, Any] | None] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(signed_http, "BACK_OFF_SECONDS", 0.0)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token/+==")
    metering.reset()
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.requests.append((headers, body))
            made.paths.append(self.path)
            made.connections.add(self.client_address)
            answer = made.answers.pop(0)
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("x-amzn-RequestId", "r-1")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass  # requests are asserted, not printed

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    made.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield made
    http.shutdown()
    http.server_close()


def call(server: Server, operation: str = "GetItem", **arguments: Any) -> dict[str, Any]:
    return Client(Service("dynamodb", server.url, REGION))._make_api_call(operation, arguments)


def test_results_are_told_as_dynamodb_writes_them(server: Server) -> None:
    """Numbers stay texts, which PynamoDB reads."""
    item = {"Item": {"n": {"N": "12345678901234567890"}, "s": {"S": "지민 😀"}}}
    server.answers = [(200, item)]
    assert call(server, TableName="t", Key={"a": {"S": "x"}}) == item
    assert metering.report()["dynamodb"] == {"GetItem": 1}


def test_requests_are_botocores(server: Server) -> None:
    arguments: dict[str, Any] = {"TableName": "t", "Key": {"a": {"S": "ü"}}, "ConsistentRead": True}
    server.answers = [(200, {}), (200, {})]
    call(server, **arguments)
    (ours, our_body) = server.requests[0]
    client = boto3.client("dynamodb", endpoint_url=server.url, region_name=REGION)
    moment = datetime.datetime.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%S%z")
    with patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        client.get_item(**arguments)
    (theirs, their_body) = server.requests[1]
    for name in ("host", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token"):
        assert ours[name] == theirs[name]
    assert json.loads(our_body) == json.loads(their_body)
    scope = f"/{REGION}/dynamodb/aws4_request"
    assert scope in ours["authorization"]
    assert ours["authorization"].split("Signature=")[0] == theirs["authorization"].split(
        "Signature="
    )[0].replace("content-type;", "")


def test_an_error_is_told_as_botocore_tells_it(server: Server) -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"a": {"S": "x"}}}]
    content = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": reasons,
    }
    server.answers = [(400, content)]
    with pytest.raises(ClientError) as refused:
        call(server, "TransactWriteItems")
    response: Any = refused.value.response
    assert response["Error"] == {
        "Code": "TransactionCanceledException",
        "Message": "Transaction cancelled",
    }
    assert response["CancellationReasons"] == reasons
    assert response["ResponseMetadata"]["RequestId"] == "r-1"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        (500, {"__type": "InternalServerError"}),
        (503, b"<html>"),
        (400, {"__type": THROTTLED}),
        None,
    ],
    ids=["500", "no JSON", "throttled", "cut"],
)
def test_what_may_pass_is_tried_again(server: Server, failure: tuple[int, Any] | None) -> None:
    server.answers = [failure, (200, {"Item": {}})]
    assert call(server) == {"Item": {}}
    assert metering.report()["dynamodb"] == {"GetItem": 2}


def test_what_does_not_pass_is_told_in_the_end(server: Server) -> None:
    server.answers = [(400, {"__type": THROTTLED, "message": "slow down"})] * TRIES
    with pytest.raises(ClientError) as refused:
        call(server)
    assert refused.value.response["Error"]["Message"] == "slow down"
    server.answers = [None] * TRIES
    with pytest.raises(HTTPClientError):
        call(server)
    assert len(server.requests) == 2 * TRIES


def test_a_refusal_is_not_repeated(server: Server) -> None:
    server.answers = [(400, {"__type": "x#ConditionalCheckFailedException"})]
    with pytest.raises(ClientError):
        call(server, "PutItem")
    assert len(server.requests) == 1


def test_connections_are_kept(server: Server) -> None:
    server.answers = [(200, {})] * 3
    client = Client(Service("dynamodb", server.url, REGION))
    for _ in range(3):
        client._make_api_call("GetItem", {})
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("region", "environment", "url"),
    [
        ("eu-west-3", {}, "https://dynamodb.eu-west-3.amazonaws.com/"),
        ("cn-north-1", {}, "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
        ("eu-west-3", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1/"),
        (
            "eu-west-3",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://d:2/"},
            "http://d:2/",
        ),
    ],
)
def test_where_dynamodb_is(
    monkeypatch: pytest.MonkeyPatch, region: str, environment: dict[str, str], url: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "region", lambda: region)
    assert signed_http.service("dynamodb")._url + "/" == url
