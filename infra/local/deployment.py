"""The app on the emulator: packaged, deployed, and updated when its code changes.

Deploying is infra.aws.stack's, as for AWS; only what is deployed is adapted (adapt.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from infra.aws.package import (
    IMPORT_ENVIRONMENT,
    ROOT,
    Package,
    package,
)
from infra.aws.stack import Artifacts, Stack
from infra.chalice_package import make_zip
from infra.errors import InfraError
from infra.local.adapt import adapt
from infra.local.emulator_process import REGION

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

STAGE: Final = "local"
STACK_NAME: Final = "pingpong-local"
#: MiniStack takes any credentials; boto3 insists on some.
ANY: Final = "test"
ARTIFACTS: Final = "artifacts"
SECRETS_PARAMETER: Final = "/pingpong/local/secrets"


@dataclass(frozen=True)
class Deployed:
    """Where the deployed things are."""

    outputs: Mapping[str, str]
    endpoint: str

    @property
    def rest_base(self) -> str:
        """URL of the REST API's stage."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['RestAPIId']}/api"

    @property
    def management_endpoint(self) -> str:
        """Where posts to connections go."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['WebsocketAPIId']}/ws"

    @property
    def websocket_url(self) -> str:
        """Where the emulator takes WebSocket handshakes."""
        return self.management_endpoint.replace("http://", "ws://", 1)

    @property
    def functions(self) -> dict[str, str]:
        """Names of the Lambdas, by what they do."""
        roles = ("connect", "message", "disconnect", "api", "background")
        return {role: f"{STACK_NAME}-{role}" for role in roles}


def app_files(source: Path) -> list[Path]:
    """The app's own Python files, in order."""
    return [source / "app.py", *sorted((source / "chalicelib").rglob("*.py"))]


class Deployment:
    """Packages the app of a directory and keeps it deployed."""

    def __init__(self, build_dir: Path, source: Path = ROOT) -> None:
        self._build_dir = build_dir
        self._source = source
        self._package: Package | None = None
        self._session = boto3.session.Session(
            region_name=REGION, aws_access_key_id=ANY, aws_secret_access_key=ANY
        )

    @property
    def package(self) -> Package:
        """What was packaged last."""
        if self._package is None:
            return self.make_package()
        return self._package

    def client(self, service: Any, endpoint: str) -> Any:
        """A client of a service of the emulator."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        return self._session.client(service, endpoint_url=endpoint, config=config)

    def make_package(self) -> Package:
        """Package the app, or take the last packaging if nothing has changed since.

        Raises:
            InfraError: the app does not import.
        """
        key_file = self._build_dir / "inputs.sha256"
        key = self._inputs()
        template, code = self._build_dir / "template.json", self._build_dir / "code.zip"
        if key_file.exists() and key_file.read_text() == key and template.exists():
            self._package = Package(json.loads(template.read_text()), code.read_bytes())
        else:
            key_file.unlink(missing_ok=True)
            self._package = package(
                self._build_dir, stage=STAGE, libraries=False, source=self._source
            )
            key_file.write_text(key)
        return self._package

    def _inputs(self) -> str:
        """A digest of all that the package is made from."""
        digest = hashlib.sha256(f"{sys.version} {version('chalice')}".encode())
        files = [*app_files(self._source), self._source / ".chalice" / "config.json"]
        files += sorted((ROOT / "infra" / "aws").rglob("*.*"))
        for path in files:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def deploy(
        self,
        endpoint: str,
        parameters: Mapping[str, str],
        *,
        report: Callable[[str], None] = lambda line: None,
    ) -> Deployed:
        """Deploy the package.

        Raises:
            InfraError: the emulator refuses something, with its reason.
        """
        s3 = self.client("s3", endpoint)
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        adapted = Package(adapt(self.package.template, endpoint=endpoint), self.package.code)
        url = Artifacts(s3, ARTIFACTS).upload(adapted)
        stack = Stack(self.client("cloudformation", endpoint), STACK_NAME)
        stack.deploy(
            url,
            {"Stage": STAGE, **parameters},
            declared=adapted.template["Parameters"],
            report=report,
        )
        return Deployed(stack.outputs(), endpoint)

    def put_secrets(self, endpoint: str, value: str) -> None:
        """Store the secrets where the Lambdas look for them."""
        self.client("ssm", endpoint).put_parameter(
            Name=SECRETS_PARAMETER, Value=value, Type="SecureString", Overwrite=True
        )

    def update_code(self, deployed: Deployed) -> None:
        """Give the Lambdas the code as it is now; the old stays if it does not import.

        For changes inside functions and modules. A new route or Lambda needs a new
        template: that is `make_package` and `deploy`.

        Raises:
            InfraError: it does not import; with the traceback.
        """
        self._check_import()
        with zipfile.ZipFile(io.BytesIO(self.package.code)) as old:
            files = {
                name: old.read(name)
                for name in old.namelist()
                if name != "app.py" and not name.startswith("chalicelib/")
            }
        for path in app_files(self._source):
            files[path.relative_to(self._source).as_posix()] = path.read_bytes()
        self._package = Package(self.package.template, make_zip(files))
        client: LambdaClient = self.client("lambda", deployed.endpoint)
        for name in deployed.functions.values():
            client.update_function_code(FunctionName=name, ZipFile=self.package.code)

    def _check_import(self) -> None:
        """Import the app in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", "import app"],
            cwd=self._source,
            env={
                **IMPORT_ENVIRONMENT,
                "AWS_DEFAULT_REGION": REGION,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise InfraError(done.stderr.strip())
