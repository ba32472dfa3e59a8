"""Random clients against a live gateway: whatever they send, nobody else is harmed.

A client sends frames, right and wrong ones, cut into segments at random places. Then:
every message that was complete before the first violation has been delivered exactly once,
nothing else has; no exception was logged; no task, no connection is left; others are served.
The examples are the same in each run; ``FUZZ=2000`` in the environment makes more of them.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.local.gateway.limits import Limits
from tests.unit.gateway_harness import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Raw,
    Running,
    frame,
    gateway,
    in_loop,
    text,
)

EXAMPLES: Final = int(os.environ.get("FUZZ", "60"))
LIMITS: Final = Limits(
    frame_bytes=64, message_bytes=200, messages_at_once=4, closing_seconds=0.02, unread_bytes=65536
)


@dataclass(frozen=True)
class Sent:
    """Bytes and the messages that they complete.

    After what `ends`, rightly or wrongly, nothing counts any more; what is `half` done is all
    that comes.
    """

    data: bytes
    messages: tuple[str, ...] = ()
    ends: bool = False
    half: bool = False


@st.composite
def whole_messages(draw: st.DrawFn) -> Sent:
    """A valid message in up to four frames, maybe with a ping between them."""
    pieces = draw(st.lists(st.text(max_size=12), min_size=1, max_size=4))
    content = [piece.encode() for piece in pieces]
    data = b""
    for number, piece in enumerate(content):
        last = number == len(content) - 1
        data += frame(CONTINUATION if number else TEXT, piece, fin=last)
        if not last and draw(st.booleans()):
            data += frame(draw(st.sampled_from([PING, PONG])), draw(st.binary(max_size=20)))
    return Sent(data, ("".join(pieces),))


pings = st.builds(
    lambda payload, count: Sent(frame(PING, payload) * count),
    st.binary(max_size=125),
    st.integers(1, 20),
)
ends = st.one_of(
    st.builds(lambda payload: Sent(frame(BINARY, payload), ends=True), st.binary(max_size=64)),
    st.builds(lambda n: Sent(frame(TEXT, b"x" * n), ends=True), st.integers(65, 300)),
    st.builds(
        lambda opcode: Sent(frame(opcode), ends=True),
        st.sampled_from([3, 4, 7, 0xB, 0xF, CONTINUATION]),
    ),
    st.builds(lambda bits: Sent(frame(TEXT, b"x", reserved=bits), ends=True), st.integers(1, 7)),
    st.builds(lambda: Sent(frame(TEXT, b"x", masked=False), ends=True)),
    st.builds(lambda: Sent(text(b"\xff\xfe"), ends=True)),
    st.builds(lambda: Sent(frame(PING, b"x", fin=False), ends=True)),
    st.builds(
        lambda payload: Sent(frame(CLOSE, payload), ends=True),
        st.one_of(st.just(b""), st.just(b"\x03\xe8bye"), st.binary(max_size=125)),
    ),
    # In the middle of something.
    st.builds(lambda: Sent(frame(TEXT, b"half", fin=False), half=True)),
    st.builds(lambda cut: Sent(text("cut off")[:cut], half=True), st.integers(1, 12)),
)
sequences = st.tuples(
    st.lists(st.one_of(whole_messages(), pings), max_size=8),
    st.one_of(st.none(), ends),
    st.binary(max_size=40),  # what still comes after the end
)


@settings(
    derandomize=True,
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    clients=st.lists(
        st.tuples(sequences, st.lists(st.integers(1, 40), max_size=6), st.booleans()),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_sent(
    clients: list[tuple[tuple[list[Sent], Sent | None, bytes], list[int], bool],],
) -> None:
    @in_loop
    async def play() -> None:
        async with gateway(limits=LIMITS) as running:
            visits = [
                _visit(running, number, parts, cuts, resets)
                for number, (parts, cuts, resets) in enumerate(clients)
            ]
            expected = Counter(
                message for sent in await asyncio.gather(*visits) for message in sent
            )
            await running.functions.event("disconnect", len(clients))
            await running.settled()
            got = Counter(event["body"] for event in running.functions.named("default"))
            assert got == expected
            assert len(running.functions.named("disconnect")) == len(clients)
            async with running.client() as other:
                await other.send("others are served")
                await running.functions.event("default", expected.total() + 1)

    play()


async def _visit(
    running: Running,
    number: int,
    parts: tuple[list[Sent], Sent | None, bytes],
    cuts: list[int],
    resets: bool,
) -> list[str]:
    """Be one client; returns the messages that have to be delivered."""
    right, wrong, rest = parts
    everything = b"".join(sent.data for sent in right)
    if wrong is not None:
        everything += wrong.data + (rest if wrong.ends else b"")
    expected = [message for sent in right for message in sent.messages]
    async with running.raw() as client:
        await client.upgrade(f"/prod?number={number}")
        with suppress(ConnectionError):
            for segment in _segments(everything, cuts):
                await client.send(segment)
                await asyncio.sleep(0)
        # Without a fault the gateway has read everything when it answers this ping; after one
        # it ends the connection. What is half begun would swallow the ping: the end comes first.
        if wrong is None:
            await client.send(frame(PING, b"the last"))
            while await client.frame() != (PONG, b"the last"):
                pass
        else:
            await _drained(client)
        if resets:
            client.vanish()
    return expected


async def _drained(client: Raw) -> None:
    """Say that nothing more comes and read what does."""
    with suppress(ConnectionError, OSError):
        client.writer.write_eof()
        await client.reader.read()


def _segments(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces of the given lengths, and the rest in one."""
    segments = []
    for cut in cuts:
        segments.append(data[:cut])
        data = data[cut:]
    return [segment for segment in [*segments, data] if segment]
