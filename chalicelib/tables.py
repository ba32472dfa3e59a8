"""The tables, and the one DynamoDB connection that all of them share.

References between documents are ids. Keys, indexes and TTLs are those of the
template (infra/aws); a test compares the two.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import (
    DeleteError,
    PutError,
    PynamoDBException,
    TransactWriteError,
    UpdateError,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib import dynamodb, ids
from chalicelib.settings import settings

#: Where a member has no claim.
NO_CLAIM: Final = "-"

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
TRANSACTION_CANCELED: Final = "TransactionCanceledException"
#: The ``kind`` of a room for two who were matched.
PAIR: Final = "pair"
#: How often a transaction is tried that meets others on the same items.
TRANSACTION_TRIES: Final = 8
#: A plain write met a transaction on the same item; it can be repeated at once.
TRANSACTION_CONFLICT: Final = "TransactionConflictException"


class _SharedConnection(Connection):
    """PynamoDB's connection on our own client."""

    @property
    def client(self) -> Any:
        return dynamodb.client()

    def learn(self, meta_table: MetaTable, *, has_indexes: bool) -> None:
        """Note a table's keys and indexes: of several models of one table, not all name these."""
        if has_indexes or meta_table.table_name not in self._tables:
            self._tables[meta_table.table_name] = meta_table


connection: Final = _SharedConnection()


class IntegerAttribute(Attribute[int]):
    """A whole number; PynamoDB's NumberAttribute may be a float by its type."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """As DynamoDB wants numbers."""
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """As Python wants them."""
        return int(value)


class _Table(Model):
    """Base of all tables: named from Settings, on the shared connection."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = cls._connection
        if table is None:
            table = super()._get_connection()
            connection.learn(table.get_meta_table(), has_indexes=bool(cls._indexes))
            table.connection = connection
        return table


class UserRow(_Table):
    """A person. The id is derived from (provider, provider_id), so it is unique by itself."""

    class Meta:
        table_name = settings.table_prefix + "users"

    user_id = UnicodeAttribute(hash_key=True)
    provider = UnicodeAttribute()
    provider_id = UnicodeAttribute()
    nickname = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    created_at = IntegerAttribute()
    #: Until then (ms) an operator has excluded them; absent if never.
    suspended_until = IntegerAttribute(null=True)
    #: Which terms they agreed to last (limits.TERMS_VERSION), and when (ms).
    consent_version = IntegerAttribute(null=True)
    consented_at = IntegerAttribute(null=True)
    #: How many rooms they made while their account was new.
    rooms_made = IntegerAttribute(null=True)
    #: When (ms) they last asked for what is known of them, and how many pages of it they got.
    exported_at = IntegerAttribute(null=True)
    export_pages = IntegerAttribute(null=True)


class SessionsByUser(GlobalSecondaryIndex[Any]):
    """A person's sessions, to end them all."""

    class Meta:
        index_name = "by_user"
        projection = KeysOnlyProjection()

    user_id = UnicodeAttribute(hash_key=True)
    session_id = UnicodeAttribute()


class SessionRow(_Table):
    """A signed-in browser. The id is the SHA-256 of the cookie's token."""

    class Meta:
        table_name = settings.table_prefix + "sessions"

    session_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    access_token = UnicodeAttribute()
    refresh_token = UnicodeAttribute(null=True)
    created_at = IntegerAttribute()
    expires_at = IntegerAttribute()
    #: As far as the browser told (devices.py).
    browser = UnicodeAttribute(null=True)
    system = UnicodeAttribute(null=True)
    by_user = SessionsByUser()


class PreviewMap(MapAttribute[str, Any]):
    """The beginning of a room's last chat."""

    user_id = UnicodeAttribute()
    text = UnicodeAttribute(null=True)
    at = IntegerAttribute()
    deleted = BooleanAttribute(null=True)


class RoomsByActivity(GlobalSecondaryIndex[Any]):
    """Rooms of the directory, by when something was last said in them."""

    class Meta:
        index_name = "by_activity"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True)
    active_place = UnicodeAttribute(range_key=True)


class RoomsByAge(GlobalSecondaryIndex[Any]):
    """Rooms of the directory, by when they were made."""

    class Meta:
        index_name = "by_age"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True)
    created_place = UnicodeAttribute(range_key=True)


class RoomsByLetters(GlobalSecondaryIndex[Any]):
    """Rooms of the directory, by the letters of their names."""

    class Meta:
        index_name = "by_letters"
        projection = KeysOnlyProjection()

    initial = UnicodeAttribute(hash_key=True)
    letters = UnicodeAttribute(range_key=True)


class RoomsByInitials(GlobalSecondaryIndex[Any]):
    """Rooms of the directory, by the first letters of their names' syllables."""

    class Meta:
        index_name = "by_initials"
        projection = KeysOnlyProjection()

    initial = UnicodeAttribute(hash_key=True)
    initials = UnicodeAttribute(range_key=True)


class RoomsByFirstTag(GlobalSecondaryIndex[Any]):
    """Rooms by their first tag."""

    class Meta:
        index_name = "by_tag_0"
        projection = KeysOnlyProjection()

    tag_0 = UnicodeAttribute(hash_key=True)
    created_place = UnicodeAttribute(range_key=True)


class RoomsBySecondTag(GlobalSecondaryIndex[Any]):
    """Rooms by their second tag."""

    class Meta:
        index_name = "by_tag_1"
        projection = KeysOnlyProjection()

    tag_1 = UnicodeAttribute(hash_key=True)
    created_place = UnicodeAttribute(range_key=True)


class RoomsByThirdTag(GlobalSecondaryIndex[Any]):
    """Rooms by their third tag."""

    class Meta:
        index_name = "by_tag_2"
        projection = KeysOnlyProjection()

    tag_2 = UnicodeAttribute(hash_key=True)
    created_place = UnicodeAttribute(range_key=True)


class RoomRow(_Table):
    """A room; beside it in the table: RoomNameRow (``name#…``), RoomWordsRow (``words#…``)."""

    class Meta:
        table_name = settings.table_prefix + "rooms"

    room_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    name_key = UnicodeAttribute()
    #: The place of the notice that gave it this name; absent from a room that has its first.
    name_seq = IntegerAttribute(null=True)
    #: When API Gateway took the frame that gave it this name.
    renamed_at = IntegerAttribute(null=True)
    host_id = UnicodeAttribute()
    epoch = UnicodeAttribute()
    created_at = IntegerAttribute()
    active_at = IntegerAttribute()
    #: The time of the place taken before the last one.
    previous_at = IntegerAttribute(default=0)
    last_seq = IntegerAttribute()
    #: How many of the places in the log were taken for chats, and the numbers of those lost.
    chats = IntegerAttribute(default=0)
    lost = ListAttribute(of=IntegerAttribute, null=True)
    member_count = IntegerAttribute()
    #: Who pushes, until when they must be heard of again, and how far they have come.
    lease_holder = UnicodeAttribute(null=True)
    lease_until = IntegerAttribute(null=True)
    delivered_seq = IntegerAttribute(null=True)
    preview = PreviewMap(null=True)  # type: ignore[no-untyped-call]
    preview_seq = IntegerAttribute(null=True)
    #: Who helps the host; each of them is also ``Role.MANAGER`` in their membership.
    manager_ids = UnicodeSetAttribute(null=True)
    #: In slow mode: the least time (ms) between two chats of one person.
    slow_ms = IntegerAttribute(null=True)
    #: ``PAIR``, or absent: then it has a name and a host.
    kind = UnicodeAttribute(null=True)
    #: Of a pair: the two, also when one has left, and who of them wants to keep it.
    pair = UnicodeSetAttribute(null=True)
    keepers = UnicodeSetAttribute(null=True)
    #: Present while nobody new is let in.
    locked = BooleanAttribute(null=True)
    #: Who can join (``Access``), if not everybody; and the passcode (passcodes.py).
    access = UnicodeAttribute(null=True)
    passcode = UnicodeAttribute(null=True)
    #: How many can be in it, if not any number.
    capacity = IntegerAttribute(null=True)
    #: The chat at the top of the room, and who put it there.
    pinned_seq = IntegerAttribute(null=True)
    pinned_by = UnicodeAttribute(null=True)
    #: Present once somebody went by another name in it: names are looked up in it then.
    named = BooleanAttribute(null=True)
    #: The place of the last notice of moderation that is in effect.
    rules_seq = IntegerAttribute(null=True)
    #: When API Gateway took the frame that each is from: a later one stands.
    host_at = IntegerAttribute(null=True)
    slow_at = IntegerAttribute(null=True)
    locked_at = IntegerAttribute(null=True)
    pinned_at = IntegerAttribute(null=True)
    access_at = IntegerAttribute(null=True)
    capacity_at = IntegerAttribute(null=True)
    words_at = IntegerAttribute(null=True)
    #: Which of its lists of own filter words is in effect (RoomWordsRow); absent if it has none.
    words_version = IntegerAttribute(null=True)
    #: Who was the host before.
    previous_host_id = UnicodeAttribute(null=True)
    #: Set when the host closed it; the row goes when the erasing is done.
    closed_at = IntegerAttribute(null=True)
    #: For the directory: what it is about, and when API Gateway took the frame that says so.
    topic = UnicodeAttribute(null=True)
    tag_0 = UnicodeAttribute(null=True)
    tag_1 = UnicodeAttribute(null=True)
    tag_2 = UnicodeAttribute(null=True)
    described_at = IntegerAttribute(null=True)
    #: Where it is found (listing.py). Without ``listed`` and ``initial`` it is not.
    listed = UnicodeAttribute(null=True)
    active_place = UnicodeAttribute(null=True)
    created_place = UnicodeAttribute(null=True)
    initial = UnicodeAttribute(null=True)
    letters = UnicodeAttribute(null=True)
    initials = UnicodeAttribute(null=True)
    by_activity = RoomsByActivity()
    by_age = RoomsByAge()
    by_letters = RoomsByLetters()
    by_initials = RoomsByInitials()
    by_tag_0 = RoomsByFirstTag()
    by_tag_1 = RoomsBySecondTag()
    by_tag_2 = RoomsByThirdTag()


class RoomWordsRow(_Table):
    """A room's own filter words; lives in the rooms table under ``words#<room id>``.

    Not in the room's row, which every chat in it writes.
    """

    class Meta:
        table_name = settings.table_prefix + "rooms"

    room_id = UnicodeAttribute(hash_key=True)
    #: (PynamoDB's type says attributes.)
    words: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    #: Goes up with each change.
    version = IntegerAttribute()

    @staticmethod
    def key(room_id: str) -> str:
        """The key of a room's list."""
        return f"words#{room_id}"


class RoomNameRow(_Table):
    """Makes a room's name unique; lives in the rooms table under ``name#<key>``."""

    class Meta:
        table_name = settings.table_prefix + "rooms"

    room_id = UnicodeAttribute(hash_key=True)
    target_id = UnicodeAttribute()

    @staticmethod
    def key(name_key: str) -> str:
        """The key of the lock on a name; no room id has a ``#``."""
        return f"name#{name_key}"


class MembersByRoom(GlobalSecondaryIndex[Any]):
    """A room's members."""

    class Meta:
        index_name = "by_room"
        projection = IncludeProjection(["role", "joined_at", "silenced_until"])

    room_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    joined_at = IntegerAttribute()
    silenced_until = IntegerAttribute(null=True)


class MemberRow(_Table):
    """A person's membership of a room.

    Joining and leaving are two writes (this row, and the notice in the log) that a
    crash can separate; ``notice_cid`` and ``notice_since`` let whoever comes next
    finish them, once.
    """

    class Meta:
        table_name = settings.table_prefix + "members"

    user_id = UnicodeAttribute(hash_key=True)
    room_id = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    joined_at = IntegerAttribute()
    #: Where the log ended when they joined.
    joined_seq = IntegerAttribute(default=0)
    read_seq = IntegerAttribute()
    #: How many chats there are up to ``read_seq`` (see EntryRow.number).
    read_number = IntegerAttribute(default=0)
    #: Present while the joined or left notice may not be written yet.
    notice_cid = UnicodeAttribute(null=True)
    notice_since = IntegerAttribute(null=True)
    #: Of a join that is not announced yet: the invitation that counts it, and ``access_at`` of the
    #: room as it was looked at.
    notice_invite = UnicodeAttribute(null=True)
    notice_access = IntegerAttribute(null=True)
    #: The places of their latest chats, the latest first: ``cid:seq:number:at``, or
    #: ``NO_CLAIM``.
    claim_0 = UnicodeAttribute(null=True)
    claim_1 = UnicodeAttribute(null=True)
    claim_2 = UnicodeAttribute(null=True)
    claim_3 = UnicodeAttribute(null=True)
    claim_4 = UnicodeAttribute(null=True)
    claim_5 = UnicodeAttribute(null=True)
    claim_6 = UnicodeAttribute(null=True)
    claim_7 = UnicodeAttribute(null=True)
    #: When (ms) each of these was said, once more: conditions can't look into a text. 0: never.
    claimed_0 = IntegerAttribute(attr_name="t0", null=True)
    claimed_1 = IntegerAttribute(attr_name="t1", null=True)
    claimed_2 = IntegerAttribute(attr_name="t2", null=True)
    claimed_3 = IntegerAttribute(attr_name="t3", null=True)
    claimed_4 = IntegerAttribute(attr_name="t4", null=True)
    claimed_5 = IntegerAttribute(attr_name="t5", null=True)
    claimed_6 = IntegerAttribute(attr_name="t6", null=True)
    claimed_7 = IntegerAttribute(attr_name="t7", null=True)
    #: Present once the person has asked to leave.
    leaving = IntegerAttribute(null=True)
    #: Of who leaves because they were put out: by whom, and how (LeaveReason).
    expelled_by = UnicodeAttribute(null=True)
    expelled_as = UnicodeAttribute(null=True)
    #: When API Gateway took the frame that ``role`` is from.
    role_at = IntegerAttribute(null=True)
    #: Until when they may say nothing; when API Gateway took the frame that says so.
    silenced_until = IntegerAttribute(null=True)
    silenced_at = IntegerAttribute(null=True)
    #: Present while the person wants their devices to be quiet about the room.
    muted = BooleanAttribute(null=True)
    #: When API Gateway took the frame that said so, or that it is over.
    muted_at = IntegerAttribute(null=True)
    #: A copy of RoomNicknameRow, for who says something: their row is written anyway.
    nickname = UnicodeAttribute(null=True)
    nickname_seq = IntegerAttribute(null=True)
    nickname_at = IntegerAttribute(null=True)
    by_room = MembersByRoom()


class RoomNicknameRow(_Table):
    """What a person is called in one room; lives in the members table, under ``#ROOM_ID``.

    It outlasts the membership: what they said there is not to be by another name then.
    """

    class Meta:
        table_name = settings.table_prefix + "members"

    #: Ids of rooms are from here on: what is before is no membership.
    FIRST_ROOM: ClassVar[str] = "$"

    user_id = UnicodeAttribute(hash_key=True)
    room_id = UnicodeAttribute(range_key=True)
    #: Absent once they took it back.
    nickname = UnicodeAttribute(null=True)
    #: The place of the notice that says so, and when API Gateway took the frame.
    nickname_seq = IntegerAttribute()
    nickname_at = IntegerAttribute()

    @staticmethod
    def key(room_id: str) -> str:
        """The range key; no room id has a ``#``."""
        return f"#{room_id}"


class SanctionRow(_Table):
    """What was imposed on a person in a room and outlasts their membership.

    A ban that was lifted leaves a mark for a while, so that the ban's frame can't come again
    late.
    """

    class Meta:
        table_name = settings.table_prefix + "sanctions"

    room_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    #: Present while they are banned: by whom.
    banned_by = UnicodeAttribute(null=True)
    #: When API Gateway took the frame that banned them, or let them in again.
    banned_at = IntegerAttribute(null=True)
    #: As in their membership.
    silenced_until = IntegerAttribute(null=True)
    silenced_at = IntegerAttribute(null=True)
    #: Absent from a ban.
    expires_at = IntegerAttribute(null=True)


#: The condition of a membership: it is there, and nobody is ending it.
IS_IN: Final[Condition] = MemberRow.user_id.exists() & MemberRow.leaving.does_not_exist()


class InviteRow(_Table):
    """A link that lets people into a room. The id is the SHA-256 of its secret."""

    class Meta:
        table_name = settings.table_prefix + "invites"

    room_id = UnicodeAttribute(hash_key=True)
    invite_id = UnicodeAttribute(range_key=True)
    #: Who made it, and when (ms).
    user_id = UnicodeAttribute()
    created_at = IntegerAttribute()
    #: How many it can let in, if not any number; and how many it has.
    uses = IntegerAttribute(null=True)
    used = IntegerAttribute(default=0)
    expires_at = IntegerAttribute()


class PasscodeTriesRow(_Table):
    """When (ms) somebody has tried a room's passcode: their last tries, the latest first."""

    class Meta:
        table_name = settings.table_prefix + "invites"

    #: What their ids begin with; ids of invitations are hexadecimal, so they come before.
    PREFIX: ClassVar[str] = "tries#"

    room_id = UnicodeAttribute(hash_key=True)
    invite_id = UnicodeAttribute(range_key=True)
    tried_0 = IntegerAttribute(attr_name="t0", null=True)
    tried_1 = IntegerAttribute(attr_name="t1", null=True)
    tried_2 = IntegerAttribute(attr_name="t2", null=True)
    tried_3 = IntegerAttribute(attr_name="t3", null=True)
    tried_4 = IntegerAttribute(attr_name="t4", null=True)
    expires_at = IntegerAttribute(null=True)


class EntryRow(_Table):
    """One entry of a room's log."""

    class Meta:
        table_name = settings.table_prefix + "chats"

    room_id = UnicodeAttribute(hash_key=True)
    seq = IntegerAttribute(range_key=True)
    kind = UnicodeAttribute()
    #: How many places for chats there are in the log up to here.
    number = IntegerAttribute(default=0)
    #: Absent from void entries.
    user_id = UnicodeAttribute(null=True)
    text = UnicodeAttribute(null=True)
    cid = UnicodeAttribute(null=True)
    #: Of a notice: whom it was done to.
    about = UnicodeAttribute(null=True)
    created_at = IntegerAttribute()
    #: Of an entry that tells of a change: the place of the chat that was changed.
    target = IntegerAttribute(null=True)
    #: Of a chat: the place of the one that it answers. Of a notice: of the one that it pins.
    reply_to = IntegerAttribute(null=True)
    #: Of a chat: how often it was changed, when it was last edited, whether it was deleted.
    version = IntegerAttribute(null=True)
    edited_at = IntegerAttribute(null=True)
    deleted = BooleanAttribute(null=True)
    #: Who deleted it, if not its author.
    deleted_by = UnicodeAttribute(null=True)
    #: Who reacted how, as ``EMOJI USER_ID``.
    reactions = UnicodeSetAttribute(null=True)


class ConnectionsByUser(GlobalSecondaryIndex[Any]):
    """A person's live connections."""

    class Meta:
        index_name = "by_user"
        projection = IncludeProjection(["session_id"])

    user_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute()
    session_id = UnicodeAttribute()


class ConnectionRow(_Table):
    """A live WebSocket connection."""

    class Meta:
        table_name = settings.table_prefix + "connections"

    connection_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    session_id = UnicodeAttribute()
    #: Set by hello; a copy that lives as long as the connection.
    nickname = UnicodeAttribute(null=True)
    #: Likewise, until when (ms) their account is a new one; absent if it is not.
    new_until = IntegerAttribute(null=True)
    room_ids = UnicodeSetAttribute(null=True)
    expires_at = IntegerAttribute()
    by_user = ConnectionsByUser()


class SubscriptionRow(_Table):
    """A connection that hears a room: the room's live audience is one Query."""

    class Meta:
        table_name = settings.table_prefix + "subscriptions"

    room_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)
    user_id = UnicodeAttribute()
    expires_at = IntegerAttribute()


class BlockRow(_Table):
    """That one person wants to see nothing of another.

    Stays for a while when that has ended, without ``blocked_at``: a frame may be delivered late.
    """

    class Meta:
        table_name = settings.table_prefix + "blocks"

    user_id = UnicodeAttribute(hash_key=True)
    blocked_id = UnicodeAttribute(range_key=True)
    #: When (ms) they were blocked; absent when they are not any more.
    blocked_at = IntegerAttribute(null=True)
    #: When API Gateway took the frame that said so, or that it is over.
    changed_at = IntegerAttribute()
    #: In which room they met, if that was told: they are called as they are there.
    met_in = UnicodeAttribute(null=True)
    expires_at = IntegerAttribute(null=True)


class WithdrawalRow(_Table):
    """That somebody has withdrawn, until all that follows from it is done.

    All are in one partition, so that those which nobody finished are found.
    """

    class Meta:
        table_name = settings.table_prefix + "withdrawals"

    PENDING: ClassVar[str] = "pending"

    queue = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    #: When (ms): what is younger belongs to somebody who has come back.
    asked_at = IntegerAttribute()
    #: Who they are at Kakao, and their tokens: until the link there is undone.
    kakao_id = UnicodeAttribute(null=True)
    access_token = UnicodeAttribute(null=True)
    refresh_token = UnicodeAttribute(null=True)


class _SearchRow(_Table):
    """What both kinds of rows of the match table have."""

    pool = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    version = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    since = IntegerAttribute(null=True)
    until = IntegerAttribute(null=True)
    languages = ListAttribute(of=UnicodeAttribute, null=True)
    tags = UnicodeSetAttribute(null=True)
    connection_id = UnicodeAttribute(null=True)
    nickname = UnicodeAttribute(null=True)
    expires_at = IntegerAttribute()


class TicketRow(_SearchRow):
    """Somebody who waits for a match, in the pool of one of their languages."""

    class Meta:
        table_name = settings.table_prefix + "match"

    @staticmethod
    def key(language: str) -> str:
        """The key of a pool."""
        return f"pool#{language}"

    @staticmethod
    def place_of(since: int, user_id: str) -> str:
        """The place of somebody who came at a time (ms): the oldest are first."""
        return f"{since:015d}#{user_id}"


class SeekerRow(_SearchRow):
    """Somebody's latest search, and whom they met; lives in the match table, too.

    Without ``since`` they don't wait.
    """

    class Meta:
        table_name = settings.table_prefix + "match"

    #: The range key of all.
    PLACE: ClassVar[str] = "-"

    cid = UnicodeAttribute()
    #: The ``cid`` of earlier ones.
    past = ListAttribute(of=UnicodeAttribute, null=True)
    #: The room that the search led to.
    room_id = UnicodeAttribute(null=True)
    #: Until when (ms) somebody is not to be met again, by their id.
    met = MapAttribute[str, Any](default=dict)  # type: ignore[no-untyped-call]
    window_at = IntegerAttribute(default=0)
    begun = IntegerAttribute(default=0)

    @staticmethod
    def key(user_id: str) -> str:
        """The key of somebody's search."""
        return f"seeker#{user_id}"


class ReportsByQueue(GlobalSecondaryIndex[Any]):
    """What operators look at, by time: reports that are open, and what was done."""

    class Meta:
        index_name = "by_queue"
        projection = KeysOnlyProjection()

    queue = UnicodeAttribute(hash_key=True)
    created_at = IntegerAttribute(range_key=True)
    report_id = UnicodeAttribute()


class ReportsByReporter(GlobalSecondaryIndex[Any]):
    """What somebody has reported, without what was said around it."""

    class Meta:
        index_name = "by_reporter"
        projection = IncludeProjection(
            ["user_name", "room_name", "seq", "reason", "note"],
        )

    reporter_id = UnicodeAttribute(hash_key=True)
    created_at = IntegerAttribute(range_key=True)
    report_id = UnicodeAttribute()
    user_name = UnicodeAttribute(null=True)
    room_name = UnicodeAttribute()
    seq = IntegerAttribute(null=True)
    reason = UnicodeAttribute()
    note = UnicodeAttribute(null=True)


class ReportRow(_Table):
    """What somebody reported, with what was said around it at that moment.

    Operators settle it (infra/aws/reports.py): they take ``queue`` and ``lock_id``'s row away.
    """

    class Meta:
        table_name = settings.table_prefix + "reports"

    OPEN: Final = "open"

    report_id = UnicodeAttribute(hash_key=True)
    #: Absent when it is settled.
    queue = UnicodeAttribute(null=True)
    created_at = IntegerAttribute()
    reporter_id = UnicodeAttribute()
    #: Whom or whose chat it is about, and how they were called in the room.
    user_id = UnicodeAttribute()
    user_name = UnicodeAttribute(null=True)
    #: What their account is called, where that is another name: for operators, as whoever
    #: reported them must not learn it.
    account_name = UnicodeAttribute(null=True)
    room_id = UnicodeAttribute()
    room_name = UnicodeAttribute()
    #: Which chat; absent when it is about the person.
    seq = IntegerAttribute(null=True)
    reason = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    #: Chats as JSON (reports.Said).
    context = UnicodeAttribute()
    lock_id = UnicodeAttribute()
    #: Set when it is settled: it goes by itself then.
    expires_at = IntegerAttribute(null=True)
    by_queue = ReportsByQueue()
    by_reporter = ReportsByReporter()


class ReportSideRow(_Table):
    """What goes with reports, in their table.

    ``open#…``: that a report about the same is open; ``tally#…``: how many somebody has sent in an
    hour; ``suspended#USER_ID``: that they are excluded, also if they withdraw and come back.
    """

    class Meta:
        table_name = settings.table_prefix + "reports"

    report_id = UnicodeAttribute(hash_key=True)
    open_id = UnicodeAttribute(null=True)
    sent = IntegerAttribute(null=True)
    until = IntegerAttribute(null=True)
    expires_at = IntegerAttribute(null=True)

    @staticmethod
    def suspension_key(user_id: str) -> str:
        """Of the row that says that somebody is suspended."""
        return f"suspended#{user_id}"


def is_condition_failure(error: PynamoDBException) -> bool:
    """Whether a write was refused by its own condition."""
    return error.cause_response_code == CONDITION_FAILED


def retry_conflicts(write: Callable[[], object]) -> None:
    """Do a plain write; again, after a while, if it meets a transaction on the same item.

    botocore does not: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
    """
    for attempt in range(TRANSACTION_TRIES):
        try:
            write()
        except (PutError, UpdateError, DeleteError) as error:
            is_conflict = error.cause_response_code == TRANSACTION_CONFLICT
            if not is_conflict or attempt == TRANSACTION_TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        else:
            return


def assigned(model: type[Model], values: Mapping[str, Any]) -> list[Action]:
    """What gives an item's attributes these values; None takes one away."""
    attributes: dict[str, Any] = model.get_attributes()
    return [
        attributes[name].remove() if value is None else attributes[name].set(value)
        for name, value in values.items()
    ]


def succeeds(write: Callable[[], object]) -> bool:
    """Do a plain write, as ``retry_conflicts``; False if its condition does not hold."""
    try:
        retry_conflicts(write)
    except (PutError, UpdateError, DeleteError) as error:
        if not is_condition_failure(error):
            raise
        return False
    return True


def transact(write: Callable[[TransactWrite], None], tries: int = TRANSACTION_TRIES) -> bool:
    """Carry out a transaction; False if one of its conditions does not hold.

    Args:
        tries: how often, if it meets others on the same items.
    """
    for attempt in range(tries):
        try:
            with TransactWrite(connection=connection, client_request_token=ids.new_id()) as open_:
                write(open_)
        except TransactWriteError as error:
            if error.cause_response_code != TRANSACTION_CANCELED:
                raise
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if "ConditionalCheckFailed" in reasons:
                return False
            if attempt == tries - 1:
                raise
            # Met another write on the same items. Full jitter, as retries together collide.
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        else:
            return True
    raise AssertionError("unreachable: the last attempt returns or raises")
