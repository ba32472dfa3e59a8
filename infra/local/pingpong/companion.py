"""What Ping-Pong has beside its template: site and edge, secrets, Kakao's stand-in."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.aws.template import Json
from infra.local.apps import Build
from infra.local.claims import claim_port
from infra.local.companion import Companion
from infra.local.deployed import Deployed
from infra.local.deployment import Deployment
from infra.local.edge import Edge, EdgeConfig
from infra.local.gateway import Gateway
from infra.local.headers import security_headers
from infra.local.kakao import KakaoConfig, KakaoStandIn
from infra.local.part import without_tables
from infra.local.pingpong import app_log
from infra.local.pingpong.adapt import adapt
from infra.local.pingpong.app import STACK_NAME, STAGE
from infra.local.pingpong.on_localstack import LocalStackData
from infra.local.secrets import KakaoKeys, Secrets, load_secrets

KAKAO_AUTH_URL: Final = "https://kauth.kakao.com"
KAKAO_API_URL: Final = "https://kapi.kakao.com"


@dataclass(frozen=True)
class SiteOptions:
    """What the site can be told. 0 picks a free port."""

    port: int
    kakao_port: int
    state_dir: Path
    site_dir: Path


def functions(stack_name: str = STACK_NAME) -> dict[str, str]:
    """Names of the Lambdas, by what they do; the template fixes them."""
    roles = ("connect", "message", "disconnect", "api", "background", "push")
    return {role: f"{stack_name}-{role}" for role in roles}


def secrets_parameter(stack_name: str = STACK_NAME) -> str:
    """Name of the SSM parameter with the secrets."""
    return f"/{stack_name}/secrets"


def put_secrets(ssm: Any, value: str, stack_name: str = STACK_NAME) -> None:
    """Store the secrets where the Lambdas look for them.

    Args:
        ssm: a client.
        value: as JSON.
        stack_name: whose.
    """
    ssm.put_parameter(
        Name=secrets_parameter(stack_name), Value=value, Type="SecureString", Overwrite=True
    )


class PingPongCompanion(Companion):
    """The site's edge on one port, the Kakao stand-in on another."""

    def __init__(
        self,
        options: SiteOptions,
        environment: Mapping[str, str],
        stack_name: str = STACK_NAME,
        data: LocalStackData | None = None,
    ) -> None:
        """Raises InfraError if some of Kakao's keys are set and others are not.

        Args:
            options: where the site is, and its files.
            environment: has Kakao's keys, or not.
            stack_name: the app's.
            data: where tables and secrets are, if not in the emulator.
        """
        self._options = options
        self._stack_name = stack_name
        self._data = data
        self._parameters: Mapping[str, str] = {}
        self._kakao_keys = KakaoKeys.from_environment(environment)
        self._port = self._kakao_port = 0
        self._auth_url, self._api_url = KAKAO_AUTH_URL, KAKAO_API_URL
        self._secrets: Secrets
        self._template: Json = {}
        self._gateway: Gateway
        self._edge: Edge

    @property
    def _origin(self) -> str:
        return f"http://localhost:{self._port}"

    def prepare(self) -> None:
        """Claim the ports."""
        self._port = claim_port(self._options.port, "the site", "PORT={port} make run")
        if self._kakao_keys is None:
            self._kakao_port = claim_port(
                self._options.kakao_port, "the Kakao stand-in", "KAKAO_PORT={port} make run"
            )

    def endpoints(self) -> Mapping[str, str]:
        """LocalStack's, if tables and secrets are there."""
        return self._data.endpoints if self._data is not None else {}

    async def start(self, running: AsyncExitStack) -> Mapping[str, str]:
        """Start the stand-in for Kakao, unless Kakao itself is to be used."""
        self._secrets = load_secrets(self._options.state_dir / "secrets.json", self._kakao_keys)
        if self._kakao_keys is None:
            kakao = await running.enter_async_context(self._kakao())
            self._auth_url = self._api_url = kakao.base_url
        self._parameters = {
            "Stage": STAGE,
            "SiteOrigin": self._origin,
            "SecretsParameter": secrets_parameter(self._stack_name),
            "KakaoAuthUrl": self._auth_url,
            "KakaoApiUrl": self._api_url,
            "KakaoOidc": "1" if self._kakao_keys is None else "0",
        }
        return self._parameters

    @asynccontextmanager
    async def _kakao(self) -> AsyncIterator[KakaoStandIn]:
        stand_in = KakaoStandIn(
            KakaoConfig(
                port=self._kakao_port,
                client_id=self._secrets.kakao_client_id,
                client_secret=self._secrets.kakao_client_secret,
                admin_key=self._secrets.kakao_admin_key,
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

    async def provide(self, build: Build) -> None:
        """Bring the tables to LocalStack, if they are to be there."""
        if self._data is not None:
            await asyncio.to_thread(self._data.deploy, build.template, self._parameters)

    def adapt(self, build: Build, gateway: Gateway) -> Build:
        """Without what has a stand-in; posts go to the gateway."""
        self._gateway = gateway
        self._template = build.template
        endpoint = f"http://127.0.0.1:{gateway.port}/ws"
        template = adapt(build.template, management_endpoint=endpoint)
        if self._data is not None:
            template = without_tables(template)
        return dataclasses.replace(build, template=template)

    async def serve(
        self, running: AsyncExitStack, deployment: Deployment, deployed: Deployed, gateway: Gateway
    ) -> None:
        """Store the secrets, and serve the site."""
        ssm = (self._data or deployment).client("ssm")
        put_secrets(ssm, self._secrets.as_json(), self._stack_name)
        await running.enter_async_context(self._site(deployed))

    @asynccontextmanager
    async def _site(self, deployed: Deployed) -> AsyncIterator[None]:
        self._edge = Edge(self._edge_config(deployed))
        try:
            await self._edge.start()
            yield
        finally:
            await self._edge.stop()

    def _edge_config(self, deployed: Deployed) -> EdgeConfig:
        (rest,) = deployed.http
        return EdgeConfig(
            port=self._port,
            origin=self._origin,
            site_dir=self._options.site_dir,
            api_base=deployed.execute_url(rest),
            websocket_url=f"ws://127.0.0.1:{self._gateway.port}/{deployed.websocket.stage}",
            headers=security_headers(self._template, https=False),
        )

    def redeployed(self, build: Build, deployed: Deployed) -> None:
        """Have the edge follow."""
        self._edge.configure(self._edge_config(deployed))

    def warmed(self, deployed: Deployed) -> list[str]:
        """The API, which is asked first."""
        return [functions(self._stack_name)["api"]]

    def addresses(self, deployed: Deployed) -> Mapping[str, Any]:
        """For tests and tools."""
        return {
            "origin": self._origin,
            "websocket": f"ws://localhost:{self._port}/ws",
            "kakao": self._auth_url,
            "table_prefix": deployed.outputs["TablePrefix"],
            "rest_api_id": deployed.outputs["RestAPIId"],
            "websocket_api_id": deployed.outputs["WebsocketAPIId"],
            "functions": functions(self._stack_name),
            "secrets_parameter": secrets_parameter(self._stack_name),
        }

    def announcement(self, deployed: Deployed) -> list[str]:
        """Where to open it, and who signs in."""
        itself = " (Kakao itself)" if self._kakao_keys else ""
        lines = [f"Ping-Pong is at {self._origin}", f"sign-in: {self._auth_url}{itself}"]
        return lines + (self._data.announcement() if self._data is not None else [])

    def digest(self, text: str) -> tuple[list[str], list[str]]:
        """The app's own lines as notes, everything else as it is."""
        return app_log.digest(text)
