"""Lambda's execution environments: which process runs an invocation of a Python function.

MiniStack runs an invocation in two threads of its own and a process that it has started from
nothing, waits for its log, and kills the process when the handler raises. Here all is on the
event loop, workers are forked (runtime.py), and an exception costs nothing, as on AWS.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import site
import sys
import tempfile
import time
import weakref
import zipfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from infra.local.ministack.processes import EndedError, Process
from infra.local.ministack.slack import Demand

Json: TypeAlias = dict[str, Any]

#: How many workers of a function run before another invocation waits for one. Lambda starts one
#: for each; but each worker makes its own clients and connections at its first invocation, which
#: takes a laptop longer than to wait for those that compute.
WORKERS_AT_ONCE: Final = max(6, 3 * (os.cpu_count() or 1))

#: How often, while some wait, so many workers more are started if the CPUs have time for them
#: (slack.py), in seconds; and how many workers a function may have then.
GROWTH_SECONDS: Final = 0.1
WORKERS_MAX: Final = 64

#: When none came free for so many seconds, one more is started whatever the CPUs do (a handler may
#: wait for an invocation of its own function), but one.
PATIENCE_SECONDS: Final = 3.0

#: How long importing a handler may take, in seconds, as on AWS.
INIT_SECONDS: Final = 10.0

#: How long the library process may take to import what a module needs, in seconds. Longer than
#: a handler: what it has imported is kept for the next one. After that the module goes without.
LIBRARIES_SECONDS: Final = 15.0

#: How long workers beyond the first are kept idle for the next burst, in seconds.
IDLE_SECONDS: Final = 300.0

#: The emulator's own settings, which no Lambda should see.
OWN_VARIABLES: Final = frozenset(
    (
        *("AUTH", "BIND_HOST", "GATEWAY_PORT", "IOT_MTLS_ENABLED", "MINISTACK_REGION"),
        *("LOCAL_PERMISSIONS", "LOCAL_PERMISSIONS_USED"),
        *("PERSIST_STATE", "PYTHONDONTWRITEBYTECODE", "SERVICES", "SFTP_ENABLED", "STATE_DIR"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    )
)


@dataclass(frozen=True)
class InitError(Exception):
    """A function's handler could not be loaded."""

    payload: Json
    trace: str
    log: str


class Code:
    """A function's code and its layers, unpacked; removed when nothing uses it any more."""

    def __init__(self, archives: tuple[bytes, ...]) -> None:
        self.archives = archives
        directory = Path(tempfile.mkdtemp(prefix="lambda-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        self.paths: list[str] = []
        for number, archive in enumerate(archives):
            target = directory / str(number)
            with zipfile.ZipFile(io.BytesIO(archive)) as packed:
                packed.extractall(target)
            # A layer's modules are in python/ or in its site-packages.
            # https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
            found = [target / "python", *target.glob("python/lib/python*/site-packages")]
            self.paths += [str(path) for path in found if number and path.is_dir()]
            self.paths += [] if number else [str(target)]
        #: Processes that have imported a module of it.
        self.loaded: dict[str, list[Loaded]] = {}
        #: Held while one looks for such a process, and makes the first.
        self.looking = asyncio.Lock()


@dataclass(frozen=True)
class Settings:
    """All that a function's workers are made from; others if any of it changes."""

    name: str
    runtime: str
    handler: str
    role: str
    version: str
    memory: int
    timeout: float
    variables: tuple[tuple[str, str], ...]
    archives: tuple[bytes, ...]

    @property
    def module(self) -> str:
        """The handler's module; a path may be written with slashes, too."""
        return self.handler.rpartition(".")[0].replace("/", ".")

    @property
    def function(self) -> str:
        """The handler's name in it."""
        return self.handler.rpartition(".")[2]

    @classmethod
    def of(cls, record: Json, config: Json) -> Settings:
        """A function's settings.

        Args:
            record: MiniStack's, of the function or a version of it.
            config: its configuration.
        """
        layers = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers") or []]
        variables = (config.get("Environment") or {}).get("Variables") or {}
        return cls(
            name=config["FunctionName"],
            runtime=config["Runtime"],
            handler=config.get("Handler", "index.handler"),
            role=config.get("Role", ""),
            version=config.get("Version", "$LATEST"),
            memory=config.get("MemorySize", 128),
            timeout=float(config.get("Timeout", 3)),
            variables=tuple(variables.items()),
            archives=(record["code_zip"], *(layer for layer in layers if layer)),
        )


class Launcher:
    """Starts code processes: forked from the library process where that is right."""

    def __init__(self) -> None:
        self._libraries: Process | None = None
        self._starting = asyncio.Lock()
        self._is_usable = True
        #: Modules by their code's directory whose libraries did not import in time.
        self._too_slow: set[tuple[str, str]] = set()
        self._codes: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()

    def code(self, archives: tuple[bytes, ...]) -> Code:
        """Unpacked code, the same for all functions that share it."""
        digest = hashlib.sha256()
        for archive in archives:
            digest.update(hashlib.sha256(archive).digest())
        found = self._codes.get(digest.hexdigest())
        if found is None:
            found = self._codes[digest.hexdigest()] = Code(archives)
        return found

    async def load(self, module: str, code: Code, environment: dict[str, str]) -> Loaded:
        """A process that has imported a module as it would be imported with an environment.

        Raises:
            InitError: it does not import.
        """
        async with code.looking:
            shared = [each for each in code.loaded.get(module, []) if each.is_shared]
            code.loaded[module] = shared
            found = next((each for each in shared if each.fits(environment)), None)
            if found is None and not shared:
                # Others wait for this one: it may do for them, too.
                found = await self._load(module, code, environment)
                shared.append(found)
        if found is None:
            found = await self._load(module, code, environment)
            code.loaded[module].append(found)
        return found

    async def _load(self, module: str, code: Code, environment: dict[str, str]) -> Loaded:
        function = {"environment": environment, "paths": code.paths, "module": module}
        order = {"function": function}
        if self._is_usable and (code.paths[0], module) not in self._too_slow:
            with contextlib.suppress(EndedError):
                libraries = await self._library_process(code.paths[0], module)
                if libraries is not None:
                    process = await libraries.fork(order)
                    answer = await _loaded(process)
                    if not answer.get("afresh"):
                        return Loaded.of(process, environment, answer)
        process = await Process.spawn(order, environment)
        return Loaded.of(process, environment, await _loaded(process))

    async def _library_process(self, code: str, module: str) -> Process | None:
        """The library process, knowing what a module needs; None if it is no use."""
        async with self._starting:
            if self._libraries is None or self._libraries.ended.done():
                self._libraries = await Process.spawn({"libraries": True}, inherited())
            libraries = self._libraries
            try:
                async with asyncio.timeout(LIBRARIES_SECONDS):
                    question = {"code": code, "module": module}
                    prepared = await libraries.ask({"libraries": question})
            except TimeoutError:
                # It is stuck in the import. What it has forked ends with it, and is made again.
                self._too_slow.add((code, module))
                self._libraries = None
                libraries.kill()
                return None
        self._is_usable = prepared["forkable"]
        return libraries if self._is_usable else None


async def _loaded(process: Process) -> Json:
    """Wait until a module is imported, or refused because it needs a process from nothing."""
    try:
        async with asyncio.timeout(INIT_SECONDS):
            answer = await process.answer()
    except TimeoutError as error:
        process.kill()
        text = f"Init timed out after {INIT_SECONDS:.0f} seconds"
        payload = {"errorType": "Sandbox.Timedout", "errorMessage": text}
        raise InitError(payload, text, process.log()) from error
    except EndedError as error:
        payload = {"errorType": "Runtime.ExitError", "errorMessage": str(error)}
        raise InitError(payload, str(error), process.log()) from error
    if "error" in answer:
        raise InitError(answer["error"], answer["trace"], process.log())
    return answer


@dataclass(eq=False)
class Loaded:
    """A process that has imported a module."""

    process: Process
    environment: dict[str, str]
    #: The environment variables that were looked at meanwhile; None: all.
    read: frozenset[str] | None
    is_forkable: bool
    #: It is a function's worker, because it cannot be forked; or it is about to end.
    is_taken: bool = False
    users: set[Pool] = field(default_factory=set)

    @classmethod
    def of(cls, process: Process, environment: dict[str, str], answer: Json) -> Loaded:
        """What a code process has told."""
        read = None if answer["read"] is None else frozenset(answer["read"])
        return cls(process, environment, read, is_forkable=answer["forkable"])

    @property
    def is_shared(self) -> bool:
        """Whether more than one function can use it."""
        return self.is_forkable and not self.is_taken and not self.process.ended.done()

    def fits(self, environment: dict[str, str]) -> bool:
        """Whether the module would be the same, had it been imported with an environment."""
        names = {*environment, *self.environment} if self.read is None else self.read
        return all(environment.get(name) == self.environment.get(name) for name in names)

    def leave(self, user: Pool) -> None:
        """End the process when nobody uses it any more."""
        self.users.discard(user)
        if not self.users and not self.is_taken:
            self.is_taken = True
            self.process.dismiss()


def inherited() -> dict[str, str]:
    """What every Lambda has from the emulator's environment."""
    environment = {name: os.environ[name] for name in os.environ if name not in OWN_VARIABLES}
    port = os.environ["GATEWAY_PORT"]
    environment.setdefault("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    home = Path(environment["TMPDIR"]).with_name("home")  # an empty one: no ~/.aws/config
    home.mkdir(mode=0o700, exist_ok=True)
    if site.ENABLE_USER_SITE:
        environment["PYTHONUSERBASE"] = site.getuserbase()
    environment |= {
        "HOME": str(home),
        "TZ": ":UTC",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }
    # Modeled host prefixes do not resolve here.
    environment.setdefault("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    return environment


class Pool:
    """The workers of one function with one code and configuration."""

    def __init__(self, settings: Settings, config: Json, launcher: Launcher) -> None:
        self.settings = settings
        self._config = config
        self._launcher = launcher
        self._code = launcher.code(settings.archives)
        self._loading: asyncio.Task[Loaded] | None = None
        self._idle: list[Process] = []
        self._idle_since: weakref.WeakKeyDictionary[Process, float] = weakref.WeakKeyDictionary()
        self._busy: set[Process] = set()
        self._starting = 0
        self._waiting: deque[asyncio.Future[Process | None]] = deque()
        self._growing: asyncio.Task[None] | None = None
        #: When a worker last came free or was started, by the event loop's clock.
        self._moved_at = 0.0
        self._is_retired = False

    def environment(self) -> dict[str, str]:
        """The environment variables of the function's workers.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        settings, name = self.settings, self.settings.name
        _account, region = lambda_runtime._account_region_from_function_config(self._config)
        reserved = lambda_runtime._RESERVED_RUNTIME_ENV_VARS
        return {
            **inherited(),
            **{key: value for key, value in settings.variables if key not in reserved},
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{settings.runtime}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **lambda_runtime.execution_credentials(self._config),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": settings.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "",
            "LAMBDA_TASK_ROOT": self._code.paths[0],
            "_HANDLER": settings.handler,
        }

    async def load(self) -> Loaded:
        """Have the handler's module imported; once, whoever asks.

        Raises:
            InitError: it does not import. The next one tries again, as on AWS.
        """
        task = self._loading
        if task is None or (task.done() and (task.exception() or not self._is_usable(task))):
            task = self._loading = asyncio.create_task(self._load())
        return await asyncio.shield(task)

    @staticmethod
    def _is_usable(task: asyncio.Task[Loaded]) -> bool:
        loaded = task.result()
        return not (loaded.is_taken or loaded.process.ended.done())

    async def _load(self) -> Loaded:
        settings = self.settings
        loaded = await self._launcher.load(settings.module, self._code, self.environment())
        loaded.users.add(self)
        if not (await loaded.process.ask({"handler": settings.function}))["found"]:
            loaded.leave(self)
            text = f"Handler '{settings.function}' missing on module '{settings.module}'"
            payload = {"errorType": "Runtime.HandlerNotFound", "errorMessage": text}
            raise InitError(payload, text, loaded.process.log())
        return loaded

    async def _new_worker(self) -> Process:
        loaded = await self.load()
        while loaded.is_taken:
            loaded = await self.load()
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{self.settings.version}]"
        stream += new_uuid().replace("-", "")
        environment = {**self.environment(), "AWS_LAMBDA_LOG_STREAM_NAME": stream}
        order = {"worker": {"environment": environment, "handler": self.settings.function}}
        if loaded.is_forkable:
            return await loaded.process.fork(order)
        # It is a worker itself, and the next needs another process.
        loaded.is_taken = True
        loaded.process.tell(order)
        return loaded.process

    async def acquire(self) -> tuple[Process, bool]:
        """A worker, and whether it was started for this.

        Raises:
            InitError: the handler does not import.
            EndedError: the process that should have forked ended.
        """
        if not self._idle and len(self._busy) + self._starting >= WORKERS_AT_ONCE:
            handed_over = await self._wait()
            if handed_over is not None:
                return handed_over, False
        while self._idle:
            worker = self._idle.pop()
            if not worker.ended.done():
                self._busy.add(worker)
                return worker, False
        self._starting += 1
        self._moved_at = asyncio.get_running_loop().time()
        try:
            worker = await self._new_worker()
        finally:
            self._starting -= 1
        self._busy.add(worker)
        return worker, True

    async def _wait(self) -> Process | None:
        """Wait for a worker that another invocation leaves; None: start one."""
        place: asyncio.Future[Process | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        if self._growing is None or self._growing.done():
            self._growing = asyncio.create_task(self._grow())
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and (worker := place.result()) is not None:
                self.release(worker)
            raise

    async def _grow(self) -> None:
        """While some wait, let them start workers where that gets them served sooner."""
        loop = asyncio.get_running_loop()
        demand = self._demand()
        while any(not place.done() for place in self._waiting):
            await asyncio.sleep(GROWTH_SECONDS)
            before, demand = demand, self._demand()
            free = WORKERS_MAX - len(self._busy) - self._starting
            if free > 0 and demand.leaves_room_since(before):
                for _ in range(min(WORKERS_AT_ONCE, free)):
                    self._wake_one(None)
            elif loop.time() - self._moved_at > PATIENCE_SECONDS:
                self._moved_at = loop.time()
                self._wake_one(None)

    @staticmethod
    def _demand() -> Demand:
        # Of all functions: they share the CPUs.
        return Demand.now(process.pid for process in Process.living)

    def discard(self, worker: Process) -> None:
        """Forget a worker, and end it if it has not ended."""
        worker.kill()
        self._busy.discard(worker)
        worker.dismiss()
        self._end_if_over()
        # Whoever waited for this one starts another.
        self._wake_one(None)

    def release(self, worker: Process) -> None:
        """Take a worker back after its invocation."""
        if worker.ended.done() or self._is_retired:
            self.discard(worker)
            return
        self._moved_at = asyncio.get_running_loop().time()
        if not self._wake_one(worker):
            self._busy.discard(worker)
            self._idle.append(worker)
            self._trim()

    def _wake_one(self, worker: Process | None) -> bool:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(worker)
                return True
        return False

    def _trim(self) -> None:
        """End what a burst has left: the last to be idle is the first to be used."""
        now = asyncio.get_running_loop().time()
        self._idle_since[self._idle[-1]] = now
        while len(self._idle) > 1 and now - self._idle_since[self._idle[0]] > IDLE_SECONDS:
            self._idle.pop(0).dismiss()

    async def warm(self) -> None:
        """Have an idle worker, before somebody waits for it."""
        if self._idle or self._busy or self._starting:
            return
        # The first invocation meets the same error, and reports it.
        with contextlib.suppress(InitError, EndedError):
            worker, _is_new = await self.acquire()
            self.release(worker)

    def retire(self) -> None:
        """End idle workers now and busy ones when their invocation is over."""
        self._is_retired = True
        for worker in self._idle:
            worker.dismiss()
        self._idle.clear()
        while self._wake_one(None):
            pass
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._is_retired and not self._busy and not self._starting and self._loading is not None:
            loading, self._loading = self._loading, None
            loading.add_done_callback(self._leave)

    def _leave(self, loading: asyncio.Task[Loaded]) -> None:
        if not loading.cancelled() and loading.exception() is None:
            loading.result().leave(self)
