"""First tries that arrive late: after their repeat, or after too long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import limits
from tests.integration.test_conversation import open_room, say, texts_of
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


@pytest.fixture
def client(handlers: HandlerSite) -> Iterator[ChatClient]:
    yield new_person(handlers).chat()
    handlers.received_at = None


def test_what_took_too_long_to_arrive_is_not_written(
    handlers: HandlerSite, client: ChatClient
) -> None:
    from chalicelib.clock import now_ms

    room_id = open_room(client)
    late = {"room_id": room_id, "text": "늦은 말", "cid": "cid-late-0001"}
    handlers.received_at = now_ms() - limits.WRITE_WITHIN_MS - 1
    assert refused(client, "chat.send", **late) == "stale"
    handlers.received_at = None
    page = client.ask("chat.history", room_id=room_id)
    assert [entry["seq"] for entry in page["entries"]] == [1]
    say(client, room_id, "늦은 말", cid="cid-late-0001", retry_since=1)
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["늦은 말"]


def test_what_took_nearly_too_long_to_arrive_is_written(
    handlers: HandlerSite, client: ChatClient
) -> None:
    from chalicelib.clock import now_ms
    from chalicelib.tables import MemberRow

    room_id = open_room(client)
    member = MemberRow(my_id(client), room_id)
    member.update([MemberRow.joined_at.set(now_ms() - 2 * limits.WRITE_WITHIN_MS)])
    handlers.received_at = now_ms() - limits.WRITE_WITHIN_MS + 5_000
    assert say(client, room_id, "아직이에요")["seq"] == 2


def test_a_first_try_of_before_leaving_is_not_written_after_coming_back(
    handlers: HandlerSite, client: ChatClient
) -> None:
    """Delivered twice, and late: what they had claimed is forgotten with their membership."""
    guest = new_person(handlers).chat()
    room_id = open_room(client)
    guest.ask("room.enter", room_id=room_id)
    chat = {"room_id": room_id, "text": "한 번만", "cid": "cid-late-0004"}
    said = guest.ask("chat.send", **chat)["entry"]
    guest.ask("room.leave", room_id=room_id)
    guest.ask("room.enter", room_id=room_id)
    handlers.received_at = said["at"]
    assert refused(guest, "chat.send", **chat) == "stale"
    handlers.received_at = None
    again = guest.ask("chat.send", **chat, retry_since=said["seq"] - 1)["entry"]
    assert again == said
    page = client.ask("chat.history", room_id=room_id)
    assert texts_of(page) == ["한 번만"]


def test_a_first_try_that_comes_after_its_repeat_is_answered_with_the_same_chat(
    client: ChatClient,
) -> None:
    room_id = open_room(client)
    repeat = say(client, room_id, "한 번만", cid="cid-late-0002", retry_since=1)
    assert say(client, room_id, "한 번만", cid="cid-late-0002") == repeat
    assert texts_of(client.ask("chat.history", room_id=room_id)) == ["한 번만"]


@pytest.mark.stack_only
def test_the_latest_repeats_are_remembered(client: ChatClient) -> None:
    room_id = open_room(client)
    cids = [f"cid-many-{number:04}" for number in range(limits.CLAIMS_PER_MEMBER)]
    said = [say(client, room_id, cid, cid=cid, retry_since=1) for cid in cids]
    assert [say(client, room_id, cid, cid=cid) for cid in cids] == said
    assert texts_of(client.ask("chat.history", room_id=room_id)) == cids


@pytest.mark.parametrize("step", ["claim", "store"])
def test_a_writer_that_is_held_up_after_taking_its_place_still_writes_once(
    client: ChatClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """However long: its repeat, and a reader that fills its place, come in between."""
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(client)

    def be_repeated() -> None:
        say(client, room_id, "한 번만", cid="cid-late-0003", retry_since=1)
        client.ask("chat.history", room_id=room_id)

    before(monkeypatch, LogSteps, step, be_repeated)
    late = say(client, room_id, "한 번만", cid="cid-late-0003")
    page = client.ask("chat.history", room_id=room_id)
    assert texts_of(page) == ["한 번만"]
    assert late in page["entries"]


def test_a_writer_may_die_before_any_of_its_steps(
    client: ChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was done by then, the repeat yields one chat and no gap."""
    from chalicelib.delivery import RoomSteps
    from chalicelib.dynamodb_steps import LogSteps

    room_id = open_room(client)
    said = []

    def die() -> None:
        raise RuntimeError("killed")

    for step in ("take_place", "claim", "store"):
        cid = f"cid-dies-{step}"
        since = client.ask("session.hello")["rooms"][0]["last_seq"]
        before(monkeypatch, LogSteps, step, die)
        assert refused(client, "chat.send", room_id=room_id, text=cid, cid=cid) == "internal"
        again = say(client, room_id, cid, cid=cid, retry_since=since)
        assert say(client, room_id, cid, cid=cid, retry_since=since) == again
        said.append(cid)
    # A push that dies takes nothing with it.
    before(monkeypatch, RoomSteps, "post", die)
    say(client, room_id, "끝", cid="cid-dies-last")
    assert texts_of(client.ask("chat.history", room_id=room_id)) == [*said, "끝"]
