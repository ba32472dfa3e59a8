"""회원 탈퇴: a person takes everything of theirs away.

What stays are the chats they wrote in rooms of others, without their name: an entry
refers to its writer by id, and the id then leads nowhere.
"""

from __future__ import annotations

from chalicelib import background, clock, connections, sessions
from chalicelib.tables import UserRow


def withdraw(user_id: str, *, session_id: str | None) -> None:
    """Delete a person. Every step can be repeated; the caller's own session goes last,
    so that whoever is cut off here can ask again.

    Args:
        session_id: the session that asked, if the person themselves did.
    """
    UserRow(user_id).delete()
    connections.end_all(user_id)
    # Only now nothing can be joined any more, but by somebody who signs up anew.
    background.start(background.LeaveAllRooms(user_id, joined_until=clock.now_ms()))
    sessions.end_all(user_id, keep=session_id)
    if session_id is not None:
        sessions.end(session_id)
