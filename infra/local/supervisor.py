"""The local stack: an emulated AWS, an app deployed to it, the gateway before it; start to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from infra.errors import InfraError
from infra.local import log
from infra.local.announcement import what_is_where, write_ready_file
from infra.local.apps import App
from infra.local.aws_names import AwsNames, certificate_name
from infra.local.claims import claim_directory, claim_port
from infra.local.companion import Companion
from infra.local.deployed import Deployed
from infra.local.deployment import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Deployment
from infra.local.emulator_process import REGION, EmulatorProcess
from infra.local.faults.plan_file import read_plan
from infra.local.faults.session import Faults
from infra.local.gateway import Gateway, GatewayConfig
from infra.local.gateway.limits import Limits
from infra.local.gateway.permissions import Access
from infra.local.gateway.sigv4 import Credentials
from infra.local.gateway.tls import Authority
from infra.local.http_front import TRACES_PATH, HttpFront
from infra.local.live_app import LiveApp
from infra.local.permission_modes import ENFORCE, MODE
from infra.local.tracing import Tracer

#: Signals that come closer than this are one, in seconds.
SECOND_SIGNAL_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Options:
    """What a local stack can be told.

    `port`: the gateway's; 0 picks a free one. `parameters`: values for the template's.
    `permissions`: what is done about what a Lambda's role does not allow (permission_modes.py).
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
    permissions: str = ENFORCE


async def _authorize(emulator: EmulatorProcess, *asked: str) -> Access:
    """What the gateway asks IAM."""
    told = await emulator.authorize(*asked)
    return Access(told.secret, told.allowed, told.error or "")


class Supervisor:
    """Everything that runs while the local stack is up."""

    def __init__(self, app: App, options: Options, companion: Companion | None = None) -> None:
        self._app = app
        self._options = options
        self._companion = companion or Companion()
        self._tracer = Tracer(options.trace, log.say)
        self._started = time.monotonic()
        self._build_began = 0.0
        self._stopping = asyncio.Event()
        self._stop_asked = 0.0
        self._emulator: EmulatorProcess | None = None
        self._faults: Faults | None = None
        self._live: LiveApp | None = None

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
            emulator, live = await bringing_up
            jobs = {stopping, asyncio.create_task(self._watch_emulator(emulator))}
            if self._options.watch:
                jobs.add(asyncio.create_task(live.follow(self._build_began)))
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

    async def _bring_up(self, running: AsyncExitStack) -> tuple[EmulatorProcess, LiveApp]:
        options = self._options
        if options.port:  # any free one is free until it is taken, so it is taken at once, later
            claim_port(options.port, "the gateway", "--port {port}")
        self._companion.prepare()
        running.enter_context(claim_directory(self._app.state_dir))

        authority = Authority(self._app.state_dir / "authority.pem")
        names = await running.enter_async_context(self._aws_names())
        environment = {**authority.lambda_environment(), **names.environment}
        environment[MODE] = options.permissions
        elsewhere = self._companion.endpoints()
        proxy = ""
        if options.faults is not None:
            self._faults = await running.enter_async_context(self._injecting(options.faults))
            environment |= self._faults.environment
            proxy = self._faults.endpoint
        environment |= {
            f"AWS_ENDPOINT_URL_{name.upper()}": proxy or url for name, url in elsewhere.items()
        }
        emulator = await running.enter_async_context(self._emulated_aws(environment))
        if self._faults is not None:
            self._faults.forward_to(emulator.endpoint, elsewhere)

        # MiniStack is still importing; so Chalice's packaging takes no time of its own.
        self._build_began = time.time()
        build = await asyncio.to_thread(self._app.build)
        self._phase("app built")
        parameters = {**options.parameters, **await self._companion.start(running)}
        deployment = Deployment(emulator.endpoint, self._app.name)
        front = HttpFront(deployment.client, self._tracer)
        gateway = await running.enter_async_context(self._served(emulator, front, authority))
        names.lead_to(gateway.tls_port)
        self._live = live = LiveApp(
            self._app,
            self._companion,
            emulator,
            gateway,
            front,
            deployment,
            parameters=parameters,
            on_redeployed=partial(self._follow_addresses, gateway.port),
            verbose=options.verbose,
        )
        await live.deploy(build)
        self._phase("deployed")
        await self._companion.serve(running, deployment, live.deployed, gateway)
        await live.prove_imports()
        live.warm()
        self._announce(emulator, gateway, live.deployed)
        return emulator, live

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
            self._app.state_dir,
            self._take_invocation,
            services=(),
            environment=environment,
            on_permission=lambda told: log.say(log.permission_lines(told)),
        )
        try:
            await emulator.start()
            self._phase("MiniStack started")
            yield emulator
        finally:
            await emulator.stop()

    @asynccontextmanager
    async def _served(
        self, emulator: EmulatorProcess, front: HttpFront, authority: Authority
    ) -> AsyncIterator[Gateway]:
        """The gateway, and behind it the other APIs."""
        gateway = Gateway(
            GatewayConfig(
                endpoint=emulator.endpoint,
                region=REGION,
                credentials=Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY),
                authorize=partial(_authorize, emulator),
                port=self._options.port,
                tls=authority.server_context(certificate_name(REGION)),
                limits=self._options.limits,
                fallback=front.respond,
                observe=self._observe_gateway,
                faults=self._faults.injector if self._faults is not None else None,
            )
        )
        try:
            await gateway.start()
            yield gateway
        finally:
            await gateway.stop()
            await front.close()

    # --- Running -------------------------------------------------------------------------------

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
        said = self._live.summary(invocation) if self._live is not None else invocation
        self._tracer.invocation(said)
        posts = self._tracer.posts(str(invocation.get("segment", "")))
        log.say("\n".join(log.invocation_lines(said, posts, self._companion.digest)))

    def _announce(self, emulator: EmulatorProcess, gateway: Gateway, deployed: Deployed) -> None:
        """Write the ready file and say what is where."""
        port = gateway.port
        self._write_ready_file(port, deployed)
        seconds = time.monotonic() - self._started
        first, *others = self._addresses(port, deployed)
        log.say(f"{first} (ready in {seconds:.1f} s)")
        for line in others:
            log.say(f"  {line}")
        log.say(f"  data: {self._app.state_dir}/, MiniStack's log: {emulator.log_path}")
        traces = f"http://localhost:{port}{TRACES_PATH}"
        log.say(f"  what a message led to: curl {traces}/REF, with a value of its JSON as REF")
        log.say("  Ctrl-C stops it")

    def _follow_addresses(self, port: int, before: Deployed, now: Deployed) -> None:
        """Say what is elsewhere since the template has changed: a stage may be called otherwise."""
        self._write_ready_file(port, now)
        known = self._addresses(port, before)
        for line in self._addresses(port, now):
            if line not in known:
                log.say(line)

    def _addresses(self, port: int, deployed: Deployed) -> list[str]:
        own = self._companion.announcement(deployed)
        return own or what_is_where(self._app.title, port, deployed)

    def _write_ready_file(self, port: int, deployed: Deployed) -> None:
        if self._options.ready_file is not None:
            more = self._companion.addresses(deployed)
            write_ready_file(self._options.ready_file, self._app.name, port, deployed, more)

    def _phase(self, what: str) -> None:
        if self._options.verbose:
            log.say(f"{time.monotonic() - self._started:5.2f} s  {what}")
