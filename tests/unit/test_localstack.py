"""How LocalStack is found, and what is said where there is none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_localstack.session import LocalstackSession

from infra.local.localstack import VERSION
from tests.support import localstack
from tests.support.localstack import SERVICES, NoLocalStackError, open_session


class Docker(BaseHTTPRequestHandler):
    """So much of Docker's API that a container is made; there is no image."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self) -> None:
        if self.path.endswith("/_ping"):
            self._answer(200, "OK")
        else:
            self._answer(200, {"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "25"})

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self._answer(404, {"message": "no such image"})

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass  # requests are asserted, not printed


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Docker,), {"asked": asked}))
    server.daemon_threads = True
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
    yield asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, as nobody else gets it meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def failure(endpoint: str | None) -> str:
    with pytest.raises(NoLocalStackError) as caught:
        open_session(endpoint)
    return str(caught.value)


def test_without_docker_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{nobody}")
    said = failure(None)
    assert "start Docker" in said
    assert "LOCALSTACK_ENDPOINT=http://127.0.0.1:4566" in said


def test_docker_is_asked_for_the_release(docker: list[str]) -> None:
    with pytest.raises(Exception, match="no such image"):
        open_session(None)
    assert any(
        f"fromImage=localstack%2Flocalstack&tag={VERSION}" in path
        or f"tag={VERSION}&fromImage=localstack%2Flocalstack" in path
        for path in docker
    )


def test_the_container_has_the_services(docker: list[str]) -> None:
    session = localstack._container()
    assert set(session.services) == set(SERVICES)
    assert (
        f"{session.image_name}:{session.localstack_version}" == f"localstack/localstack:{VERSION}"
    )


@pytest.mark.parametrize("endpoint", ["localhost:4566", "http://localhost", "https://a:4566"])
def test_a_wrong_endpoint_is_told(endpoint: str) -> None:
    said = failure(endpoint)
    assert repr(endpoint) in said
    assert "http://127.0.0.1:4566" in said


def test_an_endpoint_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, nobody: str
) -> None:
    monkeypatch.setattr(localstack, "ANSWER_SECONDS", 0.5)
    assert f"LOCALSTACK_ENDPOINT=http://{nobody}" in failure(f"http://{nobody}")


def test_the_compose_file_is_of_the_same_release_and_services() -> None:
    path = Path(localstack.__file__).parents[1] / "compose.yaml"
    (service,) = yaml.safe_load(path.read_text("utf-8"))["services"].values()
    # The keys that Compose knows and this needs (https://docs.docker.com/reference/compose-file/services/).
    assert service.keys() == {"image", "ports", "environment"}
    assert service["image"] == f"{LocalstackSession.image_name}:{VERSION}"
    assert sorted(service["environment"]["SERVICES"].split(",")) == sorted(SERVICES)
    # Nobody else in the network can use it.
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert all(isinstance(value, str) for value in service["environment"].values())
