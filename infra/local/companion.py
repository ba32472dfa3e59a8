"""What an app has beside its template."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from infra.local.apps import Build
from infra.local.deployed import Deployed
from infra.local.deployment import Deployment
from infra.local.gateway import Gateway
from infra.local.log import whole


class Companion:
    """Other servers, parameters and messages of an app; this one adds none.

    The methods are called in the order in which they are here; `provide` and `adapt` also before
    the app is deployed again, and the last four also after.
    """

    def prepare(self) -> None:
        """Before anything is started: claim ports, read files.

        Raises:
            InfraError: something is not as it must be.
        """

    def endpoints(self) -> Mapping[str, str]:
        """Where services are that are not the emulator's, by boto3's names; for the Lambdas."""
        return {}

    async def start(self, running: AsyncExitStack) -> Mapping[str, str]:
        """Start what the deployment needs.

        Args:
            running: takes what is to be stopped at the end.

        Returns:
            Values for the template's parameters.
        """
        return {}

    async def provide(self, build: Build) -> None:
        """Bring up what a build needs beside the emulator, before it is deployed.

        Args:
            build: not adapted.

        Raises:
            InfraError: it can't be brought up.
        """

    def adapt(self, build: Build, gateway: Gateway) -> Build:
        """Make a build fit this machine."""
        return build

    async def serve(
        self, running: AsyncExitStack, deployment: Deployment, deployed: Deployed, gateway: Gateway
    ) -> None:
        """Start what needs the deployed app; once."""

    def redeployed(self, build: Build, deployed: Deployed) -> None:
        """Follow a new deployment; `build` is not adapted."""

    def warmed(self, deployed: Deployed) -> list[str]:
        """Names of Lambdas that people wait for first, beside the WebSocket API's."""
        return []

    def addresses(self, deployed: Deployed) -> Mapping[str, Any]:
        """What the ready file has beside the gateway's and the emulator's addresses."""
        return {}

    def announcement(self, deployed: Deployed) -> list[str]:
        """What is said when all is up; empty: the supervisor says what it knows."""
        return []

    def digest(self, text: str) -> tuple[list[str], list[str]]:
        """Read a Lambda's log: notes for its invocation's line, and lines below it."""
        return whole(text)
