"""The libraries in the package: got once, then without a network; less what no Lambda reaches.

`python -m infra.aws.libraries` gets them, which is part of setting up.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.errors import InfraError

ROOT: Final = Path(__file__).parents[2]

#: Where uv keeps what it has downloaded, checked by hash; of no use to other projects.
CACHE: Final = ROOT / ".build" / "uv-cache"

#: Versions of Python that Lambda has, of those that the app runs on.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIMES: Final = ("3.11", "3.12", "3.13", "3.14")

#: The architectures of Lambda, as uv names them. python3.11's system is Amazon Linux 2 with
#: glibc 2.26, the others' Amazon Linux 2023 with 2.34; manylinux2014 is made for 2.17.
PLATFORMS: Final = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}


@dataclass(frozen=True)
class Unused:
    """Files that no Lambda reaches, as glob patterns, and why."""

    patterns: tuple[str, ...]
    why: str


#: tests/integration/test_packaged.py runs every Lambda out of what is left.
UNUSED: Final = (
    Unused(("bin", ".lock", "**/__pycache__"), "left there by installing"),
    Unused(("*.dist-info/RECORD",), "for uninstalling; METADATA is for scanners"),
    Unused(("**/*.pyi", "**/py.typed", "**/*.[ch]"), "for type checkers and compilers"),
    Unused(("boto3*", "s3transfer*"), "the app makes no boto3 client"),
    Unused(
        ("botocore/data",),
        "the app makes no botocore client: models of 400 services, three quarters of the package",
    ),
    Unused(("botocore/cacert.pem",), "botocore takes certifi's where there is certifi"),
    Unused(("cffi", "pycparser*"), "for building extensions, which run on _cffi_backend"),
    Unused(
        ("dateutil/zoneinfo/*.tar.gz", "dateutil/rrule.py"),
        "time zones and calendars; all times here are UTC",
    ),
    Unused(("authlib/jose",), "id tokens are read by joserfc, its successor"),
    Unused(("idna/uts46data.py",), "names of hosts in other scripts; Kakao's are in ASCII"),
    Unused(("urllib3/contrib/emscripten",), "HTTP in a browser"),
    Unused(
        ("charset_normalizer/*.so",),
        "quicker twins of modules that are there, for answers in an unknown encoding",
    ),
    Unused(
        ("authlib/integrations/*_oauth1", "authlib/integrations/*_oauth2"),
        "OAuth servers for Django and Flask",
    ),
    Unused(
        tuple(
            f"authlib/integrations/{name}"
            for name in (
                "django_client",
                "flask_client",
                "httpx_client",
                "starlette_client",
            )
        ),
        "OAuth clients of web frameworks and of httpx",
    ),
)


def install(vendor: Path, requirements: Path, *, architecture: str = "arm64") -> None:
    """Install the pinned libraries for Lambda into a directory, as they come.

    Nothing is asked of the network if all of it was installed before.

    Raises:
        InfraError: Lambda has no such Python, or a library can't be had or has another hash.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in RUNTIMES:
        raise InfraError(
            f"This is Python {version}. Lambda has {', '.join(RUNTIMES)}, and a package is for "
            "the version that makes it: `make clean`, then `make setup PYTHON=/path/to/python3.11`."
        )
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config"),
        *("--cache-dir", str(CACHE), "--target", str(vendor)),
        *("--python-platform", PLATFORMS[architecture], "--python-version", version),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--require-hashes"),
        *("-r", str(requirements)),
    ]
    if _run([*command, "--offline"]).returncode == 0:
        return
    shutil.rmtree(vendor, ignore_errors=True)
    done = _run(command)
    if done.returncode != 0:
        raise InfraError(
            f"The libraries for Lambda ({architecture}, Python {version}) are not in {CACHE} yet, "
            "and cannot be had from PyPI. `make setup` gets them once, with a network; after that "
            f"packaging needs none. uv says:\n{done.stderr.strip()}"
        )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def prune(vendor: Path, what: Iterable[Unused] = UNUSED) -> None:
    """Remove what no Lambda reaches."""
    for unused in what:
        for pattern in unused.patterns:
            for path in list(vendor.glob(pattern)):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def main() -> int:
    """Get the libraries, so that packaging needs no network."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            install(Path(directory) / "vendor", ROOT / "requirements.txt")
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
