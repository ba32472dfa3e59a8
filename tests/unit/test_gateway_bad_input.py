"""What no browser sends: malformed upgrades and frames, silence, floods, half-open sockets."""

from __future__ import annotations

import asyncio
import json

import pytest

from infra.local import log
from infra.local.gateway.limits import Limits
from tests.unit.gateway_harness import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WEBSOCKET_KEY,
    Json,
    Raw,
    Running,
    api_with,
    frame,
    gateway,
    handshake,
    in_loop,
    text,
)

SMALL = Limits(unread_bytes=64 * 1024, closing_seconds=0.1)


async def works(running: Running) -> None:
    """Another client is served as if nothing had happened."""
    async with running.raw() as other:
        await other.upgrade()
        number = len(running.functions.named("default")) + 1
        await other.send(text("still there?"))
        await running.functions.event("default", number)


# --- Upgrades -------------------------------------------------------------------------------

#: https://datatracker.ietf.org/doc/html/rfc6455#section-4.2.1
MALFORMED = {
    "no key": handshake(sec_websocket_key=None),
    "an empty key": handshake(sec_websocket_key=""),
    "a short key": handshake(sec_websocket_key="c2hvcnQ="),
    "a long key": handshake(sec_websocket_key=WEBSOCKET_KEY[:-2] + "AAAA"),
    "a key that is no base64": handshake(sec_websocket_key="!" * 24),
    "a key beyond ASCII": handshake(sec_websocket_key="한" * 8),
    "no version": handshake(sec_websocket_version=None),
    "an old version": handshake(sec_websocket_version="8"),
    "no connection": handshake(connection=None),
    "another connection": handshake(connection="keep-alive"),
    "POST": handshake(line="POST /prod HTTP/1.1"),
    "HEAD": handshake(line="HEAD /prod HTTP/1.1"),
    "HTTP/1.0": handshake(line="GET /prod HTTP/1.0"),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
@in_loop
async def test_a_malformed_upgrade_is_a_bad_request(sent: bytes) -> None:
    async with gateway() as running:
        async with running.raw() as client:
            await client.send(sent)
            status, headers = await client.head()
            assert status == 400
            assert headers["sec-websocket-version"] == "13"
        assert not running.functions.events
        await works(running)


@in_loop
async def test_a_request_that_is_no_upgrade_is_none() -> None:
    async with gateway() as running:
        for sent in (handshake(upgrade=None), handshake(upgrade="h2c"), handshake(upgrade="")):
            async with running.raw() as client:
                await client.send(sent)
                assert (await client.head())[0] == 404
        assert not running.functions.events


STATUSES = (b"400", b"403", b"404", b"414", b"431")
NO_HTTP = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
    "no line": b"\r\n\r\n\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no version": b"GET /prod\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a colon missing": b"GET /prod HTTP/1.1\r\nHost localhost\r\n\r\n",
    "a null": handshake(cookie="a\0b"),
    "a huge header": handshake(cookie="x" * 100_000),
    "many headers": handshake(**{f"x_{number}": "y" for number in range(1000)}),
    "a huge line": handshake("/prod?" + "x" * 100_000),
    "a path beyond ASCII": handshake("/pr\xf6d"),
    "a path of other bytes": handshake("/prod?@").replace(b"@", b"\xff"),
    "a post with a path of other bytes": (
        handshake(
            line="POST /prod/@connections/x~ HTTP/1.1",
            upgrade=None,
            connection=None,
            authorization="AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/r/execute-api/"
            "aws4_request, SignedHeaders=host;x-amz-date, Signature=x",
            x_amz_date="20261122T000000Z",
        ).replace(b"~", b"\xff")
    ),
    "two lengths": handshake(line="POST /prod HTTP/1.1", content_length="5, 6"),
    "length and chunks": handshake(content_length="5", transfer_encoding="chunked"),
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
@in_loop
async def test_what_is_no_http_does_no_harm(sent: bytes) -> None:
    """Nor is it logged: it may have tokens."""
    async with gateway() as running:
        async with running.raw() as client:
            await client.send(sent)
            client.writer.write_eof()
            answer = await asyncio.wait_for(_all(client), 5)
            assert not answer or answer.split()[1] in STATUSES
        assert not running.functions.events
        await works(running)


async def _all(client: Raw) -> bytes:
    try:
        return await client.reader.read()
    except ConnectionError:
        return b""


@in_loop
async def test_headers_beyond_ascii_reach_the_handler() -> None:
    """Bytes that are no UTF-8 become question marks: JSON has no place for them."""
    async with gateway() as running, running.raw() as client:
        await client.send(handshake(x_name="한글", x_bytes="@").replace(b"@", b"\xff"))
        assert (await client.head())[0] == 101
        headers = (await running.functions.event("connect"))["headers"]
        assert headers["x-name"] == "한글"
        assert headers["x-bytes"] == "?"


@in_loop
async def test_connection_headers_may_be_several() -> None:
    sent = handshake(connection="keep-alive").replace(
        b"connection: keep-alive", b"connection: keep-alive\r\nconnection: Upgrade"
    )
    async with gateway() as running, running.raw() as client:
        await client.send(sent)
        assert (await client.head())[0] == 101


@in_loop
async def test_a_handshake_may_come_byte_by_byte() -> None:
    async with gateway() as running, running.raw() as client:
        for byte in handshake():
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.head())[0] == 101


@in_loop
async def test_half_a_handshake_holds_nothing_up() -> None:
    async with gateway() as running:
        async with running.raw() as one, running.raw() as two:
            await one.send(handshake()[:-2])
            await two.send(b"GET")
            await works(running)
            one.vanish()
        await works(running)


@in_loop
async def test_a_refused_client_may_try_again_on_the_same_connection() -> None:
    async with gateway() as running, running.raw() as client:
        running.functions.returns("connect", {"statusCode": 403})
        await client.send(handshake())
        status, headers = await client.head()
        assert status == 403
        await client.reader.readexactly(int(headers["content-length"]))
        running.functions.by_name.pop("connect")
        await client.send(handshake())
        assert (await client.head())[0] == 101


# --- Frames ---------------------------------------------------------------------------------

#: What breaks RFC 6455, section 5, and the close code for it.
VIOLATIONS = {
    "unmasked": (frame(TEXT, b"x", masked=False), 1002),
    "unmasked, empty": (frame(TEXT, masked=False), 1002),
    "reserved bit 1": (frame(TEXT, b"x", reserved=4), 1002),
    "reserved bit 2": (frame(TEXT, b"x", reserved=2), 1002),
    "reserved bit 3": (frame(TEXT, b"x", reserved=1), 1002),
    **{f"opcode {opcode}": (frame(opcode, b"x"), 1002) for opcode in (3, 7, 0xB, 0xF)},
    "continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "last continuation of nothing": (frame(CONTINUATION, b"x", fin=False), 1002),
    "two messages interleaved": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "binary in a text": (frame(TEXT, b"x", fin=False) + frame(BINARY, b"y"), 1002),
    "a fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "a fragmented close": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "a fragmented binary": (frame(BINARY, b"x", fin=False), 1003),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 1002),
    "zeros": (b"\0" * 100, 1002),
    "a negative length": (bytes([0x81, 0xFF]) + b"\xff" * 8 + b"mask", 1009),
}


@pytest.mark.parametrize(("sent", "code"), VIOLATIONS.values(), ids=VIOLATIONS)
@in_loop
async def test_a_violation_closes_the_connection(sent: bytes, code: int) -> None:
    async with gateway() as running:
        async with running.raw() as client:
            await client.upgrade()
            await client.send(sent)
            assert await client.close_code() == code
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == code
        assert not running.functions.named("default")
        await works(running)


@in_loop
async def test_a_frame_may_come_byte_by_byte() -> None:
    """A slow sender is no attack."""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        sent = frame(TEXT, "안녕".encode(), fin=False) + frame(PING) + frame(CONTINUATION, b"!")
        for byte in sent:
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await running.functions.event("default"))["body"] == "안녕!"
        assert await client.frame() == (PONG, b"")


@in_loop
async def test_control_frames_may_come_between_fragments() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(PONG, b"q"))
        assert await client.frame() == (PONG, b"p")
        await client.send(frame(CONTINUATION, b"b", fin=False) + frame(CONTINUATION, b"c"))
        assert (await running.functions.event("default"))["body"] == "abc"


@in_loop
async def test_a_close_within_a_message_is_a_close() -> None:
    """RFC 6455 lets control frames come between fragments. The half message is no message."""
    async with gateway() as running:
        async with running.raw() as client:
            await client.upgrade()
            await client.send(frame(TEXT, b"x", fin=False) + frame(CLOSE, b"\x03\xe8"))
            # The framing calls it 1002; what $disconnect tells is the client's own code.
            assert await client.close_code() in (1000, 1002)
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1000
        assert not running.functions.named("default")


@in_loop
async def test_lengths_may_be_written_longer_than_needed() -> None:
    """RFC 6455 wants the shortest form; the framing library is lenient, and so we are."""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(bytes([0x81, 0x80 | 126, 0, 1]) + b"\0\0\0\0x")
        assert (await running.functions.event("default"))["body"] == "x"


@in_loop
async def test_thousands_of_tiny_frames_in_one_segment_are_all_handled() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(text("") * 300 + frame(PONG) * 3000)
        await running.functions.event("default", 300)
        await works(running)


@in_loop
async def test_endless_empty_fragments_cost_no_memory() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        await client.send(frame(TEXT, b"a", fin=False))
        for _ in range(10):
            await client.send(frame(CONTINUATION, fin=False) * 2000)
        await client.send(frame(PING, b"all?"))
        assert await client.frame() == (PONG, b"all?")
        (known,) = running.gateway._core.clients.values()
        assert len(known.connection._fragments) == 1
        await client.send(frame(CONTINUATION, b"b"))
        assert (await running.functions.event("default"))["body"] == "ab"


@in_loop
async def test_pings_without_number_are_answered() -> None:
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        sending = asyncio.create_task(client.send(b"".join(_pings(2000))))
        for number in range(2000):
            assert await client.frame() == (PONG, str(number).encode())
        await sending


def _pings(count: int) -> list[bytes]:
    return [frame(PING, str(number).encode()) for number in range(count)]


@in_loop
async def test_who_pings_and_does_not_read_is_cut_off() -> None:
    async with gateway(limits=SMALL) as running:
        async with running.raw() as client:
            await client.upgrade()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket has it
            flood = frame(PING, b"x" * 125) * 1000
            with pytest.raises(ConnectionError):
                await client.send(flood * 200)
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1006
        await works(running)


# --- Silence --------------------------------------------------------------------------------


@in_loop
async def test_a_peer_that_vanished_is_found_by_being_idle() -> None:
    """Its cable was pulled: no end of file, no reset. The close frame is answered by nobody."""
    async with gateway(limits=Limits(closing_seconds=0.02)) as running:
        async with running.raw() as client:
            await client.upgrade()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket has it
            running.clock.now += 600
            running.gateway.sweep()
            context = (await running.functions.event("disconnect"))["requestContext"]
            assert context["disconnectStatusCode"] == 1001
            await running.settled()
        await works(running)


@in_loop
async def test_a_client_that_closes_half_is_closed() -> None:
    """An end of file without a close frame."""
    async with gateway() as running, running.raw() as client:
        await client.upgrade()
        client.writer.write_eof()
        assert await client.reader.read() == b""
        context = (await running.functions.event("disconnect"))["requestContext"]
        assert context["disconnectStatusCode"] == 1006


@in_loop
async def test_a_client_that_leaves_before_its_answer_does_no_harm() -> None:
    go = asyncio.Event()

    async def handle(_event: Json) -> Json:
        await go.wait()
        return {"statusCode": 200, "body": "x" * 100_000}

    async with gateway(api_with(answering=["$default"])) as running:
        for ending in ("close", "vanish"):
            go.clear()
            running.functions.by_name["default"] = handle
            before = len(running.functions.named("disconnect"))
            async with running.raw() as client:
                await client.upgrade()
                number = len(running.functions.named("default")) + 1
                await client.send(text("hello"))
                await running.functions.event("default", number)
                if ending == "vanish":
                    client.vanish()
            await running.functions.event("disconnect", before + 1)
            go.set()
            await running.settled()
        await works(running)


@in_loop
async def test_a_handler_that_hangs_holds_up_nobody() -> None:
    async def handle(event: Json) -> Json:
        if event["body"] == "hang":
            await asyncio.Event().wait()
        return {"statusCode": 200, "body": event["body"]}

    limits = Limits(integration_seconds=0.2, closing_seconds=0.1)
    async with gateway(api_with(answering=["$default"]), limits=limits) as running:
        running.functions.by_name["default"] = handle
        async with running.client() as client:
            await client.send("hang")
            await client.send("quick")
            assert await client.recv() == "quick"
            assert json.loads(await client.recv())["message"] == "Internal server error"


@in_loop
async def test_many_connections_come_and_go() -> None:
    async with gateway() as running:

        async def visit(number: int) -> None:
            async with running.raw() as client:
                await client.upgrade()
                await client.send(text(str(number)))
                if number % 3 == 0:
                    await client.send(frame(CLOSE, b"\x03\xe8"))
                elif number % 3 == 1:
                    client.vanish()

        await asyncio.gather(*(visit(number) for number in range(60)))
        await running.functions.event("disconnect", 60)
        await running.settled()
        assert len(running.functions.named("disconnect")) == 60


@in_loop
async def test_a_client_that_reads_no_answers_is_cut_off_and_told_of() -> None:
    answer = {"statusCode": 200, "body": "x" * 60_000}
    for sent in (text("hello") * 50, frame(PING, b"x" * 100) * 10_000):
        async with gateway(api_with(answering=["$default"]), limits=SMALL) as running:
            running.functions.returns("default", answer)
            async with running.raw() as client:
                await client.upgrade()
                client.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket has it
                while "cut" not in dict(running.observed):
                    client.writer.write(sent)
                    await asyncio.sleep(0.01)
            await running.functions.event("disconnect")
        cut = [details["reason"] for what, details in running.observed if what == "cut"]
        assert cut == ["it does not read"]


@in_loop
async def test_who_broke_a_rule_is_told_from_who_says_that_another_did() -> None:
    async with gateway(limits=SMALL) as running:
        for sent in (frame(CLOSE, b"\x03\xf1"), frame(TEXT, b"x" * 33_000)):
            async with running.raw() as client:
                await client.upgrade()
                await client.send(sent)
                assert await client.close_code() == 1009
            await running.settled()
    closed = [details for what, details in running.observed if what == "closed"]
    assert [details["code"] for details in closed] == [1009, 1009]
    assert [details["by_client"] for details in closed] == [True, False]
    assert [log.gateway_line("closed", details) is None for details in closed] == [True, False]
