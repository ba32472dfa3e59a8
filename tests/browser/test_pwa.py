"""The site as an app: starts without a network, is replaced as a whole, keeps nothing private."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.people import DESKTOP, PHONE, Person, new_person
from tests.support.site import unique
from tests.support.stack import ROOT, LocalStack, own_stack

People = Callable[..., Person]

#: Releases are built, and a stack of their own is started.
pytestmark = pytest.mark.timeout(300)

DIST = ROOT / "frontend" / "dist"

#: Resolves when a worker serves this page, and has stored the whole site.
CONTROLLED = """async () => {
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) {
    await new Promise((done) =>
      navigator.serviceWorker.addEventListener('controllerchange', done, {once: true}));
  }
}"""

#: Every address in every cache.
CACHED = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const kept = await (await caches.open(name)).keys();
    found[name] = kept.map((each) => new URL(each.url).pathname);
  }
  return found;
}"""


def visit(page: Page) -> None:
    """Wait until the site is kept on this device, as it is a few seconds after a visit."""
    page.evaluate(CONTROLLED)


def cached(page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(CACHED)
    return found


@pytest.fixture
def phone(person: People) -> Person:
    """Somebody with a phone whose browser has service workers."""
    return person(service_workers="allow")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_second_start_needs_no_network_and_goes_on_by_itself(
    person: People, viewport: dict[str, int]
) -> None:
    jimin = person("지민", service_workers="allow", viewport=viewport)
    room = jimin.open_room(unique("터널"))
    jimin.say("곧 터널이에요")
    jimin.sees("곧 터널이에요")
    visit(jimin.page)
    jimin.goes_offline()
    jimin.page.goto(f"{jimin.origin}/rooms/{room}")
    expect(jimin.page.get_by_test_id("connection-status")).to_have_attribute(
        "data-state", "offline"
    )
    expect(jimin.page.get_by_text("지금은 오프라인이에요").last).to_be_visible()
    expect(jimin.page.locator("[aria-busy]")).to_have_count(0)
    jimin.comes_online()
    jimin.sees("곧 터널이에요")
    expect(jimin.page.get_by_text("지금은 오프라인이에요")).to_have_count(0)
    jimin.say("나왔어요")
    jimin.sees("나왔어요")


def test_every_page_and_both_languages_open_without_a_network(phone: Person) -> None:
    page = phone.page
    page.goto(phone.origin)
    visit(page)
    phone.goes_offline()
    page.goto(f"{phone.origin}/sign-in")
    expect(page.get_by_role("heading", level=1)).to_have_text("로그인")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto(f"{phone.origin}/no/such/page")
    expect(page.get_by_role("heading", name="Out of bounds")).to_be_visible()
    page.goto(phone.origin)
    expect(page.get_by_role("heading", level=1)).to_contain_text("A rally of words")


def test_nothing_of_a_person_is_kept_in_caches(person: People) -> None:
    jimin = person("지민", service_workers="allow")
    visit(jimin.page)
    jimin.open_room(unique("비밀"))
    jimin.say("비밀번호는 핑퐁")
    jimin.sees("비밀번호는 핑퐁")
    jimin.page.reload()
    jimin.sees("비밀번호는 핑퐁")
    # What the worker could have got hold of: a page that it passed on, and a request of the API.
    jimin.page.evaluate("fetch('/api/session').then((answer) => answer.text())")
    ((_, kept),) = cached(jimin.page).items()
    built = {f"/{path.relative_to(DIST).as_posix()}" for path in DIST.rglob("*") if path.is_file()}
    assert set(kept) <= built
    assert {path for path in built if path.startswith("/assets/")} <= set(kept)


def test_the_manifest_makes_an_app_of_it(phone: Person) -> None:
    page = phone.page
    page.goto(phone.origin)
    address = page.locator("link[rel=manifest]").get_attribute("href")
    answer = page.request.get(phone.origin + str(address))
    assert answer.headers["content-type"].startswith("application/manifest+json")
    manifest: dict[str, Any] = answer.json()
    assert manifest["name"]
    assert manifest["short_name"] == "핑퐁"
    assert manifest["display"] == "standalone"
    assert page.request.get(phone.origin + manifest["start_url"]).ok
    sizes = set()
    touch = {"src": page.locator("link[rel=apple-touch-icon]").get_attribute("href")}
    for icon in [*manifest["icons"], {**touch, "sizes": "180x180", "type": "image/png"}]:
        found = page.request.get(phone.origin + str(icon["src"]))
        assert found.ok
        assert found.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, png_size(found.body()))) == icon["sizes"]
        sizes.add((icon["sizes"], icon.get("purpose", "any")))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
    # Chromium's own judgement, as for its "install" button.
    tools = page.context.new_cdp_session(page)
    assert tools.send("Page.getAppManifest")["errors"] == []
    missing = tools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A context of Playwright's is a private one, in which nothing can be installed.
    assert [error["errorId"] for error in missing if error["errorId"] != "in-incognito"] == []


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


# --- Releases


def build(folder: Path, *, title: str = "", worker: str = "on") -> None:
    """Build the site as it is here, but for the title of its sign-in page."""
    source = folder.parent / f"{folder.name}-source"
    shutil.copytree(
        ROOT / "frontend",
        source,
        ignore=shutil.ignore_patterns("node_modules", "dist", "tests"),
    )
    (source / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    texts = source / "src" / "i18n" / "outside.ts"
    before = texts.read_text(encoding="utf-8")
    assert "title: '로그인'" in before
    if title:
        texts.write_text(before.replace("title: '로그인'", f"title: '{title}'"), encoding="utf-8")
    subprocess.run(
        ["npx", "vite", "build", "--outDir", str(folder), "--emptyOutDir"],
        cwd=source,
        env={**os.environ, "SITE_WORKER": worker},
        check=True,
        capture_output=True,
    )


def release(built: Path, served: Path) -> None:
    """As infra/aws/site.py does it: hashed assets first, the page last, old assets stay."""
    shutil.copytree(built / "assets", served / "assets", dirs_exist_ok=True)
    for path in sorted(built.iterdir(), key=lambda path: path.name == "index.html"):
        if path.is_file():
            shutil.copy(path, served)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The site as it was built, its next release, and one that wants no worker any more."""
    folder = tmp_path_factory.mktemp("releases")
    made = {name: folder / name for name in ("first", "second", "without")}
    shutil.copytree(DIST, made["first"])
    build(made["second"], title="다시 만나요")
    build(made["without"], worker="off")
    return made


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own, whose site is in the folder `site` beside its state."""
    folder = tmp_path_factory.mktemp("deployed")
    (folder / "site").mkdir()
    with own_stack(folder, "--site-dir", str(folder / "site")) as stack:
        yield stack


@pytest.fixture
def served(deployed: LocalStack, releases: dict[str, Path]) -> Path:
    """Where the files are served from; the first release is there."""
    folder = deployed.directory / "site"
    shutil.rmtree(folder)
    folder.mkdir()
    release(releases["first"], folder)
    return folder


@pytest.fixture
def visitor(chromium: Browser, deployed: LocalStack, served: Path) -> Iterator[Person]:
    """Somebody who has the first release on their device."""
    someone = new_person(chromium, deployed.site, service_workers="allow")
    someone.page.goto(f"{someone.origin}/sign-in")
    expect(heading(someone.page)).to_have_text("로그인")
    visit(someone.page)
    yield someone
    someone.page.context.close()


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


#: Looks at this page's registration until a condition holds.
UNTIL = """async (condition) => {
  const holds = {
    '!registration': (registration) => !registration,
    '!registration.waiting': (registration) => registration && !registration.waiting,
  }[condition];
  while (!holds(await navigator.serviceWorker.getRegistration())) {
    await new Promise(requestAnimationFrame);
  }
}"""

#: As the page does when it is looked at again after an hour.
ASK = "navigator.serviceWorker.getRegistration().then((found) => found.update())"

#: The same, until the worker that was found has failed to install.
ASK_AND_SEE_IT_FAIL = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  const found = new Promise((done) =>
    registration.addEventListener('updatefound', () => done(registration.installing)));
  await registration.update().catch(() => undefined);
  const worker = await found;
  while (worker.state !== 'redundant') await new Promise(requestAnimationFrame);
}"""


def test_a_release_is_offered_and_taken_over_as_a_whole(
    visitor: Person, served: Path, releases: dict[str, Path]
) -> None:
    page = visitor.page
    before = cached(page)
    release(releases["second"], served)
    page.evaluate(ASK)
    offer = page.get_by_test_id("newer-version")
    expect(offer).to_contain_text("새 버전이 있어요")
    # Nothing changes under the feet of who does not want to reload now.
    expect(heading(page)).to_have_text("로그인")
    offer.get_by_role("button", name="새로고침").click()
    expect(heading(page)).to_have_text("다시 만나요")
    expect(offer).to_have_count(0)
    page.evaluate(UNTIL, "!registration.waiting")
    visitor.goes_offline()
    page.reload()
    expect(heading(page)).to_have_text("다시 만나요")
    # The release before stays for pages that still are of it.
    assert len(before) == 1
    assert set(before) < set(cached(page))


def test_a_worker_that_is_there_before_its_page_waits_for_it(
    visitor: Person, served: Path, releases: dict[str, Path]
) -> None:
    page = visitor.page
    before = cached(page)
    shutil.copytree(releases["second"] / "assets", served / "assets", dirs_exist_ok=True)
    shutil.copy(releases["second"] / "sw.js", served)
    page.evaluate(ASK_AND_SEE_IT_FAIL)
    assert cached(page) == before
    release(releases["second"], served)
    page.evaluate(ASK)
    expect(page.get_by_test_id("newer-version")).to_be_visible()


def test_who_is_online_has_the_newest_page_before_its_worker(
    visitor: Person, served: Path, releases: dict[str, Path]
) -> None:
    release(releases["second"], served)
    visitor.page.goto(f"{visitor.origin}/sign-in")
    expect(heading(visitor.page)).to_have_text("다시 만나요")


def test_a_page_that_stays_open_has_its_own_parts_after_a_release(
    visitor: Person, served: Path, releases: dict[str, Path]
) -> None:
    page = visitor.page
    release(releases["second"], served)
    page.evaluate(ASK)
    expect(page.get_by_test_id("newer-version")).to_be_visible()
    shutil.rmtree(served / "assets")
    page.get_by_role("button", name="English").click()
    expect(heading(page)).to_have_text("Sign in")
    page.get_by_role("link", name="Ping-Pong").click()
    expect(heading(page)).to_contain_text("A rally of words")


def test_a_page_whose_parts_are_gone_says_so_and_is_loaded_anew(
    chromium: Browser, deployed: LocalStack, served: Path, releases: dict[str, Path]
) -> None:
    someone = new_person(chromium, deployed.site)
    page = someone.page
    page.goto(someone.origin)
    expect(heading(page)).to_be_visible()
    shutil.rmtree(served / "assets")
    release(releases["second"], served)
    # Not there: a page that nobody had opened before.
    page.evaluate("history.pushState(null, '', '/no/such'); dispatchEvent(new Event('popstate'))")
    page.get_by_role("button", name="다시 시도").click()
    page.get_by_role("button", name="새로고침").click()
    expect(page.get_by_role("heading", name="공이 테이블을 벗어났어요")).to_be_visible()
    page.context.close()


def test_a_release_that_wants_no_worker_takes_it_away(
    visitor: Person, served: Path, releases: dict[str, Path]
) -> None:
    page = visitor.page
    release(releases["without"], served)
    page.evaluate(ASK)
    page.evaluate(UNTIL, "!registration")
    assert cached(page) == {}
    page.reload()
    expect(heading(page)).to_have_text("로그인")
    assert page.evaluate("navigator.serviceWorker.controller") is None
