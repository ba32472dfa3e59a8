"""A room's log as a client holds it, whatever order its entries come in (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.protocol import EntryKind
from tests.support.chat import Frame


class RoomLog:
    """Entries by ``seq``, each once, and up to where none is missing."""

    def __init__(self) -> None:
        self._entries: dict[int, Frame] = {}
        self._cids: set[str] = set()
        self._end = 0

    def take(self, entries: Iterable[Frame]) -> None:
        """Add entries from a push, a reply or a page; the same ones may come again.

        Raises:
            AssertionError: a place in the log has another entry than it had.
        """
        for entry in entries:
            known = self._entries.setdefault(entry["seq"], entry)
            assert known == entry, f"seq {entry['seq']} was {known}, now {entry}"
            self._cids.add(entry.get("cid", ""))
        while self._end + 1 in self._entries:
            self._end += 1

    @property
    def end(self) -> int:
        """The last ``seq`` up to which nothing is missing."""
        return self._end

    @property
    def has_gap(self) -> bool:
        """Whether a later entry is there and an earlier one is not."""
        return len(self._entries) > self._end

    def has(self, cid: str) -> bool:
        """Whether the chat with this ``cid`` is in it."""
        return cid in self._cids

    def entries(self) -> list[Frame]:
        """All that is there, in order."""
        return [self._entries[seq] for seq in sorted(self._entries)]

    def texts(self) -> list[str]:
        """What was said, in order."""
        chats = (entry for entry in self.entries() if _is_chat(entry))
        return [entry["text"] for entry in chats]


def _is_chat(entry: Frame) -> bool:
    kind: str = entry.get("kind", EntryKind.CHAT)
    return kind == EntryKind.CHAT
