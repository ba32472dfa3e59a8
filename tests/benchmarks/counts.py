"""What each command takes, counted with the handlers in this process.

Of each: DynamoDB's calls and units, posts, bytes of the frames, lines of the log, CPU. In a room
of `PEOPLE`, all of whom listen; how that grows with the room, with somebody's rooms and with a
room's members is counted a second time, at another size.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from chalicelib import limits, metering
from chalicelib.clock import now_ms
from chalicelib.tables import RoomRow
from tests.benchmarks import busy_model, units
from tests.integration.test_conversation import open_room, say
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, new_person, unique
from tests.support.stack import ROOT

PEOPLE: Final = 4
MORE_PEOPLE: Final = 8
#: Rooms of somebody, for what grows with them.
ROOMS: Final = (2, 6)
PAGE: Final = limits.HISTORY_PAGE_DEFAULT
TEXT: Final = "오늘 저녁에 다 같이 치킨 먹을래요?"
#: Tables whose rows stay; the others' go after a while.
KEPT: Final = ("chats", "members", "rooms", "users")
#: What DynamoDB adds to each row that it stores.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
ROW_OVERHEAD_BYTES: Final = 100

Json = dict[str, Any]
#: Does it once; the bytes that were asked and answered.
Act = Callable[[], tuple[int, int]]


@dataclass(frozen=True)
class Command:
    """Something that is counted."""

    function: str
    #: Everything before the act, for which nobody pays here.
    prepare: Callable[[Scene], Act]


class Scene:
    """A room whose people all listen, new for each time that something is counted."""

    def __init__(self, site: HandlerSite, people: list[ChatClient]) -> None:
        self.site = site
        self.people = people
        self.room_id = open_room(people[0])
        for person in people[1:]:
            person.ask("room.enter", room_id=self.room_id)

    def ask(self, person: ChatClient, type_: str, **fields: Any) -> Act:
        """A command, as the site's JSON.stringify writes it."""
        frame = json.dumps(
            {"type": type_, "ref": "1", **fields}, ensure_ascii=False, separators=(",", ":")
        )

        def act() -> tuple[int, int]:
            reply = self.site.call_message(person.transport.connection_id, frame)
            assert json.loads(reply)["type"] == "ok", reply
            return len(frame.encode()), len(reply.encode())

        return act

    def in_room(self, number: int, type_: str, **fields: Any) -> Act:
        """A command of one of the people, about their room."""
        return self.ask(self.people[number], type_, room_id=self.room_id, **fields)

    def say(self, number: int = 0) -> int:
        """Somebody says something; its seq."""
        seq: int = say(self.people[number], self.room_id, TEXT, cid=_cid())["seq"]
        return seq


def _cid() -> str:
    """As long as the site's, so that the frame is (outbox.ts)."""
    return secrets.token_urlsafe(16)


def _position(client: ChatClient, room_id: str) -> Json:
    """Where somebody is in a room's log when nothing was missed."""
    room = client.ask("room.enter", room_id=room_id)["room"]
    return {"room_id": room_id, "after": room["last_seq"], "epoch": room["epoch"]}


def _send(scene: Scene) -> Act:
    scene.say()
    return scene.in_room(0, "chat.send", text=TEXT, cid=_cid())


def _send_while_another_pushes(scene: Scene) -> Act:
    act = _send(scene)
    RoomRow(scene.room_id).update(
        [
            RoomRow.lease_holder.set("another"),
            RoomRow.lease_until.set(now_ms() + 60_000),
            RoomRow.delivered_seq.set(RoomRow.last_seq),
        ]
    )
    return act


def _read(scene: Scene) -> Act:
    return scene.in_room(1, "room.read", seq=scene.say())


def _page(type_: str) -> Callable[[Scene], Act]:
    def prepare(scene: Scene) -> Act:
        for number in range(PAGE):
            scene.say(number % len(scene.people))
        return scene.in_room(1, type_)

    return prepare


def _join(scene: Scene) -> Act:
    return scene.ask(new_person(scene.site).chat(), "room.enter", room_id=scene.room_id)


def _connect(scene: Scene) -> Act:
    browser = new_person(scene.site)

    def act() -> tuple[int, int]:
        browser.connect()
        return 0, 0

    return act


def _http(request: Callable[[Browser], Callable[[], Any]]) -> Callable[[Scene], Act]:
    def prepare(scene: Scene) -> Act:
        ask = request(new_person(scene.site))

        def act() -> tuple[int, int]:
            return 0, len(ask().body.encode())

        return act

    return prepare


def _callback(browser: Browser) -> Callable[[], Any]:
    # The callback alone, not the terms after it.
    browser.agrees = False
    url = browser.decide(browser.start(), "민서")
    return lambda: browser.finish(url)


JOINING: Final = "room.enter, joining"

COMMANDS: Final[dict[str, Command]] = {
    name: Command("websocket_message", prepare)
    for name, prepare in {
        "chat.send": _send,
        "chat.send while another pushes": _send_while_another_pushes,
        "chat.edit": lambda scene: scene.in_room(0, "chat.edit", seq=scene.say(), text=TEXT + "!"),
        "chat.react": lambda scene: scene.in_room(1, "chat.react", seq=scene.say(), emoji="🏓"),
        "room.read": _read,
        "typing.signal": lambda scene: scene.in_room(0, "typing.signal"),
        "room.members": lambda scene: scene.in_room(0, "room.members"),
        "chat.history": _page("chat.history"),
        "room.enter": _page("room.enter"),
        JOINING: _join,
        "room.open": lambda scene: scene.ask(scene.people[0], "room.open", name=unique("방")),
    }.items()
} | {
    "connect": Command("websocket_connect", _connect),
    "GET /api/session": Command("api_handler", _http(lambda who: lambda: who.get("/api/session"))),
    "GET /api/auth/kakao": Command(
        "api_handler", _http(lambda who: lambda: who.get("/api/auth/kakao?next=/rooms"))
    ),
    "GET /api/auth/kakao/callback": Command("api_handler", _http(_callback)),
}
#: These tell nobody in a room of more than limits.TELLING_AUDIENCE_MAX listeners.
TOLD_IN_SMALL_ROOMS: Final = ("room.read", "typing.signal")


def measure(site: HandlerSite, repeats: int = 1) -> Json:
    """All of them.

    Args:
        repeats: the CPU is the median of so many times; what is counted must be the same each time.
    """
    people = [_people(site, PEOPLE) for _ in range(repeats)]
    commands = {
        name: {"function": command.function}
        | _counted(_acts(name, site, people), site, PEOPLE if name == JOINING else PEOPLE - 1)
        for name, command in COMMANDS.items()
    }
    with patch.object(limits, "TELLING_AUDIENCE_MAX", PEOPLE - 1):
        for name in TOLD_IN_SMALL_ROOMS:
            count = _counted(_acts(name, site, people), site)
            commands[f"{name} in a large room"] = {"function": "websocket_message"} | count
    commands |= _by_rooms(site, repeats)
    more = _counted(_acts("room.members", site, [_people(site, MORE_PEOPLE)]), site)
    _add_growth(commands["room.members"], "per_member", PEOPLE, more, MORE_PEOPLE)
    return {
        "people": PEOPLE,
        "audience_row_bytes": busy_model.SUBSCRIPTION_BYTES,
        "commands": commands,
        "limits": {
            "audience_inline_max": limits.AUDIENCE_INLINE_MAX,
            "frame_bytes": limits.FRAME_BYTES_MAX,
            "rooms_per_user_max": limits.ROOMS_PER_USER_MAX,
            "session_days": limits.SESSION_SECONDS // 86_400,
            "telling_audience_max": limits.TELLING_AUDIENCE_MAX,
            "typing_interval_ms": limits.TYPING_INTERVAL_MS,
        },
        "custom_metrics": custom_metrics(),
    }


def _by_rooms(site: HandlerSite, repeats: int) -> dict[str, Json]:
    """Hello, keep-alive and goodbye of people with few and with more rooms."""
    found: dict[str, Json] = {}
    for number in ROOMS:
        person = new_person(site)
        client = person.chat()
        rooms = [open_room(client) for _ in range(number)]
        for room_id in rooms:
            # The room list names who said the last chat of each: others, as a rule.
            other = new_person(site).chat()
            other.ask("room.enter", room_id=room_id)
            say(other, room_id, TEXT, cid=_cid())
        positions = [_position(client, room_id) for room_id in rooms]
        scene = Scene.__new__(Scene)
        scene.site = site
        counted = {
            "session.hello": ("websocket_message", scene.ask(client, "session.hello")),
            "room.sync": ("websocket_message", scene.ask(client, "room.sync", rooms=positions)),
        }
        for name, (function, act) in counted.items():
            count = {"function": function} | _counted([act] * repeats, site)
            if number == ROOMS[0]:
                found[name] = count
            else:
                _add_growth(found[name], "per_room", ROOMS[0], count, number)

        def close(client: ChatClient = client) -> tuple[int, int]:
            client.close()
            return 0, 0

        count = {"function": "websocket_disconnect"} | _counted([close], site)
        if number == ROOMS[0]:
            found["disconnect"] = count
        else:
            _add_growth(found["disconnect"], "per_room", ROOMS[0], count, number)
    return found


def _people(site: HandlerSite, number: int) -> list[ChatClient]:
    return [new_person(site).chat() for _ in range(number)]


def _acts(name: str, site: HandlerSite, people: list[list[ChatClient]]) -> list[Act]:
    """A command made ready among each of these groups of people, in a room of its own.

    They may be in other rooms by then, which none of these commands looks at.
    """
    return [COMMANDS[name].prepare(Scene(site, group)) for group in people]


def _add_growth(few: Json, name: str, few_are: int, more: Json, more_are: int) -> None:
    """Note what one more of something adds, and make of ``few`` what none would take."""
    each: Json = {}
    for key in ("wru", "rru", "request_bytes", "reply_bytes"):
        each[key] = round((more[key] - few[key]) / (more_are - few_are), 4)
        few[key] = round(few[key] - few_are * each[key], 4)
    few[name] = each


def _counted(acts: list[Act], site: HandlerSite, others: int = PEOPLE - 1) -> Json:
    """What acts took, each the same.

    Args:
        others: who listen besides the one who acts.
    """
    found: list[Json] = []
    for act in acts:
        site.management.finish_jobs()
        posted = len(site.management.posts)
        with _silence() as log, units.recorded() as calls:
            metering.reset()
            began = time.thread_time()
            asked, answered = act()
            cpu_ms = (time.thread_time() - began) * 1000
        posts = site.management.posts[posted:]
        total = units.total(calls)
        found.append(
            {
                "calls": dict(Counter(call.operation for call in calls)),
                "wru": total.writes,
                "rru": total.reads,
                "audience_queries": sum(map(_is_of_audience, calls)),
                "posts": len(posts),
                "posts_per_other": round(len(posts) / others, 4),
                "request_bytes": asked,
                "reply_bytes": answered,
                "push_bytes": round(sum(len(body) for _, body in posts) / max(1, len(posts))),
                "log_bytes": len(log.getvalue().encode()),
                "stored_bytes": sum(map(_stored, calls)),
                "cpu_ms": cpu_ms,
            }
        )
    counts = ("calls", "wru", "rru", "posts", "audience_queries")
    assert all(each[name] == found[0][name] for each in found for name in counts), found
    return found[-1] | {"cpu_ms": round(median(each["cpu_ms"] for each in found), 2)}


@contextlib.contextmanager
def _silence() -> Iterator[io.StringIO]:
    """What is logged, instead of showing it."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        yield log


def _is_of_audience(call: units.Call) -> bool:
    return call.operation == "Query" and "subscriptions" in call.arguments["TableName"]


def _stored(call: units.Call) -> int:
    """Bytes of the rows that a call adds and that stay."""
    puts = [call.arguments] if call.operation == "PutItem" else []
    if call.operation == "TransactWriteItems":
        puts = [part["Put"] for part in call.arguments["TransactItems"] if "Put" in part]
    return sum(
        units.item_bytes(put["Item"]) + ROW_OVERHEAD_BYTES
        for put in puts
        if put["TableName"].rsplit("-", 1)[-1] in KEPT
    )


def custom_metrics() -> int:
    """Names that the app's log lines make metrics of; CloudWatch bills each."""
    try:
        from chalicelib import metrics
    except ImportError:
        return 0
    return len(metrics.UNITS)


def site_files(dist: Path = ROOT / "frontend" / "dist") -> Json:
    """The built site: index.html and the files that it names."""
    page = dist / "index.html"
    named = re.findall(r'(?:src|href)="/([^"]+\.\w+)"', page.read_text(encoding="utf-8"))
    files = [page, *(dist / name for name in sorted(set(named)))]
    return {
        "first_load_bytes": sum(len(gzip.compress(file.read_bytes())) for file in files),
        "requests": len(files),
        "stored_bytes": sum(file.stat().st_size for file in files),
    }
