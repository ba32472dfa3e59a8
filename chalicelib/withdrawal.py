"""회원 탈퇴: a person takes everything of theirs away.

What is asked for is written down first (``WithdrawalRow``), and that goes when all is done. Every
step can be repeated, so whoever is cut off anywhere is finished: by Lambda's own repeats of the
job, by the next round of the clock, or by the person, who asks again.

What stays are the chats they wrote in rooms of others, without their name: an entry refers to its
writer by id, and the id then leads nowhere. And what was imposed on them: bans, suspensions, blocks
by others, reports (docs/decisions/0035-account.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from pynamodb.expressions.update import Action

from chalicelib import (
    background,
    blocks,
    clock,
    connections,
    delivery,
    invites,
    joining,
    kakao,
    log,
    match_steps,
    members,
    names,
    rooms,
    sessions,
    users,
)
from chalicelib.errors import (
    KakaoRefusedError,
    KakaoUnavailableError,
    NotMemberError,
    SuccessorNotMemberError,
)
from chalicelib.rows import find_room
from chalicelib.sessions import Session
from chalicelib.tables import MemberRow, RoomRow, WithdrawalRow, succeeds
from chalicelib.writing import Written

RemainingMs = Callable[[], int]

#: A job that has less time left than this goes on in a new invocation, in ms.
ENOUGH_MS: Final = 20_000
#: How long an index may be behind its table, at most but in an outage.
SETTLED_SECONDS: Final = 2.0
#: After so long nobody is at a withdrawal any more: Lambda has given its job up.
LEFT_ALONE_MS: Final = 20 * 60_000


class UnfinishedError(Exception):
    """A job did what it could, and must be tried again for the rest."""


# --- Asking ------------------------------------------------------------------------------


def ask(session: Session, now: int) -> None:
    """Withdraw somebody who asks for it: nothing can be done as them when this returns."""
    person = users.find(session.user_id)
    if person is not None:
        row = _row(session.user_id, now)
        row.kakao_id = person.provider_id
        row.access_token, row.refresh_token = session.access_token, session.refresh_token
        row.save()
    else:
        # Cut off at the first try, so that who they are at Kakao is known from there.
        row = find(session.user_id) or _row(session.user_id, now)
        row.asked_at = now
        row.save()
    # Now, as they may come back in a minute and be linked again; if it fails, the job will do it.
    _unlink(row)
    _begin(row, but=session.session_id)
    sessions.end(session.session_id)


def unlinked_at_kakao(user_id: str, now: int) -> None:
    """Withdraw somebody who undid the link to us in their Kakao account."""
    row = _row(user_id, now)
    row.save()
    _begin(row)


def _row(user_id: str, now: int) -> WithdrawalRow:
    return WithdrawalRow(WithdrawalRow.PENDING, user_id, asked_at=now)


def find(user_id: str) -> WithdrawalRow | None:
    """A withdrawal that is not finished. One consistent GetItem."""
    try:
        return WithdrawalRow.get(WithdrawalRow.PENDING, user_id, consistent_read=True)
    except WithdrawalRow.DoesNotExist:
        return None


def _begin(row: WithdrawalRow, *, but: str = "") -> None:
    """Do what must not wait for a job, and start the job for the rest.

    Args:
        but: the session that asks. It goes last, so that whoever is cut off can ask again.
    """
    users.delete(row.user_id, until=row.asked_at)
    connections.end_all(row.user_id)
    background.start(background.FinishWithdrawal(row.user_id))
    sessions.end_until(row.user_id, row.asked_at, but=but)


# --- Finishing ---------------------------------------------------------------------------


def take_up(now: int) -> int:
    """Start the jobs of withdrawals that are left alone; returns how many. One Query."""
    found = 0
    for row in WithdrawalRow.query(WithdrawalRow.PENDING, consistent_read=True):
        if row.asked_at <= now - LEFT_ALONE_MS:
            background.start(background.FinishWithdrawal(row.user_id))
            found += 1
    return found


def finish(user_id: str, remaining_ms: RemainingMs) -> bool:
    """Do all that is left to do of a withdrawal; False when out of time.

    Raises:
        UnfinishedError: something must be tried again, later.
    """
    row = find(user_id)
    if row is None:
        return True
    _sign_out(row)
    blocks.forget(user_id, until=row.asked_at)
    match_steps.forget(user_id, until=row.asked_at)
    if not leave_rooms(user_id, remaining_ms):
        return False
    names.forget(user_id, until=row.asked_at)
    # An index may not have had what was begun just before; nothing new can begin.
    time.sleep(max(0, row.asked_at / 1000 + SETTLED_SECONDS - time.time()))
    _sign_out(row)
    if not _unlink(row):
        raise UnfinishedError("Kakao has not unlinked them yet")
    succeeds(lambda: row.delete(condition=WithdrawalRow.asked_at == row.asked_at))
    return True


def _unlink(row: WithdrawalRow) -> bool:
    """Undo the link at Kakao, if that is not done; False if Kakao does not do it now."""
    if not row.kakao_id:
        return True
    person = users.find(row.user_id)
    # Who has come back is linked anew.
    if person is None or person.created_at <= row.asked_at:
        try:
            kakao.unlink(row.access_token or "", row.refresh_token, row.kakao_id)
        except (KakaoRefusedError, KakaoUnavailableError) as error:
            log.warning("unlink_failed", by=error.code.value)
            return False
    row.kakao_id = row.access_token = row.refresh_token = None
    is_same = WithdrawalRow.asked_at == row.asked_at
    actions: list[Action] = [
        WithdrawalRow.kakao_id.remove(),
        WithdrawalRow.access_token.remove(),
        WithdrawalRow.refresh_token.remove(),
    ]
    succeeds(lambda: row.update(actions, condition=is_same))
    return True


def _sign_out(row: WithdrawalRow) -> None:
    """Delete the person, and end what they could act by. Who has come back is left alone."""
    users.delete(row.user_id, until=row.asked_at)
    sessions.end_until(row.user_id, row.asked_at)
    connections.end_without_session(row.user_id)


# --- Rooms -------------------------------------------------------------------------------


def leave_rooms(user_id: str, remaining_ms: RemainingMs) -> bool:
    """Take somebody who withdrew out of all their rooms; False when out of time.

    Raises:
        UnfinishedError: a room could not be left.
    """
    mine = members.memberships(user_id)
    # Read after their rooms: if they have not come back by now, they had not joined one of these.
    person = users.find(user_id)
    unfinished = 0
    for member in mine:
        if person is not None and member.joined_at >= person.created_at:
            continue
        if remaining_ms() < ENOUGH_MS:
            return False
        try:
            _leave(member)
        except Exception as error:  # the other rooms must not suffer from this one
            unfinished += 1
            log.exception("leave_failed", error, room_id=member.room_id)
    if unfinished:
        raise UnfinishedError(f"{unfinished} rooms are not left yet")
    return True


def _leave(member: MemberRow) -> None:
    invites.forget(member.user_id, member.room_id)
    room = find_room(member.room_id)
    if room is None:
        member.delete()
    elif room.closed_at:
        background.forget_closed(member, room)
    elif room.host_id == member.user_id and not member.leaving:
        _leave_as_host(member, room)
    else:
        _leave_as_member(member)


def _leave_as_member(member: MemberRow) -> None:
    now = clock.now_ms()
    closed = None
    try:
        if member.leaving:
            notices: list[Written] = [*joining.finish_leaving(member, now)]
        else:
            notices, closed = joining.leave(
                member.user_id, member.room_id, now, successor_id=None, close=False
            )
    except NotMemberError:  # left meanwhile
        return
    _tell(member, notices)
    if closed:
        background.after_closing(closed)


def _leave_as_host(member: MemberRow, room: RoomRow) -> None:
    """Leave a room to one of its managers, or close it."""
    now = clock.now_ms()
    for manager_id in sorted(room.manager_ids or ()):
        try:
            notices, _ = joining.leave(
                member.user_id, member.room_id, now, successor_id=manager_id, close=False
            )
        except SuccessorNotMemberError:  # gone meanwhile
            continue
        _tell(member, notices)
        return
    rooms.close_room(room, now)
    background.forget_closed(member, room)


def _tell(member: MemberRow, notices: Sequence[Written]) -> None:
    """Tell of a leaving those who hear the room, and devices that are still there."""
    background.after_leaving(member.user_id, member.room_id)
    for notice in notices:
        delivery.deliver(member.room_id, notice)
