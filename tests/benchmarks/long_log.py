"""P11: a room's log of 20,000 chats, scrolled from its end to its beginning and back.

In a real Chromium, phone size, with a wheel that the browser itself turns. A wheel waits for pages
of history, 200 of them, most of the time: so most of a long log is fetched beforehand, and the last
2,000 chats, where the most is held, are come to by the wheel. The way down is the whole log. Of a
short one the pages come from the local stack. Of a long one they are answered here, as the stack
would: MiniStack reads a whole room for each page of it, where DynamoDB reads the page.

The peer is the same site with the one constant changed that says how much is drawn beyond what is
in sight, so that every row is in the document; it gets far fewer chats, as it does not get through
so many. The ceiling is a page of those same rows that runs no script at all.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, WebSocketRoute, sync_playwright

from tests.benchmarks import driver
from tests.benchmarks.long_log_seed import PAUSE_MS, text_of
from tests.benchmarks.result import Result
from tests.browser.people import CHROMIUM, CHROMIUM_ARGUMENTS, PHONE, new_person
from tests.conftest import DEFAULTS
from tests.support.site import Browser as Visitor
from tests.support.site import unique
from tests.support.stack import ROOT, LocalStack, own_stack

SITE: Final = ROOT / "frontend"
#: Pixels a second: someone who wants to get to the beginning.
SPEED: Final = 30_000
#: One gesture; the browser turns the wheel at each frame of it.
GESTURE_PX: Final = 60_000
LONG_MS: Final = 50
GIVE_UP_SECONDS: Final = 240
#: So many chats at the beginning of a log are fetched by the wheel.
WHEELED: Final = 2_000
#: So many of a long log are in the tables: more than one sees at first.
STORED: Final = 200
#: Before the first chat: the room was made, and its people came in.
NOTICES: Final = 5

#: Go up page by page until all but so many chats are held, which are not drawn on the way.
FETCH: Final = """(rest) => new Promise((done) => {
  const log = document.querySelector('.log');
  const each = () => {
    const first = log.querySelector('.line[data-seq]');
    if (Number(first?.dataset.seq) <= rest) return done();
    log.scrollTop = 0;
    requestAnimationFrame(each);
  };
  each();
})"""
#: Instead of the log, its rows alone.
FREEZE: Final = """() => {
  const log = document.querySelector('.log');
  const copy = log.cloneNode(true);
  log.replaceWith(copy);
  copy.scrollTop = copy.scrollHeight;
}"""

RECORD: Final = """() => {
  window.frames_ = [];
  let last = performance.now();
  const log = document.querySelector('.log');
  let top = log.scrollTop;
  const each = (now) => {
    // Of a page that stands still nothing is learned.
    if (log.scrollTop !== top) window.frames_.push(now - last);
    top = log.scrollTop;
    last = now;
    window.recording_ = requestAnimationFrame(each);
  };
  window.recording_ = requestAnimationFrame(each);
}"""


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    chats: int = 20_000
    peer_chats: int = 2_000
    throttles: tuple[int, ...] = (1, 4)


@dataclass(frozen=True)
class Room:
    """A room with a long past, and who looks at it."""

    visitor: Visitor
    room_id: str
    chats: int
    #: A page of its log, as the stack gives it; of the others, where only the newest are stored.
    page: dict[str, Any] | None = None

    def history(self, before: int, limit: int) -> dict[str, Any] | None:
        """What the stack would answer; None: it is to be asked."""
        if self.page is None or before <= NOTICES + 1:
            return None
        known = self.page["entries"]
        seqs = range(max(NOTICES + 1, before - limit), before)
        entries = [
            {
                **known[seq % len(known)],
                "seq": seq,
                "at": known[-1]["at"] - (known[-1]["seq"] - seq) * PAUSE_MS,
                "text": text_of(seq - NOTICES - 1),
                "cid": f"past-{seq:07}",
            }
            for seq in seqs
        ]
        return {**self.page, "entries": entries, "has_before": True, "has_after": True}


@dataclass
class Run:
    """What one way there and back took."""

    #: Milliseconds between frames in which the log moved.
    frames: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    #: JavaScript's heap after collecting: at first, at the beginning of the log, back at its end.
    heap_mb: list[float] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    #: What the page's main thread computed since the first look, in ms of CPU.
    busy_ms: float = 0

    @property
    def per_second(self) -> float:
        """Frames per second while the log moved."""
        return round(1000 * len(self.frames) / sum(self.frames), 1)

    @property
    def long(self) -> int:
        """How many frames were long."""
        return sum(each > LONG_MS for each in self.frames)

    @property
    def busy(self) -> float:
        """CPU of the main thread for a frame; other work on the machine counts little here."""
        return round(self.busy_ms / len(self.frames), 1)


def measure(size: Size = Size()) -> dict[str, Result]:
    """P11."""
    with tempfile.TemporaryDirectory() as directory, own_stack(Path(directory)) as stack:
        room = _room(stack, size.chats, stored=STORED)
        small = _room(stack, size.peer_chats)
        runs = {
            rate: (
                scroll(stack, room, rate),
                scroll(stack, small, rate),
                scroll(stack, small, rate, everything=True),
                scroll(stack, small, rate, everything=True, frozen=True),
            )
            for rate in size.throttles
        }
    results: dict[str, Result] = {}
    for rate in size.throttles:
        name = "P11" if rate == 1 else f"P11 CPU / {rate}"
        run, few, other, still = runs[rate]
        results[name] = Result(
            ours=run.per_second,
            unit=f"frames/s, {size.chats:,} chats up and down",
            goal="60",
            note=f"{run.long} of {len(run.frames)} frames over {LONG_MS} ms; {run.busy} ms of the "
            f"main thread's CPU a frame. {size.peer_chats:,} chats: {few.per_second} frames/s, "
            f"{few.busy} ms; their rows without a script: {still.per_second}, {still.busy} ms",
        )
        results[f"{name} rows"] = Result(
            ours=max(few.rows),
            peer=max(other.rows),
            unit=f"rows in the document, {size.peer_chats:,} chats; all drawn",
            goal="flat",
            note=f"with {size.chats:,}: {max(run.rows)}. Frames/s {few.per_second}, all drawn "
            f"{other.per_second}; long {few.long} and {other.long}",
        )
        results[f"{name} heap"] = Result(
            ours=few.heap_mb[1],
            peer=other.heap_mb[1],
            unit=f"MB of heap with {size.peer_chats:,} chats held; all drawn",
            goal="flat",
            note=f"with {size.chats:,}: {run.heap_mb} at first, with all held, back; "
            f"DOM nodes {run.nodes}",
        )
    return results


def scroll(
    stack: LocalStack, room: Room, rate: int, *, everything: bool = False, frozen: bool = False
) -> Run:
    """To the beginning of a log and back.

    Args:
        stack: that serves the site.
        room: whose log.
        rate: how many times slower the CPU is made.
        everything: whether all rows are drawn.
        frozen: whether no script runs, in what was drawn.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        person = new_person(browser, stack.site)
        page = person.page
        if everything:
            page.route(
                "**/assets/log-*.js",
                lambda route: route.fulfill(body=_all_drawn(), content_type="text/javascript"),
            )
        page.context.add_cookies(
            [
                {"name": name, "value": value, "url": person.origin, "httpOnly": True}
                for name, value in room.visitor.cookies.items()
            ]
        )
        if room.page:
            page.route_web_socket(re.compile("."), lambda socket: _answer(socket, room))
        page.goto(f"{person.origin}/rooms/{room.room_id}")
        page.locator(".line[data-seq]").last.wait_for()
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        run = Run()
        _look(page, devtools, run)
        page.evaluate(FETCH, NOTICES + 1 if frozen else WHEELED)
        if frozen:
            page.evaluate(FREEZE)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": rate})
        for way in (1, -1):
            before = _metric(devtools, "TaskDuration")
            page.evaluate(RECORD)
            _go(page, devtools, run, way)
            run.frames += page.evaluate(
                "() => (cancelAnimationFrame(window.recording_), window.frames_)"
            )
            run.busy_ms += 1000 * (_metric(devtools, "TaskDuration") - before)
            _look(page, devtools, run)
        browser.close()
    return run


def _answer(socket: WebSocketRoute, room: Room) -> None:
    """Pages of history from here, all else from the stack."""
    server = socket.connect_to_server()

    def out(message: str | bytes) -> None:
        command = json.loads(message)
        is_page = command["type"] == "chat.history" and "before" in command
        found = room.history(command["before"], command["limit"]) if is_page else None
        if found is None:
            server.send(message)
        else:
            socket.send(json.dumps({**found, "ref": command["ref"]}, ensure_ascii=False))

    socket.on_message(out)
    server.on_message(socket.send)


def _room(stack: LocalStack, chats: int, stored: int | None = None) -> Room:
    """A room of four with a past that the stack has done with."""
    visitor, *others = (Visitor(stack.site) for _ in range(4))
    visitor.sign_in("지민")
    host = visitor.chat()
    room_id = host.ask("room.open", name=unique("긴 방"))["room"]["room_id"]
    host.ask("room.enter", room_id=room_id)
    clients = []
    for each, name in zip(others, ("하은", "Alex", "민서"), strict=True):
        each.sign_in(name)
        clients.append(each.chat())
    people = [client.ask("session.hello")["me"]["user_id"] for client in clients]
    for client in clients:
        client.ask("room.enter", room_id=room_id)
    driver.run(
        "long_log_seed",
        environment=DEFAULTS | stack.environment,
        room_id=room_id,
        user_ids=people,
        chats=chats,
        stored=stored,
    )
    # All of it goes through the table's stream, in order, as if it had been said just now.
    last = host.ask("chat.send", room_id=room_id, text="끝", cid=unique("cid"))["entry"]["seq"]
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not any(each["seq"] == last for each in list(clients[0].entries)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the stack was not done with it in {GIVE_UP_SECONDS} s")
        time.sleep(0.1)
    page = host.ask("chat.history", room_id=room_id, before=last, limit=50) if stored else None
    for client in (host, *clients):
        client.close()
    return Room(visitor, room_id, chats, page)


def _go(page: Page, devtools: CDPSession, run: Run, way: int) -> None:
    """Turn the wheel until there is no further: upwards (1), or down (-1)."""
    at_end = {
        1: "() => document.querySelector('.log').scrollTop === 0"
        " && !!document.querySelector('[data-testid=notice]')",
        -1: """() => {
          const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.log');
          return scrollHeight - scrollTop - clientHeight < 1;
        }""",
    }[way]
    for _ in range(int(GIVE_UP_SECONDS * SPEED / GESTURE_PX)):
        if page.evaluate(at_end):
            return
        devtools.send(
            "Input.synthesizeScrollGesture",
            {
                "x": PHONE["width"] / 2,
                "y": PHONE["height"] / 2,
                "yDistance": way * GESTURE_PX,
                "speed": SPEED,
                "gestureSourceType": "mouse",
                "preventFling": True,
            },
        )
        run.rows.append(page.evaluate("document.querySelectorAll('.log-lines > *').length"))
    raise TimeoutError(f"the end was not reached in {GIVE_UP_SECONDS} s of scrolling")


def _look(page: Page, devtools: CDPSession, run: Run) -> None:
    devtools.send("HeapProfiler.enable")
    devtools.send("HeapProfiler.collectGarbage")
    run.heap_mb.append(round(_metric(devtools, "JSHeapUsedSize") / 1_000_000, 1))
    run.nodes.append(int(_metric(devtools, "Nodes")))


def _metric(devtools: CDPSession, name: str) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == name)


@contextmanager
def _changed_site() -> Iterator[Path]:
    """The site's sources, with every row in sight."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory)
        for each in SITE.iterdir():
            if each.name not in ("node_modules", "dist"):
                subprocess.run(["cp", "-r", each, copy], check=True)
        (copy / "node_modules").symlink_to(SITE / "node_modules")
        source = copy / "src" / "ui" / "chat" / "window.ts"
        text, count = re.subn(r"MARGIN_PX = \d+", "MARGIN_PX = 1e9", source.read_text())
        assert count == 1
        source.write_text(text)
        yield copy


_built: dict[str, str] = {}


def _all_drawn() -> str:
    """The log's code that draws all rows, for the site that is built."""
    if not _built:
        with _changed_site() as copy:
            built: Any = subprocess.run(
                ["npx", "vite", "build"], cwd=copy, capture_output=True, text=True, check=False
            )
            assets = copy / "dist" / "assets"
            found = list(assets.glob("log-*.js"))
            assert found, built.stderr
            (index,) = [each.name for each in (SITE / "dist" / "assets").glob("index-*.js")]
            _built["log"] = re.sub(r"index-[\w-]+\.js", index, found[0].read_text())
    return _built["log"]
