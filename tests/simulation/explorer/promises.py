"""What must hold at the end of every run."""

from __future__ import annotations

from typing import Final

from chalicelib.protocol import Entry, EntryKind
from tests.simulation.explorer.calls import FRAME_PACE_MS
from tests.simulation.explorer.plan import Kind
from tests.simulation.explorer.world import ViolationError, World

#: How late (ms) a stored entry may be posted in a busy room: the frame that just went did not
#: have it, its writer was slow, the room got quiet.
LATE_MAX: Final = 3 * FRAME_PACE_MS


def check_pushed(world: World, *, all_of_them: bool) -> None:
    """Everything stored was posted, without anybody asking for it.

    Args:
        all_of_them: nobody died. Otherwise entries are left out whose own writer was struck.
    """
    for seq, entry in world.room.entries.items():
        if seq in world.posted_at or entry.kind is EntryKind.VOID:
            continue
        chat = world.chats.get(entry.cid)
        if chat is not None and chat.is_excused:
            continue
        if all_of_them or entry.cid in world.clean:
            raise ViolationError(f"nobody has posted {entry}")
    if all_of_them and world.room.lease is not None:
        raise ViolationError(f"nobody has given the lease back: {world.room.lease}")


def check_pace(world: World) -> None:
    """Frames of a busy room are few, and not late."""
    frames, plan = world.frames, world.plan
    # (Those who meet at the end of a pause don't see each other, and push each their own.)
    together = sum(plan.chats) if plan.is_parallel else len(plan.chats)
    together += plan.notices + plan.joins
    allowed = together + (frames[-1] - frames[0]) / FRAME_PACE_MS * 2
    if len(frames) > allowed:
        raise ViolationError(f"{len(frames)} frames at {frames}, {allowed} are allowed")
    for seq, entry in world.room.entries.items():
        late = world.posted_at.get(seq, 0) - entry.at
        if late > LATE_MAX and entry.kind is not EntryKind.VOID:
            raise ViolationError(f"{entry} was posted {late} ms after it was sent")


def check_log(world: World, log: list[Entry]) -> None:
    """The log has each chat once and nothing that was refused; its numbers are right."""
    places: dict[str, list[int]] = {}
    for entry in log:
        if entry.cid:
            places.setdefault(entry.cid, []).append(entry.seq)
    for chat in world.chats.values():
        found = places.get(chat.cid, [])
        if chat.is_excused:
            continue
        if len(found) > 1:
            raise ViolationError(f"{chat.cid} is there twice: {found}")
        if chat.seqs and chat.seqs != set(found):
            raise ViolationError(f"{chat.cid} was acknowledged as {chat.seqs}, is at {found}")
        if chat.is_refused and chat.tries == 1 and found and not world.room.is_closed:
            raise ViolationError(f"{chat.cid} was refused, and is at {found}")
    for cid, found in places.items():
        if len(found) > 1 and cid not in world.chats:
            raise ViolationError(f"the notice {cid} is there twice: {found}")
    _check_leaving(world, log)


def _check_leaving(world: World, log: list[Entry]) -> None:
    """Nobody says anything between leaving and coming back."""
    for left in log:
        if left.kind is not EntryKind.LEFT:
            continue
        back = min(
            (
                seen if seen >= left.seq else saved
                for user_id, seen, saved in world.room.joined
                if user_id == left.user_id and saved >= left.seq
            ),
            default=len(log),
        )
        for entry in log[left.seq : back]:
            if entry.kind is EntryKind.CHAT and entry.user_id == left.user_id:
                raise ViolationError(f"{entry} was said after {left}")


def check_unread(world: World, log: list[Entry]) -> None:
    """Each member has as many unread chats as the log has after what they have read."""
    for user_id, member in world.room.members.items():
        if member.leaving:
            continue
        counted = world.code.unread(world.room, member)
        unread = [entry for entry in log[member.read_seq :] if entry.kind is EntryKind.CHAT]
        if counted != len(unread):
            raise ViolationError(f"{user_id} has {member}, {counted} unread, should be {unread}")
        since = max((seen for each, seen, _ in world.room.joined if each == user_id), default=0)
        for entry in unread:
            if entry.user_id == user_id and entry.seq > since:
                raise ViolationError(f"{user_id} has read up to {member.read_seq}, not {entry}")


def check_given(world: World, log: list[Entry]) -> None:
    """What anybody was given is what everybody is given at last."""
    for seq, entry in world.given.items():
        if log[seq - 1] != entry:
            raise ViolationError(f"a reader was given {entry}, now it is {log[seq - 1]}")
    for client in world.clients:
        if [client.entries[seq] for seq in sorted(client.entries)] != log:
            raise ViolationError(f"a client holds {client.entries}, the log is {log}")


def has_pace(world: World) -> bool:
    """Whether frames and their times are to be judged."""
    return world.plan.kind is Kind.BUSY
