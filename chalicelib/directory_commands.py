"""What the commands of the directory do.

As in commands.py: authorise, act, reply. The lists are for everybody who is signed in.
"""

from __future__ import annotations

from chalicelib import directory, members, protocol
from chalicelib.clock import Moment
from chalicelib.connections import Caller
from chalicelib.directory import Page
from chalicelib.protocol import Reply


def list_rooms(caller: Caller, command: protocol.ListDirectory, at: Moment) -> Reply:
    """``directory.list``."""
    return _reply(command, directory.in_order(command.order, command.topic, command.after))


def search(caller: Caller, command: protocol.SearchDirectory, at: Moment) -> Reply:
    """``directory.search``."""
    return _reply(command, directory.search(command.text, command.after))


def describe(caller: Caller, command: protocol.DescribeRoom, at: Moment) -> Reply:
    """``room.describe``."""
    members.membership(caller.user_id, command.room_id)
    directory.describe(caller.user_id, command.room_id, command.topic, command.tags, at)
    return Reply(ref=command.ref)


def _reply(command: protocol.Command, page: Page) -> Reply:
    return protocol.DirectoryReply(ref=command.ref, rooms=page.rooms, after=page.after)
