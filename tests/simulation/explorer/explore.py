"""One run, or many."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from chalicelib import limits
from chalicelib.errors import RoomNotFoundError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Draft
from tests.simulation.explorer import plan as plans
from tests.simulation.explorer import promises
from tests.simulation.explorer.calls import ModelSteps
from tests.simulation.explorer.people import Lambdas, Person
from tests.simulation.explorer.plan import Kind
from tests.simulation.explorer.scheduler import AnswerLostError, Choice, KilledError, Schedule, Task
from tests.simulation.explorer.world import REAL, Client, Code, ViolationError, World

#: How the end of a run is scheduled: without faults.
_QUIET = Schedule(Choice.RANDOM, 2)


class FoundError(AssertionError):
    """A run that breaks a promise, with all that happened in it."""

    def __init__(self, seed: int, why: BaseException, plan: plans.Plan, trace: list[str]) -> None:
        super().__init__(seed, why)
        self.seed = seed
        self.why = why
        self.plan = plan
        self.trace = trace

    def __reduce__(self) -> tuple[type[FoundError], tuple[object, ...]]:
        return FoundError, (self.seed, AssertionError(repr(self.why)), self.plan, self.trace)

    def __str__(self) -> str:
        lines = [f"{self.plan}", *self.trace, f"{self.why!r}", f"make explore SEED={self.seed}"]
        return "\n".join(lines)


@dataclass
class Tally:
    """What was explored."""

    runs: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    #: Hashes of the choices.
    schedules: set[int] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        """Take another's part."""
        self.runs += other.runs
        self.calls += other.calls
        self.faults.update(other.faults)
        self.kinds.update(other.kinds)
        self.schedules |= other.schedules

    def __str__(self) -> str:
        struck = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(self.kinds.items()))
        return (
            f"{self.runs} runs ({kinds}), {len(self.schedules)} different schedules, "
            f"{self.calls} calls; faults: {struck}"
        )


def explore(seeds: Iterable[int], code: Code = REAL) -> Tally:
    """Carry out a run for each seed. Raises FoundError at the first that breaks a promise."""
    tally = Tally()
    for seed in seeds:
        world = _prepare(seed, code, traces=False)
        try:
            _carry_out(world)
        except Exception as error:
            raise FoundError(seed, error, world.plan, trace(seed, code)) from None
        tally.runs += 1
        tally.calls += world.scheduler.picks
        tally.faults.update(map(str, world.scheduler.faults))
        tally.kinds[world.plan.kind] += 1
        tally.schedules.add(hash((seed if not world.scheduler.choices else 0,
                                  bytes(world.scheduler.choices))))  # fmt: skip
    return tally


def trace(seed: int, code: Code = REAL) -> list[str]:
    """All that happens in a run."""
    world = _prepare(seed, code, traces=True)
    try:
        _carry_out(world)
    except Exception as error:
        world.scheduler.note(f"{type(error).__name__}: {error}")
    return world.scheduler.trace or []


def _prepare(seed: int, code: Code, *, traces: bool) -> World:
    rng = random.Random(seed)
    return World(plans.draw(rng), rng, code, traces=traces)


def _carry_out(world: World) -> None:
    lambdas = Lambdas(world)
    try:
        _people_come(world, lambdas)
        world.scheduler.run()
        _settle(world, lambdas)
    finally:
        world.scheduler.close()


def _people_come(world: World, lambdas: Lambdas) -> None:
    plan, chance = world.plan, world.random.random
    scheduler = world.scheduler

    def when() -> float:
        return chance() * plan.span * 1.5

    def spawn_notice(kind: EntryKind, user_id: str) -> None:
        cid = world.new_id("notice")

        def on_end(task: Task, entry: Entry | None, error: BaseException | None) -> None:
            if entry is not None and not task.is_struck:
                world.clean.add(cid)
            _judge(error)

        scheduler.spawn(cid, lambdas.notify(user_id, kind, cid), after=when(), on_end=on_end)

    people = [f"p{number}" for number in range(len(plan.chats))]
    for user_id, chats in zip(people, plan.chats, strict=True):
        Person(world, lambdas, user_id, world.add_member(user_id)).talk(chats)
    listener = world.add_member("listener")
    if plan.loss or plan.kind is Kind.ROUGH:
        world.on_post = lambda client: _sync_soon(world, lambdas, client)
    for _ in range(plan.notices):
        spawn_notice(EntryKind.HOST_CHANGED, "listener")
    for number in range(plan.leaves):
        _spawn_leaving(world, lambdas, people[number], when(), returns=number < plan.returns)
    for _ in range(plan.joins):
        joiner = Person(world, lambdas, "joiner", world.add_client())
        _spawn_joining(world, lambdas, "joiner", when())
        joiner.talk(1)
    for number in range(plan.readers):
        scheduler.spawn(f"reader{number}", lambdas.read(), after=when(), on_end=_on_end)
    for number in range(plan.marks):
        user_id = world.random.choice([*people, "listener"])
        scheduler.spawn(f"mark{number}", lambdas.mark(user_id), after=when(), on_end=_on_end)
    for number in range(plan.resumes):
        resume = lambdas.resume(lambdas.steps())
        scheduler.spawn(f"resume{number}", resume, after=when() * 4, on_end=_on_end)
    if plan.loss:
        scheduler.spawn("sync", lambdas.sync(listener), after=when(), on_end=_on_end)
    if plan.is_closed:
        scheduler.later("host", ("close", world.room.close, (), {}), when())


def _spawn_leaving(
    world: World, lambdas: Lambdas, user_id: str, after: float, *, returns: bool
) -> None:
    cid = world.new_id("left")
    scheduler = world.scheduler

    def on_end(task: Task, _: object, error: BaseException | None) -> None:
        _judge(error)
        if not task.is_struck:
            world.clean.add(cid)
        if error is not None:  # whoever comes next finishes it, after 12 s
            scheduler.spawn(
                f"{cid}(again)", lambdas.finish_leaving(user_id, cid), after=12_000, on_end=_on_end
            )
        if returns:
            _spawn_joining(world, lambdas, user_id, world.random.random() * 30)

    scheduler.spawn(cid, lambdas.leave(user_id, cid), after=after, on_end=on_end)


def _spawn_joining(world: World, lambdas: Lambdas, user_id: str, after: float) -> None:
    cid = world.new_id("joined")

    def on_end(task: Task, _: object, error: BaseException | None) -> None:
        if error is None and not task.is_struck:
            world.clean.add(cid)
        _judge(error)

    world.scheduler.spawn(cid, lambdas.join(user_id, cid), after=after, on_end=on_end)


def _sync_soon(world: World, lambdas: Lambdas, client: Client) -> None:
    """Let a client that misses something ask for it."""
    if not client.has_gap or client.is_syncing:
        return
    client.is_syncing = True

    def on_end(_: Task, __: object, error: BaseException | None) -> None:
        client.is_syncing = False
        _judge(error)

    world.scheduler.spawn("client", lambdas.sync(client), after=300, on_end=on_end)


def _on_end(_: Task, __: object, error: BaseException | None) -> None:
    _judge(error)


def _judge(error: BaseException | None) -> None:
    """Errors that belong to a run are no findings."""
    if error is not None and not isinstance(
        error, KilledError | AnswerLostError | RoomNotFoundError
    ):
        raise error


def _settle(world: World, lambdas: Lambdas) -> None:
    """Let a run come to rest, and judge it."""
    plan, scheduler, room = world.plan, world.scheduler, world.room
    scheduler.schedule = _QUIET
    world.plan = replace(plan, loss=0.0)
    scheduler.note("--- all have ended")
    if room.is_closed:
        promises.check_log(world, [entry for _, entry in sorted(room.entries.items())])
        return
    if plan.kind in (Kind.CALM, Kind.BUSY):
        promises.check_pushed(world, all_of_them=True)
        if promises.has_pace(world):
            promises.check_pace(world)
    else:
        scheduler.now += limits.LEASE_MS + 100
        last = world.random.random() < 0.5 and room.lease is not None
        if last:
            scheduler.spawn("resume", lambdas.resume(ModelSteps(world)), on_end=_on_end)
        else:
            scheduler.spawn("last", _say_last(world, lambdas), on_end=_on_end)
        scheduler.run()
        promises.check_pushed(world, all_of_them=False)
    # (What nobody meets needs no scheduling.)
    for client in world.clients:
        scheduler.drive(lambdas.sync(client))
    fresh = Client()
    scheduler.drive(lambdas.sync(fresh))
    log = [fresh.entries[seq] for seq in sorted(fresh.entries)]
    if [entry.seq for entry in log] != list(range(1, room.last_seq + 1)):
        raise ViolationError(f"the log has holes: {log}")
    promises.check_log(world, log)
    promises.check_unread(world, log)
    promises.check_given(world, log)


async def _say_last(world: World, lambdas: Lambdas) -> None:
    """One more send, by somebody whom nothing happens to."""
    steps = ModelSteps(world)
    draft = Draft("listener", lambdas.now(), text="last", cid="last")
    written = await world.code.writing.say(steps, draft)
    await lambdas.deliver(steps, written)
    world.clean.add("last")


def until_found(code: Code, seeds: Iterable[int]) -> int | None:
    """After how many runs a promise is broken; None if it is not."""
    for count, seed in enumerate(seeds, 1):
        try:
            explore([seed], code)
        except FoundError:
            return count
    return None
