"""What an idle connection costs: the gateway in a process of its own, its clients here."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from infra.local.gateway.limits import Limits
from tests.unit.gateway_harness import Raw, api_with, gateway, text

CONNECTIONS: Final = 500
#: Measured: 15 KB of objects (Python 3.11). Below CPython they cost about as much again.
BYTES_EACH_MAX: Final = 40 * 1024


async def serve() -> None:
    """Print the port; then, for each line that comes, how much memory Python's objects have."""
    limits = Limits(connects_per_second=10 * CONNECTIONS, closing_seconds=0.1)
    async with gateway(api_with("$default"), limits=limits) as running:
        print(running.gateway.port, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            gc.collect()
            print(tracemalloc.get_traced_memory()[0], flush=True)


def test_idle_connections_cost_little_memory() -> None:
    asyncio.run(asyncio.wait_for(measure(), 60))


async def measure() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())

    async def used() -> int:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        return int(await process.stdout.readline())

    async with AsyncExitStack() as clients:

        async def connect() -> Raw:
            client = Raw(*await asyncio.open_connection("127.0.0.1", port))
            clients.push_async_callback(client.end)
            await client.upgrade()
            return client

        for _ in range(20):  # what is made once
            await connect()
        before = await used()
        for _ in range(0, CONNECTIONS, 50):
            await asyncio.gather(*(connect() for _ in range(50)))
        each = (await used() - before) / CONNECTIONS
        # They are open, and not just accepted.
        last = await connect()
        await last.send(text("hello"))
        assert each < BYTES_EACH_MAX, f"{each / 1024:.1f} KB for each connection"
    process.stdin.close()
    assert await process.wait() == 0


if __name__ == "__main__":
    tracemalloc.start()
    asyncio.run(serve())
