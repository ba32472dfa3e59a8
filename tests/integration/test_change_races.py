"""A change that meets another one of the same chat."""

from __future__ import annotations

import pytest

from tests.integration.test_conversation import open_room, say
from tests.integration.test_leaving import refused
from tests.integration.test_races import before
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

pytestmark = pytest.mark.localstack


def test_a_deletion_that_is_delivered_twice_at_once_is_done(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.changes import _ChangeSteps

    host = new_person(handlers).chat()
    room_id = open_room(host)
    said = say(host, room_id, "지울 말")

    def delete() -> None:
        assert host.ask("chat.delete", room_id=room_id, seq=said["seq"])["entry"]

    before(monkeypatch, _ChangeSteps, "store", delete)
    assert "entry" not in host.ask("chat.delete", room_id=room_id, seq=said["seq"])
    log = host.ask("chat.history", room_id=room_id)["entries"]
    assert [entry.get("kind", "chat") for entry in log] == ["created", "chat", "void", "changed"]
    assert log[1]["deleted"]


def test_an_edit_that_meets_the_deletion_brings_no_text_back(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import changes

    host = new_person(handlers).chat()
    room_id = open_room(host)
    said = say(host, room_id, "지울 말")
    change_preview = changes._change_preview

    def after_deletion(*arguments: object, **more: object) -> None:
        monkeypatch.setattr(changes, "_change_preview", change_preview)
        host.ask("chat.delete", room_id=room_id, seq=said["seq"])
        change_preview(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "_change_preview", after_deletion)
    edit = {"room_id": room_id, "seq": said["seq"], "text": "고친 말"}
    assert refused(host, "chat.edit", **edit) == "chat_not_found"
    preview = host.ask("session.hello")["rooms"][0]["preview"]
    assert preview["deleted"]
    assert "text" not in preview or not preview["text"]
