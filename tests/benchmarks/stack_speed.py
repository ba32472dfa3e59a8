"""How fast Ping-Pong is on the local stack, through real sockets and real Lambda processes."""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from infra.local.faults.rules import AwsFault, AwsRule, FaultPlan, GatewayFault, GatewayRule
from tests.benchmarks import driver, processes
from tests.benchmarks.result import Result
from tests.support.crowd import Seat
from tests.support.faults import stack_with_faults, strikes
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack, own_stack

CHATS: Final = 60
PEOPLE: Final = 200
ROOMS: Final = 20
CHATS_EACH: Final = 20
#: How many sign in at once; that is not measured.
SIGNING_IN: Final = 8


def _log_fails(fault: AwsFault) -> AwsRule:
    return AwsRule(fault=fault, table="*-chats", probability=0.005)


def _posts_fail(fault: AwsFault) -> AwsRule:
    return AwsRule(fault=fault, service="apigatewaymanagementapi", probability=0.005)


FAULTS: Final = FaultPlan(
    aws=(
        AwsRule(fault=AwsFault.LATENCY, service="dynamodb", ms=(0, 20), probability=0.2),
        *map(_log_fails, (AwsFault.THROTTLE, AwsFault.ERROR_AFTER, AwsFault.CUT_AFTER)),
        *map(_posts_fail, (AwsFault.GONE, AwsFault.ERROR_AFTER)),
    ),
    gateway=(
        GatewayRule(fault=GatewayFault.SWAP, ms=100, probability=0.05),
        GatewayRule(fault=GatewayFault.KILL, function="*-message", every=500, ms=(0, 20)),
    ),
    seed=13,
)


def measure() -> dict[str, Result]:
    """All figures of Ping-Pong itself, which has no peer."""
    with tempfile.TemporaryDirectory() as directory, own_stack(Path(directory)) as stack:
        ready = restart_seconds(stack)
        way = chat_ms(stack)
        crowd, note = crowd_talk(stack)
    with tempfile.TemporaryDirectory() as directory:
        with stack_with_faults(FAULTS, Path(directory)) as stack:
            hindered, hindered_note = crowd_talk(stack)
        struck = sum(strikes(stack).values())
    return {
        "P13 app ready": Result(ours=ready, unit="s until Ping-Pong is ready", goal="≤ 5"),
        "P13 app way": Result(
            ours=way, unit="ms from send to the other socket, median", goal="≤ 150"
        ),
        "P13 app connect": Result(
            ours=round(crowd["connect_seconds"], 2),
            unit=f"s for {PEOPLE} people to connect and say hello at once",
            goal="-",
        ),
        "P13 app crowd": Result(
            ours=round(crowd["talk_seconds"], 1),
            unit=f"s until {PEOPLE} people in {ROOMS} rooms have all of {CHATS_EACH} chats each",
            goal="well under 60",
            note=note,
        ),
        "P13 app crowd, faults": Result(
            ours=round(hindered["talk_seconds"], 1),
            unit="s for the same with faults on",
            goal="well under 60",
            note=f"{struck} faults; {hindered_note}",
        ),
    }


def restart_seconds(stack: LocalStack) -> float:
    """From nothing running to ready, everything installed and packaged before."""
    stack.stop()
    started = time.perf_counter()
    stack.start()
    return round(time.perf_counter() - started, 2)


def chat_ms(stack: LocalStack) -> float:
    """Median way of a chat from the sender's socket to another person's, warm."""
    site = stack.site
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = host.ask("room.open", name=unique("bench"))["room"]["room_id"]
    guest.ask("room.enter", room_id=room_id)
    times = []
    for number in range(CHATS):
        started = time.perf_counter()
        sent = host.begin("chat.send", room_id=room_id, text=f"{number}", cid=unique("cid"))
        guest.wait_for_entry(text=f"{number}")
        times.append((time.perf_counter() - started) * 1000)
        sent.result(10)
    return round(statistics.median(times[10:]), 1)


def crowd_talk(stack: LocalStack) -> tuple[dict[str, Any], str]:
    """Everybody talks at once; fails when two people do not end with the same history.

    Returns:
        What load_crowd tells, and a note of what it took.
    """
    site = stack.site
    with ThreadPoolExecutor(SIGNING_IN) as pool:
        browsers = list(pool.map(lambda _: new_person(site), range(PEOPLE)))
    seats = [Seat(site.websocket, site.origin, browser.cookie_header) for browser in browsers]
    others, used = processes.Others(), processes.cpu_seconds(stack.pid)
    went = driver.run(
        "load_crowd",
        seats=[asdict(seat) for seat in seats],
        rooms=ROOMS,
        chats_each=CHATS_EACH,
        seed=unique("crowd"),
        topic=unique("crowd"),
    )
    used = processes.cpu_seconds(stack.pid) - used
    mended = (f"{number} {what}" for what, number in went["troubles"].items() if number)
    note = f"mended: {', '.join(mended) or 'nothing'}; "
    note += f"{used:.0f} s of CPU, {processes.tree_mb(stack.pid):.0f} MB; "
    note += f"others used {others.cpus:.1f} CPUs"
    return went, note
