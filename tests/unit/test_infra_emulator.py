"""The emulated AWS behaves as the app needs it: what was mended in MiniStack, and what wasn't.

A scratch app of the same shape as the real one is deployed with the real template.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from infra.aws.package import ROOT
from infra.errors import InfraError
from infra.local.deployed import Deployed
from infra.local.deployment import Deployment
from infra.local.emulator_process import EmulatorProcess
from infra.local.pingpong.adapt import adapt
from infra.local.pingpong.app import STACK_NAME, PingPong
from infra.local.pingpong.companion import SECRETS_PARAMETER, functions, put_secrets

APP = """
import json, os, time
import boto3
from chalice.app import Chalice
from chalicelib import answer

app = Chalice(app_name="scratch")
app.experimental_feature_flags.update(["WEBSOCKETS"])
client = boto3.client

def post(connection, **frame):
    management = client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_ENDPOINT"])
    management.post_to_connection(ConnectionId=connection, Data=json.dumps(frame).encode())

@app.route("/health")
def health():
    return {"answer": answer.VALUE}

@app.route("/secret")
def secret():
    found = client("ssm").get_parameter(Name=os.environ["SECRETS_PARAMETER"], WithDecryption=True)
    return {"secret": found["Parameter"]["Value"]}

@app.route("/slow")
def slow():
    time.sleep(1.0)
    return {"answer": answer.VALUE}

@app.on_ws_connect(name="websocket_connect")
def websocket_connect(event):
    query = event.to_dict().get("queryStringParameters") or {}
    if "raise" in query:
        raise RuntimeError("in connect")
    return {"statusCode": int(query.get("status", 200))}

@app.on_ws_message(name="websocket_message")
def websocket_message(event):
    frame = json.loads(event.body)
    if frame["type"] == "raise":
        raise RuntimeError("what no client may read")
    if frame["type"] == "background":
        client("lambda").invoke(
            FunctionName=os.environ["BACKGROUND_FUNCTION"], InvocationType="Event",
            Payload=json.dumps({"job": "post", "to": event.connection_id}),
        )
    if frame["type"] == "forbidden":
        try:
            client("dynamodb").scan(TableName=os.environ["TABLE_PREFIX"] + "users")
        except Exception as error:
            return {"statusCode": 200, "body": json.dumps({"error": str(error)})}
    if frame["type"] == "go":
        open(frame["file"], "w").close()
    until = time.monotonic() + 9
    while frame["type"] == "wait" and not os.path.exists(frame["file"]):
        if time.monotonic() > until:
            raise RuntimeError("waited in vain")
        time.sleep(0.01)
    return {"statusCode": 200, "body": json.dumps({"type": "ok", "ref": frame.get("ref")})}

@app.on_ws_disconnect(name="websocket_disconnect")
def websocket_disconnect(event):
    row = {"room_id": {"S": "disconnected"}, "connection_id": {"S": "c"}}
    client("dynamodb").batch_write_item(RequestItems={
        os.environ["TABLE_PREFIX"] + "subscriptions": [{"PutRequest": {"Item": row}}]
    })
    return {}

@app.lambda_function(name="background")
def background(event, context):
    post(event["to"], type="from background")
"""


class Emulated:
    """A running emulator with the scratch app deployed."""

    def __init__(self, directory: Path, source: Path) -> None:
        self.invocations: list[dict[str, Any]] = []
        self.process = EmulatorProcess(directory, self.invocations.append)
        self.app = PingPong(directory.parent, source)
        self.source = source
        self.deployment: Deployment
        self.deployed: Deployed

    async def start(self) -> None:
        await self.process.start()
        endpoint = self.process.endpoint
        self.deployment = Deployment(endpoint, STACK_NAME)
        self.build = await asyncio.to_thread(self.app.build)
        posts = {"Fn::Sub": f"{endpoint}/_aws/execute-api/${{WebsocketAPI}}/ws"}
        adapted = adapt(self.build.template, management_endpoint=posts)
        parameters = {"Stage": "local", "SecretsParameter": SECRETS_PARAMETER}
        self.deployed = await asyncio.to_thread(
            self.deployment.deploy, dataclasses.replace(self.build, template=adapted), parameters
        )
        put_secrets(self.deployment, "secret value")

    async def update(self) -> None:
        """Give the Lambdas the source as it is now, as the supervisor does."""
        build = self.app.quick_build(self.build, [self.source / "app.py"])
        assert build is not None
        code = self.app.state_dir / "new.zip"
        code.write_bytes(build.code["WebsocketMessage"])
        error = await self.process.prepare(functions()["message"], code)
        if error is not None:
            raise InfraError(error)
        await asyncio.to_thread(self.deployment.update_code, self.deployed, build, build.functions)

    def client(self, service: str) -> Any:
        return self.deployment.client(service)


class Browser:
    """An HTTP session to the emulator."""

    def __init__(self, emulated: Emulated, session: aiohttp.ClientSession) -> None:
        deployed = emulated.deployed
        (rest,) = deployed.http
        self._rest_base = deployed.execute_url(rest)
        self._websocket_url = deployed.execute_url(deployed.websocket)
        self._session = session

    async def get(self, path: str) -> Any:
        async with self._session.get(self._rest_base + path) as response:
            return await response.json()

    async def connect(self, query: str = "") -> aiohttp.ClientWebSocketResponse:
        return await self._session.ws_connect(self._websocket_url + query)


Scenario = Callable[[Emulated, Browser], Awaitable[None]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("source")
    (made / "app.py").write_text(APP)
    (made / "chalicelib").mkdir()
    (made / "chalicelib" / "__init__.py").touch()
    (made / "chalicelib" / "answer.py").write_text("VALUE = 1\n")
    (made / "requirements.txt").touch()
    shutil.copytree(ROOT / ".chalice", made / ".chalice")
    return made


@asynccontextmanager
async def running(directory: Path, source: Path) -> AsyncIterator[tuple[Emulated, Browser]]:
    emulated = Emulated(directory, source)
    try:
        await emulated.start()
        async with aiohttp.ClientSession() as session:
            yield emulated, Browser(emulated, session)
    finally:
        await emulated.process.stop()


@pytest.fixture(scope="module")
def play(
    tmp_path_factory: pytest.TempPathFactory, source: Path
) -> Iterator[Callable[[Scenario], None]]:
    """Runs scenarios on one emulator; starting one takes seconds."""
    runner = asyncio.Runner()
    directory = tmp_path_factory.mktemp("emulator") / "state"
    context = running(directory, source)
    emulated, browser = runner.run(context.__aenter__())

    def run(scenario: Scenario) -> None:
        runner.run(asyncio.wait_for(_call(scenario, emulated, browser), 60))

    yield run
    runner.run(context.__aexit__(None, None, None))
    runner.close()


async def _call(scenario: Scenario, emulated: Emulated, browser: Browser) -> None:
    emulated.invocations.clear()
    await scenario(emulated, browser)


def test_a_handshake_is_refused_with_the_handlers_status(play: Callable[[Scenario], None]) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        for query, expected in (("?status=401", 401), ("?status=403", 403), ("?raise=1", 500)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.connect(query)
            assert refused.value.status == expected

    play(scenario)


def test_messages_of_one_connection_run_at_once(
    play: Callable[[Scenario], None], tmp_path: Path
) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        socket = await browser.connect()
        file = str(tmp_path / "go")
        # The first can only end while the second runs or after it has run.
        await socket.send_json({"type": "wait", "file": file, "ref": "first"})
        await socket.send_json({"type": "go", "file": file, "ref": "second"})
        answers = [await socket.receive_json() for _ in range(2)]
        assert {answer.get("ref") for answer in answers} == {"first", "second"}
        await socket.close()

    play(scenario)


def test_a_failing_handler_tells_the_client_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(emulated: Emulated, browser: Browser) -> None:
        socket = await browser.connect()
        await socket.send_json({"type": "raise"})
        frame = await socket.receive_json()
        assert frame["message"] == "Internal server error"
        assert set(frame) == {"message", "connectionId", "requestId"}
        await socket.close()
        failed = [made for made in emulated.invocations if made["error"]]
        assert "what no client may read" in failed[0]["trace"]

    play(scenario)


def test_the_api_can_read_the_secrets(play: Callable[[Scenario], None]) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        assert (await browser.get("/secret")) == {"secret": "secret value"}

    play(scenario)


def test_asynchronous_invocation_and_posts_work(play: Callable[[Scenario], None]) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        socket = await browser.connect()
        await socket.send_json({"type": "background", "ref": "1"})
        frames = [await socket.receive_json() for _ in range(2)]
        assert {"type": "ok", "ref": "1"} in frames
        assert {"type": "from background"} in frames
        await socket.close()

    play(scenario)


def test_a_lambda_may_do_what_its_role_allows_and_no_more(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        socket = await browser.connect()
        await socket.send_json({"type": "forbidden"})  # nobody may list everybody
        assert "AccessDenied" in (await socket.receive_json())["error"]
        await socket.close()

    play(scenario)


def test_a_silent_warm_invocation_takes_milliseconds(play: Callable[[Scenario], None]) -> None:
    async def scenario(emulated: Emulated, browser: Browser) -> None:
        for _ in range(6):
            await browser.get("/health")
        took = sorted(made["duration_ms"] for made in emulated.invocations)
        assert took[0] < 45  # MiniStack's own waiting would be 50

    play(scenario)


def test_ttl_keys_and_indexes_are_those_of_the_template(play: Callable[[Scenario], None]) -> None:
    async def scenario(emulated: Emulated, _browser: Browser) -> None:
        dynamodb = emulated.client("dynamodb")
        ttl = dynamodb.describe_time_to_live(TableName="pingpong-local-sessions")
        assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"
        members = dynamodb.describe_table(TableName="pingpong-local-members")["Table"]
        assert members["GlobalSecondaryIndexes"][0]["IndexName"] == "by_room"

    play(scenario)


def test_a_running_invocation_survives_an_update(play: Callable[[Scenario], None]) -> None:
    async def scenario(emulated: Emulated, browser: Browser) -> None:
        await browser.get("/health")
        slow = asyncio.create_task(browser.get("/slow"))
        await asyncio.sleep(0.3)
        answer = emulated.source / "chalicelib" / "answer.py"
        answer.write_text("VALUE = 2\n")
        await emulated.update()
        assert (await slow) in ({"answer": 1}, {"answer": 2})
        assert (await browser.get("/health")) == {"answer": 2}

        answer.write_text("VALUE = (\n")
        with pytest.raises(InfraError, match="SyntaxError"):
            await emulated.update()
        assert (await browser.get("/health")) == {"answer": 2}
        answer.write_text("VALUE = 1\n")
        await emulated.update()

    play(scenario)


def test_data_survives_a_restart_and_disconnects_are_handled(tmp_path: Path, source: Path) -> None:
    async def first() -> None:
        async with running(tmp_path / "state", source) as (emulated, browser):
            emulated.client("dynamodb").put_item(
                TableName="pingpong-local-rooms", Item={"room_id": {"S": "r"}}
            )
            await browser.connect()  # and the emulator is stopped with it open

    async def second() -> None:
        async with running(tmp_path / "state", source) as (emulated, _browser):
            dynamodb = emulated.client("dynamodb")
            disconnected = {"room_id": "disconnected", "connection_id": "c"}
            for table, key in (("rooms", {"room_id": "r"}), ("subscriptions", disconnected)):
                found = dynamodb.get_item(
                    TableName=f"pingpong-local-{table}",
                    Key={name: {"S": value} for name, value in key.items()},
                )
                assert "Item" in found, table

    asyncio.run(first())
    asyncio.run(second())


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    script = f"""
        import asyncio
        from pathlib import Path
        from infra.local.emulator_process import EmulatorProcess

        async def main():
            emulator = EmulatorProcess(Path({str(tmp_path)!r}), print)
            await emulator.start()
            print(emulator._process.pid, flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        emulator = int(supervisor.stdout.readline())
        supervisor.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _is_running(emulator) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _is_running(emulator)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # An orphan may wait to be collected by whoever is process 1 here.
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_the_log_of_an_emulator_that_cannot_start_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hypercorn.py").write_text("raise ImportError('no hypercorn today')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def start() -> int:
        process = EmulatorProcess(tmp_path / "state", lambda made: None)
        await process.start()
        status = await process.ended()
        assert "no hypercorn today" in process.log_tail()
        return status

    assert asyncio.run(start()) == 1
