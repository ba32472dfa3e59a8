"""What who has signed up just now may not do yet."""

from __future__ import annotations

import dataclasses

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room
from tests.integration.test_counts import cost
from tests.integration.test_leaving import my_id
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person, unique

DAY_MS = 24 * 3_600_000


@pytest.fixture(autouse=True)
def _accounts_are_new_for_a_day(monkeypatch: pytest.MonkeyPatch, handlers: HandlerSite) -> None:
    from chalicelib import newcomers
    from chalicelib.settings import settings

    new = dataclasses.replace(settings, new_account_hours=24)
    monkeypatch.setattr(newcomers, "settings", new)


def grow_old(client: ChatClient) -> None:
    """Their account is a day old, as they see when they connect anew."""
    from chalicelib.tables import UserRow

    row = UserRow(my_id(client))
    row.update([UserRow.created_at.set(UserRow.created_at - DAY_MS)])


@pytest.mark.localstack
def test_a_new_account_makes_so_many_rooms(handlers: HandlerSite) -> None:
    browser = new_person(handlers)
    client, friend = browser.chat(), new_person(handlers).chat()
    theirs = unique("남의 방")
    friend.ask("room.open", name=theirs)
    for _ in range(limits.NEW_ACCOUNT_ROOMS_MAX):
        open_room(client)
    for _ in range(2):
        reply = client.begin("room.open", name=unique("하나 더")).result(20)
        assert reply["code"] == "new_account"
        # A day, less what this has taken.
        assert 0 < reply["retry_after_ms"] <= DAY_MS
    # Another device makes no difference; what there is can be found and entered.
    assert browser.chat().begin("room.open", name=unique("또")).result(20)["code"] == "new_account"
    found = client.ask("room.open", name=theirs)
    client.ask("room.enter", room_id=found["room"]["room_id"])
    grow_old(client)
    client = browser.chat()
    for _ in range(2):
        open_room(client)


def test_a_new_account_begins_so_many_searches(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NEW_ACCOUNT_SEEKS_MAX", 2)
    browser = new_person(handlers)
    client = browser.chat()

    def search() -> str:
        wish = {"cid": unique("cid"), "languages": ["vi"], "tags": [unique("t")[-9:]]}
        reply = client.begin("match.seek", **wish).result(20)
        client.ask("match.cancel", cid=wish["cid"])
        return str(reply.get("code", "ok"))

    assert [search() for _ in range(3)] == ["ok", "ok", "too_fast"]
    grow_old(client)
    client = browser.chat()
    assert search() == "ok"


def test_what_it_costs(handlers: HandlerSite) -> None:
    """A write for each room that a new account makes, and nothing for anybody else."""
    browser = new_person(handlers)
    client = browser.chat()

    def calls() -> int:
        with cost() as found:
            open_room(client)
        return sum(found["dynamodb"].values())

    new = calls()
    grow_old(client)
    client.close()
    client = browser.chat()
    assert calls() == new - 1
