"""The push workers: what pushing a sender can't do while its person waits for the answer.

They go on for rooms that are busy, and share out the audience of rooms that are large. Every
job can be repeated and cut off at any step: a push is a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from chalicelib import delivery, limits, log, pushing, workers
from chalicelib.steps import run as run_steps
from chalicelib.workers import CarryRoom, PushToAll, PushToSome

RemainingMs = Callable[[], int]

#: A worker that has less time left than this lets another go on, in ms.
ENOUGH_MS: Final = 10_000
#: Invocations under way at once.
INVOCATIONS_MAX: Final = 16


def run(event: object, remaining_ms: RemainingMs) -> None:
    """Do a job.

    Args:
        event: the job, as the Lambda got it.
        remaining_ms: how much time is left.
    """
    with log.invocation("push_job") as line:
        job = workers.parse(event)
        line |= {"type": job.__struct_config__.tag, "room_id": job.room_id}
        match job:
            case CarryRoom():
                carry_room(job, remaining_ms)
            case PushToAll():
                push_to_all(job)
            case PushToSome():
                _post(job, job.connection_ids)


def carry_room(job: CarryRoom, remaining_ms: RemainingMs) -> None:
    """Push for a busy room until it is quiet, or time is short and another worker goes on."""
    steps = delivery.RoomSteps(job.room_id)
    delivered = run_steps(
        pushing.carry(
            steps, job.holder, job.delivered, is_time_left=lambda: remaining_ms() > ENOUGH_MS
        )
    )
    if delivered is not None:
        # If that fails, the lease expires, and whoever comes next takes it over.
        run_steps(steps.hand_over(job.holder, delivered))


def push_to_all(job: PushToAll) -> None:
    """Give every full thousand of the audience to another worker, and post to the rest."""
    waiting: list[str] = []
    shared: list[Future[None]] = []
    with ThreadPoolExecutor(INVOCATIONS_MAX) as pool:
        for page in delivery.audience_pages(job.room_id):
            waiting += [connection_id for connection_id, _ in page if connection_id != job.but]
            while len(waiting) > limits.AUDIENCE_INLINE_MAX:
                some = waiting[: limits.AUDIENCE_INLINE_MAX]
                del waiting[: limits.AUDIENCE_INLINE_MAX]
                share = PushToSome(job.room_id, job.frame, some, job.said_at)
                shared.append(pool.submit(_share, share))
        _post(job, waiting)
    for each in shared:
        each.result()


def _share(job: PushToSome) -> None:
    try:
        workers.start(job)
    except Exception as error:  # then it is posted here, later than by another
        log.exception("share_failed", error, room_id=job.room_id)
        _post(job, job.connection_ids)


def _post(job: PushToAll | PushToSome, connection_ids: Collection[str]) -> None:
    delivery.post(job.room_id, job.frame.encode(), connection_ids, said_at=job.said_at)
