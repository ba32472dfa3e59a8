"""Packaging: the same bytes from the same app, and messages that say what is wrong with it."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from infra.aws import site
from infra.aws.package import ROOT, package
from infra.chalice_package import reproducible_zip
from infra.errors import InfraError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the app that a test may break."""
    copied = tmp_path / "source"
    copied.mkdir()
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, copied)
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / name, copied / name)
    return copied


def test_the_same_app_gives_the_same_bytes(tmp_path: Path, source: Path) -> None:
    made = package(tmp_path / "one", stage="dev", libraries=False, source=source)
    later = time.time() + 5000
    for path in source.rglob("*"):
        os.utime(path, (later, later))
    (source / "chalicelib" / "__pycache__").mkdir(exist_ok=True)
    (source / "chalicelib" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    again = package(tmp_path / "two", stage="dev", libraries=False, source=source)
    assert made.code == again.code
    for name in ("template.json", "code.zip"):
        one, two = (tmp_path / "one" / name), (tmp_path / "two" / name)
        assert one.read_bytes() == two.read_bytes()


def test_the_package_has_app_and_chalices_runtime_only(tmp_path: Path) -> None:
    package(tmp_path, stage="dev", libraries=False, source=ROOT)
    with zipfile.ZipFile(tmp_path / "code.zip") as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"app.py", "chalice", "chalicelib"}
    assert names == sorted(names)
    assert {name for name in names if not name.endswith(".py")} == {"chalicelib/words.txt"}


def test_a_syntax_error_is_shown_without_the_packagers_frames(tmp_path: Path, source: Path) -> None:
    (source / "app.py").write_text("def x(:\n")
    with pytest.raises(InfraError) as caught:
        package(tmp_path / "out", stage="dev", libraries=False, source=source)
    said = str(caught.value)
    assert 'File "app.py", line 1' in said
    assert said.endswith("SyntaxError: invalid syntax")
    assert "chalice/cli" not in said


def test_an_app_that_does_not_import_is_shown_with_its_own_lines(
    tmp_path: Path, source: Path
) -> None:
    with (source / "app.py").open("a") as app:
        app.write('\nraise RuntimeError("broken on purpose")\n')
    with pytest.raises(InfraError) as caught:
        package(tmp_path / "out", stage="dev", libraries=False, source=source)
    message = str(caught.value)
    assert "RuntimeError: broken on purpose" in message
    assert 'File "app.py", line' in message
    assert "site-packages/chalice" not in message


def test_a_lambda_that_the_template_knows_and_the_app_does_not_is_named(
    tmp_path: Path, source: Path
) -> None:
    app = (source / "app.py").read_text()
    (source / "app.py").write_text(app.replace('@app.lambda_function(name="background")\n', ""))
    with pytest.raises(InfraError, match="Background"):
        package(tmp_path / "out", stage="dev", libraries=False, source=source)


def test_a_missing_app_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=r"app\.py is missing"):
        package(tmp_path / "out", stage="dev", libraries=False, source=tmp_path)


def test_caches_and_times_do_not_get_into_a_zip(tmp_path: Path) -> None:
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            for name in ("b.py", "a.py")[:: 1 if number == 1 else -1]:
                archive.writestr(zipfile.ZipInfo(name, (2020 + number, 1, 1, 0, 0, 0)), name)
            archive.writestr(f"__pycache__/a.{number}.pyc", "x")
    assert reproducible_zip(tmp_path / "1.zip") == reproducible_zip(tmp_path / "2.zip")


def test_the_page_is_uploaded_after_what_it_needs(tmp_path: Path) -> None:
    for name in ("index.html", "favicon.svg", "assets/index-abc.js", "assets/a-b.css"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert list(site.in_upload_order(tmp_path)) == [
        *("assets/a-b.css", "assets/index-abc.js", "favicon.svg", "index.html"),
    ]


def test_a_site_that_is_not_built_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="build the site first"):
        list(site.in_upload_order(tmp_path))


@pytest.mark.parametrize(
    ("name", "kept", "media_type"),
    [
        ("assets/index-abc.js", site.IMMUTABLE, "text/javascript; charset=utf-8"),
        ("index.html", "no-cache", "text/html; charset=utf-8"),
        ("favicon.svg", "no-cache", "image/svg+xml"),
        ("assets/font-1.woff2", site.IMMUTABLE, "font/woff2"),
    ],
)
def test_only_what_has_a_hash_in_its_name_is_kept(name: str, kept: str, media_type: str) -> None:
    assert site.cache_control(name) == kept
    assert site.content_type(name) == media_type
