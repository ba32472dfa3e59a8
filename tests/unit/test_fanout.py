"""The rules of sending to many, on channels without a network; test_sender.py has the rest."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterable

import pytest

from chalicelib import fanout
from chalicelib.channels import Address
from chalicelib.fanout import Fanout
from chalicelib.http1 import Answer


class EchoChannel:
    """Has an answer as soon as a request is sent."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self.wants = selectors.EVENT_READ
        self.is_ready = self.was_used = True
        self.has_received = False
        self.address = Address(socket.AF_UNIX, "")

    def fileno(self) -> int:
        return self._near.fileno()

    def send(self, request: bytes) -> None:
        self._far.send(b"x")

    def proceed(self) -> Answer:
        self._near.recv(1)
        return Answer(200, is_reusable=True)

    def close(self) -> None:
        self._near.close()
        self._far.close()


class EchoPool:
    def __init__(self, number: int) -> None:
        self.channels = [EchoChannel() for _ in range(number)]

    def take(self, number: int) -> list[EchoChannel]:
        return self.channels[:number]

    def addresses(self, _seconds: float) -> list[Address]:
        raise OSError("there are no others")

    def put(self, channels: Iterable[EchoChannel]) -> None:
        for channel in channels:
            channel.close()


def test_an_answer_that_came_counts_however_late_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def slow(_: str) -> bytes:
        nonlocal now
        now += 2 * fanout.ANSWER_SECONDS  # there is little CPU for this process
        return b""

    monkeypatch.setattr("chalicelib.fanout.time.monotonic", lambda: now)
    fan = Fanout(EchoPool(3), slow)  # type: ignore[arg-type]
    fan.run(["a", "b", "c", "d", "e", "f"], within=1e9)
    assert fan.outcomes == dict.fromkeys("abcdef", 200)
    assert fan.repeats == 0


@pytest.mark.parametrize("failures", [0, 5, 9, 10_000])
def test_waits_grow_to_a_maximum(failures: int) -> None:
    longest = min(fanout.BACK_OFF_SECONDS_MAX, fanout.BACK_OFF_SECONDS * 2.0 ** min(failures, 50))
    waits = [fanout._back_off(failures) for _ in range(300)]
    assert 0 <= min(waits) < longest / 3
    assert longest * 2 / 3 < max(waits) <= longest
