"""The local stack: emulated AWS, deployed app, edge and Kakao stand-in, from start to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.aws.package import ROOT
from infra.errors import InfraError
from infra.local import log
from infra.local.deployment import SECRETS_PARAMETER, STACK_NAME, Deployed, Deployment
from infra.local.edge import Edge, EdgeConfig
from infra.local.edge_listen import PortTakenError, listen
from infra.local.emulator_process import REGION, EmulatorProcess
from infra.local.headers import security_headers
from infra.local.kakao import KakaoConfig, KakaoStandIn
from infra.local.secrets import KakaoKeys, Secrets, load_secrets
from infra.local.watch import changes

KAKAO_AUTH_URL: Final = "https://kauth.kakao.com"
KAKAO_API_URL: Final = "https://kapi.kakao.com"

#: Signals that come closer than this are one, in seconds.
SECOND_SIGNAL_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Options:
    """What `python -m infra.local` can be told."""

    port: int = 8000
    kakao_port: int = 8001
    state_dir: Path = Path(".local")
    site_dir: Path = Path("frontend/dist")
    ready_file: Path | None = None
    watch: bool = True
    verbose: bool = False
    source: Path = ROOT


def claim_port(port: int, service: str, variable: str) -> int:
    """See whether a port is free, before anything is started; 0 becomes a free one.

    Raises:
        InfraError: it is taken; says by whom it is wanted and how to choose another.
    """
    try:
        sockets = listen(port, service)
    except PortTakenError as error:
        raise InfraError(f"{error}: {variable}={port + 10} make run") from error
    claimed = int(sockets[0].getsockname()[1])
    for listener in sockets:
        listener.close()
    return claimed


class Supervisor:
    """Everything that runs while the local stack is up."""

    def __init__(self, options: Options, environment: Mapping[str, str] = os.environ) -> None:
        self._options = options
        self._kakao_keys = KakaoKeys.from_environment(environment)
        self._emulator = EmulatorProcess(options.state_dir, self._print_invocation)
        self._deployment = Deployment(options.state_dir / "build", options.source)
        self._started = time.monotonic()
        self._origin = ""
        self._parameters: dict[str, str] = {}
        self._stopping = asyncio.Event()
        self._stop_asked = 0.0

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
            deployed, edge = await bringing_up
            jobs = {stopping, asyncio.create_task(self._watch_emulator())}
            if self._options.watch:
                jobs.add(asyncio.create_task(self._watch_source(deployed, edge)))
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
            self._emulator.kill()
            os._exit(128 + number)

    async def _bring_up(self, running: AsyncExitStack) -> tuple[Deployed, Edge]:
        """Start everything, in the order in which one needs the other."""
        options = self._options
        port = claim_port(options.port, "the site", "PORT")
        self._origin = f"http://localhost:{port}"
        if self._kakao_keys is None:
            kakao_port = claim_port(options.kakao_port, "the Kakao stand-in", "KAKAO_PORT")
        options.state_dir.mkdir(parents=True, exist_ok=True)
        secrets = load_secrets(options.state_dir / "secrets.json", self._kakao_keys)

        await running.enter_async_context(self._emulated_aws())
        package = await asyncio.to_thread(self._deployment.make_package)
        self._phase("packaged")
        if self._kakao_keys is None:
            kakao = await running.enter_async_context(self._kakao(kakao_port, secrets))
            auth_url = api_url = kakao.base_url
        else:
            auth_url, api_url = KAKAO_AUTH_URL, KAKAO_API_URL
        self._parameters = {
            "SiteOrigin": self._origin,
            "SecretsParameter": SECRETS_PARAMETER,
            "KakaoAuthUrl": auth_url,
            "KakaoApiUrl": api_url,
            "KakaoOidc": "1" if self._kakao_keys is None else "0",
        }
        deployed = await self._deploy()
        await asyncio.to_thread(
            self._deployment.put_secrets, self._emulator.endpoint, secrets.as_json()
        )
        self._phase("deployed")
        edge = await running.enter_async_context(self._site(port, deployed, package.template))
        self._announce(deployed, auth_url)
        self._warm(deployed)
        return deployed, edge

    @asynccontextmanager
    async def _emulated_aws(self) -> AsyncIterator[None]:
        try:
            await self._emulator.start()
            self._phase("MiniStack started")
            yield
        finally:
            await self._emulator.stop()

    @asynccontextmanager
    async def _kakao(self, port: int, secrets: Secrets) -> AsyncIterator[KakaoStandIn]:
        stand_in = KakaoStandIn(
            KakaoConfig(
                port=port,
                client_id=secrets.kakao_client_id,
                client_secret=secrets.kakao_client_secret,
                admin_key=secrets.kakao_admin_key,
                allowed_redirect_uris=(f"{self._origin}/api/auth/kakao/callback",),
                unlink_callback_url=f"{self._origin}/api/auth/kakao/unlinked",
                state_file=self._options.state_dir / "kakao.json",
            )
        )
        try:
            await stand_in.start()
            yield stand_in
        finally:
            await stand_in.stop()

    @asynccontextmanager
    async def _site(
        self, port: int, deployed: Deployed, template: dict[str, Any]
    ) -> AsyncIterator[Edge]:
        edge = Edge(self._edge_config(port, deployed, template))
        try:
            await edge.start()
            yield edge
        finally:
            await edge.stop()

    def _edge_config(self, port: int, deployed: Deployed, template: dict[str, Any]) -> EdgeConfig:
        return EdgeConfig(
            port=port,
            origin=self._origin,
            site_dir=self._options.site_dir,
            api_base=deployed.rest_base,
            websocket_url=deployed.websocket_url,
            headers=security_headers(template, https=False),
        )

    async def _deploy(self) -> Deployed:
        report = log.say if self._options.verbose else lambda line: None
        return await asyncio.to_thread(
            self._deployment.deploy, self._emulator.endpoint, self._parameters, report=report
        )

    def _warm(self, deployed: Deployed) -> None:
        """Start workers for what people wait for first."""
        names = deployed.functions
        self._emulator.warm([names[who] for who in ("message", "connect", "api", "disconnect")])

    def _announce(self, deployed: Deployed, kakao_url: str) -> None:
        """Write the ready file and say what to open."""
        if self._options.ready_file is not None:
            self._write_ready_file(self._options.ready_file, deployed, kakao_url)
        seconds = time.monotonic() - self._started
        log.say(f"Ping-Pong is at {self._origin} (ready in {seconds:.1f} s)")
        log.say(f"  sign-in: {kakao_url}{' (Kakao itself)' if self._kakao_keys else ''}")
        log.say(f"  data: {self._options.state_dir}/, MiniStack's log: {self._emulator.log_path}")
        log.say("  Ctrl-C stops it")

    def _write_ready_file(self, path: Path, deployed: Deployed, kakao_url: str) -> None:
        content = {
            "origin": self._origin,
            "websocket": self._origin.replace("http", "ws", 1) + "/ws",
            "kakao": kakao_url,
            "aws_endpoint": self._emulator.endpoint,
            "region": REGION,
            "stack_name": STACK_NAME,
            "table_prefix": deployed.outputs["TablePrefix"],
            "rest_api_id": deployed.outputs["RestAPIId"],
            "websocket_api_id": deployed.outputs["WebsocketAPIId"],
            "management_endpoint": deployed.management_endpoint,
            "functions": deployed.functions,
            "secrets_parameter": SECRETS_PARAMETER,
            "pid": os.getpid(),
        }
        # Renamed into place: who waits for the file never reads half of it.
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    async def _watch_emulator(self) -> None:
        """Notice when the emulator ends by itself.

        Raises:
            InfraError: it did; with the end of its log.
        """
        status = await self._emulator.ended()
        raise InfraError(f"MiniStack ended with status {status}:\n{self._emulator.log_tail()}")

    async def _watch_source(self, deployed: Deployed, edge: Edge) -> None:
        """Bring every change of the app to the Lambdas; what is broken stays out."""
        async for paths in changes(self._options.source):
            started = time.monotonic()
            try:
                if all("chalicelib" in path.parts for path in paths):
                    await asyncio.to_thread(self._deployment.update_code, deployed)
                else:  # app.py or the template: there may be other routes, tables, permissions
                    await asyncio.to_thread(self._deployment.make_package)
                    deployed = await self._deploy()
                    template = self._deployment.package.template
                    edge.configure(self._edge_config(edge.port, deployed, template))
            except InfraError as error:
                log.say(log.paint(f"not updated, the old code stays:\n{error}", log.RED))
                continue
            names = ", ".join(sorted(path.name for path in paths))
            log.say(f"updated in {time.monotonic() - started:.1f} s: {names}")
            self._warm(deployed)

    def _print_invocation(self, invocation: dict[str, Any]) -> None:
        for line in log.invocation_lines(invocation, {}, prefix=f"{STACK_NAME}-"):
            log.say(line)

    def _phase(self, what: str) -> None:
        if self._options.verbose:
            log.say(f"{time.monotonic() - self._started:5.2f} s  {what}")
