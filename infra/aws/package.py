"""Makes what gets deployed: template.json and code.zip.

`chalice package` runs in a staging directory that has the app and an empty
requirements.txt, so Chalice runs no pip. The libraries for AWS come from uv instead: by
hash, for Lambda's architecture, whatever machine this is. The emulator needs none: its
Lambdas run on this interpreter, with the virtual environment's libraries.

The same input gives the same bytes, so an unchanged app is an unchanged deployment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.aws import template as templates
from infra.errors import InfraError

ROOT: Final = Path(__file__).parents[2]

#: The architecture of the template's functions, as uv names it.
PLATFORM: Final = "aarch64-manylinux2014"

#: AWS services that the Lambdas call. botocore ships models of 400 others, 95 % of the
#: package, which Lambda would fetch and unpack at every cold start.
SERVICES: Final = ("apigatewaymanagementapi", "dynamodb", "lambda", "ssm", "sts")

#: Zip's earliest time: the files' own times would change the bytes at every checkout.
EPOCH: Final = (1980, 1, 1, 0, 0, 0)

#: app.py is imported to find its routes, and its settings insist on these two.
IMPORT_ENVIRONMENT: Final = {
    "TABLE_PREFIX": "packaging-",
    "SITE_ORIGIN": "https://packaging.invalid",
}

#: The `chalice` command, on this interpreter wherever its script may be.
CHALICE: Final = "import sys; from chalice.cli import main; sys.exit(main())"

#: Never called while packaging; Chalice only asks for the Region's DNS suffix.
REGION: Final = "ap-northeast-2"


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
    shutil.rmtree(staging, ignore_errors=True)
    stage_source(staging, source)
    if libraries:
        install_libraries(staging / "vendor", source / "requirements.txt")
    merge = templates.merge_template(parts or templates.PARTS_DIR)
    (staging / "merge.json").write_text(json.dumps(merge), encoding="utf-8")
    _run_chalice(staging, out / "chalice")
    merged = json.loads((out / "chalice" / "sam.json").read_text(encoding="utf-8"))
    result = Package(
        templates.finish(merged, stage=stage),
        reproducible_zip(out / "chalice" / "deployment.zip"),
    )
    (out / "template.json").write_text(templates.serialise(result.template), encoding="utf-8")
    (out / "code.zip").write_bytes(result.code)
    return result


def stage_source(staging: Path, source: Path) -> None:
    """Copy what belongs into the package: app.py, chalicelib, Chalice's configuration."""
    app = source / "app.py"
    if not app.is_file():
        raise InfraError(f"{app} is missing: there is nothing to package")
    staging.mkdir(parents=True)
    shutil.copy2(app, staging)
    shutil.copytree(
        source / "chalicelib",
        staging / "chalicelib",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"),
    )
    (staging / ".chalice").mkdir()
    shutil.copy2(source / ".chalice" / "config.json", staging / ".chalice")
    (staging / "requirements.txt").touch()


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


def _run_chalice(staging: Path, out: Path) -> None:
    """Run `chalice package` in the staging directory.

    A process of its own, because it imports app.py.

    Raises:
        InfraError: with Chalice's message or the app's traceback.
    """
    shutil.rmtree(out, ignore_errors=True)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(staging),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "packaging",
        "AWS_SECRET_ACCESS_KEY": "packaging",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        **IMPORT_ENVIRONMENT,
    }
    command = [sys.executable, "-c", CHALICE, "package", "--stage", "dev"]
    command += ["--merge-template", "merge.json", str(out.resolve())]
    done = subprocess.run(
        command, cwd=staging, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        # The traceback's paths are the staging directory's; people look for their own files.
        message = (done.stderr or done.stdout).replace(f"{staging}{os.sep}", "").strip()
        raise InfraError(f"the app cannot be packaged:\n{_from_import_on(message)}")


def _from_import_on(traceback: str) -> str:
    """A traceback without Chalice's own frames, if it was the app's import that failed."""
    _before, found, after = traceback.rpartition("_call_with_frames_removed\n")
    return f"Traceback (most recent call last):\n{after}" if found else traceback


def reproducible_zip(source: Path) -> bytes:
    """The files of a zip in order, without times and caches: equal content, equal bytes."""
    target = source.with_suffix(".reproducible.zip")
    with zipfile.ZipFile(source) as old:
        files = {name: old.read(name) for name in old.namelist() if _belongs(name)}
    write_zip(target, files)
    return target.read_bytes()


def _belongs(name: str) -> bool:
    return not name.endswith(("/", ".pyc")) and "__pycache__" not in name


def write_zip(target: Path, files: dict[str, bytes]) -> None:
    """Write files into a zip whose bytes depend on names and content only."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever wrote it: it says how to read the mode
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
