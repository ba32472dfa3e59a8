"""Changes of an app's files, and names of AWS that lead to this machine."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.local.aws_names import AwsNames
from infra.local.watch import changes

SECONDS = 20


async def after(
    action: Callable[[], Any], batches: AsyncIterator[set[Path]], wanted: Path
) -> set[Path]:
    """What changes together with a path, when something is done."""
    async with asyncio.timeout(SECONDS):
        waiting = asyncio.ensure_future(anext(batches))
        found: set[Path] = set()
        while wanted not in found:
            # The watch begins at a moment that nobody tells.
            action()
            done, _pending = await asyncio.wait({waiting}, timeout=0.2)
            if done:
                found |= waiting.result()
                waiting = asyncio.ensure_future(anext(batches))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return found


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario()

    asyncio.run(run())


@pytest.mark.parametrize("name", ["app.py", "pages/index.html", ".env"])
def test_any_file_of_an_app_is_watched(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)

    async def scenario() -> None:
        found = await after(lambda: path.write_text("x"), changes([tmp_path]), path)
        assert found == {path}

    play(scenario)


def test_what_tools_write_is_not_a_change(tmp_path: Path) -> None:
    ignored = ("__pycache__/x.pyc", ".git/HEAD", "node_modules/a/b.js", "venv/pyvenv.cfg", "own/x")
    for name in ignored:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()

    def write() -> None:
        for name in ignored:
            (tmp_path / name).write_text("x")
        (tmp_path / "app.py").write_text("x")

    async def scenario() -> None:
        watched = changes([tmp_path], [tmp_path / "own"])
        assert await after(write, watched, tmp_path / "app.py") == {tmp_path / "app.py"}

    play(scenario)


def test_what_has_changed_before_the_watch_began_is_told(tmp_path: Path) -> None:
    for name in ("old.py", "app.py", "gone.py"):
        (tmp_path / name).touch()
    while (tmp_path / "app.py").stat().st_ctime == (tmp_path / "old.py").stat().st_ctime:
        (tmp_path / "app.py").write_text("x")
    (tmp_path / "gone.py").unlink()
    since = (tmp_path / "app.py").stat().st_ctime

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS):
            told = await anext(changes([tmp_path], since=since))
        assert told == {tmp_path, tmp_path / "app.py"}  # of what is gone, its directory tells

    play(scenario)


def test_what_changes_while_directories_are_found_anew_is_told(tmp_path: Path) -> None:
    app, made = tmp_path / "app.py", tmp_path / "handlers"
    app.touch()

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS):
            batches = changes([tmp_path], since=0)
            assert app in await anext(batches)
            made.mkdir()
            while made not in await anext(batches):
                pass
            # Nobody listens: the new directory has ended a watch, and the next has not begun.
            app.write_text("x")
            while app not in await anext(batches):
                pass

    play(scenario)


def test_names_that_editors_use_meanwhile_are_not_told(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.touch()

    def save() -> None:
        for name in ("4913", "sedHIsqvh", "app.py~", ".app.py.swp"):
            (tmp_path / name).write_text("x")
        (tmp_path / "4913").unlink()
        (tmp_path / "sedHIsqvh").rename(app)

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS):
            batches = changes([tmp_path], since=0)
            await anext(batches)
            save()
            assert await anext(batches) == {app}
            app.unlink()
            assert await anext(batches) == {app}

    play(scenario)


def test_a_new_directory_is_watched_from_then_on(tmp_path: Path) -> None:
    made = tmp_path / "handlers" / "chat.py"

    async def scenario() -> None:
        batches = changes([tmp_path])
        waiting = asyncio.ensure_future(anext(batches))
        seen: set[Path] = set()
        async with asyncio.timeout(SECONDS):
            while made not in seen:
                made.parent.mkdir(exist_ok=True)
                made.write_text("x")
                done, _pending = await asyncio.wait({waiting}, timeout=0.2)
                if done:
                    seen |= waiting.result()
                    waiting = asyncio.ensure_future(anext(batches))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    play(scenario)


def test_api_gateways_names_lead_to_the_gateway_and_others_where_they_say() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host}{request.path}")

    async def ask(proxy: str, target: str) -> bytes:
        """A request through a tunnel, as boto3 makes it, but without TLS inside."""
        host, port = proxy.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        status = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " in status:
            writer.write(f"GET /x HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n".encode())
            status = await reader.read()
        writer.close()
        return status

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/x", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        names = AwsNames()
        await names.start()
        try:
            names.lead_to(port)
            proxy = names.environment["HTTPS_PROXY"]
            aws = "a1b2c3.execute-api.eu-west-1.amazonaws.com:443"
            assert (await ask(proxy, aws)).endswith(f"{aws}/x".encode())
            here = f"127.0.0.1:{port}"
            assert (await ask(proxy, here)).endswith(f"{here}/x".encode())
            for nowhere in ("127.0.0.1:1", "127.0.0.1:99999", f"{'a' * 64}.invalid:443", "a..b:1"):
                assert b" 502 " in await ask(proxy, nowhere)

            def plain() -> int:
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
                with pytest.raises(urllib.error.HTTPError) as refused:
                    opener.open("http://nowhere.invalid/", timeout=SECONDS)
                return refused.value.code

            assert await asyncio.to_thread(plain) == 405
        finally:
            await names.stop()
            await runner.cleanup()

    play(scenario)
