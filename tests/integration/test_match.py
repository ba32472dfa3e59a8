"""Random match: who is put together with whom, and how the two go on.

Not on LocalStack: the engine of 2020 that may be behind it takes ten actions in a transaction
(tests/integration/conformance), and being matched takes more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.support.chat import TIMEOUT, ChatClient, Frame
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person, unique


def wish(tag: str = "", **more: Any) -> Frame:
    """A search of its own id. Tests share the pools, so each has a language or tag of its own."""
    return {"cid": unique("cid"), "languages": ["ko"], **({"tags": [tag]} if tag else {}), **more}


@pytest.fixture
def tag() -> str:
    """An interest that nobody else has: who has it is matched with each other alone."""
    return unique("t")[-limits.TAG_MAX :]


@pytest.fixture(autouse=True)
def _nobody_is_left_waiting(request: pytest.FixtureRequest) -> Any:
    """Who waits of an earlier test must not be met in the next."""
    yield
    waiting = _WAITING[:]
    _WAITING.clear()
    for client, cid in waiting:
        if not client.closed.is_set():
            client.ask("match.cancel", cid=cid)


_WAITING: list[tuple[ChatClient, str]] = []


def seek(client: ChatClient, search: Frame, **more: Any) -> Frame:
    _WAITING.append((client, search["cid"]))
    return client.ask("match.seek", **search, **more)


def pair_of(one: ChatClient, other: ChatClient, tag: str) -> str:
    """The room of two who are matched."""
    assert "room" not in seek(one, wish(tag))
    found = seek(other, wish(tag))["room"]
    assert one.wait_for("match.found")["room"]["room_id"] == found["room_id"]
    room_id: str = found["room_id"]
    return room_id


def test_two_who_share_an_interest_are_in_a_room_at_once(site: Site, tag: str) -> None:
    one, other = new_person(site, "지민").chat(), new_person(site, "하은").chat()
    search = wish(f" #{tag.upper()}", languages=["en", "ko"])
    waiting = seek(one, search)
    assert "room" not in waiting
    assert 0 < waiting["again_ms"] <= limits.MATCH_PREFER_MS
    found = seek(other, wish(tag))
    room, me = found["room"], my_id(other)
    told = one.wait_for("match.found")
    partner = told["room"]["partner_id"]
    assert (partner, room["partner_id"]) == (me, my_id(one))
    assert found["users"][room["partner_id"]] == {"nickname": "지민"}
    assert told["users"][partner] == {"nickname": "하은"}
    assert (room["name"], room["host_id"], room["member_count"]) == ("", "", 2)
    # Both hear each other; the log begins with what they share.
    said = say(one, room["room_id"], "안녕하세요!")
    assert other.wait_for_entry(seq=said["seq"]) == said
    entered = other.ask("room.enter", room_id=room["room_id"])
    assert [entry["kind"] for entry in entered["entries"][:1]] == ["matched"]
    assert entered["entries"][0]["text"] == tag.casefold()
    for client in (one, other):
        (listed,) = client.ask("session.hello")["rooms"]
        assert listed["room_id"] == room["room_id"]
        members = client.ask("room.members", room_id=room["room_id"])["members"]
        assert [member.get("role", "member") for member in members] == ["member"] * 2


def test_all_devices_of_both_are_told_and_hear_the_room(site: Site, tag: str) -> None:
    browsers = new_person(site), new_person(site)
    (one, phone), (other, tablet) = ([each.chat(), each.chat()] for each in browsers)
    room_id = pair_of(one, other, tag)
    for client in (phone, tablet):
        assert client.wait_for("match.found")["room"]["room_id"] == room_id
    said = say(one, room_id, "들려요?")
    for client in (phone, tablet):
        assert client.wait_for_entry(seq=said["seq"]) == said


def test_who_has_another_interest_or_language_is_not_met_yet(site: Site, tag: str) -> None:
    one, other, third = (new_person(site).chat() for _ in range(3))
    assert "room" not in seek(one, wish(tag))
    assert "room" not in seek(other, wish("x" + tag[1:]))
    assert "room" not in seek(third, wish(tag, languages=["vi"]))


def test_after_some_seconds_one_takes_anybody(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    one, other = new_person(handlers).chat(), new_person(handlers).chat()
    language = {"languages": ["es"]}
    first, second = wish(tag, **language), wish("x" + tag[1:], **language)
    seek(one, first)
    assert "room" not in seek(other, second)
    monkeypatch.setattr(limits, "MATCH_PREFER_MS", 0)
    room = seek(one, first, again=True)["room"]
    assert other.wait_for("match.found")["room"]["room_id"] == room["room_id"]
    (entry,) = one.ask("chat.history", room_id=room["room_id"])["entries"]
    assert "text" not in entry


def test_a_repeated_search_leads_to_the_same_room(site: Site, tag: str) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    first, second = wish(tag), wish(tag)
    seek(one, first)
    room_id = seek(other, second)["room"]["room_id"]
    # The answer, or the push, was lost.
    for client, search in ((one, first), (other, second)):
        for again in (False, True):
            assert seek(client, search, again=again)["room"]["room_id"] == room_id
        assert len(client.ask("session.hello")["rooms"]) == 1


def test_another_tab_takes_part_in_the_search(site: Site, tag: str) -> None:
    browser, other = new_person(site), new_person(site).chat()
    one, two = browser.chat(), browser.chat()
    first = wish(tag)
    since = seek(one, first)["since"]
    assert seek(two, wish(tag))["since"] == since
    assert seek(one, first, again=True)["since"] == since
    room_id = seek(other, wish(tag))["room"]["room_id"]
    for client in (one, two):
        assert client.wait_for("match.found")["room"]["room_id"] == room_id
    assert len(one.ask("session.hello")["rooms"]) == 1


def test_who_cancelled_is_not_met_and_a_late_frame_does_not_bring_them_back(
    site: Site, tag: str
) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    search = wish(tag)
    seek(one, search)
    for _ in range(2):  # repeating it does no harm
        assert one.ask("match.cancel", cid=search["cid"]).keys() == {"type", "ref"}
    for again in (False, True):
        assert seek(one, search, again=again).keys() == {"type", "ref"}
    assert "room" not in seek(other, wish(tag))


def test_a_search_that_was_cancelled_before_it_came_never_begins(site: Site, tag: str) -> None:
    client = new_person(site).chat()
    search = wish(tag)
    client.ask("match.cancel", cid=search["cid"])
    assert seek(client, search).keys() == {"type", "ref"}
    assert "again_ms" in seek(client, wish(tag))


def test_who_cancels_too_late_is_told_the_room(site: Site, tag: str) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    search = wish(tag)
    seek(one, search)
    room_id = seek(other, wish(tag))["room"]["room_id"]
    assert one.ask("match.cancel", cid=search["cid"])["room"]["room_id"] == room_id


def test_who_lost_their_connection_is_not_met_until_they_are_back(site: Site, tag: str) -> None:
    browser, other = new_person(site), new_person(site).chat()
    one = browser.chat()
    search = wish(tag)
    since = seek(one, search)["since"]
    one.close()
    second = wish(tag)
    assert "room" not in seek(other, second)
    back = browser.chat()
    found = seek(back, search, again=True)
    assert other.wait_for("match.found")["room"]["room_id"] == found["room"]["room_id"]
    assert since > 0


def test_the_same_two_do_not_meet_again_soon(site: Site, tag: str) -> None:
    one, other, third = (new_person(site).chat() for _ in range(3))
    room_id = pair_of(one, other, tag)
    one.ask("room.leave", room_id=room_id)
    assert "room" not in seek(one, wish(tag))
    assert "room" not in seek(other, wish(tag))
    # The first who came is met first.
    assert seek(third, wish(tag))["room"]["partner_id"] in (my_id(one), my_id(other))


def test_who_blocked_the_other_is_not_met(site: Site, tag: str) -> None:
    one, other, third = (new_person(site).chat() for _ in range(3))
    one.ask("user.block", user_id=my_id(other))
    assert "room" not in seek(one, wish(tag))
    assert "room" not in seek(other, wish(tag))
    third.ask("user.block", user_id=my_id(one))
    assert seek(third, wish(tag))["room"]["partner_id"] == my_id(other)


def test_next_leaves_the_room_and_seeks_another(site: Site, tag: str) -> None:
    one, other, third = (new_person(site).chat() for _ in range(3))
    room_id = pair_of(one, other, tag)
    seek(third, wish(tag))
    search = wish(tag)
    _WAITING.append((one, search["cid"]))
    room = one.ask("match.next", room_id=room_id, **search)["room"]
    assert room["partner_id"] == my_id(third)
    left = other.wait_for_entry(kind="left")
    assert left["user_id"] == my_id(one)
    # The answer was lost.
    assert one.ask("match.next", room_id=room_id, **search)["room"]["room_id"] == room["room_id"]
    assert [each["room_id"] for each in one.ask("session.hello")["rooms"]] == [room["room_id"]]


def test_next_is_for_rooms_of_a_match_alone(site: Site, tag: str) -> None:
    one = new_person(site).chat()
    room_id = open_room(one)
    assert refused(one, "match.next", room_id=room_id, **wish(tag)) == "invalid_field"
    (room,) = one.ask("session.hello")["rooms"]
    assert room["room_id"] == room_id
    assert refused(one, "match.keep", room_id=room_id) == "not_host"


def test_a_wrong_wish_costs_nobody_their_room(site: Site, tag: str) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    room_id = pair_of(one, other, tag)
    wrong = wish("\u200b")
    assert refused(one, "match.next", room_id=room_id, **wrong) == "invalid_field"
    assert one.ask("session.hello")["rooms"][0]["member_count"] == 2


def test_when_one_has_left_nobody_comes_and_the_last_one_closes_it(
    handlers: HandlerSite, tag: str
) -> None:
    from chalicelib.tables import EntryRow, MemberRow, RoomRow

    one, other, stranger = (new_person(handlers).chat() for _ in range(3))
    room_id = pair_of(one, other, tag)
    say(one, room_id, "잘 가요")
    one.ask("room.leave", room_id=room_id)
    (room,) = other.ask("session.hello")["rooms"]
    assert room["member_count"] == 1
    entries = other.ask("chat.history", room_id=room_id)["entries"]
    assert [entry.get("kind", "chat") for entry in entries] == ["matched", "chat", "left"]
    for client in (one, stranger):
        assert refused(client, "room.enter", room_id=room_id) == "room_not_found"
        assert refused(client, "chat.history", room_id=room_id) == "not_member"
    other.ask("room.leave", room_id=room_id)
    handlers.management.finish_jobs()
    assert other.ask("session.hello")["rooms"] == []
    with pytest.raises(RoomRow.DoesNotExist):
        RoomRow.get(room_id)
    assert not list(EntryRow.query(room_id)) + list(MemberRow.by_room.query(room_id))


def test_two_who_leave_at_once_close_it(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    from chalicelib import pairs
    from chalicelib.tables import RoomRow

    one, other = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = pair_of(one, other, tag)
    before(monkeypatch, pairs, "_append", lambda: other.ask("room.leave", room_id=room_id))
    one.ask("room.leave", room_id=room_id)
    handlers.management.finish_jobs()
    for client in (one, other):
        assert client.ask("session.hello")["rooms"] == []
    with pytest.raises(RoomRow.DoesNotExist):
        RoomRow.get(room_id)


def test_a_room_is_kept_when_both_want_to(site: Site, tag: str) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    room_id = pair_of(one, other, tag)
    for _ in range(2):  # repeating it does no harm
        one.ask("match.keep", room_id=room_id)
    asked = other.wait_for_entry(kind="keep_asked")
    assert asked["user_id"] == my_id(one)
    (room,) = other.ask("session.hello")["rooms"]
    assert room["keepers"] == [my_id(one)]
    other.ask("match.keep", room_id=room_id)
    assert one.wait_for_entry(kind="kept")["user_id"] == my_id(other)
    for client in (one, other):
        (room,) = client.ask("session.hello")["rooms"]
        assert room["keepers"] == sorted([my_id(one), my_id(other)])
    kinds = [each.get("kind") for each in one.ask("chat.history", room_id=room_id)["entries"]]
    assert kinds == ["matched", "keep_asked", "kept"]


def test_two_who_want_to_keep_it_at_once_do(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    from chalicelib import pairs

    one, other = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = pair_of(one, other, tag)
    before(monkeypatch, pairs, "_append", lambda: other.ask("match.keep", room_id=room_id))
    one.ask("match.keep", room_id=room_id)
    kinds = [each.get("kind") for each in one.ask("chat.history", room_id=room_id)["entries"]]
    assert [kind for kind in kinds if kind != "void"] == ["matched", "keep_asked", "kept"]


def test_nobody_keeps_a_room_alone_or_one_of_others(site: Site, tag: str) -> None:
    one, other, stranger = (new_person(site).chat() for _ in range(3))
    room_id = pair_of(one, other, tag)
    assert refused(stranger, "match.keep", room_id=room_id) == "not_member"
    one.ask("room.leave", room_id=room_id)
    assert refused(one, "match.keep", room_id=room_id) == "not_member"
    other.ask("match.keep", room_id=room_id)
    (room,) = other.ask("session.hello")["rooms"]
    assert "keepers" not in room


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("room.rename", {"name": "우리 방"}),
        ("room.leave", {"close": True}),
        ("room.leave", {"successor_id": "somebody"}),
    ],
)
def test_a_room_for_two_has_no_host(
    site: Site, tag: str, command: str, fields: dict[str, Any]
) -> None:
    one, other = new_person(site).chat(), new_person(site).chat()
    room_id = pair_of(one, other, tag)
    for client in (one, other):
        assert refused(client, command, room_id=room_id, **fields) == "not_host"
        assert client.ask("session.hello")["rooms"][0]["member_count"] == 2


def test_who_withdraws_leaves_the_room(site: Site, tag: str) -> None:
    browser, other = new_person(site), new_person(site).chat()
    one = browser.chat()
    room_id = pair_of(one, other, tag)
    browser.post("/api/auth/withdraw")
    assert one.closed.wait(TIMEOUT)
    assert other.wait_for_entry(kind="left")["user_id"]
    (room,) = other.ask("session.hello")["rooms"]
    assert (room["room_id"], room["member_count"]) == (room_id, 1)


def test_so_many_searches_in_a_minute_are_enough(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    monkeypatch.setattr(limits, "MATCH_SEEKS_MAX", 2)
    client = new_person(handlers).chat()
    for _ in range(2):
        search = wish(tag)
        for again in (False, True, True):  # going on is no new search
            seek(client, search, again=again)
        client.ask("match.cancel", cid=search["cid"])
    reply = client.begin("match.seek", **wish(tag)).result(20)
    assert (reply["type"], reply["code"]) == ("error", "too_fast")
    assert 0 < reply["retry_after_ms"] <= limits.MATCH_WINDOW_MS
    monkeypatch.setattr(limits, "MATCH_WINDOW_MS", 0)
    assert "again_ms" in seek(client, wish(tag))


@pytest.mark.parametrize(
    "wrong",
    [
        {"languages": []},
        {"languages": ["xx"]},
        {"languages": ["ko", "en", "ja", "zh"]},
        {"tags": ["a"] * (limits.MATCH_TAGS_MAX + 1)},
        {"tags": [""]},
        {"tags": ["#"]},
        {"tags": ["a\u0000"]},
        {"tags": ["가" * (limits.TAG_MAX + 1)]},
        {"cid": "short"},
        {"room_id": "unknown-field"},
    ],
)
def test_a_wrong_wish_is_refused(site: Site, wrong: Frame) -> None:
    client = new_person(site).chat()
    assert refused(client, "match.seek", **(wish() | wrong)) == "invalid_field"
    assert refused(client, "match.cancel", cid="x") == "invalid_field"


def test_a_frame_that_was_long_on_its_way_begins_no_search(
    host: ChatClient, at: Callable[[int], None], tag: str
) -> None:
    at(-limits.WRITE_WITHIN_MS - 1_000)
    assert refused(host, "match.seek", **wish(tag)) == "stale"


def test_who_is_in_too_many_rooms_is_not_matched(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    monkeypatch.setattr(limits, "ROOMS_PER_USER_MAX", 1)
    client = new_person(handlers).chat()
    open_room(client)
    assert refused(client, "match.seek", **wish(tag)) == "too_many_rooms"


def test_who_was_matched_by_a_lambda_that_died_finds_the_room(
    host: ChatClient, guest: Browser, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    from chalicelib import match_commands

    client = guest.chat()
    first, second = wish(tag), wish(tag)
    seek(host, first)
    monkeypatch.setattr(match_commands, "_tell_other", lambda *_: 1 / 0)
    assert refused(client, "match.seek", **second) == "internal"
    monkeypatch.undo()
    for one, search in ((host, first), (client, second)):
        room_id = seek(one, search, again=True)["room"]["room_id"]
        (room,) = one.ask("session.hello")["rooms"]
        assert room["room_id"] == room_id
    said = say(host, room_id, "다행이에요")
    assert client.wait_for_entry(seq=said["seq"]) == said
