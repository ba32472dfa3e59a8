"""Answers to a chat, and people who are mentioned in one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import limits
from tests.integration.test_changes import change, chat_at, everything_stored, room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_sending import kinds, log_of, stored_places
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person, unique

pytestmark = pytest.mark.localstack

# --- Answers --------------------------------------------------------------------------------


def test_an_answer_says_which_chat_it_is_to_wherever_it_is_told(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    epoch = host.ask("session.hello")["rooms"][0]["epoch"]
    asked = say(host, room_id, "몇 시에 만나요?")
    assert "reply_to" not in asked
    answer = say(guest, room_id, "일곱 시요", reply_to=asked["seq"])
    assert answer["reply_to"] == asked["seq"]
    assert host.wait_for_entry(seq=answer["seq"]) == answer
    position = {"room_id": room_id, "after": asked["seq"], "epoch": epoch}
    (synced,) = host.ask("room.sync", rooms=[position])["rooms"]
    assert synced["entries"] == [answer]
    assert chat_at(host, room_id, answer["seq"]) == answer
    assert host.ask("room.enter", room_id=room_id)["entries"][-1] == answer
    # One's own and an answer can be answered, too, also by an edited one.
    edited = change(guest, "chat.edit", room_id, answer["seq"], text="여덟 시요")["changed"]
    assert (edited["text"], edited["reply_to"]) == ("여덟 시요", asked["seq"])
    assert say(guest, room_id, "늦어요", reply_to=answer["seq"])["reply_to"] == answer["seq"]


def test_an_answer_holds_nothing_of_the_chat_that_is_deleted(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    asked = say(host, room_id, "지울 말")["seq"]
    first = say(guest, room_id, "네", reply_to=asked)
    host.ask("chat.delete", room_id=room_id, seq=asked)
    # A deleted chat was a chat: who answers it may not have heard of it yet.
    second = say(guest, room_id, "네네", reply_to=asked)
    assert (first["reply_to"], second["reply_to"]) == (asked, asked)
    deleted = change(guest, "chat.delete", room_id, first["seq"])["changed"]
    assert deleted["reply_to"] == asked
    assert "text" not in deleted


def test_nothing_of_a_deleted_chat_is_stored_with_its_answer(host: ChatClient) -> None:
    room_id = open_room(host)
    asked = say(host, room_id, "지울 말")["seq"]
    say(host, room_id, "네", reply_to=asked)
    assert "지울 말" in everything_stored(room_id)
    host.ask("chat.delete", room_id=room_id, seq=asked)
    assert "지울 말" not in everything_stored(room_id)


def test_only_a_chat_can_be_answered(host: ChatClient, guest: Browser) -> None:
    room_id = room_of(host, guest.chat())
    said = say(host, room_id, "말")["seq"]
    changed = change(host, "chat.react", room_id, said, emoji="🏓")["seq"]
    places = stored_places(room_id)
    # A notice, an entry about a change, and what is not there yet.
    for seq in (1, 2, changed, changed + 1):
        with pytest.raises(CommandRefusedError) as refusal:
            say(host, room_id, "뭐라고요?", reply_to=seq)
        assert refusal.value.code == "chat_not_found"
        assert refusal.value.frame["field"] == "reply_to"
    assert stored_places(room_id) == places
    assert "preview" in host.ask("session.hello")["rooms"][0]
    assert host.ask("session.hello")["rooms"][0]["last_seq"] == changed


def test_a_place_that_nobody_filled_can_not_be_answered(host: ChatClient) -> None:
    from chalicelib.tables import RoomRow

    room_id = open_room(host)
    RoomRow(room_id).update([RoomRow.last_seq.add(1), RoomRow.chats.add(1)])
    answer = {"room_id": room_id, "text": "네?", "cid": unique("cid"), "reply_to": 2}
    assert refused(host, "chat.send", **answer) == "chat_not_found"
    assert kinds(log_of(host, room_id)) == ["created", "void"]
    assert refused(host, "chat.send", **answer) == "chat_not_found"


@pytest.mark.stack_only
def test_who_left_or_never_came_learns_nothing_of_the_log(
    host: ChatClient, handlers: HandlerSite
) -> None:
    guest, stranger = (new_person(handlers).chat() for _ in range(2))
    room_id = room_of(host, guest)
    said = say(host, room_id, "말")["seq"]
    guest.ask("room.leave", room_id=room_id)
    for who in (guest, stranger):
        for seq in (1, said, 10**6):
            answer = {"text": "네", "cid": unique("cid"), "reply_to": seq}
            assert refused(who, "chat.send", room_id=room_id, **answer) == "not_member"


@pytest.mark.stack_only
def test_who_leaves_in_another_tab_meanwhile_learns_nothing_of_the_log(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import chats
    from tests.integration.test_races import before

    one, two = guest.chat(), guest.chat()
    room_id = room_of(host, one)
    before(monkeypatch, chats, "_check_is_chat", lambda: two.ask("room.leave", room_id=room_id))
    answer = {"room_id": room_id, "text": "네", "cid": unique("cid"), "reply_to": 10**6}
    assert refused(one, "chat.send", **answer) == "not_member"


@pytest.mark.stack_only
def test_a_chat_of_another_room_can_not_be_answered(host: ChatClient) -> None:
    one, other = open_room(host), open_room(host)
    for number in range(3):
        seq = say(host, one, f"{number}")["seq"]
    answer = {"text": "네", "cid": unique("cid"), "reply_to": seq}
    assert refused(host, "chat.send", room_id=other, **answer) == "chat_not_found"


@pytest.mark.stack_only
def test_an_answer_in_a_closed_room_finds_no_room(
    handlers: HandlerSite, host: ChatClient, guest: Browser
) -> None:
    client = guest.chat()
    room_id = room_of(host, client)
    said = say(host, room_id, "말")["seq"]
    answer = {"room_id": room_id, "text": "네", "cid": unique("cid"), "reply_to": said}
    host.ask("room.leave", room_id=room_id, close=True)
    assert refused(client, "chat.send", **answer) in ("room_not_found", "not_member")
    handlers.management.finish_jobs()
    assert refused(client, "chat.send", **answer) in ("room_not_found", "not_member")


def test_an_answer_that_is_sent_again_is_the_same_one(host: ChatClient) -> None:
    room_id = open_room(host)
    said = say(host, room_id, "말")["seq"]
    cid = unique("cid")
    answer = say(host, room_id, "네", cid=cid, reply_to=said)
    host.ask("chat.delete", room_id=room_id, seq=said)
    repeat: Frame = {"cid": cid, "reply_to": said}
    assert say(host, room_id, "네", **repeat, retry_since=said) == answer
    # Delivered twice, and when the claim is forgotten.
    assert say(host, room_id, "네", **repeat) == answer
    for number in range(limits.CLAIMS_PER_MEMBER):
        say(host, room_id, f"{number}")
    assert say(host, room_id, "네", **repeat, retry_since=said) == answer
    texts = [entry.get("text") for entry in log_of(host, room_id)]
    assert texts.count("네") == 1


def test_an_answer_whose_place_was_filled_is_one_in_its_next_place(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.dynamodb_steps import LogSteps
    from tests.integration.test_races import before

    room_id = open_room(host)
    said = say(host, room_id, "말")["seq"]
    before(monkeypatch, LogSteps, "store", lambda: log_of(host, room_id))
    assert say(host, room_id, "네", reply_to=said)["reply_to"] == said
    log = log_of(host, room_id)
    assert kinds(log) == ["created", "chat", "void", "chat"]
    assert log[3]["reply_to"] == said


def test_answers_that_are_pushed_together_say_to_what(
    host: ChatClient, guest: Browser, handlers: HandlerSite
) -> None:
    """By whoever has the room's lease, from the log."""
    from chalicelib.delivery import RoomSteps
    from chalicelib.steps import run

    client = guest.chat()
    room_id = room_of(host, client)
    said = say(host, room_id, "말")["seq"]
    answers = [say(host, room_id, f"{number}", reply_to=said) for number in range(3)]
    steps = RoomSteps(room_id)
    client.entries.clear()
    run(steps.post(run(steps.read_entries(said + 1, said + 3))))
    assert [entry for entry in client.entries if entry["seq"] > said] == answers


# --- People in it ---------------------------------------------------------------------------


def users_told(client: ChatClient, seq: int) -> Frame:
    """The people that the push of an entry named."""
    event = client.wait_for(
        "entries.added", lambda event: any(each["seq"] == seq for each in event["entries"])
    )
    users: Frame = event["users"]
    return users


@pytest.mark.stack_only
def test_who_is_mentioned_is_named_to_everybody_who_gets_the_chat(site: Site) -> None:
    host, guest = new_person(site, "지민").chat(), new_person(site, "하은").chat()
    other = new_person(site, "도윤").chat()
    room_id = room_of(host, guest)
    epoch = host.ask("session.hello")["rooms"][0]["epoch"]
    mentioned = my_id(other)
    text = f"<@{mentioned}> 님도 불러요, <@nobody-at-all>!"
    said = say(host, room_id, text)
    assert said["text"] == text
    expected = {my_id(host): {"nickname": "지민"}, mentioned: {"nickname": "도윤"}}
    assert users_told(guest, said["seq"]) == expected
    position = {"room_id": room_id, "after": said["seq"] - 1, "epoch": epoch}
    for reply in (
        guest.ask("chat.history", room_id=room_id, before=said["seq"] + 1, limit=1),
        guest.ask("room.enter", room_id=room_id, limit=1),
        guest.ask("room.sync", rooms=[position]),
        guest.ask("session.hello"),
        guest.ask("room.list", room_ids=[room_id]),
    ):
        assert reply["users"] == expected, reply
    # Who is mentioned by an edit only is named with it, also to who missed the chat itself.
    plain = say(host, room_id, "누구요?")["seq"]
    entry = change(host, "chat.edit", room_id, plain, text=f"<@{mentioned}> 요")
    assert users_told(guest, entry["seq"])[mentioned] == {"nickname": "도윤"}
    page = guest.ask("chat.history", room_id=room_id, after=entry["seq"] - 1)
    assert page["users"][mentioned] == {"nickname": "도윤"}
    # And who is in no chat any more is not.
    change(host, "chat.delete", room_id, plain)
    page = guest.ask("chat.history", room_id=room_id, after=entry["seq"])
    assert page["users"] == {my_id(host): {"nickname": "지민"}}


@pytest.mark.stack_only
def test_somebody_who_joined_or_was_renamed_is_named_as_they_are_now(site: Site) -> None:
    host, guest_browser = new_person(site, "지민").chat(), new_person(site, "하은")
    guest = guest_browser.chat()
    room_id = room_of(host, guest)
    mentioned = my_id(guest)
    said = say(host, room_id, f"<@{mentioned}>")["seq"]
    guest.ask("profile.update", nickname="하은이")
    page = {"room_id": room_id, "after": said - 1}
    assert host.ask("chat.history", **page)["users"][mentioned] == {"nickname": "하은이"}
    # Who withdrew has no name; the token stays what it was.
    assert guest_browser.post("/api/auth/withdraw").status in (200, 204)
    host.wait_for_entry(kind="left")
    reply = host.ask("chat.history", **page)
    assert mentioned not in reply["users"]
    assert reply["entries"][0]["text"] == f"<@{mentioned}>"


@pytest.mark.stack_only
def test_the_name_of_a_room_mentions_nobody(site: Site) -> None:
    """Whatever it looks like."""
    host, guest = new_person(site).chat(), new_person(site).chat()
    other = my_id(new_person(site).chat())
    room_id = room_of(host, guest)
    assert len(other) + 3 <= limits.ROOM_NAME_MAX
    host.ask("room.rename", room_id=room_id, name=f"<@{other}>{unique('')}"[-40:])
    seq = guest.wait_for_entry(kind="renamed")["seq"]
    assert guest.ask("chat.history", room_id=room_id, after=seq - 1)["users"].keys() == {
        my_id(host)
    }


@pytest.mark.stack_only
def test_only_the_first_people_of_many_are_named(site: Site, handlers: HandlerSite) -> None:
    from tests.integration.test_changes import add_people

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = room_of(host, guest)
    people = add_people("crowd", limits.MENTIONS_MAX + 1)
    said = say(host, room_id, "".join(f"<@{person}>" for person in people))["seq"]
    named = users_told(guest, said).keys() - {my_id(host)}
    assert named == set(people[: limits.MENTIONS_MAX])


@pytest.mark.stack_only
def test_a_page_of_chats_with_many_mentions_fits_into_a_frame(
    handlers: HandlerSite, host: ChatClient
) -> None:
    from tests.integration.test_changes import add_people

    room_id = open_room(host)
    for number in range(15):
        people = add_people(f"all{number:03}", limits.MENTIONS_MAX)
        say(host, room_id, "".join(f"<@{person}>" for person in people))
    seen: list[int] = []
    before = 100
    while before > 2:
        frame = f'{{"type":"chat.history","ref":"1","room_id":"{room_id}","before":{before}}}'
        answer = handlers.call_message(host.transport.connection_id, frame)
        assert len(answer.encode()) <= limits.FRAME_BYTES_MAX
        page = host.ask("chat.history", room_id=room_id, before=before)["entries"]
        before = page[0]["seq"]
        seen = [entry["seq"] for entry in page] + seen
    assert seen == list(range(seen[0], 17))


@pytest.mark.alike
@pytest.mark.parametrize(
    "make_text", [lambda mention: f"{'가' * 57}{mention}", lambda _: "가" * 90]
)
def test_room_lists_show_whole_mentions_only(site: Site, make_text: Callable[[str], str]) -> None:
    host = new_person(site).chat()
    room_id = open_room(host)
    say(host, room_id, make_text(f"<@{my_id(host)}>"))
    text = host.ask("session.hello")["rooms"][0]["preview"]["text"]
    assert text.endswith("가…")
    assert "<" not in text
