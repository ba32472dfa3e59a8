"""What the commands of random match do.

As in commands.py: authorise, act, tell the others, reply.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from chalicelib import (
    background,
    clock,
    connections,
    delivery,
    joining,
    limits,
    matching,
    members,
    pairs,
    protocol,
    rooms,
    texts,
    users,
)
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.errors import (
    InvalidFieldError,
    NotMemberError,
    StaleError,
    TooFastError,
)
from chalicelib.match_steps import DynamoMatchSteps
from chalicelib.matching import Found, Outcome, Ticket, TooFast, Waiting, Who, Wish
from chalicelib.protocol import Reply, User, Users
from chalicelib.rows import find_open_room
from chalicelib.steps import run
from chalicelib.tables import PAIR, RoomRow


def seek(caller: Caller, command: protocol.SeekMatch, at: Moment) -> Reply:
    """``match.seek``."""
    wish = _wish(command)
    _check_in_time(at)
    return _reply(caller, command, *_seek(caller, command, wish))


def seek_next(caller: Caller, command: protocol.NextMatch, at: Moment) -> Reply:
    """``match.next``."""
    # What breaks a rule must not cost anybody their room.
    wish = _wish(command)
    _check_in_time(at)
    room = find_open_room(command.room_id)
    if room is not None:
        # (Left already by a try whose answer got lost.)
        with contextlib.suppress(NotMemberError):
            _leave(caller, room, at.now)
    return _reply(caller, command, *_seek(caller, command, wish))


def cancel(caller: Caller, command: protocol.CancelMatch, at: Moment) -> Reply:
    """``match.cancel``."""
    steps = DynamoMatchSteps()
    _check_in_time(at)
    return _reply(caller, command, run(matching.cancel(steps, caller.user_id, command.cid)), steps)


def keep(caller: Caller, command: protocol.KeepMatch, at: Moment) -> Reply:
    """``match.keep``."""
    notice = pairs.keep(caller.user_id, command.room_id, at.now)
    if notice is not None:
        # Also to this connection: the reply has no entry.
        delivery.deliver(command.room_id, notice, caller.own_name)
    return Reply(ref=command.ref)


def _seek(
    caller: Caller, command: protocol.SeekMatch, wish: Wish
) -> tuple[Outcome, DynamoMatchSteps]:
    if not command.again:
        members.check_room_for_one_more(caller.user_id)
    steps = DynamoMatchSteps()
    is_new = caller.new_until > clock.now_ms()
    seeks_max = limits.NEW_ACCOUNT_SEEKS_MAX if is_new else limits.MATCH_SEEKS_MAX
    who = Who(caller.user_id, caller.nickname or "", caller.connection_id, seeks_max)
    return run(matching.seek(steps, who, command.cid, wish, again=command.again)), steps


def _wish(command: protocol.SeekMatch) -> Wish:
    return Wish(tuple(dict.fromkeys(command.languages)), texts.clean_tags(command.tags))


def _check_in_time(at: Moment) -> None:
    """Nobody awaits any more what a frame asks that took so long."""
    if clock.now_ms() > at.received + limits.WRITE_WITHIN_MS:
        raise StaleError


def _leave(caller: Caller, room: RoomRow, now: int) -> None:
    """Leave a room of a match, as ``room.leave`` does."""
    if room.kind != PAIR:
        raise InvalidFieldError("room_id", "must be of a match")
    notices, closed = joining.leave(
        caller.user_id, room.room_id, now, successor_id=None, close=False
    )
    if closed is not None:
        background.after_closing(closed, but=caller.connection_id)
        return
    background.after_leaving(caller.user_id, room.room_id, but=caller.connection_id)
    for notice in notices:
        delivery.deliver(room.room_id, notice, caller.own_name)


def _reply(
    caller: Caller, command: protocol.Command, outcome: Outcome, steps: DynamoMatchSteps
) -> Reply:
    """Tell both of a match, or how it goes on."""
    if isinstance(outcome, TooFast):
        raise TooFastError("so many searches are enough for now", outcome.retry_after_ms)
    if isinstance(outcome, Waiting):
        return protocol.MatchReply(ref=command.ref, since=outcome.since, again_ms=outcome.again_ms)
    if not isinstance(outcome, Found):
        return protocol.MatchReply(ref=command.ref)
    names: Users = dict(caller.own_name)
    if outcome.other is not None and steps.made is not None:
        row, member = steps.made
        names[outcome.other.user_id] = User(nickname=outcome.other.nickname)
        _tell_other(row, outcome.other, names)
    else:
        found = find_open_room(outcome.room_id)
        mine = members.find_member(caller.user_id, outcome.room_id)
        if found is None or mine is None:  # left already
            return protocol.MatchReply(ref=command.ref)
        row, member = found, mine
    room = rooms.to_room(row, member)
    if not names.keys() >= rooms.people_in([room]):
        names |= users.names(rooms.people_in([room]))
    connections.subscribe(caller, room.room_id)
    others = connections.subscribe_user(caller.user_id, room.room_id, but=caller.connection_id)
    if not _is_in(caller.user_id, room.room_id, [caller.connection_id, *others]):
        return protocol.MatchReply(ref=command.ref)
    event = protocol.MatchFound(room=room, users=names)
    delivery.push_to_connections(others, event)
    return protocol.MatchReply(ref=command.ref, room=room, users=names)


def _tell_other(row: RoomRow, other: Ticket, names: Users) -> None:
    """Make all connections of whoever was claimed hear the room, and tell them."""
    member = members.new_member(other.user_id, row, row.created_at)
    own = connections.subscribe_user(other.user_id, row.room_id)
    event = protocol.MatchFound(room=rooms.to_room(row, member), users=names)
    delivery.push_to_connections(own, event)
    _is_in(other.user_id, row.room_id, own)


def _is_in(user_id: str, room_id: str, connection_ids: Iterable[str]) -> bool:
    """Whether somebody is still in a room; if not, their connections hear it no more."""
    if members.find_member(user_id, room_id) is not None:
        return True
    for connection_id in connection_ids:
        connections.unsubscribe(connection_id, room_id)
    return False
