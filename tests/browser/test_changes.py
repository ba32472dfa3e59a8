"""What somebody changes elsewhere, as a page shows it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.people import DESKTOP, Person
from tests.support.site import Browser, unique
from tests.support.stack import StackSite


def test_edits_reactions_and_deletions_are_shown(
    person: Callable[..., Person], stack_site: StackSite
) -> None:
    """On an open page, at once; and the same after a reload."""
    haeun = person("하은", viewport=DESKTOP)
    room_id = haeun.open_room(unique("고치는 방"))
    other = Browser(stack_site)
    other.sign_in("지민")
    jimin = other.chat()
    jimin.ask("room.enter", room_id=room_id)
    seqs = [
        jimin.ask("chat.send", room_id=room_id, text=text, cid=unique("cid"))["entry"]["seq"]
        for text in ("안뇽하세요", "지울 말", "좋은 아침")
    ]
    haeun.sees("좋은 아침")

    jimin.ask("chat.edit", room_id=room_id, seq=seqs[0], text="안녕하세요")
    jimin.ask("chat.delete", room_id=room_id, seq=seqs[1])
    jimin.ask("chat.react", room_id=room_id, seq=seqs[2], emoji="👍")

    def check() -> None:
        expect(haeun.chat("안녕하세요").get_by_test_id("edited")).to_have_text("(수정됨)")
        expect(haeun.chat("좋은 아침").get_by_label("👍 1, 반응")).to_be_visible()
        haeun.sees("삭제된 메시지입니다.")
        assert haeun.texts() == ["안녕하세요", "삭제된 메시지입니다.", "좋은 아침"]

    check()
    expect(haeun.page.get_by_test_id("notice")).to_have_count(2)
    haeun.page.reload()
    check()

    jimin.ask("chat.delete", room_id=room_id, seq=seqs[2])
    preview = haeun.page.get_by_test_id("room-item").locator(".room-preview")
    expect(preview).to_have_text("삭제된 메시지입니다.")
    jimin.close()
