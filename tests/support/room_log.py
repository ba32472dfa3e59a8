"""A room's log as a client holds it, whatever order its entries come in (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chalicelib.protocol import EntryKind
from tests.support.chat import Frame

#: What no change of a chat touches.
_FIXED = ("seq", "user_id", "at", "kind", "cid")


class RoomLog:
    """Entries by ``seq``, each once, in their latest state, and up to where none is missing.

    What an entry of kind ``changed`` says of another one is put into that one's place, and not
    kept: only the last of several changes has it.
    """

    def __init__(self) -> None:
        self._entries: dict[int, Frame] = {}
        self._cids: dict[str, int] = {}
        self._end = 0
        self._chats = 0

    def take(self, entries: Iterable[Frame]) -> None:
        """Add entries from a push, a reply or a page; the same ones may come again.

        Raises:
            AssertionError: an entry is not what it was, and no change says so.
        """
        for entry in entries:
            changed = entry.get("changed")
            if changed is None:
                self._take(entry)
                continue
            assert kind_of(entry) == EntryKind.CHANGED, entry
            assert changed["seq"] < entry["seq"], entry
            self._take({name: value for name, value in entry.items() if name != "changed"})
            self._take(changed)
        while self._end + 1 in self._entries:
            self._end += 1

    def _take(self, entry: Frame) -> None:
        seq: int = entry["seq"]
        known = self._entries.get(seq)
        if known is not None:
            self._entries[seq] = later_of(known, entry)
            return
        self._entries[seq] = entry
        self._chats += is_chat(entry)
        if "cid" in entry:
            self._cids.setdefault(entry["cid"], seq)

    @property
    def end(self) -> int:
        """The last ``seq`` up to which nothing is missing."""
        return self._end

    @property
    def chats(self) -> int:
        """How many chats there are."""
        return self._chats

    @property
    def has_gap(self) -> bool:
        """Whether a later entry is there and an earlier one is not."""
        return len(self._entries) > self._end

    def has(self, cid: str) -> bool:
        """Whether the chat with this ``cid`` is in it."""
        return cid in self._cids

    def seq_of(self, cid: str) -> int:
        """The place of the chat with this ``cid``, the first if there are several."""
        return self._cids[cid]

    def at(self, seq: int) -> Frame:
        """The entry with that ``seq``."""
        return self._entries[seq]

    def entries(self) -> list[Frame]:
        """All that is there, in order."""
        return [self._entries[seq] for seq in sorted(self._entries)]

    def chats_after(self, seq: int) -> Iterator[Frame]:
        """The chats with a higher ``seq``, in no order."""
        return (each for at, each in self._entries.items() if at > seq and is_chat(each))

    def texts(self) -> list[str]:
        """What was said and is not deleted, in order."""
        return [entry["text"] for entry in self.entries() if is_chat(entry) and "text" in entry]


def kind_of(entry: Frame) -> str:
    """An entry's kind."""
    kind: str = entry.get("kind", EntryKind.CHAT)
    return kind


def is_chat(entry: Frame) -> bool:
    """Whether somebody said it, be it deleted by now."""
    return kind_of(entry) == EntryKind.CHAT


def later_of(known: Frame, other: Frame) -> Frame:
    """The later of two states of one entry.

    Raises:
        AssertionError: they can't both be states of one entry.
    """
    if known == other:
        return known
    what = f"seq {known['seq']} was {known}, now {other}"
    assert all(known.get(name) == other.get(name) for name in _FIXED), what
    assert is_chat(known), what
    earlier, later = sorted((known, other), key=lambda entry: int(entry.get("version", 0)))
    assert earlier.get("version", 0) != later.get("version", 0), what
    assert later.get("deleted", False) or not earlier.get("deleted", False), what
    assert not ("text" in later and later.get("deleted", False)), what
    return later
