"""The emulated AWS behaves as the app needs it: what was mended in MiniStack, and what wasn't.

A scratch app of the same shape as the real one is deployed with the real template.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
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
from infra.local.pingpong.companion import functions, put_secrets, secrets_parameter

APP = """
import json, os, time
import boto3
from chalice.app import Chalice
from chalicelib import answer

app = Chalice(app_name="scratch")
app.experimental_feature_flags.update(["WEBSOCKETS"])
client = boto3.client

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
    return {"statusCode": 200}

@app.on_ws_message(name="websocket_message")
def websocket_message(event):
    try:
        client("dynamodb").scan(TableName=os.environ["TABLE_PREFIX"] + "users")
    except Exception as error:
        return {"statusCode": 200, "body": str(error)}

@app.on_ws_disconnect(name="websocket_disconnect")
def websocket_disconnect(event):
    time.sleep(0.5)
    row = {"room_id": {"S": "disconnected"}, "connection_id": {"S": "c"}}
    client("dynamodb").batch_write_item(RequestItems={
        os.environ["TABLE_PREFIX"] + "subscriptions": [{"PutRequest": {"Item": row}}]
    })
    return {}

@app.lambda_function(name="background")
def background(event, context):
    return None

@app.lambda_function(name="push")
def push(event, context):
    return None
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
        parameters = {"Stage": "local", "SecretsParameter": secrets_parameter()}
        self.deployed = await asyncio.to_thread(
            self.deployment.deploy, dataclasses.replace(self.build, template=adapted), parameters
        )
        put_secrets(self.deployment.client("ssm"), "secret value")

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

    def invoke(self, role: str, how: str) -> Any:
        """Invoke a WebSocket Lambda."""
        names = ("apiId", "connectionId", "domainName", "routeKey", "stage")
        context = dict.fromkeys(names, "x")
        answer = self.client("lambda").invoke(
            FunctionName=functions()[role],
            InvocationType=how,
            Payload=json.dumps({"requestContext": context, "body": "{}"}),
        )
        return json.loads(answer["Payload"].read() or "null")


class Browser:
    """An HTTP session to the emulator."""

    def __init__(self, emulated: Emulated, session: aiohttp.ClientSession) -> None:
        deployed = emulated.deployed
        (rest,) = deployed.http
        self._rest_base = deployed.execute_url(rest)
        self._session = session

    async def get(self, path: str) -> Any:
        async with self._session.get(self._rest_base + path) as response:
            return await response.json()


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


def test_the_api_can_read_the_secrets(play: Callable[[Scenario], None]) -> None:
    async def scenario(_emulated: Emulated, browser: Browser) -> None:
        assert (await browser.get("/secret")) == {"secret": "secret value"}

    play(scenario)


def test_a_lambda_may_do_what_its_role_allows_and_no_more(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(emulated: Emulated, _browser: Browser) -> None:
        answer = await asyncio.to_thread(emulated.invoke, "message", "RequestResponse")
        assert "AccessDenied" in answer["body"]  # nobody may list everybody

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


def test_web_pages_have_the_apps_apis_and_nothing_else(play: Callable[[Scenario], None]) -> None:
    async def scenario(emulated: Emulated, _browser: Browser) -> None:
        async def status(path: str, **headers: str) -> int:
            url = f"{emulated.process.endpoint}{path}"
            async with aiohttp.request("POST", url, headers=headers) as response:
                assert "Access-Control-Allow-Origin" not in response.headers
                return response.status

        assert await status("/", Origin="https://evil.example") == 403
        assert await status("/", Host="evil.example") == 421
        assert await status("/_ministack/reset") == 404
        (rest,) = emulated.deployed.http
        url = f"{emulated.deployed.execute_url(rest)}/health"
        page = {"Origin": "http://localhost:3000"}
        async with aiohttp.request("GET", url, headers=page) as response:
            assert await response.json() == {"answer": 1}

    play(scenario)


def test_data_survives_a_restart_and_what_runs_ends_before_it(tmp_path: Path, source: Path) -> None:
    async def first() -> None:
        async with running(tmp_path / "state", source) as (emulated, _browser):
            emulated.client("dynamodb").put_item(
                TableName="pingpong-local-rooms", Item={"room_id": {"S": "r"}}
            )
            # As after the last connections were closed; the emulator is stopped meanwhile.
            await asyncio.to_thread(emulated.invoke, "disconnect", "Event")

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
