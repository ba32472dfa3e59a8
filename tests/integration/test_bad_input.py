"""Whatever is sent, the answer names what is wrong with it, and everything goes on.

One connection takes all bad frames; after each it must still carry out commands.
"""

from __future__ import annotations

import contextlib
import json
import typing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import inspect
from websockets.exceptions import ConnectionClosed

from chalicelib import limits, protocol
from tests.integration.test_conversation import open_room, say
from tests.integration.test_withdrawal import kakao_authorization
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person, unique

#: In every bad value that is a text; it must not come back.
SECRET = "비밀"
FRAME, FIELD, TYPE = "invalid_frame", "invalid_field", "unknown_type"
#: What a room that is closed, and maybe erased by now, is refused with.
GONE = {"room_not_found", "not_member"}


@dataclass(frozen=True)
class Place:
    """A connection of a member of a room."""

    client: ChatClient
    room_id: str
    browser: Browser

    def still_works(self) -> None:
        assert self.client.ask("room.sync", rooms=[])["rooms"] == []


@pytest.fixture(scope="module")
def place(site: Site) -> Place:
    browser = new_person(site)
    client = browser.chat()
    return Place(client, open_room(client), browser)


def answer_to(place: Place, frame: str) -> Frame:
    """The answer to a bad frame, by its ref if it has a readable one."""
    return place.client.send_raw(frame, protocol.ref_of(frame))


def assert_refused(answer: Frame, code: str, field: str) -> None:
    assert answer["type"] == "error", answer
    assert answer["code"] == code, answer
    assert answer.get("field", "") == field, answer
    assert answer.keys() <= {"type", "ref", "code", "message", "field"}
    message = answer["message"]
    assert message.startswith(f"{field}: " if field else ("frame: ", "type: ")), message
    assert len(message.partition(": ")[2]) > 5
    assert SECRET not in json.dumps(answer, ensure_ascii=False)
    assert len(message) < 200


# --- Frames that are none -----------------------------------------------------------------

NO_FRAMES: dict[str, tuple[str, str]] = {
    "a word": ("안녕", FRAME),
    "truncated": ('{"type": "session.hello", "ref": "b', FRAME),
    "two objects": ('{"type": "session.hello", "ref": "b"} {}', FRAME),
    "trailing comma": ('{"type": "session.hello", "ref": "b",}', FRAME),
    "single quotes": ("{'type': 'session.hello', 'ref': 'b'}", FRAME),
    "byte order mark": ('\ufeff{"type": "session.hello", "ref": "b"}', FRAME),
    "array": ("[]", FRAME),
    "array of a command": ('[{"type": "session.hello", "ref": "b"}]', FRAME),
    "number": ("42", FRAME),
    "huge number": ("9" * 5000, FRAME),
    "null": ("null", FRAME),
    "true": ("true", FRAME),
    "text": (f'"{SECRET}"', FRAME),
    "NaN": ("NaN", FRAME),
    "NaN inside": ('{"type": "room.read", "ref": "b", "room_id": "r", "seq": NaN}', FRAME),
    "blank": (" ", FRAME),
    "NUL": ("\x00", FRAME),
    "lone surrogate, escaped": ('{"type": "session.hello", "ref": "\\ud800"}', FRAME),
    "surrogates in the wrong order": (
        '{"type": "profile.update", "ref": "b", "nickname": "\\udc00\\ud800"}',
        FRAME,
    ),
    "raw newline in a text": ('{"type": "session.hello", "ref": "a\nb"}', FRAME),
    "invalid escape": ('{"type": "session.hello", "ref": "\\x41"}', FRAME),
    "empty object": ("{}", FRAME),
    "no type": ('{"ref": "b"}', FRAME),
    "type null": ('{"type": null, "ref": "b"}', TYPE),
    "type a number": ('{"type": 7, "ref": "b"}', TYPE),
    "type an object": ('{"type": {}, "ref": "b"}', TYPE),
    "type empty": ('{"type": "", "ref": "b"}', TYPE),
    "type unknown": (f'{{"type": "{SECRET}", "ref": "b"}}', TYPE),
    "type of a reply": ('{"type": "ok", "ref": "b"}', TYPE),
    "type of an event": ('{"type": "room.closed", "ref": "b"}', TYPE),
    "type in capitals": ('{"type": "SESSION.HELLO", "ref": "b"}', TYPE),
    "type given twice": ('{"type": "session.hello", "type": "x", "ref": "b"}', TYPE),
    "field without a name": ('{"type": "session.hello", "ref": "b", "": 1}', FRAME),
    "field of a long name": (
        '{"type": "session.hello", "ref": "b", "' + "x" * 20_000 + '": 1}',
        FRAME,
    ),
    "field of a name with quotes": (
        f'{{"type": "session.hello", "ref": "b", "a`{SECRET}` - at `$.x": 1}}',
        FRAME,
    ),
}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize(("frame", "code"), NO_FRAMES.values(), ids=NO_FRAMES.keys())
def test_what_is_no_frame_is_answered(place: Place, frame: str, code: str) -> None:
    assert_refused(answer_to(place, frame), code, "")
    place.still_works()


NESTED = {
    "arrays": "[" * 10_000,
    "objects": '{"x": ' * 10_000,
    "ref": '{"ref": ' + "[" * 10_000,
    "whole": '{"type": "session.hello", "ref": ' + "[" * 9000 + "]" * 9000 + "}",
    "in a field": '{"type": "room.sync", "ref": "b", "rooms": ' + "[" * 9000 + "]" * 9000 + "}",
}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("frame", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_is_answered(handlers: HandlerSite, frame: str) -> None:
    client = new_person(handlers).chat()
    answer = client.send_raw(frame, protocol.ref_of(frame))
    assert answer["type"] == "error"
    assert answer["code"] in (FRAME, FIELD)
    assert len(json.dumps(answer)) < 500
    client.ask("room.sync", rooms=[])


@pytest.mark.parametrize("frame", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_harms_nobody_else(place: Place, frame: str) -> None:
    """The emulator parses frames itself, and gives up the connection at these."""
    client = place.browser.chat()
    client.transport.send(frame)
    with contextlib.suppress(ConnectionError):
        client.ask("room.sync", rooms=[])
    place.still_works()
    place.browser.chat().close()


# --- Fields of the wrong type: every field of every command -------------------------------

SEARCH = {"cid": "cid-12345", "languages": ["ko"], "tags": ["탁구"], "again": True}
GOOD: dict[type[protocol.Command], dict[str, Any]] = {
    protocol.Hello: {},
    protocol.UpdateProfile: {"nickname": "이름"},
    protocol.ListRooms: {"room_ids": ["ROOM"]},
    protocol.OpenRoom: {
        "name": "이름",
        "topic": "games",
        "tags": ["음악"],
        "access": "passcode",
        "passcode": "1234",
    },
    protocol.EnterRoom: {"room_id": "ROOM", "limit": 5, "invite": "i" * 43, "passcode": "1234"},
    protocol.ListMembers: {"room_id": "ROOM", "after": "someone"},
    protocol.LeaveRoom: {"room_id": "ROOM", "successor_id": "someone", "close": False},
    protocol.RenameRoom: {"room_id": "ROOM", "name": "이름"},
    protocol.SetRoomNickname: {"room_id": "ROOM", "nickname": "이름"},
    protocol.DescribeRoom: {"room_id": "ROOM", "topic": "games", "tags": ["음악"]},
    protocol.ListDirectory: {"order": "new", "topic": "games", "after": "someone"},
    protocol.SearchDirectory: {"text": "이름", "after": "someone"},
    protocol.MuteRoom: {"room_id": "ROOM", "on": True},
    protocol.SetRole: {"room_id": "ROOM", "user_id": "someone", "role": "manager"},
    protocol.TransferRoom: {"room_id": "ROOM", "user_id": "someone"},
    protocol.KickMember: {"room_id": "ROOM", "user_id": "someone", "ban": False},
    protocol.Unban: {"room_id": "ROOM", "user_id": "someone"},
    protocol.ListBans: {"room_id": "ROOM", "after": "someone"},
    protocol.SilenceMember: {"room_id": "ROOM", "user_id": "someone", "seconds": 60},
    protocol.SlowRoom: {"room_id": "ROOM", "seconds": 5},
    protocol.PinChat: {"room_id": "ROOM", "seq": 1},
    protocol.LockRoom: {"room_id": "ROOM", "on": True},
    protocol.SetAccess: {"room_id": "ROOM", "access": "passcode", "passcode": "1234"},
    protocol.SetCapacity: {"room_id": "ROOM", "capacity": 10},
    protocol.SetWords: {"room_id": "ROOM", "words": ["스포일러"]},
    protocol.ListWords: {"room_id": "ROOM"},
    protocol.CreateInvite: {"room_id": "ROOM", "seconds": 3600, "uses": 1},
    protocol.ListInvites: {"room_id": "ROOM"},
    protocol.RevokeInvite: {"room_id": "ROOM", "invite_id": "some-invite"},
    protocol.MarkRead: {"room_id": "ROOM", "seq": 1},
    protocol.SyncRooms: {"rooms": [{"room_id": "ROOM", "after": 0, "epoch": ""}]},
    protocol.SendChat: {
        "room_id": "ROOM",
        "text": "말",
        "cid": "cid-12345",
        "reply_to": 1,
        "retry_since": 0,
    },
    protocol.EditChat: {"room_id": "ROOM", "seq": 1, "text": "말"},
    protocol.DeleteChat: {"room_id": "ROOM", "seq": 1},
    protocol.React: {"room_id": "ROOM", "seq": 1, "emoji": "🏓", "on": True},
    protocol.ReadHistory: {"room_id": "ROOM", "before": 1, "after": None, "limit": 5},
    protocol.SignalTyping: {"room_id": "ROOM"},
    protocol.ListPresent: {"room_id": "ROOM"},
    protocol.SeekMatch: SEARCH,
    protocol.NextMatch: {**SEARCH, "room_id": "ROOM"},
    protocol.CancelMatch: {"cid": "cid-12345"},
    protocol.KeepMatch: {"room_id": "ROOM"},
    protocol.BlockUser: {"user_id": "someone", "on": True, "room_id": "ROOM"},
    protocol.ListBlocks: {"after": "someone"},
    protocol.SendReport: {
        "room_id": "ROOM",
        "user_id": "someone",
        "reason": "spam",
        "seq": 1,
        "note": "말",
    },
}


def wrong_values(described: inspect.Type) -> list[Any]:
    """Values that break a field's type or its bounds."""
    match described:
        case inspect.UnionType(types=types):
            (wanted,) = (one for one in types if not isinstance(one, inspect.NoneType))
            return [value for value in wrong_values(wanted) if value is not None]
        case inspect.StrType(min_length=least, max_length=most, pattern=pattern):
            wrong: list[Any] = [None, 0, 7, 1.5, True, [], {}, ["x"]]
            wrong += ["x" * (least - 1)] if least else []
            wrong += ["x" * (most + 1)] if most else []
            if pattern:
                unfit = ["\n", " ", "#", "/", ".", "방", "\x00", "\u200b", "é", "🏓", "name#x"]
                wrong += [f"someone{part}" for part in unfit] + ["some\none", "\nsomeone", "../etc"]
            return wrong
        case inspect.IntType(ge=low, le=high):
            below = [low - 1] if low is not None else []
            above = [high + 1] if high is not None else []
            more = [-(10**30), 10**30, 1.5, 1e300, f"{SECRET}", "1", "", True, None, [], {}, [1]]
            return [*below, *above, *more]
        case inspect.EnumType():
            return [None, 0, 7, True, [], {}, "", "x", SECRET, "SPAM"]
        case inspect.BoolType():
            return [None, 0, 1, "true", "", [], {}]
        case inspect.ListType():
            return [None, 0, "x", {}, {"0": "x"}, [None], [0], [[]], True]
    raise AssertionError(f"no wrong value of {described}")


def fields_of_commands() -> list[Any]:
    commands: tuple[type[protocol.Command], ...] = typing.get_args(protocol.AnyCommand)
    found = []
    for cls in commands:
        described = inspect.type_info(cls)
        assert isinstance(described, inspect.StructType)
        tag = str(described.tag)
        found += [
            pytest.param(cls, tag, field, id=f"{tag}-{field.name}") for field in described.fields
        ]
    return found


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize(("cls", "tag", "field"), fields_of_commands())
def test_a_field_of_the_wrong_type_is_named(
    place: Place, cls: type[protocol.Command], tag: str, field: inspect.Field
) -> None:
    good = json.loads(json.dumps({"type": tag, "ref": "b", **GOOD[cls]}).replace("ROOM", "r" * 16))
    assert field.name in good  # else this table misses a new field
    frames = [{**good, field.name: value} for value in wrong_values(field.type)]
    if field.required:
        frames.append({name: value for name, value in good.items() if name != field.name})
    for frame in frames:
        text = json.dumps(frame)
        # What is wrong inside of a list is named with its place.
        answer = answer_to(place, text)
        name = answer.get("field", "")
        assert name == field.name or name == f"{field.name}[0]", (answer, text[:200])
        assert_refused(answer, FIELD, name)
    place.still_works()


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("cls", GOOD)
@pytest.mark.parametrize("name", ["more", "__proto__", "constructor", "user_id", "Ref"])
def test_a_field_of_no_command_is_named(
    place: Place, cls: type[protocol.Command], name: str
) -> None:
    """Also ``user_id``: nobody tells the server who they are."""
    tag = str(cls.__struct_config__.tag)
    frame = {"type": tag, "ref": "b", **GOOD[cls], name: {SECRET: SECRET}}
    assert_refused(answer_to(place, json.dumps(frame)), FIELD, name)
    place.still_works()


# --- Values that break a rule -------------------------------------------------------------

NAMES = {
    "empty": "",
    "blanks": "   ",
    "newlines": "\n\n",
    "zero-width": "\u200b\u200b",
    "joiners": "\u200d",
    "Hangul fillers": "\u3164\uffa0",
    "right-to-left override": f"{SECRET}\u202e",
    "isolate": f"\u2066{SECRET}",
    "zero-width inside": f"비\u200b밀{SECRET}",
    "NUL": f"{SECRET}\x00",
    "escape": f"{SECRET}\x1b[31m",
    "very long": SECRET * 500,
}
TEXTS = {
    "empty": "",
    "blanks": " \u3000\u00a0 ",
    "newlines": "\n\r\n\t",
    "zero-width": "\u200b\u200d\ufeff",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "NUL": f"{SECRET}\x00",
    "control": f"{SECRET}\x07",
    "too long": SECRET[0] + "가" * limits.CHAT_TEXT_MAX,
}
#: Of a room that would ask for it.
PASSCODES = {
    "empty": "",
    "blanks": "      ",
    "three": "123",
    "three and spaces": " 123 ",
    "twenty-one": SECRET[0] + "1" * 20,
    "very long": SECRET * 500,
    "NUL": f"{SECRET}12\x00",
    "newline": "12\n34",
    "right-to-left override": f"{SECRET}\u202e12",
    "zero-width": f"{SECRET}\u200b12",
}
_ACCESS = {"type": "room.set_access", "room_id": "ROOM"}
NO_EMOJI = {
    "empty": "",
    "blank": " ",
    "a letter": SECRET[0],
    "two": "🏓🏓",
    "HTML": "<img src=x>",
    "a sign": "<",
    "a tone alone": "🏽",
    "a joiner": "\u200d",
    "NUL": "🏓\x00",
    "very long": "🏓" * 500,
    "long and joined": "\u200d".join("🏓" * 9),
}
_READ = {"type": "chat.history", "room_id": "ROOM"}
_SEND = {"type": "chat.send", "room_id": "ROOM", "cid": "cid-12345"}
_REPORT = {"user_id": "someone", "reason": "spam"}
_SYNC = {"type": "room.sync"}
_AT = {"room_id": "ROOM", "after": 0}
_SOMEONE = {"room_id": "nowhere", "user_id": "someone"}

RULES: dict[str, tuple[dict[str, Any], str]] = {
    **{
        f"room name: {what}": ({"type": "room.open", "name": name}, "name")
        for what, name in {**NAMES, "41 characters": "가" * 41}.items()
    },
    **{
        f"new room name: {what}": (
            {"type": "room.rename", "room_id": "ROOM", "name": name},
            "name",
        )
        for what, name in {**NAMES, "41 characters": "가" * 41}.items()
    },
    **{
        f"nickname: {what}": ({"type": "profile.update", "nickname": name}, "nickname")
        for what, name in {**NAMES, "21 characters": "가" * 21}.items()
    },
    **{
        f"nickname in a room: {what}": (
            {"type": "room.set_nickname", "room_id": "ROOM", "nickname": name},
            "nickname",
        )
        for what, name in {**NAMES, "21 characters": "가" * 21}.items()
    },
    **{f"text: {what}": ({**_SEND, "text": text}, "text") for what, text in TEXTS.items()},
    **{
        f"edited text: {what}": (
            {"type": "chat.edit", "room_id": "ROOM", "seq": 1, "text": text},
            "text",
        )
        for what, text in TEXTS.items()
    },
    **{
        f"emoji: {what}": (
            {"type": "chat.react", "room_id": "ROOM", "seq": 1, "emoji": emoji},
            "emoji",
        )
        for what, emoji in NO_EMOJI.items()
    },
    **{
        f"tag: {what}": ({"type": "room.describe", "room_id": "ROOM", "tags": [tag]}, "tags")
        for what, tag in NAMES.items()
        if tag and len(tag) <= 4 * limits.TAG_MAX
    },
    "tag: 21 characters": ({"type": "room.open", "name": "방", "tags": ["가" * 21]}, "tags"),
    "four tags": ({"type": "room.open", "name": "방", "tags": ["a", "b", "c", "d"]}, "tags"),
    **{
        f"search: {what}": ({"type": "directory.search", "text": text}, "text")
        for what, text in {
            **{name: NAMES[name] for name in ("empty", "blanks", "newlines", "zero-width")},
            "a tag of nothing": "#",
            "very long": SECRET * 500,
        }.items()
    },
    "a list from nowhere": ({"type": "directory.list", "after": "AAAA"}, "after"),
    "a list from no base64": ({"type": "directory.list", "after": "A"}, "after"),
    "a search from nowhere": (
        {"type": "directory.search", "text": "방", "after": "AAAA"},
        "after",
    ),
    "retry_since -1": ({**_SEND, "text": "말", "retry_since": -1}, "retry_since"),
    "retry_since over 2**53": ({**_SEND, "text": "말", "retry_since": 2**53}, "retry_since"),
    **{
        f"passcode: {what}": ({**_ACCESS, "access": "passcode", "passcode": passcode}, "passcode")
        for what, passcode in PASSCODES.items()
    },
    "no passcode": ({**_ACCESS, "access": "passcode"}, "passcode"),
    "a passcode for nothing": ({**_ACCESS, "access": "private", "passcode": "1234"}, "passcode"),
    "a new room's passcode for nothing": (
        {"type": "room.open", "name": "이름", "passcode": "1234"},
        "passcode",
    ),
    **{
        f"the word {word!r}": (
            {"type": "room.set_words", "room_id": "ROOM", "words": [word]},
            "words",
        )
        for word in (
            "말",
            " ",
            "나쁜 말",
            "b4d",
            "*말말",
            "-말말",
            "#말말",
            "말말\u200b",
            "가" * 21,
            "🏓🏓",
        )
    },
    "a room for one": ({"type": "room.set_capacity", "room_id": "ROOM", "capacity": 1}, "capacity"),
    "an invitation of any time": (
        {"type": "invite.create", "room_id": "ROOM", "seconds": 3601},
        "seconds",
    ),
    "an invitation for two": ({"type": "invite.create", "room_id": "ROOM", "uses": 2}, "uses"),
    "an answer to 0": ({**_SEND, "text": "말", "reply_to": 0}, "reply_to"),
    "an answer to 2**53": ({**_SEND, "text": "말", "reply_to": 2**53}, "reply_to"),
    "cid of somebody's making": ({**_SEND, "text": "말", "cid": "cid:1:2:3:4"}, "cid"),
    "cid of 7": ({**_SEND, "text": "말", "cid": "1234567"}, "cid"),
    "cid of 65": ({**_SEND, "text": "말", "cid": "c" * 65}, "cid"),
    "before and after": ({**_READ, "before": 5, "after": 1}, "before"),
    "before 0": ({**_READ, "before": 0}, "before"),
    "after -1": ({**_READ, "after": -1}, "after"),
    "limit 0": ({**_READ, "limit": 0}, "limit"),
    "limit 101": ({**_READ, "limit": 101}, "limit"),
    "a huge limit": ({**_READ, "limit": 10**15}, "limit"),
    "enter with limit 101": ({"type": "room.enter", "room_id": "ROOM", "limit": 101}, "limit"),
    "seq over 2**53": ({"type": "room.read", "room_id": "ROOM", "seq": 2**53}, "seq"),
    "a room twice": ({**_SYNC, "rooms": [_AT, _AT]}, "rooms"),
    "101 rooms": (
        {**_SYNC, "rooms": [{"room_id": f"r{i}", "after": 0} for i in range(101)]},
        "rooms",
    ),
    "a room without after": ({**_SYNC, "rooms": [_AT, {"room_id": "r"}]}, "rooms[1].after"),
    "an id with a space": (
        {**_SYNC, "rooms": [{"room_id": "a b", "after": 0}]},
        "rooms[0].room_id",
    ),
    "an epoch of 33": ({**_SYNC, "rooms": [{**_AT, "epoch": "e" * 33}]}, "rooms[0].epoch"),
    "another field of a room": ({**_SYNC, "rooms": [{**_AT, "x": 1}]}, "rooms[0].x"),
    "list of no rooms": ({"type": "room.list", "room_ids": []}, "room_ids"),
    "list of 101 rooms": ({"type": "room.list", "room_ids": ["r"] * 101}, "room_ids"),
}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize(("frame", "field"), RULES.values(), ids=RULES.keys())
def test_a_broken_rule_is_named(place: Place, frame: dict[str, Any], field: str) -> None:
    before = place.client.ask("session.hello")
    text = json.dumps({"ref": "b", **frame}).replace("ROOM", place.room_id)
    answer = answer_to(place, text)
    assert answer["ref"] == "b"
    assert_refused(answer, FIELD, field)
    after = place.client.ask("session.hello")
    assert {**before, "now": 0, "ref": ""} == {**after, "now": 0, "ref": ""}


@pytest.mark.alike
@pytest.mark.localstack
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": "room.enter", "room_id": "nowhere"}, "room_not_found"),
        ({"type": "room.members", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.leave", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.read", "room_id": "nowhere", "seq": 1}, "not_member"),
        ({"type": "chat.history", "room_id": "nowhere"}, "not_member"),
        ({"type": "chat.edit", "room_id": "nowhere", "seq": 1, "text": "말"}, "not_member"),
        ({"type": "chat.delete", "room_id": "nowhere", "seq": 1}, "not_member"),
        ({"type": "chat.react", "room_id": "nowhere", "seq": 1, "emoji": "🏓"}, "not_member"),
        ({"type": "typing.signal", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.present", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.rename", "room_id": "nowhere", "name": "이름"}, "not_member"),
        ({"type": "room.set_nickname", "room_id": "nowhere", "nickname": "나"}, "not_member"),
        ({"type": "room.set_nickname", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.mute", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.mute", "room_id": "nowhere", "on": False}, "not_member"),
        ({"type": "report.send", "room_id": "nowhere", **_REPORT}, "not_member"),
        ({"type": "room.set_role", **_SOMEONE, "role": "manager"}, "not_member"),
        ({"type": "room.transfer", **_SOMEONE}, "not_member"),
        ({"type": "room.kick", **_SOMEONE}, "not_member"),
        ({"type": "room.kick", **_SOMEONE, "ban": True}, "not_member"),
        ({"type": "room.unban", **_SOMEONE}, "not_member"),
        ({"type": "room.bans", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.silence", **_SOMEONE, "seconds": 60}, "not_member"),
        ({"type": "room.slow", "room_id": "nowhere", "seconds": 5}, "not_member"),
        ({"type": "room.pin", "room_id": "nowhere", "seq": 1}, "not_member"),
        ({"type": "room.lock", "room_id": "nowhere"}, "not_member"),
        ({"type": "room.set_access", "room_id": "nowhere", "access": "private"}, "not_member"),
        ({"type": "room.set_capacity", "room_id": "nowhere", "capacity": 2}, "not_member"),
        ({"type": "room.set_words", "room_id": "nowhere", "words": []}, "not_member"),
        ({"type": "room.words", "room_id": "nowhere"}, "not_member"),
        ({"type": "invite.create", "room_id": "nowhere"}, "not_member"),
        ({"type": "invite.list", "room_id": "nowhere"}, "not_member"),
        ({"type": "invite.revoke", "room_id": "nowhere", "invite_id": "some"}, "not_member"),
        ({"type": "room.enter", "room_id": "nowhere", "invite": "i" * 43}, "room_not_found"),
        ({**_SEND, "room_id": "nowhere", "text": "말", "reply_to": 1}, "not_member"),
        ({**_SEND, "room_id": "nowhere", "text": "말", "retry_since": 0}, "not_member"),
        ({**_SEND, "room_id": "nowhere", "text": "말"}, "not_member"),
        ({"type": "room.enter", "room_id": "__proto__"}, "room_not_found"),
        ({"type": "room.enter", "room_id": "r" * 64}, "room_not_found"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
def test_a_room_that_is_none_is_refused(place: Place, fields: dict[str, Any], code: str) -> None:
    answer = answer_to(place, json.dumps({"ref": "b", **fields}))
    assert (answer["code"], answer["field"]) == (code, "room_id")
    place.still_works()


@pytest.mark.alike
@pytest.mark.localstack
@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"type": "room.read", "seq": 10**6}, FIELD, "seq"),
        ({"type": "room.read", "seq": 0}, FIELD, "seq"),
        ({"type": "chat.edit", "seq": 10**6, "text": "말"}, "chat_not_found", "seq"),
        ({"type": "chat.edit", "seq": 0, "text": "말"}, "chat_not_found", "seq"),
        ({"type": "chat.delete", "seq": 10**6}, "chat_not_found", "seq"),
        ({"type": "chat.react", "seq": 2**53 - 1, "emoji": "🏓"}, "chat_not_found", "seq"),
        ({"type": "chat.react", "seq": 1, "emoji": "🏓"}, "chat_not_found", "seq"),
        ({"type": "room.pin", "seq": 1}, "chat_not_found", "seq"),
        ({"type": "room.pin", "seq": 10**6}, "chat_not_found", "seq"),
        ({**_SEND, "text": "말", "reply_to": 1}, "chat_not_found", "reply_to"),
        ({**_SEND, "text": "말", "reply_to": 10**6}, "chat_not_found", "reply_to"),
        ({**_SEND, "text": "말", "reply_to": 2**53 - 1}, "chat_not_found", "reply_to"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_a_place_in_the_log_that_is_none_is_named(
    place: Place, fields: dict[str, Any], code: str, field: str
) -> None:
    """From the future, before the beginning, or of a notice."""
    before = place.client.ask("chat.history", room_id=place.room_id)
    frame = {"ref": "b", **fields, "room_id": place.room_id}
    assert_refused(answer_to(place, json.dumps(frame)), code, field)
    after = place.client.ask("chat.history", room_id=place.room_id)
    assert {**before, "ref": ""} == {**after, "ref": ""}
    place.still_works()


@pytest.mark.localstack
def test_the_chat_of_somebody_else_is_theirs(site: Site, place: Place) -> None:
    guest = new_person(site).chat()
    guest.ask("room.enter", room_id=place.room_id)
    said = say(place.client, place.room_id, SECRET)
    for fields in ({"type": "chat.edit", "text": "말"}, {"type": "chat.delete"}):
        frame = {"ref": "b", "room_id": place.room_id, "seq": said["seq"], **fields}
        assert_refused(guest.send_raw(json.dumps(frame), "b"), "not_author", "seq")
    page = place.client.ask("chat.history", room_id=place.room_id, after=said["seq"] - 1)
    assert page["entries"] == [said]


@pytest.mark.localstack
def test_a_room_made_anew_under_its_name_has_nothing_of_the_old_one(site: Site) -> None:
    """Also for clients that go on as if it were the same room, or the same log."""
    host, guest = new_person(site).chat(), new_person(site).chat()
    name = unique("다시")
    old = open_room(host, name)
    epoch = guest.ask("room.enter", room_id=old)["room"]["epoch"]
    seq = say(host, old, SECRET)["seq"]
    host.ask("room.leave", room_id=old, close=True)
    guest.wait_for("room.closed")
    new = open_room(host, name)
    assert new != old
    entered = guest.ask("room.enter", room_id=new)["room"]
    assert entered["epoch"] != epoch
    last = entered["last_seq"]
    for fields, codes in (
        ({"type": "chat.send", "text": "말", "cid": "cid-old-room1"}, GONE),
        ({"type": "chat.send", "text": "말", "cid": "cid-old-room1", "retry_since": 1}, GONE),
        ({"type": "chat.edit", "seq": seq, "text": "말"}, GONE),
        ({"type": "chat.delete", "seq": seq}, GONE),
        ({"type": "chat.react", "seq": seq, "emoji": "🏓"}, GONE),
        ({"type": "room.read", "seq": seq}, GONE),
        ({"type": "typing.signal"}, GONE),
        ({"type": "room.present"}, GONE),
        ({"type": "room.rename", "name": unique("새 이름")}, GONE),
        ({"type": "room.set_nickname", "nickname": "나"}, GONE),
        ({"type": "room.mute"}, GONE),
        ({"type": "room.slow", "seconds": 5}, GONE),
        ({"type": "room.lock"}, GONE),
        ({"type": "room.set_access", "access": "private"}, GONE),
        ({"type": "room.set_capacity", "capacity": 2}, GONE),
        ({"type": "room.set_words", "words": ["말말"]}, GONE),
        ({"type": "room.words"}, GONE),
        ({"type": "invite.create"}, GONE),
        ({"type": "invite.list"}, GONE),
        ({"type": "room.pin", "seq": seq}, GONE),
        ({"type": "room.bans"}, GONE),
        ({"type": "room.kick", "user_id": "someone"}, GONE),
        ({**_SEND, "text": "말", "reply_to": seq}, GONE),
        ({"type": "room.enter"}, {"room_not_found"}),
        ({"type": "chat.history"}, GONE),
    ):
        for client in (host, guest):
            answer = client.send_raw(json.dumps({"ref": "b", "room_id": old, **fields}), "b")
            assert answer.get("code") in codes, (fields, answer)
            assert answer["field"] == "room_id"
    positions = [
        {"room_id": old, "after": seq, "epoch": epoch},
        {"room_id": new, "after": 1, "epoch": epoch},
    ]
    gone, fresh = guest.ask("room.sync", rooms=positions)["rooms"]
    assert gone == {"room_id": old, "gone": True}
    assert fresh["reset"]
    assert [entry["seq"] for entry in fresh["entries"]] == list(range(1, last + 1))
    assert all("text" not in entry for entry in fresh["entries"])


@pytest.mark.localstack
def test_twice_the_same_room_in_a_list_is_that_room(place: Place) -> None:
    reply = place.client.ask("room.list", room_ids=[place.room_id] * 100)
    assert [room["room_id"] for room in reply["rooms"]] == [place.room_id]


@pytest.mark.localstack
def test_odd_but_right_values_are_taken(place: Place) -> None:
    client, room_id = place.client, place.room_id
    text = "__proto__ <script> ' \" \\ {} %s \u2028 \U0001fae8 " + "가" * 3000
    said = say(client, room_id, text, cid="_-" * 32)
    assert said["text"] == text
    page = client.ask("chat.history", room_id=room_id, after=said["seq"] - 1, limit=1)
    assert page["entries"] == [said]
    assert client.ask("chat.history", room_id=room_id, before=2**53 - 1)["entries"][-1] == said
    assert client.ask("chat.history", room_id=room_id, after=2**53 - 1)["entries"] == []
    assert client.ask("room.members", room_id=room_id, after="z" * 64)["members"] == []
    name = "constructor" + unique("-")
    assert client.ask("room.open", name=f"\n {name}\t\n ")["room"]["name"] == name
    for ref in ("__proto__", "  ", "<b>", "참조", "\x00", "r" * 32):
        frame = json.dumps({"type": "room.sync", "ref": ref, "rooms": []})
        assert client.send_raw(frame, ref) == {"type": "ok", "ref": ref, "rooms": [], "users": {}}


@pytest.mark.localstack
def test_of_keys_given_twice_the_last_one_counts_but_all_must_be_right(place: Place) -> None:
    frame = '{"type": "room.sync", "ref": "first", "rooms": [], "ref": "last"}'
    assert place.client.send_raw(frame, "last")["type"] == "ok"
    frame = '{"type": "room.sync", "ref": "first", "rooms": 7, "rooms": [], "ref": "last"}'
    assert_refused(place.client.send_raw(frame, "last"), FIELD, "rooms")
    place.still_works()


# --- The order of commands ----------------------------------------------------------------


@pytest.mark.localstack
def test_before_hello_there_is_only_hello(place: Place) -> None:
    client = place.browser.connect()
    for cls, fields in GOOD.items():
        if cls is protocol.Hello:
            continue
        frame = {"type": str(cls.__struct_config__.tag), "ref": "b", **fields}
        answer = client.send_raw(json.dumps(frame).replace("ROOM", place.room_id), "b")
        assert (answer["type"], answer["code"]) == ("error", "hello_first")
    assert client.send_raw("안녕")["code"] == FRAME
    first = client.ask("session.hello")
    second = client.ask("session.hello")
    assert {**first, "now": 0, "ref": ""} == {**second, "now": 0, "ref": ""}
    said = say(place.client, place.room_id, "한 번만")
    client.wait_for_entry(seq=said["seq"])
    client.ask("room.sync", rooms=[])
    assert [entry for entry in client.entries if entry["seq"] == said["seq"]] == []
    client.close()


# --- Frames that AWS itself may refuse -----------------------------------------------------


@pytest.mark.parametrize("size", [33_000, 130_000, 2_000_000])
def test_a_frame_that_is_too_big_harms_nobody_else(place: Place, size: int) -> None:
    """AWS closes the connection (1009) above 128 KB; below, the frame is just wrong."""
    client = place.browser.chat()
    with contextlib.suppress(ConnectionError):
        answer = client.send_raw(
            json.dumps({"type": "room.open", "ref": "b", "name": "x" * size}), "b"
        )
        assert_refused(answer, FIELD, "name")
    place.still_works()
    place.browser.chat().close()


def test_a_binary_frame_harms_nobody_else(place: Place) -> None:
    client = place.browser.chat()
    socket: Any = client.transport
    with contextlib.suppress(ConnectionClosed):
        socket.socket.send(b"\xff\x00\xfe")
    with contextlib.suppress(ConnectionError):
        client.ask("room.sync", rooms=[])
        assert all(frame["code"] == FRAME for frame in client._without_ref)
    place.still_works()
    place.browser.chat().close()


# --- HTTP ---------------------------------------------------------------------------------


def assert_still_signed_in(place: Place) -> None:
    assert place.browser.get("/api/session").json == {"signed_in": True}
    assert place.browser.get("/api/health").json == {"status": "ok"}


@pytest.mark.parametrize(
    "path",
    ["/api/nothing", "/api/", "/api/session/x", "/api/%00", "/api/auth/%2e%2e"],
)
def test_there_is_nothing_at_other_paths(place: Place, path: str) -> None:
    answer = place.browser.get(path)
    assert answer.status in (400, 403, 404)
    assert "Traceback" not in answer.body
    assert_still_signed_in(place)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/session"),
        ("GET", "/api/auth/logout"),
        ("GET", "/api/auth/withdraw"),
        ("POST", "/api/auth/kakao"),
        ("PUT", "/api/auth/logout"),
        ("DELETE", "/api/auth/withdraw"),
        ("PATCH", "/api/auth/kakao/unlinked"),
    ],
)
def test_other_methods_do_nothing(place: Place, method: str, path: str) -> None:
    headers = {"Origin": place.browser.site.origin, "Cookie": place.browser.cookie_header}
    answer = place.browser.site.request(method, path, headers)
    assert answer.status in (403, 404, 405)
    assert "set-cookie" not in answer.headers
    assert_still_signed_in(place)


CALLBACKS = {
    "nothing": "",
    "only signs": "&&==&?",
    "no values": "code&state",
    "empty": "code=&state=",
    "not UTF-8": "code=%ff%fe&state=%ed%a0%80",
    "NUL": "code=%00&state=%00",
    "Korean": "code=" + quote(SECRET) + "&state=" + quote(SECRET),
    "given twice": "state=a&state=b&code=c&code=d",
    "long": "code=" + "c" * 5000 + "&state=" + "s" * 500,
    "an error": "error=%3Cscript%3E&error_description=" + quote(SECRET),
    "a redirect": "next=https://evil.example&state=x&code=y",
}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("query", CALLBACKS.values(), ids=CALLBACKS.keys())
@pytest.mark.parametrize("has_attempt", [False, True])
def test_a_garbled_callback_leads_to_the_sign_in_page(
    site: Site, place: Place, query: str, has_attempt: bool
) -> None:
    browser = Browser(site)
    if has_attempt:
        browser.start()
    answer = browser.get(f"/api/auth/kakao/callback?{query}")
    assert answer.status == 302
    assert answer.location == "/sign-in?error=sign_in_expired"
    assert answer.body == ""
    assert browser.cookies == {}
    assert_still_signed_in(place)


OTHER_COOKIES = {
    "of other tools": "_ga=GA1.1.1; csrftoken=abc; JSESSIONID=1234",
    "with JSON": 'theme={"dark": true, "x": [1, 2]}',
    "with quotes": 'a="not closed',
    "without a value": "a; b=; =c; ;",
    "with odd names": "a b=1; a[0]=2; (x)=3; @=4",
    "with dates": "expires=Mon, 01 Jan 2024 00:00:00 GMT; path=/",
    "of similar names": "sessions=x; my-session=y; Session=z; sign-in=w",
    "not ASCII": "name=í\x80é",
    "big": "big=" + "x" * 4000,
}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("other", OTHER_COOKIES.values(), ids=OTHER_COOKIES.keys())
def test_cookies_of_others_on_the_same_host_sign_nobody_out(place: Place, other: str) -> None:
    own = place.browser.cookie_header
    site = place.browser.site
    for cookies in (f"{other}; {own}", f"{own}; {other}"):
        headers = {"Cookie": cookies, "Origin": site.origin}
        assert site.request("GET", "/api/session", headers).json == {"signed_in": True}
        site.connect(headers).close()
    assert site.request("GET", "/api/session", {"Cookie": other}).json == {"signed_in": False}


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize(
    "value", ["x", '"', '"\\777\\000"', "%00", "í\x80", "x" * 4000, "{}", "../..", "a,b"]
)
def test_a_garbled_session_is_none(place: Place, value: str) -> None:
    headers = {"Cookie": f"session={value}", "Origin": place.browser.site.origin}
    site = place.browser.site
    assert site.request("GET", "/api/session", headers).json == {"signed_in": False}
    answer = site.request("POST", "/api/auth/logout", headers)
    assert (answer.status, answer.json["code"]) == (401, "signed_out")
    assert_still_signed_in(place)


@pytest.mark.parametrize("body", ["", "{", "a=b", "\x00", "x" * 100_000])
@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data", "application/json; charset=x", "x", ""]
)
def test_bodies_that_nobody_asked_for_are_not_read(
    place: Place, content_type: str, body: str
) -> None:
    """Refused or ignored, but never with an error of ours."""
    headers = {"Content-Type": content_type, "Origin": "https://evil.example"}
    headers["Cookie"] = place.browser.cookie_header
    answer = place.browser.site.request("POST", "/api/auth/logout", headers, body)
    assert answer.status in (403, 415)
    assert_still_signed_in(place)


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("body", ["", "{}", "user_id", "user_id=%ff", "=&=&", "\x00", "a" * 50_000])
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_garbled_unlink_callback_is_refused(place: Place, content_type: str, body: str) -> None:
    headers = {"Content-Type": content_type, "Authorization": kakao_authorization()}
    answer = place.browser.site.request("POST", "/api/auth/kakao/unlinked", headers, body)
    assert (answer.status, answer.json["code"]) == (400, FIELD)
    assert_still_signed_in(place)


@pytest.mark.localstack
@pytest.mark.alike
@pytest.mark.parametrize("key", ["비밀".encode().decode("latin-1"), "x" * 5000, "\x80\xff", "{}"])
def test_a_garbled_admin_key_is_refused(place: Place, key: str) -> None:
    headers = {"Authorization": f"KakaoAK {key}"}
    answer = place.browser.site.request("GET", "/api/auth/kakao/unlinked?user_id=1", headers)
    assert (answer.status, answer.json["code"]) == (401, "signed_out")
    assert_still_signed_in(place)
