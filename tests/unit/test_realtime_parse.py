"""Bad frames are explained: the field and the rule, never the value."""

from __future__ import annotations

import pytest

from chalicelib.errors import (
    InvalidFieldError,
    InvalidFrameError,
    PingPongError,
    UnknownTypeError,
)
from chalicelib.protocol import ErrorCode, Hello
from chalicelib.realtime import _parse


def explained(frame: str) -> PingPongError:
    with pytest.raises(PingPongError) as error:
        _parse(frame, is_binary=False)
    return error.value


def test_a_good_frame_is_a_command() -> None:
    assert _parse('{"type": "session.hello", "ref": "1"}', is_binary=False) == Hello(ref="1")


def test_a_binary_frame_is_none() -> None:
    with pytest.raises(InvalidFrameError, match="binary"):
        _parse("eyJ0eXBlIjoic2Vzc2lvbi5oZWxsbyJ9", is_binary=True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("null", "frame: expected `object`, got `null`"),
        ("[]", "frame: expected `object`, got `array`"),
        ("{}", "type: is required"),
        ("", "frame: must be a JSON object in UTF-8"),
        ('{"type": "session.hello", "ref": "\ud800"}', "frame: must be a JSON object in UTF-8"),
        ('{"x": ' * 100_000, "frame: must be a JSON object in UTF-8"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_is_no_object_of_ours(frame: str, message: str) -> None:
    error = explained(frame)
    assert error.code is ErrorCode.INVALID_FRAME
    assert error.message == message
    assert error.field == ""


@pytest.mark.parametrize("type_", ['"no.such"', "null", "1", "[]", "{}", '"SESSION.HELLO"', '""'])
def test_what_is_no_command(type_: str) -> None:
    error = explained(f'{{"type": {type_}, "ref": "1"}}')
    assert isinstance(error, UnknownTypeError)
    assert "such" not in error.message


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ("", "seq", "seq: is required"),
        ('"seq": -1', "seq", "seq: expected `int` >= 0"),
        ('"seq": "5"', "seq", "seq: expected `int`, got `str`"),
        ('"seq": true', "seq", "seq: expected `int`, got `bool`"),
        ('"seq": 1.5', "seq", "seq: expected `int`, got `float`"),
        ('"seq": 1, "close": true', "close", "close: is not a field of this command"),
        ('"seq": 1, "__proto__": {}', "__proto__", "__proto__: is not a field of this command"),
    ],
)
def test_the_field_and_the_rule_are_named(fields: str, field: str, message: str) -> None:
    comma = ", " if fields else ""
    error = explained(f'{{"type": "room.read", "ref": "1", "room_id": "r"{comma}{fields}}}')
    assert isinstance(error, InvalidFieldError)
    assert (error.field, error.message) == (field, message)


@pytest.mark.parametrize(
    ("position", "field"),
    [
        ('{"room_id": "a b", "after": 1}', "rooms[1].room_id"),
        ('{"room_id": "a"}', "rooms[1].after"),
        ('{"room_id": "a", "after": 1, "seq": 1}', "rooms[1].seq"),
        ("7", "rooms[1]"),
    ],
)
def test_a_field_inside_a_list_is_named_with_its_place(position: str, field: str) -> None:
    good = '{"room_id": "r", "after": 0}'
    error = explained(f'{{"type": "room.sync", "ref": "1", "rooms": [{good}, {position}]}}')
    assert isinstance(error, InvalidFieldError)
    assert error.field == field
    assert error.message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "name",
    ["", "a`b", " - at `$.ref", "a\\nb", "비밀", "x" * 65, "a b", "<b>", "a.b"],
)
def test_a_field_of_an_odd_name_is_not_repeated(name: str) -> None:
    error = explained(f'{{"type": "session.hello", "ref": "1", "{name}": 1}}')
    assert isinstance(error, InvalidFrameError)
    assert error.message == "frame: has a field that no command has"
