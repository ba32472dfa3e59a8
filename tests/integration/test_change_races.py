"""A change that meets another one of the same chat."""

from __future__ import annotations

from collections.abc import Callable

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


def test_an_edit_that_is_delivered_again_does_not_undo_a_later_one(
    handlers: HandlerSite, at: Callable[[int], None]
) -> None:
    host = new_person(handlers).chat()
    room_id = open_room(host)
    said = say(host, room_id, "처음")
    chat = {"room_id": room_id, "seq": said["seq"]}
    for moment, text in ((10, "두 번째"), (20, "세 번째")):
        at(moment)
        assert host.ask("chat.edit", **chat, text=text)["entry"]["changed"]["text"] == text
    at(10)
    assert "entry" not in host.ask("chat.edit", **chat, text="두 번째")
    log = host.ask("chat.history", room_id=room_id)["entries"]
    assert log[1]["text"] == "세 번째"
    assert host.ask("session.hello")["rooms"][0]["preview"]["text"] == "세 번째"


def test_of_two_edits_at_once_the_later_stands(
    handlers: HandlerSite, at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.changes import _ChangeSteps

    host = new_person(handlers).chat()
    room_id = open_room(host)
    chat = {"room_id": room_id, "seq": say(host, room_id, "처음")["seq"]}

    def edit_later() -> None:
        at(20)
        host.ask("chat.edit", **chat, text="나중에 고친 말")

    before(monkeypatch, _ChangeSteps, "store", edit_later)
    at(10)
    assert "entry" not in host.ask("chat.edit", **chat, text="먼저 고친 말")
    log = host.ask("chat.history", room_id=room_id)["entries"]
    assert log[1]["text"] == "나중에 고친 말"
    assert host.ask("session.hello")["rooms"][0]["preview"]["text"] == "나중에 고친 말"
