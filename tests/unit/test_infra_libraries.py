"""The libraries in the package: for Lambda's machines, the same each time, without a network."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

import pytest

from infra.aws import bytecode, libraries
from infra.aws.package import ROOT, Package, package
from infra.errors import InfraError

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
AARCH64 = 183
#: Of Amazon Linux 2, which python3.11 has.
GLIBC = (2, 26)

pytestmark = pytest.mark.timeout(300)


def make(directory: Path) -> Package:
    """Package a copy of the app, with everything in a directory."""
    source = directory / "source"
    source.mkdir(parents=True)
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, source)
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / name, source / name)
    return package(directory / "out", stage="dev", source=source)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make(tmp_path_factory.mktemp("one"))


@pytest.fixture
def archive(packaged: Package) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(io.BytesIO(packaged.code)) as opened:
        yield opened


def test_the_whole_package_has_the_same_bytes_wherever_it_is_made(
    packaged: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    monkeypatch.setenv("TZ", "Asia/Seoul")
    again = make(tmp_path / "somewhere" / "else")
    assert again.digest == packaged.digest
    assert again.template == packaged.template


def test_native_libraries_are_for_lambdas_processor_python_and_glibc(
    archive: zipfile.ZipFile,
) -> None:
    names = [name for name in archive.namelist() if name.endswith(".so")]
    assert {name.split("/")[0].split(".")[0] for name in names} == {
        *("_cffi_backend", "cryptography", "msgspec"),
    }
    tag = f".{sys.implementation.cache_tag}-aarch64-linux-gnu.so"
    for name in names:
        content = archive.read(name)
        magic, machine = content[:6], struct.unpack_from("<H", content, 18)[0]
        assert (magic, machine) == (b"\x7fELF\x02\x01", AARCH64), name
        assert name.endswith((tag, ".abi3.so")), name
        needed = {(int(a), int(b)) for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", content)}
        assert needed, name
        assert max(needed) <= GLIBC, name


def test_each_wheel_says_that_it_fits(archive: zipfile.ZipFile) -> None:
    wheels = [name for name in archive.namelist() if name.endswith(".dist-info/WHEEL")]
    assert len(wheels) > 10
    python = VERSION.replace(".", "")
    for name in wheels:
        tags = re.findall(r"^Tag: (\S+)$", archive.read(name).decode(), re.MULTILINE)
        fitting = [
            tag
            for tag in tags
            if fnmatch(tag, "*py3-none-any")
            or (
                re.fullmatch(rf"cp{python}-cp{python}-.*|cp3\d+-abi3-.*", tag)
                and tag.endswith(("manylinux2014_aarch64", "manylinux_2_17_aarch64"))
            )
        ]
        assert fitting, (name, tags)


def test_what_is_left_out_is_named_and_is_there_to_be_left_out(
    tmp_path: Path, archive: zipfile.ZipFile
) -> None:
    vendor = tmp_path / "vendor"
    libraries.install(vendor, ROOT / "requirements.txt")
    for unused in libraries.UNUSED:
        assert unused.why
        for pattern in unused.patterns:
            if pattern != "**/__pycache__":  # uv is told to make none
                assert list(vendor.glob(pattern)), pattern
    libraries.prune(vendor)
    left = {path.name for path in vendor.iterdir()}
    assert not {"boto3", "s3transfer", "cffi", "pycparser", "bin"} & left
    assert not [name for name in archive.namelist() if name.startswith("botocore/data")]
    # A scanner finds what is there, and nothing else.
    for name in left:
        if name.endswith(".dist-info"):
            assert (vendor / name / "METADATA").is_file()


def test_libraries_are_bytecode_and_the_app_is_both(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    sources = {name for name in names if name.endswith(".py")}
    assert "app.py" in sources
    assert {name.split("/")[0] for name in sources} == {"app.py", "chalicelib"}
    tag = sys.implementation.cache_tag
    assert f"__pycache__/app.{tag}.pyc" in names
    assert f"chalicelib/__pycache__/tables.{tag}.pyc" in names
    assert {"pynamodb/models.pyc", "chalice/app.pyc", "six.pyc"} <= names
    for name in names:
        if name.endswith(".pyc"):
            # PEP 552: hash-based, unchecked.
            assert archive.read(name)[4:8] == b"\x01\0\0\0", name


def test_bytecode_names_files_by_where_lambda_has_them() -> None:
    files = {"a/b.py": b"def f():\n    raise ValueError\n", "a/data.txt": b"x"}
    made = bytecode.with_bytecode(files, lambda _: False)
    assert set(made) == {"a/b.pyc", "a/data.txt"}
    assert b"/var/task/a/b.py" in made["a/b.pyc"]


def test_a_file_that_does_not_compile_is_named() -> None:
    with pytest.raises(InfraError, match=r"/var/task/lib/broken\.py"):
        bytecode.with_bytecode({"lib/broken.py": b"def x(:\n"}, lambda _: False)


# --- Where they come from --------------------------------------------------------------------


def test_runtimes_are_those_that_lambda_still_creates() -> None:
    specs = resources.files("cfnlint") / "data" / "AdditionalSpecs"
    known = json.loads((specs / "LmbdRuntimeLifecycle.json").read_text())
    for version in libraries.RUNTIMES:
        assert known[f"python{version}"]["create-block"] > "2026-11-22"
    newest = known[f"python{libraries.RUNTIMES[-1]}"]
    assert newest["successor"] is None


def test_the_template_runs_what_the_package_is_for(packaged: Package) -> None:
    functions = [
        body["Properties"]
        for body in packaged.template["Resources"].values()
        if body["Type"] == "AWS::Serverless::Function"
    ]
    assert {function["Runtime"] for function in functions} == {f"python{VERSION}"}
    assert {tuple(function["Architectures"]) for function in functions} == {("arm64",)}


@pytest.mark.parametrize("minor", [10, 15])
def test_a_python_that_lambda_does_not_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minor: int
) -> None:
    version = namedtuple("version", "major minor micro releaselevel serial")
    monkeypatch.setattr(sys, "version_info", version(3, minor, 0, "final", 0))
    with pytest.raises(InfraError, match=rf"This is Python 3\.{minor}\. Lambda has 3\.11, "):
        libraries.install(tmp_path / "vendor", ROOT / "requirements.txt")


def test_without_a_network_and_never_set_up_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "CACHE", tmp_path / "cache")
    # Nobody listens there.
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_INDEX_URL", "https://127.0.0.1:9/simple")
    with pytest.raises(InfraError, match="`make setup` gets them once, with a network"):
        libraries.install(tmp_path / "vendor", ROOT / "requirements.txt")


def test_a_library_with_another_hash_is_refused(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InfraError, match=r"(?i)hash"):
        libraries.install(tmp_path / "vendor", requirements)


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace without a network takes root")
def test_once_they_are_here_no_network_is_needed(packaged: Package, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from infra.aws import libraries;"
        "libraries.install(Path(sys.argv[1]), libraries.ROOT / 'requirements.txt')"
    )
    vendor = tmp_path / "vendor"
    command = ["unshare", "--net", sys.executable, "-c", code, str(vendor)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (vendor / "pynamodb" / "models.py").is_file()
