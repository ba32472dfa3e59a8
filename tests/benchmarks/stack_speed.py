"""How fast Ping-Pong is on the local stack, through real sockets and real Lambda processes."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final

from tests.benchmarks import driver, processes
from tests.benchmarks.result import Result
from tests.support.crowd import Seat
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack

CHATS: Final = 60
PEOPLE: Final = 200
ROOMS: Final = 20
CHATS_EACH: Final = 20
#: How many sign in at once; that is not measured.
SIGNING_IN: Final = 8


def measure(stack: LocalStack) -> dict[str, Result]:
    """All figures of Ping-Pong itself, which has no peer."""
    ready = restart_seconds(stack)
    way = chat_ms(stack)
    others, used = processes.Others(), processes.cpu_seconds(stack.pid)
    crowd = crowd_talk(stack)
    used = processes.cpu_seconds(stack.pid) - used
    mended = ", ".join(f"{number} {what}" for what, number in crowd["troubles"].items() if number)
    note = f"same complete history for everybody; mended: {mended or 'nothing'}; "
    note += f"{used:.0f} s of CPU, {processes.tree_mb(stack.pid):.0f} MB; "
    note += f"others used {others.cpus:.1f} CPUs"
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


def crowd_talk(stack: LocalStack) -> dict[str, Any]:
    """Everybody talks at once; fails when two people do not end with the same history."""
    site = stack.site
    with ThreadPoolExecutor(SIGNING_IN) as pool:
        browsers = list(pool.map(lambda _: new_person(site), range(PEOPLE)))
    seats = [Seat(site.websocket, site.origin, browser.cookie_header) for browser in browsers]
    return driver.run(
        "load_crowd",
        seats=[asdict(seat) for seat in seats],
        rooms=ROOMS,
        chats_each=CHATS_EACH,
        seed=unique("crowd"),
        topic=unique("crowd"),
    )
