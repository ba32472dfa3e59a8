"""Every limit that people or clients can run into, each written once.

Lengths of texts are in Unicode code points, times in the unit that the name says.
"""

from typing import Final

# What people write.
CHAT_TEXT_MAX: Final = 4000
ROOM_NAME_MAX: Final = 40
NICKNAME_MAX: Final = 20

# What one person may have.
ROOMS_PER_USER_MAX: Final = 100

# Pages.
HISTORY_PAGE_DEFAULT: Final = 50
HISTORY_PAGE_MAX: Final = 100
MEMBERS_PAGE_MAX: Final = 100
SYNC_ROOMS_MAX: Final = ROOMS_PER_USER_MAX

# The room list shows the beginning of the last chat.
PREVIEW_MAX: Final = 60

# API Gateway bills WebSocket messages per 32 KB; a frame that we send stays below that
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
FRAME_BYTES_MAX: Final = 32 * 1024
# What a page of chats or rooms may take of a frame; the rest is for users and envelope.
PAGE_BYTES_MAX: Final = 18 * 1024
# A name in a users map, at most; and a room in a sync reply, without its entries.
USER_BYTES_MAX: Final = 125
SYNCED_ROOM_BYTES_MAX: Final = 125

# Sending once (docs/decisions/0008-late-sends.md): nothing is written for a frame that API
# Gateway took longer ago, and clients repeat a send no sooner than REPEAT_AFTER_MS.
WRITE_WITHIN_MS: Final = 8_000
REPEAT_AFTER_MS: Final = 12_000
# How many repeated sends of one person in one room are remembered.
RETRIED_CIDS_MAX: Final = 8

# Lifetimes.
SESSION_SECONDS: Final = 30 * 24 * 3600
SIGN_IN_SECONDS: Final = 10 * 60
# API Gateway ends a connection after 2 hours; what outlives that is litter.
CONNECTION_SECONDS: Final = 2 * 3600 + 10 * 60
