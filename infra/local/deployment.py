"""A stack on the emulator: deployed from a build, and its functions' code updated.

Deploying is infra.aws.stack's, as for AWS.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.aws import template as templates
from infra.aws.stack import Stack
from infra.errors import InfraError
from infra.local.apps.build import Build
from infra.local.deployed import Deployed, read_deployed
from infra.local.emulator_process import REGION
from infra.local.leave_out import leave_out

#: The account's root, as emulator_process.py names it.
ACCESS_KEY_ID: Final = "test"
SECRET_ACCESS_KEY: Final = "test"  # noqa: S105 - nobody's secret
ARTIFACTS: Final = "artifacts"

#: How a report of what is not deployed begins.
LEFT_OUT: Final = "left out"


class Deployment:
    """One stack, by name."""

    def __init__(self, endpoint: str, name: str) -> None:
        """Args: `endpoint` is the emulator's."""
        self.endpoint = endpoint
        self.name = name
        self._session = boto3.session.Session(
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def client(self, service: str) -> Any:
        """The client of a service of the emulator."""
        with self._making:
            if service not in self._clients:
                config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
                make: Any = self._session.client  # its types want a literal
                self._clients[service] = make(service, endpoint_url=self.endpoint, config=config)
            return self._clients[service]

    def deploy(
        self,
        build: Build,
        parameters: Mapping[str, str],
        *,
        report: Callable[[str], None] = lambda line: None,
    ) -> Deployed:
        """Bring the stack to a build's state.

        Raises:
            InfraError: a parameter is missing or unknown; or the emulator refuses something,
                with its reason.
        """
        check_parameters(build.template.get("Parameters") or {}, parameters)
        try:
            self.bring(build, parameters, report)
        except ClientError as error:
            unknown = _unknown_types(error)
            if not unknown:
                reason = error.response.get("Error", {}).get("Message", error)
                raise InfraError(f"the template is refused: {reason}") from error
            # As an app that needs nothing of it would be run on a laptop.
            names = ", ".join(sorted(unknown))
            report(f"{LEFT_OUT}, because the emulator has nothing like it: {names}")
            template = leave_out(build.template, unknown, "the emulator has nothing like it")
            if template["Resources"].keys() == build.template["Resources"].keys():
                raise InfraError(f"the emulator has nothing like {names}") from error
            kept = {
                name: zipped for name, zipped in build.code.items() if name in template["Resources"]
            }
            return self.deploy(
                dataclasses.replace(build, template=template, code=kept), parameters, report=report
            )
        return read_deployed(self.client, self.endpoint, self.name)

    def bring(
        self,
        build: Build,
        parameters: Mapping[str, str],
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Bring the stack to a build's state; whatever it has may be missing.

        Raises:
            ClientError: the template is refused.
            InfraError: a resource can't be made, with the reason.
        """
        url = self._upload(build)
        declared = build.template.get("Parameters") or {}
        stack = Stack(self.client("cloudformation"), self.name)
        stack.deploy(url, parameters, declared=declared, report=report)

    def _upload(self, build: Build) -> str:
        """Put code and template where CloudFormation fetches them; the template's URL."""
        s3 = self.client("s3")
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION}
            )

        def upload(key: str, content: bytes) -> None:
            s3.put_object(Bucket=ARTIFACTS, Key=key, Body=content)

        text = templates.serialise(build.located(ARTIFACTS, upload)).encode()
        name = f"template/{hashlib.sha256(text).hexdigest()}.json"
        # Inline a template may have 51,200 bytes only.
        upload(name, text)
        return f"{self.endpoint}/{ARTIFACTS}/{name}"

    def update_code(self, deployed: Deployed, build: Build, names: Collection[str]) -> None:
        """Give functions (by logical id) the code that a build has for them.

        What runs goes on with the old code.
        """
        for name in names:
            self.client("lambda").update_function_code(
                FunctionName=deployed.functions[name], ZipFile=build.code[name]
            )

    def environment(self, function: str) -> dict[str, str]:
        """A deployed function's variables."""
        answer = self.client("lambda").get_function_configuration(FunctionName=function)
        variables: dict[str, str] = answer.get("Environment", {}).get("Variables", {})
        return variables


def _unknown_types(error: ClientError) -> set[str]:
    """The types of resources that CloudFormation has refused as unknown."""
    message = error.response.get("Error", {}).get("Message", "")
    found = re.search(r"Unrecognized resource types: \[(.*)\]", message)
    return set(found[1].split(", ")) if found else set()


def check_parameters(declared: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Compare what a template asks for with what it gets.

    Raises:
        InfraError: names what is missing, and what the template does not know.
    """
    for name in given:
        if name not in declared:
            close = difflib.get_close_matches(name, declared, 1)
            hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(declared) or '-'}"
            raise InfraError(f"the template has no parameter {name}; {hint}")
    missing = [
        name for name, body in declared.items() if "Default" not in body and name not in given
    ]
    if missing:
        wanted = " ".join(f"--parameter {name}=…" for name in missing)
        raise InfraError(f"the template's parameters without a default need values: {wanted}")
