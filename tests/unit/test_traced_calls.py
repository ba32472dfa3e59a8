"""A frame and all that it leads to are one trace: every call of AWS passes the header on.

Posts to connections are tested with the rest of the sender (test_sender.py).
"""

from __future__ import annotations

import pytest

from chalicelib import dynamodb, invocations, workers
from chalicelib.dynamodb import Client
from chalicelib.signed_http import Service
from tests.unit.test_dynamodb import REGION, Server
from tests.unit.test_dynamodb import server as server

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture(autouse=True)
def calls_go_to_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(Service("dynamodb", server.url, REGION))
    service = Service("lambda", server.url, REGION)
    monkeypatch.setattr(dynamodb, "client", lambda: client)
    monkeypatch.setattr(invocations, "_lambda", lambda: service)
    server.answers += [(200, b"{}"), (202, b"")]


def call_both() -> None:
    dynamodb.client().call("GetItem", {})
    invocations.start("push", workers.CarryRoom("room-1", "holder-1", 7))


def test_calls_of_dynamodb_and_of_workers_are_in_the_trace(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "message")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
    call_both()
    assert [headers["x-amzn-trace-id"] for headers, _ in server.requests] == [TRACE, TRACE]


def test_outside_of_lambda_there_is_no_trace(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
    call_both()
    assert not any("x-amzn-trace-id" in headers for headers, _ in server.requests)
