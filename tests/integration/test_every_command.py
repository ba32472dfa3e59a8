"""What each command takes, in a room of three: a table in which no command is missing.

Why it is so much, and on what it depends, is in the tests of each (test_counts.py and others).
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from msgspec import inspect

from chalicelib import limits, protocol
from tests.benchmarks import units
from tests.integration.test_conversation import open_room, say
from tests.integration.test_counts import cost
from tests.integration.test_leaving import my_id
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person, unique


@dataclass
class Scene:
    """A room with its host and two members, of whom one has said something."""

    handlers: HandlerSite
    host: ChatClient
    guest: ChatClient
    third: ChatClient
    room_id: str
    seq: int

    @property
    def about_guest(self) -> dict[str, Any]:
        """The room and the guest, as what hosts do is addressed."""
        return {"room_id": self.room_id, "user_id": my_id(self.guest)}

    def newcomer(self) -> ChatClient:
        """Somebody who is in no room, and greeted."""
        someone = new_person(self.handlers).chat()
        my_id(someone)
        return someone

    def prepared(self, command: str, **fields: object) -> dict[str, Any]:
        """What the host did to the room before; the reply."""
        return self.host.ask(command, room_id=self.room_id, **fields)

    def search(self, tag: str) -> dict[str, Any]:
        """A search for somebody with an interest that nobody else has."""
        return {"cid": unique("cid"), "languages": ["ko"], "tags": [tag]}

    def pair(self) -> tuple[ChatClient, str]:
        """One of two who were put into a room of their own, and that."""
        one, other, tag = self.newcomer(), self.newcomer(), _tag()
        one.ask("match.seek", **self.search(tag))
        room_id: str = other.ask("match.seek", **self.search(tag))["room"]["room_id"]
        one.wait_for("match.found")
        return other, room_id


@pytest.fixture
def scene(handlers: HandlerSite) -> Scene:
    host, guest, third = (new_person(handlers).chat() for _ in range(3))
    room_id = open_room(host)
    for each in (guest, third):
        each.ask("room.enter", room_id=room_id)
    seq = say(guest, room_id, "안녕하세요")["seq"]
    for each in (host, guest, third):
        my_id(each)
    return Scene(handlers, host, guest, third, room_id, seq)


def _tag() -> str:
    return unique("t")[-limits.TAG_MAX :]


Asked = tuple[ChatClient, dict[str, Any]]


def _banned(scene: Scene) -> Asked:
    scene.host.ask("room.kick", **scene.about_guest, ban=True)
    return scene.host, scene.about_guest


def _revoked(scene: Scene) -> Asked:
    made = scene.prepared("invite.create", seconds=3600, uses=1)
    return scene.host, {"room_id": scene.room_id, "invite_id": made["invite"]["invite_id"]}


def _canceled(scene: Scene) -> Asked:
    search = scene.search(_tag())
    scene.host.ask("match.seek", **search)
    return scene.host, {"cid": search["cid"]}


def _kept(scene: Scene) -> Asked:
    one, room_id = scene.pair()
    return one, {"room_id": room_id}


def _next(scene: Scene) -> Asked:
    one, room_id = scene.pair()
    return one, {"room_id": room_id, **scene.search(_tag())}


def _in_room(who: str, **fields: Any) -> Callable[[Scene], Asked]:
    return lambda scene: (getattr(scene, who), {"room_id": scene.room_id, **fields})


def _at_chat(who: str, **fields: Any) -> Callable[[Scene], Asked]:
    return lambda scene: (
        getattr(scene, who),
        {"room_id": scene.room_id, "seq": scene.seq, **fields},
    )


def _to_guest(**fields: Any) -> Callable[[Scene], Asked]:
    return lambda scene: (scene.host, {**scene.about_guest, **fields})


#: Who asks for what.
ASKED: dict[str, Callable[[Scene], Asked]] = {
    "session.hello": lambda scene: (scene.guest, {}),
    "profile.update": lambda scene: (scene.guest, {"nickname": "새 이름"}),
    "room.list": lambda scene: (scene.guest, {"room_ids": [scene.room_id]}),
    "room.open": lambda scene: (scene.newcomer(), {"name": unique("방")}),
    "room.enter": lambda scene: (scene.newcomer(), {"room_id": scene.room_id}),
    "room.leave": _in_room("guest"),
    "room.members": _in_room("guest"),
    "room.present": _in_room("guest"),
    "room.mute": _in_room("guest", on=True),
    "room.set_nickname": _in_room("guest", nickname="다른 이름"),
    "room.rename": lambda scene: (scene.host, {"room_id": scene.room_id, "name": unique("방")}),
    "room.describe": _in_room("host", topic="games", tags=["탁구"]),
    "room.set_access": _in_room("host", access="private"),
    "room.set_capacity": _in_room("host", capacity=10),
    "room.set_words": _in_room("host", words=["스포일러"]),
    "room.words": _in_room("host"),
    "room.slow": _in_room("host", seconds=5),
    "room.lock": _in_room("host", on=True),
    "room.pin": _at_chat("host"),
    "room.set_role": _to_guest(role="manager"),
    "room.transfer": _to_guest(),
    "room.silence": _to_guest(seconds=60),
    "room.kick": _to_guest(ban=False),
    "room.bans": lambda scene: (_banned(scene)[0], {"room_id": scene.room_id}),
    "room.unban": _banned,
    "room.read": _at_chat("third"),
    "room.sync": lambda scene: (
        scene.guest,
        {"rooms": [{"room_id": scene.room_id, "after": scene.seq, "epoch": ""}]},
    ),
    "chat.send": lambda scene: (
        scene.host,
        {"room_id": scene.room_id, "text": "반가워요", "cid": unique("cid")},
    ),
    "chat.edit": _at_chat("guest", text="안녕히 계세요"),
    "chat.delete": _at_chat("guest"),
    "chat.react": _at_chat("host", emoji="🏓", on=True),
    "chat.history": _in_room("guest", limit=10),
    "typing.signal": _in_room("guest"),
    "invite.create": _in_room("host", seconds=3600, uses=1),
    "invite.list": _in_room("host"),
    "invite.revoke": _revoked,
    "match.seek": lambda scene: (scene.newcomer(), scene.search(_tag())),
    "match.cancel": _canceled,
    "match.keep": _kept,
    "match.next": _next,
    "user.block": lambda scene: (scene.guest, {"user_id": my_id(scene.host), "on": True}),
    "user.blocks": lambda scene: (scene.guest, {}),
    "report.send": lambda scene: (
        scene.host,
        {**scene.about_guest, "reason": "spam", "seq": scene.seq},
    ),
}


class Taken(NamedTuple):
    """Calls of DynamoDB, write and read units, posts."""

    calls: str
    writes: float
    reads: float
    posts: int


#: What depends on the rooms that others have made: test_directory_counts.py.
ELSEWHERE = {"directory.list", "directory.search"}


TAKES: dict[str, Taken] = {
    "session.hello": Taken(
        "2 BatchGetItem, BatchWriteItem, 3 GetItem, 3 Query, UpdateItem", 2, 7.5, 0
    ),
    "profile.update": Taken("GetItem, Query, 2 UpdateItem", 2, 1.5, 0),
    "room.list": Taken("3 BatchGetItem, GetItem", 0, 3.5, 0),
    "room.open": Taken("4 GetItem, PutItem, 2 Query, TransactWriteItems, UpdateItem", 20, 5, 0),
    "room.enter": Taken(
        "BatchGetItem, 5 GetItem, 2 PutItem, 4 Query, TransactWriteItems, 3 UpdateItem", 11, 10, 3
    ),
    "room.leave": Taken(
        "BatchGetItem, 2 DeleteItem, 3 GetItem, PutItem, 2 Query, 3 UpdateItem", 7, 5, 2
    ),
    "room.members": Taken("2 BatchGetItem, 3 GetItem, Query", 0, 6.5, 0),
    "room.present": Taken("2 GetItem, Query", 0, 3, 0),
    "room.mute": Taken("GetItem, Query, UpdateItem", 1, 1.5, 0),
    "room.set_nickname": Taken("4 GetItem, Query, TransactWriteItems, UpdateItem", 9, 5, 3),
    "room.rename": Taken("4 GetItem, Query, TransactWriteItems, UpdateItem", 9, 5, 3),
    "room.describe": Taken("3 GetItem, UpdateItem", 1, 3, 0),
    "room.set_access": Taken("4 GetItem, Query, TransactWriteItems, 2 UpdateItem", 6, 5, 3),
    "room.set_capacity": Taken("3 GetItem, Query, TransactWriteItems, UpdateItem", 5, 4, 3),
    "room.set_words": Taken("3 GetItem, Query, TransactWriteItems, UpdateItem", 7, 4, 3),
    "room.words": Taken("3 GetItem", 0, 3, 0),
    "room.slow": Taken("3 GetItem, Query, TransactWriteItems, UpdateItem", 5, 4, 3),
    "room.lock": Taken("4 GetItem, Query, TransactWriteItems, 2 UpdateItem", 6, 5, 3),
    "room.pin": Taken("4 GetItem, Query, TransactWriteItems, UpdateItem", 7, 5, 3),
    "room.set_role": Taken(
        "BatchGetItem, 4 GetItem, Query, TransactWriteItems, UpdateItem", 7, 5.5, 3
    ),
    "room.transfer": Taken(
        "BatchGetItem, 4 GetItem, Query, TransactWriteItems, UpdateItem", 7, 5.5, 3
    ),
    "room.silence": Taken(
        "BatchGetItem, 4 GetItem, Query, TransactWriteItems, UpdateItem", 9, 5.5, 3
    ),
    "room.kick": Taken(
        "BatchGetItem, 2 DeleteItem, 4 GetItem, PutItem, 3 Query, TransactWriteItems, 2 UpdateItem",
        12,
        6.5,
        3,
    ),
    "room.bans": Taken("BatchGetItem, 3 GetItem, Query", 0, 5, 0),
    "room.unban": Taken(
        "BatchGetItem, 4 GetItem, Query, TransactWriteItems, UpdateItem", 7, 5.5, 2
    ),
    "room.read": Taken("2 GetItem, Query, UpdateItem", 1, 3, 2),
    "room.sync": Taken("2 BatchGetItem, GetItem", 0, 3, 0),
    "chat.send": Taken("GetItem, PutItem, Query, 2 UpdateItem", 3, 2, 2),
    "chat.edit": Taken("BatchGetItem, 3 GetItem, Query, TransactWriteItems, 2 UpdateItem", 6, 5, 2),
    "chat.delete": Taken(
        "BatchGetItem, 3 GetItem, Query, TransactWriteItems, 2 UpdateItem", 6, 5, 2
    ),
    "chat.react": Taken(
        "2 BatchGetItem, 3 GetItem, Query, TransactWriteItems, UpdateItem", 5, 5.5, 2
    ),
    "chat.history": Taken("BatchGetItem, 3 GetItem, Query", 0, 5.5, 0),
    "typing.signal": Taken("2 GetItem, Query", 0, 3, 2),
    "invite.create": Taken("3 GetItem, PutItem, Query", 1, 4, 0),
    "invite.list": Taken("3 GetItem, Query", 0, 4, 0),
    "invite.revoke": Taken("DeleteItem, 4 GetItem", 1, 4, 0),
    "match.seek": Taken("2 GetItem, 2 Query, TransactWriteItems", 4, 3.5, 0),
    "match.cancel": Taken("2 GetItem, TransactWriteItems", 4, 2, 0),
    "match.keep": Taken("3 GetItem, Query, TransactWriteItems, UpdateItem", 7, 4, 2),
    "match.next": Taken(
        "DeleteItem, 7 GetItem, 4 Query, 2 TransactWriteItems, 2 UpdateItem", 15, 10, 1
    ),
    "user.block": Taken("2 GetItem, 2 Query, UpdateItem", 1, 3.5, 0),
    "user.blocks": Taken("GetItem, Query", 0, 2, 0),
    "report.send": Taken("BatchGetItem, 3 GetItem, Query, TransactWriteItems", 10, 5, 0),
}


def test_no_command_is_missing() -> None:
    commands: tuple[type[protocol.Command], ...] = typing.get_args(protocol.AnyCommand)
    described = [inspect.type_info(each) for each in commands]
    tags = {str(each.tag) for each in described if isinstance(each, inspect.StructType)}
    assert set(ASKED) == tags - ELSEWHERE
    assert set(TAKES) == set(ASKED)


@pytest.mark.parametrize("command", ASKED)
def test_what_it_takes(scene: Scene, command: str) -> None:
    client, fields = ASKED[command](scene)
    with cost() as found, units.recorded() as calls:
        client.ask(command, **fields)
    counts = sorted(found["dynamodb"].items())
    charged = units.total(calls)
    taken = Taken(
        ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts),
        charged.writes,
        charged.reads,
        sum(found["posts"].values()),
    )
    assert taken == TAKES[command]
