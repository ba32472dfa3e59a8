"""Blocking somebody: for oneself alone, on all one's devices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pynamodb.transactions import TransactWrite

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import my_id, refused
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person

pytestmark = pytest.mark.localstack


def blocked(client: ChatClient) -> list[str]:
    """Whom somebody has blocked, by all that tell of it."""
    told = client.ask("session.hello").get("blocked", [])
    listed = client.ask("user.blocks")
    assert listed["user_ids"] == told
    assert "after" not in listed
    return list(told)


def test_somebody_is_blocked_on_all_of_a_persons_devices_and_is_not_told(site: Site) -> None:
    browser, other = new_person(site), new_person(site, "하은").chat()
    one, phone = browser.chat(), browser.chat()
    room_id = room_of(one, other)
    other_id = my_id(other)
    for on in (True, False):
        command = {"user_id": other_id} if on else {"user_id": other_id, "on": False}
        for _ in range(2):  # repeating it does no harm
            assert one.ask("user.block", **command).keys() == {"type", "ref"}
        assert phone.wait_for("user.blocked") == {
            "type": "user.blocked",
            "user_id": other_id,
            "blocked": on,
        }
        assert blocked(one) == blocked(phone) == ([other_id] if on else [])
        if on:
            assert one.ask("user.blocks")["users"] == {other_id: {"nickname": "하은"}}
    assert blocked(other) == []
    # What they say is sent and counted as before: hiding it is the devices' business.
    one.ask("user.block", user_id=other_id)
    said = say(other, room_id, "들려요?")
    assert one.wait_for_entry(seq=said["seq"]) == said
    for client in (one, phone, other):
        client.ask("room.sync", rooms=[])
        events = [event["type"] for event in client.events]
        assert events.count("user.blocked") == (1 if client is phone else 0)


def test_only_others_who_exist_can_be_blocked(site: Site) -> None:
    client, leaver = new_person(site).chat(), new_person(site)
    assert refused(client, "user.block", user_id=my_id(client)) == "invalid_field"
    assert refused(client, "user.block", user_id="nobody") == "user_not_found"
    gone = leaver.chat()
    gone_id = my_id(gone)
    client.ask("user.block", user_id=gone_id)
    gone.close()
    assert leaver.post("/api/auth/withdraw").status == 200
    # They may come back, with the same id; until then they have no name.
    assert blocked(client) == [gone_id]
    assert client.ask("user.blocks")["users"] == {}
    client.ask("user.block", user_id=gone_id, on=False)
    assert blocked(client) == []
    client.ask("user.block", user_id="nobody", on=False)


@pytest.mark.stack_only
def test_so_many_can_be_blocked_and_pages_have_them_all(handlers: HandlerSite) -> None:
    from chalicelib.tables import BlockRow

    client = new_person(handlers).chat()
    me = my_id(client)
    ids = sorted(f"u{number}" for number in range(limits.BLOCKS_MAX - 1))
    with BlockRow.batch_write() as batch:
        for user_id in ids:
            batch.save(BlockRow(me, user_id, blocked_at=1, changed_at=1))
        batch.save(BlockRow(me, "ended", changed_at=1))
    last, one_more = my_id(new_person(handlers).chat()), my_id(new_person(handlers).chat())
    client.ask("user.block", user_id=last)
    assert refused(client, "user.block", user_id=one_more) == "too_many_blocks"
    client.ask("user.block", user_id=last)  # as it is already
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.ask("user.blocks", **after)
        assert 0 < len(page["user_ids"]) <= limits.BLOCKS_PAGE_MAX
        found += page["user_ids"]
        if "after" not in page:
            break
        after = {"after": page["after"]}
    hello = client.ask("session.hello")
    assert found == hello["blocked"] == sorted([*ids, last])


def test_what_is_blocked_takes_its_part_of_the_frame_of_a_hello(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.tables import BlockRow

    client = new_person(handlers).chat()
    rooms = {open_room(client), open_room(client)}
    me = my_id(client)
    assert len(f'"{me}",') == limits.USER_ID_BYTES_MAX
    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 20 * limits.USER_ID_BYTES_MAX + 999)
    assert len(client.ask("session.hello")["rooms"]) == 2
    with BlockRow.batch_write() as batch:
        for number in range(50):
            batch.save(BlockRow(me, f"{number:022}", blocked_at=1, changed_at=1))
    hello = client.ask("session.hello")
    assert len(hello["blocked"]) == 50
    assert {*(room["room_id"] for room in hello["rooms"]), *hello["more_room_ids"]} == rooms
    assert len(hello["more_room_ids"]) == 1


def test_a_frame_that_comes_again_late_undoes_nothing(
    host: ChatClient, guest: Browser, at: Callable[[int], None]
) -> None:
    other = my_id(guest.chat())
    for after, on, is_blocked in ((0, True, True), (5, False, False), (0, True, False)):
        at(after)
        host.ask("user.block", user_id=other, on=on)
        assert blocked(host) == ([other] if is_blocked else [])
    at(9)
    host.ask("user.block", user_id=other)
    at(7)
    host.ask("user.block", user_id=other, on=False)
    assert blocked(host) == [other]


def test_either_of_two_can_have_blocked_the_other(host: ChatClient, guest: Browser) -> None:
    from chalicelib import blocks
    from chalicelib.tables import transact

    other = guest.chat()
    ids = my_id(host), my_id(other)

    def is_free(one: str, two: str) -> bool:
        def check(transaction: TransactWrite) -> None:
            blocks.require_none(transaction, one, [two])

        assert transact(check) is not blocks.is_blocked_either_way(one, two)
        return not blocks.is_blocked_either_way(one, two)

    assert is_free(*ids)
    for client, whom in ((host, ids[1]), (other, ids[0])):
        client.ask("user.block", user_id=whom)
        assert not is_free(*ids)
        assert not is_free(*reversed(ids))
        client.ask("user.block", user_id=whom, on=False)
        assert is_free(*ids)


def test_who_withdraws_leaves_no_list_of_blocks(
    handlers: HandlerSite, host: ChatClient, guest: Browser
) -> None:
    from chalicelib.tables import BlockRow

    client = guest.chat()
    me = my_id(client)
    client.ask("user.block", user_id=my_id(host))
    client.close()
    assert guest.post("/api/auth/withdraw").status == 200
    handlers.management.finish_jobs()
    assert BlockRow.count(me, consistent_read=True) == 0
