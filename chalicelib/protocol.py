"""Every WebSocket frame, in both directions, as types.

This is the one place where frames, their fields and their limits are written;
``docs/asyncapi.yaml`` and ``frontend/src/protocol.ts`` are generated from it
(``make generate``; ``make test`` fails when they are stale).

A client sends *commands* (imperative). Each is answered by exactly one frame with
the same ``ref``: an ``ok`` reply, or an ``error``. *Events* (past tense) have no
``ref`` and may come at any time, also twice or out of order: a client orders and
completes them by ``seq`` and ``room.sync``.

Times are milliseconds since 1970-01-01 UTC. Fields that hold their default are
left out of the JSON.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from chalicelib import limits

# --- Building blocks -------------------------------------------------------------

#: What ids are made of. The lookahead is for Python, whose ``$`` also matches before a newline.
ID_PATTERN = r"^[A-Za-z0-9_-]+(?!\n)$"
#: A person in the text of a chat. Where ``users`` has no such person it is text like any other.
MENTION_PATTERN = r"<@([A-Za-z0-9_-]{1,64})>"

Ref = Annotated[str, Meta(min_length=1, max_length=32)]
RoomId = Annotated[str, Meta(min_length=1, max_length=64, pattern=ID_PATTERN)]
UserId = Annotated[str, Meta(min_length=1, max_length=64, pattern=ID_PATTERN)]
ClientChatId = Annotated[str, Meta(min_length=8, max_length=64, pattern=ID_PATTERN)]
#: The secret of an invitation, as its link has it.
InviteToken = Annotated[str, Meta(min_length=8, max_length=64, pattern=ID_PATTERN)]
InviteId = Annotated[str, Meta(min_length=1, max_length=64, pattern=ID_PATTERN)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
#: The place of an entry.
EntrySeq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
PageLimit = Annotated[int, Meta(ge=1, le=limits.HISTORY_PAGE_MAX)]
# Generous bounds on what a frame may carry; the rules for names and texts proper
# (trimmed, visible, no control characters) are in texts.py.
RoomNameInput = Annotated[str, Meta(min_length=1, max_length=4 * limits.ROOM_NAME_MAX)]
NicknameInput = Annotated[str, Meta(min_length=1, max_length=4 * limits.NICKNAME_MAX)]
PasscodeInput = Annotated[str, Meta(min_length=1, max_length=4 * limits.PASSCODE_MAX)]
WordInput = Annotated[str, Meta(min_length=1, max_length=4 * limits.ROOM_WORD_LENGTH_MAX)]
EmojiInput = Annotated[str, Meta(min_length=1, max_length=limits.EMOJI_MAX)]
TagInput = Annotated[str, Meta(min_length=1, max_length=4 * limits.TAG_MAX)]
#: Where a page of the directory goes on; made by the server, means nothing to anybody else.
Cursor = Annotated[str, Meta(min_length=1, max_length=200, pattern=ID_PATTERN)]
ChatText = Annotated[str, Meta(min_length=1, max_length=limits.CHAT_TEXT_MAX)]


class EntryKind(StrEnum):
    """What an entry of a room's log is.

    ``chat`` is what people say, ``changed`` and ``void`` are seen by nobody, the others are
    notices.
    """

    CHAT = "chat"
    CREATED = "created"
    JOINED = "joined"
    LEFT = "left"
    HOST_CHANGED = "host_changed"
    #: The host gave the room another name, which is the entry's ``text``.
    RENAMED = "renamed"
    #: Two strangers were matched; ``text`` has the tags that they share, with spaces between.
    MATCHED = "matched"
    #: One of the two wants to keep their room; then the other one did, too, so it is kept.
    KEEP_ASKED = "keep_asked"
    KEPT = "kept"
    #: Moderation. ``user_id`` is who did it, ``about`` whom it was done to; what the new value is
    #: stands in ``text``: a role, or seconds (0: it is over).
    ROLE_CHANGED = "role_changed"
    #: ``text`` is ``banned`` where they can't come back.
    KICKED = "kicked"
    #: Of somebody who was not in the room.
    BANNED = "banned"
    UNBANNED = "unbanned"
    SILENCED = "silenced"
    SLOWED = "slowed"
    #: ``reply_to`` is the place of the chat that is pinned.
    PINNED = "pinned"
    UNPINNED = "unpinned"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    #: Somebody goes by another name in this room: ``text``. A line of its own has the one before,
    #: if that was of this room, too. Without the new one they took it back.
    NICKNAMED = "nicknamed"
    #: ``text`` is the room's ``access`` now, or its ``capacity`` (0: any number).
    ACCESS_CHANGED = "access_changed"
    CAPACITY_CHANGED = "capacity_changed"
    #: ``text`` is how many filter words of its own the room has now; nobody is told which.
    WORDS_CHANGED = "words_changed"
    #: An earlier chat was edited, deleted or reacted to; see ``Entry.changed``.
    CHANGED = "changed"
    #: A place in the log that its writer never filled; shown to nobody, counts as seen.
    VOID = "void"


class Language(StrEnum):
    """A language in which people are matched."""

    KO = "ko"
    EN = "en"
    JA = "ja"
    ZH = "zh"
    ES = "es"
    VI = "vi"


class Topic(StrEnum):
    """What a room is about, for the directory."""

    DAILY = "daily"
    GAMES = "games"
    CULTURE = "culture"
    FANDOM = "fandom"
    STUDY = "study"
    WORK = "work"
    SPORTS = "sports"
    TRAVEL = "travel"


class DirectoryOrder(StrEnum):
    """How the directory is sorted."""

    #: Where something was said last comes first, by steps of some minutes.
    ACTIVE = "active"
    #: Those made last come first.
    NEW = "new"


class Role(StrEnum):
    """What a member may do in a room."""

    HOST = "host"
    #: Named by the host to help; may do to members what the host may.
    MANAGER = "manager"
    MEMBER = "member"


class Access(StrEnum):
    """Who can join a room."""

    #: Everybody.
    OPEN = "open"
    #: Who knows its passcode, or is invited by its host or a manager.
    PASSCODE = "passcode"
    #: Who is invited by them; nobody else can find it.
    PRIVATE = "private"


class ReportReason(StrEnum):
    """What is wrong with a chat or a person."""

    SPAM = "spam"
    ABUSE = "abuse"
    SEXUAL = "sexual"
    MINOR = "minor"
    FRAUD = "fraud"
    OTHER = "other"


class NamedRole(StrEnum):
    """What the host can make of a member."""

    MANAGER = "manager"
    MEMBER = "member"


class LeaveReason(StrEnum):
    """Why one is in a room no more."""

    LEFT = "left"
    KICKED = "kicked"
    #: And can't come back.
    BANNED = "banned"


class ErrorCode(StrEnum):
    """Why a command or a request was refused; the site has a text for each, ko and en."""

    INVALID_FRAME = "invalid_frame"
    INVALID_FIELD = "invalid_field"
    #: A name has a word that nobody has to read; in chats such words are masked.
    BAD_WORD = "bad_word"
    UNKNOWN_TYPE = "unknown_type"
    HELLO_FIRST = "hello_first"
    SIGNED_OUT = "signed_out"
    #: It took too long on its way to us, so it was not done; repeat it as after no answer.
    STALE = "stale"
    ROOM_NOT_FOUND = "room_not_found"
    ROOM_NAME_TAKEN = "room_name_taken"
    NOT_MEMBER = "not_member"
    TOO_MANY_ROOMS = "too_many_rooms"
    HOST_MUST_CHOOSE = "host_must_choose"
    NOT_HOST = "not_host"
    SUCCESSOR_NOT_MEMBER = "successor_not_member"
    #: Not with one's role, or not to somebody of that role.
    NOT_ALLOWED = "not_allowed"
    MEMBER_NOT_FOUND = "member_not_found"
    TOO_MANY_MANAGERS = "too_many_managers"
    #: The room's host or one of its managers does not let one in.
    BANNED = "banned"
    #: Nobody new is let in.
    ROOM_LOCKED = "room_locked"
    #: The link of an invitation was revoked, has expired, or never was one.
    INVITE_NOT_FOUND = "invite_not_found"
    #: It has let in as many as it could.
    INVITE_USED_UP = "invite_used_up"
    TOO_MANY_INVITES = "too_many_invites"
    #: The room is private: only by an invitation.
    INVITE_NEEDED = "invite_needed"
    PASSCODE_NEEDED = "passcode_needed"
    PASSCODE_WRONG = "passcode_wrong"
    #: As many are in the room as can be.
    ROOM_FULL = "room_full"
    CHAT_NOT_FOUND = "chat_not_found"
    NOT_AUTHOR = "not_author"
    TOO_MANY_REACTIONS = "too_many_reactions"
    #: Not now; the same again when ``retry_after_ms`` are over. So much is more than one may do
    #: in so short a time, in a room in slow mode, while one is silenced.
    TOO_FAST = "too_fast"
    SLOW_MODE = "slow_mode"
    SILENCED = "silenced"
    #: An operator has excluded the person, for ``retry_after_ms`` more.
    SUSPENDED = "suspended"
    #: The person has to agree to the terms first, on the site's page for that.
    CONSENT_REQUIRED = "consent_required"
    #: So much one may do only when one's account is older: in ``retry_after_ms``.
    NEW_ACCOUNT = "new_account"
    USER_NOT_FOUND = "user_not_found"
    TOO_MANY_BLOCKS = "too_many_blocks"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    CONSENT_REFUSED = "consent_refused"
    SIGN_IN_EXPIRED = "sign_in_expired"
    KAKAO_REFUSED = "kakao_refused"
    KAKAO_UNAVAILABLE = "kakao_unavailable"
    INTERNAL = "internal"


class User(Struct, omit_defaults=True):
    """A person as others see them. Someone who withdrew has no entry in ``users`` maps."""

    nickname: str
    #: Of a name in one room: the place of the notice that gave it. The highest one knows counts.
    seq: int = 0


class Me(Struct, omit_defaults=True):
    """The person whose connection this is."""

    user_id: str
    nickname: str
    email: str | None = None


class Entry(Struct, omit_defaults=True):
    """One entry of a room's log: a chat, or a notice of what ``user_id`` did."""

    seq: int
    user_id: str
    at: int
    kind: EntryKind = EntryKind.CHAT
    text: str = ""
    #: Of a notice: whom it was done to, where that is somebody else.
    about: str = ""
    #: The place of the chat that this one answers. What that says is in its own entry only.
    reply_to: int = 0
    #: The sender's own id of this chat; lets the sender's other tabs match it.
    cid: str = ""
    #: How often the chat has been changed: of two states of a chat, the higher is the later.
    version: int = 0
    #: When its text was last edited.
    edited_at: int = 0
    #: Deleted for everybody; its text and reactions are gone, its place stays.
    deleted: bool = False
    #: The host or manager who deleted it, where that is not its author.
    deleted_by: str = ""
    #: Who reacted to the chat, by emoji; people in the order of their ids.
    reactions: dict[str, list[str]] = {}
    #: With kind ``changed``: the chat that was changed, as it is by now. Replaces what a client
    #: has of it, unless that is a higher version. Left out when a later entry has it.
    changed: Entry | None = None


class Preview(Struct, omit_defaults=True):
    """The beginning of a room's last chat, for room lists."""

    user_id: str
    text: str
    at: int
    #: It was deleted; there is no text then.
    deleted: bool = False


class Pin(Struct, omit_defaults=True):
    """The chat that stands at the top of a room."""

    #: Its place. It may have been deleted since.
    seq: int
    #: Who pinned it.
    user_id: str


class Room(Struct, omit_defaults=True):
    """A room as one of its members sees it."""

    room_id: str
    name: str
    host_id: str
    member_count: int
    last_seq: int
    #: Changes if this room's log was ever started anew: what a client has of it is void.
    epoch: str
    read_seq: int = 0
    #: How many chats there are after ``read_seq``, up to ``last_seq``. Saying something reads all
    #: before it, so none of them is one's own.
    unread: int = 0
    #: When the last entry was written, or the room was made.
    active_at: int = 0
    preview: Preview | None = None
    #: The place of the notice that gave the room its ``name``: the highest that one knows counts.
    name_seq: int = 0
    #: One wants to hear of it only where one looks; for oneself alone, on all one's devices.
    muted: bool = False
    #: With whom one was matched: a room for two, which has no name and no host. With
    #: ``member_count`` 1 the other one has left, and nobody comes.
    partner_id: str = ""
    #: Who of the two wants to keep it; with both it is kept, before it passes.
    keepers: list[str] = []
    manager_ids: list[str] = []
    #: Slow mode: so long a member waits between two chats; hosts and managers do not.
    slow_ms: int = 0
    locked: bool = False
    pinned: Pin | None = None
    #: Who can join, and how many can be in it; 0: any number.
    access: Access = Access.OPEN
    capacity: int = 0
    #: The place of the last notice of moderation that the fields above, and ``host_id``, are from.
    rules_seq: int = 0
    #: Until when oneself may say nothing in it.
    silenced_until: int = 0
    #: What the directory says of it.
    topic: Topic | None = None
    tags: list[str] = []


class Ban(Struct, omit_defaults=True):
    """Somebody who can't enter a room."""

    user_id: str
    #: Who banned them, and when.
    by: str
    at: int


class Invite(Struct, omit_defaults=True):
    """A link that lets people into a room; what is secret of it is told once, to who made it."""

    invite_id: str
    #: Who made it, and when.
    user_id: str
    at: int
    expires_at: int
    #: How many it has let in, and how many it can; 0: any number.
    used: int = 0
    uses: int = 0


class FoundRoom(Struct, omit_defaults=True):
    """A room as anybody sees it who knows its name: nothing that was said in it."""

    room_id: str
    name: str
    member_count: int
    is_member: bool
    #: What ``room.enter`` will ask for of who is no member.
    access: Access = Access.OPEN


class ListedRoom(Struct, omit_defaults=True):
    """A room as everybody finds it in the directory: nothing that was said in it."""

    room_id: str
    name: str
    member_count: int
    created_at: int
    #: When the last chat was said; 0 if none was.
    said_at: int = 0
    topic: Topic | None = None
    tags: list[str] = []
    #: ``open`` or ``passcode``; and how many can be in it, 0: any number.
    access: Access = Access.OPEN
    capacity: int = 0


class Member(Struct, omit_defaults=True):
    """Somebody's membership of a room."""

    user_id: str
    joined_at: int
    role: Role = Role.MEMBER
    #: How far they have read; only in rooms of so few members that reading is told around.
    read_seq: int | None = None
    #: Until when (ms) they may say nothing, if they may not.
    silenced_until: int | None = None


#: The people that entries, or previews of rooms, are by or speak of: of each chat the first
#: ``MENTIONS_MAX`` that are mentioned. By their ids; who goes by another name in a room is under
#: ``ROOM_ID/USER_ID`` instead, for that room only. An empty name there says that they took it back.
Users = dict[str, User]

# --- Commands: client to server ----------------------------------------------------


class Command(Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True):
    """What a client asks for."""

    ref: Ref


class Hello(Command, tag="session.hello"):
    """First frame of every connection: registers it as an audience of the person's rooms."""


class UpdateProfile(Command, tag="profile.update"):
    """Change one's nickname."""

    nickname: NicknameInput


class ListRooms(Command, tag="room.list"):
    """Those of one's rooms that did not fit into the hello reply."""

    room_ids: Annotated[list[RoomId], Meta(min_length=1, max_length=limits.ROOMS_PER_USER_MAX)]


class OpenRoom(Command, tag="room.open"):
    """Find the room of that name, or make it and become its host."""

    name: RoomNameInput
    #: For the directory, where this makes the room.
    topic: Topic | None = None
    tags: Annotated[list[TagInput], Meta(max_length=limits.ROOM_TAGS_MAX)] = []
    #: Who can join if it is made now. If not everybody: only make it, or find one's own.
    access: Access = Access.OPEN
    #: With ``access`` ``passcode`` only.
    passcode: PasscodeInput | None = None


class EnterRoom(Command, tag="room.enter"):
    """Enter a room, joining it at the first time, and get the newest page of its log."""

    room_id: RoomId
    limit: PageLimit = limits.HISTORY_PAGE_DEFAULT
    #: What an invitation's link has; of no meaning for who is in the room.
    invite: InviteToken | None = None
    #: Of a room that asks for one; likewise.
    passcode: PasscodeInput | None = None


class ListMembers(Command, tag="room.members"):
    """The members of one of one's rooms, a page at a time."""

    room_id: RoomId
    #: The last ``user_id`` of the page before.
    after: UserId | None = None


class LeaveRoom(Command, tag="room.leave"):
    """Leave a room for good.

    A host with other members in the room must say who follows (``successor_id``) or
    that the room is to be closed for everybody (``close``).
    """

    room_id: RoomId
    successor_id: UserId | None = None
    close: bool = False


class RenameRoom(Command, tag="room.rename"):
    """Give a room another name, as its host. Repeating it does no harm."""

    room_id: RoomId
    name: RoomNameInput


class SetRoomNickname(Command, tag="room.set_nickname"):
    """Go by another name in a room, or (with none) by that of one's account again.

    Repeating it does no harm.
    """

    room_id: RoomId
    nickname: NicknameInput | None = None


class DescribeRoom(Command, tag="room.describe"):
    """Say what a room is about, as its host; what is left out is taken away."""

    room_id: RoomId
    topic: Topic | None = None
    tags: Annotated[list[TagInput], Meta(max_length=limits.ROOM_TAGS_MAX)] = []


class ListDirectory(Command, tag="directory.list"):
    """Rooms that everybody may join, a page at a time."""

    order: DirectoryOrder = DirectoryOrder.ACTIVE
    #: Only those about this.
    topic: Topic | None = None
    #: The ``after`` of the page before.
    after: Cursor | None = None


class SearchDirectory(Command, tag="directory.search"):
    """Rooms whose names begin with a text, then those that have it as a tag; with ``#`` only these.

    Case, spaces, signs and accents do not count. Hangul may be half typed, or initials (ㅅㅇ for
    서울).
    """

    text: RoomNameInput
    #: The ``after`` of the page before, of the same text.
    after: Cursor | None = None


class MuteRoom(Command, tag="room.mute"):
    """Have one's devices be quiet about a room, or not any more. Repeating it does no harm."""

    room_id: RoomId
    #: False ends it.
    on: bool = True


class SetRole(Command, tag="room.set_role"):
    """Make a member a manager, or a manager a member again, as the room's host."""

    room_id: RoomId
    user_id: UserId
    role: NamedRole


class TransferRoom(Command, tag="room.transfer"):
    """Make another member the host, as the host, who stays as a member."""

    room_id: RoomId
    user_id: UserId


class KickMember(Command, tag="room.kick"):
    """Put somebody out of a room, at once: as its host anybody, as a manager a member.

    With ``ban`` they can't come back, and need not be in the room.
    """

    room_id: RoomId
    user_id: UserId
    ban: bool = False


class Unban(Command, tag="room.unban"):
    """Let somebody enter again."""

    room_id: RoomId
    user_id: UserId


class ListBans(Command, tag="room.bans"):
    """Who can't enter a room, a page at a time; for its host and managers."""

    room_id: RoomId
    #: The ``after`` of the page before.
    after: UserId | None = None


class SilenceMember(Command, tag="room.silence"):
    """Have somebody say nothing for a while, also if they leave and come back; 0 ends it."""

    room_id: RoomId
    user_id: UserId
    seconds: Annotated[int, Meta(ge=0, le=limits.SILENCE_SECONDS_MAX)]


class SlowRoom(Command, tag="room.slow"):
    """Have members wait between two chats; 0 ends it."""

    room_id: RoomId
    #: One of ``SLOW_SECONDS``.
    seconds: Annotated[int, Meta(ge=0, le=max(limits.SLOW_SECONDS))]


class PinChat(Command, tag="room.pin"):
    """Have a chat stand at the top of the room; without ``seq`` none does."""

    room_id: RoomId
    seq: EntrySeq | None = None


class LockRoom(Command, tag="room.lock"):
    """Let nobody new in, or end that."""

    room_id: RoomId
    #: False ends it.
    on: bool = True


class SetAccess(Command, tag="room.set_access"):
    """Say who can join, as the room's host. Repeating it does no harm."""

    room_id: RoomId
    access: Access
    #: With ``access`` ``passcode`` only.
    passcode: PasscodeInput | None = None


class SetCapacity(Command, tag="room.set_capacity"):
    """Say how many can be in the room, as its host. Who is in it stays in any case."""

    room_id: RoomId
    #: At least ``ROOM_CAPACITY_MIN``, or 0: any number.
    capacity: Annotated[int, Meta(ge=0, le=limits.ROOM_CAPACITY_MAX)]


class SetWords(Command, tag="room.set_words"):
    """Have a room mask these words in what is said from now on, beside those of every room.

    As its host or a manager. All of them, as there is no other way to change the list; none end
    it. Repeating it does no harm.
    """

    room_id: RoomId
    #: Of letters only, two at least. Spelling that makes no difference is one word.
    words: Annotated[list[WordInput], Meta(max_length=limits.ROOM_WORDS_MAX)]


class ListWords(Command, tag="room.words"):
    """A room's own filter words; for its host and managers."""

    room_id: RoomId


class CreateInvite(Command, tag="invite.create"):
    """Make a link that lets people into a room. Repeating it makes another one."""

    room_id: RoomId
    #: How long it lasts: one of ``INVITE_SECONDS``.
    seconds: Annotated[int, Meta(ge=1, le=max(limits.INVITE_SECONDS))] = (
        limits.INVITE_SECONDS_DEFAULT
    )
    #: How many it lets in: one of ``INVITE_USES``; 0: any number.
    uses: Annotated[int, Meta(ge=0, le=max(limits.INVITE_USES))] = 0


class ListInvites(Command, tag="invite.list"):
    """The live links of a room: to its host and managers all, to others their own."""

    room_id: RoomId


class RevokeInvite(Command, tag="invite.revoke"):
    """Have a link let in nobody any more. Repeating it does no harm."""

    room_id: RoomId
    invite_id: InviteId


class MarkRead(Command, tag="room.read"):
    """Everything up to ``seq`` has been seen. It never goes back."""

    room_id: RoomId
    seq: Seq


class RoomPosition(Struct, forbid_unknown_fields=True):
    """How far a client has a room's log."""

    room_id: RoomId
    after: Seq
    epoch: Annotated[str, Meta(max_length=32)] = ""


class SyncRooms(Command, tag="room.sync"):
    """What was missed in any number of rooms; also the keep-alive."""

    rooms: Annotated[list[RoomPosition], Meta(max_length=limits.SYNC_ROOMS_MAX)]


class SendChat(Command, tag="chat.send"):
    """Say something in a room, once, however often this is sent with the same ``cid``."""

    room_id: RoomId
    #: People in it are written as ``MENTION_PATTERN`` says.
    text: ChatText
    #: Made by the client, unique for this person.
    cid: ClientChatId
    #: The place of the chat that this one answers.
    reply_to: EntrySeq | None = None
    #: Only when this is a repeat: the last ``seq`` the client had at its first try.
    retry_since: Seq | None = None


class EditChat(Command, tag="chat.edit"):
    """Change the text of one's own chat. Repeating it does no harm."""

    room_id: RoomId
    seq: Seq
    text: ChatText


class DeleteChat(Command, tag="chat.delete"):
    """Delete a chat for everybody. Repeating it does no harm.

    One's own; as the room's host everybody's, as a manager those of who is neither.
    """

    room_id: RoomId
    seq: Seq


class React(Command, tag="chat.react"):
    """Put one's reaction under a chat, or take it away. Repeating it does no harm."""

    room_id: RoomId
    seq: Seq
    #: One emoji.
    emoji: EmojiInput
    #: False takes it away.
    on: bool = True


class SignalTyping(Command, tag="typing.signal"):
    """One is writing something, at this moment.

    Passed on at once and kept nowhere: at most once in 5 s per connection and room, and not
    in rooms where more than 20 connections listen.
    """

    room_id: RoomId


class ListPresent(Command, tag="room.present"):
    """Who of a room's members is connected right now."""

    room_id: RoomId


class SeekMatch(Command, tag="match.seek"):
    """Be put into a room with a stranger, now or as soon as there is one.

    Who waits repeats it, with ``again``, after the ``again_ms`` of the reply, and over a new
    connection at once.
    """

    #: Made by the client, for each search that it begins.
    cid: ClientChatId
    languages: Annotated[list[Language], Meta(min_length=1, max_length=limits.MATCH_LANGUAGES_MAX)]
    #: Interests. For some seconds only who shares one is looked for, then anybody.
    tags: Annotated[list[TagInput], Meta(max_length=limits.MATCH_TAGS_MAX)] = []
    #: Go on with the search: begin no new one if it is over.
    again: bool = False


class NextMatch(SeekMatch, tag="match.next", kw_only=True):
    """Leave the room of a match, and seek another at once. Repeating it does no harm."""

    room_id: RoomId


class CancelMatch(Command, tag="match.cancel"):
    """Stop seeking. Repeating it does no harm; a search that was found already is told."""

    cid: ClientChatId


class KeepMatch(Command, tag="match.keep"):
    """Want to keep the room of a match. Repeating it does no harm."""

    room_id: RoomId


class ReadHistory(Command, tag="chat.history"):
    """A page of a room's log: the entries just before ``before``, or just after ``after``.

    With neither, the newest page; giving both is an error.
    """

    room_id: RoomId
    before: EntrySeq | None = None
    after: Seq | None = None
    limit: PageLimit = limits.HISTORY_PAGE_DEFAULT


class BlockUser(Command, tag="user.block"):
    """See nothing more of somebody, who is not told. Repeating it does no harm."""

    user_id: UserId
    #: Where one met them: the list of whom one has blocked calls them as they are called there.
    room_id: RoomId | None = None
    #: False ends it.
    on: bool = True


class SendReport(Command, tag="report.send"):
    """Report a chat, or a person whom one met in a room, to the operators.

    They get what was said around it as it is now. Repeating it does no harm while it is open.
    """

    room_id: RoomId
    user_id: UserId
    reason: ReportReason
    #: Which chat of theirs; without it, the person is reported.
    seq: EntrySeq | None = None
    note: Annotated[str, Meta(max_length=limits.REPORT_NOTE_MAX)] = ""


class ListBlocks(Command, tag="user.blocks"):
    """Whom one has blocked, with their names, a page at a time."""

    #: The last ``user_id`` of the page before.
    after: UserId | None = None


AnyCommand = (
    Hello
    | UpdateProfile
    | ListRooms
    | OpenRoom
    | EnterRoom
    | ListMembers
    | LeaveRoom
    | RenameRoom
    | SetRoomNickname
    | DescribeRoom
    | ListDirectory
    | SearchDirectory
    | MuteRoom
    | SetRole
    | TransferRoom
    | KickMember
    | Unban
    | ListBans
    | SilenceMember
    | SlowRoom
    | PinChat
    | LockRoom
    | SetAccess
    | SetCapacity
    | SetWords
    | ListWords
    | CreateInvite
    | ListInvites
    | RevokeInvite
    | MarkRead
    | SyncRooms
    | SendChat
    | EditChat
    | DeleteChat
    | React
    | ReadHistory
    | SignalTyping
    | ListPresent
    | BlockUser
    | ListBlocks
    | SeekMatch
    | NextMatch
    | CancelMatch
    | KeepMatch
    | SendReport
)

# --- Replies: server to client, one per command -------------------------------------


class Reply(Struct, tag_field="type", tag="ok", omit_defaults=True, kw_only=True):
    """The command was carried out. Replies with content add their fields."""

    ref: str


class HelloReply(Reply, tag="ok"):
    """Who one is and one's rooms, most recently active first, as many as fit in a frame."""

    me: Me
    rooms: list[Room]
    users: Users
    #: The server's clock, so that a client with a wrong one shows right times.
    now: int
    #: Rooms that did not fit; ask for them with ``room.list``.
    more_room_ids: list[str] = []
    #: Whom one has blocked, in the order of the ids: nothing of theirs is to be shown.
    blocked: list[str] = []


class ProfileReply(Reply, tag="ok"):
    """How one is known from now on."""

    me: Me


class RoomsReply(Reply, tag="ok"):
    """Rooms as in the hello reply."""

    rooms: list[Room]
    users: Users
    more_room_ids: list[str] = []


class OpenReply(Reply, tag="ok"):
    """The room of that name."""

    room: FoundRoom
    #: True when this command made the room.
    created: bool = False


class DirectoryReply(Reply, tag="ok"):
    """Rooms, some 20 of them; a page may have fewer, even none, and others follow."""

    rooms: list[ListedRoom]
    #: Ask again with ``after`` for the next page.
    after: str | None = None


class EnterReply(Reply, tag="ok"):
    """One is in the room; the newest page of its log."""

    room: Room
    entries: list[Entry]
    users: Users
    #: True when this command made the person a member.
    joined: bool = False
    #: Older entries exist.
    has_before: bool = False


class MembersReply(Reply, tag="ok"):
    """Members in the order of their ids."""

    members: list[Member]
    users: Users
    #: Ask again with ``after`` for the next page.
    after: str | None = None


class BansReply(Reply, tag="ok"):
    """Bans in the order of the people's ids."""

    bans: list[Ban]
    users: Users
    #: Ask again with ``after`` for the next page.
    after: str | None = None


class WordsReply(Reply, tag="ok"):
    """The words in the order in which they were given."""

    words: list[str]


class InviteReply(Reply, tag="ok"):
    """The link was made; ``token`` is told here only."""

    invite: Invite
    #: The link is ``/i/ROOM_ID/TOKEN`` on the site.
    token: str


class InvitesReply(Reply, tag="ok"):
    """Links, the latest first."""

    invites: list[Invite]
    users: Users


class SyncedRoom(Struct, omit_defaults=True):
    """What was missed in one room: ``entries`` follow ``after`` without a gap."""

    room_id: str
    #: The room is gone or one is no longer a member; forget it. Nothing else is set then.
    gone: bool = False
    #: The client's copy is of another log: drop it; ``entries`` start anew.
    reset: bool = False
    epoch: str = ""
    last_seq: int = 0
    #: As in ``Room``.
    read_seq: int = 0
    unread: int = 0
    muted: bool = False
    entries: list[Entry] = []
    #: No more to fetch now; otherwise ask again from the last entry.
    complete: bool = False


class SyncReply(Reply, tag="ok"):
    """An answer for each room that was asked for, in that order."""

    rooms: list[SyncedRoom]
    users: Users


class SendReply(Reply, tag="ok"):
    """The chat is durable."""

    entry: Entry


class ChangeReply(Reply, tag="ok"):
    """The chat is changed, and ``entry`` (kind ``changed``) says so in the log.

    None when there was nothing to change: the reaction was there, or was not.
    """

    entry: Entry | None = None


class PresentReply(Reply, tag="ok"):
    """People who are connected, each once, in the order of their ids."""

    user_ids: list[str]
    #: How many people are connected in all; ``user_ids`` has the first 500.
    count: int


class BlocksReply(Reply, tag="ok"):
    """People in the order of their ids; who withdrew has no name."""

    user_ids: list[str]
    users: Users
    #: In which room one met somebody, by their id, if ``users`` has their name in that room.
    met_in: dict[str, str] = {}
    #: Ask again with ``after`` for the next page.
    after: str | None = None


class MatchReply(Reply, tag="ok"):
    """What has become of a search: it led to ``room``, or goes on, or (with neither) is over."""

    room: Room | None = None
    users: Users = {}
    #: Since when one waits, and after how many ms to ask again; zero if one does not.
    since: int = 0
    again_ms: int = 0


class HistoryReply(Reply, tag="ok"):
    """Entries in ascending ``seq``, without a gap."""

    entries: list[Entry]
    users: Users
    has_before: bool = False
    has_after: bool = False


#: Which reply answers which command.
REPLIES: dict[type[Command], type[Reply]] = {
    Hello: HelloReply,
    UpdateProfile: ProfileReply,
    ListRooms: RoomsReply,
    OpenRoom: OpenReply,
    EnterRoom: EnterReply,
    ListMembers: MembersReply,
    LeaveRoom: Reply,
    RenameRoom: Reply,
    SetRoomNickname: Reply,
    DescribeRoom: Reply,
    ListDirectory: DirectoryReply,
    SearchDirectory: DirectoryReply,
    MuteRoom: Reply,
    SetRole: Reply,
    TransferRoom: Reply,
    KickMember: Reply,
    Unban: Reply,
    ListBans: BansReply,
    SilenceMember: Reply,
    SlowRoom: Reply,
    PinChat: Reply,
    LockRoom: Reply,
    SetAccess: Reply,
    SetCapacity: Reply,
    SetWords: Reply,
    ListWords: WordsReply,
    CreateInvite: InviteReply,
    ListInvites: InvitesReply,
    RevokeInvite: Reply,
    MarkRead: Reply,
    SyncRooms: SyncReply,
    SendChat: SendReply,
    EditChat: ChangeReply,
    DeleteChat: ChangeReply,
    React: ChangeReply,
    ReadHistory: HistoryReply,
    SignalTyping: Reply,
    ListPresent: PresentReply,
    BlockUser: Reply,
    ListBlocks: BlocksReply,
    SeekMatch: MatchReply,
    NextMatch: MatchReply,
    CancelMatch: MatchReply,
    KeepMatch: Reply,
    SendReport: Reply,
}


class ErrorReply(Struct, tag_field="type", tag="error", omit_defaults=True, kw_only=True):
    """The command was not carried out, and nothing was changed.

    ``code`` is for programs (a client shows its own text for it), ``message`` for
    developers: it names the field and the rule.
    """

    code: ErrorCode
    message: str
    #: Absent when the frame was too broken to have a readable one.
    ref: str = ""
    #: The wrong field, where there is one.
    field: str = ""
    #: The same may be asked for again when this is over; absent where time alone does not help.
    retry_after_ms: int = 0


# --- Events: server to client, unasked -----------------------------------------------


class Event(Struct, tag_field="type", omit_defaults=True, kw_only=True):
    """Something happened."""


class EntriesAdded(Event, tag="entries.added"):
    """New entries of one room's log, in ascending ``seq``."""

    room_id: str
    entries: list[Entry]
    users: Users


class RoomJoined(Event, tag="room.joined"):
    """One joined a room on another connection of one's own."""

    room: Room
    users: Users


class MatchFound(Event, tag="match.found"):
    """One was matched: one's search has led to this room."""

    room: Room
    users: Users


class RoomLeft(Event, tag="room.left"):
    """One is in a room no more: left on another connection of one's own, or put out."""

    room_id: str
    reason: LeaveReason = LeaveReason.LEFT


class RoomClosed(Event, tag="room.closed"):
    """The room was closed for everybody."""

    room_id: str
    name: str


class RoomMuted(Event, tag="room.muted"):
    """One muted a room on another connection of one's own, or ended that."""

    room_id: str
    muted: bool


class ReadMarked(Event, tag="read.marked"):
    """Somebody has seen a room up to ``seq``.

    Of oneself (on another connection) always; of others only where at most 20 connections
    listen. Who says something has read what is before it; that is not told apart.
    """

    room_id: str
    user_id: str
    seq: int


class TypingSignalled(Event, tag="typing.signalled"):
    """Somebody is writing something; it holds for some 7 seconds."""

    room_id: str
    user_id: str


class ProfileUpdated(Event, tag="profile.updated"):
    """One's profile was changed on another connection of one's own."""

    me: Me


class UserBlocked(Event, tag="user.blocked"):
    """One blocked somebody on another connection of one's own, or ended that."""

    user_id: str
    blocked: bool


AnyEvent = (
    EntriesAdded
    | RoomJoined
    | MatchFound
    | RoomLeft
    | RoomClosed
    | RoomMuted
    | ReadMarked
    | TypingSignalled
    | ProfileUpdated
    | UserBlocked
)

# --- Encoding -------------------------------------------------------------------------

_decoder = msgspec.json.Decoder(AnyCommand)
_encoder = msgspec.json.Encoder()


class _RefOnly(Struct):
    ref: Any = ""


_ref_decoder = msgspec.json.Decoder(_RefOnly)


def decode_command(frame: str | bytes) -> AnyCommand:
    """Parse a client's frame.

    Raises:
        msgspec.DecodeError: the frame is not JSON.
        msgspec.ValidationError: a field is missing, unknown or breaks its rule.
    """
    command: AnyCommand = _decoder.decode(frame)
    return command


def ref_of(frame: str | bytes) -> str:
    """The ``ref`` of a frame that may be wrong in other ways, or ``""``."""
    try:
        ref = _ref_decoder.decode(frame).ref
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return ref if isinstance(ref, str) and len(ref) <= 32 else ""


def encode(frame: Reply | ErrorReply | Event) -> bytes:
    """A frame as UTF-8 JSON."""
    return _encoder.encode(frame)
