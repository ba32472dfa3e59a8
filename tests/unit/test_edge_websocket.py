"""The edge's /ws: the upstream's handshake first, then every byte both ways."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from infra.local.edge_tunnel import BUFFER_BYTES
from tests.unit.edge_harness import edge_for, in_loop, serving, speaking

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["chat"], max_msg_size=0, autoping=True)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "handshake":
            await socket.send_json([request.raw_path, dict(request.headers)])
        elif message.data.startswith("close "):
            await socket.close(code=int(message.data[6:]), message="이유".encode())
        else:
            await socket.send_str(message.data)
    return socket


@in_loop
async def test_the_handshake_is_passed_on(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        headers = {"Cookie": "session=1", "Origin": "http://localhost", "User-Agent": "test"}
        async with running.client.ws_connect(
            running.url("/ws?a=b%20c&v=2"), headers=headers, protocols=["other", "chat"]
        ) as socket:
            assert socket.protocol == "chat"
            await socket.send_str("handshake")
            target, received = await socket.receive_json()
        assert target == "/stage?a=b%20c&v=2"
        assert received["Host"] == f"127.0.0.1:{port}"
        assert received["Sec-WebSocket-Protocol"] == "other,chat"
        assert headers.items() <= received.items()
        assert "X-Forwarded-For" in received


@in_loop
async def test_text_binary_and_large_messages_pass_both_ways(tmp_path: Path) -> None:
    async with (
        serving(echo) as port,
        edge_for(tmp_path, port) as running,
        running.client.ws_connect(running.url("/ws"), max_msg_size=0) as socket,
    ):
        for text in ("", "안녕하세요 👋", "x" * (128 * 1024 + 1), "y" * 2_000_000):
            await socket.send_str(text)
            assert await socket.receive_str() == text
        await socket.send_bytes(bytes(range(256)))
        assert await socket.receive_bytes() == bytes(range(256))


@in_loop
async def test_pings_reach_the_upstream_and_its_pongs_come_back(tmp_path: Path) -> None:
    async with (
        serving(echo) as port,
        edge_for(tmp_path, port) as running,
        running.client.ws_connect(running.url("/ws"), autoping=False) as socket,
    ):
        await socket.ping(b"marco")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.PONG, b"marco")


@in_loop
@pytest.mark.parametrize("code", [1000, 1001, 1003, 1009, 4001])
async def test_the_upstreams_close_code_and_reason_reach_the_browser(
    tmp_path: Path, code: int
) -> None:
    async with (
        serving(echo) as port,
        edge_for(tmp_path, port) as running,
        running.client.ws_connect(running.url("/ws")) as socket,
    ):
        await socket.send_str(f"close {code}")
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "이유")


@in_loop
async def test_the_browsers_close_code_and_reason_reach_the_upstream(tmp_path: Path) -> None:
    closed: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        message = await socket.receive()
        closed.set_result((message.data, message.extra))
        return socket

    async with serving(handler) as port, edge_for(tmp_path, port) as running:
        socket = await running.client.ws_connect(running.url("/ws"))
        await socket.close(code=4321, message=b"bye")
        assert await closed == (4321, "bye")


@in_loop
async def test_a_browser_that_vanishes_ends_the_upstreams_connection(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH)
        assert await reader.read() == b"tail"
        ended.set()
        writer.close()

    async with speaking(talk) as port, edge_for(tmp_path, port) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.edge.port)
        writer.write(_request(running.edge.port))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"tail")
        await writer.drain()
        writer.close()
        await ended.wait()


@in_loop
async def test_an_upstream_that_vanishes_ends_the_browsers_connection(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH + b"early")
        await writer.drain()
        writer.close()

    async with speaking(talk) as port, edge_for(tmp_path, port) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.edge.port)
        writer.write(_request(running.edge.port))
        answer = await reader.read()
        assert answer.endswith(b"\r\n\r\nearly")
        writer.close()


@in_loop
@pytest.mark.parametrize("status", [401, 403, 410, 429, 500, 503])
async def test_a_refused_handshake_keeps_its_status_headers_and_body(
    tmp_path: Path, status: int
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"message": "no"}, status=status, headers={"X-Why": "because"})

    async with serving(refuse) as port, edge_for(tmp_path, port) as running:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await running.client.ws_connect(running.url("/ws"))
        assert refused.value.status == status
        async with running.client.get(running.url("/ws"), headers=UPGRADE) as answer:
            assert answer.status == status
            assert answer.headers["X-Why"] == "because"
            assert await answer.json() == {"message": "no"}


@in_loop
@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 403, b"no"),
        (b"HTTP/1.0 401 No\r\n\r\nuntil the end", 401, b"until the end"),
        (b"HTTP/1.1 403\r\nContent-Length: 100\r\n\r\nless", 403, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 502, b""),
        (b"HTTP/1.1 abc\r\n\r\n", 502, None),
        (b"SSH-2.0-nonsense\r\n\r\n", 502, None),
        (b"", 502, None),
        (b"HTTP/1.1 101 half a head", 502, None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3 * BUFFER_BYTES + b"\r\n\r\n", 502, None),
    ],
)
async def test_odd_refusals_still_end_the_handshake(
    tmp_path: Path, said: bytes, status: int, body: bytes | None
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with (
        speaking(talk) as port,
        edge_for(tmp_path, port) as running,
        running.client.get(running.url("/ws"), headers=UPGRADE) as answer,
    ):
        assert answer.status == status
        if body is not None:
            assert await answer.read() == body


@in_loop
async def test_an_upstream_that_is_down_is_502(tmp_path: Path) -> None:
    async with (
        edge_for(tmp_path, upstream_port=1) as running,
        running.client.get(running.url("/ws"), headers=UPGRADE) as answer,
    ):
        assert answer.status == 502
        assert (await answer.json())["code"] == "internal"


@in_loop
async def test_an_upstream_that_does_not_answer_is_504(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with (
        speaking(talk) as port,
        edge_for(tmp_path, port, api_timeout_seconds=0.02) as running,
        running.client.get(running.url("/ws"), headers=UPGRADE) as answer,
    ):
        assert answer.status == 504


@in_loop
async def test_without_an_upgrade_it_is_426(tmp_path: Path) -> None:
    async with edge_for(tmp_path) as running:
        async with running.client.get(running.url("/ws")) as answer:
            assert answer.status == 426
            assert answer.headers["Upgrade"] == "websocket"
        async with running.client.post(running.url("/ws"), headers=UPGRADE) as answer:
            assert answer.status == 426
        headers = UPGRADE | {"Sec-WebSocket-Version": "8"}
        async with running.client.get(running.url("/ws"), headers=headers) as answer:
            assert answer.status == 426


@in_loop
async def test_below_the_stage_it_is_403(tmp_path: Path) -> None:
    async with edge_for(tmp_path) as running:
        for path in ("/ws/", "/ws/x"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await running.client.ws_connect(running.url(path))
            assert refused.value.status == 403


@in_loop
async def test_a_slow_upstream_holds_the_browser_back(tmp_path: Path) -> None:
    """The browser's writes block instead of piling up in the edge."""
    proceed, ended = asyncio.Event(), asyncio.Event()
    received = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH)
        await proceed.wait()
        while chunk := await reader.read(1 << 20):
            received.extend(chunk)
        ended.set()
        writer.close()

    sent = 32 << 20  # far more than the sockets' own buffers hold
    async with speaking(talk) as port, edge_for(tmp_path, port) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.edge.port)
        writer.write(_request(running.edge.port))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes(sent))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await writer.drain()
        proceed.set()
        await writer.drain()
        writer.write_eof()
        await ended.wait()
        assert len(received) == sent
        writer.close()


@in_loop
async def test_stopping_the_edge_ends_its_sockets(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:
        socket = await running.client.ws_connect(running.url("/ws"))
        await running.edge.stop()
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE)


@in_loop
async def test_many_sockets_at_once_are_kept_apart(tmp_path: Path) -> None:
    async with serving(echo) as port, edge_for(tmp_path, port) as running:

        async def talk(number: int) -> None:
            async with running.client.ws_connect(running.url("/ws")) as socket:
                for turn in range(5):
                    await socket.send_str(f"{number}/{turn}")
                    assert await socket.receive_str() == f"{number}/{turn}"

        await asyncio.gather(*(talk(number) for number in range(50)))


def _request(port: int) -> bytes:
    lines = ["GET /ws HTTP/1.1", f"Host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
