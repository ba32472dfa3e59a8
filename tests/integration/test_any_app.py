"""Apps that know nothing of this project, run as their authors wrote them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.stack import ROOT, StackProcess

APPS = ROOT / "tests" / "apps"
SECONDS = 20


class AnyApp(StackProcess):
    """A copy of an app, running; its source may be changed."""

    def __init__(self, directory: Path, name: str, *options: str) -> None:
        self.source = directory / name
        shutil.copytree(APPS / name, self.source)
        super().__init__(directory, "infra.local", str(self.source), "--port", "0", *options)

    def connect(self, query: str = "", **more: Any) -> ClientConnection:
        url: str = self.ready["websocket"] + query
        socket: ClientConnection = connect(url, open_timeout=SECONDS, **more)
        return socket

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.ready["aws_endpoint"],
            region_name=self.ready["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @property
    def base(self) -> str:
        """URL of the one port."""
        url: str = self.ready["management_endpoint"]
        return url.rsplit("/", 1)[0]


def running(directory: Path, name: str, *options: str) -> Iterator[AnyApp]:
    app = AnyApp(directory, name, *options)
    try:
        app.start()
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyApp]:
    yield from running(tmp_path_factory.mktemp("echo"), "echo")


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyApp]:
    tables = str(APPS / "broadcast" / "tables.json")
    directory = tmp_path_factory.mktemp("broadcast")
    yield from running(directory, "broadcast", "--merge-template", tables)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyApp]:
    yield from running(tmp_path_factory.mktemp("full"), "full", "--parameter", "Token=open sesame")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyApp]:
    if shutil.which("node") is None:
        pytest.skip("Node.js Lambdas need node in PATH")
    yield from running(tmp_path_factory.mktemp("node"), "node")


def frame(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=SECONDS))


def ask(socket: ClientConnection, **content: str) -> Any:
    socket.send(json.dumps(content))
    return frame(socket)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does, and tells nobody."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


# --- echo: a SAM template, plain Python ----------------------------------------------------------


def test_a_route_response_comes_back(echo: AnyApp) -> None:
    with echo.connect() as socket:
        for text in ("hello", '{"action": "none"}', "ü" * 1000):
            socket.send(text)
            assert socket.recv(timeout=SECONDS) == text


def test_posts_from_outside_reach_a_connection(echo: AnyApp) -> None:
    management = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=echo.ready["management_endpoint"],
        region_name=echo.ready["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(management.exceptions.GoneException):
        management.post_to_connection(ConnectionId="bm9ib2R5=", Data=b"x")


def test_new_code_answers_on_an_open_socket(echo: AnyApp) -> None:
    handler = echo.source / "src" / "echo.py"
    with echo.connect() as socket:
        before = handler.read_text()
        assert say(socket, "1") == "1"
        handler.write_text(before.replace('PREFIX = ""', 'PREFIX = "new "'))
        until(lambda: say(socket, "2") == "new 2")
        # What does not import stays out, and is told with its author's own path.
        handler.write_text("import nothing_like_this\n")
        told = f'File "{handler}", line 1, in <module>'
        until(lambda: told in echo.log_path.read_text())
        assert "No module named 'nothing_like_this'" in echo.log_path.read_text()
        assert say(socket, "3") == "new 3"
        handler.write_text(before)
        until(lambda: say(socket, "4") == "4")


def test_a_new_route_serves_an_open_socket(echo: AnyApp) -> None:
    template = echo.source / "template.yaml"
    with echo.connect() as socket:
        before = template.read_text()
        (echo.source / "src" / "shout.py").write_text(
            "def handler(event, context):\n"
            '    return {"statusCode": 200, "body": event["body"].upper()}\n'
        )
        added = before.replace("RouteKey: $default\n", "RouteKey: shout\n")
        added = added.replace("Handler: echo.handler", "Handler: shout.handler")
        for name in ("EchoRoute:", "EchoRoute\n", "EchoIntegration", "EchoFunction"):
            added = added.replace(name, name.replace("Echo", "Shout"))
        wanted = ("ShoutRoute:", "ShoutIntegration:", "ShoutFunction:")
        parts = added.split("\n\n")
        extra = [part for part in parts if part.strip().startswith(wanted)]
        assert len(extra) == 3
        template.write_text(
            before.replace("\n\nOutputs:", "\n\n" + "\n\n".join([*extra, "Outputs:"]))
        )
        until(lambda: say(socket, '{"action": "shout"}') == '{"ACTION": "SHOUT"}')


def test_a_renamed_stage_is_told(echo: AnyApp) -> None:
    template = echo.source / "template.yaml"
    before = template.read_text()
    template.write_text(before.replace("StageName: prod", "StageName: next"))
    url = f"{echo.base.replace('http', 'ws')}/next"
    until(lambda: f"is at {url}" in echo.log_path.read_text())
    assert json.loads((echo.directory / "ready.json").read_text())["websocket"] == url
    with connect(url, open_timeout=SECONDS) as socket:
        assert say(socket, "moved") == "moved"
    said = echo.log_path.read_text()
    template.write_text(before)
    until(lambda: f"is at {echo.ready['websocket']}" in new(echo, said))


def say(socket: ClientConnection, text: str) -> str:
    socket.send(text)
    return str(socket.recv(timeout=SECONDS))


# --- broadcast: a Chalice project, as in its tutorial --------------------------------------------


def test_what_one_says_all_get(broadcast: AnyApp) -> None:
    # Both stages are called "api"; upgrades go to the WebSocket API, and the rest to REST.
    people = f"{broadcast.ready['http']['api']}/people"
    with broadcast.connect() as one, broadcast.connect() as other:
        assert requests.get(people, timeout=SECONDS).json() == {"people": 2}
        one.send("hello")
        assert one.recv(timeout=SECONDS) == other.recv(timeout=SECONDS) == "hello"
        # And what runs by the clock reaches them, too.
        schedules = f"{broadcast.base}/_local/schedules"
        (name,) = requests.get(schedules, timeout=SECONDS).json()
        assert requests.post(f"{schedules}/{name}", timeout=SECONDS).status_code == 202
        assert one.recv(timeout=SECONDS) == other.recv(timeout=SECONDS) == "another hour"
    until(lambda: requests.get(people, timeout=SECONDS).json() == {"people": 0})


def test_a_new_route_of_chalice_is_served(broadcast: AnyApp) -> None:
    app = broadcast.source / "app.py"
    url = f"{broadcast.ready['http']['api']}/ping"
    with broadcast.connect() as socket:
        assert requests.get(url, timeout=SECONDS).status_code == 403
        before = app.read_text()
        app.write_text(
            before.replace("tell_everybody(event.body)", 'tell_everybody("new")')
            + '\n\n@app.route("/ping")\ndef ping():\n    return {"pong": 1}\n'
        )
        until(lambda: say(socket, "old") == "new")
        until(lambda: requests.get(url, timeout=SECONDS).status_code == 200)
        assert say(socket, "still here") == "new"
        app.write_text(before)  # other tests want it so
        until(lambda: say(socket, "old") == "old")
        # The template follows; it must not come in the middle of another test.
        until(lambda: requests.get(url, timeout=SECONDS).status_code == 403)


def test_code_of_chalice_that_does_not_import_stays_out(broadcast: AnyApp) -> None:
    app = broadcast.source / "app.py"
    working = app.read_text()
    with broadcast.connect() as socket:
        said = broadcast.log_path.read_text()
        before = say(socket, "a message")
        for broken, reason in (("(", "SyntaxError"), ("\nimport nothing_like_it", "No module")):
            app.write_text(working + broken)
            until(lambda reason=reason: reason in new(broadcast, said))  # type: ignore[misc]
            assert say(socket, "a message") == before
        assert new(broadcast, said).count("not updated, the old code stays") == 2
        app.write_text(working + "\nVALUE = 1\n")
        until(lambda: "updated in" in new(broadcast, said))
        assert new(broadcast, said).count("updated in") == 1
        assert "site-packages" not in new(broadcast, said)
        assert say(socket, "a message") == before


def new(app: AnyApp, said: str) -> str:
    """What an app's stack has said since."""
    return app.log_path.read_text().removeprefix(said)


# --- full: REST, an authorizer, a subprotocol, route keys, jobs ----------------------------------


def test_the_authorizer_decides_who_may_connect(full: AnyApp) -> None:
    for query, status in (("", 401), ("?token=guessed", 403)):
        with pytest.raises(InvalidStatus) as refused:
            full.connect(query, subprotocols=["orders.v1"])
        assert refused.value.response.status_code == status


def test_connect_decides_about_the_subprotocol(full: AnyApp) -> None:
    with pytest.raises(InvalidStatus) as refused:
        full.connect("?token=open%20sesame")
    assert refused.value.response.status_code == 400
    with full.connect("?token=open%20sesame", subprotocols=["x", "orders.v1"]) as socket:
        assert socket.subprotocol == "orders.v1"
        assert ask(socket, kind="whoami") == {"kind": "you", "name": "waiter", "table": "7"}
        assert ask(socket, kind="else") == {"kind": "what?"}


def test_an_asynchronous_lambda_posts_and_rest_reads(full: AnyApp) -> None:
    with full.connect("?token=open%20sesame", subprotocols=["orders.v1"]) as socket:
        socket.send(json.dumps({"kind": "order", "id": "7", "dish": "soup"}))
        # The kitchen may be quicker than the answer of who has asked it.
        answers = [frame(socket), frame(socket)]
        assert {"kind": "taken", "id": "7"} in answers
        assert {"kind": "ready", "id": "7"} in answers
    orders = f"{full.ready['http']['live']}/orders"
    assert requests.get(f"{orders}/7", timeout=SECONDS).json() == {"id": "7", "dish": "soup"}
    assert requests.get(f"{orders}/8", timeout=SECONDS).status_code == 404


def test_what_a_message_led_to_is_told(full: AnyApp) -> None:
    with full.connect("?token=open%20sesame", subprotocols=["orders.v1"]) as socket:
        socket.send(json.dumps({"kind": "order", "id": "order-17", "dish": "a secret"}))
        frame(socket), frame(socket)
    url = f"{full.base}/_local/traces/order-17"
    until(lambda: "Kitchen: " in requests.get(url, timeout=SECONDS).text)
    told = requests.get(url, timeout=SECONDS).text
    # Through both Lambdas, and what they did; but not what was said.
    wanted = ("gateway: order", "Order: ", "lambda Invoke", "dynamodb PutItem", "post ")
    assert [part for part in wanted if part not in told] == []
    assert "a secret" not in told
    assert requests.get(f"{url}x", timeout=SECONDS).status_code == 404
    foreign = requests.get(url, headers={"Origin": "https://elsewhere.example"}, timeout=SECONDS)
    assert foreign.status_code == 403


def test_what_the_gateway_does_by_itself_is_told(echo: AnyApp) -> None:
    with echo.connect(max_size=None) as socket:
        socket.send("x" * 40_000)
        until(lambda: "1009, a frame or message above the limit" in echo.log_path.read_text())
    with pytest.raises(InvalidStatus):
        connect(echo.ready["websocket"] + "/elsewhere", open_timeout=SECONDS)
    until(lambda: "handshake refused: 403" in echo.log_path.read_text())


def test_a_scheduled_lambda_is_fired_by_hand(full: AnyApp) -> None:
    schedules = f"{full.base}/_local/schedules"
    assert requests.get(schedules, timeout=SECONDS).json() == {"ClosingEvening": "rate(1 day)"}
    headers = {"Origin": "https://elsewhere.example"}
    refused = requests.post(f"{schedules}/ClosingEvening", headers=headers, timeout=SECONDS)
    assert refused.status_code == 403
    missing = requests.post(f"{schedules}/Closing", timeout=SECONDS)
    assert missing.status_code == 404
    assert "ClosingEvening" in missing.json()["message"]
    assert requests.post(f"{schedules}/ClosingEvening", timeout=SECONDS).status_code == 202
    table = full.client("dynamodb")
    name = full.ready["outputs"]["Table"]

    def is_closed() -> bool:
        return "Item" in table.get_item(TableName=name, Key={"id": {"S": "closed"}})

    until(is_closed)


def test_another_stack_can_not_have_the_same_state(full: AnyApp) -> None:
    second = AnyApp.__new__(AnyApp)
    StackProcess.__init__(
        second,
        full.directory,
        "infra.local",
        str(full.source),
        "--port",
        "0",
    )
    ready = (full.directory / "ready.json").read_text()
    with pytest.raises(RuntimeError, match="in use by another local stack"):
        second.start()
    (full.directory / "ready.json").write_text(ready)


# --- node: Node.js, without the AWS SDK -----------------------------------------------------------


def test_node_posts_by_both_addresses(node: AnyApp) -> None:
    with node.connect() as socket:
        for text in ("hello", "again"):
            socket.send(text)
            assert socket.recv(timeout=SECONDS) == f"1 {text}"
            assert socket.recv(timeout=SECONDS) == f"2 {text}"
