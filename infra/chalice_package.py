"""`chalice package`, offline: a template and a zip from a Chalice project, without pip.

Chalice runs in a staging directory that has the app and an empty requirements.txt, so it
installs nothing; libraries are the caller's matter.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.errors import InfraError

#: Part of the app if they are there, besides app.py.
#: https://aws.github.io/chalice/topics/packaging.html
FOLDERS: Final = ("chalicelib", "vendor")
CONFIGURATION: Final = ".chalice"

#: Zip's earliest time: the files' own times would change the bytes at every checkout.
EPOCH: Final = (1980, 1, 1, 0, 0, 0)

#: The `chalice` command, on this interpreter wherever its script may be.
COMMAND: Final = "import sys; from chalice.cli import main; sys.exit(main())"

#: Never called while packaging; Chalice only asks for the Region's DNS suffix.
REGION: Final = "ap-northeast-2"

_IGNORED: Final = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@dataclass(frozen=True)
class Packaging:
    """How to call Chalice.

    `stage`: of .chalice/config.json. `merge`: a file that is merged into the template.
    `environment`: what app.py needs to be imported, beside that stage's own variables.
    """

    stage: str = "dev"
    merge: Path | None = None
    environment: Mapping[str, str] | None = None


def run(staging: Path, out: Path, packaging: Packaging) -> None:
    """Run `chalice package` in a staging directory; leaves sam.json and deployment.zip in `out`.

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
        **(packaging.environment or {}),
    }
    command = [sys.executable, "-c", COMMAND, "package", "--stage", packaging.stage]
    if packaging.merge is not None:
        command += ["--merge-template", str(packaging.merge.resolve())]
    done = subprocess.run(
        [*command, str(out.resolve())],
        cwd=staging,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        # The traceback's paths are the staging directory's; people look for their own files.
        message = (done.stderr or done.stdout).replace(f"{staging}{os.sep}", "").strip()
        raise InfraError(f"the app cannot be packaged:\n{_from_import_on(message)}")


def stage(source: Path, staging: Path) -> None:
    """Copy what belongs into the package from a project into a directory made anew.

    Raises:
        InfraError: there is no app.py.
    """
    app = source / "app.py"
    if not app.is_file():
        raise InfraError(f"{app} is missing: there is nothing to package")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    shutil.copy2(app, staging)
    for name in FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, staging / name, ignore=_IGNORED)
    (staging / CONFIGURATION).mkdir()
    for path in (source / CONFIGURATION).glob("*.json"):  # config.json and policies
        shutil.copy2(path, staging / CONFIGURATION)
    (staging / "requirements.txt").touch()


def app_files(source: Path) -> dict[str, bytes]:
    """The app's own files by their name in the zip: app.py, chalicelib, and vendor's content.

    Raises:
        InfraError: there is no app.py.
    """
    app = source / "app.py"
    if not app.is_file():
        raise InfraError(f"{app} is missing")
    files = {"app.py": app.read_bytes()}
    for folder in FOLDERS:
        base = source / folder
        # Chalice unpacks vendor/ into the zip's root.
        start = base if folder == "vendor" else source
        for path in sorted(base.rglob("*")):
            inside = path.relative_to(base)
            if path.is_file() and belongs(inside.as_posix()) and not _is_hidden(inside):
                files[path.relative_to(start).as_posix()] = path.read_bytes()
    return files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _from_import_on(traceback: str) -> str:
    """A traceback without Chalice's own frames, if it was the app's import that failed."""
    _before, found, after = traceback.rpartition("_call_with_frames_removed\n")
    # What comes of a syntax error without importing anything: Chalice's words for it.
    after = after.partition("\n\nDuring handling of the above exception")[0]
    return f"Traceback (most recent call last):\n{after}" if found else traceback


def with_app_files(code: bytes, source: Path) -> bytes:
    """A package that Chalice made before, with the app's files as they are now."""
    with zipfile.ZipFile(io.BytesIO(code)) as old:
        kept = {
            name: old.read(name)
            for name in old.namelist()
            if name != "app.py" and not name.startswith("chalicelib/")
        }
    return make_zip({**kept, **app_files(source)})


def reproducible_zip(source: Path) -> bytes:
    """The files of a zip in order, without times and caches: equal content, equal bytes."""
    return make_zip(read_zip(source))


def read_zip(source: Path) -> dict[str, bytes]:
    """The files of a zip by name, without caches."""
    with zipfile.ZipFile(source) as old:
        return {name: old.read(name) for name in old.namelist() if belongs(name)}


def belongs(name: str) -> bool:
    """Whether a file belongs into a zip: directories and Python's caches do not."""
    return not name.endswith(("/", ".pyc")) and "__pycache__" not in name


def make_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip whose bytes depend on names and content only."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever wrote it: it says how to read the mode
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()
