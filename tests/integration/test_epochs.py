"""After a restore: rooms get new epochs, and clients read their logs anew."""

from __future__ import annotations

import os
from typing import Any

import boto3
import pytest

from infra.aws.epochs import renew_epochs
from infra.errors import InfraError
from tests.integration.test_conversation import open_room, say
from tests.support.chat import ChatClient
from tests.support.room_rows import lease_of, put_lease

pytestmark = pytest.mark.localstack


@pytest.fixture
def dynamodb() -> Any:
    return boto3.client("dynamodb")


def rooms_table() -> str:
    return f"{os.environ['TABLE_PREFIX']}rooms"


def test_a_client_that_is_ahead_of_a_restored_log_reads_it_anew(
    host: ChatClient, dynamodb: Any
) -> None:
    from chalicelib.tables import EntryRow, RoomRow

    room_id = open_room(host)
    kept = say(host, room_id, "남은 말")
    said = say(host, room_id, "사라질 말")
    before = RoomRow.get(room_id)
    # As a restore to the second before leaves it: the log is shorter, then goes on elsewhere.
    RoomRow(room_id).update(
        [RoomRow.last_seq.set(kept["seq"]), RoomRow.chats.set(before.chats - 1)]
    )
    EntryRow(room_id, said["seq"]).delete()
    put_lease(room_id, "of-the-time-before", delivered=said["seq"], is_live=True)
    assert renew_epochs(dynamodb, rooms_table()) >= 1
    assert lease_of(room_id) is None
    another = say(host, room_id, "새 말")
    assert another["seq"] == said["seq"]
    position = {"room_id": room_id, "after": said["seq"], "epoch": before.epoch}
    (synced,) = host.ask("room.sync", rooms=[position])["rooms"]
    assert synced["reset"]
    assert synced["epoch"] != before.epoch
    texts = [entry["text"] for entry in synced["entries"] if "text" in entry]
    assert texts == ["남은 말", "새 말"]


def test_rooms_that_are_erased_meanwhile_stay_away(
    host: ChatClient, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.tables import RoomRow
    from infra.aws import epochs

    open_room(host)
    monkeypatch.setattr(epochs, "_rooms", lambda *_: iter(["erased-meanwhile"]))
    assert renew_epochs(dynamodb, rooms_table()) == 0
    with pytest.raises(RoomRow.DoesNotExist):
        RoomRow.get("erased-meanwhile")


def test_a_table_that_is_not_there_is_named(dynamodb: Any) -> None:
    with pytest.raises(InfraError, match=r"no-such-rooms: .*; 0 rooms are done, run this again"):
        renew_epochs(dynamodb, "no-such-rooms")


def test_a_stage_that_can_not_be_one_is_refused_before_anything_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from infra.aws import epochs

    with pytest.raises(SystemExit):
        epochs.main(["--stage", "prod-rooms;x"])
    assert "is no stage" in capsys.readouterr().err
