"""Going by another name in one room: a notice in its log, and the name with it.

As in renaming.py, a place in the log is taken first; the notice and the name are then written in
one transaction, which does not meet those who talk in the room. That there are such names in it is
marked in the call that takes the place, before there is one
(docs/decisions/0036-room-nicknames.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import limits, members, pace, room_words, texts, words, writing
from chalicelib.clock import Moment
from chalicelib.dynamodb_steps import LogSteps, not_silenced
from chalicelib.errors import BadWordError, NotAllowedError, TooFastError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.rows import open_room
from chalicelib.ruling import DoneError
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import IS_IN, PAIR, MemberRow, RoomNicknameRow, RoomRow, assigned
from chalicelib.writing import Written

#: So often it is tried while others of the same person's devices do so.
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Nicknamed(Written):
    """The notice that is in the log."""

    #: Whose name it is, with that.
    member: MemberRow


def set_nickname(user_id: str, room_id: str, nickname: str | None, at: Moment) -> Nicknamed | None:
    """Have somebody go by a name in a room; None: by that of their account again.

    Returns None if it is so already, or a later frame said otherwise.

    Raises:
        InvalidFieldError: the name breaks the rules.
        BadWordError: or has a word that nobody has to read, also one of the room's own.
        NotMemberError: they are not in the room.
        RoomNotFoundError: the room does not exist or is closed.
        NotAllowedError: it is the room of a match, which is called as the two are.
        SilencedError: they may say nothing: a name says something, too.
        TooFastError: they took another one just before.
    """
    name = texts.clean_nickname(nickname) if nickname is not None else None
    steps = _NicknamingSteps(user_id, room_id, name, at)
    try:
        before = steps.check()
        # On a line of its own: no name has more than one.
        text = (name or "") + (f"\n{before.nickname}" if before.nickname else "")
        written = run(writing.append(steps, Draft(user_id, at.now, EntryKind.NICKNAMED, text=text)))
    except DoneError:
        return None
    member = MemberRow(user_id, room_id, nickname=name, nickname_seq=written.entry.seq)
    return Nicknamed(written.entry, written.room, member)


class _NicknamingSteps(LogSteps):
    """Storing the notice and giving the name are one step."""

    def __init__(self, user_id: str, room_id: str, name: str | None, at: Moment) -> None:
        super().__init__(room_id, room_actions=[RoomRow.named.set(True)])
        self._user_id = user_id
        self._name = name
        self._at = at
        self._before: str | None = None
        self._tries = 0

    def check(self) -> MemberRow:
        """Their membership, if they can take the name.

        Two consistent GetItems; one more where the room has words of its own.

        Raises:
            DoneError: there is nothing to do.
            PingPongError: as ``set_nickname``.
        """
        room = open_room(self.room_id)
        if room.kind == PAIR:
            raise NotAllowedError
        member = members.membership(self._user_id, self.room_id)
        changed_at = member.nickname_at or 0
        # (Later: the frame came a second time. Or it is of before they came back.)
        is_late = max(changed_at, member.joined_at) > self._at.received
        if member.nickname == self._name or is_late:
            raise DoneError
        name = self._name or ""
        if words.mask(name, room_words.of_room(room)) != name:
            raise BadWordError("nickname")
        if (member.silenced_until or 0) > self._at.now:
            raise pace.silenced(member.silenced_until - self._at.now)
        left = changed_at + limits.ROOM_NICKNAME_EVERY_MS - self._at.received
        if left > 0:
            raise TooFastError("nickname: one change in so short a time is enough", left)
        self._before = member.nickname
        return member

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One transaction."""
        row = RoomNicknameRow(
            self._user_id,
            RoomNicknameRow.key(self.room_id),
            nickname=self._name,
            nickname_seq=place.seq,
            nickname_at=self._at.received,
        )
        actions: list[Action] = assigned(
            MemberRow,
            {
                "nickname": self._name,
                "nickname_seq": place.seq,
                "nickname_at": self._at.received,
            },
        )
        long_ago = self._at.received - limits.ROOM_NICKNAME_EVERY_MS
        condition = IS_IN & not_silenced(self._at.now) & (MemberRow.joined_at <= self._at.received)
        condition &= MemberRow.nickname_at.does_not_exist() | (MemberRow.nickname_at <= long_ago)
        # Of two names the later one stays, and its notice is the last one; each says what was
        # before it.
        condition &= MemberRow.nickname_seq.does_not_exist() | (MemberRow.nickname_seq < place.seq)
        if self._before is None:
            condition &= MemberRow.nickname.does_not_exist()
        else:
            condition &= MemberRow.nickname == self._before

        def change(transaction: TransactWrite) -> None:
            member = MemberRow(self._user_id, self.room_id)
            transaction.update(member, actions=actions, condition=condition)
            transaction.save(row)

        entry = self.store_with(draft, place, change)
        if entry is None:
            await self.free(place)
            self.check()
            self._tries += 1
            if self._tries >= _TRIES:
                raise RuntimeError("the name changed each time this wrote")
        return entry
