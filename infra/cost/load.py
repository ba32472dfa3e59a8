"""What is asked: how many people, how they chat, and where it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from infra.errors import InfraError

#: Of a room, listeners as well as members: the largest that was measured (docs/performance.md,
#: P3). chalicelib/limits.py has no limit of a room.
ROOM_MAX: Final = 10_000
#: Above, an account's quotas have to be raised by talking to AWS, and so have its prices.
USERS_MAX: Final = 10_000_000


class LoadError(InfraError):
    """A number that was asked for breaks a rule: which, and the rule."""

    def __init__(self, name: str, rule: str, value: object) -> None:
        super().__init__(f"{name}: {rule}, not {value}")
        self.field = name


def habit(default: float, low: float, high: float, why: str) -> Any:
    """A field of Habits, with what it may be and where it comes from."""
    return field(default=default, metadata={"low": low, "high": high, "why": why})


@dataclass(frozen=True)
class Habits:
    """How people chat, where nothing was measured: assumptions, each of which can be changed."""

    rooms: float = habit(3, 1, 100, "rooms that somebody is in")
    visits: float = habit(4, 0.01, 1000, "times a day that somebody opens the site")
    rooms_opened: float = habit(2, 0, 100, "rooms that somebody opens in a visit")
    history_pages: float = habit(1, 0, 1000, "pages that somebody scrolls back in a visit")
    visible: float = habit(0.5, 0, 1, "share of the hours online in which the page is seen")
    looking: float = habit(0.5, 0, 1, "share of others' chats that come while one sees the room")
    together: float = habit(
        1, 0, 1, "share of a room's others who are connected when something is said: at most all"
    )
    talking: float = habit(0.25, 0.001, 1, "share of the hours online in which a room talks")
    typing_seconds: float = habit(5, 0, 3600, "seconds that somebody types at a chat")
    changes: float = habit(0.02, 0, 10, "edits and deletions per chat")
    reactions: float = habit(0.1, 0, 100, "reactions per chat")
    drops: float = habit(0.5, 0, 60, "connections lost an hour: networks that change, sleep")
    joins: float = habit(0.05, 0, 100, "rooms a day that somebody finds and joins")
    releases: float = habit(4, 0, 1000, "times a month that the site's files are new")
    peak: float = habit(3, 1, 24, "connections at the busiest time, as a multiple of the mean")


@dataclass(frozen=True)
class Load:
    """So many people, and what they do."""

    users: int = 1000
    #: A day.
    chats_per_user: float = 50
    room: int = 8
    #: A day.
    hours_online: float = 2
    #: Of a month.
    days: int = 30
    #: For so long it has been so: chats stay.
    months: int = 12
    #: None: as the template has it.
    frame_pace_ms: int | None = None
    domain: bool = False
    tracing: bool = False
    habits: Habits = Habits()

    def of(self, users: int) -> Load:
        """The same, of other many."""
        return replace(self, users=users)

    @property
    def listeners(self) -> float:
        """Connections that a chat is for, its writer's included."""
        return 1 + (self.room - 1) * self.habits.together

    @property
    def room_rate(self) -> float:
        """Chats a second in a room, while it talks."""
        a_day = self.room * self.chats_per_user / self.habits.rooms
        return a_day / (self.hours_online * 3600 * self.habits.talking)

    @property
    def mean_connections(self) -> float:
        """Over the whole day."""
        return self.users * self.hours_online / 24

    @property
    def chats(self) -> float:
        """Of a month."""
        return self.users * self.chats_per_user * self.days


#: What numbers of a load may be: whole or not, from, to.
_RANGES: Final[Mapping[str, tuple[bool, float, float]]] = {
    "users": (True, 1, USERS_MAX),
    "chats_per_user": (False, 0, 10_000),
    "room": (True, 1, ROOM_MAX),
    "hours_online": (False, 0.01, 24),
    "days": (True, 1, 31),
    "months": (True, 1, 120),
    "frame_pace_ms": (True, 0, 5_000),
}


def parse(asked: Mapping[str, str], habits: Mapping[str, str], **switches: bool) -> Load:
    """A load from what somebody typed; what is not asked is as in Load and Habits.

    Raises:
        LoadError: something is no number, too small, too large, or does not go together.
    """
    numbers = {name: _number(name, text, *_RANGES[name]) for name, text in asked.items()}
    known = {each.name: each.metadata for each in fields(Habits)}
    chosen = {}
    for name, text in habits.items():
        if name not in known:
            raise LoadError("HABITS", f"must name one of {', '.join(known)}", repr(name))
        chosen[name] = _number(name, text, False, known[name]["low"], known[name]["high"])
    load = Load(**numbers, **switches, habits=Habits(**chosen))
    if load.room > load.users:
        raise LoadError("ROOM", f"must be at most USERS, which is {load.users}", load.room)
    if load.habits.rooms_opened > load.habits.rooms:
        rule = f"must be at most rooms, which is {load.habits.rooms:g}"
        raise LoadError("rooms_opened", rule, f"{load.habits.rooms_opened:g}")
    return load


def _number(name: str, text: str, whole: bool, low: float, high: float) -> Any:
    shown = name.upper() if name in _RANGES else name
    kind = "a whole number" if whole else "a number"
    rule = f"must be {kind} from {low:,g} to {high:,.10g}"
    if name == "room":
        rule += " (the largest room that was measured; the app itself has no limit)"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise LoadError(shown, rule, repr(text)) from None
    if not math.isfinite(value) or not low <= value <= high:
        raise LoadError(shown, rule, text)
    return value
