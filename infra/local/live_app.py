"""The app as it is deployed now, and everything that follows when its source changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from infra.errors import InfraError
from infra.local import log
from infra.local.apps import App, Build
from infra.local.companion import Companion
from infra.local.deployed import Deployed
from infra.local.deployment import LEFT_OUT, Deployment
from infra.local.emulator_process import EmulatorProcess
from infra.local.gateway import Gateway
from infra.local.gateway.api import CONNECT, DISCONNECT, Api, read_api
from infra.local.http_front import HttpFront
from infra.local.own_code import OwnCode, from_own_on
from infra.local.watch import changes

#: How long nothing may have changed before an app is packaged anew behind a quick update.
QUIET_SECONDS: Final = 1.0


class LiveApp:
    """A deployed app. `deployed` is there from the first `deploy` on."""

    deployed: Deployed

    def __init__(
        self,
        app: App,
        companion: Companion,
        emulator: EmulatorProcess,
        gateway: Gateway,
        front: HttpFront,
        deployment: Deployment,
        *,
        parameters: Mapping[str, str],
        on_redeployed: Callable[[Deployed, Deployed], None],
        verbose: bool,
    ) -> None:
        """Args: `parameters` are for the template; `verbose` tells every step.

        `on_redeployed` is told what was deployed until now, and what is instead.
        """
        self._app = app
        self._companion = companion
        self._emulator = emulator
        self._gateway = gateway
        self._front = front
        self._deployment = deployment
        self._parameters = parameters
        self._on_redeployed = on_redeployed
        self._verbose = verbose
        self._build: Build
        self._api: Api
        self._own_code: OwnCode | None = None
        #: One deployment or update at a time.
        self._deploying = asyncio.Lock()
        #: A quick update was made: the template may have changed, too.
        self._is_outdated = asyncio.Event()

    # --- Deploying ----------------------------------------------------------------------------

    async def deploy(self, build: Build) -> None:
        """Deploy a build, and have everything that serves follow."""

        def report(line: str) -> None:
            if self._verbose or line.startswith(LEFT_OUT):
                log.say(line)

        await self._companion.provide(build)
        self.deployed = await asyncio.to_thread(
            self._deployment.deploy,
            self._companion.adapt(build, self._gateway),
            self._parameters,
            report=report,
        )
        stage = self.deployed.websocket
        client = self._deployment.client("apigatewayv2")
        self._api = await asyncio.to_thread(read_api, client, stage.api_id, stage.stage)
        self._build = build
        self._own_code = OwnCode(self._deployment.name, self.deployed, build)
        self._gateway.configure(self._api)
        self._front.configure(self.deployed)

    def summary(self, invocation: dict[str, Any]) -> dict[str, Any]:
        """An invocation's summary with functions and files as their author knows them."""
        return self._own_code.summary(invocation) if self._own_code is not None else invocation

    def _awaited(self) -> list[str]:
        """Names of the Lambdas that people wait for, the most wanted first."""
        keys = sorted(self._api.routes, key=lambda key: (key == DISCONNECT, key == CONNECT))
        routes = [self._api.routes[key] for key in keys]
        arns = [route.function for route in routes if route.function]
        arns += [route.authorizer.function for route in routes if route.authorizer]
        names = [arn.split(":function:")[-1].split(":")[0] for arn in arns]
        return list(dict.fromkeys([*names, *self._companion.warmed(self.deployed)]))

    def warm(self) -> None:
        """Start workers for what people wait for."""
        self._emulator.warm(self._awaited())

    async def prove_imports(self) -> None:
        """See whether what was deployed can be imported, unless building it has shown that.

        Raises:
            InfraError: something does not import; with the traceback.
        """
        if not self._build.is_imported:
            await self._prepare(self._build, self._build.functions)

    async def _prepare(self, build: Build, changed: Collection[str]) -> None:
        """Have the emulator import what functions are about to get, so that nobody waits for it.

        Of functions that nobody waits for, one is enough to see whether a module imports.

        Raises:
            InfraError: something does not import; with the traceback.
        """
        logical = {name: label for label, name in self.deployed.functions.items()}
        chosen = [logical[name] for name in self._awaited() if logical.get(name) in changed]
        seen = {build.modules[label] for label in chosen if label in build.modules}
        for label in sorted(changed):
            module = build.modules.get(label)
            if module is not None and module not in seen and label in self.deployed.functions:
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
                self._emulator.prepare(self.deployed.functions[label], files[build.code[label]])
                for label in chosen
            )
        )
        for error, label in zip(errors, chosen, strict=True):
            if error is not None:
                raise InfraError(from_own_on(error, build.modules[label].directory))

    # --- Following changes --------------------------------------------------------------------

    async def follow(self, since: float) -> None:
        """Bring changes of the source to the Lambdas, for ever.

        Args:
            since: when the first build began, in seconds since the epoch.
        """
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._watch_source(since))
            jobs.create_task(self._package_later())

    async def _watch_source(self, since: float) -> None:
        """Bring every change of the app to its Lambdas; what is broken stays out."""
        ignored = (self._app.state_dir,)
        while True:
            watched = set(self._app.watched())
            async for paths in changes(watched, ignored, since):
                since = time.time()
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
            before = self.deployed
            await self.deploy(build)
            self._on_redeployed(before, self.deployed)
            self._companion.redeployed(build, self.deployed)
        elif changed:
            if not build.is_imported:
                await self._prepare(build, changed)
            if changed <= build.functions and changed.isdisjoint(build.published):
                await asyncio.to_thread(self._deployment.update_code, self.deployed, build, changed)
                self._build = build
            else:
                await self.deploy(build)
        else:
            return False
        self.warm()
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


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
