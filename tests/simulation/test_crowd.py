"""A crowd talks at once, every client with real sockets, no fault but its own haste."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.crowd import Seat, talk
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack, StackSite

PEOPLE = 40
ROOMS = 4
CHATS_EACH = 5


@pytest.mark.timeout(240)
def test_a_crowd_ends_with_one_history_in_each_room(
    stack: LocalStack, stack_site: StackSite
) -> None:
    seed = os.environ.get("SEED", os.urandom(4).hex())
    print(f"SEED={seed} repeats the choices of this run")
    with ThreadPoolExecutor(8) as pool:
        browsers = list(pool.map(lambda _: new_person(stack_site), range(PEOPLE)))
    seats = [Seat(stack_site.websocket, stack_site.origin, each.cookie_header) for each in browsers]

    before = stack.log_path.stat().st_size
    # A thread of its own: Playwright's event loop may occupy this one.
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(asyncio.run, talk(seats, ROOMS, CHATS_EACH, seed, unique("군중")))
        went = talking.result()
    print(went)
    assert went.chats == PEOPLE * CHATS_EACH
    assert went.heard.most > 1, "the crowd was not dense enough for frames of several entries"
    while b" carry_room " not in stack.log_path.read_bytes()[before:]:
        time.sleep(0.05)  # a worker tells of its job when that is done
