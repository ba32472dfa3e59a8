"""What commands cost: DynamoDB calls and posts, exactly.

The handlers run in this process, so what they count is what was asked of DynamoDB.
Capacity units follow from the calls and the items' sizes; docs/costs.md does the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import limits
from tests.benchmarks import units
from tests.integration.test_conversation import go_away, open_room, say
from tests.support.chat import ChatClient, CommandRefusedError
from tests.support.handlers import HandlerSite
from tests.support.site import new_person, unique


@contextmanager
def cost() -> Iterator[dict[str, Any]]:
    """The DynamoDB calls and posts of the one command inside."""
    from chalicelib import metering

    found: dict[str, Any] = {}
    yield found
    found.update(metering.report())


@pytest.fixture
def room(handlers: HandlerSite) -> tuple[str, list[ChatClient]]:
    """A room with four members, all listening."""
    people = [new_person(handlers).chat() for _ in range(4)]
    room_id = open_room(people[0])
    for person in people[1:]:
        person.ask("room.enter", room_id=room_id)
    return room_id, people


# --- Saying -------------------------------------------------------------------------------


def test_a_chat_in_a_quiet_room_takes_five_calls_and_one_post_per_listener(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    with cost() as found, units.recorded() as calls:
        say(people[0], room_id, "얼마예요?")
    # Whose connection; take the place, claim it, store the chat; who listens.
    assert found["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "Query": 1}
    assert found["posts"] == {"ok": 3}
    assert units.total(calls) == units.Units(writes=3, reads=2)


def test_a_chat_of_a_busy_room_takes_four_calls_and_no_post(
    room: tuple[str, list[ChatClient]],
) -> None:
    """Whoever has the room's lease pushes it, together with others."""
    from chalicelib.clock import now_ms
    from chalicelib.tables import RoomRow

    room_id, people = room
    RoomRow(room_id).update(
        [
            RoomRow.lease_holder.set("another"),
            RoomRow.lease_until.set(now_ms() + 60_000),
            RoomRow.delivered_seq.set(RoomRow.last_seq),
        ]
    )
    with cost() as found, units.recorded() as calls:
        say(people[0], room_id, "다들 말하네요")
    assert found == {"dynamodb": {"GetItem": 1, "UpdateItem": 2, "PutItem": 1}, "posts": {}}
    assert units.total(calls) == units.Units(writes=3, reads=1)


@pytest.mark.parametrize("others", [0, limits.CLAIMS_PER_MEMBER - 1])
def test_a_repeat_that_finds_its_first_try_takes_five_calls(
    room: tuple[str, list[ChatClient]], others: int
) -> None:
    room_id, people = room
    said = say(people[0], room_id, "다시")
    for _ in range(others):
        say(people[0], room_id, "그 사이에")
    with cost() as found:
        say(people[0], room_id, "다시", cid=said["cid"], retry_since=said["seq"] - 1)
    # Whose connection, which claims; the place is taken, by what: by itself. It is pushed
    # again, as its first try may have died before.
    assert found["dynamodb"] == {"GetItem": 3, "PutItem": 1, "Query": 1}
    assert found["posts"] == {"ok": 3}


def test_a_repeat_whose_claim_is_forgotten_is_looked_for_in_the_log(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    said = say(people[0], room_id, "다시")
    for _ in range(limits.CLAIMS_PER_MEMBER):
        say(people[0], room_id, "그 사이에")
    with cost() as found:
        say(people[0], room_id, "다시", cid=said["cid"], retry_since=said["seq"] - 1)
    # Whose connection, which claims, where the log ends; the log since then, who listens.
    assert found == {"dynamodb": {"GetItem": 3, "Query": 2}, "posts": {"ok": 3}}


def test_a_repeat_of_what_never_arrived_looks_at_the_claims_first(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    with cost() as found:
        say(people[0], room_id, "처음 왔어요", retry_since=4)
    assert found["dynamodb"] == {"GetItem": 2, "UpdateItem": 2, "PutItem": 1, "Query": 1}


def test_a_frame_that_is_delivered_twice_gives_its_place_up(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    said = say(people[0], room_id, "한 번만")
    with cost() as found:
        say(people[0], room_id, "한 번만", cid=said["cid"])
    # Whose connection; a place, no claim for it, as there is one; the room, twice, to make
    # the place a void; what room lists show instead; the chat that is there; who listens.
    assert found["dynamodb"] == {
        "GetItem": 5,
        "UpdateItem": 2,
        "TransactWriteItems": 1,
        "PutItem": 1,
        "Query": 2,
    }


def test_an_answer_takes_one_read_more(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    seq = say(people[0], room_id, "몇 시예요?")["seq"]
    with cost() as found, units.recorded() as calls:
        say(people[1], room_id, "일곱 시요", reply_to=seq)
    # Whether it is a chat that is answered, before all else.
    assert found["dynamodb"] == {"GetItem": 2, "UpdateItem": 2, "PutItem": 1, "Query": 1}
    assert found["posts"] == {"ok": 3}
    assert units.total(calls) == units.Units(writes=3, reads=3)
    with cost() as found, pytest.raises(CommandRefusedError):
        say(people[1], room_id, "일곱 시요", reply_to=1)
    # It is none: whether one is a member, and whether the room is there.
    assert found == {"dynamodb": {"GetItem": 4}, "posts": {}}


def test_a_chat_that_mentions_people_takes_one_call_more(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    ids = [person.ask("session.hello")["me"]["user_id"] for person in people]
    with cost() as found, units.recorded() as calls:
        say(people[0], room_id, "".join(f"<@{user_id}>" for user_id in ids))
    # The names of the other three; half a unit each, which are counted in whole ones.
    assert found["dynamodb"] == {
        "GetItem": 1,
        "UpdateItem": 2,
        "PutItem": 1,
        "Query": 1,
        "BatchGetItem": 1,
    }
    assert found["posts"] == {"ok": 3}
    assert units.total(calls) == units.Units(writes=3, reads=2 + 3 * 0.5)
    with cost() as found:
        say(people[0], room_id, f"저예요 <@{ids[0]}>")
    # One's own name is on the connection's row.
    assert found["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "Query": 1}


# --- Rooms --------------------------------------------------------------------------------


def test_renaming_a_room_takes_eight_calls(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    name = unique("이름")
    with cost() as found, units.recorded() as calls:
        people[0].ask("room.rename", room_id=room_id, name=name)
    # Whose connection, whether a member, the room, the name's lock; a place in the log; the
    # notice with the name and both locks; who listens.
    assert found["dynamodb"] == {
        "GetItem": 4,
        "UpdateItem": 1,
        "TransactWriteItems": 1,
        "Query": 1,
    }
    assert found["posts"] == {"ok": 4}
    assert units.total(calls) == units.Units(writes=9, reads=5)
    with cost() as found:
        people[0].ask("room.rename", room_id=room_id, name=name)
    assert found == {"dynamodb": {"GetItem": 3}, "posts": {}}


def test_muting_a_room_takes_three_calls_and_tells_ones_own_connections_only(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    room_id, _ = room
    browser = new_person(handlers)
    one, _other = browser.chat(), browser.chat()
    one.ask("room.enter", room_id=room_id)
    for on in (True, False):
        with cost() as found, units.recorded() as calls:
            one.ask("room.mute", room_id=room_id, on=on)
        # Whose connection; note it; one's own connections.
        assert found == {
            "dynamodb": {"GetItem": 1, "UpdateItem": 1, "Query": 1},
            "posts": {"ok": 1},
        }
        # No index has it.
        assert units.total(calls).writes == 1
    with cost() as found:
        one.ask("room.mute", room_id=room_id, on=False)
    assert found == {"dynamodb": {"GetItem": 2, "UpdateItem": 1}, "posts": {}}


def test_blocking_somebody_takes_five_calls_and_ending_it_three(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    _, people = room
    other = people[0].ask("session.hello")["me"]["user_id"]
    browser = new_person(handlers)
    one, _other = browser.chat(), browser.chat()
    with cost() as found, units.recorded() as calls:
        one.ask("user.block", user_id=other)
    # Whose connection, whether there is such a person, whom one has blocked; note it; one's
    # own connections.
    assert found == {"dynamodb": {"GetItem": 2, "Query": 2, "UpdateItem": 1}, "posts": {"ok": 1}}
    assert units.total(calls).writes == 1
    with cost() as found:
        one.ask("user.blocks")
    # Whose connection, whom; their names.
    assert found == {"dynamodb": {"GetItem": 1, "Query": 1, "BatchGetItem": 1}, "posts": {}}
    with cost() as found:
        one.ask("user.block", user_id=other, on=False)
    assert found == {"dynamodb": {"GetItem": 1, "Query": 1, "UpdateItem": 1}, "posts": {"ok": 1}}


@pytest.mark.parametrize(
    ("command", "fields", "more"),
    [
        ("room.slow", {"seconds": 5}, 0),
        # And the room once more, which is taken out of the directory.
        ("room.lock", {}, 1),
        ("room.set_access", {"access": "private"}, 1),
        ("room.set_capacity", {"capacity": 10}, 0),
    ],
)
def test_a_change_of_a_room_takes_six_calls(
    room: tuple[str, list[ChatClient]], command: str, fields: dict[str, Any], more: int
) -> None:
    room_id, people = room
    with cost() as found, units.recorded() as calls:
        people[0].ask(command, room_id=room_id, **fields)
    # Whose connection, whether a member, the room; a place in the log; the notice with the
    # change; who listens.
    assert found["dynamodb"] == {
        "GetItem": 3 + more,
        "UpdateItem": 1 + more,
        "TransactWriteItems": 1,
        "Query": 1,
    }
    assert found["posts"] == {"ok": 4}
    assert units.total(calls) == units.Units(writes=5 + more, reads=4 + more)
    with cost() as found:
        people[0].ask(command, room_id=room_id, **fields)
    assert found == {"dynamodb": {"GetItem": 3}, "posts": {}}


@pytest.mark.parametrize(
    ("command", "fields", "writes"),
    [
        # Beside the notice and the room, the membership;
        ("room.set_role", {"role": "manager"}, 7),
        ("room.transfer", {}, 7),
        # the membership and what outlasts it.
        ("room.silence", {"seconds": 60}, 9),
    ],
)
def test_what_is_done_to_a_member_takes_a_read_more(
    room: tuple[str, list[ChatClient]], command: str, fields: dict[str, Any], writes: int
) -> None:
    room_id, people = room
    other = people[1].ask("session.hello")["me"]["user_id"]
    with cost() as found, units.recorded() as calls:
        people[0].ask(command, room_id=room_id, user_id=other, **fields)
    assert found["dynamodb"]["GetItem"] == 4
    assert found["dynamodb"]["UpdateItem"] == 1
    assert found["dynamodb"]["TransactWriteItems"] == 1
    assert found["posts"] == {"ok": 4}
    assert units.total(calls).writes == writes


@pytest.mark.parametrize("ban", [False, True])
def test_putting_somebody_out(room: tuple[str, list[ChatClient]], ban: bool) -> None:
    room_id, people = room
    other = people[1].ask("session.hello")["me"]["user_id"]
    with cost() as found:
        people[0].ask("room.kick", room_id=room_id, user_id=other, ban=ban)
    # Whose connection, whether a member, the room, the other's membership; that is ended with
    # the checks, the ban and their devices' subscriptions; their connections, looked up before
    # and after it, which are unsubscribed one by one (here one); the notice takes its place and
    # is stored, then the membership goes; who listens. A name.
    assert found["dynamodb"] == {
        "GetItem": 4,
        "TransactWriteItems": 1,
        "Query": 3,
        "UpdateItem": 2,
        "PutItem": 1,
        "DeleteItem": 2,
        "BatchGetItem": 1,
    }
    # Theirs, and the three that are left.
    assert found["posts"] == {"ok": 4}


def test_joining_takes_a_transaction_in_which_nobody_is_banned(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    room_id, _ = room
    one = new_person(handlers).chat()
    with cost() as found:
        one.ask("room.enter", room_id=room_id)
    assert found["dynamodb"]["TransactWriteItems"] == 1


def test_a_passcode_takes_a_write_more(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    room_id, people = room
    one, two = new_person(handlers).chat(), new_person(handlers).chat()
    with cost() as plain:
        one.ask("room.enter", room_id=room_id)
    people[0].ask("room.set_access", room_id=room_id, access="passcode", passcode="1234")
    with cost() as asked:
        two.ask("room.enter", room_id=room_id, passcode="1234")
    # Whether there is a try left.
    assert Counter(asked["dynamodb"]) - Counter(plain["dynamodb"]) == {"UpdateItem": 1}


def test_what_invitations_take(handlers: HandlerSite, room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found, units.recorded() as calls:
        reply = people[0].ask("invite.create", room_id=room_id, uses=10)
    # Whose connection, whether a member, the room; the live ones; this one.
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "PutItem": 1}, "posts": {}}
    assert units.total(calls).writes == 1
    one, two = new_person(handlers).chat(), new_person(handlers).chat()
    with cost() as plain, units.recorded() as plain_calls:
        one.ask("room.enter", room_id=room_id)
    with cost() as invited, units.recorded() as invited_calls:
        two.ask("room.enter", room_id=room_id, invite=reply["token"])
    # The link is read, and counts in the transaction that lets people in anyway.
    assert Counter(invited["dynamodb"]) - Counter(plain["dynamodb"]) == {"GetItem": 1}
    assert units.total(invited_calls).writes - units.total(plain_calls).writes == 2
    with cost() as found:
        people[0].ask("invite.list", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "BatchGetItem": 1}, "posts": {}}
    with cost() as found:
        people[0].ask("invite.revoke", room_id=room_id, invite_id=reply["invite"]["invite_id"])
    assert found == {"dynamodb": {"GetItem": 4, "DeleteItem": 1}, "posts": {}}


# --- Changing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "fields", "updates"),
    [
        # What room lists show, and a place in the log.
        ("chat.edit", {"text": "고친 말"}, 2),
        ("chat.delete", {}, 2),
        ("chat.react", {"emoji": "🏓"}, 1),
    ],
)
def test_a_change_takes_at_most_eight_calls(
    room: tuple[str, list[ChatClient]], command: str, fields: dict[str, Any], updates: int
) -> None:
    room_id, people = room
    seq = say(people[0], room_id, "처음")["seq"]
    with cost() as found:
        people[0].ask(command, room_id=room_id, seq=seq, **fields)
    # Whose connection, whether a member, the chat; the change with its entry in the log; the
    # chat as it is then, for the reply and the push; who listens.
    assert found["dynamodb"] == {
        "GetItem": 3,
        "UpdateItem": updates,
        "TransactWriteItems": 1,
        "BatchGetItem": 1,
        "Query": 1,
    }
    assert found["posts"] == {"ok": 3}
    with cost() as found:
        people[0].ask(command, room_id=room_id, seq=seq, **fields)
    assert found == {"dynamodb": {"GetItem": 3}, "posts": {}}


# --- Reading along ------------------------------------------------------------------------


def test_marking_as_read_takes_four_calls_and_tells_a_small_room(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    seq = say(people[0], room_id, "읽어요")["seq"]
    with cost() as found:
        people[1].ask("room.read", room_id=room_id, seq=seq)
    # Whose connection, where in the log; note it; who listens.
    assert found["dynamodb"] == {"GetItem": 2, "UpdateItem": 1, "Query": 1}
    assert found["posts"] == {"ok": 3}
    with cost() as found:
        people[1].ask("room.read", room_id=room_id, seq=seq)
    # Refused, as it is noted already; that may also be as one is no member.
    assert found == {"dynamodb": {"GetItem": 3, "UpdateItem": 1}, "posts": {}}


def test_marking_as_read_tells_nobody_else_in_a_large_room(
    room: tuple[str, list[ChatClient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, people = room
    seq = say(people[0], room_id, "읽어요")["seq"]
    monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", 3)
    with cost() as found:
        people[1].ask("room.read", room_id=room_id, seq=seq)
    # The second Query: one's own connections, of which this is the only one.
    assert found == {"dynamodb": {"GetItem": 2, "UpdateItem": 1, "Query": 2}, "posts": {}}


def test_a_typing_signal_writes_nothing_and_is_told_once_in_a_while(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    with cost() as found:
        people[0].ask("typing.signal", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 2, "Query": 1}, "posts": {"ok": 3}}
    with cost() as found:
        people[0].ask("typing.signal", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 2}, "posts": {}}


def test_who_is_there_takes_three_calls(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found:
        assert people[0].ask("room.present", room_id=room_id)["count"] == 4
    assert found == {"dynamodb": {"GetItem": 2, "Query": 1}, "posts": {}}


def test_members_take_five_calls_and_one_more_in_a_small_room(
    room: tuple[str, list[ChatClient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, people = room
    for batches, most in ((2, 20), (1, 3)):
        monkeypatch.setattr(limits, "TELLING_AUDIENCE_MAX", most)
        with cost() as found:
            assert len(people[0].ask("room.members", room_id=room_id)["members"]) == 4
        # Whose connection, whether a member, the room; its members; their names, and in a
        # small room how far each has read.
        assert found["dynamodb"] == {"GetItem": 3, "Query": 1, "BatchGetItem": batches}


def test_a_listener_who_is_gone_is_unsubscribed_at_the_first_post(
    handlers: HandlerSite, room: tuple[str, list[ChatClient]]
) -> None:
    room_id, people = room
    handlers.management.connections.pop(people[3].transport.connection_id)
    with cost() as found:
        say(people[0], room_id, "여보세요")
    assert found["posts"] == {"ok": 2, "gone": 1}
    assert found["dynamodb"]["BatchWriteItem"] == 1
    with cost() as found:
        say(people[0], room_id, "여보세요?")
    assert found["posts"] == {"ok": 2}


@pytest.mark.parametrize("rooms", [0, 1, 30])
def test_hello_does_not_grow_with_the_rooms_but_by_batches(
    handlers: HandlerSite, rooms: int
) -> None:
    client = new_person(handlers).connect()
    client.ask("session.hello")
    for _ in range(rooms):
        say(client, open_room(client), "안녕")
    with cost() as found:
        client.ask("session.hello")
    # Whose connection, who that is, whether still signed in; their rooms, before and after
    # the connection is made to hear them; whom they have blocked.
    expected = Counter({"GetItem": 3, "Query": 3, "UpdateItem": 1})
    if rooms:
        # Subscriptions by 25; then the rooms, and the names in their previews, by 100.
        expected += Counter({"BatchWriteItem": -(-rooms // 25), "BatchGetItem": 2})
    assert found == {"dynamodb": dict(expected), "posts": {}}


def test_a_history_page_takes_five_calls(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found:
        people[0].ask("chat.history", room_id=room_id)
    # Whose connection, whether a member, where the log ends; the page, and its names.
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "BatchGetItem": 1}, "posts": {}}


def test_entering_ones_room_costs_what_a_page_does(room: tuple[str, list[ChatClient]]) -> None:
    room_id, people = room
    with cost() as found:
        people[1].ask("room.enter", room_id=room_id)
    assert found == {"dynamodb": {"GetItem": 3, "Query": 1, "BatchGetItem": 1}, "posts": {}}


def test_keep_alive_costs_three_calls_when_nothing_was_missed(
    room: tuple[str, list[ChatClient]],
) -> None:
    room_id, people = room
    last = say(people[0], room_id, "마지막")["seq"]
    with cost() as found:
        people[1].ask("room.sync", rooms=[{"room_id": room_id, "after": last}])
    assert found == {"dynamodb": {"GetItem": 1, "BatchGetItem": 2}, "posts": {}}


def test_catching_up_in_fifty_rooms_is_one_request_and_one_reply(
    handlers: HandlerSite,
) -> None:
    host, browser = new_person(handlers).chat(), new_person(handlers)
    positions = go_away(browser, host, rooms=50)
    rooms = [position["room_id"] for position in positions]
    for room_id in rooms:
        say(host, room_id, "놓친 말")
    back = browser.chat()
    with cost() as found:
        synced = back.ask("room.sync", rooms=positions)["rooms"]
    assert [room["room_id"] for room in synced] == rooms
    assert all(room["complete"] and room["unread"] == 1 for room in synced)
    assert [[entry["text"] for entry in room["entries"]] for room in synced] == [["놓친 말"]] * 50
    # Whose connection; memberships, rooms and names; what was said in each room.
    assert found == {"dynamodb": {"GetItem": 1, "BatchGetItem": 3, "Query": 50}, "posts": {}}


def test_connect_takes_two_calls_and_disconnect_at_most_three(handlers: HandlerSite) -> None:
    browser = new_person(handlers)
    with cost() as found:
        client = browser.connect()
    assert found["dynamodb"] == {"GetItem": 1, "PutItem": 1}
    client.ask("session.hello")
    open_room(client)
    with cost() as found:
        client.close()
    assert found["dynamodb"] == {"GetItem": 1, "BatchWriteItem": 1, "DeleteItem": 1}
