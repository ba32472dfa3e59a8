"""The day of a person: what the site asks of the app, and how often.

The times are the site's own (frontend/src/core); tests/unit/test_infra_cost.py reads them there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from infra.cost.load import Load
from infra.cost.measured import Measured

#: pulse.ts: how often a connection asks for what it may have missed; each time up to a tenth
#: less, so that 0.95 of it on average.
VISIBLE_MS: Final = 45_000
PULSE_MS: Final = 240_000
SPREAD: Final = 0.95
#: connection.ts: going before API Gateway ends the connection after 2 hours; 5 minutes more on
#: average.
TAKEOVER_MS: Final = 105 * 60_000
TAKEOVER_MEAN_MS: Final = TAKEOVER_MS + 5 * 60_000
#: reads.ts: after the first chat, and between two marks of a room.
READ_FIRST_MS: Final = 400
READ_PAUSE_MS: Final = 1_000
#: RoomsPage.tsx has the members of rooms in sight; so many are.
ROOMS_IN_SIGHT: Final = 8


@dataclass(frozen=True)
class Deed:
    """Something that a person's page does."""

    command: str
    #: By one person, a day.
    times: float
    why: str
    #: Rooms that the command is about, where it is about several.
    rooms: float = 0


def read_marks_per_chat(rate: float) -> float:
    """Marks per chat that somebody sees coming, of so many a second: what comes together is
    marked together, at most once in READ_PAUSE_MS."""
    together = 1 / (1 + rate * READ_FIRST_MS / 1000)
    return min(together, 1000 / READ_PAUSE_MS / rate) if rate > 0 else together


def of(load: Load, measured: Measured) -> list[Deed]:
    """What somebody does on a day."""
    habits, limits = load.habits, measured.limits
    is_small = load.listeners <= limits["telling_audience_max"]
    size = "" if is_small else " in a large room"
    chats, visits = load.chats_per_user, habits.visits
    hour_s = 3600 * load.hours_online
    redials = visits * math.floor(hour_s * 1000 / visits / TAKEOVER_MEAN_MS)
    drops = habits.drops * load.hours_online
    connections = visits + redials + drops
    visible_s, hidden_s = hour_s * habits.visible, hour_s * (1 - habits.visible)
    beat_s, pulse_s = VISIBLE_MS / 1000 * SPREAD, PULSE_MS / 1000 * SPREAD
    beats = visible_s / beat_s
    # The first beat after nine tenths of PULSE_MS is about all rooms.
    all_of = visible_s / (beat_s * math.ceil(PULSE_MS * 0.9 / 1000 / beat_s))
    heard = chats * (load.listeners - 1)
    signals = math.ceil(habits.typing_seconds * 1000 / limits["typing_interval_ms"])
    marks = heard * habits.looking * read_marks_per_chat(load.room_rate)
    sign_ins = 1 / limits["session_days"]
    found = [
        Deed("GET /api/auth/kakao", sign_ins, f"a session lasts {limits['session_days']} days"),
        Deed("GET /api/auth/kakao/callback", sign_ins, "the same"),
        Deed("GET /api/session", visits, "once a visit"),
        Deed(
            "connect",
            connections,
            f"{visits:g} visits, {redials:g} redials before API Gateway's 2 hours are over, "
            f"{drops:g} lost",
        ),
        Deed("session.hello", connections, "once a connection", habits.rooms),
        Deed("disconnect", connections, "once a connection", habits.rooms),
        Deed(
            "room.sync",
            connections - visits,
            "after a connection was lost, about the opened rooms",
            habits.rooms_opened,
        ),
        Deed(
            "room.sync",
            beats - all_of,
            f"every {beat_s:.1f} s while the page is seen, about the opened rooms",
            habits.rooms_opened,
        ),
        Deed(
            "room.sync",
            all_of + hidden_s / pulse_s,
            f"every {pulse_s:.0f} s in any case, about all rooms",
            habits.rooms,
        ),
        Deed("room.members", visits * min(habits.rooms, ROOMS_IN_SIGHT), "of rooms in sight"),
        Deed("room.enter", visits * habits.rooms_opened, "opening rooms"),
        Deed("chat.history", visits * habits.history_pages, "scrolling back"),
        Deed("room.open", habits.joins, "finding rooms by their names"),
        Deed("room.enter, joining", habits.joins, "joining them"),
        Deed("chat.send", chats, "CHATS_PER_USER"),
        Deed(
            f"typing.signal{size}",
            chats * signals,
            f"every {limits['typing_interval_ms'] / 1000:g} s while one types: "
            f"{signals:g} per chat",
        ),
        Deed(
            f"room.read{size}",
            marks,
            f"{heard:,.0f} chats heard, {habits.looking:.0%} of them seen as they come, "
            f"{read_marks_per_chat(load.room_rate):.2f} marks each",
        ),
        Deed("chat.edit", chats * habits.changes, "edits and deletions"),
        Deed("chat.react", chats * habits.reactions, "reactions"),
    ]
    return [deed for deed in found if deed.times > 0]
