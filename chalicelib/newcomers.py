"""What people may not do yet who have signed up just now: whoever is put out for good could come
back with another account at once, and do the same (docs/decisions/0035-account.md).
"""

from __future__ import annotations

from pynamodb.expressions.update import Action

from chalicelib import limits
from chalicelib.errors import NewAccountError
from chalicelib.settings import settings
from chalicelib.tables import UserRow, succeeds


def new_until(created_at: int, now: int) -> int:
    """Until when (ms) an account of that age is new; 0 if it is not."""
    until = created_at + settings.new_account_hours * 3_600_000
    return until if until > now else 0


def count_room(user_id: str, until: int, now: int) -> None:
    """Count a room that is going to be made, while the account is new. One UpdateItem.

    Args:
        until: as ``new_until``.

    Raises:
        NewAccountError: they have made enough for now.
    """
    if until <= now:
        return
    actions: list[Action] = [UserRow.rooms_made.add(1)]
    has_left = UserRow.rooms_made.does_not_exist()
    has_left |= UserRow.rooms_made < limits.NEW_ACCOUNT_ROOMS_MAX
    row = UserRow(user_id)
    if not succeeds(lambda: row.update(actions, condition=UserRow.user_id.exists() & has_left)):
        what = f"a new account can make {limits.NEW_ACCOUNT_ROOMS_MAX} rooms"
        raise NewAccountError(what, retry_after_ms=until - now)
