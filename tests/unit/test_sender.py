"""Posting, over real sockets, to a server that answers as each test wants."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import botocore.auth
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import get_cert_path

from chalicelib import aws, fanout, metering, sender
from chalicelib.channels import Address, Endpoint
from chalicelib.settings import SettingsError, settings
from tests.support.management_stub import (
    OK,
    ManagementStub,
    Plan,
    Reply,
    Request,
    answer,
    chunked,
    make_certificates,
)
from tests.support.stack import ROOT

FRAME = '{"type":"entries.added","텍스트":"안녕"}'.encode()
THREE = ["a", "b", "c"]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _no_other_tests_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    metering.reset()
    sender._endpoint.cache_clear()
    aws._tls.cache_clear()
    monkeypatch.setattr(fanout, "BACK_OFF_SECONDS", 0.001)
    # However busy the machine is: nothing times out by itself.
    monkeypatch.setattr(fanout, "ANSWER_SECONDS", 60.0)
    monkeypatch.setattr(sender, "PUSH_SECONDS", 60.0)


def push(connection_ids: Iterable[str], *, frame: bytes = FRAME) -> set[str]:
    """Post, with all the time that it takes."""
    return sender.post(frame, connection_ids, within=60.0)


@pytest.fixture
def point_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the sender post to a URL."""

    def point(url: str) -> None:
        pointed = dataclasses.replace(settings, management_endpoint=url)
        monkeypatch.setattr(sender, "settings", pointed)

    return point


@pytest.fixture
def stub(point_to: Callable[[str], None]) -> Iterator[ManagementStub]:
    """A server without TLS, to which the sender posts."""
    with ManagementStub() as stub:
        point_to(stub.url)
        yield stub


@pytest.fixture
def tls_stub(
    point_to: Callable[[str], None],
    certificates: tuple[Path, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ManagementStub]:
    """A server with TLS, to which the sender posts."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates[0]))
    with ManagementStub(certificates[1]) as stub:
        point_to(stub.url)
        yield stub


@pytest.fixture(params=["http", "https"])
def either_stub(request: pytest.FixtureRequest) -> ManagementStub:
    """The one and the other."""
    name = "stub" if request.param == "http" else "tls_stub"
    stub: ManagementStub = request.getfixturevalue(name)
    return stub


def first(reply: Reply, then: Reply = OK) -> Plan:
    """Reply so to the first request for each connection, and otherwise to what follows."""
    return lambda _request, before: then if before else reply


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# --- Reaching everyone -----------------------------------------------------------------


def test_everyone_is_posted_to_once_and_connections_are_kept(either_stub: ManagementStub) -> None:
    ids = [f"id-{number}=" for number in range(1000)]
    assert push(ids) == set()
    assert either_stub.received() == Counter(ids)
    assert {request.body for request in either_stub.requests} == {FRAME}
    assert 1 <= either_stub.sockets <= fanout.CHANNELS_MAX
    assert metering.report()["posts"] == {"ok": 1000}
    for _ in range(3):
        push(THREE)
    assert len({request.socket for request in either_stub.requests[1000:]}) == 3
    assert metering.report()["posts"] == {"ok": 1009}


def test_nobody_is_nothing(stub: ManagementStub) -> None:
    assert push([]) == set()
    assert stub.sockets == 0
    assert metering.report()["posts"] == {}


def test_those_that_are_gone_are_told(either_stub: ManagementStub) -> None:
    ids = [f"id-{number}=" for number in range(50)]
    gone = set(ids[::7])
    either_stub.plan = lambda request, _: answer(410 if request.connection_id in gone else 200)
    assert push(iter(ids)) == gone
    assert metering.report()["posts"] == {"ok": 42, "gone": 8}
    assert either_stub.received() == Counter(ids)


@pytest.mark.parametrize("connection_id", ["L0SM9cOFvHcCIhw=", "a+b/c=", "가 %41&?#", "..a"])
def test_an_id_arrives_as_it_is(stub: ManagementStub, connection_id: str) -> None:
    push([connection_id])
    assert stub.requests[0].connection_id == connection_id


def test_a_frame_that_fills_all_buffers_arrives_whole(either_stub: ManagementStub) -> None:
    frame = os.urandom(1024) * 4096
    push(THREE, frame=frame)
    assert [request.body == frame for request in either_stub.requests] == [True] * 3


def test_threads_may_post_at_once(tls_stub: ManagementStub) -> None:
    sets = [[f"{letter}-{number}" for number in range(100)] for letter in "abcd"]
    threads = [threading.Thread(target=push, args=(ids,)) for ids in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tls_stub.received() == Counter(id_ for ids in sets for id_ in ids)
    assert metering.report()["posts"] == {"ok": 400}


def test_a_tls_session_is_resumed(tls_stub: ManagementStub) -> None:
    assert tls_stub.tls
    before = tls_stub.tls.session_stats()["hits"]
    push(["a"])
    tls_stub.close_connections()
    push(["a"])
    assert tls_stub.sockets == 2
    assert tls_stub.tls.session_stats()["hits"] == before + 1


# --- Answers that say no ---------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_post_is_repeated_that_failed_for_the_time_being(
    stub: ManagementStub, status: int
) -> None:
    stub.plan = first(answer(status, body=b'{"message":"x"}'))
    assert push(THREE) == set()
    assert stub.received() == Counter(THREE * 2)
    assert metering.report()["posts"] == {"ok": 3, "repeated": 3}


def test_at_the_deadline_what_still_fails_is_counted_and_left(
    stub: ManagementStub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.plan = lambda request, _: OK if request.connection_id == "a" else answer(500)
    assert sender.post(FRAME, THREE, within=1.0) == set()
    posts = metering.report()["posts"]
    repeated = posts.pop("repeated")
    assert posts == {"ok": 1, "failed": 2}
    assert repeated >= 2
    assert 5 <= stub.received().total() <= 3 + repeated
    (line,) = logged(capsys)
    assert line == {"level": "warning", "event": "posts_failed", "of": 3, "by": {"500": 2}}


@pytest.mark.parametrize("status", [301, 400, 403, 404, 413])
def test_a_post_is_not_repeated_that_is_wrong(
    stub: ManagementStub, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.plan = lambda *_: answer(status)
    assert push(THREE) == set()
    assert stub.received() == Counter(THREE)
    assert metering.report()["posts"] == {"failed": 3}
    assert [line["by"] for line in logged(capsys)] == [{str(status): 3}]


# --- Servers and networks as they are ---------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        chunked(200, b"abc", b"d" * 300),
        Reply(b"HTTP/1.1 100 Continue\r\n\r\n" + OK.data),
        Reply(b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
)
def test_connections_are_kept_after_any_whole_answer(
    either_stub: ManagementStub, reply: Reply
) -> None:
    either_stub.plan = lambda *_: reply
    for _ in range(3):
        push(["a"])
    assert either_stub.sockets == 1
    assert metering.report()["posts"] == {"ok": 3}


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, close=True),
        Reply(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True),
        Reply(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", close=True),
        Reply(OK.data + b"HTTP/1.1 200 OK\r\n"),
    ],
)
def test_a_connection_that_ends_is_not_used_again(
    either_stub: ManagementStub, reply: Reply
) -> None:
    either_stub.plan = lambda *_: reply
    for _ in range(3):
        push(["a"])
    assert either_stub.sockets == 3
    assert metering.report()["posts"] == {"ok": 3}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"", close=True),
        Reply(OK.data[:-30], close=True),
        Reply(chunked(200, b"abc").data[:-3], close=True),
        Reply(b"SSH-2.0-OpenSSH_9.2\r\n"),
    ],
)
def test_a_broken_answer_is_asked_for_again(either_stub: ManagementStub, reply: Reply) -> None:
    either_stub.plan = first(reply)
    assert push(THREE) == set()
    assert either_stub.received() == Counter(THREE * 2)
    assert metering.report()["posts"] == {"ok": 3, "repeated": 3}


def test_connections_that_ended_while_resting_are_replaced(either_stub: ManagementStub) -> None:
    ids = [f"id-{number}" for number in range(40)]
    push(ids)
    opened = either_stub.sockets
    either_stub.close_connections()
    push(ids)
    assert either_stub.received() == Counter(ids * 2)
    assert either_stub.sockets > opened
    assert metering.report()["posts"] == {"ok": 80}


def test_a_connection_that_ends_as_it_is_used_again_is_replaced(
    either_stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(["a"])
    # The server forgot it, and nothing told so before the post: as after a thaw.
    either_stub.plan = lambda request, _: Reply(close=True) if request.socket == 1 else OK
    # No time for another try after a wait: it must be a matter of course.
    monkeypatch.setattr(fanout, "BACK_OFF_SECONDS", 1e9)
    monkeypatch.setattr(fanout, "BACK_OFF_SECONDS_MAX", 1e9)
    push(["b"])
    assert either_stub.received() == Counter({"a": 1, "b": 2})
    assert metering.report()["posts"] == {"ok": 2, "repeated": 1}


def test_connections_that_rested_long_are_not_used_again(
    stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(THREE)
    monkeypatch.setattr(fanout, "REST_SECONDS", -1.0)
    opened = stub.sockets
    push(["a"])
    assert stub.sockets == opened + 1


def test_a_post_without_an_answer_is_repeated(
    either_stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "ANSWER_SECONDS", 0.1)
    either_stub.plan = first(Reply())
    sender.post(FRAME, THREE, within=60)
    assert either_stub.received() == Counter(THREE * 2)
    assert metering.report()["posts"] == {"ok": 3, "repeated": 3}


def test_one_that_stalls_holds_up_nobody_else(
    either_stub: ManagementStub, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"id-{number}" for number in range(20)]
    either_stub.plan = lambda request, _: Reply() if request.connection_id == "id-7" else OK
    assert sender.post(FRAME, ids, within=2.0) == set()
    assert metering.report()["posts"] == {"ok": 19, "failed": 1}
    assert logged(capsys)[0]["by"] == {"TimeoutError": 1}
    # Its answer, should it come, is not taken for another's.
    either_stub.plan = lambda *_: answer(410)
    assert push(ids) == set(ids)


def test_a_server_that_accepts_and_says_nothing_is_left_at_the_deadline(
    point_to: Callable[[str], None],
    certificates: tuple[Path, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates[0]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        point_to(f"https://localhost:{server.getsockname()[1]}/ws")
        sender.post(FRAME, THREE, within=0.2)
    assert metering.report()["posts"] == {"failed": 3}
    assert logged(capsys)[0]["by"] == {"NotTried": 3}


def test_an_answer_ahead_of_the_whole_request_spoils_the_connection(
    point_to: Callable[[str], None],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        point_to(f"http://localhost:{server.getsockname()[1]}/ws")

        def refuse() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(answer(413).data)
                    closed.wait(10)

        closed = threading.Event()
        thread = threading.Thread(target=refuse)
        thread.start()
        push(["a"], frame=b"x" * 16_000_000)
        assert metering.report()["posts"] == {"failed": 1}
        closed.set()
        push(["a"])
        thread.join()
    assert metering.report()["posts"] == {"failed": 2}


def test_nobody_listens(
    point_to: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    point_to(f"http://127.0.0.1:{port}/ws")
    assert sender.post(FRAME, THREE, within=0.2) == set()
    assert metering.report()["posts"] == {"failed": 3}
    assert logged(capsys)[0]["by"] == {"ConnectionRefusedError": 3}


def test_another_address_is_tried(stub: ManagementStub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        refused = Address(socket.AF_INET, server.getsockname())
    good = Address(socket.AF_INET, ("127.0.0.1", stub.port))
    monkeypatch.setattr(fanout, "resolve", lambda *_: [refused, good])
    monkeypatch.setattr(fanout, "BACK_OFF_SECONDS", 1e9)
    monkeypatch.setattr(fanout, "BACK_OFF_SECONDS_MAX", 1e9)
    push(THREE)
    assert metering.report()["posts"] == {"ok": 3}


def test_a_name_that_does_not_exist(
    point_to: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    point_to("https://api.invalid/ws")
    sender.post(FRAME, ["a"], within=0.2)
    assert logged(capsys)[0]["by"] == {"gaierror": 1}


def test_name_resolution_that_stalls_is_left_at_the_deadline(
    point_to: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60) and [])
    point_to("http://localhost:1/ws")
    sender.post(FRAME, ["a"], within=0.2)
    end.set()
    assert logged(capsys)[0]["by"] == {"TimeoutError": 1}


def test_nothing_is_posted_to_a_server_that_nobody_vouches_for(
    tls_stub: ManagementStub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    sender.post(FRAME, THREE, within=1.0)
    assert tls_stub.requests == []
    assert logged(capsys)[0]["by"] == {"SSLCertVerificationError": 3}


def test_nothing_is_posted_to_a_server_of_another_name(
    tls_stub: ManagementStub,
    point_to: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = Address(socket.AF_INET, ("127.0.0.1", tls_stub.port))
    monkeypatch.setattr(fanout, "resolve", lambda *_: [here])
    point_to("https://elsewhere.example/ws")
    sender.post(FRAME, THREE, within=1.0)
    assert tls_stub.requests == []
    assert logged(capsys)[0]["by"] == {"SSLCertVerificationError": 3}


@pytest.mark.parametrize("label", ["Amazon Root CA 9", "Another CA"])
def test_amazons_cas_are_read_first_and_the_others_when_needed(
    tls_stub: ManagementStub,
    point_to: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    label: str,
) -> None:
    bundle = tmp_path / "cacert.pem"
    known = Path(str(get_cert_path(True))).read_text(encoding="utf-8")
    ours = Path(os.environ["AWS_CA_BUNDLE"]).read_text(encoding="utf-8")
    bundle.write_text(f'{known}\n# Label: "{label}"\n# Serial: 1\n{ours}', encoding="utf-8")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    here = Address(socket.AF_INET, ("127.0.0.1", tls_stub.port))
    monkeypatch.setattr(fanout, "resolve", lambda *_: [here])
    url = "https://abc.execute-api.us-east-1.amazonaws.com/ws"
    point_to(url)
    push(["a"])
    assert metering.report()["posts"] == {"ok": 1}
    _, pool = sender._endpoint(url)
    assert pool._tls
    read = len(pool._tls.context.get_ca_certs())
    assert read == 5 if label.startswith("Amazon") else read > 50


# --- What is sent -----------------------------------------------------------------------


def test_a_request_is_signed_as_botocore_signs_it(
    tls_stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token/+==")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "message")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0 \n")
    client = boto3.client("apigatewaymanagementapi", endpoint_url=tls_stub.url)
    # The clock of the second request is set to the first one's.
    push(["a b="])
    sender.disconnect("a b=")
    ours = tls_stub.requests.copy()
    times = iter(request.headers["x-amz-date"] for request in ours)
    with patch.object(
        botocore.auth,
        "get_current_datetime",
        lambda: datetime.datetime.strptime(next(times), "%Y%m%dT%H%M%S%z"),
    ):
        client.post_to_connection(ConnectionId="a b=", Data=FRAME)
        client.delete_connection(ConnectionId="a b=")

    def essence(request: Request) -> tuple[Any, ...]:
        of_botocore = ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "accept-encoding")
        headers = {k: v for k, v in request.headers.items() if k not in of_botocore}
        return request.method, request.target, request.body, headers

    assert list(map(essence, ours)) == list(map(essence, tls_stub.requests[2:]))
    assert "x-amzn-trace-id" in ours[0].headers


def test_outside_lambda_nothing_is_traced(
    stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    push(["a"])
    assert "x-amzn-trace-id" not in stub.requests[0].headers


def test_credentials_are_those_of_the_moment(
    stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in "12":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKID{number}")
        monkeypatch.setenv("AWS_SESSION_TOKEN", f"token{number}")
        push(["a"])
    named = [r.headers["authorization"].split("Credential=")[1][:5] for r in stub.requests]
    assert named == ["AKID1", "AKID2"]
    assert [r.headers["x-amz-security-token"] for r in stub.requests] == ["token1", "token2"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("abc.execute-api.ap-northeast-2.amazonaws.com", "ap-northeast-2"),
        ("abc-vpce-1.execute-api.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
        ("localhost", "us-east-1"),
    ],
)
def test_the_region_is_the_endpoints(host: str, region: str) -> None:
    requests = sender._Requests("POST", Endpoint.parse(f"https://{host}/ws"), FRAME)
    assert f"/{region}/execute-api/aws4_request".encode() in requests.to("a")


# --- Closing ----------------------------------------------------------------------------


def test_a_connection_is_closed(either_stub: ManagementStub) -> None:
    sender.disconnect("a=")
    (request,) = either_stub.requests
    assert (request.method, request.target) == ("DELETE", "/ws/@connections/a%3D")
    assert metering.report()["posts"] == {}


@pytest.mark.parametrize("status", [204, 410])
def test_a_connection_that_is_closed_already_is_closed(
    stub: ManagementStub, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.plan = lambda *_: answer(status)
    sender.disconnect("a")
    assert logged(capsys) == []


def test_a_connection_that_cannot_be_closed_is_logged(
    stub: ManagementStub, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.plan = lambda *_: answer(403)
    sender.disconnect("a")
    assert [(line["event"], line["by"]) for line in logged(capsys)] == [("disconnect_failed", 403)]


def test_without_credentials_nothing_is_closed_and_that_is_logged(
    stub: ManagementStub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise NoCredentialsError

    monkeypatch.setattr(aws, "credentials", fail)
    sender.disconnect("a")
    assert stub.requests == []
    assert [line["by"] for line in logged(capsys)] == ["NoCredentialsError"]
    with pytest.raises(NoCredentialsError):
        push(["a"])


# --- Where it runs ----------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", "https://", "https://user@host/ws", "https://host/ws?a=b"])
def test_a_malformed_endpoint_is_named(point_to: Callable[[str], None], url: str) -> None:
    point_to(url)
    with pytest.raises(SettingsError, match="MANAGEMENT_ENDPOINT: must be https://HOST/STAGE"):
        push(["a"])


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://localhost", "localhost", ""),
        ("https://localhost:443/ws", "localhost", "/ws"),
        ("https://localhost:80/ws/", "localhost:80", "/ws"),
        ("http://localhost:80/ws", "localhost", "/ws"),
        ("http://[::1]:4510/ws", "[::1]:4510", "/ws"),
        ("https://API.example/ws", "api.example", "/ws"),
    ],
)
def test_an_endpoint_has_a_name_and_a_path(url: str, authority: str, path: str) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.authority, endpoint.path) == (authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "ftp://a/b",
        "https://",
        "https:///ws",
        "http://a:b/",
        "http://a:70000/",
        "https://user:password@a/ws",
        "https://a/ws?x=1",
        "https://a/ws#x",
        "https://[::1/ws",
    ],
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Endpoint.parse(url)


def test_importing_it_makes_nothing_that_a_fork_would_share() -> None:
    code = """
import os, sys, threading
from chalicelib import sender
files = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
kinds = [os.readlink(file) for file in files if os.path.exists(file)]
print(threading.active_count(), "asyncio" in sys.modules)
print([kind for kind in kinds if "socket" in kind or "epoll" in kind])
"""
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output == "1 False\n[]\n"
