"""A LocalStack that runs already: what it must be, and what the app's template asks of it."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from infra.aws.template import merge_template, of_type, references
from infra.errors import InfraError
from infra.local.localstack import VERSION, find_localstack
from infra.local.part import TABLE, part_of, without_tables
from infra.local.pingpong.command import LOCALSTACK_STATE_DIR, parse, supervisor_of
from infra.local.pingpong.on_localstack import SERVICES
from tests.support import localstack as for_tests

HEALTHY: dict[str, Any] = {
    "version": f"{VERSION}.0",
    "services": dict.fromkeys(SERVICES, "available"),
}


class Answers:
    """A server that answers every request alike."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps(HEALTHY)
        self.asked: list[str] = []
        self.endpoint = ""

    def healthy(self, **different: Any) -> None:
        self.body = json.dumps(HEALTHY | different)


@pytest.fixture
def server() -> Iterator[Answers]:
    answers = Answers()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append(self.path)
            data = answers.body.encode()
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass  # requests are asserted, not printed

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    answers.endpoint = f"http://127.0.0.1:{httpd.server_port}"
    yield answers
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def refusal(endpoint: str) -> str:
    with pytest.raises(InfraError) as caught:
        find_localstack(endpoint, SERVICES)
    return str(caught.value)


# --- the server -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "version", [f"{VERSION}.0", f"{VERSION}.1.dev3", "4.15", "5.0", "2026.3.0"]
)
def test_the_tried_release_and_newer_ones_will_do(server: Answers, version: str) -> None:
    server.healthy(version=version)
    found = find_localstack(server.endpoint, SERVICES)
    assert (found.endpoint, found.version) == (server.endpoint, version)
    assert server.asked == ["/_localstack/health"]


@pytest.mark.parametrize("version", ["4.13.1", "4.9.2", "3.8.1", "0.14"])
def test_an_older_one_is_refused(server: Answers, version: str) -> None:
    server.healthy(version=version)
    said = refusal(server.endpoint)
    assert f"is {version}; {VERSION} or newer is needed" in said
    assert "docker compose -f tests/compose.yaml up" in said


@pytest.mark.parametrize("state", ["disabled", "error", None])
def test_a_service_that_it_lacks_is_named(server: Answers, state: str | None) -> None:
    services: dict[str, Any] = {**HEALTHY["services"], "dynamodb": state}
    if state is None:
        del services["dynamodb"]
    server.healthy(services=services)
    said = refusal(server.endpoint)
    assert "does not offer dynamodb." in said
    assert "SERVICES=cloudformation,dynamodb,s3,ssm" in said


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "<p>no"), (200, "<p>hello"), (200, "[]"), (200, "{}"), (500, json.dumps(HEALTHY))],
)
def test_another_server_is_told_from_it(server: Answers, status: int, body: str) -> None:
    server.status, server.body = status, body
    assert f"what answers at {server.endpoint} is not LocalStack" in refusal(server.endpoint)


def test_where_nobody_answers_it_is_said_how_to_start_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said = refusal(endpoint)
    assert f"nothing answers at {endpoint}" in said
    assert "docker compose -f tests/compose.yaml up" in said


@pytest.mark.parametrize(
    "endpoint",
    [
        *("localhost:4566", "https://localhost:4566", "http://localhost", "http://:4566"),
        *(
            "http://localhost:x",
            "http://localhost:99999",
            "http://localhost:4566/path",
            "ftp://a:1",
        ),
    ],
)
def test_what_is_no_address_of_it_is_told(endpoint: str) -> None:
    said = refusal(endpoint)
    assert repr(endpoint) in said
    assert "LOCALSTACK_ENDPOINT must be like http://127.0.0.1:4566" in said


def test_nothing_is_started_before_it_was_found(
    server: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALSTACK_ENDPOINT", f"{server.endpoint}/")
    supervisor_of(parse(["--aws", "localstack"]))
    server.healthy(version="3.0.0")
    with pytest.raises(InfraError, match=r"is 3\.0\.0"):
        supervisor_of(parse(["--aws", "localstack"]))


def test_the_embedded_stacks_data_is_not_touched() -> None:
    # Another template would delete its tables.
    given = parse(["--aws", "localstack"])
    assert given.state_dir is None
    assert LOCALSTACK_STATE_DIR.name == "localstack"
    assert parse([]).aws == "embedded"


@pytest.mark.parametrize("name", ["", "Ping", "1st", "a_b", "a" * 42, "ä", "-a", "a/b"])
def test_a_stacks_name_fits_into_those_of_its_resources(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse([f"--name={name}"])
    assert "is no name: small letters, digits and hyphens" in capsys.readouterr().err


def test_the_compose_files_services_are_enough_to_run_on() -> None:
    assert set(SERVICES) <= set(for_tests.SERVICES)


# --- the template in two --------------------------------------------------------------

SMALL: dict[str, Any] = {
    "Parameters": {"Stage": {}, "Other": {}, "Inner": {}},
    "Conditions": {
        "IsProduction": {"Fn::And": [{"Condition": "IsInner"}, {"Fn::Equals": ["a", "b"]}]},
        "IsInner": {"Fn::Equals": [{"Ref": "Inner"}, "x"]},
        "IsOther": {"Fn::Equals": [{"Ref": "Other"}, "x"]},
    },
    "Resources": {
        "Things": {
            "Type": TABLE,
            "Properties": {
                "TableName": {"Fn::Sub": "${AWS::StackName}-things"},
                "DeletionProtectionEnabled": {"Fn::If": ["IsProduction", True, False]},
                "Tags": [{"Key": "stage", "Value": {"Ref": "Stage"}}],
            },
        },
        "Plain": {"Type": TABLE, "Properties": {"TableName": "plain"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "DependsOn": ["Things", "Queue"],
            "Properties": {
                "Name": {"Ref": "Things"},
                "Long": {"Fn::GetAtt": ["Things", "Arn"]},
                "Short": {"Fn::GetAtt": "Plain.Arn"},
                "Index": {"Fn::Sub": "${Things.Arn}/index/*"},
                "Both": {"Fn::Sub": ["${Plain} ${x} ${Queue.Arn}", {"x": {"Ref": "Things"}}]},
                "Kept": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
    },
    "Outputs": {"Table": {"Value": {"Ref": "Things"}}, "Url": {"Value": {"Ref": "Queue"}}},
}
ARN = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"


def test_a_part_has_what_it_refers_to_and_no_more() -> None:
    part = part_of(SMALL, {TABLE})
    assert part["Resources"].keys() == {"Things", "Plain"}
    assert part["Parameters"].keys() == {"Stage", "Inner"}
    assert part["Conditions"].keys() == {"IsProduction", "IsInner"}
    assert "Outputs" not in part


def test_the_rest_names_the_tables() -> None:
    rest = without_tables(SMALL)
    name = "${AWS::StackName}-things"
    assert rest["Resources"].keys() == {"Role", "Queue"}
    assert rest["Resources"]["Role"]["DependsOn"] == ["Queue"]
    assert rest["Resources"]["Role"]["Properties"] == {
        "Name": {"Fn::Sub": name},
        "Long": {"Fn::Sub": ARN + name},
        "Short": {"Fn::Sub": f"{ARN}plain"},
        "Index": {"Fn::Sub": f"{ARN}{name}/index/*"},
        "Both": {"Fn::Sub": ["plain ${x} ${Queue.Arn}", {"x": {"Fn::Sub": name}}]},
        "Kept": {"Fn::GetAtt": ["Queue", "Arn"]},
    }
    assert rest["Outputs"] == {
        "Table": {"Value": {"Fn::Sub": name}},
        "Url": {"Value": {"Ref": "Queue"}},
    }


def test_what_only_the_tables_own_stack_knows_is_told() -> None:
    resources = {
        **SMALL["Resources"],
        "Reader": {"Type": "X", "Properties": {"Stream": {"Fn::GetAtt": ["Things", "StreamArn"]}}},
    }
    with pytest.raises(InfraError, match="Reader needs Things"):
        without_tables({**SMALL, "Resources": resources})


def test_the_apps_template_can_be_cut_so() -> None:
    whole = merge_template()
    # Chalice adds the rest of what is only overridden here.
    whole["Resources"] = {name: {"Type": "?", **body} for name, body in whole["Resources"].items()}
    tables = of_type(whole, TABLE)
    part, rest = part_of(whole, {TABLE}), without_tables(whole)
    assert part["Resources"] == tables
    needed = set(references(part["Resources"])) | set(references(part.get("Conditions", {})))
    assert needed == set(part["Parameters"])
    assert set(references(rest)).isdisjoint(tables)
    # Each statement about a table is still about one.
    assert json.dumps(rest).count(":table/${AWS::StackName}-") >= len(tables)
