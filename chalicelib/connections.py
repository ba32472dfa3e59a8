"""Who is listening: live connections, and the rooms that each hears."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pynamodb.expressions.update import Action

from chalicelib import clock, limits, sender, sessions
from chalicelib.protocol import User, Users
from chalicelib.tables import ConnectionRow, SubscriptionRow, succeeds


@dataclass(frozen=True)
class Caller:
    """The connection that a command came over, and whose it is."""

    connection_id: str
    user_id: str
    session_id: str
    #: None until ``session.hello``.
    nickname: str | None
    expires_at: int
    #: The rooms that it hears.
    room_ids: frozenset[str]
    #: Until when (ms) the account is a new one, of which less is allowed (newcomers.py).
    new_until: int = 0

    @property
    def own_name(self) -> Users:
        """The person's entry in ``users`` maps."""
        return {self.user_id: User(nickname=self.nickname or "")}


def register(connection_id: str, user_id: str, session_id: str, now: int) -> None:
    """Remember a connection that was just accepted. One PutItem."""
    ConnectionRow(
        connection_id,
        user_id=user_id,
        session_id=session_id,
        expires_at=clock.seconds(now) + limits.CONNECTION_SECONDS,
    ).save()


def find(connection_id: str) -> Caller | None:
    """Whose connection that is, unless it was ended by signing out. One GetItem."""
    try:
        row = ConnectionRow.get(connection_id, consistent_read=True)
    except ConnectionRow.DoesNotExist:
        return None
    return Caller(
        row.connection_id,
        row.user_id,
        row.session_id,
        row.nickname,
        row.expires_at,
        frozenset(row.room_ids or ()),
        row.new_until or 0,
    )


def greet(caller: Caller, nickname: str, room_ids: Iterable[str], new_until: int = 0) -> bool:
    """Make a connection hear all rooms of its person; False if it ended meanwhile.

    The connection remembers its rooms before it is subscribed to them, so that whoever
    cleans up after it finds them all. One UpdateItem, one BatchWriteItem per 25 rooms.
    """
    rooms = set(room_ids)
    actions: list[Action] = [ConnectionRow.nickname.set(nickname)]
    if new_until:
        actions.append(ConnectionRow.new_until.set(new_until))
    if rooms:
        actions.append(ConnectionRow.room_ids.set(rooms))
    if not _update(caller.connection_id, actions):
        return False
    with SubscriptionRow.batch_write() as batch:
        for room_id in rooms:
            batch.save(_subscription(room_id, caller))
    return True


def subscribe(caller: Caller, room_id: str) -> None:
    """Make one connection hear one more room. One UpdateItem, one PutItem."""
    if _update(caller.connection_id, [ConnectionRow.room_ids.add({room_id})]):
        _subscription(room_id, caller).save()


def subscribe_user(user_id: str, room_id: str, *, but: str = "") -> list[str]:
    """Make a person's connections hear a room, except ``but``; returns their ids.

    A Query; an UpdateItem and a PutItem for each.
    """
    connection_ids = [each for each in of_user(user_id) if each != but]
    # None of them lives longer than one that begins now.
    expires_at = clock.seconds(clock.now_ms()) + limits.CONNECTION_SECONDS
    for each in connection_ids:
        if _update(each, [ConnectionRow.room_ids.add({room_id})]):
            SubscriptionRow(room_id, each, user_id=user_id, expires_at=expires_at).save()
    return connection_ids


def unsubscribe_user(user_id: str, room_id: str) -> list[str]:
    """Make none of a person's connections hear a room; returns the connections' ids."""
    connection_ids = of_user(user_id)
    for connection_id in connection_ids:
        unsubscribe(connection_id, room_id)
    return connection_ids


def unsubscribe(connection_id: str, room_id: str) -> None:
    """Make one connection hear one room less."""
    _update(connection_id, [ConnectionRow.room_ids.delete({room_id})])
    SubscriptionRow(room_id, connection_id).delete()


def of_user(user_id: str) -> list[str]:
    """A person's live connections. One Query."""
    return [row.connection_id for row in ConnectionRow.by_user.query(user_id)]


def sessions_of(user_id: str) -> set[str]:
    """The sessions of a person's live connections. One Query."""
    return {row.session_id for row in ConnectionRow.by_user.query(user_id)}


def set_nickname(user_id: str, nickname: str) -> list[str]:
    """Tell a person's connections their new nickname; returns the connections' ids."""
    connection_ids = of_user(user_id)
    for connection_id in connection_ids:
        _update(connection_id, [ConnectionRow.nickname.set(nickname)])
    return connection_ids


def forget(connection_id: str) -> None:
    """Clean up after a connection that has ended. Repeating it does no harm."""
    try:
        row = ConnectionRow.get(connection_id, consistent_read=True)
    except ConnectionRow.DoesNotExist:
        return
    with SubscriptionRow.batch_write() as batch:
        for room_id in row.room_ids or ():
            batch.delete(SubscriptionRow(room_id, connection_id))
    row.delete()


def end_session(user_id: str, session_id: str) -> None:
    """End the connections of one session."""
    for row in list(ConnectionRow.by_user.query(user_id)):
        if row.session_id == session_id:
            _end(row.connection_id)


def end_without_session(user_id: str) -> None:
    """End those of a person's connections whose session has ended. A GetItem for each."""
    for row in list(ConnectionRow.by_user.query(user_id)):
        if not sessions.is_live(row.session_id):
            _end(row.connection_id)


def end_all(user_id: str) -> None:
    """End all of a person's connections."""
    for connection_id in of_user(user_id):
        _end(connection_id)


def _end(connection_id: str) -> None:
    """Forget a connection and close it, in this order: none of its commands is carried out any
    more even while the socket closes."""
    forget(connection_id)
    sender.disconnect(connection_id)


def _update(connection_id: str, actions: list[Action]) -> bool:
    row = ConnectionRow(connection_id)
    return succeeds(lambda: row.update(actions, condition=ConnectionRow.user_id.exists()))


def _subscription(room_id: str, caller: Caller) -> SubscriptionRow:
    return SubscriptionRow(
        room_id, caller.connection_id, user_id=caller.user_id, expires_at=caller.expires_at
    )
