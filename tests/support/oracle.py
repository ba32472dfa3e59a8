"""What must be true of rooms after whatever has happened to those in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from chalicelib.protocol import EntryKind
from tests.support.chat import Frame
from tests.support.room_copy import RoomCopy
from tests.support.room_log import RoomLog, is_chat, kind_of
from tests.support.talker import Talker


class Diary:
    """What one person did in one room and had confirmed, in their order."""

    def __init__(self, user_id: str, room_id: str) -> None:
        self.user_id = user_id
        self.room_id = room_id
        #: The texts that each chat was to have, the first one first, by its ``cid``.
        self.texts: dict[str, list[str]] = {}
        #: The places of the chats that were answered, by the answer's ``cid``.
        self.answered: dict[str, int] = {}
        #: The names that they gave the room.
        self.names: list[str] = []
        self.is_muted = False
        #: What was deleted, by its ``cid``.
        self.deleted: set[str] = set()
        #: Reactions that were put and never taken away, as (seq, emoji).
        self.reactions: set[tuple[int, str]] = set()
        #: Those that were taken away.
        self.taken_away: set[tuple[int, str]] = set()
        #: Places of chats of which they were told that there is none any more.
        self.gone: set[int] = set()
        #: Whether they are in the room at the end.
        self.stays = True

    def said(self, cid: str, text: str, reply_to: int | None = None) -> None:
        """A chat was acknowledged."""
        assert cid not in self.texts
        self.texts[cid] = [text]
        if reply_to is not None:
            self.answered[cid] = reply_to


def check_room(log: RoomLog, diaries: Sequence[Diary]) -> None:
    """The log is whole and has exactly what people did.

    Raises:
        AssertionError: a promise is broken.
    """
    entries = log.entries()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    chats = [entry for entry in entries if is_chat(entry)]
    counted = Counter(entry["cid"] for entry in chats)
    assert counted == Counter(chain.from_iterable(diary.texts for diary in diaries))
    by_cid = {entry["cid"]: entry for entry in chats}
    for diary in diaries:
        own = [entry["cid"] for entry in chats if entry["user_id"] == diary.user_id]
        assert own == list(diary.texts), "out of the order in which they were said"
        for cid, texts in diary.texts.items():
            _check_chat(by_cid[cid], texts, is_deleted=cid in diary.deleted)
            assert by_cid[cid].get("reply_to") == diary.answered.get(cid)
        for seq, emoji in diary.reactions:
            chat = log.at(seq)
            people = chat.get("reactions", {}).get(emoji, [])
            assert chat.get("deleted") or diary.user_id in people, f"{emoji} of {diary.user_id}"
        assert all(log.at(seq).get("deleted") for seq in diary.gone)
        _check_presence(entries, diary)
    names = [entry["text"] for entry in entries if kind_of(entry) == EntryKind.RENAMED]
    assert names == [name for diary in diaries for name in diary.names]
    # Each change is one entry, and each entry is one change.
    changes = sum(kind_of(entry) == EntryKind.CHANGED for entry in entries)
    assert sum(chat.get("version", 0) for chat in chats) == changes


def _check_chat(chat: Frame, texts: Sequence[str], *, is_deleted: bool) -> None:
    assert chat.get("deleted", False) == is_deleted, chat
    if is_deleted:
        assert "text" not in chat
        assert "reactions" not in chat
    else:
        assert chat["text"] in texts


def _check_presence(entries: Iterable[Frame], diary: Diary) -> None:
    """They come and go by turns, and say nothing while they are out."""
    is_in = False
    for entry in entries:
        if entry["user_id"] != diary.user_id:
            continue
        match kind_of(entry):
            case EntryKind.CREATED | EntryKind.JOINED:
                assert not is_in, entry
                is_in = True
            case EntryKind.LEFT:
                assert is_in, entry
                is_in = False
            case EntryKind.CHAT:
                assert is_in, entry
    assert is_in == diary.stays


def check_fresh(copy: RoomCopy, fresh: Talker) -> None:
    """What a client has of a room is what a fresh client of the same person loads.

    Raises:
        AssertionError: it is not.
    """
    listed, loaded = fresh.listed[copy.room_id], fresh.rooms[copy.room_id]
    assert copy.log.entries() == loaded.log.entries()
    assert copy.log.end == listed["last_seq"]
    assert copy.epoch == listed["epoch"]
    assert copy.read_seq == loaded.read_seq == listed["read_seq"]
    assert copy.unread == loaded.unread == listed.get("unread", 0)
    assert copy.name == loaded.name == listed["name"]
    assert copy.is_muted == loaded.is_muted == listed.get("muted", False)
    _check_preview(listed.get("preview"), copy.log.entries())


def _check_preview(preview: Frame | None, entries: Sequence[Frame]) -> None:
    """A room list shows the last chat as it is by now; or none, if a later one came to nothing."""
    chats = [entry for entry in entries if is_chat(entry)]
    if preview is None:
        after = entries[chats[-1]["seq"] :] if chats else []
        assert not chats or any(kind_of(entry) == EntryKind.VOID for entry in after)
    else:
        assert preview["user_id"] == chats[-1]["user_id"]
        assert preview.get("deleted", False) == chats[-1].get("deleted", False)
        assert preview.get("text", "") == chats[-1].get("text", "")


def check_readers(copy: RoomCopy, members: Iterable[Frame]) -> None:
    """Nobody is taken to have read more than they have (less, if a mark got lost).

    Raises:
        AssertionError: somebody is.
    """
    for member in members:
        assert copy.readers.get(member["user_id"], 0) <= member["read_seq"], member


def check_forgotten(texts: Iterable[str], frames: Iterable[str]) -> None:
    """Nothing of what was deleted is in any frame.

    Raises:
        AssertionError: a text is.
    """
    everything = "\n".join(frames)
    for text in texts:
        assert text not in everything, text
