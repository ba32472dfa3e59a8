"""How passcodes of rooms are kept and compared."""

from __future__ import annotations

import hmac
import unicodedata

import pytest

from chalicelib import passcodes
from chalicelib.texts import clean_passcode


def test_a_passcode_is_right_and_another_is_wrong() -> None:
    stored = passcodes.hashed("서브-1234")
    assert passcodes.is_right("서브-1234", stored)
    for wrong in ("서브-1235", "서브-123", "서브-1234 ", "", stored):
        assert not passcodes.is_right(wrong, stored)


def test_the_same_passcode_is_stored_differently_each_time() -> None:
    one, other = passcodes.hashed("1234"), passcodes.hashed("1234")
    assert one != other
    assert "1234" not in one.split("$")
    assert passcodes.is_right("1234", one)
    assert passcodes.is_right("1234", other)


def test_a_hash_says_what_it_cost_so_that_can_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = passcodes.hashed("1234")
    monkeypatch.setattr(passcodes, "_N", 2**10)
    assert passcodes.is_right("1234", stored)
    assert passcodes.hashed("1234").startswith("1024$8$1$")


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert not passcodes.is_right("4321", passcodes.hashed("1234"))
    assert compared == [32]


def test_a_passcode_is_the_same_however_it_was_typed() -> None:
    name = "한글 코드"
    for typed in (name, unicodedata.normalize("NFD", name), f"  {name} "):
        assert clean_passcode(typed) == name
