"""Going by another name in one room: seen there by everybody, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_match import pair_of
from tests.integration.test_races import before
from tests.integration.test_reports import reports_of
from tests.integration.test_sending import kinds, log_of
from tests.support import rights_used
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.room_rows import put_lease
from tests.support.site import Browser, Site, new_person, unique

pytestmark = pytest.mark.localstack

#: After everybody has joined, and as much later as a name may be changed again, in ms.
SOON = 10_000
LATER = limits.ROOM_NICKNAME_EVERY_MS


def named(client: ChatClient, room_id: str, nickname: str | None) -> None:
    fields: Frame = (
        {"room_id": room_id}
        if nickname is None
        else {
            "room_id": room_id,
            "nickname": nickname,
        }
    )
    assert client.ask("room.set_nickname", **fields).keys() == {"type", "ref"}


def called(frame: Frame, room_id: str, user_id: str) -> str | None:
    """What somebody is called in a room, as a frame says."""
    users = frame["users"]
    here = users.get(f"{room_id}/{user_id}", {}).get("nickname")
    name: str | None = here or users.get(user_id, {}).get("nickname")
    return name


def notices(client: ChatClient, room_id: str) -> list[str]:
    log = log_of(client, room_id)
    return [entry["text"] for entry in log if entry.get("kind") == "nicknamed"]


def frame_with(client: ChatClient, seq: int) -> Frame:
    """The push that had an entry."""
    return client.wait_for(
        "entries.added", lambda event: any(entry["seq"] == seq for entry in event["entries"])
    )


# --- Where it is seen -----------------------------------------------------------------------


def test_everybody_in_the_room_sees_it_everywhere_and_not_the_accounts(site: Site) -> None:
    account = unique("계정")[:20]
    host, guest = new_person(site).chat(), new_person(site, account).chat()
    room_id = room_of(host, guest)
    guest_id = my_id(guest)
    named(guest, room_id, " 달리기\n")
    told = host.wait_for(
        "entries.added", lambda event: event["entries"][0].get("kind") == "nicknamed"
    )
    (notice,) = told["entries"]
    assert (notice["text"], notice["user_id"]) == ("달리기", guest_id)
    key = f"{room_id}/{guest_id}"
    assert told["users"] == {key: {"nickname": "달리기", "seq": notice["seq"]}}
    # Also who took it: the reply has no entry.
    assert guest.wait_for_entry(kind="nicknamed") == notice
    seen: list[Frame] = []
    host.ask("room.sync", rooms=[])
    host.events.clear()
    said = say(guest, room_id, "안녕하세요")
    seen.append(frame_with(host, said["seq"]))
    mention = say(host, room_id, f"<@{guest_id}> 반가워요", reply_to=said["seq"])
    host.ask("chat.react", room_id=room_id, seq=mention["seq"], emoji="🏓")
    reaction = guest.ask("chat.react", room_id=room_id, seq=mention["seq"], emoji="👍")["entry"]
    seen.append(frame_with(host, reaction["seq"]))
    edit = guest.ask("chat.edit", room_id=room_id, seq=said["seq"], text="안녕")["entry"]
    seen.append(frame_with(host, edit["seq"]))
    seen.append(host.ask("session.hello"))  # the last chat mentions them
    seen.append(host.ask("room.list", room_ids=[room_id]))
    entered = host.ask("room.enter", room_id=room_id)
    seen.append(entered)
    seen.append(host.ask("chat.history", room_id=room_id))
    seen.append(host.ask("room.members", room_id=room_id))
    position = {"room_id": room_id, "after": 2, "epoch": entered["room"]["epoch"]}
    seen.append(host.ask("room.sync", rooms=[position]))
    host.ask("room.silence", room_id=room_id, user_id=guest_id, seconds=60)
    seen.append(frame_with(host, host.wait_for_entry(kind="silenced")["seq"]))
    assert [called(frame, room_id, guest_id) for frame in seen] == ["달리기"] * len(seen)
    assert account not in json.dumps([seen, host.events], ensure_ascii=False)
    # Elsewhere they are who they are.
    other = room_of(guest, host)
    said = say(guest, other, "저예요")
    elsewhere = frame_with(host, said["seq"])
    assert elsewhere["users"] == {guest_id: {"nickname": account}}
    both = host.ask("session.hello")["users"]
    assert both[guest_id] == {"nickname": account}
    assert both[key]["nickname"] == "달리기"


@pytest.mark.stack_only
def test_who_was_put_out_is_banned_and_blocked_by_the_name_in_the_room(site: Site) -> None:
    account = unique("계정")[:20]
    browser = new_person(site)
    host, guest = browser.chat(), new_person(site, account).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    named(guest, room_id, "달리기")
    said = say(guest, room_id, "나쁜 말")
    host.wait_for_entry(seq=said["seq"])
    host.ask("user.block", user_id=guest_id, room_id=room_id)
    host.ask("report.send", room_id=room_id, user_id=guest_id, seq=said["seq"], reason="abuse")
    host.ask("room.kick", room_id=room_id, user_id=guest_id, ban=True)
    kicked = frame_with(host, host.wait_for_entry(kind="kicked")["seq"])
    blocks = host.ask("user.blocks")
    assert blocks["met_in"] == {guest_id: room_id}
    frames = [kicked, blocks, host.ask("room.bans", room_id=room_id)]
    # What they said before is not by another name now.
    frames.append(host.ask("chat.history", room_id=room_id))
    assert [called(frame, room_id, guest_id) for frame in frames] == ["달리기"] * 4
    (report,) = reports_of(my_id(host))
    assert (report.user_name, report.account_name) == ("달리기", account)
    assert {each["name"] for each in json.loads(report.context)} == {"달리기"}
    exported = browser.post("/api/export", {}).json
    assert exported["blocked"] == [{"user_id": guest_id, "nickname": "달리기"}]
    assert exported["reports"][0]["about"] == "달리기"
    assert account not in json.dumps([frames, exported], ensure_ascii=False)


@pytest.mark.stack_only
def test_whom_one_did_not_meet_where_they_say_is_listed_by_their_account(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site, "하은").chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    host.ask("user.block", user_id=guest_id, room_id=room_id)
    blocks = host.ask("user.blocks")
    assert "met_in" not in blocks
    assert blocks["users"] == {guest_id: {"nickname": "하은"}}
    elsewhere = open_room(guest)
    assert refused(host, "user.block", user_id=guest_id, room_id=elsewhere) == "not_member"


@pytest.mark.stack_only
def test_ones_own_name_is_told_at_entering_and_taken_away(site: Site) -> None:
    browser = new_person(site)
    host, guest = new_person(site).chat(), browser.chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    named(guest, room_id, "달리기")
    # Also where no entry of the page is theirs.
    entered = guest.ask("room.enter", room_id=room_id, limit=1)
    assert called(entered, room_id, guest_id) == "달리기"
    host.ask("chat.send", room_id=room_id, text="저", cid="cid-12345678")
    assert called(guest.ask("room.enter", room_id=room_id, limit=1), room_id, guest_id) == "달리기"
    rooms = browser.post("/api/export", {}).json["rooms"]
    assert [room["nickname"] for room in rooms] == ["달리기"]


# --- Changing it ----------------------------------------------------------------------------


def test_repeating_it_changes_nothing_and_taking_it_back_tells_the_accounts(
    handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    host, guest = new_person(handlers).chat(), new_person(handlers, "하은").chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    at(SOON)
    named(guest, room_id, None)  # there is none
    for _ in range(3):
        named(guest, room_id, "달리기")
    at(SOON + LATER)
    named(guest, room_id, "걷기")
    at(SOON + 2 * LATER)
    for _ in range(2):
        named(guest, room_id, None)
    assert notices(host, room_id) == ["달리기", "걷기\n달리기", "\n걷기"]
    seq = log_of(host, room_id)[-1]["seq"]
    users = host.ask("chat.history", room_id=room_id)["users"]
    assert users[guest_id] == {"nickname": "하은"}
    # A client that still has the name hears that it is over.
    assert users[f"{room_id}/{guest_id}"] == {"nickname": "", "seq": seq}
    guest.ask("profile.update", nickname="새 하은")
    assert called(host.ask("room.members", room_id=room_id), room_id, guest_id) == "새 하은"


@pytest.mark.stack_only
def test_what_the_account_is_called_changes_nothing_in_the_room(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    named(guest, room_id, "달리기")
    guest.ask("profile.update", nickname="새 이름")
    said = say(guest, room_id, "저예요")
    assert called(frame_with(host, said["seq"]), room_id, guest_id) == "달리기"
    assert "새 이름" not in json.dumps(
        host.ask("room.members", room_id=room_id), ensure_ascii=False
    )


@pytest.mark.stack_only
def test_who_leaves_and_comes_back_is_called_the_same(site: Site) -> None:
    account = unique("계정")[:20]
    host, guest = new_person(site).chat(), new_person(site, account).chat()
    room_id, guest_id = room_of(host, guest), my_id(guest)
    named(guest, room_id, "달리기")
    guest.ask("room.leave", room_id=room_id)
    left = frame_with(host, host.wait_for_entry(kind="left")["seq"])
    gone = host.ask("chat.history", room_id=room_id)
    guest.ask("room.enter", room_id=room_id)
    host.events.clear()
    said = say(guest, room_id, "다시 왔어요")
    frames = [left, gone, frame_with(host, said["seq"])]
    assert [called(frame, room_id, guest_id) for frame in frames] == ["달리기"] * 3
    assert account not in json.dumps(frames, ensure_ascii=False)
    # A membership it is not: neither of two.
    assert len(guest.ask("session.hello")["rooms"]) == 1


@pytest.mark.stack_only
def test_only_members_may_who_are_not_silenced_and_not_too_often(
    handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    host, guest, stranger = (new_person(handlers).chat() for _ in range(3))
    room_id = room_of(host, guest)
    assert refused(stranger, "room.set_nickname", room_id=room_id, nickname="나") == "not_member"
    at(SOON)
    named(guest, room_id, "달리기")
    at(SOON + LATER - 1)
    with pytest.raises(CommandRefusedError) as refusal:
        guest.ask("room.set_nickname", room_id=room_id, nickname="걷기")
    assert (refusal.value.code, refusal.value.frame["retry_after_ms"]) == ("too_fast", 1)
    host.ask("room.silence", room_id=room_id, user_id=my_id(guest), seconds=60)
    at(SOON + LATER)
    for name in ("걷기", None):
        fields = {"room_id": room_id, "nickname": name}
        assert refused(guest, "room.set_nickname", **fields) == "silenced"
    assert notices(host, room_id) == ["달리기"]
    assert "void" not in kinds(log_of(host, room_id))


@pytest.mark.stack_only
def test_a_word_that_the_room_masks_is_in_no_name(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    host.ask("room.set_words", room_id=room_id, words=["달리기"])
    fields = {"room_id": room_id, "nickname": "달리기왕"}
    assert refused(guest, "room.set_nickname", **fields) == "bad_word"
    named(guest, room_id, "걷기왕")
    assert notices(host, room_id) == ["걷기왕"]


@pytest.mark.stack_only
def test_the_room_of_a_match_is_called_as_the_two_are(site: Site) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    room_id = pair_of(one, other, unique("t")[-12:])
    assert refused(one, "room.set_nickname", room_id=room_id, nickname="나") == "not_allowed"


# --- Two things at once ---------------------------------------------------------------------


@pytest.mark.parametrize("step", ["take_place", "store"])
def test_who_leaves_meanwhile_takes_no_name(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from chalicelib import names, nicknaming

    one, two = guest.chat(), guest.chat()
    room_id = room_of(host, one)
    before(
        monkeypatch,
        nicknaming._NicknamingSteps,
        step,
        lambda: two.ask("room.leave", room_id=room_id),
    )
    assert refused(one, "room.set_nickname", room_id=room_id, nickname="나") == "not_member"
    assert notices(host, room_id) == []
    assert names.find(room_id, my_id(one)) is None


@pytest.mark.stack_only
def test_who_is_silenced_meanwhile_takes_no_name(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import nicknaming

    client = guest.chat()
    room_id, guest_id = room_of(host, client), my_id(client)
    before(
        monkeypatch,
        nicknaming._NicknamingSteps,
        "store",
        lambda: host.ask("room.silence", room_id=room_id, user_id=guest_id, seconds=60),
    )
    assert refused(client, "room.set_nickname", room_id=room_id, nickname="나") == "silenced"
    assert notices(host, room_id) == []


#: What else is asked for while "먼저" has its place, when API Gateway took that, in ms after it;
#: why "먼저" is refused, if it is; and what the log tells.
TWICE = {
    "another, later": ("나중", 5, None, ["나중"]),
    "another, earlier": ("나중", -5, "too_fast", ["나중"]),
    "another, in the same millisecond": ("나중", 0, "too_fast", ["나중"]),
    "the same": ("먼저", 0, None, ["먼저"]),
}


@pytest.mark.parametrize(("other", "after", "code", "told"), TWICE.values(), ids=TWICE.keys())
def test_of_two_names_at_once_one_is_taken(
    host: ChatClient,
    guest: Browser,
    at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    after: int,
    code: str | None,
    told: list[str],
) -> None:
    from chalicelib import nicknaming

    one, two = guest.chat(), guest.chat()
    room_id, guest_id = room_of(host, one), my_id(one)

    def name_too() -> None:
        at(SOON + after)
        named(two, room_id, other)

    at(SOON)
    before(monkeypatch, nicknaming._NicknamingSteps, "store", name_too)
    if code:
        assert refused(one, "room.set_nickname", room_id=room_id, nickname="먼저") == code
    else:
        named(one, room_id, "먼저")
    assert notices(host, room_id) == told
    assert called(host.ask("room.members", room_id=room_id), room_id, guest_id) == told[-1]


@pytest.mark.parametrize("nickname", ["처음", None])
def test_a_frame_that_comes_again_late_changes_nothing(
    host: ChatClient, guest: Browser, at: Callable[[int], None], nickname: str | None
) -> None:
    client = guest.chat()
    room_id, guest_id = room_of(host, client), my_id(client)
    at(SOON + LATER)
    named(client, room_id, "나중")
    at(SOON)
    named(client, room_id, nickname)
    assert notices(host, room_id) == ["나중"]
    assert called(host.ask("room.members", room_id=room_id), room_id, guest_id) == "나중"


def test_whose_place_was_made_a_void_takes_another(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader does not wait for long."""
    from chalicelib import nicknaming

    client = guest.chat()
    room_id = room_of(host, client)
    before(
        monkeypatch,
        nicknaming._NicknamingSteps,
        "store",
        lambda: host.ask("chat.history", room_id=room_id),
    )
    named(client, room_id, "달리기")
    assert kinds(log_of(host, room_id)) == ["created", "joined", "void", "nicknamed"]
    seq = log_of(host, room_id)[-1]["seq"]
    key = f"{room_id}/{my_id(client)}"
    assert host.ask("chat.history", room_id=room_id)["users"][key]["seq"] == seq


@pytest.mark.stack_only
def test_a_name_that_is_taken_while_somebody_pushes_is_told_with_its_notice(
    handlers: HandlerSite, host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pushes for the room looked at it when nobody had one."""
    from chalicelib import push_worker
    from chalicelib.delivery import RoomSteps

    client = guest.chat()
    room_id, guest_id = room_of(host, client), my_id(client)
    said = say(client, room_id, "저예요")
    host.wait_for_entry(seq=said["seq"])
    put_lease(room_id, "holder", delivered=said["seq"], is_live=True)
    host.ask("chat.send", room_id=room_id, text="밀린 말", cid="cid-12345678")
    before(monkeypatch, RoomSteps, "read_entries", lambda: named(client, room_id, "달리기"))
    job = {
        "job": "carry_room",
        "room_id": room_id,
        "holder": "holder",
        "delivered": said["seq"],
    }
    left = iter(range(60_000, 0, -1_000))
    with rights_used.played("push"):
        push_worker.run(job, lambda: next(left, 0))
    told = frame_with(host, host.wait_for_entry(kind="nicknamed")["seq"])
    assert called(told, room_id, guest_id) == "달리기"
    assert guest_id not in told["users"]


# --- When it goes ---------------------------------------------------------------------------


def test_it_goes_with_the_room(host: ChatClient, guest: Browser, handlers: HandlerSite) -> None:
    from chalicelib import names

    client = guest.chat()
    room_id, guest_id = room_of(host, client), my_id(client)
    named(client, room_id, "달리기")
    client.ask("room.leave", room_id=room_id)
    assert names.find(room_id, guest_id) is not None
    host.ask("room.leave", room_id=room_id, close=True)
    handlers.management.finish_jobs()
    assert names.find(room_id, guest_id) is None


@pytest.mark.stack_only
def test_it_goes_with_whoever_withdraws(handlers: HandlerSite, host: ChatClient) -> None:
    from chalicelib import names

    browser = new_person(handlers)
    client = browser.chat()
    rooms, guest_id = [open_room(host) for _ in range(2)], my_id(client)
    for room_id in rooms:
        client.ask("room.enter", room_id=room_id)
        named(client, room_id, "달리기")
    client.ask("room.leave", room_id=rooms[0])
    client.close()
    assert browser.post("/api/auth/withdraw").status == 200
    handlers.management.finish_jobs()
    for room_id in rooms:
        assert names.find(room_id, guest_id) is None
        page = host.ask("chat.history", room_id=room_id)
        assert called(page, room_id, guest_id) is None


# --- What it costs --------------------------------------------------------------------------


@pytest.mark.stack_only
def test_what_names_cost(host: ChatClient, guest: Browser) -> None:
    from tests.benchmarks import units
    from tests.integration.test_counts import cost

    client = guest.chat()
    room_id = room_of(host, client)
    with cost() as found, units.recorded() as calls:
        named(client, room_id, "달리기")
    # Whose connection, whether a member, the room, and the membership again; a place in the log;
    # the notice with the name; who listens.
    assert found["dynamodb"] == {
        "GetItem": 4,
        "UpdateItem": 1,
        "TransactWriteItems": 1,
        "Query": 1,
    }
    assert found["posts"] == {"ok": 2}
    # (The name is in the index of the room's members, too: a room that is erased finds it there.)
    assert units.total(calls).writes == 9
    with cost() as found:
        named(client, room_id, "달리기")
    assert found == {"dynamodb": {"GetItem": 4}, "posts": {}}
    for each in (client, host):  # also of who has no other name in the room
        with cost() as found, units.recorded() as calls:
            say(each, room_id, "얼마예요?")
        assert found["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "Query": 1}
        assert units.total(calls).writes == 3
    with cost() as found, units.recorded() as calls:
        host.ask("chat.history", room_id=room_id)
    # One BatchGetItem of both tables, which asks for two names more.
    assert found["dynamodb"] == {"GetItem": 3, "Query": 1, "BatchGetItem": 1}


def test_many_people_in_a_room_with_names_are_looked_up_in_batches(host: ChatClient) -> None:
    from chalicelib import names
    from chalicelib.tables import RoomNicknameRow, UserRow
    from tests.benchmarks import units

    room_id, suffix = open_room(host), unique("")
    people = [f"u{number:03}{suffix}".replace(" ", "") for number in range(120)]
    with UserRow.batch_write() as batch:
        for user_id in people:
            batch.save(
                UserRow(user_id, provider="p", provider_id="p", nickname="계정", created_at=1)
            )
    with RoomNicknameRow.batch_write() as batch:
        for user_id in people[::2]:
            key = RoomNicknameRow.key(room_id)
            batch.save(RoomNicknameRow(user_id, key, nickname="방", nickname_seq=7, nickname_at=1))
    with units.recorded() as calls:
        shown: dict[str, Any] = names.look_up((), {room_id: people})
    assert len(calls) == 3
    assert [names.of(shown, each, room_id) for each in people] == ["방", "계정"] * 60
    assert len(shown) == len(people)
