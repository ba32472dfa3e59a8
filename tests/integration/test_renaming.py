"""Giving a room another name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from pynamodb.transactions import TransactWrite

from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.integration.test_sending import kinds, log_of, stored_places
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person, unique

pytestmark = pytest.mark.localstack


def locks_of(room_id: str) -> list[str]:
    """The keys of the names that are locked for a room."""
    from chalicelib.tables import RoomNameRow

    rows = RoomNameRow.scan(RoomNameRow.target_id == room_id, consistent_read=True)
    return [row.room_id.removeprefix("name#") for row in rows]


def renamed(client: ChatClient, room_id: str, name: str) -> None:
    assert client.ask("room.rename", room_id=room_id, name=name).keys() == {"type", "ref"}


def room_at(client: ChatClient, room_id: str) -> Frame:
    """A room as the room list has it."""
    rooms = client.ask("session.hello")["rooms"]
    (room,) = [room for room in rooms if room["room_id"] == room_id]
    found: Frame = room
    return found


# --- What it does ---------------------------------------------------------------------------


def test_everybody_in_the_room_learns_its_new_name(site: Site) -> None:
    host, guest = new_person(site, "지민").chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    name = unique("새 이름")
    renamed(host, room_id, f"  {name}\n")
    told = guest.wait_for_entry(kind="renamed")
    assert (told["text"], told["user_id"], told["seq"]) == (name, my_id(host), 3)
    # Also who gave it: the reply has no entry.
    assert host.wait_for_entry(kind="renamed") == told
    assert log_of(guest, room_id)[-1] == told
    for client in (host, guest):
        room = room_at(client, room_id)
        assert (room["name"], room["name_seq"]) == (name, told["seq"])
        assert "unread" not in room
        assert "preview" not in room


def test_a_room_is_found_by_its_new_name_and_its_old_one_is_free(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    old, new = unique("옛 이름"), unique("새 이름")
    room_id = open_room(host, old)
    renamed(host, room_id, new)
    found = guest.ask("room.open", name=new.upper())
    assert "created" not in found
    assert (found["room"]["room_id"], found["room"]["name"]) == (room_id, new)
    again = guest.ask("room.open", name=old)
    assert again["created"]
    assert again["room"]["room_id"] != room_id
    # And it can't be had back then.
    assert refused(host, "room.rename", room_id=room_id, name=old) == "room_name_taken"
    assert room_at(host, room_id)["name"] == new


def test_a_name_of_another_room_is_refused_without_a_trace(host: ChatClient) -> None:
    taken = unique("있는 방")
    open_room(host, taken)
    room_id = open_room(host)
    first = room_at(host, room_id)
    for name in (taken, f" {taken.upper()} "):
        with pytest.raises(CommandRefusedError) as refusal:
            host.ask("room.rename", room_id=room_id, name=name)
        assert refusal.value.code == "room_name_taken"
        assert refusal.value.frame["field"] == "name"
    assert room_at(host, room_id) == first
    assert stored_places(room_id) == [1]


def test_the_same_name_in_other_letters_is_no_other_room(host: ChatClient) -> None:
    name = unique("Ping pong")
    room_id = open_room(host, name)
    for again in (name.upper(), name.lower(), f"{name}."):
        renamed(host, room_id, again)
        assert room_at(host, room_id)["name"] == again
        assert host.ask("room.open", name=again)["room"]["room_id"] == room_id
    assert locks_of(room_id) == [f"{name.lower()}."]


def test_repeating_it_changes_nothing(host: ChatClient) -> None:
    room_id, name = open_room(host), unique("이름")
    for _ in range(3):
        renamed(host, room_id, name)
    assert kinds(log_of(host, room_id)) == ["created", "renamed"]


@pytest.mark.stack_only
def test_only_the_host_may(site: Site) -> None:
    host, guest, stranger = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, guest)
    first = room_at(host, room_id)
    name = unique("남의 방")
    assert refused(guest, "room.rename", room_id=room_id, name=name) == "not_host"
    assert refused(stranger, "room.rename", room_id=room_id, name=name) == "not_member"
    # Not even the name that it has.
    assert refused(guest, "room.rename", room_id=room_id, name=first["name"]) == "not_host"
    assert refused(stranger, "room.rename", room_id=room_id, name=first["name"]) == "not_member"
    assert room_at(host, room_id) == first
    host.ask("room.leave", room_id=room_id, successor_id=my_id(guest))
    assert refused(host, "room.rename", room_id=room_id, name=name) == "not_member"
    renamed(guest, room_id, name)
    assert room_at(guest, room_id)["name"] == name


@pytest.mark.stack_only
def test_a_renamed_room_that_is_closed_frees_its_name(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    client = guest.chat()
    names = [unique("이름") for _ in range(3)]
    room_id = open_room(host, names[0])
    client.ask("room.enter", room_id=room_id)
    for name in names[1:]:
        renamed(host, room_id, name)
    host.ask("room.leave", room_id=room_id, close=True)
    assert client.wait_for("room.closed")["name"] == names[2]
    assert locks_of(room_id) == []
    assert refused(host, "room.rename", room_id=room_id, name=names[0]) in (
        "room_not_found",
        "not_member",
    )
    handlers.management.finish_jobs()
    for name in names:
        assert client.ask("room.open", name=name)["created"]


def test_withdrawing_frees_the_name_that_a_room_has_by_then(site: Site) -> None:
    browser, guest = new_person(site), new_person(site).chat()
    host, name = browser.chat(), unique("이름")
    room_id = room_of(host, guest)
    renamed(host, room_id, name)
    assert browser.post("/api/auth/withdraw").status in (200, 204)
    guest.wait_for("room.closed", lambda event: event["room_id"] == room_id)
    assert guest.ask("room.open", name=name)["created"]


# --- At the same moment ---------------------------------------------------------------------


@pytest.mark.stack_only
def test_one_of_many_rooms_gets_a_name(site: Site) -> None:
    people = [new_person(site).chat() for _ in range(4)]
    rooms = [open_room(person) for person in people]
    name = unique("하나뿐")

    def rename(person: ChatClient, room_id: str) -> str:
        try:
            renamed(person, room_id, name)
        except CommandRefusedError as error:
            return error.code
        return room_id

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(rename, people, rooms))
    (winner,) = set(outcomes) - {"room_name_taken"}
    assert outcomes.count("room_name_taken") == 3
    assert people[0].ask("room.open", name=name)["room"]["room_id"] == winner
    for person, room_id in zip(people, rooms, strict=True):
        assert (room_at(person, room_id)["name"] == name) == (room_id == winner)
        # Who was too late gave up the place that was taken for it.
        assert kinds(log_of(person, room_id))[1:] in ([], ["void"], ["renamed"])


def test_a_room_that_is_made_meanwhile_keeps_its_name(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import renaming

    room_id, name = open_room(host), unique("먼저")
    first = room_at(host, room_id)["name"]
    make = partial(guest.chat().ask, "room.open", name=name)
    before(monkeypatch, renaming._RenamingSteps, "store", make)
    assert refused(host, "room.rename", room_id=room_id, name=name) == "room_name_taken"
    assert room_at(host, room_id)["name"] == first
    assert stored_places(room_id) == [1, 2]
    assert kinds(log_of(host, room_id)) == ["created", "void"]
    assert len(locks_of(room_id)) == 1


@pytest.mark.parametrize("by", ["old", "new"])
def test_who_opens_a_room_while_it_is_renamed_finds_one_of_that_name(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    from chalicelib import rooms

    names = {"old": unique("옛"), "new": unique("새")}
    room_id = open_room(host, names["old"])
    client = guest.chat()
    # After the lock on the name was looked up, and before the room that it leads to.
    function = "find_open_room" if by == "old" else "_create"
    before(monkeypatch, rooms, function, lambda: renamed(host, room_id, names["new"]))
    found = client.ask("room.open", name=names[by])
    assert found["room"]["name"] == names[by]
    assert found.get("created", False) == (by == "old")
    assert (found["room"]["room_id"] == room_id) == (by == "new")


@pytest.mark.alike
@pytest.mark.parametrize("step", ["take_place", "store"])
@pytest.mark.parametrize("what", ["hand over", "close"])
def test_a_host_who_is_none_any_more_names_nothing(
    host: ChatClient,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    what: str,
) -> None:
    from chalicelib import renaming
    from chalicelib.tables import RoomNameRow

    client, name = guest.chat(), unique("늦은 이름")
    room_id = room_of(host, client)
    first = room_at(client, room_id)["name"]

    def act() -> None:
        if what == "close":
            host.ask("room.leave", room_id=room_id, close=True)
        else:
            host.ask("room.leave", room_id=room_id, successor_id=my_id(client))

    before(monkeypatch, renaming._RenamingSteps, step, act)
    code = refused(host, "room.rename", room_id=room_id, name=name)
    assert code == ("room_not_found" if what == "close" else "not_host")
    assert RoomNameRow.count(RoomNameRow.key(name), consistent_read=True) == 0
    if what == "hand over":
        assert room_at(client, room_id)["name"] == first
        assert "renamed" not in kinds(log_of(client, room_id))


def test_closing_a_room_that_is_being_renamed_frees_both_names(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import joining

    room_id, name = open_room(host), unique("새 이름")
    # The room was read, and gets its name before it is closed.
    before(monkeypatch, joining, "close_room", lambda: renamed(host, room_id, name))
    host.ask("room.leave", room_id=room_id, close=True)
    assert locks_of(room_id) == []
    assert host.ask("session.hello")["rooms"] == []
    assert host.ask("room.open", name=name)["created"]


#: What is asked for while "먼저" has its place and is not written yet, when API Gateway took that,
#: in ms after it; and the names that the log tells of.
TWICE = {
    "one after the other": ("나중", 5, ["나중"]),
    "in the same millisecond": ("나중", 0, ["나중", "먼저"]),
    "taken before": ("나중", -5, ["나중", "먼저"]),
    "one frame that was delivered twice": ("먼저", 0, ["먼저"]),
}


@pytest.mark.parametrize(("other", "after", "told"), TWICE.values(), ids=TWICE.keys())
def test_of_two_names_at_once_the_last_notice_says_which_it_is(
    host: ChatClient,
    at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    after: int,
    told: list[str],
) -> None:
    from chalicelib import renaming

    room_id, suffix = open_room(host), unique("")

    def rename_too() -> None:
        at(after)
        renamed(host, room_id, other + suffix)

    at(0)
    before(monkeypatch, renaming._RenamingSteps, "store", rename_too)
    renamed(host, room_id, f"먼저{suffix}")
    log = log_of(host, room_id)
    assert [entry["text"] for entry in log if entry.get("kind") == "renamed"] == [
        name + suffix for name in told
    ]
    (last,) = [entry for entry in log if entry.get("text") == told[-1] + suffix]
    room = room_at(host, room_id)
    assert (room["name"], room["name_seq"]) == (last["text"], last["seq"])
    assert kinds(log)[1] == "void"
    assert locks_of(room_id) == [last["text"]]


@pytest.mark.parametrize(
    ("first", "second", "later_ms", "is_stored_in_order"),
    [
        # The second one was read while the lock was the old one.
        ("다른 이름", "PING", 0, True),
        # Only letters change, so no lock shows that the first one is too late;
        ("PING", "Ping", 0, False),
        # nor that the second one is an earlier frame that came again.
        ("PING", "Ping", -5, True),
    ],
)
def test_of_two_places_taken_at_once_only_one_is_written(
    host: ChatClient, first: str, second: str, later_ms: int, is_stored_in_order: bool
) -> None:
    from chalicelib.clock import now_ms
    from chalicelib.protocol import EntryKind
    from chalicelib.renaming import _DoneError, _RenamingSteps
    from chalicelib.steps import Draft, Place, run

    suffix, host_id, now = unique("-"), my_id(host), now_ms()
    room_id = open_room(host, f"ping{suffix}")
    tries = []
    for name, received in ((first + suffix, now), (second + suffix, now + later_ms)):
        steps = _RenamingSteps(room_id, host_id, name, received)
        draft = Draft(host_id, now, EntryKind.RENAMED, text=name)
        taken = run(steps.take_place(draft))
        tries.append((steps, draft, Place(taken.last_seq, taken.chats)))
    winner, loser = tries if is_stored_in_order else tries[::-1]
    entry = run(winner[0].store(winner[1], winner[2]))
    assert entry is not None
    with contextlib.suppress(_DoneError):
        assert run(loser[0].store(loser[1], loser[2])) is None
    room = room_at(host, room_id)
    assert (room["name"], room["name_seq"]) == (entry.text, entry.seq)
    assert locks_of(room_id) == [entry.text.lower()]
    assert sorted(kinds(log_of(host, room_id))) == ["created", "renamed", "void"]


def test_a_frame_that_comes_again_late_undoes_no_later_name(
    host: ChatClient, at: Callable[[int], None]
) -> None:
    room_id, names = open_room(host), [unique("이름") for _ in range(2)]
    for after, name in ((0, names[0]), (5, names[1]), (0, names[0])):
        at(after)
        renamed(host, room_id, name)
    assert room_at(host, room_id)["name"] == names[1]
    assert kinds(log_of(host, room_id)) == ["created", "renamed", "renamed"]


def test_a_name_whose_place_was_filled_takes_another(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import renaming

    room_id, name = open_room(host), unique("새 이름")
    before(monkeypatch, renaming._RenamingSteps, "store", lambda: log_of(host, room_id))
    renamed(host, room_id, name)
    log = log_of(host, room_id)
    assert kinds(log) == ["created", "void", "renamed"]
    assert (room_at(host, room_id)["name"], log[2]["text"]) == (name, name)
    assert "unread" not in room_at(host, room_id)


def test_who_is_cut_off_has_renamed_nothing_and_can_ask_again(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import renaming

    room_id, name = open_room(host), unique("새 이름")
    first = room_at(host, room_id)

    def die() -> None:
        raise SystemError("killed here")

    before(monkeypatch, renaming._RenamingSteps, "store", die)
    assert refused(host, "room.rename", room_id=room_id, name=name) == "internal"
    assert room_at(host, room_id)["name"] == first["name"]
    renamed(host, room_id, name)
    assert room_at(host, room_id)["name"] == name
    assert kinds(log_of(host, room_id)) == ["created", "void", "renamed"]


@pytest.mark.parametrize("lose", ["before", "after"])
def test_a_transaction_whose_answer_got_lost_is_done_once(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, lose: str
) -> None:
    from chalicelib import dynamodb_steps
    from chalicelib.tables import transact

    room_id, name = open_room(host), unique("새 이름")

    def lost(write: Callable[[TransactWrite], None]) -> bool:
        monkeypatch.setattr(dynamodb_steps, "transact", transact)
        if lose == "after":
            assert transact(write)
        raise ConnectionError("no answer")

    monkeypatch.setattr(dynamodb_steps, "transact", lost)
    assert refused(host, "room.rename", room_id=room_id, name=name) == "internal"
    # The client has no answer, and asks again.
    renamed(host, room_id, name)
    told = [entry for entry in log_of(host, room_id) if entry.get("kind") == "renamed"]
    assert [entry["text"] for entry in told] == [name]
    assert room_at(host, room_id)["name_seq"] == told[0]["seq"]


def test_a_room_can_be_renamed_while_everybody_talks(site: Site) -> None:
    host = new_person(site).chat()
    people = [new_person(site).chat() for _ in range(3)]
    room_id = room_of(host, *people)
    names = [unique("이름") for _ in range(5)]

    def talk(person: ChatClient) -> None:
        for number in range(10):
            say(person, room_id, f"{number}")

    def rename() -> None:
        for name in names:
            renamed(host, room_id, name)

    with ThreadPoolExecutor(4) as pool:
        talking = [pool.submit(talk, person) for person in people]
        naming = pool.submit(rename)
    for each in (*talking, naming):
        each.result()
    log = log_of(host, room_id)
    assert [entry["text"] for entry in log if entry.get("kind") == "renamed"] == names
    assert sum(kind == "chat" for kind in kinds(log)) == 30
    assert room_at(host, room_id)["name"] == names[-1]
    assert locks_of_names(names) == [False] * 4 + [True]


def locks_of_names(names: list[str]) -> list[bool]:
    """Which names are locked."""
    from chalicelib import texts
    from chalicelib.tables import RoomNameRow

    return [
        RoomNameRow.count(RoomNameRow.key(texts.room_name_key(name)), consistent_read=True) == 1
        for name in names
    ]
