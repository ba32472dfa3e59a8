"""Editing, deleting and reacting: the chat changes in place, and the log says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.integration.test_sending import kinds, log_of, stored_places
from tests.support.chat import ChatClient, CommandRefusedError, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person

pytestmark = pytest.mark.localstack

#: What each command needs besides the chat's place.
CHANGES: dict[str, dict[str, Any]] = {
    "chat.edit": {"text": "고친 말"},
    "chat.delete": {},
    "chat.react": {"emoji": "🏓"},
}
each_change = pytest.mark.parametrize(("command", "fields"), CHANGES.items(), ids=CHANGES.keys())


def room_of(host: ChatClient, *guests: ChatClient) -> str:
    """A room of these people, who all listen."""
    room_id = open_room(host)
    for guest in guests:
        guest.ask("room.enter", room_id=room_id)
    return room_id


def change(client: ChatClient, command: str, room_id: str, seq: int, **fields: object) -> Frame:
    """Change a chat; the entry that says so, or {} if there was nothing to change."""
    reply = client.ask(command, room_id=room_id, seq=seq, **fields)
    entry: Frame = reply.get("entry", {})
    return entry


def chat_at(client: ChatClient, room_id: str, seq: int) -> Frame:
    """A chat as history has it now."""
    page = client.ask("chat.history", room_id=room_id, before=seq + 1, limit=1)
    (entry,) = page["entries"]
    assert entry["seq"] == seq
    found: Frame = entry
    return found


def everything_stored(room_id: str) -> str:
    """All that DynamoDB holds of a room: its row, its log, its members, its locks."""
    from chalicelib.tables import EntryRow, MemberRow, RoomRow

    rooms = [row for row in RoomRow.scan(consistent_read=True) if row.room_id == room_id]
    rows: list[Any] = [*rooms, *EntryRow.query(room_id, consistent_read=True)]
    rows += [row for row in MemberRow.scan(consistent_read=True) if row.room_id == room_id]
    assert len(rows) > 2
    return "\n".join(str(row.to_dynamodb_dict()) for row in rows)


# --- What a change does -------------------------------------------------------------------


def test_an_edited_chat_has_its_new_text_in_place(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    said = say(host, room_id, "처음")
    entry = change(host, "chat.edit", room_id, said["seq"], text="고친 말")
    chat = chat_at(guest, room_id, said["seq"])
    # When API Gateway took it, so not after it was carried out.
    assert said["at"] <= chat["edited_at"] <= entry["at"]
    assert chat == {**said, "text": "고친 말", "version": 1, "edited_at": chat["edited_at"]}
    assert entry == {
        "seq": said["seq"] + 1,
        "user_id": said["user_id"],
        "at": entry["at"],
        "kind": "changed",
        "changed": chat,
    }
    assert guest.wait_for_entry(seq=entry["seq"]) == entry
    assert host.ask("session.hello")["rooms"][0]["preview"]["text"] == "고친 말"


def test_a_deleted_chat_keeps_its_place_and_nothing_else(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    said = say(host, room_id, "지울 말")
    change(guest, "chat.react", room_id, said["seq"], emoji="👍")
    entry = change(host, "chat.delete", room_id, said["seq"])
    chat = chat_at(guest, room_id, said["seq"])
    assert chat == {
        **{name: value for name, value in said.items() if name != "text"},
        "version": 2,
        "deleted": True,
    }
    assert entry["changed"] == chat
    assert guest.wait_for_entry(seq=entry["seq"]) == entry
    preview = guest.ask("session.hello")["rooms"][0]["preview"]
    assert preview == {
        "user_id": said["user_id"],
        "at": said["at"],
        "text": "",
        "deleted": True,
    }


@pytest.mark.stack_only
def test_reactions_are_told_by_emoji_and_person(site: Site) -> None:
    people = [new_person(site).chat() for _ in range(3)]
    room_id = room_of(*people)
    seq = say(people[0], room_id, "어때요?")["seq"]
    ids = [my_id(person) for person in people]
    for person in people:
        change(person, "chat.react", room_id, seq, emoji="🏓")
    entry = change(people[1], "chat.react", room_id, seq, emoji="❤️")
    wanted = {"🏓": sorted(ids), "❤️": [ids[1]]}
    assert entry["changed"]["reactions"] == wanted
    assert chat_at(people[2], room_id, seq)["reactions"] == wanted
    event = people[2].wait_for("entries.added", lambda frame: frame["entries"] == [entry])
    assert event["users"].keys() == set(ids)
    change(people[0], "chat.react", room_id, seq, emoji="🏓", on=False)
    change(people[1], "chat.react", room_id, seq, emoji="❤️", on=False)
    chat = chat_at(people[0], room_id, seq)
    assert chat["reactions"] == {"🏓": sorted(ids[1:])}
    assert chat["version"] == 6
    for person in people[1:]:
        change(person, "chat.react", room_id, seq, emoji="🏓", on=False)
    assert "reactions" not in chat_at(people[0], room_id, seq)


@each_change
def test_repeating_a_change_does_no_harm_and_says_so(
    site: Site, command: str, fields: Frame
) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    seq = say(client, room_id, "처음")["seq"]
    assert change(client, command, room_id, seq, **fields)["changed"]["version"] == 1
    log = log_of(client, room_id)
    for _ in range(2):
        assert change(client, command, room_id, seq, **fields) == {}
    assert log_of(client, room_id) == log
    if command == "chat.react":
        assert change(client, command, room_id, seq, emoji="🏓", on=False) != {}
        assert change(client, command, room_id, seq, emoji="🏓", on=False) == {}


def test_a_reaction_that_is_not_there_is_not_taken_away(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    seq = say(host, room_id, "말")["seq"]
    change(host, "chat.react", room_id, seq, emoji="👍")
    assert change(guest, "chat.react", room_id, seq, emoji="👍", on=False) == {}
    assert change(host, "chat.react", room_id, seq, emoji="👎", on=False) == {}
    assert chat_at(guest, room_id, seq)["reactions"] == {"👍": [my_id(host)]}


def test_versions_count_the_changes(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    seq = say(client, room_id, "0")["seq"]
    for version in range(1, 5):
        entry = change(client, "chat.edit", room_id, seq, text=str(version))
        assert (entry["seq"], entry["changed"]["version"]) == (seq + version, version)
    entry = change(client, "chat.react", room_id, seq, emoji="👀")
    assert entry["changed"]["version"] == 5
    assert change(client, "chat.delete", room_id, seq)["changed"]["version"] == 6
    # Other chats have versions of their own.
    other = say(client, room_id, "다른 말")["seq"]
    assert change(client, "chat.delete", room_id, other)["changed"]["version"] == 1


def test_an_edit_of_an_earlier_chat_leaves_the_preview(site: Site) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    earlier = say(client, room_id, "먼저")["seq"]
    say(client, room_id, "나중")
    for command in ("chat.edit", "chat.delete"):
        change(client, command, room_id, earlier, **CHANGES[command])
        assert client.ask("session.hello")["rooms"][0]["preview"]["text"] == "나중"


# --- Reading changes ----------------------------------------------------------------------


@pytest.mark.stack_only
def test_several_changes_on_a_page_have_the_chat_once_in_the_last(site: Site) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = room_of(host, guest)
    one, two = (say(host, room_id, text)["seq"] for text in ("하나", "둘"))
    for seq, command, fields in (
        (one, "chat.edit", {"text": "하나!"}),
        (two, "chat.edit", {"text": "둘!"}),
        (one, "chat.react", {"emoji": "👍"}),
        (one, "chat.edit", {"text": "하나!!"}),
        (two, "chat.delete", {}),
    ):
        change(host, command, room_id, seq, **fields)
    now = {seq: chat_at(guest, room_id, seq) for seq in (one, two)}
    position = {"room_id": room_id, "after": two}
    (synced,) = guest.ask("room.sync", rooms=[position])["rooms"]
    pages = [
        synced["entries"],
        guest.ask("chat.history", room_id=room_id, after=two)["entries"],
        guest.ask("chat.history", room_id=room_id)["entries"][-5:],
        guest.ask("room.enter", room_id=room_id)["entries"][-5:],
    ]
    for page in pages:
        assert kinds(page) == ["changed"] * 5
        assert [entry.get("changed") for entry in page] == [None, None, None, now[one], now[two]]
    # A page that ends before the last of them has the chat in the last that it has.
    (first,) = guest.ask("chat.history", room_id=room_id, after=two, limit=1)["entries"]
    assert first["changed"] == now[one]


def test_catching_up_brings_the_changes_that_were_missed(site: Site) -> None:
    host, browser = new_person(site).chat(), new_person(site)
    away = browser.chat()
    room_id = room_of(host, away)
    said = [say(host, room_id, text)["seq"] for text in ("고칠 말", "지울 말", "좋은 말")]
    away.close()
    for seq, command in zip(said, CHANGES, strict=True):
        change(host, command, room_id, seq, **CHANGES[command])
    back = browser.chat()
    reply = back.ask("room.sync", rooms=[{"room_id": room_id, "after": said[-1]}])
    (synced,) = reply["rooms"]
    assert synced["complete"]
    assert [entry["changed"]["seq"] for entry in synced["entries"]] == said
    edited, deleted, liked = (entry["changed"] for entry in synced["entries"])
    assert edited["text"] == "고친 말"
    assert deleted["deleted"]
    assert liked["reactions"] == {"🏓": [my_id(host)]}
    assert my_id(host) in reply["users"]


def test_a_change_of_a_chat_that_was_changed_again_by_then_shows_the_later_state(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is pushed late is not older than its version says."""
    from chalicelib.delivery import RoomSteps

    room_id = open_room(host)
    seq = say(host, room_id, "처음")["seq"]
    again = partial(change, host, "chat.edit", room_id, seq, text="두 번째")
    before(monkeypatch, RoomSteps, "post", again)
    change(host, "chat.edit", room_id, seq, text="첫 번째")
    assert chat_at(host, room_id, seq)["text"] == "두 번째"
    assert all(
        (entry["changed"]["text"], entry["changed"]["version"]) in [("첫 번째", 1), ("두 번째", 2)]
        for entry in host.entries
        if "changed" in entry
    )


# --- What is deleted is gone --------------------------------------------------------------


@pytest.mark.parametrize("is_last", [True, False], ids=["the last chat", "an earlier chat"])
def test_nothing_is_left_of_a_deleted_chat(host: ChatClient, guest: Browser, is_last: bool) -> None:
    client = guest.chat()
    room_id = room_of(host, client)
    secret, edited = "지워질비밀", "고쳐진비밀"
    seq = say(host, room_id, secret)["seq"]
    assert secret in everything_stored(room_id)
    change(host, "chat.edit", room_id, seq, text=edited)
    assert secret not in everything_stored(room_id)
    change(client, "chat.react", room_id, seq, emoji="🫠")
    if not is_last:
        say(client, room_id, "그 다음")
    change(host, "chat.delete", room_id, seq)
    stored = everything_stored(room_id)
    assert edited not in stored
    assert "🫠" not in stored


def test_nothing_is_left_of_a_deleted_chat_that_was_delivered_twice(host: ChatClient) -> None:
    """Its second delivery was the last that room lists were told of."""
    room_id = open_room(host)
    said = say(host, room_id, "지워질비밀", cid="cid-secret-01")
    assert say(host, room_id, "지워질비밀", cid="cid-secret-01") == said
    change(host, "chat.delete", room_id, said["seq"])
    assert "지워질비밀" not in everything_stored(room_id)
    # Nor does a late delivery bring it back.
    late = say(host, room_id, "지워질비밀", cid="cid-secret-01")
    assert late["deleted"]
    assert "지워질비밀" not in everything_stored(room_id)


@pytest.mark.parametrize("step", ["_change_preview", "_change"])
def test_an_edit_that_meets_the_deletion_leaves_no_text(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from chalicelib import changes

    room_id = open_room(host)
    seq = say(host, room_id, "지워질비밀")["seq"]
    before(monkeypatch, changes, step, partial(change, host, "chat.delete", room_id, seq))
    edit = {"room_id": room_id, "seq": seq, "text": "고쳐진비밀"}
    assert refused(host, "chat.edit", **edit) == "chat_not_found"
    stored = everything_stored(room_id)
    assert "지워질비밀" not in stored
    assert "고쳐진비밀" not in stored
    assert chat_at(host, room_id, seq)["deleted"]


def test_a_deletion_that_was_cut_off_can_be_repeated(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import changes

    room_id = open_room(host)
    seq = say(host, room_id, "지워질비밀")["seq"]
    before(monkeypatch, changes._ChangeSteps, "store", lambda: 1 / 0)
    assert refused(host, "chat.delete", room_id=room_id, seq=seq) == "internal"
    assert change(host, "chat.delete", room_id, seq)["changed"]["deleted"]
    assert "지워질비밀" not in everything_stored(room_id)
    assert kinds(log_of(host, room_id)) == ["created", "chat", "void", "changed"]


# --- What is refused ----------------------------------------------------------------------


@pytest.mark.alike
@pytest.mark.parametrize("command", ["chat.edit", "chat.delete"])
def test_only_the_author_edits_and_deletes(site: Site, command: str) -> None:
    host, guest, member = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, guest)
    member.ask("room.enter", room_id=room_id)
    said = say(guest, room_id, "내 말")
    fields = {"room_id": room_id, "seq": said["seq"], **CHANGES[command]}
    assert refused(member, command, **fields) == "not_author"
    if command == "chat.edit":
        # Not the room's host either, who may delete it (test_moderation.py).
        assert refused(host, command, **fields) == "not_author"
    assert chat_at(host, room_id, said["seq"]) == said
    assert guest.ask("session.hello")["rooms"][0]["preview"]["text"] == "내 말"


@pytest.mark.alike
@each_change
@pytest.mark.parametrize("seq", [1, 2, 10**6])
def test_strangers_and_who_left_change_nothing(
    site: Site, command: str, fields: Frame, seq: int
) -> None:
    """Nor do they learn what there is."""
    host, guest, stranger = (new_person(site).chat() for _ in range(3))
    room_id = room_of(host, guest)
    own = say(guest, room_id, "내 말")
    guest.ask("room.leave", room_id=room_id)
    for outsider in (guest, stranger):
        for target in (seq, own["seq"]):
            code = refused(outsider, command, room_id=room_id, seq=target, **fields)
            assert code == "not_member"
    assert chat_at(host, room_id, own["seq"]) == own


@pytest.mark.alike
@each_change
def test_only_chats_that_are_there_are_changed(
    site: Site, handlers: HandlerSite, command: str, fields: Frame
) -> None:
    from tests.integration.test_holes import take_place

    client = new_person(site).chat()
    room_id = open_room(client)
    take_place(room_id)
    deleted = say(client, room_id, "지울 말")["seq"]
    changed = change(client, "chat.delete", room_id, deleted)["seq"]
    log = log_of(client, room_id)
    assert kinds(log) == ["created", "void", "chat", "changed"]
    targets = [0, 1, 2, changed, changed + 1, 2**53 - 1]
    if command != "chat.delete":  # which is done already
        targets.append(deleted)
    for seq in targets:
        with pytest.raises(CommandRefusedError) as error:
            client.ask(command, room_id=room_id, seq=seq, **fields)
        assert (error.value.code, error.value.frame["field"]) == ("chat_not_found", "seq")
    assert log_of(client, room_id) == log


@pytest.mark.alike
@pytest.mark.parametrize("emoji", ["좋아요", "a", "👍👍", " ", "<b>", "<", "1", "\u200d", "⠀"])
def test_only_an_emoji_is_a_reaction(site: Site, emoji: str) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    said = say(client, room_id, "말")
    with pytest.raises(CommandRefusedError) as error:
        change(client, "chat.react", room_id, said["seq"], emoji=emoji)
    assert error.value.frame["code"] == "invalid_field"
    assert error.value.frame["message"] == "emoji: must be one emoji"
    assert chat_at(client, room_id, said["seq"]) == said


@pytest.mark.alike
@pytest.mark.parametrize("emoji", ["👨‍👩‍👧‍👦", "👋🏽", "🇰🇷", "1️⃣", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "❤️‍🔥"])
def test_any_one_emoji_is_a_reaction(site: Site, emoji: str) -> None:
    client = new_person(site).chat()
    room_id = open_room(client)
    seq = say(client, room_id, "말")["seq"]
    entry = change(client, "chat.react", room_id, seq, emoji=emoji)
    assert entry["changed"]["reactions"] == {emoji: [my_id(client)]}
    assert change(client, "chat.react", room_id, seq, emoji=emoji, on=False) != {}


def add_people(prefix: str, count: int) -> list[str]:
    """The ids of as many people with the longest names."""
    from chalicelib.tables import UserRow

    people = [f"{prefix[:6]:-<6}-{number:015}" for number in range(count)]
    name = "😀" * limits.NICKNAME_MAX
    with UserRow.batch_write() as batch:
        for person in people:
            batch.save(
                UserRow(person, provider="test", provider_id=person, nickname=name, created_at=1)
            )
    return people


def fill_with_reactions(room_id: str, seq: int, count: int, emoji: Callable[[int], str]) -> None:
    """Reactions of as many people with the longest names."""
    from chalicelib import rows
    from chalicelib.tables import EntryRow

    people = add_people(f"{seq:06}", count)
    reactions: Any = {rows.reaction(emoji(n), person) for n, person in enumerate(people)}
    EntryRow(room_id, seq).update([EntryRow.reactions.add(reactions)])


def test_a_chat_has_only_so_many_reactions(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import changes

    client = guest.chat()
    room_id = room_of(host, client)
    seq = say(host, room_id, "인기 있는 말")["seq"]
    fill_with_reactions(room_id, seq, limits.REACTIONS_PER_CHAT_MAX - 1, lambda _: "👍")
    react = {"room_id": room_id, "seq": seq, "emoji": "👍"}
    # Both see the last free place, and one of them gets it.
    before(monkeypatch, changes, "_change", partial(client.ask, "chat.react", **react))
    assert refused(host, "chat.react", **react) == "too_many_reactions"
    chat = chat_at(host, room_id, seq)
    assert len(chat["reactions"]["👍"]) == limits.REACTIONS_PER_CHAT_MAX
    assert refused(host, "chat.react", **react) == "too_many_reactions"
    # Who takes one away makes space.
    assert change(client, "chat.react", room_id, seq, emoji="👍", on=False) != {}
    assert change(host, "chat.react", room_id, seq, emoji="👀") != {}
    assert refused(client, "chat.react", **react) == "too_many_reactions"


# --- At the same moment -------------------------------------------------------------------


def test_two_reactions_at_once_are_both_there(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import changes

    client = guest.chat()
    room_id = room_of(host, client)
    seq = say(host, room_id, "말")["seq"]
    other = partial(change, client, "chat.react", room_id, seq, emoji="❤️")
    before(monkeypatch, changes._ChangeSteps, "store", other)
    entry = change(host, "chat.react", room_id, seq, emoji="👍")
    assert entry["changed"]["version"] == 2
    assert entry["changed"]["reactions"] == {"👍": [my_id(host)], "❤️": [my_id(client)]}
    assert chat_at(client, room_id, seq) == entry["changed"]


@pytest.mark.parametrize("step", ["take_place", "store"])
def test_a_reaction_that_meets_the_deletion_is_refused(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from chalicelib import changes

    client = guest.chat()
    room_id = room_of(host, client)
    seq = say(host, room_id, "말")["seq"]
    delete = partial(change, host, "chat.delete", room_id, seq)
    before(monkeypatch, changes._ChangeSteps, step, delete)
    assert refused(client, "chat.react", room_id=room_id, seq=seq, emoji="👍") == "chat_not_found"
    chat = chat_at(host, room_id, seq)
    assert chat["deleted"]
    assert "reactions" not in chat
    # The place that was taken for it is given up at once: nobody has to wait for it.
    assert stored_places(room_id) == [1, 2, 3, 4, 5]
    assert sorted(kinds(log_of(host, room_id))) == ["changed", "chat", "created", "joined", "void"]
    assert "unread" not in host.ask("session.hello")["rooms"][0]


@each_change
def test_a_change_whose_place_was_filled_takes_another(
    host: ChatClient, monkeypatch: pytest.MonkeyPatch, command: str, fields: Frame
) -> None:
    from chalicelib import changes

    room_id = open_room(host)
    seq = say(host, room_id, "처음")["seq"]
    before(monkeypatch, changes._ChangeSteps, "store", lambda: log_of(host, room_id))
    entry = change(host, command, room_id, seq, **fields)
    assert entry["changed"]["version"] == 1
    log = log_of(host, room_id)
    assert kinds(log) == ["created", "chat", "void", "changed"]
    assert log[3] == entry
    assert "unread" not in host.ask("session.hello")["rooms"][0]


@each_change
def test_nothing_is_changed_in_a_room_that_was_just_closed(
    handlers: HandlerSite,
    host: ChatClient,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    fields: Frame,
) -> None:
    from chalicelib import changes
    from chalicelib.tables import EntryRow

    client = guest.chat()
    room_id = room_of(host, client)
    seq = say(client, room_id, "말")["seq"]

    def close() -> None:
        host.ask("room.leave", room_id=room_id, close=True)
        handlers.management.finish_jobs()

    before(monkeypatch, changes, "_change", close)
    assert refused(client, command, room_id=room_id, seq=seq, **fields) == "room_not_found"
    assert EntryRow.count(room_id, consistent_read=True) == 0


# --- How large it gets --------------------------------------------------------------------


def longest_emoji(number: int) -> str:
    """Another one for each number, as long as is allowed."""
    digits = f"{number:0{limits.EMOJI_MAX - 1}}"
    return "🏴" + "".join(chr(0xE0000 + ord(digit)) for digit in digits)


@pytest.mark.stack_only
def test_the_largest_chat_fits_into_a_frame_wherever_it_is_told(
    handlers: HandlerSite, host: ChatClient, guest: Browser
) -> None:
    listener = guest.chat()
    room_id = room_of(host, listener)
    host.ask("profile.update", nickname="😀" * limits.NICKNAME_MAX)
    # Whoever is mentioned is named, too.
    mentioned = add_people("mentioned", limits.MENTIONS_MAX)
    tokens = "".join(f"<@{person}>" for person in mentioned)
    text = tokens + "😀" * (limits.CHAT_TEXT_MAX - len(tokens))
    seq = say(host, room_id, text, reply_to=say(host, room_id, "말")["seq"])["seq"]
    fill_with_reactions(room_id, seq, limits.REACTIONS_PER_CHAT_MAX - 1, longest_emoji)
    handlers.management.posts.clear()
    last = longest_emoji(limits.REACTIONS_PER_CHAT_MAX)
    connection_id = host.transport.connection_id
    asked: list[Frame] = [
        {"type": "chat.react", "room_id": room_id, "seq": seq, "emoji": last},
        {"type": "chat.history", "room_id": room_id, "limit": 100},
        {"type": "chat.history", "room_id": room_id, "after": seq, "limit": 100},
        {"type": "chat.history", "room_id": room_id, "before": seq + 1},
        {"type": "room.enter", "room_id": room_id, "limit": 100},
        {"type": "room.sync", "rooms": [{"room_id": room_id, "after": seq - 1}]},
        {"type": "room.sync", "rooms": [{"room_id": room_id, "after": seq}]},
    ]
    for command in asked:
        answer = handlers.call_message(connection_id, json.dumps({"ref": "r" * 32, **command}))
        assert last in answer, command
        assert len(answer.encode()) <= limits.FRAME_BYTES_MAX, command
    (frame,) = [body for _, body in handlers.management.posts]
    assert last in frame.decode()
    assert len(frame) <= limits.FRAME_BYTES_MAX
    people = json.loads(frame)["users"]
    assert len(people) == limits.REACTIONS_PER_CHAT_MAX + limits.MENTIONS_MAX


@pytest.mark.stack_only
def test_a_page_of_popular_chats_fits_into_a_frame(handlers: HandlerSite, host: ChatClient) -> None:
    """The names of all who reacted count, too."""
    room_id = open_room(host)
    for number in range(12):
        seq = say(host, room_id, f"#{number}")["seq"]
        fill_with_reactions(room_id, seq, limits.REACTIONS_PER_CHAT_MAX, lambda _: "👍")
    connection_id = host.transport.connection_id
    for command in (
        {"type": "chat.history", "room_id": room_id},
        {"type": "chat.history", "room_id": room_id, "after": 1},
        {"type": "room.enter", "room_id": room_id},
        {"type": "room.sync", "rooms": [{"room_id": room_id, "after": 1}]},
    ):
        answer = handlers.call_message(connection_id, json.dumps({"ref": "1", **command}))
        assert len(answer.encode()) <= limits.FRAME_BYTES_MAX, command
    # And page by page all of them are read.
    seen: list[int] = []
    after, complete = 1, False
    while not complete:
        (room,) = host.ask("room.sync", rooms=[{"room_id": room_id, "after": after}])["rooms"]
        seen += [entry["seq"] for entry in room["entries"]]
        after, complete = seen[-1], room.get("complete", False)
    assert seen == list(range(2, 14))
