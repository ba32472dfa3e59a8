"""What P7 and P8 compare: our package, and an app packaged the usual way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from infra import chalice_package
from infra.aws import libraries
from infra.aws.package import IMPORT_ENVIRONMENT, ROOT, package
from infra.chalice_package import Packaging

USUAL_APP: Final = Path(__file__).parent / "like_apps" / "usual"
#: Of this machine, as Lambda calls it.
HERE: Final = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"


def ours(architecture: str) -> bytes:
    """The zip that `make package` makes."""
    with tempfile.TemporaryDirectory() as directory:
        return package(Path(directory), stage="dev", architecture=architecture).code


def usual(architecture: str, app: Path) -> bytes:
    """What `chalice package` makes of an app with the same requirements: all of each library."""
    with tempfile.TemporaryDirectory() as directory:
        staging, out = Path(directory, "staging"), Path(directory, "out")
        chalice_package.stage(app, staging)
        vendor = staging / "vendor"
        libraries.install(vendor, ROOT / "requirements.txt", architecture=architecture)
        # Chalice unpacks wheels: no commands, no file of uv's.
        libraries.prune(vendor, libraries.UNUSED[:1])
        chalice_package.run(staging, out, Packaging(environment=IMPORT_ENVIRONMENT))
        return chalice_package.reproducible_zip(out / "deployment.zip")
