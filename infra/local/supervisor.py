"""The local stack: an emulated AWS, an app deployed to it, the gateway before it; start to stop."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from infra.errors import InfraError
from infra.local import log
from infra.local.apps import App, Build
from infra.local.aws_names import AwsNames, certificate_name
from infra.local.companion import Companion
from infra.local.deployed import Deployed
from infra.local.deployment import ACCESS_KEY_ID, LEFT_OUT, SECRET_ACCESS_KEY, Deployment
from infra.local.edge_listen import PortTakenError, listen
from infra.local.emulator_process import REGION, EmulatorProcess
from infra.local.faults.plan_file import read_plan
from infra.local.faults.session import Faults
from infra.local.gateway import Gateway, GatewayConfig
from infra.local.gateway.api import CONNECT, DISCONNECT, Api, read_api
from infra.local.gateway.limits import Limits
from infra.local.gateway.permissions import Access
from infra.local.gateway.sigv4 import Credentials
from infra.local.gateway.tls import Authority
from infra.local.http_front import SCHEDULES_PATH, TRACES_PATH, HttpFront
from infra.local.tracing import Tracer
from infra.local.watch import changes

#: Signals that come closer than this are one, in seconds.
SECOND_SIGNAL_SECONDS: Final = 0.5

#: How long nothing may have changed before an app is packaged anew behind a quick update.
QUIET_SECONDS: Final = 1.0


#: Where the emulator unpacks a function's code (ministack/functions.py); not its layers.
_UNPACKED: Final = re.compile(r"/[^\s\"]*/lambda-[^/\s]+/0/")


@dataclass(frozen=True)
class Options:
    """What a local stack can be told.

    `port`: the gateway's; 0 picks a free one. `parameters`: values for the template's.
    `faults`: a plan's file. `trace`: a text; messages that have it as a value are followed.
    """

    port: int = 8000
    parameters: Mapping[str, str] = field(default_factory=dict)
    ready_file: Path | None = None
    watch: bool = True
    verbose: bool = False
    limits: Limits = field(default_factory=Limits)
    faults: Path | None = None
    trace: str | None = None


def claim_port(port: int, service: str, way_out: str) -> int:
    """See whether a port is free, before anything is started; 0 becomes a free one.

    Args:
        port: the port.
        service: who wants it.
        way_out: how to choose another; ``{port}`` in it becomes one.

    Raises:
        InfraError: it is taken.
    """
    try:
        sockets = listen(port, service)
    except PortTakenError as error:
        raise InfraError(f"{error}: {way_out.format(port=port + 10)}") from error
    claimed = int(sockets[0].getsockname()[1])
    for listener in sockets:
        listener.close()
    return claimed


def claim_directory(path: Path) -> TextIO:
    """Have a state directory to oneself for as long as the returned file is open.

    Raises:
        InfraError: another local stack has it; names its process.
    """
    path.mkdir(parents=True, exist_ok=True)
    ignore = path / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    file = (path / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise InfraError(
            f"{path} is in use by another local stack (process {owner}): stop that one, or choose "
            "another --state-dir"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


async def _authorize(emulator: EmulatorProcess, *asked: str) -> Access:
    """What the gateway asks IAM."""
    told = await emulator.authorize(*asked)
    return Access(told.secret, told.allowed, told.error or "")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _own_paths(text: str, directory: Path) -> str:
    """A traceback in which unpacked code is where its author has it."""
    return _UNPACKED.sub(f"{directory}/", text)


def _from_own_on(text: str, directory: Path) -> str:
    """A traceback of an import, from the first line that is the author's own."""
    own = _own_paths(text, directory).strip()
    _importing, found, rest = own.partition(f'  File "{directory}/')
    return f"Traceback (most recent call last):\n{found}{rest}" if found else own


class Supervisor:
    """Everything that runs while the local stack is up."""

    def __init__(self, app: App, options: Options, companion: Companion | None = None) -> None:
        self._app = app
        self._options = options
        self._companion = companion or Companion()
        self._tracer = Tracer(options.trace, log.say)
        self._started = time.monotonic()
        self._parameters: dict[str, str] = {}
        self._stopping = asyncio.Event()
        self._stop_asked = 0.0
        self._emulator: EmulatorProcess | None = None
        self._faults: Faults | None = None
        # From the first deployment on.
        self._deployment: Deployment
        self._gateway: Gateway
        self._front: HttpFront
        self._build: Build
        self._deployed: Deployed
        self._api: Api
        #: By a function's name: what to call it, and where its code is.
        self._labels: dict[str, str] = {}
        self._directories: dict[str, Path] = {}
        #: One deployment or update at a time.
        self._deploying = asyncio.Lock()
        #: A quick update was made: the template may have changed, too.
        self._is_outdated = asyncio.Event()

    async def run(self) -> None:
        """Bring the stack up, keep it up until SIGINT or SIGTERM, and take it down.

        Raises:
            InfraError: something could not be started, or ended by itself.
        """
        self._take_signals()
        async with AsyncExitStack() as running:
            bringing_up = asyncio.create_task(self._bring_up(running))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({bringing_up, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not bringing_up.done():
                bringing_up.cancel()
                await asyncio.gather(bringing_up, return_exceptions=True)
                stopping.cancel()
                return
            emulator = await bringing_up
            jobs = {stopping, asyncio.create_task(self._watch_emulator(emulator))}
            if self._options.watch:
                jobs |= {
                    asyncio.create_task(self._watch_source()),
                    asyncio.create_task(self._package_later()),
                }
            done, pending = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in pending:
                job.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            if stopping in done:
                log.say("stopping (Ctrl-C again: at once, without saving)")
            for job in done:
                job.result()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        """The first signal asks to stop, the second does not ask.

        One Ctrl-C can arrive twice (from the terminal, and passed on by a parent), so only
        a later one counts as the second.
        """
        now = time.monotonic()
        if not self._stopping.is_set():
            self._stopping.set()
            self._stop_asked = now
        elif now - self._stop_asked > SECOND_SIGNAL_SECONDS:
            if self._emulator is not None:
                self._emulator.kill()
            os._exit(128 + number)

    # --- Starting, in the order in which one needs the other ---------------------------------

    async def _bring_up(self, running: AsyncExitStack) -> EmulatorProcess:
        options = self._options
        if options.port:  # any free one is free until it is taken, so it is taken at once, later
            claim_port(options.port, "the gateway", "--port {port}")
        self._companion.prepare()
        running.enter_context(claim_directory(self._app.state_dir))

        authority = Authority(self._app.state_dir / "authority.pem")
        names = await running.enter_async_context(self._aws_names())
        environment = {**authority.lambda_environment(), **names.environment}
        if options.faults is not None:
            self._faults = await running.enter_async_context(self._injecting(options.faults))
            environment |= self._faults.environment
        emulator = await running.enter_async_context(self._emulated_aws(environment))
        if self._faults is not None:
            self._faults.forward_to(emulator.endpoint)

        # MiniStack is still importing; so Chalice's packaging takes no time of its own.
        build = await asyncio.to_thread(self._app.build)
        self._phase("app built")
        self._parameters = {**options.parameters, **await self._companion.start(running)}
        self._deployment = Deployment(emulator.endpoint, self._app.name)
        await running.enter_async_context(self._served(emulator, authority))
        names.lead_to(self._gateway.tls_port)
        await self._deploy(build)
        self._phase("deployed")
        await self._companion.serve(running, self._deployment, self._deployed, self._gateway)
        if not build.is_imported:
            await self._prepare(emulator, build, build.functions)
        self._warm()
        self._announce(emulator)
        return emulator

    @asynccontextmanager
    async def _aws_names(self) -> AsyncIterator[AwsNames]:
        names = AwsNames()
        try:
            await names.start()
            yield names
        finally:
            await names.stop()

    @asynccontextmanager
    async def _injecting(self, plan: Path) -> AsyncIterator[Faults]:
        faults = Faults(
            read_plan(plan),
            self._app.state_dir,
            self._tracer.fault,
        )
        try:
            await faults.start()
            yield faults
        finally:
            await faults.stop()
            for line in faults.report():
                log.say(line)

    @asynccontextmanager
    async def _emulated_aws(self, environment: Mapping[str, str]) -> AsyncIterator[EmulatorProcess]:
        # All services: those that nobody asks cost nothing, and a changed template may need more.
        self._emulator = emulator = EmulatorProcess(
            self._app.state_dir, self._take_invocation, services=(), environment=environment
        )
        try:
            await emulator.start()
            self._phase("MiniStack started")
            yield emulator
        finally:
            await emulator.stop()

    @asynccontextmanager
    async def _served(self, emulator: EmulatorProcess, authority: Authority) -> AsyncIterator[None]:
        """The gateway, and behind it the other APIs."""
        self._front = HttpFront(self._deployment.client, self._tracer)
        self._gateway = Gateway(
            GatewayConfig(
                endpoint=emulator.endpoint,
                region=REGION,
                credentials=Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY),
                authorize=partial(_authorize, emulator),
                port=self._options.port,
                tls=authority.server_context(certificate_name(REGION)),
                limits=self._options.limits,
                fallback=self._front.respond,
                observe=self._observe_gateway,
                faults=self._faults.injector if self._faults is not None else None,
            )
        )
        try:
            await self._gateway.start()
            yield
        finally:
            await self._gateway.stop()
            await self._front.close()

    # --- Deploying ----------------------------------------------------------------------------

    async def _deploy(self, build: Build) -> None:
        """Deploy a build, and have everything that serves follow."""

        def report(line: str) -> None:
            if self._options.verbose or line.startswith(LEFT_OUT):
                log.say(line)

        self._deployed = await asyncio.to_thread(
            self._deployment.deploy,
            self._companion.adapt(build, self._gateway),
            self._parameters,
            report=report,
        )
        stage = self._deployed.websocket
        client = self._deployment.client("apigatewayv2")
        self._api = await asyncio.to_thread(read_api, client, stage.api_id, stage.stage)
        self._build = build
        self._labels = {
            name: logical
            for logical, name in self._deployed.functions.items()
            if name.startswith(f"{self._deployment.name}-{logical}")
        }
        self._directories = {
            name: build.modules[logical].directory
            for logical, name in self._deployed.functions.items()
            if logical in build.modules
        }
        self._gateway.configure(self._api)
        self._front.configure(self._deployed)

    def _awaited(self) -> list[str]:
        """Names of the Lambdas that people wait for, the most wanted first."""
        keys = sorted(self._api.routes, key=lambda key: (key == DISCONNECT, key == CONNECT))
        routes = [self._api.routes[key] for key in keys]
        arns = [route.function for route in routes if route.function]
        arns += [route.authorizer.function for route in routes if route.authorizer]
        names = [arn.split(":function:")[-1].split(":")[0] for arn in arns]
        return list(dict.fromkeys([*names, *self._companion.warmed(self._deployed)]))

    def _warm(self) -> None:
        """Start workers for what people wait for."""
        if self._emulator is not None:
            self._emulator.warm(self._awaited())

    async def _prepare(
        self, emulator: EmulatorProcess, build: Build, changed: Collection[str]
    ) -> None:
        """Have the emulator import what functions are about to get, so that nobody waits for it.

        Of functions that nobody waits for, one is enough to see whether a module imports.

        Raises:
            InfraError: something does not import; with the traceback.
        """
        logical = {name: label for label, name in self._deployed.functions.items()}
        chosen = [logical[name] for name in self._awaited() if logical.get(name) in changed]
        seen = {build.modules[label] for label in chosen if label in build.modules}
        for label in sorted(changed):
            module = build.modules.get(label)
            if module is not None and module not in seen and label in self._deployed.functions:
                seen.add(module)
                chosen.append(label)
        files: dict[bytes, Path] = {}
        chosen = [label for label in chosen if label in build.modules]
        for label in chosen:
            code = build.code[label]
            if code not in files:
                files[code] = self._app.state_dir / "build" / f"prepared-{len(files)}.zip"
                await asyncio.to_thread(_write, files[code], code)
        errors = await asyncio.gather(
            *(
                emulator.prepare(self._deployed.functions[label], files[build.code[label]])
                for label in chosen
            )
        )
        for error, label in zip(errors, chosen, strict=True):
            if error is not None:
                raise InfraError(_from_own_on(error, build.modules[label].directory))

    # --- Following changes --------------------------------------------------------------------

    async def _watch_source(self) -> None:
        """Bring every change of the app to its Lambdas; what is broken stays out."""
        ignored = (self._app.state_dir,)
        while True:
            watched = set(self._app.watched())
            async for paths in changes(watched, ignored):
                await self._update(paths)
                if set(self._app.watched()) != watched:
                    break

    async def _update(self, paths: Collection[Path]) -> None:
        started = time.monotonic()
        quick: Build | None = None
        async with self._deploying:
            try:
                quick = await asyncio.to_thread(self._app.quick_build, self._build, paths)
                build = quick if quick is not None else await asyncio.to_thread(self._app.build)
                is_new = await self._bring(build)
            except (InfraError, OSError) as error:
                log.say(log.paint(f"not updated, the old code stays:\n{error}", log.RED))
                return
        if quick is not None:
            self._is_outdated.set()
        if is_new:
            names = ", ".join(sorted(path.name for path in paths))
            log.say(f"updated in {time.monotonic() - started:.1f} s: {names}")

    async def _bring(self, build: Build) -> bool:
        """Deploy what a build has of new; False if it has nothing new.

        Open connections stay open; what runs goes on with the old code.
        """
        changed = build.changed(self._build)
        if build.template != self._build.template:
            await self._deploy(build)
            self._companion.redeployed(build, self._deployed)
        elif changed:
            if not build.is_imported and self._emulator is not None:
                await self._prepare(self._emulator, build, changed)
            if changed <= build.functions and changed.isdisjoint(build.published):
                await asyncio.to_thread(
                    self._deployment.update_code, self._deployed, build, changed
                )
                self._build = build
            else:
                await self._deploy(build)
        else:
            return False
        self._warm()
        return True

    async def _package_later(self) -> None:
        """After quick updates: package as a whole, and deploy if the template has changed."""
        while True:
            await self._is_outdated.wait()
            while self._is_outdated.is_set():
                self._is_outdated.clear()
                await asyncio.sleep(QUIET_SECONDS)
            async with self._deploying:
                started = time.monotonic()
                try:
                    build = await asyncio.to_thread(self._app.build)
                    if build.template == self._build.template:
                        continue
                    await self._bring(build)
                except (InfraError, OSError) as error:
                    log.say(log.paint(f"not deployed, the old template stays:\n{error}", log.RED))
                    continue
                log.say(f"deployed in {time.monotonic() - started:.1f} s: the template has changed")

    async def _watch_emulator(self, emulator: EmulatorProcess) -> None:
        """Notice when the emulator ends by itself.

        Raises:
            InfraError: it did; with the end of its log.
        """
        status = await emulator.ended()
        raise InfraError(f"MiniStack ended with status {status}:\n{emulator.log_tail()}")

    # --- Saying -------------------------------------------------------------------------------

    def _observe_gateway(self, what: str, details: Mapping[str, Any]) -> None:
        self._tracer.gateway(what, details)
        line = log.gateway_line(what, details)
        if line is not None:
            log.say(line)

    def _take_invocation(self, invocation: dict[str, Any]) -> None:
        if self._faults is not None:
            self._faults.note_invocation(invocation)
        function = invocation["function"]
        label = self._labels.get(function, function).removeprefix(f"{self._app.name}-")
        said = {**invocation, "function": label}
        self._tracer.invocation(said)
        posts = self._tracer.posts(str(invocation.get("segment", "")))
        if function in self._directories:
            for name in ("error", "trace", "log"):
                if said.get(name):
                    said[name] = _own_paths(str(said[name]), self._directories[function])
        for line in log.invocation_lines(said, posts):
            log.say(line)

    def _announce(self, emulator: EmulatorProcess) -> None:
        """Write the ready file and say what is where."""
        if self._options.ready_file is not None:
            self._write_ready_file(self._options.ready_file, emulator)
        seconds = time.monotonic() - self._started
        lines = self._companion.announcement(self._deployed) or self._what_is_where()
        log.say(f"{lines[0]} (ready in {seconds:.1f} s)")
        for line in lines[1:]:
            log.say(f"  {line}")
        log.say(f"  data: {self._app.state_dir}/, MiniStack's log: {emulator.log_path}")
        traces = f"http://localhost:{self._gateway.port}{TRACES_PATH}"
        log.say(f"  what a message led to: curl {traces}/REF, with a value of its JSON as REF")
        log.say("  Ctrl-C stops it")

    def _what_is_where(self) -> list[str]:
        base = f"localhost:{self._gateway.port}"
        stage = self._deployed.websocket.stage
        lines = [f"{self._app.title} is at ws://{base}/{stage}"]
        lines += [f"HTTP: {url}" for url in self._http_urls().values()]
        lines.append(f"posts to connections: http://{base}/{stage}/@connections/ID")
        lines.append(f"AWS: {self._deployment.endpoint}, Region {REGION}, any credentials")
        for schedule in self._deployed.schedules:
            lines.append(
                f"{schedule.name}, {schedule.expression}; now: "
                f"curl -X POST http://{base}{SCHEDULES_PATH}/{schedule.name}"
            )
        return lines

    def _http_urls(self) -> dict[str, str]:
        """Where the stages of REST and HTTP APIs are served."""
        base = f"http://localhost:{self._gateway.port}"
        return {
            stage.stage: base if stage.stage.startswith("$") else f"{base}/{stage.stage}"
            for stage in self._deployed.http
        }

    def _write_ready_file(self, path: Path, emulator: EmulatorProcess) -> None:
        deployed, port = self._deployed, self._gateway.port
        content = {
            "websocket": f"ws://localhost:{port}/{deployed.websocket.stage}",
            "management_endpoint": f"http://localhost:{port}/{deployed.websocket.stage}",
            "http": self._http_urls(),
            "aws_endpoint": emulator.endpoint,
            "region": REGION,
            "stack_name": self._deployment.name,
            "functions": dict(deployed.functions),
            "outputs": dict(deployed.outputs),
            "pid": os.getpid(),
            **self._companion.addresses(deployed),
        }
        # Renamed into place: who waits for the file never reads half of it.
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    def _phase(self, what: str) -> None:
        if self._options.verbose:
            log.say(f"{time.monotonic() - self._started:5.2f} s  {what}")
