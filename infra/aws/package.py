"""Makes what gets deployed: template.json and code.zip.

Chalice makes both (infra/chalice_package.py), without libraries. Those for AWS come from uv:
by hash, for Lambda's architecture, whatever machine this is. The emulator needs none: its
Lambdas run on this interpreter, with the virtual environment's libraries.

The same input gives the same bytes, so an unchanged app is an unchanged deployment.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import chalice_package
from infra.aws import template as templates
from infra.chalice_package import Packaging
from infra.errors import InfraError

ROOT: Final = Path(__file__).parents[2]

#: The architecture of the template's functions, as uv names it.
PLATFORM: Final = "aarch64-manylinux2014"

#: AWS services that the Lambdas call by botocore, which ships models of 400 others, 95 % of
#: the package, which Lambda would fetch and unpack at every cold start.
SERVICES: Final = ("ssm", "sts")

#: app.py is imported to find its routes, and its settings insist on these two.
IMPORT_ENVIRONMENT: Final = {
    "TABLE_PREFIX": "packaging-",
    "SITE_ORIGIN": "https://packaging.invalid",
}


@dataclass(frozen=True)
class Package:
    """A template and the code that its functions share."""

    template: templates.Json
    code: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the code, in hexadecimal."""
        return hashlib.sha256(self.code).hexdigest()


def package(
    out: Path, *, stage: str, libraries: bool = True, source: Path = ROOT, parts: Path | None = None
) -> Package:
    """Package the app into `out`, as template.json and code.zip.

    Args:
        out: directory to fill; what an earlier packaging left there is replaced.
        stage: stage that the template is for.
        libraries: whether to add the libraries of requirements.txt, for Lambda.
        source: directory of app.py, chalicelib and .chalice.
        parts: directory of the template's parts, if not infra/aws/template.

    Raises:
        InfraError: the app does not import, or a library cannot be had.
    """
    staging = out / "staging"
    chalice_package.stage(source, staging)
    if libraries:
        install_libraries(staging / "vendor", source / "requirements.txt")
    merge = templates.merge_template(parts or templates.PARTS_DIR)
    merge_file = staging / "merge.json"
    merge_file.write_text(json.dumps(merge), encoding="utf-8")
    packaging = Packaging(merge=merge_file, environment=IMPORT_ENVIRONMENT)
    chalice_package.run(staging, out / "chalice", packaging)
    merged = json.loads((out / "chalice" / "sam.json").read_text(encoding="utf-8"))
    result = Package(
        templates.finish(merged, stage=stage),
        chalice_package.reproducible_zip(out / "chalice" / "deployment.zip"),
    )
    (out / "template.json").write_text(templates.serialise(result.template), encoding="utf-8")
    (out / "code.zip").write_bytes(result.code)
    return result


def install_libraries(vendor: Path, requirements: Path) -> None:
    """Install the pinned libraries for Lambda, checked by their hashes.

    Raises:
        InfraError: uv cannot get or verify one.
    """
    runtime = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config"),
        *("--target", str(vendor), "--python-platform", PLATFORM, "--python-version", runtime),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--require-hashes"),
        *("-r", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InfraError(f"uv could not install the libraries:\n{done.stderr.strip()}")
    _prune(vendor)


def _prune(vendor: Path) -> None:
    """Remove what no Lambda uses: other services' models, scripts, caches, lock files."""
    shutil.rmtree(vendor / "bin", ignore_errors=True)
    (vendor / ".lock").unlink(missing_ok=True)
    for cache in list(vendor.rglob("__pycache__")):
        shutil.rmtree(cache)
    data = vendor / "botocore" / "data"
    for model in data.iterdir() if data.is_dir() else ():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)
