"""People live in rooms while everything that can go wrong on AWS does."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.faults.rules import AwsFault, AwsRule, FaultPlan, GatewayFault, GatewayRule
from tests.support.deeds import live
from tests.support.faults import stack_with_faults, strikes
from tests.support.site import new_person, unique
from tests.support.stack import LocalStack
from tests.support.staying import Seat

PEOPLE = 10
ROOMS = 2
ROOMS_EACH = 2
CHATS_EACH = 5


def plan(seed: int) -> FaultPlan:
    def aws(fault: AwsFault, probability: float) -> AwsRule:
        return AwsRule(fault=fault, table="*-chats", probability=probability)

    def post(fault: AwsFault) -> AwsRule:
        return AwsRule(fault=fault, service="apigatewaymanagementapi", probability=0.03)

    def push_job(fault: AwsFault, probability: float, ms: tuple[int, int] | None = None) -> AwsRule:
        return AwsRule(
            fault=fault, service="lambda", function="*-push", probability=probability, ms=ms
        )

    return FaultPlan(
        aws=(
            AwsRule(fault=AwsFault.LATENCY, service="dynamodb", ms=(0, 20), probability=0.5),
            aws(AwsFault.THROTTLE, 0.05),
            aws(AwsFault.ERROR, 0.05),
            aws(AwsFault.ERROR_AFTER, 0.05),
            aws(AwsFault.CUT, 0.05),
            aws(AwsFault.CUT_AFTER, 0.05),
            post(AwsFault.GONE),
            post(AwsFault.ERROR_AFTER),
            post(AwsFault.CUT),
            push_job(AwsFault.LATENCY, 0.5, (0, 500)),
            push_job(AwsFault.THROTTLE, 0.2),
            push_job(AwsFault.CUT_AFTER, 0.2),
        ),
        gateway=(
            GatewayRule(
                fault=GatewayFault.DUPLICATE, route="$default", ms=(0, 100), probability=0.2
            ),
            GatewayRule(fault=GatewayFault.DUPLICATE, route="$disconnect", ms=(0, 100)),
            GatewayRule(fault=GatewayFault.SWAP, ms=100, probability=0.1),
            GatewayRule(fault=GatewayFault.LOSE_DISCONNECT, probability=0.5),
            GatewayRule(
                fault=GatewayFault.KILL, function="*-message", every=60, times=4, ms=(0, 20)
            ),
            GatewayRule(fault=GatewayFault.KILL, function="*-push", every=2, times=3, ms=(0, 500)),
        ),
        seed=seed,
    )


@pytest.mark.timeout(480)
def test_everybody_has_what_a_fresh_client_loads_whatever_fails(tmp_path: Path) -> None:
    seed = os.environ.get("SEED", os.urandom(4).hex())
    print(f"SEED={seed} repeats the choices of this run")
    faults = plan(int(seed, 16))
    with stack_with_faults(faults, tmp_path) as stack:
        site = stack.site
        with ThreadPoolExecutor(4) as pool:
            people = list(pool.map(lambda _: new_person(site), range(PEOPLE)))
        seats = [Seat(site.websocket, site.origin, each.cookie_header) for each in people]
        # A thread of its own: Playwright's event loop may occupy this one.
        with ThreadPoolExecutor(1) as pool:
            living = live(seats, ROOMS, ROOMS_EACH, CHATS_EACH, seed, unique("장애"))
            life = pool.submit(asyncio.run, living).result()
        print(life)
    struck = strikes(stack)
    print(struck)
    assert life.chats == PEOPLE * ROOMS_EACH * CHATS_EACH
    assert life.changes > 0
    assert life.leaves >= ROOMS
    assert life.heard.most > 1, "the rooms were not busy enough for frames of several entries"
    assert len(struck) == len(faults.aws) + len(faults.gateway)
    assert sum(times > 0 for times in struck.values()) >= len(struck) - 4
    assert b" carry_room " in stack.log_path.read_bytes()


def test_what_is_delivered_twice_is_said_and_deleted_once(tmp_path: Path) -> None:
    twice = GatewayRule(fault=GatewayFault.DUPLICATE, route="$default")
    with stack_with_faults(FaultPlan(gateway=(twice,)), tmp_path) as stack:
        host = new_person(stack.site).chat()
        room_id = host.ask("room.open", name=unique("두번"))["room"]["room_id"]
        host.ask("chat.send", room_id=room_id, text="안녕", cid="cid-delivered-twice")
        wait_until_handled(stack, "chat.send", 2)
        entries = host.ask("chat.history", room_id=room_id, limit=100)["entries"]
        said = [entry for entry in entries if "text" in entry]
        host.ask("chat.delete", room_id=room_id, seq=said[0]["seq"])
        wait_until_handled(stack, "chat.delete", 2)
        hello = host.ask("session.hello")
    assert [entry["text"] for entry in said] == ["안녕"]
    assert "안녕" not in str(hello)


def wait_until_handled(stack: LocalStack, command: str, times: int) -> None:
    """Wait until a command was handled so often, by the stack's log."""
    while stack.log_path.read_text().count(command) < times:
        time.sleep(0.05)
