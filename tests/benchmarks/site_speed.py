"""How long somebody with a slow phone waits for the site: ours, and one made as the original was.

A person who is signed in opens the room list, or a room with history, with nothing cached, in
Chromium whose CPU is slowed down four times and whose network is like 3G. Both clients talk to
one local stack and show the same room. In turns; medians.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks import processes
from tests.benchmarks.result import Result
from tests.browser.people import CHROMIUM, CHROMIUM_ARGUMENTS, PHONE
from tests.support.site import Browser as Visitor
from tests.support.stack import ROOT, StackSite, own_stack

SOURCE: Final = Path(__file__).parent / "peers" / "site"
INSTALLED: Final = ROOT / ".bench" / "peer_site"
DIST: Final = ROOT / "frontend" / "dist"

ROUNDS: Final = 5
CHATS: Final = 60
CPU_SLOWDOWN: Final = 4
#: Of the browser's developer tools: "slow 4G", which was called "fast 3G".
NETWORK: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
#: Longer than this nobody waits; in milliseconds.
PATIENCE_MS: Final = 60_000

#: Looks at each frame for what is waited for, in the page itself, from its first moment.
WATCH: Final = """
(() => {
  window.seen = {};
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifts += shift.value;
  }).observe({type: 'layout-shift', buffered: true});
  const look = () => {
    const box = document.querySelector('textarea:not([aria-hidden]):not([disabled])');
    const text = document.body?.innerText ?? '';
    if (text.includes('ROOM_NAME')) window.seen.room ??= performance.now();
    if (box && text.includes('NEWEST')) window.seen.chat ??= performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True)
class Visit:
    """One page, opened once."""

    ms: float
    kb: float
    shifts: float


@dataclass(frozen=True)
class Scene:
    """A room with history, and who is a member of it."""

    site: StackSite
    cookies: list[dict[str, Any]]
    room_id: str
    name: str
    newest: str


def measure() -> dict[str, Result]:
    """Opening the list and a room, ours and the peer's."""
    install()
    others = processes.Others()
    pages = {
        "rooms": ("/rooms", "/peer.html#/rooms"),
        "chat": ("/rooms/{}", "/peer.html#/rooms/{}"),
    }
    turns: dict[tuple[str, int], list[Visit]] = {}
    with _stack() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        scene = _scene(site)
        for turn in range(ROUNDS + 1):
            for what, both in pages.items():
                for who, path in enumerate(both):
                    visit = _visit(browser, scene, path.format(scene.room_id), what)
                    if turn > 0:  # in the first, the Lambdas were started
                        turns.setdefault((what, who), []).append(visit)
            print(f"  P10: round {turn} of {ROUNDS}", file=sys.stderr, flush=True)
        browser.close()
    note = f"others used {others.cpus:.1f} CPUs"
    return {
        "P10 first load": _result(
            turns["chat", 0],
            turns["chat", 1],
            "kb",
            "KB gzip, until a chat is usable",
            "≤ 40; ≤ 1/10",
        ),
        "P10 rooms visible": _result(
            turns["rooms", 0], turns["rooms", 1], "ms", "ms, slow phone", "≤ 1500", note
        ),
        "P10 a usable chat": _result(
            turns["chat", 0], turns["chat", 1], "ms", "ms, slow phone", "≤ 1500", note
        ),
        "P10 layout shift": Result(
            ours=round(max(visit.shifts for who in pages for visit in turns[who, 0]), 3),
            unit="CLS, the worst of all visits",
            goal="0",
            note=f"the peer: {max(visit.shifts for who in pages for visit in turns[who, 1]):.3f}",
        ),
    }


def _result(
    ours: list[Visit], peer: list[Visit], what: str, unit: str, goal: str, note: str = ""
) -> Result:
    mine, theirs = ([getattr(visit, what) for visit in visits] for visits in (ours, peer))
    spread = f"from {min(mine):.0f} to {max(mine):.0f}" if what == "ms" else ""
    return Result(
        ours=round(statistics.median(mine), 1),
        peer=round(statistics.median(theirs), 1),
        unit=unit,
        goal=goal,
        note="; ".join(filter(None, (spread, note))),
    )


def install() -> None:
    """Install and build the peer under .bench, once for each state of its source.

    Raises:
        RuntimeError: npm is missing or failed.
    """
    files = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    key = sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    key_file = INSTALLED / "built.sha256"
    if key_file.exists() and key_file.read_text() == key:
        return
    if shutil.which("npm") is None:
        raise RuntimeError("npm is needed to build the peer of P10")
    shutil.copytree(SOURCE, INSTALLED, dirs_exist_ok=True)
    for command in (
        ["npm", "ci", "--no-audit", "--no-fund", "--silent"],
        ["npm", "run", "build", "--silent"],
    ):
        done = subprocess.run(command, cwd=INSTALLED, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    key_file.write_text(key)


@contextmanager
def _stack() -> Iterator[StackSite]:
    """A stack that serves both: ours as the site, the peer as a file of it."""
    with tempfile.TemporaryDirectory(prefix="ping-pong-bench-") as folder:
        site_dir = Path(folder) / "site"
        shutil.copytree(DIST, site_dir)
        shutil.copytree(INSTALLED / "dist", site_dir, dirs_exist_ok=True)
        with own_stack(Path(folder), "--site-dir", str(site_dir)) as stack:
            yield stack.site


def _scene(site: StackSite) -> Scene:
    visitor = Visitor(site)
    visitor.sign_in("지민")
    chat = visitor.connect()
    chat.ask("session.hello")
    name, newest = "탁구 초보 모여라", "그래서 내일 몇 시에 볼까요?"
    room_id: str = chat.ask("room.open", name=name)["room"]["room_id"]
    for number in range(CHATS):
        text = newest if number == CHATS - 1 else f"{number + 1}번째 공, 받으세요"
        chat.ask("chat.send", room_id=room_id, cid=f"bench-{number:020}", text=text)
    chat.close()
    cookies = [
        {"name": name, "value": value, "url": site.origin, "httpOnly": True}
        for name, value in visitor.cookies.items()
    ]
    return Scene(site, cookies, room_id, name, newest)


def _visit(browser: Browser, scene: Scene, path: str, what: str) -> Visit:
    """Open a page with nothing cached, and wait for what is to be seen."""
    # Ant Design writes style elements, which our policy forbids.
    context = browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        locale="ko-KR",
        timezone_id="Asia/Seoul",
        service_workers="block",
        bypass_csp=True,
        # What the site itself has left behind at an earlier visit; else nothing is kept.
        storage_state={
            "cookies": [],
            "origins": [
                {
                    "origin": scene.site.origin,
                    "localStorage": [{"name": "ping-pong.signed-in", "value": "1"}],
                }
            ],
        },
    )
    context.add_cookies(scene.cookies)  # type: ignore[arg-type]
    page = context.new_page()
    loaded: set[str] = set()
    page.on("request", lambda request: loaded.add(urlsplit(request.url).path))
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", NETWORK)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.add_init_script(WATCH.replace("ROOM_NAME", scene.name).replace("NEWEST", scene.newest))
    page.goto(scene.site.origin + path, wait_until="commit")
    seen = "room" if what == "rooms" else "chat"
    page.wait_for_function(f"window.seen?.{seen}", timeout=PATIENCE_MS)
    ms: float = page.evaluate(f"window.seen.{seen}")
    shifts: float = page.evaluate("window.shifts")
    context.close()
    return Visit(ms, sum(map(_gzip_kb, loaded)), shifts)


def _gzip_kb(path: str) -> float:
    """Of a script or style sheet, as small as gzip makes it; 0 of anything else."""
    if not path.endswith((".js", ".css")):
        return 0.0
    found = (folder / path[1:] for folder in (DIST, INSTALLED / "dist"))
    file = next(file for file in found if file.exists())
    return len(gzip.compress(file.read_bytes(), 9)) / 1024
