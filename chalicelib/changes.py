"""Editing, deleting and reacting: a chat changes in place, and an entry of the log says so.

Both in one transaction, so whoever reads the log finds either both or neither. The entry holds
no text, only which chat it is about: who deletes a chat deletes all there was of it. What a
client gets with the entry is the chat as it is by then, with a version that counts its changes;
so changes can be delivered late, twice and in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import chats, limits, masking, members, pace, rows, ruling, texts, writing
from chalicelib.dynamodb_steps import LogSteps
from chalicelib.errors import ChatNotFoundError, NotAuthorError, TooManyReactionsError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Draft, Place, run
from chalicelib.tables import EntryRow, RoomRow, succeeds
from chalicelib.writing import Written

#: (PynamoDB's types say a value.)
_IS_SHOWN_DELETED: Final[Any] = RoomRow.preview.deleted
_IS_THERE: Final = (EntryRow.kind == EntryKind.CHAT.value) & EntryRow.deleted.does_not_exist()


def edit(
    user_id: str, room_id: str, seq: int, text: str, now: int, *, received: int
) -> Written | None:
    """Change the text of one's own chat; None if it is done already, or undone by a later edit.

    Args:
        user_id: who says so.
        room_id: where the chat is.
        seq: which chat it is.
        text: what it says from now on, but for what is masked of it.
        now: the time (ms).
        received: when (ms) API Gateway took the edit, which is later than what is there, or a
            second delivery of what was edited once more since.

    Raises:
        NotMemberError: not in the room.
        ChatNotFoundError: there is no such chat, or it is deleted.
        NotAuthorError: it is somebody else's.
        RoomNotFoundError: the room was closed.
        TooFastError, SilencedError: not now.
    """
    _check_pace(user_id, room_id, now)
    chat = _find_own(user_id, room_id, seq, says_at=now)
    if chat.deleted:
        raise ChatNotFoundError(seq)
    is_latest = EntryRow.edited_at.does_not_exist() | (EntryRow.edited_at <= received)
    condition = (EntryRow.user_id == user_id) & is_latest

    def edit_masked(masked: str, is_in_effect: Condition) -> Written | None:
        if chat.text == masked or chat.edited_at > received:
            return None
        _change_preview(room_id, chat, masked, is_in_effect)
        actions = [EntryRow.text.set(masked), EntryRow.edited_at.set(received)]
        return _change(user_id, room_id, seq, now, actions, condition, in_room=is_in_effect)

    try:
        return masking.write(room_id, text, edit_masked)
    except ChatNotFoundError:
        now_there = _find_own(user_id, room_id, seq)
        if now_there.deleted:
            raise
        # A later edit was faster; what room lists show is its business, too.
        _change_preview(room_id, now_there, now_there.text)
        return None


def delete(user_id: str, room_id: str, seq: int, now: int) -> Written | None:
    """Delete a chat for everybody; None if it is deleted already.

    Raises:
        NotMemberError: not in the room.
        ChatNotFoundError: there is no such chat.
        NotAuthorError: it is somebody else's, and one is neither the host nor a manager.
        NotAllowedError: one is a manager, and the author is more than a member.
        RoomNotFoundError: the room was closed.
    """
    _check_pace(user_id, room_id, now)
    chat = _find(user_id, room_id, seq)
    if chat.user_id == user_id:
        return _delete(chat, room_id, now)
    _check_may_delete(user_id, room_id, chat)
    role = ruling.may(user_id, over=chat.user_id)
    change = _delete(chat, room_id, now, by=user_id, role=role)
    if change is None:  # done by somebody faster, or not, as the role was lost meanwhile
        _check_may_delete(user_id, room_id, chat)
    return change


def _delete(
    chat: Entry, room_id: str, now: int, *, by: str = "", role: Condition | None = None
) -> Written | None:
    """Delete a chat; ``by`` whom, if not by its author, and what the room must be like for that."""
    if chat.deleted:
        return None
    _change_preview(room_id, chat, None)
    actions: list[Action] = [
        EntryRow.text.remove(),
        EntryRow.reactions.remove(),
        EntryRow.deleted.set(True),
    ]
    if by:
        actions.append(EntryRow.deleted_by.set(by))
    try:
        return _change(by or chat.user_id, room_id, chat.seq, now, actions, None, role)
    except ChatNotFoundError:  # the same command, delivered twice, or another's, was faster
        return None


def _check_may_delete(user_id: str, room_id: str, chat: Entry) -> None:
    room = rows.open_room(room_id)
    if not ruling.is_moderator(room, user_id):
        raise NotAuthorError
    ruling.check_moderator(room, user_id, over=chat.user_id)


def erase(room_id: str, seq: int, now: int) -> Written | None:
    """Delete a chat for everybody, whosever it is; None if it is deleted already.

    For operators: no command comes here. The log says it as if its author had done so.

    Raises:
        ChatNotFoundError: there is no such chat.
        RoomNotFoundError: the room was closed.
    """
    return _delete(_find_chat(room_id, seq), room_id, now)


def react(
    user_id: str, room_id: str, seq: int, emoji: str, now: int, *, on: bool
) -> Written | None:
    """Put one's reaction under a chat, or take it away; None if there is nothing to change.

    Raises:
        NotMemberError: not in the room.
        ChatNotFoundError: there is no such chat, or it is deleted.
        InvalidFieldError: that is not an emoji.
        TooManyReactionsError: the chat has as many as it can have.
        RoomNotFoundError: the room was closed.
    """
    texts.check_emoji(emoji)
    _check_pace(user_id, room_id, now)
    chat = _find(user_id, room_id, seq, says_at=now)
    if chat.deleted:
        raise ChatNotFoundError(seq)
    if (user_id in chat.reactions.get(emoji, ())) == on:
        return None
    if on and sum(map(len, chat.reactions.values())) >= limits.REACTIONS_PER_CHAT_MAX:
        raise TooManyReactionsError(limits.REACTIONS_PER_CHAT_MAX)
    reaction = rows.reaction(emoji, user_id)
    if not on:
        return _change(user_id, room_id, seq, now, [EntryRow.reactions.delete({reaction})], None)
    has_space = EntryRow.reactions.does_not_exist() | (
        size(EntryRow.reactions) < limits.REACTIONS_PER_CHAT_MAX
    )
    try:
        return _change(user_id, room_id, seq, now, [EntryRow.reactions.add({reaction})], has_space)
    except ChatNotFoundError:
        if _find(user_id, room_id, seq).deleted:
            raise
        raise TooManyReactionsError(limits.REACTIONS_PER_CHAT_MAX) from None


class _ChangeSteps(LogSteps):
    """Storing the entry and changing the chat are one step."""

    def __init__(
        self,
        room_id: str,
        seq: int,
        actions: Sequence[Action],
        condition: Condition | None,
        role: Condition | None,
        in_room: Condition | None,
    ) -> None:
        super().__init__(room_id, room_condition=in_room)
        self._role = role
        self._seq = seq
        self._actions = [EntryRow.version.add(1), *actions]
        self._condition = _IS_THERE if condition is None else _IS_THERE & condition

    async def store(self, draft: Draft, place: Place) -> Entry | None:
        """One transaction, and a BatchGetItem of the chat as it is then."""

        def change(transaction: TransactWrite) -> None:
            transaction.update(
                EntryRow(self.room_id, self._seq), actions=self._actions, condition=self._condition
            )
            if self._role is not None:
                transaction.condition_check(RoomRow, self.room_id, condition=self._role)

        entry = self.store_with(draft, place, change)
        if entry is not None:
            return chats.with_changes(self.room_id, [entry])[0]
        there = await self.nearest(place.seq, later=True)
        if there is not None and there.place.seq == place.seq:
            return None
        # The chat is not what it was a moment ago: somebody was faster.
        await writing.give_up(self, place, is_chat=False)
        raise ChatNotFoundError(self._seq)


def _change(
    user_id: str,
    room_id: str,
    seq: int,
    now: int,
    actions: Sequence[Action],
    condition: Condition | None,
    role: Condition | None = None,
    in_room: Condition | None = None,
) -> Written:
    """Write a change.

    Args:
        user_id: whose it is.
        room_id: where the chat is.
        seq: which chat it is.
        now: the time (ms).
        actions: what to do to the chat.
        condition: what must hold for the chat, beside that it is there.
        role: what must hold for the room when that is done;
        in_room: and when its place is taken, or RoomChangedError is raised.
    """
    steps = _ChangeSteps(room_id, seq, actions, condition, role, in_room)
    draft = Draft(user_id, now, EntryKind.CHANGED, target=seq)
    return run(writing.append(steps, draft))


def _check_pace(user_id: str, room_id: str, now: int) -> None:
    """Raise TooFastError where somebody makes too many changes at once."""
    pace.changes.check(user_id, room_id, now, LogSteps(room_id).chat_window_ms)


def _find(user_id: str, room_id: str, seq: int, *, says_at: int | None = None) -> Entry:
    """A chat. One GetItem of the membership, one of the chat.

    Args:
        says_at: when (ms) something is said by what is asked for, which the silenced may not.
    """
    member = members.membership(user_id, room_id)
    if says_at is not None and (member.silenced_until or 0) > says_at:
        raise pace.silenced(member.silenced_until - says_at)
    return _find_chat(room_id, seq)


def _find_chat(room_id: str, seq: int) -> Entry:
    try:
        chat = rows.to_entry(EntryRow.get(room_id, seq, consistent_read=True))
    except EntryRow.DoesNotExist:
        raise ChatNotFoundError(seq) from None
    if chat.kind is not EntryKind.CHAT:
        raise ChatNotFoundError(seq)
    return chat


def _find_own(user_id: str, room_id: str, seq: int, *, says_at: int | None = None) -> Entry:
    chat = _find(user_id, room_id, seq, says_at=says_at)
    if chat.user_id != user_id:
        raise NotAuthorError
    return chat


def _change_preview(
    room_id: str, chat: Entry, text: str | None, in_room: Condition | None = None
) -> None:
    """Change what room lists show of a chat, if they show this one; None: that it is deleted.

    Before the chat itself is changed: whoever repeats what was cut off comes here again.
    """
    preview = rows.preview(chat.user_id, text, chat.at)
    is_shown = RoomRow.host_id.exists() & (RoomRow.preview_seq == chat.seq)
    # An edit that meets a deletion must not bring the text back.
    is_shown &= _IS_SHOWN_DELETED.does_not_exist()
    if in_room is not None:
        is_shown &= in_room
    room = RoomRow(room_id)
    succeeds(lambda: room.update([RoomRow.preview.set(preview)], condition=is_shown))
