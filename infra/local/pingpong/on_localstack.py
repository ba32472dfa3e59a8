"""The tables and the secrets on a LocalStack; everything else stays on this machine's emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.aws.template import Json
from infra.errors import InfraError
from infra.local.apps import Build
from infra.local.deployment import Deployment
from infra.local.localstack import DEFAULT_ENDPOINT, find_localstack
from infra.local.part import TABLE, part_of

#: What Lambdas ask there, and with what it is brought there.
OF_LAMBDAS: Final = ("dynamodb", "ssm")
SERVICES: Final = (*OF_LAMBDAS, "cloudformation", "s3")

Report = Callable[[str], None]


class LocalStackData:
    """One stack's data."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        """Raises InfraError if there is no LocalStack that will do.

        Args:
            name: the stack's, which all names there begin with.
            environment: has LOCALSTACK_ENDPOINT, if it is not at the usual place.
        """
        endpoint = environment.get("LOCALSTACK_ENDPOINT") or DEFAULT_ENDPOINT
        self._server = find_localstack(endpoint.rstrip("/"), SERVICES)
        self._deployment = Deployment(self._server.endpoint, name)

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Where Lambdas find its services."""
        return dict.fromkeys(OF_LAMBDAS, self._server.endpoint)

    def client(self, service: str) -> Any:
        """The client of one of its services."""
        return self._deployment.client(service)

    def deploy(self, template: Json, parameters: Mapping[str, str]) -> None:
        """Bring the tables to the state of a whole template; items stay.

        Raises:
            InfraError: LocalStack refuses something, with its reason.
        """
        part = part_of(template, {TABLE})
        declared = part.get("Parameters", {})
        given = {name: value for name, value in parameters.items() if name in declared}
        try:
            self._deployment.bring(Build(part, {}), given)
        except (ClientError, InfraError) as error:
            raise InfraError(f"LocalStack at {self._server.endpoint}: {error}") from error

    def announcement(self) -> list[str]:
        """What is there, for people."""
        return [
            f"tables and secrets: LocalStack {self._server.version} at {self._server.endpoint} "
            f"(stack {self._deployment.name}; it keeps them as long as it runs)",
            "gateway, Lambdas, IAM, queues and the site: this machine, without LocalStack",
        ]
