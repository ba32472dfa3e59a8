"""The same chats in AWS's sample simple-websockets-chat-app, and in one that knows rooms.

https://github.com/aws-samples/simple-websockets-chat-app (fb1f0d6 of 2026-01-03): for each chat a
Scan of all connections and a post to each of them, the writer's included. It stores no chat, has
no names, read marks or keep-alive, and its DynamoDB table has 5 units a second; here the table is
on demand, or it would refuse most of this load.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from infra.cost.bill import Item
from infra.cost.load import Load
from infra.cost.measured import READ_BYTES, Measured
from infra.cost.ours import CHAT, FRAMING_BYTES, GB, HEADERS_BYTES, LAMBDA_LINES_BYTES

#: A connection in its table: the name and 16 characters. With a room's id: 7 + 16 more, and an
#: index by room.
CONNECTION_BYTES: Final = 12 + 16
ROOM_BYTES: Final = 7 + 16
#: Its template's; Lambda's default time limit, which the template leaves.
MEMORY_GB: Final = 256 / 1024
TIMEOUT_SECONDS: Final = 3
#: Assumed: a call of DynamoDB and start of the handler; and CPU per post of AWS's JavaScript SDK
#: on the seventh of a vCPU that 256 MB have, at 0.5 ms of a whole one.
BASE_SECONDS: Final = 0.03
POST_SECONDS: Final = 0.0035


def connections(load: Load) -> float:
    """Connections at the time of a chat: people chat when others do, halfway to the peak."""
    return max(load.listeners, load.mean_connections * (1 + load.habits.peak) / 2)


def items(load: Load, measured: Measured, *, by_room: bool) -> Iterator[Item]:
    """A month of it.

    Args:
        by_room: with a query of the room's connections instead of the Scan.
    """
    chats = load.chats
    command = measured.commands[CHAT]
    visits = load.users * load.habits.visits * load.days
    heard = load.listeners if by_room else connections(load)
    row = CONNECTION_BYTES + (ROOM_BYTES if by_room else 0)
    asked = "the room's" if by_room else "all"
    seconds = min(TIMEOUT_SECONDS, BASE_SECONDS + heard * POST_SECONDS)
    yield Item(
        "websocket_message",
        chats * (1 + heard),
        f"{chats:,.0f} chats × (1 + {heard:,.0f} connections)",
    )
    minutes = load.users * load.hours_online * 60 * load.days
    yield Item("websocket_minute", minutes, "the same connections")
    yield Item(
        "dynamodb_read",
        chats * max(1, math.ceil(heard * row / READ_BYTES)) / 2,
        f"{chats:,.0f} × {asked} {heard:,.0f} rows of {row} bytes, eventually consistent",
    )
    writes = 2 * visits * (2 if by_room else 1)
    yield Item("dynamodb_write", writes, f"{visits:,.0f} connections that come and go")
    invocations = chats + 2 * visits
    yield Item("lambda_request", invocations, "chats, and connections that come and go")
    yield Item(
        "lambda_x86_gb_second",
        MEMORY_GB * (chats * seconds + 2 * visits * BASE_SECONDS),
        f"{MEMORY_GB} GB × {seconds:.3g} s per chat, assumed",
    )
    logs = invocations * LAMBDA_LINES_BYTES / GB
    yield Item("log_gb", logs, "Lambda's own lines")
    out = chats * heard * (command.push_bytes + FRAMING_BYTES) + visits * HEADERS_BYTES
    # No CloudFront stands in front: the bytes leave API Gateway.
    yield Item("transfer_out_gb", out / GB, f"{chats:,.0f} × {heard:,.0f} chats")
