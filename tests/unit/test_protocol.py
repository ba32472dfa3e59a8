"""The frames: what goes in comes out, and every kind is dealt with."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from inspect import getsource
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

import chalicelib
from chalicelib import commands, errors, ids, limits, protocol
from chalicelib.protocol import ErrorCode

Base = typing.TypeVar("Base")
COMMANDS: tuple[type[protocol.Command], ...] = typing.get_args(protocol.AnyCommand)
EVENTS: tuple[type[protocol.Event], ...] = typing.get_args(protocol.AnyEvent)
REPLIES = sorted({*protocol.REPLIES.values()}, key=lambda reply: reply.__name__)
SERVER_FRAMES: tuple[type[msgspec.Struct], ...] = (*REPLIES, protocol.ErrorReply, *EVENTS)


def descendants(base: type[Base]) -> Iterator[type[Base]]:
    for child in base.__subclasses__():
        yield child
        yield from descendants(child)


def example(described: inspect.Type, within: tuple[type, ...] = ()) -> Any:
    """A value of a type that differs from every default.

    Args:
        within: the structs that it is a part of; of them there is no other inside.
    """
    match described:
        case inspect.StrType(pattern=pattern):
            return "abc-DEF_1234" if pattern else "글 \"'\\\n🏓"
        case inspect.IntType():
            return 7
        case inspect.BoolType():
            return True
        case inspect.AnyType():
            return "any"
        case inspect.EnumType(cls=cls):
            return list(cls)[-1]
        case inspect.ListType(item_type=item):
            return [example(item, within)]
        case inspect.DictType(key_type=key, value_type=value):
            return {example(key, within): example(value, within)}
        case inspect.UnionType(types=types):
            fitting = (one for one in types if not isinstance(one, inspect.NoneType))
            outer = (one for one in fitting if getattr(one, "cls", None) not in within)
            one = next(outer, None)
            return None if one is None else example(one, within)
        case inspect.StructType(cls=cls, fields=fields):
            inside = (*within, cls)
            # (Of those that are true by default, the other is false.)
            return cls(
                **{
                    field.name: field.default is not True
                    if isinstance(field.type, inspect.BoolType)
                    else example(field.type, inside)
                    for field in fields
                }
            )
    raise AssertionError(f"no example of {described}")


def whole(cls: type) -> Any:
    """A frame with every field given."""
    return example(inspect.type_info(cls))


def least(cls: type) -> Any:
    """A frame with no field given that may be left out."""
    described = inspect.type_info(cls)
    assert isinstance(described, inspect.StructType)
    return cls(**{field.name: example(field.type) for field in described.fields if field.required})


@pytest.mark.parametrize("cls", COMMANDS)
@pytest.mark.parametrize("make", [whole, least])
def test_commands_are_read_as_they_were_written(cls: type[protocol.Command], make: Any) -> None:
    command = make(cls)
    assert protocol.decode_command(msgspec.json.encode(command)) == command
    assert protocol.decode_command(msgspec.json.encode(command).decode()) == command


@pytest.mark.parametrize("cls", SERVER_FRAMES)
@pytest.mark.parametrize("make", [whole, least])
def test_frames_of_the_server_are_read_as_they_were_written(cls: type, make: Any) -> None:
    frame = make(cls)
    assert msgspec.json.decode(protocol.encode(frame), type=cls) == frame


@pytest.mark.parametrize("cls", SERVER_FRAMES)
def test_defaults_are_left_out(cls: type) -> None:
    described = inspect.type_info(cls)
    assert isinstance(described, inspect.StructType)
    required = {field.encode_name for field in described.fields if field.required}
    assert json.loads(protocol.encode(least(cls))).keys() == {"type", *required}


def test_a_changed_chat_is_read_as_it_was_written() -> None:
    """An entry inside of another, which no other test makes."""
    chat = whole(protocol.Entry)
    assert chat.changed is None
    entry = msgspec.structs.replace(chat, kind=protocol.EntryKind.CHANGED, changed=chat)
    event = protocol.EntriesAdded(room_id="room", entries=[entry], users={})
    read = msgspec.json.decode(protocol.encode(event), type=protocol.EntriesAdded)
    assert read == event
    assert read.entries[0].changed == chat


def test_the_types_on_the_wire_tell_frames_apart() -> None:
    single: list[type[msgspec.Struct]] = [*COMMANDS, *EVENTS, protocol.ErrorReply]
    tags = [str(cls.__struct_config__.tag) for cls in single]
    assert len(set(tags)) == len(tags)
    assert {cls.__struct_config__.tag for cls in REPLIES} == {"ok"}
    assert "ok" not in tags


def test_every_command_has_a_reply_and_a_handler() -> None:
    assert set(COMMANDS) == set(descendants(protocol.Command))
    assert protocol.REPLIES.keys() == set(COMMANDS)
    assert commands.HANDLERS.keys() == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_answered_with_its_reply(command: type[protocol.Command]) -> None:
    """As far as types tell: the handler makes the reply that the documents promise."""
    handler = commands.HANDLERS[command]
    source = getsource(handler)
    for helper in re.findall(r"return (_\w+)\(", source):
        source += getsource(handler.__globals__[helper])
    made = set(re.findall(r"return (?:protocol\.)?(\w*Reply)\(", source))
    assert made == {protocol.REPLIES[command].__name__}


def test_every_event_is_known() -> None:
    assert set(EVENTS) == set(descendants(protocol.Event))


def test_every_code_has_an_error_of_its_own() -> None:
    found = [cls.code for cls in descendants(errors.PingPongError)]
    assert len(set(found)) == len(found)
    # The edges answer it themselves to what nobody expected.
    assert {*found, ErrorCode.INTERNAL} == set(ErrorCode)


def test_every_error_is_raised_somewhere() -> None:
    folder = Path(chalicelib.__file__).parent
    sources = "".join(
        path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.stem != "errors"
    )
    made = set(re.findall(r"(?:raise|return) (\w+Error)\b", sources))
    kinds = {cls for cls in descendants(errors.PingPongError) if not cls.__subclasses__()}
    assert {cls.__name__ for cls in kinds} <= made


@pytest.mark.parametrize(
    ("frame", "ref"),
    [
        ('{"ref": "7"}', "7"),
        ('{"type": "no.such", "ref": "7", "more": [1]}', "7"),
        ('{"ref": "' + "r" * 32 + '"}', "r" * 32),
        ('{"ref": "' + "r" * 33 + '"}', ""),
        ('{"ref": 7}', ""),
        ('{"ref": null}', ""),
        ("{}", ""),
        ("[]", ""),
        ("", ""),
        ('{"ref": "7"', ""),
        ('{"ref": "\\ud800"}', ""),
        ('{"ref": "\ud800"}', ""),
        ('{"ref": ' + "[" * 100_000, ""),
        ('{"x": ' * 100_000, ""),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_the_ref_is_found_in_a_broken_frame_or_left_out(frame: str, ref: str) -> None:
    assert protocol.ref_of(frame) == ref


def test_a_synced_room_takes_what_its_limit_says() -> None:
    """Without its entries; with them it has their brackets and name, too."""
    count = 10**9
    room = protocol.SyncedRoom(
        room_id=ids.new_id(),
        reset=True,
        epoch=ids.new_id(),
        last_seq=count,
        read_seq=count,
        unread=count,
        muted=True,
        entries=[protocol.Entry(1, "", 0)],
        complete=True,
    )
    set_here = {name for name in room.__struct_fields__ if getattr(room, name)} | {"gone"}
    assert set_here == set(room.__struct_fields__)  # else this misses a new field
    taken = len(msgspec.json.encode(room)) - len(msgspec.json.encode(room.entries[0]))
    assert taken + len(",") <= limits.SYNCED_ROOM_BYTES_MAX
