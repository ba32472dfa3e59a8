"""Like apps on the local stack and on serverless-offline, in turns, each started for its turn.

The peer is measured three times: with handlers in Node.js as it comes (a Lambda is a worker
thread), with `--useInProcess` (a Lambda is a function call in the server: its quickest way,
without isolation), and with ours' own Python handlers (a Lambda is a process). Ours runs each
Lambda as a process, behind signed requests and IAM.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from tests.benchmarks import contenders, driver, processes
from tests.benchmarks.contenders import (
    Contender,
    InProcess,
    Ours,
    PythonHandlers,
    ServerlessOffline,
    Storage,
)
from tests.benchmarks.result import Result

ROUNDS: Final = 3
ECHOES: Final = 300
CLIENTS: Final = 200
ROOMS: Final = 20
CHATS_EACH: Final = 20
WAYS: Final = 100
#: How long the chat may take, in seconds.
CHAT_LIMIT_SECONDS: Final = 120.0
#: Memory per connection is the slope between these two, so that the server's own is not in it.
IDLE: Final = (500, 2000)

PEERS: Final = (ServerlessOffline, InProcess, PythonHandlers)
NAMES: Final = (Ours.name, *(peer.name for peer in PEERS))
#: Ends the names of the figures, by peer.
SUFFIXES: Final = ("", ", in process", ", Python")
NEVER_SLOWER: Final = "never slower than the peer"


Turn = TypeVar("Turn")


@dataclass(frozen=True)
class EchoTurn:
    """One start of the echo app."""

    ready_seconds: float
    echo_ms: float
    connect_seconds: float
    connected: int
    connect_cpu_seconds: float


@dataclass(frozen=True)
class IdleTurn:
    """One start of the echo app, whose connections say nothing."""

    kb_per_connection: float
    #: Of everything that was started, with all connections open.
    mb: float


@dataclass(frozen=True)
class ChatTurn:
    """One start of the chat app."""

    way_ms: float
    seconds: float
    heard: float
    cpu_seconds: float
    twice: int
    mb: float


def measure() -> dict[str, Result]:
    """All figures of the two apps."""
    contenders.install()
    others = processes.Others()
    echoes = [lambda: Ours("echo"), *_peers("echo", None)]
    echo = _in_turns(_echo_turn, echoes, ROUNDS)
    results = _echo_results(echo, f"others used {others.cpus:.1f} CPUs")
    results |= _idle_results(_in_turns(_idle_turn, echoes, 1))
    others = processes.Others()
    with contenders.storage() as storage:
        peers = _peers("chat", storage)
        chat = _in_turns(_chat_turn, [lambda: Ours("chat"), *peers], 1)
    return results | _chat_results(chat, f"others used {others.cpus:.1f} CPUs")


def _peers(app: str, storage: Storage | None) -> list[Callable[[], Contender]]:
    return [partial(peer, app, storage) for peer in PEERS]


def _in_turns(
    turn: Callable[[Contender], Turn], new: Sequence[Callable[[], Contender]], rounds: int
) -> list[list[Turn]]:
    """Each contender's turns: everyone once, then everyone again."""
    turns: list[list[Turn]] = [[] for _ in new]
    for _ in range(rounds):
        for mine, contender in zip(turns, new, strict=True):
            mine.append(turn(contender()))
            print(f"  {mine[-1]}", file=sys.stderr, flush=True)
    return turns


def _echo_turn(contender: Contender) -> EchoTurn:
    with contender.running() as ready_seconds:
        url = contender.websocket
        echo = driver.run("load", kind="echo", url=url, times=ECHOES)
        used = processes.cpu_seconds(*contender.roots)
        connect = driver.run("load", kind="at_once", url=url, clients=CLIENTS)
        used = processes.cpu_seconds(*contender.roots) - used
    return EchoTurn(
        ready_seconds=ready_seconds,
        echo_ms=echo["median_ms"],
        connect_seconds=connect["seconds"],
        connected=connect["connected"],
        connect_cpu_seconds=used,
    )


def _idle_turn(contender: Contender) -> IdleTurn:
    resident, mb = [], 0.0
    with (
        contender.running(),
        driver.steps("load", kind="idle", url=contender.websocket, steps=IDLE) as idle,
    ):
        for _ in idle:
            resident.append(processes.resident_kb(contender.pid))
            mb = processes.tree_mb(*contender.roots)
    return IdleTurn(
        kb_per_connection=(resident[-1] - resident[0]) / (IDLE[-1] - IDLE[0]),
        mb=mb,
    )


def _chat_turn(contender: Contender) -> ChatTurn:
    with contender.running():
        url = contender.websocket
        way = driver.run("load", kind="way", url=url, times=WAYS)
        used = processes.cpu_seconds(*contender.roots)
        talk = driver.run(
            "load",
            kind="chat",
            url=url,
            clients=CLIENTS,
            rooms=ROOMS,
            chats=CHATS_EACH,
            limit=CHAT_LIMIT_SECONDS,
        )
        used = processes.cpu_seconds(*contender.roots) - used
        mb = processes.tree_mb(*contender.roots)
    return ChatTurn(
        way_ms=way["median_ms"],
        seconds=talk["seconds"],
        heard=talk["heard"] / talk["wanted"],
        cpu_seconds=used,
        twice=talk["twice"],
        mb=mb,
    )


def _echo_results(turns: list[list[EchoTurn]], noise: str) -> dict[str, Result]:
    ours, *peers = turns
    measured: dict[str, tuple[Callable[[EchoTurn], float], str, str]] = {
        "ready": (lambda turn: turn.ready_seconds, "s until the first echo, installed", "≤ 5"),
        "echo": (lambda turn: turn.echo_ms, "ms there and back, median", NEVER_SLOWER),
        "connect": (
            lambda turn: turn.connect_seconds,
            f"s for {CLIENTS} clients to connect at once",
            NEVER_SLOWER,
        ),
    }
    notes = {
        "ready": f"medians of {ROUNDS} turns; {noise}",
        "echo": "",
        "connect": _per_contender(turns, _how_many),
    }
    results = {}
    for name, (figure, unit, goal) in measured.items():
        for peer, suffix in zip(peers, SUFFIXES, strict=True):
            results[f"P13 {name}{suffix}"] = Result(
                ours=_median(ours, figure),
                peer=_median(peer, figure),
                unit=unit,
                goal=goal,
                note="" if suffix else notes[name],
            )
    return results


def _idle_results(turns: list[list[IdleTurn]]) -> dict[str, Result]:
    ours, *peers = turns
    return {
        f"P13 idle{suffix}": Result(
            ours=_median(ours, lambda turn: turn.kb_per_connection),
            # Where worker threads end meanwhile, their memory hides that of connections.
            peer=_positive(_median(peer, lambda turn: turn.kb_per_connection)),
            unit=f"KB per idle connection, of the process that holds it, {IDLE[0]} to {IDLE[1]}",
            goal="modest",
            note="" if suffix else _per_contender(turns, lambda turn: f"{turn.mb:.0f} MB in all"),
        )
        for peer, suffix in zip(peers, SUFFIXES, strict=True)
    }


def _chat_results(turns: list[list[ChatTurn]], noise: str) -> dict[str, Result]:
    ours, *peers = turns
    results = {}
    for peer, suffix in zip(peers, SUFFIXES, strict=True):
        results[f"P13 like way{suffix}"] = Result(
            ours=_median(ours, lambda turn: turn.way_ms),
            peer=_median(peer, lambda turn: turn.way_ms),
            unit="ms from one client to the other, like chat, median",
            goal=NEVER_SLOWER,
        )
        results[f"P13 like crowd{suffix}"] = Result(
            ours=_median(ours, lambda turn: turn.seconds),
            peer=_median(peer, lambda turn: turn.seconds),
            unit=f"s until {CLIENTS} clients in {ROOMS} rooms have all of {CHATS_EACH} chats each",
            goal=NEVER_SLOWER,
            note=noise if suffix else _per_contender(turns, _how_far),
        )
    return results


def _how_many(turn: EchoTurn) -> str:
    return f"{turn.connected} connected with {turn.connect_cpu_seconds:.1f} s of CPU"


def _how_far(turn: ChatTurn) -> str:
    ended = "" if turn.heard == 1 else f" when stopped after {CHAT_LIMIT_SECONDS:.0f} s"
    return (
        f"{turn.heard:.1%} heard{ended}, {turn.twice} twice, "
        f"{turn.cpu_seconds:.0f} s of CPU, {turn.mb:.0f} MB"
    )


def _per_contender(turns: list[list[Turn]], tell: Callable[[Turn], str]) -> str:
    """Told for each contender's last turn, in the order of NAMES."""
    told = (f"{name} {tell(mine[-1])}" for name, mine in zip(NAMES, turns, strict=True))
    return "; ".join(told)


def _positive(figure: float) -> float | None:
    return figure if figure > 0 else None


def _median(turns: list[Turn], figure: Callable[[Turn], float]) -> float:
    return round(statistics.median(map(figure, turns)), 2)
