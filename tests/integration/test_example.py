"""The worked example of tests/README.md."""

from __future__ import annotations

import pytest

from tests.support.chat import CommandRefusedError
from tests.support.site import Site, new_person, unique

pytestmark = pytest.mark.localstack


def test_who_is_in_the_room_hears_a_chat_and_who_is_not_cannot_speak(site: Site) -> None:
    jimin, haeun = new_person(site, "지민").chat(), new_person(site, "하은").chat()
    room_id = jimin.ask("room.open", name=unique("인사"))["room"]["room_id"]

    with pytest.raises(CommandRefusedError) as refused:
        haeun.ask("chat.send", room_id=room_id, text="저도요!", cid=unique("cid"))
    assert refused.value.code == "not_member"

    haeun.ask("room.enter", room_id=room_id)
    said = jimin.ask("chat.send", room_id=room_id, text="안녕!", cid=unique("cid"))["entry"]
    assert haeun.wait_for_entry(text="안녕!")["seq"] == said["seq"]
