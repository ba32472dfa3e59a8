"""The edge's site: cache rules, fallback, compression, and nothing outside the folder."""

import gzip
import os
from pathlib import Path

import pytest

from tests.unit.edge_harness import HEADERS, edge_for, in_loop

SCRIPT = "console.log('안녕');\n" * 200
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>핑퐁</h1>", encoding="utf-8")
    (folder / "assets" / "app-1a2b.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "site.webmanifest").write_text("{}")
    (folder / ".env").write_text("secret")
    (folder / "데이터.txt").write_text("korean")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret").mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@in_loop
async def test_an_asset_is_immutable_and_has_its_type_and_the_security_headers(site: Path) -> None:
    async with (
        edge_for(site) as running,
        running.client.get(
            running.url("/assets/app-1a2b.js"), headers={"Accept-Encoding": "identity"}
        ) as answer,
    ):
        assert answer.status == 200
        assert await answer.text() == SCRIPT
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert HEADERS.items() <= dict(answer.headers).items()


@in_loop
@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/site.webmanifest", "application/manifest+json"),
        ("/%EB%8D%B0%EC%9D%B4%ED%84%B0.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_other_files_are_revalidated(site: Path, path: str, content_type: str) -> None:
    async with edge_for(site) as running, running.client.get(running.url(path)) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Type"] == content_type


@in_loop
async def test_gzip_is_used_only_when_accepted_and_worth_it(site: Path) -> None:
    async with edge_for(site) as running:
        for accepted, compressed in [
            ("gzip, br", True),
            ("*", True),
            ("gzip;q=0, *", False),
            ("br", False),
            ("gzip;q=broken", False),
        ]:
            async with running.client.get(
                running.url("/assets/app-1a2b.js"), headers={"Accept-Encoding": accepted}
            ) as answer:
                body = await answer.read()
                assert (answer.headers.get("Content-Encoding") == "gzip") is compressed, accepted
                assert (gzip.decompress(body) if compressed else body) == SCRIPT.encode()
        async with running.client.get(
            running.url("/icon.svg"), headers={"Accept-Encoding": "gzip"}
        ) as answer:
            assert "Content-Encoding" not in answer.headers


@in_loop
async def test_an_etag_brings_304_until_the_file_changes(site: Path) -> None:
    async with edge_for(site) as running:
        url = running.url("/assets/app-1a2b.js")
        for encoding in ("gzip", "identity"):
            async with running.client.get(url, headers={"Accept-Encoding": encoding}) as answer:
                etag = answer.headers["ETag"]
            assert etag.startswith("W/") is (encoding == "gzip")
            for tag in (etag, f'"other", {etag}', "*"):
                async with running.client.get(url, headers={"If-None-Match": tag}) as answer:
                    assert answer.status == 304
                    assert await answer.read() == b""
                    assert answer.headers["Cache-Control"].endswith("immutable")
                    assert "X-Frame-Options" in answer.headers
        (site / "assets" / "app-1a2b.js").write_text("new", encoding="utf-8")
        async with running.client.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 200
            assert await answer.text() == "new"


@in_loop
async def test_head_has_the_headers_of_get_and_no_body(site: Path) -> None:
    async with edge_for(site) as running, running.client.head(running.url("/")) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len("<h1>핑퐁</h1>".encode()))
        assert await answer.read() == b""


@in_loop
async def test_pages_of_the_application_are_index_html(site: Path) -> None:
    async with edge_for(site) as running:
        for path in ("/rooms", "/rooms/abc?tab=1", "/sign-in/", "/api", "/wsx", "/rooms//"):
            async with running.client.get(running.url(path), headers=HTML) as answer:
                assert answer.status == 200, path
                assert "핑퐁" in await answer.text()
                assert answer.headers["Cache-Control"] == "no-cache"


@in_loop
async def test_what_is_missing_and_no_page_is_404(site: Path) -> None:
    async with edge_for(site) as running:
        for path in ("/assets/old-1.js", "/assets", "/assets/", "/favicon.png", "/x/y.json"):
            async with running.client.get(running.url(path), headers=HTML) as answer:
                assert answer.status == 404, path
                assert answer.headers["Cache-Control"] == "no-store"
                assert "X-Frame-Options" in answer.headers
        async with running.client.get(
            running.url("/rooms"), headers={"Accept": "application/json"}
        ) as answer:
            assert answer.status == 404


@in_loop
@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/.env",
        "/link.txt",
        "/index.html%00.txt",
        "/" + "a" * 300 + ".txt",
    ],
)
async def test_nothing_outside_the_folder_is_served(site: Path, target: str) -> None:
    async with edge_for(site) as running:
        status, answer = await running.get_raw(target)
        assert b"secret" not in answer.partition(b"\r\n\r\n")[2]
        assert b"root:" not in answer
        assert status in (404, 200)
        if status == 200:  # a path without an extension: the application's page
            assert "핑퐁".encode() in answer


@in_loop
async def test_only_get_and_head_are_allowed(site: Path) -> None:
    async with edge_for(site) as running:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            async with running.client.request(method, running.url("/")) as answer:
                assert answer.status == 405
                assert answer.headers["Allow"] == "GET, HEAD"


@in_loop
async def test_a_site_that_is_not_built_says_how_and_appears_when_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "<dist>"
    async with edge_for(folder) as running:
        async with running.client.get(running.url("/rooms")) as answer:
            page = await answer.text()
            assert answer.status == 503
            assert "make site" in page
            assert "&lt;dist&gt;" in page
            assert "<dist>" not in page
        folder.mkdir()
        (folder / "index.html").write_text("built")
        async with running.client.get(running.url("/rooms")) as answer:
            assert await answer.text() == "built"


@in_loop
async def test_a_file_that_keeps_its_size_but_not_its_time_is_read_again(site: Path) -> None:
    async with edge_for(site) as running:
        async with running.client.get(running.url("/icon.svg")) as answer:
            assert await answer.text() == "<svg/>"
        (site / "icon.svg").write_text("<gvs/>")
        os.utime(site / "icon.svg", ns=(1, 1))
        async with running.client.get(running.url("/icon.svg")) as answer:
            assert await answer.text() == "<gvs/>"
