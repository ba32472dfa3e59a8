"""P8: the package, unpacked and zipped, for the architecture that is deployed."""

from __future__ import annotations

import io
import zipfile

from tests.benchmarks import packages
from tests.benchmarks.result import Result
from tests.support.stack import ROOT

ARCHITECTURE = "arm64"


def measure() -> dict[str, Result]:
    """P8."""
    ours, usual = packages.ours(ARCHITECTURE), packages.usual(ARCHITECTURE, ROOT)
    files = _sizes(ours)
    native = sum(size for name, size in files.items() if name.endswith(".so"))
    return {
        "P8": Result(
            ours=_mb(sum(files.values())),
            peer=_mb(sum(_sizes(usual).values())),
            unit="MB unpacked; the peer has all of the same libraries",
            goal="≤ 1/2",
            note=f"{len(files)} files; {_mb(native)} MB are native, most of that cryptography's",
        ),
        "P8, zipped": Result(
            ours=_mb(len(ours)), peer=_mb(len(usual)), unit="MB zipped", goal="≤ 1/2"
        ),
    }


def _sizes(code: bytes) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def _mb(size: int) -> float:
    return round(size / 1e6, 1)
