"""A room as a client has it: its log, and who has read up to where (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.protocol import EntryKind
from tests.support.chat import Frame
from tests.support.room_log import RoomLog, is_chat, kind_of


class RoomCopy:
    """What one person's client holds of a room."""

    def __init__(self, room_id: str, epoch: str, me: str) -> None:
        """Args: `me` is the person's id."""
        self.room_id = room_id
        self.epoch = epoch
        self.log = RoomLog()
        #: How far people are known to have read, by their ids.
        self.readers: dict[str, int] = {}
        #: Whether the person is in the room, as far as they did or were told.
        self.is_in = True
        #: Whether it ended without their wish.
        self.is_thrown_out = False
        #: How often they have left it.
        self.leaves = 0
        #: What it is called, and the place of the notice that it is from.
        self.name, self.name_seq = "", -1
        self.is_muted = False
        self._me = me

    @property
    def position(self) -> Frame:
        """What ``room.sync`` is asked with."""
        return {"room_id": self.room_id, "after": self.log.end, "epoch": self.epoch}

    @property
    def read_seq(self) -> int:
        """How far the person has read."""
        return self.readers.get(self._me, 0)

    @property
    def unread(self) -> int:
        """How many chats there are that they have not read."""
        return sum(1 for _ in self.log.chats_after(self.read_seq))

    def take(self, entries: Sequence[Frame]) -> None:
        """Add entries to the log. Who says something has read what is before it."""
        self.log.take(entries)
        for entry in entries:
            if is_chat(entry):
                self.mark_read(entry["user_id"], entry["seq"])
            elif kind_of(entry) == EntryKind.RENAMED:
                self.take_name(entry["seq"], entry["text"])

    def take_name(self, seq: int, name: str) -> None:
        """A notice, or a snapshot whose name is from that notice, says what the room is called."""
        if seq >= self.name_seq:
            self.name, self.name_seq = name, seq

    def mark_read(self, user_id: str, seq: int) -> None:
        """Somebody has read so far; it never goes back."""
        self.readers[user_id] = max(seq, self.readers.get(user_id, 0))

    def take_own_mark(self, seq: int) -> None:
        """The server says how far the person has read."""
        self.mark_read(self._me, seq)
