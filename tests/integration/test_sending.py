"""The same chat sent again, whenever and however: it is said once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pynamodb.expressions.update import Action

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person

pytestmark = pytest.mark.localstack


def log_of(client: ChatClient, room_id: str) -> list[Frame]:
    """A room's log from its beginning."""
    entries: list[Frame] = client.ask("chat.history", room_id=room_id, limit=100)["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    return entries


def stored_places(room_id: str) -> list[int]:
    """The places of a log that are taken, as they are: a reader would fill the others."""
    from chalicelib.tables import EntryRow

    return [row.seq for row in EntryRow.query(room_id, consistent_read=True)]


def kinds(entries: list[Frame]) -> list[str]:
    return [entry.get("kind", "chat") for entry in entries]


# --- Again --------------------------------------------------------------------------------


def test_a_frame_that_is_delivered_twice_is_one_chat(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    first = say(host, room_id, "한 번만", cid="cid-twice-001")
    for _ in range(3):
        assert say(host, room_id, "한 번만", cid="cid-twice-001") == first
    answered = say(guest, room_id, "들었어요")
    assert host.wait_for_entry(seq=answered["seq"]) == answered
    assert texts_of({"entries": log_of(guest, room_id)}) == ["한 번만", "들었어요"]


def test_two_deliveries_at_the_same_moment_are_one_chat(site: Site) -> None:
    browser = new_person(site)
    tabs = [browser.chat() for _ in range(4)]
    room_id = open_room(tabs[0])
    start = Barrier(len(tabs))

    def send(tab: ChatClient) -> Frame:
        start.wait(20)
        return say(tab, room_id, "한 번만", cid="cid-twice-002")

    with ThreadPoolExecutor(len(tabs)) as pool:
        said = list(pool.map(send, tabs))
    assert all(entry == said[0] for entry in said)
    log = log_of(tabs[0], room_id)
    assert [entry for entry in log if entry.get("cid")] == [said[0]]
    assert set(kinds(log)) <= {"created", "chat", "void"}


@pytest.mark.parametrize("step", ["take_place", "claim", "store"])
@pytest.mark.parametrize("more", [{}, {"retry_since": 1}], ids=["same frame", "repeat"])
def test_a_second_delivery_within_the_first_is_the_same_chat(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, step: str, more: Frame
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    second: list[Frame] = []

    def deliver_again() -> None:
        second.append(say(host, room_id, "한 번만", cid="cid-within-01", **more))

    before(monkeypatch, LogSteps, step, deliver_again)
    first = say(host, room_id, "한 번만", cid="cid-within-01")
    assert second == [first]
    # A place that was taken in vain is given up at once: nobody has to wait for it.
    last_seq = host.ask("session.hello")["rooms"][0]["last_seq"]
    assert stored_places(room_id) == list(range(1, last_seq + 1))
    log = log_of(host, room_id)
    assert [entry for entry in log if entry.get("cid")] == [first]
    # It is a void, and counts as no chat.
    assert sorted(kinds(log)) in (["chat", "created"], ["chat", "created", "void"])
    assert "unread" not in host.ask("session.hello")["rooms"][0]


def test_a_repeat_at_once_is_answered_with_the_first_try(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    first = say(client, room_id, "한 번만", cid="cid-at-once-1")
    again = [say(client, room_id, "한 번만", cid="cid-at-once-1", retry_since=1) for _ in range(3)]
    assert again == [first] * 3
    assert kinds(log_of(client, room_id)) == ["created", "chat"]


def test_a_repeat_pushes_what_its_first_try_may_not_have_pushed(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.delivery import RoomSteps

    room_id = open_room(host)
    listener = guest.chat()
    listener.ask("room.enter", room_id=room_id)
    before(monkeypatch, RoomSteps, "post", lambda: 1 / 0)
    said = say(host, room_id, "들리나요", cid="cid-unheard-1")
    assert said not in listener.entries
    say(host, room_id, "들리나요", cid="cid-unheard-1", retry_since=1)
    assert listener.wait_for_entry(seq=said["seq"]) == said


def test_a_repeat_writes_into_the_place_of_a_first_try_that_died(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    before(monkeypatch, LogSteps, "store", lambda: 1 / 0)
    chat = {"room_id": room_id, "text": "한 번만", "cid": "cid-died-0001"}
    assert refused(host, "chat.send", **chat) == "internal"
    assert say(host, room_id, "다음 말")["seq"] == 3
    again = host.ask("chat.send", **chat, retry_since=1)["entry"]
    assert again["seq"] == 2
    assert texts_of({"entries": log_of(host, room_id)}) == ["한 번만", "다음 말"]


@pytest.mark.parametrize("more", [{}, {"retry_since": 1}], ids=["same frame", "repeat"])
def test_a_chat_whose_place_was_filled_is_said_once_however_often_it_is_sent(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, more: Frame
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    before(monkeypatch, LogSteps, "store", lambda: 1 / 0)
    chat = {"room_id": room_id, "text": "한 번만", "cid": "cid-filled-01"}
    assert refused(host, "chat.send", **chat) == "internal"
    assert kinds(log_of(host, room_id)) == ["created", "void"]
    moved = host.ask("chat.send", **chat, **more)["entry"]
    assert moved["seq"] > 2
    for again in ({}, {"retry_since": 1}, more):
        assert host.ask("chat.send", **chat, **again)["entry"] == moved
    log = log_of(host, room_id)
    assert [entry for entry in log if entry.get("cid")] == [moved]
    assert set(kinds(log)) == {"created", "void", "chat"}
    assert "unread" not in host.ask("session.hello")["rooms"][0]


def test_two_repeats_that_both_find_the_place_filled_move_to_one(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    before(monkeypatch, LogSteps, "store", lambda: 1 / 0)
    chat = {"room_id": room_id, "text": "한 번만", "cid": "cid-filled-02"}
    assert refused(host, "chat.send", **chat) == "internal"
    log_of(host, room_id)
    other: list[Frame] = []
    before(
        monkeypatch,
        LogSteps,
        "move_claim",
        lambda: other.append(host.ask("chat.send", **chat)["entry"]),
    )
    mine = host.ask("chat.send", **chat, retry_since=1)["entry"]
    assert other == [mine]
    log = log_of(host, room_id)
    assert [entry for entry in log if entry.get("cid")] == [mine]


@pytest.mark.parametrize(
    "others",
    [
        limits.CLAIMS_PER_MEMBER,
        pytest.param(limits.CLAIMS_PER_MEMBER - 1, marks=pytest.mark.stack_only),
        pytest.param(12, marks=pytest.mark.stack_only),
    ],
)
def test_a_repeat_after_many_other_chats_is_found_in_the_log(host: ChatClient, others: int) -> None:
    room_id = open_room(host)
    first = say(host, room_id, "처음", cid="cid-first-001")
    for number in range(others):
        say(host, room_id, f"#{number}")
    assert say(host, room_id, "처음", cid="cid-first-001", retry_since=1) == first
    assert texts_of({"entries": log_of(host, room_id)}).count("처음") == 1


@pytest.mark.stack_only
def test_a_first_try_that_died_is_found_lost_after_many_other_chats(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is filled by the search, so it can't be written there any more."""
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    before(monkeypatch, LogSteps, "store", lambda: 1 / 0)
    chat = {"room_id": room_id, "text": "처음", "cid": "cid-first-002"}
    assert refused(host, "chat.send", **chat) == "internal"
    for number in range(limits.CLAIMS_PER_MEMBER):
        say(host, room_id, f"#{number}")
    again = host.ask("chat.send", **chat, retry_since=1)["entry"]
    assert host.ask("chat.send", **chat, retry_since=1)["entry"] == again
    log = log_of(host, room_id)
    assert kinds(log) == ["created", "void", *["chat"] * (limits.CLAIMS_PER_MEMBER + 1)]
    assert log[-1] == again


def test_a_chat_of_many_claims_ago_is_looked_for_only_since_it_was_first_sent(
    host: ChatClient,
) -> None:
    """A repeat of what never arrived is new, however many other chats there are."""
    room_id = open_room(host)
    for number in range(limits.CLAIMS_PER_MEMBER + 1):
        last = say(host, room_id, f"#{number}")["seq"]
    new = say(host, room_id, "처음 왔어요", cid="cid-never-001", retry_since=last)
    assert new["seq"] == last + 1


# --- Whose, and what ----------------------------------------------------------------------


@pytest.mark.alike
@pytest.mark.parametrize("more", [{}, {"retry_since": 0}], ids=["first try", "repeat"])
def test_the_cid_of_somebody_else_is_another_chat(site: Site, more: Frame) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    mine = say(host, room_id, "내 것", cid="cid-shared-01")
    theirs = say(guest, room_id, "네 것", cid="cid-shared-01", **more)
    assert theirs["seq"] == mine["seq"] + 1
    assert theirs["user_id"] != mine["user_id"]
    assert say(host, room_id, "내 것", cid="cid-shared-01", retry_since=0) == mine
    assert say(guest, room_id, "네 것", cid="cid-shared-01") == theirs


def test_the_same_cid_in_another_room_is_another_chat(site: Site) -> None:
    client = new_person(site).chat()
    rooms = [open_room(client) for _ in range(2)]
    said = [say(client, room_id, room_id, cid="cid-rooms-001") for room_id in rooms]
    assert [entry["text"] for entry in said] == rooms
    assert [texts_of({"entries": log_of(client, room_id)}) for room_id in rooms] == [
        [room_id] for room_id in rooms
    ]


def test_a_cid_that_begins_like_another_is_another_chat(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    cids = ["cid-begin-1", "cid-begin-11", "cid-begin", "cid-begin-1-"]
    assert [say(client, room_id, cid, cid=cid)["seq"] for cid in cids] == [2, 3, 4, 5]
    assert [say(client, room_id, cid, cid=cid)["seq"] for cid in cids] == [2, 3, 4, 5]


@pytest.mark.alike
@pytest.mark.parametrize("more", [{}, {"retry_since": 1}], ids=["first try", "repeat"])
def test_the_first_text_of_a_cid_stands(site: Site, more: Frame) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    first = say(client, room_id, "먼저", cid="cid-texts-001")
    assert say(client, room_id, "나중", cid="cid-texts-001", **more) == first
    assert texts_of({"entries": log_of(client, room_id)}) == ["먼저"]
    # Also where rooms are listed.
    assert client.ask("session.hello")["rooms"][0]["preview"]["text"] == "먼저"


@pytest.mark.alike
@pytest.mark.parametrize("since", [2, 99, 2**53 - 1])
def test_a_repeat_that_claims_to_know_the_future_is_said_once(site: Site, since: int) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    first = say(client, room_id, "미래에서", cid="cid-future-1", retry_since=since)
    assert first["seq"] == 2
    assert say(client, room_id, "미래에서", cid="cid-future-1", retry_since=since) == first
    assert say(client, room_id, "미래에서", cid="cid-future-1") == first


# --- Coming, going and closing in between -------------------------------------------------


@pytest.mark.parametrize("step", ["take_place", "claim"])
def test_who_left_before_claiming_a_place_has_said_nothing(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    one, two = guest.chat(), guest.chat()
    one.ask("room.enter", room_id=room_id)
    before(monkeypatch, LogSteps, step, lambda: two.ask("room.leave", room_id=room_id))
    chat = {"room_id": room_id, "text": "나간 사람의 말", "cid": "cid-left-0001"}
    assert refused(one, "chat.send", **chat) == "not_member"
    log = log_of(host, room_id)
    assert sorted(kinds(log)) == ["created", "joined", "left", "void"]
    room = host.ask("session.hello")["rooms"][0]
    assert "unread" not in room
    # Nor is it seen where rooms are listed.
    assert "preview" not in room
    assert all(entry.get("text") is None for entry in host.entries)


def test_who_is_just_leaving_has_said_nothing(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their row goes only after the notice; what is said in between would come after that."""
    from chalicelib.clock import now_ms
    from chalicelib.dynamodb_steps import LogSteps
    from chalicelib.tables import MemberRow

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)
    member = MemberRow(my_id(client), room_id)
    leaving: list[Action] = [
        MemberRow.leaving.set(now_ms()),
        MemberRow.notice_cid.set("cid-leaving-1"),
        MemberRow.notice_since.set(2),
    ]
    before(monkeypatch, LogSteps, "claim", lambda: member.update(leaving))
    chat = {"room_id": room_id, "text": "나가는 사람의 말", "cid": "cid-left-0003"}
    assert refused(client, "chat.send", **chat) == "not_member"
    assert refused(client, "chat.send", **chat, retry_since=2) == "not_member"
    assert set(kinds(log_of(host, room_id))) == {"created", "joined", "void"}


def test_who_left_after_their_place_was_filled_has_said_nothing(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    one, two = guest.chat(), guest.chat()
    one.ask("room.enter", room_id=room_id)

    def be_late_and_leave() -> None:
        log_of(host, room_id)
        two.ask("room.leave", room_id=room_id)

    before(monkeypatch, LogSteps, "store", be_late_and_leave)
    chat = {"room_id": room_id, "text": "나간 사람의 말", "cid": "cid-left-0002"}
    assert refused(one, "chat.send", **chat) == "not_member"
    assert kinds(log_of(host, room_id)) == ["created", "joined", "void", "left", "void"]
    assert "preview" not in host.ask("session.hello")["rooms"][0]


@pytest.mark.parametrize("step", ["take_place", "claim"])
def test_nothing_is_said_in_a_room_that_was_just_closed(
    handlers: HandlerSite,
    host: ChatClient,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    from chalicelib.dynamodb_steps import LogSteps
    from chalicelib.tables import EntryRow

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)

    def close() -> None:
        host.ask("room.leave", room_id=room_id, close=True)
        handlers.management.finish_jobs()

    before(monkeypatch, LogSteps, step, close)
    chat = {"room_id": room_id, "text": "닫힌 방의 말", "cid": "cid-closed-01"}
    assert refused(client, "chat.send", **chat) == "room_not_found"
    assert EntryRow.count(room_id, consistent_read=True) == 0


@pytest.mark.parametrize("done", [True, False], ids=["arrived", "died"])
def test_who_left_and_came_back_repeats_what_they_said_before(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    client = guest.chat()
    client.ask("room.enter", room_id=room_id)
    chat = {"room_id": room_id, "text": "한 번만", "cid": "cid-back-0001"}
    if done:
        client.ask("chat.send", **chat)
    else:
        before(monkeypatch, LogSteps, "store", lambda: 1 / 0)
        assert refused(client, "chat.send", **chat) == "internal"
    client.ask("room.leave", room_id=room_id)
    client.ask("room.enter", room_id=room_id)
    again = client.ask("chat.send", **chat, retry_since=2)["entry"]
    assert client.ask("chat.send", **chat, retry_since=2)["entry"] == again
    log = log_of(host, room_id)
    wanted = ["created", "joined", "chat", "left", "joined"]
    if not done:
        wanted = ["created", "joined", "void", "left", "joined", "chat"]
    assert kinds(log) == wanted
    assert again == log[again["seq"] - 1]


@pytest.mark.parametrize("step", [None, "take_place", "claim"])
def test_a_first_try_that_comes_after_leaving_and_coming_back_is_not_written_again(
    handlers: HandlerSite,
    host: ChatClient,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    step: str | None,
) -> None:
    from chalicelib.clock import now_ms
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(host)
    client, other_tab = guest.chat(), guest.chat()
    client.ask("room.enter", room_id=room_id)
    received = now_ms()

    def be_late() -> None:
        say(other_tab, room_id, "한 번만", cid="cid-back-0002", retry_since=2)
        other_tab.ask("room.leave", room_id=room_id)
        other_tab.ask("room.enter", room_id=room_id)

    if step is None:
        be_late()
        handlers.received_at = received
    else:
        before(monkeypatch, LogSteps, step, be_late)
    code = refused(client, "chat.send", room_id=room_id, text="한 번만", cid="cid-back-0002")
    handlers.received_at = None
    assert code == "stale"
    log = log_of(host, room_id)
    wanted = ["created", "joined", "chat", "left", "joined"]
    assert [kind for kind in kinds(log) if kind != "void"] == wanted


def test_a_stranger_takes_no_place_in_the_log(host: ChatClient, guest: Browser) -> None:
    room_id = open_room(host)
    stranger = guest.chat()
    for more in ({}, {"retry_since": 0}, {"retry_since": 2**53 - 1}):
        with pytest.raises(CommandRefusedError) as error:
            say(stranger, room_id, "몰래", **more)
        assert error.value.code == "not_member"
    assert kinds(log_of(host, room_id)) == ["created"]
    assert my_id(host) != my_id(stranger)
