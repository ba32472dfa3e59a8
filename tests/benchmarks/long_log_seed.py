"""A long past for a room that exists: `python -m tests.benchmarks.long_log_seed`.

Takes what is wanted as JSON from stdin, writes it to the tables straight away, after what the
room holds.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any, Final

#: Between two chats.
PAUSE_MS: Final = 40_000
TALK: Final = (
    "오늘 저녁에 탁구 치러 갈까요? 저는 일곱 시부터 괜찮아요. 라켓은 제가 챙길게요 🏓 "
    "지난번 경기 정말 재미있었어요. 다음에는 복식으로 해요! ㅋㅋㅋ 네 좋아요. "
    "See you there at seven, I will bring the balls. "
)
WORDS: Final = TALK.split()


def text_of(number: int) -> str:
    """What is said in a chat; most are short, some are not. The same at each call."""
    chance = random.Random(number)
    words = chance.choice((1, 2, 3, 4, 5, 6, 8, 12, 20, 40))
    return f"{number} " + " ".join(chance.choices(WORDS, k=words))


def fill(
    *, room_id: str, user_ids: list[str], chats: int, unread: int = 0, stored: int | None = None
) -> None:
    """Say ``chats`` chats.

    Args:
        room_id: where.
        user_ids: members, who say them one after another.
        unread: how many of them nobody has read.
        stored: how many of them are written, the newest; all, unless said otherwise.
    """
    from chalicelib.tables import EntryRow, MemberRow, RoomRow

    room = RoomRow.get(room_id, consistent_read=True)
    first, last = room.last_seq + 1, room.last_seq + chats
    now = time.time_ns() // 1_000_000
    with EntryRow.batch_write() as entries:
        for seq in range(first if stored is None else last - stored + 1, last + 1):
            entries.save(
                EntryRow(
                    room_id,
                    seq,
                    kind="chat",
                    number=room.chats + seq - first + 1,
                    user_id=user_ids[seq % len(user_ids)],
                    text=text_of(seq - first),
                    cid=f"past-{seq:07}",
                    created_at=now - (last - seq) * PAUSE_MS,
                )
            )
    read = last - unread
    for user_id in user_ids:
        MemberRow(user_id, room_id).update(
            actions=[
                MemberRow.read_seq.set(read),
                MemberRow.read_number.set(room.chats + read - first + 1),
            ]
        )
    room.update(
        actions=[
            RoomRow.last_seq.set(last),
            RoomRow.chats.set(room.chats + chats),
            RoomRow.delivered_seq.set(last),
            RoomRow.active_at.set(now),
        ]
    )


def main() -> None:
    """Fill a room."""
    task: dict[str, Any] = json.load(sys.stdin)
    fill(**task)
    print("{}")


if __name__ == "__main__":
    main()
