"""Who people are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynamodb.expressions.update import Action

from chalicelib import ids, limits, texts
from chalicelib.errors import ConsentRequiredError, InvalidFieldError, SuspendedError
from chalicelib.protocol import Me, User, Users
from chalicelib.secret_values import secret_values
from chalicelib.tables import ReportSideRow, UserRow, succeeds

KAKAO: Final = "kakao"


def kakao_user_id(kakao_id: str) -> str:
    """Our id of the person with that Kakao id; the same one every time."""
    return ids.keyed_id(secret_values().identity_key, KAKAO, kakao_id)


def default_nickname(user_id: str) -> str:
    """A name for somebody who did not let Kakao tell theirs; they can change it."""
    return f"핑퐁{sum(user_id.encode()) % 9000 + 1000}"


def _usable_nickname(nickname: str | None, user_id: str) -> str:
    """Kakao's nickname if our rules allow it, shortened if need be; else a default."""
    try:
        return texts.clean_nickname((nickname or "")[: limits.NICKNAME_MAX])
    except InvalidFieldError:
        return default_nickname(user_id)


def sign_up_or_in(kakao_id: str, nickname: str | None, email: str | None, now: int) -> UserRow:
    """The person with that Kakao id, who is created at the first sign-in.

    One UpdateItem, so two first sign-ins at once make one person. A nickname that the
    person has chosen here stays; the email follows Kakao's.
    """
    user_id = kakao_user_id(kakao_id)
    set_email: Action = UserRow.email.set(email) if email else UserRow.email.remove()
    row = UserRow(user_id)
    row.update(
        actions=[
            UserRow.provider.set(KAKAO),
            UserRow.provider_id.set(kakao_id),
            UserRow.nickname.set(UserRow.nickname | _usable_nickname(nickname, user_id)),
            UserRow.created_at.set(UserRow.created_at | now),
            set_email,
        ]
    )
    return row


def find(user_id: str) -> UserRow | None:
    """The person, unless they withdrew."""
    try:
        return UserRow.get(user_id, consistent_read=True)
    except UserRow.DoesNotExist:
        return None


def delete(user_id: str, *, until: int) -> None:
    """Delete a person, unless they signed up later than that (ms)."""
    is_old = UserRow.created_at <= until
    succeeds(lambda: UserRow(user_id).delete(condition=is_old))


def check_not_suspended(until: int | None, now: int) -> None:
    """Raise SuspendedError if somebody is excluded until later than now (ms)."""
    if until is not None and until > now:
        raise SuspendedError("excluded by an operator", retry_after_ms=until - now)


def has_consented(person: UserRow) -> bool:
    """Whether somebody has agreed to the terms as they are now."""
    return (person.consent_version or 0) >= limits.TERMS_VERSION


def check_may_act(person: UserRow, now: int) -> None:
    """Check that somebody may use the site.

    Raises:
        SuspendedError: an operator has excluded them.
        ConsentRequiredError: they have not agreed to the terms as they are now.
    """
    check_not_suspended(person.suspended_until, now)
    if not has_consented(person):
        raise ConsentRequiredError


def consent(user_id: str, now: int) -> bool:
    """Note that somebody agrees to the terms as they are now; False if they withdrew."""
    actions: list[Action] = [
        UserRow.consent_version.set(limits.TERMS_VERSION),
        UserRow.consented_at.set(now),
    ]
    row = UserRow(user_id)
    return succeeds(lambda: row.update(actions, condition=UserRow.user_id.exists()))


def suspended_until(user_id: str) -> int | None:
    """Until when (ms) somebody is excluded, if they are. One consistent GetItem.

    Also of somebody who withdrew: coming back does not end it.
    """
    try:
        row = ReportSideRow.get(ReportSideRow.suspension_key(user_id), consistent_read=True)
    except ReportSideRow.DoesNotExist:
        return None
    return row.until


def me(row: UserRow) -> Me:
    """A person as they see themselves."""
    return Me(user_id=row.user_id, nickname=row.nickname, email=row.email)


def names(user_ids: Iterable[str]) -> Users:
    """Nicknames by user id; people who withdrew are missing. One BatchGetItem per 100."""
    wanted = set(user_ids)
    if not wanted:
        return {}
    rows = UserRow.batch_get(wanted, attributes_to_get=["user_id", "nickname"])
    return {row.user_id: User(nickname=row.nickname) for row in rows}


def rename(user_id: str, nickname: str) -> Me | None:
    """Change somebody's nickname, unless they withdrew. Raises InvalidFieldError."""
    row = UserRow(user_id)
    actions: list[Action] = [UserRow.nickname.set(texts.clean_nickname(nickname))]
    is_there = succeeds(lambda: row.update(actions, condition=UserRow.user_id.exists()))
    return me(row) if is_there else None
