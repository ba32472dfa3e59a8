"""The metrics that CloudWatch makes of the app's log lines, exactly.

The handlers run in this process, so what they print is theirs. A job runs beside its command
and shares its counts (handlers.py), so jobs are run here by hand where they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import clock, limits, metrics
from tests.integration.test_conversation import go_away, open_room, say
from tests.integration.test_leaving import my_id
from tests.support.chat import ChatClient, CommandRefusedError, ConnectionRefusedWithStatusError
from tests.support.handlers import HandlerSite
from tests.support.log_lines import Line, lines_of, metrics_of
from tests.support.room_rows import put_lease, store, subscribe, take_place
from tests.support.site import Browser, new_person, unique

HOLDER = "holder-of-this-test"


class Written:
    """What is logged within ``with``."""

    def __init__(self, handlers: HandlerSite, capsys: pytest.CaptureFixture[str]) -> None:
        self._finish = handlers.management.finish_jobs
        self._capsys = capsys
        self.lines: list[Line] = []

    @contextmanager
    def here(self) -> Iterator[None]:
        self._finish()
        self._capsys.readouterr()
        yield
        self._finish()
        self.lines = lines_of(self._capsys.readouterr().out)

    @property
    def line(self) -> Line:
        """The only one."""
        (line,) = self.lines
        return line

    @property
    def counts(self) -> dict[str, Any]:
        """The metrics of the only line but PushLag, which the clock decides."""
        return {name: value for name, value in metrics_of(self.line).items() if name != "PushLag"}


@pytest.fixture
def written(handlers: HandlerSite, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(handlers, capsys)


@pytest.fixture
def room_id(host: ChatClient) -> str:
    return open_room(host)


@pytest.fixture
def listeners(handlers: HandlerSite, host: ChatClient, room_id: str) -> list[ChatClient]:
    """Two people who say nothing in the room."""
    clients = [new_person(handlers).chat() for _ in range(2)]
    for client in clients:
        client.ask("room.enter", room_id=room_id)
    handlers.management.finish_jobs()
    return clients


@pytest.fixture
def clock_runs_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A clock that stands still, but for what a test adds to its only item."""
    now = [clock.now_ms()]
    monkeypatch.setattr(clock, "now_ms", lambda: now[0])
    return now  # type: ignore[return-value]


def carry(room_id: str, delivered: int, holder: str = HOLDER) -> None:
    """Do a worker's job here and now."""
    from chalicelib import push_worker

    job = {"job": "carry_room", "room_id": room_id, "holder": holder, "delivered": delivered}
    push_worker.run(job, lambda: 60_000)


# --- Chats and posts ------------------------------------------------------------------------


def test_a_chat_of_a_quiet_room(
    written: Written, host: ChatClient, room_id: str, listeners: list[ChatClient]
) -> None:
    with written.here():
        say(host, room_id, "얼마예요?")
    assert written.counts == {"Chats": 1, "Posts": 2}
    assert metrics_of(written.line)["PushLag"] >= 0
    line = written.line
    assert (line["event"], line["type"], line["outcome"]) == ("message", "chat.send", "ok")
    assert line["room_id"] == room_id
    assert line["connection_id"] == host.transport.connection_id
    assert line["dynamodb"] == {"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "Query": 1}
    assert line["posts"] == {"ok": 2}


def test_a_chat_of_a_busy_room_is_posted_by_another(
    written: Written, host: ChatClient, room_id: str, listeners: list[ChatClient]
) -> None:
    put_lease(room_id, HOLDER, delivered=3, is_live=True)
    with written.here():
        say(host, room_id, "다들 말하네요")
    assert metrics_of(written.line) == {"Chats": 1}
    with written.here():
        carry(room_id, delivered=3)
    # To all three: a worker does not know who has had it for a reply.
    assert written.counts == {"Posts": 3}
    assert (written.line["event"], written.line["type"]) == ("push_job", "carry_room")
    assert written.line["room_id"] == room_id


def test_a_chat_that_is_sent_again_is_counted_once(
    written: Written, host: ChatClient, room_id: str, listeners: list[ChatClient]
) -> None:
    said = say(host, room_id, "한 번만")
    for more in ({"retry_since": said["seq"] - 1}, {}):
        with written.here():
            say(host, room_id, "한 번만", cid=said["cid"], **more)
        # It is pushed once more, as its first try may have died; when it was said tells nothing
        # of how late that push is.
        assert metrics_of(written.line) == {"Posts": 2}


def test_a_chat_whose_first_try_died_before_it_was_stored_is_counted(
    written: Written, host: ChatClient, room_id: str
) -> None:
    from chalicelib.dynamodb_steps import LogSteps
    from chalicelib.pace import Pace
    from chalicelib.protocol import EntryKind
    from chalicelib.steps import Claim, Draft, Place, run

    user_id, cid = my_id(host), unique("cid")
    draft = Draft(user_id, clock.now_ms(), EntryKind.CHAT, text="다시", cid=cid)
    steps = LogSteps(room_id)
    room = run(steps.take_place(draft))
    place = Place(room.last_seq, room.chats)
    assert run(steps.claim(user_id, Claim(cid, place, draft.at), Pace(draft.at, 0)))
    with written.here():
        say(host, room_id, "다시", cid=cid, retry_since=place.seq - 1)
    assert metrics_of(written.line) == {"Chats": 1}


def test_changes_and_notices_are_no_chats(
    written: Written, host: ChatClient, room_id: str, listeners: list[ChatClient]
) -> None:
    seq = say(host, room_id, "처음")["seq"]
    with written.here():
        host.ask("chat.edit", room_id=room_id, seq=seq, text="고친 말")
        listeners[0].ask("room.leave", room_id=room_id)
    assert all("Chats" not in metrics_of(line) for line in written.lines)
    # Of what is no chat it is not measured how late it is.
    assert all("PushLag" not in metrics_of(line) for line in written.lines)


def test_a_large_audience_is_posted_to_by_workers(
    written: Written,
    handlers: HandlerSite,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    monkeypatch: pytest.MonkeyPatch,
    clock_runs_on: list[int],
) -> None:
    from chalicelib import push_worker

    monkeypatch.setattr(limits, "AUDIENCE_INLINE_MAX", 1)
    functions = handlers.management.functions
    monkeypatch.setitem(functions, "push", lambda event: None)
    handlers.management.invocations.clear()
    with written.here():
        say(host, room_id, "모두에게")
    assert metrics_of(written.line) == {"Chats": 1}
    ((_, to_all),) = handlers.management.invocations
    clock_runs_on[0] += 250
    with written.here():
        push_worker.run(to_all, lambda: 60_000)
    assert metrics_of(written.line) == {"Posts": 1, "PushLag": 250}
    _, (_, to_some) = handlers.management.invocations
    clock_runs_on[0] += 250
    with written.here():
        push_worker.run(to_some, lambda: 60_000)
    assert metrics_of(written.line) == {"Posts": 1, "PushLag": 500}
    assert written.line["type"] == "push_to_some"


def test_a_connection_that_is_gone(
    written: Written, handlers: HandlerSite, host: ChatClient, room_id: str
) -> None:
    subscribe(room_id, [unique("gone")])
    with written.here():
        say(host, room_id, "여보세요")
    assert written.counts == {"Chats": 1, "GoneConnections": 1}
    with written.here():
        say(host, room_id, "여보세요?")
    assert written.counts == {"Chats": 1}


def test_posts_that_are_refused(
    written: Written,
    handlers: HandlerSite,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handlers.management, "post", lambda connection_id, body: 403)
    with written.here():
        say(host, room_id, "안 들려요")
    warning, line = written.lines
    assert (warning["event"], warning["by"]) == ("posts_failed", {"403": 2})
    counts = metrics_of(line)
    del counts["PushLag"]
    assert counts == {"Chats": 1, "FailedPosts": 2}


# --- How late -----------------------------------------------------------------------------


def test_how_late_a_frame_is_goes_by_its_oldest_chat(
    written: Written,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    clock_runs_on: list[int],
) -> None:
    user_id = my_id(host)
    put_lease(room_id, HOLDER, delivered=3, is_live=True)
    for _ in range(2):
        store(room_id, user_id, "하나")
        clock_runs_on[0] += 100
    with written.here():
        carry(room_id, delivered=3)
    assert metrics_of(written.line) == {"Posts": 3, "PushLag": 200}


def test_a_frame_without_chats_has_no_age(
    written: Written,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
) -> None:
    from chalicelib.protocol import EntryKind

    put_lease(room_id, HOLDER, delivered=3, is_live=True)
    take_place(room_id, my_id(host), EntryKind.JOINED)
    with written.here():
        carry(room_id, delivered=3)
    assert metrics_of(written.line) == {"Posts": 3}


def test_the_clock_of_another_lambda_may_be_ahead(
    written: Written,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    clock_runs_on: list[int],
) -> None:
    put_lease(room_id, HOLDER, delivered=3, is_live=True)
    store(room_id, my_id(host), "미래에서")
    clock_runs_on[0] -= 300
    with written.here():
        carry(room_id, delivered=3)
    assert metrics_of(written.line) == {"Posts": 3, "PushLag": 0}


# --- A holder that died -------------------------------------------------------------------


@pytest.mark.parametrize("command", ["room.sync", "room.enter", "chat.send"])
def test_what_a_dead_holder_left_is_counted_where_it_is_taken_over(
    written: Written,
    handlers: HandlerSite,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    # The worker that goes on would begin to count anew, in this process.
    monkeypatch.setitem(handlers.management.functions, "push", lambda event: None)
    store(room_id, my_id(host), "남은 말")
    put_lease(room_id, "dead", delivered=3, is_live=False)
    fields: dict[str, dict[str, Any]] = {
        "room.sync": {"rooms": [{"room_id": room_id, "after": 4}]},
        "room.enter": {"room_id": room_id},
        "chat.send": {"room_id": room_id, "text": "다음 말", "cid": unique("cid")},
    }
    with written.here():
        host.ask(command, **fields[command])
    assert sum(metrics_of(line).get("ResumedPushes", 0) for line in written.lines) == 1


def test_taking_a_lease_that_nobody_held_is_no_resumed_push(
    written: Written,
    host: ChatClient,
    room_id: str,
    listeners: list[ChatClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chalicelib.delivery import RoomSteps

    # (So slow that the second chat is faster on any machine.)
    monkeypatch.setattr(RoomSteps, "frame_pace_ms", 1_000)
    with written.here():
        say(host, room_id, "빨리")
        say(host, room_id, "빨리")
    assert [metrics_of(line).get("Chats") for line in written.lines if "type" in line][:2] == [1, 1]
    assert all("ResumedPushes" not in metrics_of(line) for line in written.lines)


# --- Catching up --------------------------------------------------------------------------


def test_only_a_sync_that_had_something_missed_is_a_catch_up(
    written: Written, handlers: HandlerSite, host: ChatClient, guest: Browser
) -> None:
    positions = go_away(guest, host, rooms=3)
    back = guest.chat()
    with written.here():
        back.ask("room.sync", rooms=positions)
    assert metrics_of(written.line) == {}
    for position in positions[:2]:
        say(host, position["room_id"], "놓친 말")
    with written.here():
        back.ask("room.sync", rooms=positions)
    assert metrics_of(written.line) == {"CatchUps": 1}
    # Another log: all of it is new.
    with written.here():
        back.ask("room.sync", rooms=[positions[2] | {"epoch": "another"}])
    assert metrics_of(written.line) == {"CatchUps": 1}


# --- What is refused, and what fails --------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        "?",
        '{"type": "no.such", "ref": "1"}',
        '{"type": "chat.send", "ref": "1"}',
        '{"type": "room.enter", "ref": "1", "room_id": "no-such-room-of-anybody"}',
    ],
)
def test_what_a_client_did_wrong(written: Written, host: ChatClient, frame: str) -> None:
    with written.here():
        answer = host.send_raw(frame, "1" if "ref" in frame else "")
    assert answer["type"] == "error"
    assert metrics_of(written.line) == {"RefusedInputs": 1}
    assert written.line["outcome"] == answer["code"]
    # An id that is nobody's may be anything.
    assert "room_id" not in written.line


def test_what_nobody_did_wrong_is_no_refused_input(
    written: Written, handlers: HandlerSite, host: ChatClient, room_id: str
) -> None:
    from chalicelib import connections

    handlers.received_at = clock.now_ms() - limits.WRITE_WITHIN_MS - 1_000
    try:
        with written.here(), pytest.raises(CommandRefusedError, match="stale"):
            host.ask("chat.send", room_id=room_id, text="늦은 말", cid=unique("cid"))
    finally:
        handlers.received_at = None
    assert (written.line["outcome"], metrics_of(written.line)) == ("stale", {})
    connections.forget(host.transport.connection_id)
    with written.here(), pytest.raises(CommandRefusedError, match="signed_out"):
        host.ask("session.hello")
    assert (written.line["outcome"], metrics_of(written.line)) == ("signed_out", {})
    with written.here(), pytest.raises(ConnectionRefusedWithStatusError):
        Browser(handlers).connect()
    assert (written.line["event"], written.line["outcome"]) == ("connect", "signed_out")
    assert metrics_of(written.line) == {}


def test_another_sites_handshake_and_request(
    written: Written, handlers: HandlerSite, guest: Browser
) -> None:
    with written.here(), pytest.raises(ConnectionRefusedWithStatusError):
        guest.connect(origin="https://evil.example")
    assert (written.line["outcome"], written.counts) == ("forbidden_origin", {"RefusedInputs": 1})
    with written.here():
        guest.post("/api/auth/logout", origin="https://evil.example")
    line = written.line
    assert (line["event"], line["status"], written.counts) == ("http", 403, {"RefusedInputs": 1})


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


def test_a_command_that_fails(
    written: Written, host: ChatClient, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import chats

    monkeypatch.setattr(chats, "say", broken)
    with written.here(), pytest.raises(CommandRefusedError, match="internal"):
        say(host, room_id, "어라")
    error, line = written.lines
    assert (error["level"], error["event"], error["room_id"]) == (
        "error",
        "message_failed",
        room_id,
    )
    assert error["traceback"].endswith("RuntimeError\n")
    assert (line["outcome"], metrics_of(line)) == ("internal", {"Failures": 1})


def test_a_request_that_fails(
    written: Written, handlers: HandlerSite, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import sessions

    monkeypatch.setattr(sessions, "find", broken)
    with written.here():
        assert guest.get("/api/session").status == 500
    _, line = written.lines
    assert (line["status"], line["path"], metrics_of(line)) == (500, "/session", {"Failures": 1})


@pytest.mark.parametrize("event", ["connect", "disconnect"])
def test_a_handshake_or_farewell_that_fails_is_lambdas_error_too(
    written: Written,
    handlers: HandlerSite,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
) -> None:
    from chalicelib import connections, log

    client = guest.connect()
    for name in ("register", "forget"):
        monkeypatch.setattr(connections, name, broken)
    with written.here(), pytest.raises(log.InvocationFailedError, match=r"^RuntimeError$"):
        guest.connect() if event == "connect" else client.close()
    error, line = written.lines
    assert (error["event"], line["event"]) == (f"{event}_failed", event)
    assert metrics_of(line) == {"Failures": 1}


def test_a_job_that_fails_is_lambdas_error_too(written: Written, handlers: HandlerSite) -> None:
    from chalicelib import jobs, log

    with written.here(), pytest.raises(log.InvocationFailedError):
        jobs.run({"job": "no_such_job"}, lambda: 300_000)
    assert written.lines[1]["outcome"] == "internal"
    assert metrics_of(written.lines[1]) == {"Failures": 1}


def test_a_push_that_fails_is_counted_although_the_chat_is_said(
    written: Written, host: ChatClient, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import delivery

    monkeypatch.setattr(delivery, "audience", broken)
    with written.here():
        say(host, room_id, "아무도 못 들어요")
    error, line = written.lines
    assert error["event"] == "push_entries_failed"
    assert (line["outcome"], metrics_of(line)) == ("ok", {"Chats": 1, "Failures": 1})


# --- What is not counted --------------------------------------------------------------------


def test_reading_and_coming_and_going_count_nothing(
    written: Written, handlers: HandlerSite, host: ChatClient, room_id: str, guest: Browser
) -> None:
    with written.here():
        client = guest.chat()
        client.ask("room.sync", rooms=[])
        host.ask("chat.history", room_id=room_id)
        host.ask("room.present", room_id=room_id)
        guest.get("/api/session")
        client.close()
    assert [line["event"] for line in written.lines] == [
        "connect",
        "message",
        "message",
        "message",
        "message",
        "http",
        "disconnect",
    ]
    assert all(metrics_of(line) == {} and "Stage" not in line for line in written.lines)


def test_many_at_once_are_all_counted(
    written: Written, host: ChatClient, room_id: str, listeners: list[ChatClient]
) -> None:
    """In one process at a time, as on AWS; the sums are what CloudWatch makes of the lines."""
    from tests.support.log_lines import total

    with written.here(), ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda number: say(host, room_id, f"{number}"), range(10)))
    assert total(written.lines) == {"Chats": 10, "Posts": 20, "PushLag": 10}
    assert metrics.NAMESPACE == "PingPong"
