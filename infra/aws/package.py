"""Makes what gets deployed: template.json and code.zip.

Chalice makes both (infra/chalice_package.py), without libraries. Those for AWS are libraries.py's:
by hash, for Lambda's architecture, whatever machine this is, with bytecode. The emulator needs
none: its Lambdas run on this interpreter, with the virtual environment's libraries.

The same input gives the same bytes, so an unchanged app is an unchanged deployment.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import chalice_package
from infra.aws import bytecode
from infra.aws import template as templates
from infra.aws.libraries import install, prune
from infra.chalice_package import Packaging

ROOT: Final = Path(__file__).parents[2]

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
    out: Path,
    *,
    stage: str,
    libraries: bool = True,
    source: Path = ROOT,
    parts: Path | None = None,
    architecture: str = "arm64",
) -> Package:
    """Package the app into `out`, as template.json and code.zip.

    Args:
        out: directory to fill; what an earlier packaging left there is replaced.
        stage: stage that the template is for.
        libraries: whether to add the libraries of requirements.txt, and bytecode, for Lambda.
        source: directory of app.py, chalicelib and .chalice.
        parts: directory of the template's parts, if not infra/aws/template.
        architecture: of the libraries; another than the template's only to try the code here.

    Raises:
        InfraError: the app does not import, or a library cannot be had.
    """
    staging = out / "staging"
    chalice_package.stage(source, staging)
    if libraries:
        vendor = staging / "vendor"
        install(vendor, source / "requirements.txt", architecture=architecture)
        prune(vendor)
    merge = templates.merge_template(parts or templates.PARTS_DIR)
    merge_file = staging / "merge.json"
    merge_file.write_text(json.dumps(merge), encoding="utf-8")
    packaging = Packaging(merge=merge_file, environment=IMPORT_ENVIRONMENT)
    chalice_package.run(staging, out / "chalice", packaging)
    merged = json.loads((out / "chalice" / "sam.json").read_text(encoding="utf-8"))
    files = chalice_package.read_zip(out / "chalice" / "deployment.zip")
    if libraries:
        ours = chalice_package.app_files(source)
        files = bytecode.with_bytecode(files, ours.__contains__)
    result = Package(templates.finish(merged, stage=stage), chalice_package.make_zip(files))
    (out / "template.json").write_text(templates.serialise(result.template), encoding="utf-8")
    (out / "code.zip").write_bytes(result.code)
    return result
