"""Updates of an item."""

from __future__ import annotations

from functools import partial

from tests.integration.conformance.case import API, GUIDE, case
from tests.integration.conformance.emulators import Tables
from tests.integration.conformance.wire import at_once, n, refused, s, ss

UPDATES = GUIDE + "Expressions.UpdateExpressions.html"
COUNTERS = GUIDE + "WorkingWithItems.html#WorkingWithItems.AtomicCounters"
NUMBERS = GUIDE + "HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number"


@case(API + "API_UpdateItem.html")
def test_an_update_makes_the_item(tables: Tables) -> None:
    """An update of a missing item creates it, with its key."""
    key = tables.chat_key()
    tables.update(key, "SET version = :n", {":n": n(1)})
    assert tables.chat(key) == key | {"version": n(1)}


@case(UPDATES)
def test_add_begins_at_zero(tables: Tables) -> None:
    """ADD to a missing number begins at 0; a negative number subtracts."""
    key = tables.key_of(tables.put_chat())
    tables.update(key, "ADD version :n", {":n": n(5)})
    tables.update(key, "ADD version :n", {":n": n(-7)})
    assert tables.chat(key)["version"] == n(-2)


@case(UPDATES)
def test_if_not_exists_in_arithmetic(tables: Tables) -> None:
    """`if_not_exists(a, :zero) + :one` counts from a default."""
    key = tables.key_of(tables.put_chat())
    for _ in range(3):
        tables.update(
            key,
            "SET version = if_not_exists(version, :zero) + :one",
            {":zero": n(0), ":one": n(1)},
        )
    assert tables.chat(key)["version"] == n(3)


@case(UPDATES)
def test_all_actions_read_the_item_as_it_was(tables: Tables) -> None:
    """All actions of one expression read the item as it was before any of them."""
    key = tables.key_of(tables.put_chat(claim_0=s("a"), version=n(7)))
    shift = (
        "SET claim_0 = :new, claim_1 = if_not_exists(claim_0, :none), "
        "claim_2 = if_not_exists(claim_1, :none), preview = version + :one ADD version :one"
    )
    for name in ("b", "c"):
        tables.update(key, shift, {":new": s(name), ":none": s("-"), ":one": n(1)})
    found = tables.chat(key)
    assert [found[f"claim_{slot}"]["S"] for slot in range(3)] == ["c", "b", "a"]
    assert (found["version"], found["preview"]) == (n(9), n(9))


@case(UPDATES)
def test_a_missing_operand_is_refused(tables: Tables) -> None:
    """SET from a missing attribute is refused and changes nothing."""
    item = tables.put_chat(version=n(1))
    with refused("ValidationException"):
        tables.update(tables.key_of(item), "SET version = :n, target = absent + :n", {":n": n(2)})
    assert tables.chat(tables.key_of(item)) == item


@case(UPDATES)
def test_adding_to_text_is_refused(tables: Tables) -> None:
    """ADD of a number to a string is refused."""
    key = tables.key_of(tables.put_chat(text=s("7")))
    with refused("ValidationException"):
        tables.update(key, "ADD #t :n", {":n": n(1)})


@case(UPDATES)
def test_one_path_twice_is_refused(tables: Tables) -> None:
    """Two actions on one attribute are refused."""
    key = tables.key_of(tables.put_chat())
    with refused("ValidationException"):
        tables.update(key, "SET version = :n ADD version :n", {":n": n(1)})


@case(API + "API_UpdateItem.html")
def test_keys_stay(tables: Tables) -> None:
    """A key's attribute cannot be updated."""
    key = tables.key_of(tables.put_chat())
    with refused("ValidationException"):
        tables.update(key, "SET seq = :n", {":n": n(99)})


@case(UPDATES)
def test_a_set_grows(tables: Tables) -> None:
    """ADD to a set makes it where it is missing, and adds each element once."""
    key = tables.key_of(tables.put_chat())
    for more in (ss("a"), ss("a", "b"), ss("b", "가")):
        tables.update(key, "ADD reactions :r", {":r": more})
    assert sorted(tables.chat(key)["reactions"]["SS"]) == ["a", "b", "가"]


@case(UPDATES)
def test_a_set_shrinks_to_nothing(tables: Tables) -> None:
    """DELETE takes elements away; with the last one goes the attribute, and more is no error."""
    key = tables.key_of(tables.put_chat(reactions=ss("a", "b")))
    tables.update(key, "DELETE reactions :r", {":r": ss("a", "other")})
    assert tables.chat(key)["reactions"] == ss("b")
    tables.update(key, "DELETE reactions :r", {":r": ss("b")})
    assert "reactions" not in tables.chat(key)
    tables.update(key, "DELETE reactions :r", {":r": ss("b")})
    assert "reactions" not in tables.chat(key)


@case(UPDATES)
def test_removing_what_is_missing(tables: Tables) -> None:
    """REMOVE of a missing attribute changes nothing."""
    item = tables.put_chat()
    tables.update(tables.key_of(item), "REMOVE edited_at")
    assert tables.chat(tables.key_of(item)) == item


@case(API + "API_UpdateItem.html#DDB-UpdateItem-request-ReturnValues")
def test_all_new_is_the_whole_item(tables: Tables) -> None:
    """`ReturnValues=ALL_NEW` answers with the whole item as the update left it."""
    item = tables.put_chat(version=n(1))
    found = tables.update(tables.key_of(item), "ADD version :n", {":n": n(1)})
    assert found == item | {"version": n(2)}


@case(COUNTERS)
def test_counting_at_once_loses_nothing(tables: Tables) -> None:
    """Increments at the same moment are all counted, and each is told another number."""
    key = tables.key_of(tables.put_chat())
    told: list[int] = []

    def count() -> None:
        for _ in range(10):
            found = tables.update(key, "ADD version :n", {":n": n(1)})
            told.append(int(found["version"]["N"]))

    assert at_once([count] * 8) == [None] * 8
    assert sorted(told) == list(range(1, 81))


@case(UPDATES)
def test_different_attributes_at_once(tables: Tables) -> None:
    """Updates of other attributes of one item at the same moment do not undo each other."""
    key = tables.key_of(tables.put_chat())

    def write(name: str) -> None:
        for value in range(5):
            tables.update(key, f"SET {name} = :n", {":n": n(value)})

    names = [f"claim_{slot}" for slot in range(8)]
    assert at_once([partial(write, name) for name in names]) == [None] * 8
    found = tables.chat(key)
    assert [found[name] for name in names] == [n(4)] * 8


@case(NUMBERS)
def test_numbers_have_38_digits(tables: Tables) -> None:
    """Numbers keep 38 digits, exactly."""
    key = tables.key_of(tables.put_chat(version=n("1" + "0" * 36 + "1")))
    found = tables.update(key, "ADD version :n", {":n": n(1)})
    assert found["version"] == n("1" + "0" * 36 + "2")


@case(NUMBERS)
def test_more_digits_are_refused(tables: Tables) -> None:
    """A number of 39 digits is refused."""
    with refused("ValidationException"):
        tables.put_chat(version=n("1" * 39))


@case(NUMBERS)
def test_zeros_are_trimmed(tables: Tables) -> None:
    """Leading and trailing zeros of numbers are trimmed."""
    item = tables.put_chat(version=n("007"), target=n("1.50"))
    found = tables.chat(tables.key_of(item))
    assert (found["version"], found["target"]) == (n("7"), n("1.5"))


@case(NUMBERS)
def test_what_is_no_number_is_refused(tables: Tables) -> None:
    """A number must be one."""
    with refused("ValidationException"):
        tables.put_chat(version=n("seven"))
