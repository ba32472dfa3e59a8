"""Sends a request to each of many receivers behind one endpoint, many at once.

A thread and a selector are enough: nothing here computes for long, and there is no event
loop to outlive an invocation. Channels that are left over rest in a pool until the next
time, which may be after Lambda had the process frozen.
"""

from __future__ import annotations

import heapq
import itertools
import random
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from chalicelib.channels import Address, Channel, ChannelErrors, Endpoint, Tls, resolve
from chalicelib.http1 import BadAnswerError

#: Requests under way at once.
CHANNELS_MAX: Final = 128
#: Channels being opened at once. TLS takes 1 ms of CPU for each, so more would not be ready
#: sooner; meanwhile those that are ready carry requests.
OPENING_MAX: Final = 16
#: A request without an answer by then is given up and repeated; so is an attempt to connect.
ANSWER_SECONDS: Final = 1.0
#: A channel that rested for longer is not used again: the server may have forgotten it
#: while this process was frozen, and then not even say so.
REST_SECONDS: Final = 45.0
#: A repeat waits for a random time up to this, doubled each time.
#: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
BACK_OFF_SECONDS: Final = 0.05
BACK_OFF_SECONDS_MAX: Final = 0.8

#: How a request ended: the answer's status, or the name of the error that it got instead.
Outcome = int | str
#: There was no time to send it.
NOT_TRIED: Final = "NotTried"


class Pool:
    """The channels to an endpoint that rest. Threads may share it."""

    def __init__(self, endpoint: Endpoint, tls: Tls | None) -> None:
        self._endpoint = endpoint
        self._tls = tls
        # Used from the right, so what is at the left has rested longest.
        self._resting: deque[tuple[float, Channel]] = deque()
        self._lock = threading.Lock()

    def addresses(self, seconds: float) -> list[Address]:
        """The endpoint's addresses, looked up anew.

        Raises:
            OSError: they were not found within ``seconds``.
        """
        return resolve(self._endpoint, seconds)

    def open(self, address: Address) -> Channel:
        """A new channel.

        Raises:
            OSError: the address can't be reached.
        """
        return Channel(self._endpoint, address, self._tls)

    def take(self, number: int) -> list[Channel]:
        """Up to so many of the channels that rested least."""
        taken: list[Channel] = []
        # The wall clock, because a monotonic one may stand still in a frozen process.
        oldest = time.time() - REST_SECONDS
        with self._lock:
            while self._resting and len(taken) < number:
                since, channel = self._resting.pop()
                if since >= oldest:
                    taken.append(channel)
                else:
                    channel.close()
        return taken

    def put(self, channels: Iterable[Channel]) -> None:
        """Let channels rest."""
        now = time.time()
        with self._lock:
            for channel in channels:
                channel.was_used = True
                self._resting.append((now, channel))
            while len(self._resting) > CHANNELS_MAX:
                self._resting.popleft()[1].close()


@dataclass(slots=True)
class _Job:
    key: str
    sends: int = 0
    outcome: Outcome = NOT_TRIED


class Fanout:
    """One request to each of many receivers; ``run`` it once."""

    def __init__(self, pool: Pool, request_of: Callable[[str], bytes]) -> None:
        #: How each request ended, by its receiver.
        self.outcomes: dict[str, Outcome] = {}
        #: How many were sent again.
        self.repeats = 0
        self._pool = pool
        self._request_of = request_of
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[_Job] = deque()
        self._later: list[tuple[float, int, _Job]] = []
        self._order = itertools.count()
        self._unfinished = 0
        # When each began; dicts keep order, so the first is the first to be overdue.
        self._busy: dict[Channel, tuple[float, _Job]] = {}
        self._opening: dict[Channel, float] = {}
        self._idle: list[Channel] = []
        self._addresses: deque[Address] = deque()
        self._failed_rounds = 0
        self._open_after = 0.0
        self._refusal = ""
        self._now = self._deadline = time.monotonic()

    def run(self, receivers: Iterable[str], within: float) -> None:
        """Send all, wait for the answers, and repeat what is worth it.

        Args:
            receivers: what ``request_of`` makes requests of.
            within: seconds until what is still unanswered is given up.
        """
        self._waiting.extend(map(_Job, receivers))
        self._unfinished = len(self._waiting)
        self._deadline = self._now + within
        try:
            self._adopt()
            while self._unfinished and self._now < self._deadline:
                self._start()
                ready = self._selector.select(self._patience())
                # Taken here, so that what is overdue had not come by then: to go through what
                # is ready can take longer than an answer may, where CPU is scarce.
                self._now = time.monotonic()
                for key, _ in ready:
                    self._proceed(key.data, key.events)
                self._give_up_overdue()
        finally:
            self._leave()

    def _adopt(self) -> None:
        """Take channels of earlier times."""
        for channel in self._pool.take(min(len(self._waiting), CHANNELS_MAX)):
            self._selector.register(channel, channel.wants, channel)
            if channel.is_ready:
                self._idle.append(channel)
            else:
                self._opening[channel] = self._now
        # Whatever has come to one that rests is its end, or of no interest.
        for key, _ in self._selector.select(0):
            self._proceed(key.data, key.events)

    def _start(self) -> None:
        """Put what waits on its way."""
        while self._later and self._later[0][0] <= self._now:
            self._waiting.append(heapq.heappop(self._later)[2])
        while self._waiting and self._idle:
            self._send(self._idle.pop(), self._waiting.popleft())
        while (
            len(self._opening) < min(OPENING_MAX, len(self._waiting))
            and len(self._opening) + len(self._busy) < CHANNELS_MAX
            and self._now >= self._open_after
        ):
            self._open()

    def _patience(self) -> float:
        """Seconds until something is to be done though nothing happens."""
        times = [self._deadline]
        if self._busy:
            times.append(next(iter(self._busy.values()))[0] + ANSWER_SECONDS)
        if self._opening:
            times.append(next(iter(self._opening.values())) + ANSWER_SECONDS)
        if self._later:
            times.append(self._later[0][0])
        if self._waiting and self._open_after > self._now:
            times.append(self._open_after)
        return max(0.0, min(times) - self._now)

    def _open(self) -> None:
        address = None
        try:
            if not self._addresses:
                self._addresses.extend(self._pool.addresses(self._deadline - self._now))
            address = self._addresses[0]
            self._addresses.rotate()
            channel = self._pool.open(address)
        except OSError as error:
            self._refused(address, error)
        else:
            self._selector.register(channel, channel.wants, channel)
            self._opening[channel] = time.monotonic()

    def _refused(self, address: Address | None, error: Exception) -> None:
        """An address is of no use: go on with others, or look them up again after a while."""
        self._refusal = type(error).__name__
        if address is not None and address in self._addresses:
            self._addresses.remove(address)
        if not self._addresses:
            self._open_after = self._now + _back_off(self._failed_rounds)
            self._failed_rounds += 1

    def _send(self, channel: Channel, job: _Job) -> None:
        request = self._request_of(job.key)
        self._busy[channel] = time.monotonic(), job
        self.repeats += job.sends > 0
        job.sends += 1
        wanted = channel.wants
        try:
            channel.send(request)
        except ChannelErrors as error:
            self._lost(channel, error)
        else:
            if channel.wants != wanted:
                self._selector.modify(channel, channel.wants, channel)

    def _proceed(self, channel: Channel, wanted: int) -> None:
        try:
            answer = channel.proceed()
        except ChannelErrors as error:
            self._lost(channel, error)
            return
        if channel.wants != wanted:
            self._selector.modify(channel, channel.wants, channel)
        if answer is None:
            if channel.is_ready and self._opening.pop(channel, None) is not None:
                self._failed_rounds = 0
                self._next(channel)
        elif channel in self._busy:
            _, job = self._busy.pop(channel)
            self._answered(job, answer.status)
            if answer.is_reusable:
                self._next(channel)
            else:
                self._drop(channel)
        else:
            self._lost(channel, BadAnswerError("nothing was asked"))

    def _next(self, channel: Channel) -> None:
        if self._waiting:
            self._send(channel, self._waiting.popleft())
        else:
            self._idle.append(channel)

    def _answered(self, job: _Job, status: int) -> None:
        job.outcome = status
        if status == 429 or status >= 500:
            self._repeat(job)
        else:
            self._finish(job)

    def _lost(self, channel: Channel, error: Exception) -> None:
        """A channel is of no use any more."""
        self._drop(channel)
        if self._opening.pop(channel, None) is not None:
            if not channel.was_used:
                self._refused(channel.address, error)
        elif channel in self._busy:
            job = self._busy.pop(channel)[1]
            job.outcome = type(error).__name__
            if channel.was_used and not channel.has_received:
                # The server ended it while it rested: that says nothing about the server.
                self._waiting.appendleft(job)
            else:
                self._repeat(job)
        else:
            self._idle.remove(channel)

    def _drop(self, channel: Channel) -> None:
        self._selector.unregister(channel)
        channel.close()

    def _give_up_overdue(self) -> None:
        before = self._now - ANSWER_SECONDS
        for channels in (self._busy, self._opening):
            overdue = []
            for channel, began in channels.items():
                if (began if isinstance(began, float) else began[0]) > before:
                    break
                overdue.append(channel)
            for channel in overdue:
                self._lost(channel, TimeoutError())

    def _repeat(self, job: _Job) -> None:
        """Try again after a while, if there is time for that."""
        again_at = self._now + _back_off(job.sends - 1)
        if again_at < self._deadline:
            heapq.heappush(self._later, (again_at, next(self._order), job))
        else:
            self._finish(job)

    def _finish(self, job: _Job) -> None:
        self.outcomes[job.key] = job.outcome
        self._unfinished -= 1

    def _leave(self) -> None:
        """Close what an answer may still come to; let the rest rest."""
        for channel, (_, job) in self._busy.items():
            channel.close()
            job.outcome = "TimeoutError"
            self._finish(job)
        for job in [*self._waiting, *(job for *_, job in self._later)]:
            if job.outcome == NOT_TRIED:
                job.outcome = self._refusal or NOT_TRIED
            self._finish(job)
        self._selector.close()
        self._pool.put([*self._opening, *self._idle])  # the ready ones are used first


def _back_off(failures: int) -> float:
    # 2.0**9 is beyond the maximum already, and 2.0**1024 beyond a float.
    return random.uniform(0, min(BACK_OFF_SECONDS_MAX, BACK_OFF_SECONDS * 2.0 ** min(failures, 9)))
