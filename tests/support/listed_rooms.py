"""Rooms of the directory as rows, many at once, without anybody who made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chalicelib import clock
from chalicelib.protocol import Topic


@contextmanager
def rooms_of(names: Iterable[str], topic: Topic | None = None) -> Iterator[list[str]]:
    """Open rooms of these names, the last one made first, with all in their directory; their ids.

    They go with the context. Each was made a second after the next, and nothing was said in it.
    """
    from chalicelib import ids, listing, texts
    from chalicelib.tables import RoomRow

    now = clock.now_ms()
    rows = [
        RoomRow(
            ids.new_id(),
            name=name,
            name_key=texts.room_name_key(name),
            host_id="nobody",
            epoch="e",
            created_at=now - 1_000 * age,
            active_at=now - 1_000 * age,
            last_seq=1,
            member_count=1,
            topic=topic,
        )
        for age, name in enumerate(names)
    ]
    with RoomRow.batch_write() as batch:
        for row in rows:
            listing.put(row)
            batch.save(row)
    try:
        yield [row.room_id for row in rows]
    finally:
        with RoomRow.batch_write() as batch:
            for row in rows:
                batch.delete(row)
