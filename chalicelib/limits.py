"""Every limit that people or clients can run into, each written once.

Lengths of texts are in Unicode code points, times in the unit that the name says.
"""

from typing import Final

# What people write.
CHAT_TEXT_MAX: Final = 4000
ROOM_NAME_MAX: Final = 40
NICKNAME_MAX: Final = 20
# So long after one a member can't go by another name in a room: everybody in it is told of each.
ROOM_NICKNAME_EVERY_MS: Final = 30_000
# So many of the people that a chat mentions are named to those who get it.
MENTIONS_MAX: Final = 20

# What one person may have.
ROOMS_PER_USER_MAX: Final = 100
BLOCKS_MAX: Final = 500

# Reports: what is added to one, how many in an hour of the clock, how many places of the log an
# operator sees around a chat; and what that may take of an item of at most 400 KB.
REPORT_NOTE_MAX: Final = 500
REPORTS_PER_HOUR: Final = 10
REPORT_CONTEXT: Final = 10
REPORT_CONTEXT_BYTES: Final = 256 * 1024

# Pages.
HISTORY_PAGE_DEFAULT: Final = 50
HISTORY_PAGE_MAX: Final = 100
MEMBERS_PAGE_MAX: Final = 100
BLOCKS_PAGE_MAX: Final = 100
SYNC_ROOMS_MAX: Final = ROOMS_PER_USER_MAX

# The room list shows the beginning of the last chat. A mention, of which a name is seen, counts as
# a few letters; what is stored of it all stays within so many bytes, as 60 of any letters do.
PREVIEW_MAX: Final = 60
PREVIEW_MENTION_LENGTH: Final = 4
PREVIEW_BYTES_MAX: Final = 240

# API Gateway bills WebSocket messages per 32 KB; a frame that we send stays below that
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
FRAME_BYTES_MAX: Final = 32 * 1024
# What a page of chats or rooms, with the names in it, may take of a frame.
PAGE_BYTES_MAX: Final = 28 * 1024
# Somebody in a users map, at most, also where they took a room's name back; and a room in a sync
# reply, without its entries.
USER_BYTES_MAX: Final = 201
# The id of somebody in a list.
USER_ID_BYTES_MAX: Final = 25
SYNCED_ROOM_BYTES_MAX: Final = 185

# Sending once (docs/decisions/0013-claims.md): so many of a person's latest chats in a room
# are known by their cid; and what API Gateway took longer ago is not done any more.
CLAIMS_PER_MEMBER: Final = 8
# Shorter by what clocks may differ than the window in which a person says so many at most
# (CHAT_WINDOW_MS in settings.py): so what comes twice always finds its claim.
WRITE_WITHIN_MS: Final = 7_500
# A client repeats a send that got no answer for so long; at once over a new connection.
REPEAT_AFTER_MS: Final = 5_000

# Edits, deletions and reactions of one person in a room, in the same window (CHAT_WINDOW_MS).
CHANGES_MAX: Final = 20

# Pushing (docs/decisions/0014-room-lease.md).
# Whoever pushes for a room says that they are alive within this.
LEASE_MS: Final = 5_000
# So many listeners get a chat from the Lambda that stored it; more need workers of so many each.
AUDIENCE_INLINE_MAX: Final = 1_000

# What is told to everybody in a room, unless there are more listeners than this: who has read
# up to where, and who is writing.
TELLING_AUDIENCE_MAX: Final = 20
# A signal costs as much as a chat, and there are more of them: seldom, but sooner than what it says
# ends (TYPING_MS in frontend/src/core/typing.ts).
TYPING_INTERVAL_MS: Final = 5_000
PRESENT_MAX: Final = 500

# Reactions: code points of an emoji (a family is 11), and how many a chat can have: with the
# names of all who reacted, and however long each is, the longest chat still fits into a frame.
EMOJI_MAX: Final = 16
REACTIONS_PER_CHAT_MAX: Final = 64

# Meeting somebody (docs/decisions/0030-match.md).
TAG_MAX: Final = 20
MATCH_TAGS_MAX: Final = 5
MATCH_LANGUAGES_MAX: Final = 3
# So long one waits for somebody with a common tag before one takes anybody.
MATCH_PREFER_MS: Final = 4_000
# Who waits asks again this often, or is taken for gone after the other.
MATCH_RENEW_MS: Final = 15_000
MATCH_TICKET_MS: Final = 40_000
# So many of those who wait are read at once.
MATCH_PAGE: Final = 50
# The same two are not matched again within this, if neither met more others since.
MATCH_MET_MS: Final = 3 * 3600 * 1000
MATCH_MET_MAX: Final = 100
# So many searches one may begin within this.
MATCH_SEEKS_MAX: Final = 20
MATCH_WINDOW_MS: Final = 60_000
# What DynamoDB may delete is of no use since then.
MATCH_LITTER_SECONDS: Final = 3600

# The directory of rooms (docs/decisions/0034-directory.md).
ROOM_TAGS_MAX: Final = 3
DIRECTORY_PAGE: Final = 20
# So much later a room that is talked in moves up among those that are active.
DIRECTORY_STEP_MS: Final = 5 * 60 * 1000
# Rooms without a topic are spread over so many partitions; those of a topic share one.
DIRECTORY_PARTS: Final = 4
# So much of a name, as single letters and as initials, is in the index; the rest is looked at.
DIRECTORY_LETTERS: Final = 18
DIRECTORY_INITIALS: Final = 8

# Moderation (docs/decisions/0031-moderation.md).
MANAGERS_MAX: Final = 5
SILENCE_SECONDS_MAX: Final = 7 * 24 * 3600
# How long slow mode may have members wait between two chats; 0 is off.
SLOW_SECONDS: Final = (0, 5, 10, 30, 60, 300)
BANS_PAGE_MAX: Final = 50
# A room's own filter words (docs/decisions/0037-room-words.md): how many, and how long each.
ROOM_WORDS_MAX: Final = 30
ROOM_WORD_LENGTH_MIN: Final = 2
ROOM_WORD_LENGTH_MAX: Final = 20

# Invitations (docs/decisions/0033-getting-in.md): how long a link may last, and how many it may
# let in (0: any number); how many live ones a person may have in a room, and how many there may
# be of all its members before only the host and managers can make more.
INVITE_SECONDS: Final = (3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
INVITE_SECONDS_DEFAULT: Final = 7 * 24 * 3600
INVITE_USES: Final = (0, 1, 10)
INVITES_PER_PERSON_MAX: Final = 10
INVITES_MAX: Final = 50

# Passcodes and places (docs/decisions/0033-getting-in.md): so many tries has a person at a room in
# any time of this length.
PASSCODE_MIN: Final = 4
PASSCODE_MAX: Final = 20
PASSCODE_TRIES: Final = 5
PASSCODE_WINDOW_MS: Final = 10 * 60 * 1000
ROOM_CAPACITY_MIN: Final = 2
ROOM_CAPACITY_MAX: Final = 10_000

# One's account (docs/decisions/0035-account.md).
# Which terms one has to agree to: goes up when their meaning changes.
TERMS_VERSION: Final = 1
# What is known of one can be had once in this time, in pages of so many bytes and reports.
EXPORT_EVERY_MS: Final = 3_600_000
EXPORT_PAGE_BYTES: Final = 1_000_000
EXPORT_PAGES_MAX: Final = 2_000
EXPORT_REPORTS_MAX: Final = 1_000

# What who has just signed up may do (NEW_ACCOUNT_HOURS in settings.py): how many rooms they can
# make in all that time, and how many searches they can begin in MATCH_WINDOW_MS.
NEW_ACCOUNT_ROOMS_MAX: Final = 5
NEW_ACCOUNT_SEEKS_MAX: Final = 8

# Lifetimes.
SESSION_SECONDS: Final = 30 * 24 * 3600
SIGN_IN_SECONDS: Final = 10 * 60
# API Gateway ends a connection after 2 hours; what outlives that is litter.
CONNECTION_SECONDS: Final = 2 * 3600 + 10 * 60
