"""The jobs of the push workers, and starting them: a Lambda that is invoked asynchronously."""

from __future__ import annotations

import msgspec

from chalicelib import invocations
from chalicelib.settings import settings


class PushJob(msgspec.Struct, tag_field="job", forbid_unknown_fields=True):
    """Something to be pushed. Lambda may deliver a job twice, which does no harm."""


class CarryRoom(PushJob, tag="carry_room"):
    """Go on pushing for a busy room, as the holder of its lease."""

    room_id: str
    holder: str
    delivered: int


class PushToAll(PushJob, tag="push_to_all"):
    """Post a frame to all who listen to a large room, except the connection ``but``."""

    room_id: str
    frame: str
    but: str = ""
    #: When (ms) the oldest chat in the frame was said; 0: there is none.
    said_at: int = 0


class PushToSome(PushJob, tag="push_to_some"):
    """Post a frame to some of those who listen to a room."""

    room_id: str
    frame: str
    connection_ids: list[str]
    said_at: int = 0


AnyPushJob = CarryRoom | PushToAll | PushToSome


def start(job: AnyPushJob) -> None:
    """Have a worker do a job; returns when Lambda has taken it over.

    Raises:
        ClientError: Lambda refuses.
        HTTPClientError: it can't be reached.
    """
    invocations.start(settings.push_function, job)


def parse(event: object) -> AnyPushJob:
    """A job as the worker got it."""
    job: AnyPushJob = msgspec.convert(event, AnyPushJob)
    return job
