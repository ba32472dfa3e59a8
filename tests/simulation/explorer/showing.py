"""Calls and what they return, short enough that a trace can be read."""

from __future__ import annotations

from typing import Any

from chalicelib.protocol import Entry
from chalicelib.steps import Claim, Claims, Draft, Lease, Place, RoomState, Stored

#: Virtual time begins here, so that nothing is before the time.
EPOCH = 1_000_000


def show(value: Any) -> str:
    """A value of a step."""
    match value:
        case Entry():
            return f"#{value.seq} {value.kind} {value.cid or value.user_id}"
        case Draft():
            return f"{value.kind} {value.cid or value.user_id}"
        case RoomState():
            lease = f", lease {show(value.lease)}" if value.lease else ""
            lost = f", lost {value.lost}" if value.lost else ""
            times = f"{value.previous_at - EPOCH}, {value.active_at - EPOCH}"
            return f"(ends at {value.last_seq}/{value.chats}{lost}, at {times}{lease})"
        case Lease():
            return f"{value.holder} until {value.until - EPOCH}, delivered {value.delivered}"
        case Place():
            return f"{value.seq}/{value.number}"
        case Stored():
            return f"{show(value.place)}{' (chat)' if value.is_chat else ''}"
        case Claim():
            return f"{value.cid}@{show(value.place)}"
        case Claims():
            return f"{show(value.latest)}, joined at {value.joined_seq}"
        case list() | tuple():
            return f"[{', '.join(map(show, value))}]"
        case int() if value > EPOCH:
            return f"t{value - EPOCH}"
        case _:
            return str(value)


def show_call(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """A call."""
    shown = [show(each) for each in arguments]
    shown += [f"{key}={show(each)}" for key, each in named.items()]
    return f"{name}({', '.join(shown)})"
