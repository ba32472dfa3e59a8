"""Lambda as the emulator runs it: workers that are forked, fail, hang, exit and are traced."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.aws.package import ROOT
from infra.local.emulator_process import REGION, EmulatorProcess
from infra.local.ministack import functions, processes
from infra.local.ministack.functions import WORKERS_AT_ONCE

ROLE = "arn:aws:iam::000000000000:role/worker"

HANDLER = """
import json, os, random, subprocess, sys, threading, time

IMPORTED = random.random()
SEEN = []

def handler(event, context):
    SEEN.append(event.get("number"))
    if event.get("print"):
        print(event["print"])
    if event.get("child_print"):
        subprocess.run([sys.executable, "-c", f"print({event['child_print']!r})"])
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("compute"):
        end = time.process_time() + event["compute"]
        while time.process_time() < end:
            pass
    if event.get("wait"):
        open(event["wait"] + f".{os.getpid()}", "w").close()
        deadline = time.monotonic() + 9
        while not os.path.exists(event["wait"]) and time.monotonic() < deadline:
            time.sleep(0.01)
    if event.get("leave_child"):
        subprocess.Popen(["sleep", "30"], stdin=subprocess.DEVNULL)
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    if event.get("endless_output"):
        open(event["endless_output"], "w").write(str(subprocess.Popen(["yes"]).pid))
    if event.get("raise"):
        inner(event["raise"])
    if event.get("hang"):
        open(event["hang"], "w").write(str(os.getpid()))
        time.sleep(60)
    if "exit" in event:
        sys.exit(event["exit"])
    if "os_exit" in event:
        os._exit(event["os_exit"])
    if "signal" in event:
        os.kill(os.getpid(), event["signal"])
    if event.get("object"):
        return object()
    return {
        "pid": os.getpid(), "parent": os.getppid(), "seen": SEEN, "random": random.random(),
        "imported": IMPORTED, "request_id": context.aws_request_id, "text": event.get("text"),
        "left_ms": context.get_remaining_time_in_millis(), "cwd": os.getcwd(),
        "variables": {k: os.environ.get(k) for k in event.get("variables", ())},
    }

def inner(text):
    raise RuntimeError(text)
"""

CALLER = """
import json, os, boto3

def handler(event, context):
    dynamodb, functions = boto3.client("dynamodb"), boto3.client("lambda")
    key = {"key": {"S": "k"}}
    for _ in range(event.get("gets", 0)):
        dynamodb.get_item(TableName="workers-table", Key=key)
    if event.get("transact"):
        put = {"Put": {"TableName": "workers-table", "Item": key}}
        dynamodb.transact_write_items(TransactItems=[put])
    if event.get("missing"):
        try:
            dynamodb.get_item(TableName="no-such-table", Key=key)
        except dynamodb.exceptions.ResourceNotFoundException:
            pass
    for kind in event.get("invoke", []):
        functions.invoke(FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
                         InvocationType=kind, Payload=json.dumps({"gets": 1}))
    return os.environ["_X_AMZN_TRACE_ID"]
"""


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", textwrap.dedent(text))
    return made.getvalue()


def own_code(name: str) -> bytes:
    """The usual handler, in code of its own: functions with the same code share processes."""
    return zipped(app=f"{HANDLER}\n# {name}\n")


class Account:
    """A running emulator, with a client of Lambda; to be used from any thread."""

    def __init__(self, process: EmulatorProcess, invocations: list[dict[str, Any]]) -> None:
        self.process = process
        self.invocations = invocations
        self.functions = self.client("lambda")

    def client(self, service: Any, **credentials: str) -> Any:
        given = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session = boto3.session.Session(region_name=REGION, **given)  # type: ignore[arg-type]
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
        return session.client(service, endpoint_url=self.process.endpoint, config=config)

    def create(self, name: str, code: bytes, **more: Any) -> str:
        self.functions.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.11",
                "Role": ROLE,
                "Handler": "app.handler",
                "Timeout": 10,
                "Code": {"ZipFile": code},
                **more,
            }
        )
        return name

    def invoke(self, name: str, /, **event: Any) -> Any:
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def at_once(self, name: str, events: list[dict[str, Any]]) -> list[Any]:
        with ThreadPoolExecutor(len(events)) as threads:
            return list(threads.map(lambda event: self.invoke(name, **event), events))

    def told(self, name: str) -> list[dict[str, Any]]:
        return [made for made in self.invocations if made["function"] == name]

    async def told_of(self, name: str, count: int) -> list[dict[str, Any]]:
        """What was told of a function's invocations, once there are so many."""
        async with asyncio.timeout(20):
            while len(self.told(name)) < count:
                await asyncio.sleep(0.01)
        return self.told(name)


@contextmanager
def busy(account: Account, name: str, gate: Path, count: int) -> Iterator[list[Any]]:
    """So many workers of a function at work while the body runs; their results after it."""
    results: list[Any] = []
    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(account.invoke, name, wait=str(gate)) for _ in range(count)]
        wait_for(lambda: len(list(gate.parent.glob(f"{gate.name}.*"))) == count)
        yield results
        gate.touch()
        results += [each.result() for each in running]


Scenario = Callable[[Account], Awaitable[None]]
Play = Callable[[Scenario], None]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules outside of the functions' code."""
    made = tmp_path_factory.mktemp("libraries")
    reads = "import os\nFLAVOUR = os.environ.get('FLAVOUR', 'none')\n"
    (made / "flavoured.py").write_text(reads)
    (made / "shadowed.py").write_text("WHOSE = 'the library'\n")
    (made / "plain.py").write_text("import os\nPID = os.getpid()\n")
    return made


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory, libraries: Path) -> Iterator[Play]:
    """Runs scenarios on one emulator."""
    invocations: list[dict[str, Any]] = []
    runner = asyncio.Runner()
    process = EmulatorProcess(tmp_path_factory.mktemp("workers") / "state", invocations.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(libraries))
        patch.setenv("TZ", "America/New_York")
        runner.run(process.start())
    account = Account(process, invocations)
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["dynamodb:*", "lambda:*"], "Resource": "*"}
    iam = account.client("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.put_role_policy(
        RoleName="worker", PolicyName="p", PolicyDocument=json.dumps({"Statement": [allowed]})
    )
    account.client("dynamodb").create_table(
        TableName="workers-table",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    account.create("plain", zipped(app=HANDLER), Timeout=20)
    account.create("caller", zipped(app=CALLER))

    def run(scenario: Scenario) -> None:
        invocations.clear()
        runner.run(asyncio.wait_for(scenario(account), 60))

    yield run
    runner.run(process.stop())
    runner.close()


def threaded(scenario: Callable[[Account], None]) -> Scenario:
    """A scenario that blocks; the emulator's messages are read meanwhile."""

    async def run(account: Account) -> None:
        await asyncio.to_thread(scenario, account)

    return run


def test_an_exception_costs_no_worker_and_is_told_whole(play: Play) -> None:
    async def scenario(account: Account) -> None:
        before = await asyncio.to_thread(account.invoke, "plain", number=1)
        failed = await asyncio.to_thread(
            account.invoke, "plain", **{"raise": "because", "number": 2}
        )
        after = await asyncio.to_thread(account.invoke, "plain", number=3)
        assert failed["errorMessage"] == "because"
        assert failed["errorType"] == "RuntimeError"
        assert "in inner" in failed["stackTrace"][-1]
        assert after["pid"] == before["pid"]
        assert after["seen"][-3:] == [1, 2, 3]
        told = (await account.told_of("plain", 3))[1]
        assert told["error"] == "because"
        assert told["trace"].startswith("Traceback (most recent call last):\n")
        assert "in handler" in told["trace"]
        assert "in inner" in told["trace"]
        assert "runtime.py" not in told["trace"]

    play(scenario)


def test_a_handler_that_hangs_is_killed_and_its_siblings_are_not(
    play: Play, tmp_path: Path
) -> None:
    async def scenario(account: Account) -> None:
        account.create("hanging", own_code("hanging"), Timeout=1)
        sibling = await asyncio.to_thread(account.invoke, "hanging")
        hung = await asyncio.to_thread(
            account.invoke, "hanging", hang=str(tmp_path / "pid"), print="so far"
        )
        assert hung["errorType"] == "Sandbox.Timedout"
        assert hung["errorMessage"].endswith("Task timed out after 1.00 seconds")
        assert not is_running(int((tmp_path / "pid").read_text()))
        after = await asyncio.to_thread(account.invoke, "hanging")
        assert after["parent"] == sibling["parent"]
        told = await account.told_of("hanging", 3)
        assert told[1]["log"] == "so far\n"

    play(scenario)


@contextmanager
def in_process(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of workers that the body starts without an emulator."""
    monkeypatch.setenv("GATEWAY_PORT", "1")
    monkeypatch.setenv("TMPDIR", str(directory / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    yield functions.inherited()


async def end_all() -> None:
    """End the processes that were started in this one."""
    children = list(processes.Process.living)
    for child in children:
        child.kill_now()
    await asyncio.gather(*(child.ended for child in children))


def fill(process: processes.Process) -> None:
    """Send a process that does not read as much as can be sent."""
    with suppress(BlockingIOError):
        while True:
            process._socket.send(processes._framed({"kill": 0}))


def with_stopped_libraries(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[processes.Process, dict[str, Any]], Awaitable[None]],
) -> None:
    """Play with an app's process of libraries that is stopped, and what it is to fork for."""

    async def play(environment: dict[str, str]) -> None:
        (tmp_path / "app.py").write_text("")
        order = {
            "function": {"environment": environment, "paths": [str(tmp_path)], "module": "app"}
        }
        libraries = await processes.Process.spawn({"libraries": True}, environment)
        try:
            await libraries.ask({"libraries": {"code": str(tmp_path), "module": "app"}})
            os.kill(libraries.pid, signal.SIGSTOP)
            await scenario(libraries, order)
        finally:
            await end_all()

    with in_process(tmp_path, monkeypatch) as environment:
        asyncio.run(asyncio.wait_for(play(environment), 20))


def test_a_fork_waits_for_a_process_that_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(libraries: processes.Process, order: dict[str, Any]) -> None:
        fill(libraries)
        forking = asyncio.create_task(libraries.fork(order))
        await asyncio.sleep(0)
        os.kill(libraries.pid, signal.SIGCONT)
        first, second = await forking, await libraries.fork(order)
        assert (await first.answer())["loaded"]
        assert (await second.answer())["loaded"]
        assert not libraries._answers
        assert not libraries._forked

    with_stopped_libraries(tmp_path, monkeypatch, scenario)


def test_a_fork_that_nobody_waits_for_any_more_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(libraries: processes.Process, order: dict[str, Any]) -> None:
        forking = asyncio.create_task(libraries.fork(order))
        while not libraries._forked:
            await asyncio.sleep(0.01)
        (abandoned,) = libraries._forked
        forking.cancel()
        await asyncio.wait([forking])
        os.kill(libraries.pid, signal.SIGCONT)
        await abandoned.ended
        assert (await (await libraries.fork(order)).answer())["loaded"]

    with_stopped_libraries(tmp_path, monkeypatch, scenario)


def test_an_endless_loop_ends_with_the_process_that_forked_it(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        account.create("looping", own_code("looping"))
        parent = account.invoke("looping")["parent"]
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(account.invoke, "looping", hang=str(tmp_path / "pid"))
            wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
            os.kill(parent, signal.SIGKILL)
            assert running.result()["errorType"] == "Runtime.ExitError"
        wait_for(lambda: not is_running(int((tmp_path / "pid").read_text())))
        assert account.invoke("looping")["parent"] != parent

    play(threaded(scenario))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"exit": 0}, "Runtime exited without providing a reason"),
        ({"exit": 3}, "exit status 3"),
        ({"os_exit": 4}, "exit status 4"),
        ({"signal": int(signal.SIGKILL)}, "signal: 9"),
        ({"os_exit": 5, "leave_child": True}, "exit status 5"),
    ],
)
def test_a_handler_that_exits_is_an_error_and_no_hang(
    play: Play, event: dict[str, Any], said: str
) -> None:
    def scenario(account: Account) -> None:
        before = account.invoke("plain")
        failed = account.invoke("plain", **event)
        assert failed["errorType"] == "Runtime.ExitError"
        assert said in failed["errorMessage"]
        after = account.invoke("plain")
        assert after["pid"] != before["pid"]
        assert after["parent"] == before["parent"]  # the process that forks lives on

    play(threaded(scenario))


def test_what_is_printed_belongs_to_its_invocation(play: Play) -> None:
    async def scenario(account: Account) -> None:
        long = "x" * 200_000
        for event in ({"print": "one"}, {}, {"child_print": "two"}, {"print": long}):
            await asyncio.to_thread(account.invoke, "plain", **event)
        logs = [made["log"] for made in await account.told_of("plain", 4)]
        assert logs == ["one\n", "", "two\n", long + "\n"]

    play(scenario)


def test_the_logging_module_prints_as_on_aws(play: Play) -> None:
    def scenario(account: Account) -> None:
        logs = """
            import logging
            logging.warning("at import")
            def handler(event, context):
                logging.info("not said: the level is WARNING")
                logging.basicConfig(level="DEBUG", format="not used")
                logging.getLogger().setLevel("INFO")
                logging.getLogger(__name__).info("an %s", "order")
                try:
                    1 / 0
                except ZeroDivisionError:
                    logging.exception("no")
                return context.aws_request_id
        """
        name = account.create("logs", zipped(app=logs))
        request_id = account.invoke(name)
        wait_for(lambda: bool(account.told(name)))
        log = account.told(name)[0]["log"]
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        assert re.search(rf"^\[INFO\]\t{stamp}\t{request_id}\tan order$", log, re.MULTILINE)
        assert "not said" not in log
        assert "ZeroDivisionError" in log

    play(threaded(scenario))


def test_a_log_without_end_is_cut(play: Play) -> None:
    async def scenario(account: Account) -> None:
        await asyncio.to_thread(account.invoke, "plain", print="x" * 3_000_000)
        (told,) = await account.told_of("plain", 1)
        assert len(told["log"]) < 1_100_000
        assert told["log"].endswith("bytes more")

    play(scenario)


def test_output_without_end_holds_nothing_up(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        account.create("noisy", own_code("noisy"))
        pid_file = tmp_path / "pid"
        made = account.invoke("noisy", endless_output=str(pid_file))
        # Nobody reads any more, so it sleeps: the pipe is full.
        wait_for(lambda: state_of(int(pid_file.read_text())) == "S")
        again = account.invoke("noisy", number=2)
        assert (again["pid"], again["seen"][-1]) == (made["pid"], 2)
        assert account.invoke("plain", number=3)["pid"] != made["pid"]
        wait_for(lambda: state_of(int(pid_file.read_text())) == "S")
        account.functions.delete_function(FunctionName="noisy")
        wait_for(lambda: not is_running(int(pid_file.read_text())))  # it writes to nobody

    play(threaded(scenario))


def test_a_process_that_always_prints_cannot_keep_its_log_from_being_taken() -> None:
    async def scenario() -> None:
        log = processes._Log(asyncio.get_running_loop(), lambda: True)
        writer = await asyncio.create_subprocess_exec("yes", stdout=log.writer)
        for _ in range(3):
            assert (await taken(log)).startswith("y\n")
        log.finish()
        log.finish()  # as of a fork that nobody waits for any more, when it ends
        log.take()
        os.close(log.writer)
        await writer.wait()

    async def taken(log: processes._Log) -> str:
        while len(log._kept) < 1000:
            await asyncio.sleep(0.01)
        return log.take()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_workers_are_forks_with_randomness_of_their_own(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        account.create("forked", own_code("forked"), Timeout=20)
        with busy(account, "forked", tmp_path / "go", 3) as made:
            pass
        assert len({answer["pid"] for answer in made}) == 3
        assert len({answer["random"] for answer in made}) == 3
        assert len({answer["imported"] for answer in made}) == 1
        assert len({answer["parent"] for answer in made}) == 1

    play(threaded(scenario))


def test_a_crowd_shares_a_few_workers(play: Play) -> None:
    def scenario(account: Account) -> None:
        account.create("crowded", own_code("crowded"))
        made = account.at_once("crowded", [{"number": number} for number in range(60)])
        # A few more may start while the emulator itself waits for the CPU.
        assert len({answer["pid"] for answer in made}) <= 2 * WORKERS_AT_ONCE
        assert len({answer["request_id"] for answer in made}) == 60

    play(threaded(scenario))


def test_a_long_queue_for_the_cpu_gets_no_worker_for_each_that_waits(play: Play) -> None:
    def scenario(account: Account) -> None:
        account.create("queued", own_code("queued"))
        made = account.at_once("queued", [{"compute": 0.05}] * 6 * WORKERS_AT_ONCE)
        assert len({answer["pid"] for answer in made}) <= 2 * WORKERS_AT_ONCE

    play(threaded(scenario))


def test_handlers_that_wait_do_not_hold_others_back(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        # All are there at once; one every few seconds would be too few.
        account.create("waiting", own_code("waiting"), Timeout=20)
        count = WORKERS_AT_ONCE + 6
        with busy(account, "waiting", tmp_path / "go", count) as made:
            pass
        assert len({answer["pid"] for answer in made}) == count

    play(threaded(scenario))


def test_a_module_with_a_thread_is_not_forked(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        start = "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
        code = zipped(app=HANDLER + start)
        account.create("threaded", code)
        first, again = account.invoke("threaded"), account.invoke("threaded")
        assert first["pid"] == again["pid"]
        with busy(account, "threaded", tmp_path / "go", 1) as made:
            other = account.invoke("threaded")
        assert other["imported"] != made[0]["imported"]  # each imported it itself

    play(threaded(scenario))


def test_each_function_has_its_own_environment(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = zipped(
            app="import os, flavoured\n"
            "def handler(event, context):\n"
            "    return [flavoured.FLAVOUR, os.environ.get('ONLY_FIRST'), dict(os.environ)]\n"
        )
        variables = {"FLAVOUR": "vanilla", "ONLY_FIRST": "yes"}
        account.create("first", code, Environment={"Variables": variables})
        account.create("second", code, Environment={"Variables": {"FLAVOUR": "lemon"}})
        account.create("third", code)
        first, second, third = (account.invoke(name) for name in ("first", "second", "third"))
        assert first[:2] == ["vanilla", "yes"]
        assert second[:2] == ["lemon", None]
        assert third[:2] == ["none", None]
        assert third[2]["AWS_LAMBDA_FUNCTION_NAME"] == "third"
        assert third[2]["AWS_REGION"] == REGION
        assert third[2]["AWS_ACCESS_KEY_ID"].startswith("ASIA")  # its role's, not the emulator's
        assert not {"AUTH", "SERVICES", "STATE_DIR", "GATEWAY_PORT"} & third[2].keys()

    play(threaded(scenario))


def test_a_library_is_imported_once_for_all_functions(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = "import os, plain\ndef handler(event, context): return [plain.PID, os.getpid()]\n"
        account.create("one-library", zipped(app=code))
        account.create("two-library", zipped(app=code + "\n"))
        one, two = account.invoke("one-library"), account.invoke("two-library")
        assert one[0] == two[0]
        assert one[1] != two[1]

    play(threaded(scenario))


def test_functions_with_the_same_code_import_it_once(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = zipped(
            app="import os, time\n"
            "READ = os.environ.get('READ_AT_IMPORT'); PID = os.getpid()\n"
            "def handler(event, context):\n"
            "    late = os.environ.get('READ_LATER')\n"
            "    return [PID, READ, late, context.function_name, os.getpid()]\n"
            "def other(event, context): return [PID, 'other']\n"
        )

        def create(name: str, handler: str = "app.handler", **variables: str) -> Any:
            environment = {"Variables": variables}
            account.create(name, code, Environment=environment, Handler=handler)
            return account.invoke(name)

        one = create("same-1", READ_AT_IMPORT="a", READ_LATER="1")
        two = create("same-2", READ_AT_IMPORT="a", READ_LATER="2")
        three = create("same-3", READ_AT_IMPORT="b", READ_LATER="3")
        assert one[1:4] == ["a", "1", "same-1"]
        assert two[1:4] == ["a", "2", "same-2"]
        assert three[1:4] == ["b", "3", "same-3"]
        assert one[0] == two[0] != three[0]
        assert one[4] != two[4]
        assert create("same-4", "app.other", READ_AT_IMPORT="a") == [one[0], "other"]
        missing = create("same-5", "app.missing", READ_AT_IMPORT="a")
        assert missing["errorType"] == "Runtime.HandlerNotFound"
        # The process stays as long as one of its functions does.
        account.functions.delete_function(FunctionName="same-1")
        assert account.invoke("same-2")[0] == one[0]

    play(threaded(scenario))


def test_a_functions_own_module_goes_before_a_librarys(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = "import shadowed\ndef handler(event, context): return shadowed.WHOSE\n"
        account.create("library-user", zipped(app=code))
        account.create("own-user", zipped(app=code, shadowed="WHOSE = 'its own'\n"))
        assert account.invoke("library-user") == "the library"
        assert account.invoke("own-user") == "its own"

    play(threaded(scenario))


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("import no_such_thing\n", "Runtime.ImportModuleError", "No module named 'no_such_thing'"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("raise KeyError('TABLE')\n", "KeyError", "TABLE"),
        ("x = 1\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("import os\nos._exit(7)\n", "Runtime.ExitError", "exit status 7"),
        ("import sys\nsys.exit(8)\n", "Runtime.ExitError", "exit status 8"),
    ],
)
def test_a_module_that_does_not_import_says_why(
    play: Play, request: pytest.FixtureRequest, code: str, kind: str, said: str
) -> None:
    async def scenario(account: Account) -> None:
        name = re.sub(r"\W+", "-", f"broken-{kind}-{said}")[:60]
        account.create(name, zipped(app=code))
        failed = await asyncio.to_thread(account.invoke, name)
        assert failed["errorType"] == kind
        assert said in failed["errorMessage"]
        (told,) = await account.told_of(name, 1)
        assert told["trace"]
        good = zipped(app="def handler(event, context): return 'mended'\n")
        account.functions.update_function_code(FunctionName=name, ZipFile=good)
        assert await asyncio.to_thread(account.invoke, name) == "mended"

    play(scenario)


def test_a_library_that_hangs_at_import_is_given_up(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (libraries / "hangs.py").write_text("import time\ntime.sleep(99)\n")
    monkeypatch.setattr(functions, "LIBRARIES_SECONDS", 1.0)
    monkeypatch.setattr(functions, "INIT_SECONDS", 1.0)
    monkeypatch.setenv("PYTHONPATH", str(libraries))

    async def scenario() -> None:
        launcher = functions.Launcher()
        bad = launcher.code((zipped(app="import hangs\n"),))
        good = launcher.code((zipped(app="import plain\n"),))
        try:
            for _ in range(2):
                with pytest.raises(functions.InitError) as raised:
                    await launcher.load("app", bad, functions.inherited())
                assert raised.value.payload["errorType"] == "Sandbox.Timedout"
            loaded = await launcher.load("app", good, functions.inherited())
            assert loaded.is_forkable
        finally:
            await end_all()

    with in_process(tmp_path, monkeypatch):
        asyncio.run(asyncio.wait_for(scenario(), 30))


def test_new_code_is_tried_before_it_is_given(play: Play) -> None:
    async def scenario(account: Account) -> None:
        def code(answer: str) -> bytes:
            return zipped(app=f"def handler(event, context): return {answer}\n")

        account.create("updated", code("1"))
        assert await asyncio.to_thread(account.invoke, "updated") == 1
        path = account.process.log_path.parent / "new.zip"
        path.write_bytes(code("("))
        assert "SyntaxError" in str(await account.process.prepare("updated", path))
        assert await asyncio.to_thread(account.invoke, "updated") == 1
        path.write_bytes(code("2"))
        assert await account.process.prepare("updated", path) is None
        assert await asyncio.to_thread(account.invoke, "updated") == 1
        account.functions.update_function_code(FunctionName="updated", ZipFile=code("2"))
        assert await asyncio.to_thread(account.invoke, "updated") == 2
        assert "no function" in str(await account.process.prepare("absent", path))

    play(scenario)


def test_what_runs_when_the_code_changes_ends_on_the_old(play: Play, tmp_path: Path) -> None:
    def scenario(account: Account) -> None:
        account.create("changed", own_code("changed"))
        with busy(account, "changed", tmp_path / "go", 1) as made:
            new = zipped(app="def handler(event, context): return 'new'\n")
            account.functions.update_function_code(FunctionName="changed", ZipFile=new)
            assert account.invoke("changed") == "new"
        (answer,) = made
        assert "pid" in answer
        wait_for(lambda: not is_running(answer["pid"]) and not is_running(answer["parent"]))

    play(threaded(scenario))


def test_a_deleted_function_leaves_no_process(play: Play) -> None:
    def scenario(account: Account) -> None:
        account.create("deleted", own_code("deleted"))
        made = account.invoke("deleted")
        account.functions.delete_function(FunctionName="deleted")
        wait_for(lambda: not is_running(made["pid"]) and not is_running(made["parent"]))

    play(threaded(scenario))


def test_events_and_results_of_any_size_and_kind(play: Play) -> None:
    def scenario(account: Account) -> None:
        text = "한국어 \u0000 \U0001f600" * 100_000
        assert account.invoke("plain", text=text)["text"] == text
        failed = account.invoke("plain", object=True)
        assert failed["errorType"] == "Runtime.MarshalError"
        assert "not JSON serializable" in failed["errorMessage"]
        account.create("echo", zipped(app="def handler(event, context): return event\n"))
        for event in (None, 1, "text", [1, None], {"a": 0.5}):
            answer = account.functions.invoke(FunctionName="echo", Payload=json.dumps(event))
            assert json.loads(answer["Payload"].read()) == event

    play(threaded(scenario))


def test_an_invocation_that_cannot_be_described_has_its_result(play: Play) -> None:
    async def scenario(account: Account) -> None:
        for context in (5, "text", [1]):
            answer = await asyncio.to_thread(account.invoke, "plain", requestContext=context)
            assert "pid" in answer
        assert {told["what"] for told in await account.told_of("plain", 3)} == {""}
        code = """
            def handler(event, context):
                status = 0
                for _ in range(500):
                    status = [status]
                return {"statusCode": status, "body": "here"}
        """
        account.create("nested", zipped(app=code))
        assert (await asyncio.to_thread(account.invoke, "nested"))["body"] == "here"

    play(scenario)


def test_what_a_handler_returns_is_marshalled_as_on_aws(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = """
            import sys
            from decimal import Decimal

            def handler(event, context):
                nested = []
                sys.setrecursionlimit(event.get("limit", 1000))
                for _ in range(event.get("depth", 0)):
                    nested = [nested]
                numbers = [Decimal("1.50"), Decimal("-3"), Decimal("1E+2"), {"x": Decimal("NaN")}]
                return nested if nested else numbers
        """
        account.create("decimal", zipped(app=code))
        one, two, three, four = account.invoke("decimal")
        assert (one, two, three) == (1.5, -3, 100)
        assert four["x"] != four["x"]  # NaN, which AWS's runtime writes, too
        for limit in (1000, 20_000):  # too deep for the worker; for the emulator
            failed = account.invoke("decimal", limit=limit, depth=12_000)
            assert failed["errorType"] == "Runtime.MarshalError"
            assert "recursion" in failed["errorMessage"]

    play(threaded(scenario))


def test_the_environment_is_lambdas_and_not_the_developers(play: Play) -> None:
    def scenario(account: Account) -> None:
        code = """
            import os, time

            def handler(event, context):
                names = ("AWS_EXECUTION_ENV", "AWS_LAMBDA_INITIALIZATION_TYPE", "TZ")
                home = os.path.expanduser("~")
                hour = time.strftime("%H %Z", time.localtime(0))
                return [hour, os.listdir(home), *(os.environ[name] for name in names)]
        """
        runtime = {"Runtime": "python3.12"}
        account.create("utc", zipped(app=code), **runtime)
        expected = ["AWS_Lambda_python3.12", "on-demand", ":UTC"]
        assert account.invoke("utc") == ["00 UTC", [], *expected]
        variables = {"TZ": "Asia/Seoul", "AWS_EXECUTION_ENV": "own"}
        account.create("seoul", zipped(app=code), Environment={"Variables": variables}, **runtime)
        assert account.invoke("seoul") == ["09 KST", [], *expected[:2], "Asia/Seoul"]

    play(threaded(scenario))


def test_layers_are_found(play: Play) -> None:
    def scenario(account: Account) -> None:
        layer = account.functions.publish_layer_version(
            LayerName="some", Content={"ZipFile": zipped(python__in_layer="HERE = 'yes'\n")}
        )
        code = "import in_layer\ndef handler(event, context): return in_layer.HERE\n"
        account.create("layered", zipped(app=code), Layers=[layer["LayerVersionArn"]])
        assert account.invoke("layered") == "yes"

    play(threaded(scenario))


def test_the_context_is_that_of_the_invocation(play: Play) -> None:
    async def scenario(account: Account) -> None:
        made = await asyncio.to_thread(account.invoke, "plain")
        assert 15_000 < made["left_ms"] <= 20_000
        (told,) = await account.told_of("plain", 1)
        assert told["request_id"] == made["request_id"]

    play(scenario)


def test_calls_are_counted_for_the_invocation_that_makes_them(play: Play) -> None:
    async def scenario(account: Account) -> None:
        event = {"gets": 2, "transact": True, "missing": True}
        await asyncio.gather(
            *(asyncio.to_thread(account.invoke, "caller", **event) for _ in range(4))
        )
        for told in await account.told_of("caller", 4):
            described = [
                (call["service"], call["operation"], call.get("table"), call["status"])
                for call in told["calls"]
            ]
            get = ("dynamodb", "GetItem", "workers-table", 200)
            assert described == [
                get,
                get,
                ("dynamodb", "TransactWriteItems", "workers-table", 200),
                ("dynamodb", "GetItem", "no-such-table", 400),
            ]
            assert told["calls_total"] == 4
            assert all(call["ms"] > 0 for call in told["calls"])

    play(scenario)


def test_only_the_first_calls_are_described(play: Play) -> None:
    async def scenario(account: Account) -> None:
        await asyncio.to_thread(account.invoke, "caller", gets=230)
        (told,) = await account.told_of("caller", 1)
        assert len(told["calls"]) == 200
        assert told["calls_total"] == 230

    play(scenario)


def test_a_trace_goes_through_all_that_one_event_leads_to(play: Play) -> None:
    async def scenario(account: Account) -> None:
        functions = account.client("lambda")
        sent = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"

        def add_header(params: dict[str, Any], **_more: Any) -> None:
            params["headers"]["X-Amzn-Trace-Id"] = sent

        functions.meta.events.register("before-call.lambda.Invoke", add_header)
        payload = json.dumps({"invoke": ["RequestResponse", "Event"]})
        answer = await asyncio.to_thread(
            lambda: functions.invoke(FunctionName="caller", Payload=payload)["Payload"].read()
        )
        told = await account.told_of("caller", 3)
        outer = next(made for made in told if made["parent"] == "53995c3f42cd8ad8")
        inner = [made for made in told if made is not outer]
        assert {made["trace_id"] for made in told} == {"1-67891233-abcdef012345678912345678"}
        assert {made["parent"] for made in inner} == {outer["segment"]}
        assert len({made["segment"] for made in told}) == 3
        root, segment = outer["trace_id"], outer["segment"]
        assert json.loads(answer) == f"Root={root};Parent={segment};Sampled=0"
        assert [call["operation"] for call in outer["calls"]] == ["Invoke", "Invoke"]
        assert [call["operation"] for made in inner for call in made["calls"]] == ["GetItem"] * 2

    play(scenario)


def test_without_a_trace_one_begins(play: Play) -> None:
    async def scenario(account: Account) -> None:
        for _ in range(2):
            await asyncio.to_thread(account.invoke, "caller")
        roots = {made["trace_id"] for made in await account.told_of("caller", 2)}
        assert len(roots) == 2
        assert all(re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", root) for root in roots)

    play(scenario)


def test_a_function_that_calls_itself_is_stopped(play: Play) -> None:
    async def scenario(account: Account) -> None:
        code = """
            import os, boto3
            def handler(event, context):
                boto3.client("lambda").invoke(
                    FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"], InvocationType="Event")
        """
        account.create("endless", zipped(app=code))
        await asyncio.to_thread(account.invoke, "endless")
        told = await account.told_of("endless", 16)
        # They are told of as they end, and the last may end before the one that called it.
        told.sort(key=lambda made: int(made["calls"][0]["status"]))
        assert [made["calls"][0]["status"] for made in told] == [202] * 15 + [400]
        assert "RecursiveInvocationException" in told[15]["error"]

    play(scenario)


def test_iam_answers_whether_somebody_may(play: Play) -> None:
    async def scenario(account: Account) -> None:
        iam, sts = account.client("iam"), account.client("sts")
        action = "execute-api:ManageConnections"
        resource = f"arn:aws:execute-api:{REGION}:000000000000:api1/ws/POST/@connections/*"
        allow = {"Effect": "Allow", "Action": action, "Resource": resource}
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        keys = {}
        for name in ("poster", "nobody"):
            document = json.dumps({"Statement": [trust]})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
            arn = f"arn:aws:iam::000000000000:role/{name}"
            keys[name] = sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        iam.put_role_policy(
            RoleName="poster", PolicyName="p", PolicyDocument=json.dumps({"Statement": [allow]})
        )
        own = resource.replace("*", "abc=")

        async def ask(name: str, resource: str = own) -> Any:
            key = keys[name]
            access, token = key["AccessKeyId"], key["SessionToken"]
            return await account.process.authorize(access, token, action, resource)

        may = await ask("poster")
        assert (may.secret, may.allowed, may.error) == (
            keys["poster"]["SecretAccessKey"],
            True,
            None,
        )
        other = await ask("poster", own.replace("api1", "api2"))
        assert not other.allowed
        may_not = await ask("nobody")
        assert may_not.secret == keys["nobody"]["SecretAccessKey"]
        assert not may_not.allowed
        assert "assumed-role/nobody/nobody is not authorized to perform" in may_not.error
        iam.delete_role_policy(RoleName="poster", PolicyName="p")
        assert not (await ask("poster")).allowed  # nothing of it is remembered

        root = await account.process.authorize("test", "", action, own)
        assert (root.secret, root.allowed) == ("test", True)
        for key, token in (
            ("AKIAUNKNOWN", ""),
            ("", ""),
            (keys["poster"]["AccessKeyId"], ""),
            (keys["poster"]["AccessKeyId"], "another"),
        ):
            unknown = await account.process.authorize(key, token, action, own)
            assert unknown.secret is None
            assert not unknown.allowed
            assert unknown.error

    play(scenario)


def test_what_the_emulator_cannot_answer_is_an_error(play: Play, tmp_path: Path) -> None:
    async def scenario(account: Account) -> None:
        with pytest.raises(Exception, match="FileNotFoundError"):
            await account.process.prepare("plain", tmp_path / "absent.zip")

    play(scenario)


def test_no_worker_outlives_a_killed_emulator(tmp_path: Path) -> None:
    async def scenario() -> None:
        process = EmulatorProcess(tmp_path / "state", lambda made: None)
        await process.start()
        account = Account(process, [])
        iam = account.client("iam")
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument='{"Statement": []}')
        account.create("left", own_code("left"))
        made = await asyncio.to_thread(account.invoke, "left")
        hung = asyncio.create_task(
            asyncio.to_thread(account.invoke, "left", hang=str(tmp_path / "pid"))
        )
        await asyncio.to_thread(wait_for, lambda: (tmp_path / "pid").exists())
        assert process._process is not None
        process._process.kill()  # it alone, not its group
        await process.ended()
        await asyncio.gather(hung, return_exceptions=True)
        pids = [made["pid"], made["parent"], int((tmp_path / "pid").read_text() or made["pid"])]
        await asyncio.to_thread(wait_for, lambda: not any(is_running(pid) for pid in pids))
        await process.stop()

    asyncio.run(scenario())


SUPERVISOR = """
import asyncio, pathlib, sys
from infra.local.emulator_process import EmulatorProcess

async def main():
    process = EmulatorProcess(pathlib.Path(sys.argv[1]), lambda made: None)
    await process.start()
    print(process.endpoint, process._process.pid, flush=True)
    await asyncio.sleep(99)

asyncio.run(main())
"""


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as supervisor:
        assert supervisor.stdout is not None
        endpoint, emulator = supervisor.stdout.readline().split()
        process = EmulatorProcess(tmp_path, lambda made: None)
        process.endpoint = endpoint
        account = Account(process, [])
        iam = account.client("iam")
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument='{"Statement": []}')
        code = """
            import subprocess
            def handler(event, context):
                return subprocess.Popen(["sleep", "99"], stdin=subprocess.DEVNULL).pid
        """
        account.create("leaver", zipped(app=code))
        left = account.invoke("leaver")
        assert is_running(left)
        supervisor.kill()
    wait_for(lambda: not is_running(int(emulator)) and not is_running(left))


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(pid: int) -> str:
    """A process's state by one letter, as /proc has it."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return not (Path("/proc").exists() and state_of(pid) == "Z")
    except (FileNotFoundError, ProcessLookupError):
        return False
