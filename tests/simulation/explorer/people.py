"""What people, clients and Lambdas do in a run.

Each coroutine here is one Lambda's invocation, with what chats.py, delivery.py, joining.py,
commands.py and push_worker.py do around ``writing`` and ``pushing``.
"""

from __future__ import annotations

from typing import Any, Final

from chalicelib import limits
from chalicelib.errors import NotMemberError, NotYetError, RoomNotFoundError, StaleError
from chalicelib.protocol import Entry, EntryKind
from chalicelib.steps import Draft, Place
from tests.simulation.explorer.calls import ModelSteps, call
from tests.simulation.explorer.scheduler import AnswerLostError, KilledError, Task
from tests.simulation.explorer.world import Chat, Client, ViolationError, World

#: Tries of a chat, after which its client dies.
TRIES_MAX: Final = 4
#: How long (ms) a worker goes on before it lets another.
WORKER_MS: Final = 50_000
NO_ANSWER: Final = (KilledError, AnswerLostError, StaleError)


class Lambdas:
    """The invocations that a run can have."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.new_worker = self.invoke_worker

    def steps(self, received: int | None = None) -> ModelSteps:
        """The steps of a new invocation."""
        return ModelSteps(
            self.world,
            self.world.skew(),
            received=received,
            chat_window_ms=self.world.plan.window_ms,
        )

    def now(self) -> int:
        return int(self.world.scheduler.now)

    async def deliver(self, steps: ModelSteps, written: Any) -> None:
        """``delivery.deliver``."""
        try:
            if written.room is None:
                await steps.post([written.entry])
            else:
                holder = self.world.new_id("holder")
                await self.world.code.pushing.push(steps, written.entry, written.room, holder)
        except AnswerLostError:
            self.world.scheduler.note("(what was to be pushed is not: the answer is given)")

    async def send(self, chat: Chat, since: int | None) -> Entry:
        """``commands.send_chat``."""
        # A frame that is delivered twice was taken once.
        received = chat.at if since is None else self.now()
        steps = self.steps(received)
        if since is None:
            self._watch_claims(steps, chat)
        said_at = steps.now()
        if self.world.plan.window_ms and said_at > received + limits.WRITE_WITHIN_MS:
            raise StaleError
        draft = Draft(chat.user_id, said_at, text=chat.cid, cid=chat.cid)
        written = await self.world.code.writing.say(steps, draft, since)
        await self.deliver(steps, written)
        entry: Entry = written.entry
        return entry

    def _watch_claims(self, steps: ModelSteps, chat: Chat) -> None:
        """Excuse a chat whose first try can't know that its claim is forgotten.

        That is so where as many other chats of its person as claims are kept came since it was
        sent, and nobody keeps them from being so many.
        """
        if self.world.plan.window_ms:
            return
        room = self.world.room

        def on_claim() -> None:
            if room.claimed[chat.user_id] - 1 - chat.base >= room.slots:
                chat.is_excused = True

        steps.on_claim = on_claim

    async def notify(self, user_id: str, kind: EntryKind, cid: str) -> Entry:
        """A notice, as of a new host."""
        steps = self.steps()
        draft = Draft(user_id, self.now(), kind, cid=cid)
        written = await self.world.code.writing.append(steps, draft)
        await self.deliver(steps, written)
        entry: Entry = written.entry
        return entry

    async def join(self, user_id: str, cid: str) -> None:
        """``joining.enter``."""
        steps, room = self.steps(), self.world.room
        state = await steps.read_room()
        if state is None or not await call(
            "save_member", room.save_member, user_id, state, cid, self.now()
        ):
            return
        written = await self.world.code.writing.append(
            steps, Draft(user_id, self.now(), EntryKind.JOINED, cid=cid)
        )
        place = Place(written.entry.seq, written.room.chats)
        await call("settle_member", room.settle_member, user_id, cid, place)
        await self.deliver(steps, written)

    async def leave(self, user_id: str, cid: str) -> None:
        """``joining.leave``."""
        steps, room = self.steps(), self.world.room
        if not await call("begin_leaving", room.begin_leaving, user_id, cid):
            return
        written = await self.world.code.writing.append(
            steps, Draft(user_id, self.now(), EntryKind.LEFT, cid=cid)
        )
        await call("delete_member", room.delete_member, user_id, cid)
        await self.deliver(steps, written)

    async def finish_leaving(self, user_id: str, cid: str) -> None:
        """``joining.finish_leaving``, of a leaving that was cut off."""
        steps, room, writing = self.steps(), self.world.room, self.world.code.writing
        member = room.members.get(user_id)
        if member is None or not member.leaving or member.notice_cid != cid:
            return  # it never began, or is finished
        draft = Draft(user_id, self.now(), EntryKind.LEFT, cid=cid)
        if await writing.find(steps, draft, 0) is None:
            written = await writing.append(steps, draft)
            await self.deliver(steps, written)
        await call("delete_member", room.delete_member, user_id, cid)

    async def read(self) -> None:
        """``commands.read_history`` of some range."""
        steps = self.steps()
        state = await steps.read_room()
        if state is None:
            return
        first = self.world.random.randint(1, state.last_seq)
        last = self.world.random.randint(first, state.last_seq)
        entries = await self.world.code.writing.complete(steps, first, last)
        self.world.give(entries, first, last)

    async def sync(self, client: Client) -> None:
        """``commands.sync_rooms``, again until the client has all."""
        steps = self.steps()
        while True:
            state = await steps.read_room()
            if state is None:
                return
            first, last = client.end + 1, state.last_seq
            entries = await self.world.code.writing.complete(steps, first, last)
            self.world.give(entries, first, max(last, first - 1))
            client.take(entries)
            await self.resume(steps)
            if client.end >= last:
                return

    async def resume(self, steps: ModelSteps) -> None:
        """``delivery.resume``."""
        try:
            state = await steps.read_room()
            if state is not None:
                await self.world.code.pushing.resume(steps, state, self.world.new_id("holder"))
        except AnswerLostError:
            self.world.scheduler.note("(nothing is resumed)")

    async def mark(self, user_id: str) -> None:
        """``commands.mark_read`` of some entry."""
        room = self.world.room
        seq = self.world.random.choice(list(room.entries))
        place = Place(seq, room.numbers[seq])
        await call("mark_read", room.mark_read, user_id, place)

    async def carry(self, holder: str, delivered: int) -> None:
        """``push_worker.carry_room``."""
        steps = self.steps()
        until = self.now() + WORKER_MS
        left = await self.world.code.pushing.carry(
            steps, holder, delivered, is_time_left=lambda: self.now() < until
        )
        if left is not None:
            await steps.hand_over(holder, left)

    def invoke_worker(self, holder: str, delivered: int, *, tries: int = 2) -> None:
        """Lambda's asynchronous invocation, which tries twice (functions.yaml)."""

        def on_end(_: Task, __: Any, error: BaseException | None) -> None:
            if isinstance(error, KilledError | AnswerLostError):
                if tries > 1:
                    self.invoke_worker(holder, delivered, tries=tries - 1)
            elif error is not None:
                raise error

        after = 0.0 if tries == 2 else 60_000.0
        label = self.world.new_id("worker")
        self.world.scheduler.spawn(label, self.carry(holder, delivered), after=after, on_end=on_end)


class Person:
    """A member who says things, with a client that repeats what gets no answer."""

    def __init__(self, world: World, lambdas: Lambdas, user_id: str, client: Client) -> None:
        self.world = world
        self.lambdas = lambdas
        self.user_id = user_id
        self.client = client
        self._left = 0

    def talk(self, chats: int) -> None:
        """Say so many chats."""
        self._left = chats
        if self.world.plan.is_parallel:
            while self._left:
                self._next()
        else:
            self._next()

    def _next(self) -> None:
        if not self._left:
            return
        self._left -= 1
        cid = self.world.new_id(f"{self.user_id}-cid")
        chat = Chat(self.user_id, cid, self.client.end)
        chat.base = self.world.room.claimed.get(self.user_id, 0)
        self.world.chats[cid] = chat
        chance, plan = self.world.random.random, self.world.plan
        after = chance() * plan.span
        chat.at = self.lambdas.now() + int(after)
        self._try(chat, None, after)
        if plan.twice and chance() < plan.twice:
            self._try(chat, None, after + chance() * plan.span)
        if plan.races and chance() < plan.races:
            self._try(chat, chat.since, after + chance() * plan.span)

    def _try(self, chat: Chat, since: int | None, after: float) -> None:
        chat.tries += 1

        def on_end(task: Task, entry: Entry | None, error: BaseException | None) -> None:
            if entry is not None:
                self._answered(chat, entry, is_clean=not task.is_struck)
            elif isinstance(error, NO_ANSWER):
                self._no_answer(chat)
            elif isinstance(error, NotYetError):
                self._no_answer(chat, error.retry_after_ms)
            elif isinstance(error, NotMemberError | RoomNotFoundError):
                chat.is_refused = True
            elif error is not None:
                raise error

        label = f"{chat.cid}.{chat.tries}" + ("" if since is None else f"(since {since})")
        send = self.lambdas.send(chat, since)
        self.world.scheduler.spawn(label, send, after=after, on_end=on_end)

    def _answered(self, chat: Chat, entry: Entry, *, is_clean: bool) -> None:
        if is_clean:
            self.world.clean.add(chat.cid)
        if entry.cid != chat.cid:
            raise ViolationError(f"{chat.cid} was answered with {entry}")
        chat.seqs.add(entry.seq)
        if self.world.plan.loss and self.world.random.random() < self.world.plan.loss:
            self._no_answer(chat)  # it was on its way to a connection that is cut
            return
        if not chat.is_acked:
            chat.is_acked = True
            self.client.take([entry])
            self._next()

    def _no_answer(self, chat: Chat, not_before: int = 0) -> None:
        if chat.is_acked or chat.is_refused:
            return
        if chat.tries >= TRIES_MAX:
            self._next()
        elif self.world.plan.moves_on:
            self._next()
            self._try(chat, chat.since, max(not_before, self.world.random.random() * 3000))
        else:
            after = self.world.random.choice((0, 20, limits.REPEAT_AFTER_MS))
            self._try(chat, chat.since, max(not_before, after))
