"""How fast the local stack is, through real sockets and real Lambda processes."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.support.site import new_person, unique
from tests.support.stack import LocalStack

CHATS: Final = 60
CLIENTS: Final = 200
PEOPLE: Final = 20


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


def connect_seconds(stack: LocalStack) -> float:
    """Until so many clients, of a few people, are connected and greeted."""
    site = stack.site
    people = [new_person(site) for _ in range(PEOPLE)]
    started = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        clients = list(pool.map(lambda number: people[number % PEOPLE].chat(), range(CLIENTS)))
    seconds = time.perf_counter() - started
    for client in clients:
        client.close()
    return round(seconds, 2)
