"""Asynchronous invocations, against a server that answers as told."""

from __future__ import annotations

import datetime
import json
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError

from chalicelib import invocations, workers
from chalicelib.signed_http import TRIES, Service
from tests.unit.test_dynamodb import REGION, Server
from tests.unit.test_dynamodb import server as server

JOB = workers.CarryRoom("room-1", "holder-1", 7)


@pytest.fixture
def functions(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    service = Service("lambda", server.url, REGION)
    monkeypatch.setattr(invocations, "_lambda", lambda: service)
    return server


def test_lambda_gets_the_job_as_an_event(functions: Server) -> None:
    functions.answers.append((202, b""))
    invocations.start("ping-pong-push", JOB)
    ((headers, body),) = functions.requests
    assert headers["x-amz-invocation-type"] == "Event"
    assert functions.paths == ["/2015-03-31/functions/ping-pong-push/invocations"]
    assert workers.parse(json.loads(body)) == JOB


def test_an_alias_is_named_as_botocore_names_it(functions: Server) -> None:
    functions.answers += [(202, b""), (202, b"")]
    invocations.start("ping-pong-push:live", JOB)
    lambda_ = boto3.client("lambda", endpoint_url=functions.url, region_name=REGION)
    lambda_.invoke(FunctionName="ping-pong-push:live", InvocationType="Event", Payload=b"{}")
    ours, botocores = functions.paths
    assert ours == botocores == "/2015-03-31/functions/ping-pong-push%3Alive/invocations"


@pytest.mark.parametrize("function", ["ping-pong-push", "ping-pong-push:live"])
def test_the_signature_is_botocores(functions: Server, function: str) -> None:
    functions.answers.append((202, b""))
    invocations.start(function, JOB)
    ((headers, body),) = functions.requests
    request = AWSRequest(
        "POST",
        functions.url + functions.paths[0],
        {"X-Amz-Invocation-Type": "Event"},
        body,
    )
    moment = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%S%z")
    credentials = Credentials("test", "test", headers["x-amz-security-token"])
    with patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        botocore.auth.SigV4Auth(credentials, "lambda", REGION).add_auth(request)
    assert headers["authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize("passing", [(429, {}), (500, {}), (503, {}), None])
def test_what_may_pass_is_tried_again(
    functions: Server, passing: tuple[int, object] | None
) -> None:
    functions.answers += [passing, (202, b"")]
    invocations.start("f", JOB)
    assert len(functions.requests) == 2


def test_what_stays_is_raised(functions: Server) -> None:
    functions.answers.append((404, {"Message": "no such function"}))
    with pytest.raises(ClientError, match="404"):
        invocations.start("f", JOB)
    assert len(functions.requests) == 1
    functions.answers += [None] * TRIES
    with pytest.raises(HTTPClientError):
        invocations.start("f", JOB)
