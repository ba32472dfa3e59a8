"""How many chats somebody has not read: exactly, whoever dies while writing."""

from __future__ import annotations

import itertools

import pytest

from chalicelib import limits
from chalicelib.protocol import EntryKind
from tests.integration.test_conversation import open_room, say
from tests.integration.test_holes import store, take_place
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, new_person

pytestmark = pytest.mark.localstack


def unread(client: ChatClient, room_id: str) -> int:
    """What all four commands say that tell it; they must agree."""
    listed = (
        client.ask("session.hello")["rooms"] + client.ask("room.list", room_ids=[room_id])["rooms"]
    )
    rooms = [room for room in listed if room["room_id"] == room_id]
    rooms.append(client.ask("room.enter", room_id=room_id)["room"])
    at_end = {"room_id": room_id, "after": rooms[0]["last_seq"]}
    rooms += client.ask("room.sync", rooms=[at_end])["rooms"]
    assert len(rooms) == 4
    counts = {room.get("unread", 0) for room in rooms}
    positions = {room["read_seq"] for room in rooms}
    assert (len(counts), len(positions)) == (1, 1), rooms
    (count,) = counts
    number: int = count
    return number


def by_definition(client: ChatClient, room_id: str) -> int:
    """Chats after the read position, counted in the log (which fills its holes)."""
    page = client.ask("room.enter", room_id=room_id, limit=100)
    assert not page.get("has_before")
    read_seq = page["room"]["read_seq"]
    return sum("kind" not in entry and entry["seq"] > read_seq for entry in page["entries"])


def test_only_chats_count(host: ChatClient, guest: Browser, handlers: HandlerSite) -> None:
    client, third = guest.chat(), new_person(handlers).chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    assert unread(client, room_id) == 0
    said = say(host, room_id, "하나")
    assert unread(client, room_id) == 1
    third.ask("room.enter", room_id=room_id)
    host.ask("chat.react", room_id=room_id, seq=said["seq"], emoji="🏓")
    host.ask("chat.edit", room_id=room_id, seq=said["seq"], text="하나!")
    third.ask("room.leave", room_id=room_id)
    assert unread(client, room_id) == 1
    say(host, room_id, "둘")
    assert unread(client, room_id) == 2
    # Deleted for everybody, but its place stays, so it counts like any other.
    host.ask("chat.delete", room_id=room_id, seq=said["seq"])
    assert unread(client, room_id) == by_definition(client, room_id) == 2


@pytest.mark.stack_only
def test_saying_something_reads_all_before_it(host: ChatClient, guest: Browser) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    for _ in range(3):
        say(host, room_id, "말")
    assert unread(host, room_id) == 0
    said = say(client, room_id, "다 읽었어요")
    assert unread(client, room_id) == 0
    assert client.ask("session.hello")["rooms"][0]["read_seq"] == said["seq"]
    assert unread(host, room_id) == 1
    say(host, room_id, "저도요")
    assert (unread(host, room_id), unread(client, room_id)) == (0, 1)


@pytest.mark.stack_only
def test_reading_partly_counts_what_follows_and_never_goes_back(
    host: ChatClient, guest: Browser
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    seqs = [say(host, room_id, f"#{number}")["seq"] for number in range(4)]
    for left, seq in zip((3, 2, 1, 0), seqs, strict=True):
        client.ask("room.read", room_id=room_id, seq=seq)
        assert unread(client, room_id) == left
    client.ask("room.read", room_id=room_id, seq=seqs[0])
    client.ask("room.read", room_id=room_id, seq=1)
    assert unread(client, room_id) == 0


@pytest.mark.alike
@pytest.mark.parametrize("ahead", [1, 100, 2**53 - 7])
def test_what_is_not_there_yet_can_not_be_read(
    host: ChatClient, guest: Browser, ahead: int
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    last = say(host, room_id, "하나")["seq"]
    assert refused(client, "room.read", room_id=room_id, seq=last + ahead) == "invalid_field"
    assert refused(client, "room.read", room_id=room_id, seq=0) == "invalid_field"
    assert unread(client, room_id) == 1


# --- Writers that die ---------------------------------------------------------------------

LIVE, DEAD, NOTICE = "a chat", "a chat that is lost", "a notice that is lost"


@pytest.mark.parametrize(
    "log",
    [
        [DEAD, NOTICE],
        [DEAD, DEAD, DEAD],
        *(
            pytest.param(log, marks=pytest.mark.stack_only)
            for log in (
                [DEAD],
                [NOTICE],
                [NOTICE, NOTICE],
                [NOTICE, DEAD],
                [LIVE, DEAD, NOTICE, DEAD, LIVE],
                [NOTICE, DEAD, NOTICE, LIVE, DEAD],
                [DEAD, LIVE, NOTICE, LIVE, DEAD, DEAD, NOTICE],
            )
        ),
    ],
    ids=lambda log: ",".join(what.split()[-1] for what in log),
)
def test_places_that_are_lost_do_not_count(
    host: ChatClient, guest: Browser, log: list[str]
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    before_it = say(host, room_id, "앞에")["seq"]
    for what in log:
        if what == LIVE:
            say(host, room_id, "살아 있는 말")
        else:
            take_place(room_id, EntryKind.CHAT if what == DEAD else EntryKind.LEFT)
    alive = log.count(LIVE)
    # Who reads the log fills them.
    assert by_definition(client, room_id) == alive + 1
    assert unread(client, room_id) == alive + 1
    # Wherever one has read up to, also if that is a void.
    for seq in range(before_it, before_it + len(log) + 1):
        client.ask("room.read", room_id=room_id, seq=seq)
        assert unread(client, room_id) == by_definition(client, room_id), seq
    say(host, room_id, "뒤에")
    assert unread(client, room_id) == 1


@pytest.mark.alike
@pytest.mark.parametrize("order", sorted(set(itertools.permutations([NOTICE, DEAD, LIVE]))))
def test_who_gives_up_a_place_among_dead_writers_leaves_the_count_exact(
    host: ChatClient,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, ...],
) -> None:
    """A chat that is delivered twice gives up its second place before others are filled."""
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    say(host, room_id, "두 번", cid="cid-gives-up1")
    for what in order:
        if what == LIVE:
            say(host, room_id, "두 번", cid="cid-gives-up1")
        else:
            take_place(room_id, EntryKind.CHAT if what == DEAD else EntryKind.LEFT)
    say(host, room_id, "뒤에")
    assert by_definition(client, room_id) == 2
    assert unread(client, room_id) == 2


def test_a_chat_that_moved_because_its_place_was_filled_counts_once(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    before(monkeypatch, LogSteps, "store", lambda: by_definition(client, room_id))
    said = say(host, room_id, "옮겨진 말")
    assert said["seq"] == 4
    assert unread(client, room_id) == by_definition(client, room_id) == 1
    assert unread(host, room_id) == 0
    client.ask("room.read", room_id=room_id, seq=said["seq"])
    assert unread(client, room_id) == 0


def test_what_is_being_written_counts_already_and_still_does_when_it_is(
    host: ChatClient, guest: Browser
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    draft, place = take_place(room_id, text="막 쓰는 중", cid="cid-slow-0001")
    assert client.ask("session.hello")["rooms"][0]["unread"] == 1
    assert store(room_id, draft, place) is not None
    assert unread(client, room_id) == by_definition(client, room_id) == 1


# --- Coming and going ---------------------------------------------------------------------


def test_who_joins_later_has_nothing_to_read_of_before(host: ChatClient, guest: Browser) -> None:
    client = guest.chat()
    room_id = open_room(host)
    say(host, room_id, "오기 전")
    take_place(room_id)
    take_place(room_id, EntryKind.LEFT)
    client.ask("room.enter", room_id=room_id)
    assert unread(client, room_id) == by_definition(client, room_id) == 0
    say(host, room_id, "온 뒤")
    assert unread(client, room_id) == by_definition(client, room_id) == 1


@pytest.mark.stack_only
def test_who_left_and_came_back_has_nothing_to_read_of_before(
    host: ChatClient, guest: Browser
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    say(host, room_id, "읽지 않은 말")
    client.ask("room.leave", room_id=room_id)
    say(host, room_id, "없을 때")
    client.ask("room.enter", room_id=room_id)
    assert unread(client, room_id) == by_definition(client, room_id) == 0
    say(host, room_id, "다시 온 뒤")
    assert unread(client, room_id) == by_definition(client, room_id) == 1


def test_a_chat_while_somebody_joins_is_read_or_counted(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps

    client = guest.chat()
    room_id = open_room(host)
    before(monkeypatch, LogSteps, "take_place", lambda: say(host, room_id, "막 들어올 때"))
    client.ask("room.enter", room_id=room_id)
    assert unread(client, room_id) == by_definition(client, room_id)


# --- Who is told --------------------------------------------------------------------------


def marks(client: ChatClient) -> list[Frame]:
    client.ask("room.sync", rooms=[])
    return [event for event in client.events if event["type"] == "read.marked"]


def test_a_small_room_is_told_who_has_read_up_to_where(host: ChatClient, guest: Browser) -> None:
    here, other_tab = guest.chat(), guest.chat()
    room_id = open_room(host)
    here.ask("room.enter", room_id=room_id)
    seq = say(host, room_id, "읽어 주세요")["seq"]
    here.ask("room.read", room_id=room_id, seq=seq)
    told = {"type": "read.marked", "room_id": room_id, "user_id": my_id(here), "seq": seq}
    assert host.wait_for("read.marked") == told
    assert other_tab.wait_for("read.marked") == told
    assert marks(here) == []
    # What was read before is not told again.
    here.ask("room.read", room_id=room_id, seq=seq)
    here.ask("room.read", room_id=room_id, seq=seq - 1)
    assert marks(host) == marks(other_tab) == []


def test_in_a_large_room_only_ones_own_tabs_are_told(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, other_tab = guest.chat(), guest.chat()
    room_id = open_room(host)
    here.ask("room.enter", room_id=room_id)
    seq = say(host, room_id, "읽어 주세요")["seq"]
    for most, is_told in ((2, False), (3, True)):  # three connections listen
        monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", most)
        here.ask("room.read", room_id=room_id, seq=seq)
        assert other_tab.wait_for("read.marked")["seq"] == seq
        assert bool(marks(host)) == is_told
        assert marks(here) == []
        seq = say(host, room_id, "또")["seq"]


@pytest.mark.stack_only
def test_members_of_a_small_room_see_how_far_each_has_read(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = guest.chat()
    room_id = open_room(host)
    client.ask("room.enter", room_id=room_id)
    seq = say(host, room_id, "하나")["seq"]

    def read_seqs() -> dict[str, int | None]:
        found = host.ask("room.members", room_id=room_id)["members"]
        return {member["user_id"]: member.get("read_seq") for member in found}

    assert read_seqs() == {my_id(host): seq, my_id(client): 2}
    client.ask("room.read", room_id=room_id, seq=seq)
    assert read_seqs() == {my_id(host): seq, my_id(client): seq}
    monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", 1)
    assert read_seqs() == {my_id(host): None, my_id(client): None}


def test_a_stranger_reads_nothing(host: ChatClient, guest: Browser) -> None:
    stranger = guest.chat()
    room_id = open_room(host)
    for seq in (0, 1, 2, 2**53 - 1):
        assert refused(stranger, "room.read", room_id=room_id, seq=seq) == "not_member"
    assert marks(host) == []
