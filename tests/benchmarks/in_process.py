"""Commands through the handlers of this process: `python -m tests.benchmarks.in_process`.

Takes a task as JSON from stdin. Nothing else is in this process, so its CPU time is theirs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from tests.benchmarks import rig, seed, units

Found = dict[str, Any]

WARM_UP: Final = 50


def one_chat(*, chats: int) -> Found:
    """CPU of each chat of somebody who is alone in a room, in ms."""
    import app
    from chalicelib import metering

    took = []
    for number in range(WARM_UP + chats):
        event = rig.send_chat(0, 0, f"bench-{number:06}")
        began = time.process_time()
        answer = app.websocket_message(event, None)
        took.append((time.process_time() - began) * 1000)
        assert json.loads(answer["body"])["type"] == "ok", answer
        assert not metering.posts
    return {"ms": took[WARM_UP:], "calls": metering.dynamodb_calls}


def cost(*, room: int) -> Found:
    """What a chat asks of DynamoDB."""
    requests = _Requests()
    chat = {"type": "chat.send", "room_id": seed.room_id(room)}
    requests.ask({**chat, "cid": f"bench-{room:06}", "text": seed.TEXT})
    return requests.found()


def catch_up(*, rooms: int, after: int, until: int) -> Found:
    """Two ways to get what one missed in each of many rooms: one request for all, one for each.

    Args:
        after: up to where one has each room's log.
        until: where it ends.
    """
    together = _Requests()
    missing = {seed.room_id(number): after for number in range(rooms)}
    while missing:
        positions = [
            {"room_id": room_id, "after": seq, "epoch": seed.EPOCH}
            for room_id, seq in missing.items()
        ]
        for room in together.ask({"type": "room.sync", "rooms": positions})["rooms"]:
            if room.get("complete"):
                assert room["entries"][-1]["seq"] == until
                del missing[room["room_id"]]
            elif room.get("entries"):
                missing[room["room_id"]] = room["entries"][-1]["seq"]
    each = _Requests()
    for number in range(rooms):
        reply = each.ask(
            {"type": "chat.history", "room_id": seed.room_id(number), "after": after, "limit": 100}
        )
        assert reply["entries"][-1]["seq"] == until
    return {"together": together.found(), "each": each.found()}


class _Requests:
    """Requests of one person, and what they took."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, int]] = []
        self._seconds = 0.0
        self._cpu_seconds = 0.0
        self._calls: list[units.Call] = []

    def ask(self, command: dict[str, Any]) -> Any:
        import app

        event = rig.message(0, command)
        with units.recorded() as calls:
            began, cpu = time.perf_counter(), time.process_time()
            answer = app.websocket_message(event, None)
            self._cpu_seconds += time.process_time() - cpu
            self._seconds += time.perf_counter() - began
        self._calls += calls
        self._frames.append((len(event["body"].encode()), len(answer["body"].encode())))
        reply = json.loads(answer["body"])
        assert reply["type"] == "ok", reply
        return reply

    def found(self) -> Found:
        return {
            "frames": self._frames,
            "seconds": self._seconds,
            "cpu_seconds": self._cpu_seconds,
            "calls": Counter(call.operation for call in self._calls),
            "units": asdict(units.total(self._calls)),
        }


TASKS: Final[dict[str, Callable[..., Found]]] = {
    "one_chat": one_chat,
    "cost": cost,
    "catch_up": catch_up,
}


def main() -> None:
    """Do a task."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the app's log
    task: dict[str, Any] = json.load(sys.stdin)
    found = TASKS[task.pop("kind")](**task)
    print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
