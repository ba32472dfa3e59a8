"""Reporting chats and people, and what operators do about it."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import boto3
import pytest

from chalicelib import limits
from tests.integration.test_changes import room_of
from tests.integration.test_conversation import say
from tests.integration.test_leaving import my_id, refused
from tests.integration.test_races import before
from tests.support.chat import ChatClient, ConnectionRefusedWithStatusError
from tests.support.handlers import HandlerSite
from tests.support.site import Browser, Site, new_person
from tests.support.stack import LocalStack

pytestmark = pytest.mark.localstack


def reports_of(reporter_id: str) -> list[Any]:
    """What somebody has reported that is open, the oldest first."""
    from chalicelib.tables import ReportRow

    found = boto3.client("dynamodb").query(
        TableName=ReportRow.Meta.table_name,
        IndexName=ReportRow.by_queue.Meta.index_name,
        KeyConditionExpression="queue = :open",
        ExpressionAttributeValues={":open": {"S": ReportRow.OPEN}},
    )
    keys = [item["report_id"]["S"] for item in found["Items"]]
    rows = [ReportRow.get(key, consistent_read=True) for key in keys]
    return [row for row in rows if row.reporter_id == reporter_id]


def texts_of(row: Any) -> list[str]:
    return [said.get("text", "") for said in json.loads(row.context)]


@pytest.fixture
def room(host: ChatClient, guest: Browser) -> tuple[str, ChatClient, str]:
    """A room of two; the other of them, and their id."""
    other = guest.chat()
    return room_of(host, other), other, my_id(other)


def test_a_report_of_a_chat_has_what_was_said_around_it_then(
    host: ChatClient, room: tuple[str, ChatClient, str]
) -> None:
    room_id, other, other_id = room
    for number in range(8):
        say(host, room_id, f"앞 {number}")
    bad = say(other, room_id, "나쁜 말" + "!" * 3000)
    for number in range(8):
        say(host, room_id, f"뒤 {number}" + "." * 1500)
    about = {"room_id": room_id, "seq": bad["seq"], "user_id": other_id, "reason": "abuse"}
    reply = host.ask("report.send", **about, note=" 무서워요 ")
    assert reply.keys() == {"type", "ref"}
    # Whoever said it can't take back what was seen.
    other.ask("chat.delete", room_id=room_id, seq=bad["seq"])
    host.ask("report.send", **about)  # repeating it does no harm
    (row,) = reports_of(my_id(host))
    assert (row.user_id, row.room_id, row.seq) == (other_id, room_id, bad["seq"])
    assert (row.reason, row.note, row.expires_at) == ("abuse", "무서워요", None)
    said = texts_of(row)
    assert len(said) == limits.REPORT_CONTEXT + 1
    assert said[5] == bad["text"]
    assert said[0] == "앞 3"
    assert len(said[-1]) == 1000
    names = {each["user_id"]: each["name"] for each in json.loads(row.context)}
    assert names[other_id] == row.user_name
    assert len(names) == 2


def test_a_person_is_reported_with_the_latest_that_was_said(
    host: ChatClient, room: tuple[str, ChatClient, str]
) -> None:
    room_id, other, other_id = room
    say(other, room_id, "나쁜 말")
    other.ask("room.leave", room_id=room_id)
    # Gone, but their words are in sight.
    host.ask("report.send", room_id=room_id, user_id=other_id, reason="fraud")
    (row,) = reports_of(my_id(host))
    assert (row.seq, texts_of(row)) == (None, ["나쁜 말"])


def test_what_is_reported_has_to_be_there(
    host: ChatClient, room: tuple[str, ChatClient, str], handlers: HandlerSite
) -> None:
    room_id, other, other_id = room
    said = say(other, room_id, "말")
    me, stranger = my_id(host), new_person(handlers).chat()
    about = {"room_id": room_id, "user_id": other_id, "reason": "spam"}
    assert refused(stranger, "report.send", **about) == "not_member"
    assert refused(stranger, "report.send", **about, seq=said["seq"]) == "not_member"
    for wrong, code in (
        ({"user_id": me}, "invalid_field"),
        ({"user_id": my_id(stranger)}, "invalid_field"),
        ({"user_id": my_id(stranger), "seq": said["seq"]}, "invalid_field"),
        ({"seq": 1}, "chat_not_found"),
        ({"seq": 999}, "chat_not_found"),
        ({"note": "\x07"}, "invalid_field"),
    ):
        assert refused(host, "report.send", **(about | wrong)) == code
    host.ask("room.leave", room_id=room_id, close=True)
    assert refused(host, "report.send", **about) in ("not_member", "room_not_found")
    assert reports_of(me) == []


def test_a_chat_can_be_deleted_while_it_is_reported(
    host: ChatClient, room: tuple[str, ChatClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import users

    room_id, other, other_id = room
    bad = say(other, room_id, "나쁜 말")
    before(
        monkeypatch,
        users,
        "names",
        lambda: other.ask("chat.delete", room_id=room_id, seq=bad["seq"]),
    )
    about = {"room_id": room_id, "user_id": other_id, "seq": bad["seq"], "reason": "sexual"}
    host.ask("report.send", **about)
    assert texts_of(reports_of(my_id(host))[0]) == ["나쁜 말"]


@pytest.mark.stack_only
def test_one_person_reports_so_much_in_an_hour(
    host: ChatClient, room: tuple[str, ChatClient, str]
) -> None:
    from chalicelib import reports
    from chalicelib.errors import TooFastError
    from chalicelib.protocol import ReportReason

    room_id, other, other_id = room
    me, hour, minute = my_id(host), 3_600_000, 60_000
    about = [
        reports.Report(
            room_id, other_id, ReportReason.SPAM, seq=say(other, room_id, f"{number}")["seq"]
        )
        for number in range(limits.REPORTS_PER_HOUR + 1)
    ]
    *most, last = about
    for report in most:
        reports.send(me, report, 100 * hour + 50 * minute)
    with pytest.raises(TooFastError) as refusal:
        reports.send(me, last, 100 * hour + 59 * minute)
    assert refusal.value.retry_after_ms == minute
    # What is open already is no report more.
    reports.send(me, most[0], 100 * hour + 59 * minute)
    assert len(reports_of(me)) == len(most)
    reports.send(me, last, 101 * hour)
    assert len(reports_of(me)) == len(about)


@pytest.mark.stack_only
def test_a_report_costs_so_many_calls(
    host: ChatClient, room: tuple[str, ChatClient, str], handlers: HandlerSite
) -> None:
    from tests.integration.test_counts import cost

    room_id, other, other_id = room
    bad = say(other, room_id, "나쁜 말")
    handlers.management.finish_jobs()
    about = {"room_id": room_id, "user_id": other_id, "reason": "spam"}
    with cost() as found:
        host.ask("report.send", **about, seq=bad["seq"])
    # Whose connection, whether a member, the room; what was said, and by whom; the report.
    assert found["dynamodb"] == {
        "GetItem": 3,
        "Query": 1,
        "BatchGetItem": 1,
        "TransactWriteItems": 1,
    }
    with cost() as found:
        host.ask("report.send", **about, seq=bad["seq"])
    assert found["dynamodb"]["GetItem"] == 4


# --- Operators -----------------------------------------------------------------------------


@pytest.fixture
def operator() -> Any:
    from infra.aws.reports import Operator

    prefix = os.environ["TABLE_PREFIX"]
    clients = boto3.client("dynamodb"), boto3.client("lambda")
    return Operator(*clients, prefix, "arn:aws:iam::1:user/op", f"{prefix}background")


@pytest.fixture
def stack_operator(operator: Any, stack: LocalStack) -> Any:
    """Whose Lambdas are the stack's."""
    lambda_ = boto3.client("lambda", endpoint_url=stack.ready["aws_endpoint"])
    return dataclasses.replace(operator, lambda_=lambda_)


@pytest.fixture
def report(host: ChatClient, room: tuple[str, ChatClient, str]) -> tuple[str, int]:
    """An open report of a chat, by the host; the chat's place."""
    room_id, other, other_id = room
    seq = say(other, room_id, "나쁜 말")["seq"]
    host.ask("report.send", room_id=room_id, user_id=other_id, seq=seq, reason="abuse", note="왜")
    return reports_of(my_id(host))[0].report_id, seq


def told(operator: Any, *arguments: str) -> list[str]:
    from infra.aws import reports

    lines: list[str] = []
    reports.run(operator, reports.parser().parse_args(["--stage", "x", *arguments]), lines.append)
    return lines


def test_an_operator_sees_a_report_and_dismisses_it(
    host: ChatClient, room: tuple[str, ChatClient, str], report: tuple[str, int], operator: Any
) -> None:
    report_id, seq = report
    listed = told(operator, "list")
    assert any(report_id in each for each in listed)
    # What was said is shown only when one asks for it.
    assert not any("나쁜 말" in each for each in listed)
    shown = told(operator, "show", report_id)
    assert any(each.startswith(">") and each.endswith("나쁜 말") for each in shown)
    assert any(each.endswith("왜") for each in shown)
    told(operator, "dismiss", report_id, "--reason", "농담")
    told(operator, "dismiss", report_id, "--reason", "농담")  # can be repeated
    assert not any(report_id in each for each in told(operator, "list"))
    assert any("dismissed" in each for each in told(operator, "show", report_id))
    audit = [each for each in told(operator, "audit") if report_id in each]
    assert len(audit) == 2
    assert all("arn:aws:iam::1:user/op" in each and each.endswith("농담") for each in audit)
    # The same can be reported anew.
    room_id, _, other_id = room
    host.ask("report.send", room_id=room_id, user_id=other_id, seq=seq, reason="abuse")
    assert [row.report_id for row in reports_of(my_id(host))] != [report_id]


@pytest.mark.stack_only
def test_a_report_is_found_by_its_id_whatever_that_is(
    host: ChatClient,
    room: tuple[str, ChatClient, str],
    operator: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chalicelib import ids

    room_id, _, other_id = room
    with monkeypatch.context() as patch:
        patch.setattr(ids, "new_id", lambda: "-id-of-a-report")
        host.ask("report.send", room_id=room_id, user_id=other_id, reason="abuse")
    (row,) = reports_of(my_id(host))
    assert row.report_id.endswith("-id-of-a-report")
    assert told(operator, "show", row.report_id)


@pytest.mark.alike
@pytest.mark.parametrize(
    "arguments",
    [
        ["dismiss", "x"],
        ["dismiss", "x", "--reason", " "],
        ["suspend", "x", "--reason", "y"],
        ["suspend", "x", "--days", "0", "--reason", "y"],
        ["suspend", "x", "--days", "61", "--reason", "y"],
    ],
)
def test_nothing_is_decided_without_a_reason_and_its_bounds(arguments: list[str]) -> None:
    from infra.aws import reports

    with pytest.raises(SystemExit):
        reports.parser().parse_args(["--stage", "x", *arguments])


def test_only_reports_can_be_decided(operator: Any, room: tuple[str, ChatClient, str]) -> None:
    from infra.errors import InfraError

    _, _, other_id = room
    for report_id in ("nothing", f"suspended#{other_id}"):
        with pytest.raises(InfraError, match="no report"):
            told(operator, "dismiss", report_id, "--reason", "x")


@pytest.mark.stack_only
def test_an_operator_deletes_a_chat_before_everybodys_eyes(
    stack_site: Site, stack_operator: Any
) -> None:
    one, other = new_person(stack_site).chat(), new_person(stack_site).chat()
    room_id, other_id = room_of(one, other), my_id(other)
    seq = say(other, room_id, "나쁜 말")["seq"]
    one.ask("report.send", room_id=room_id, user_id=other_id, seq=seq, reason="abuse")
    (row,) = reports_of(my_id(one))
    told(stack_operator, "delete", row.report_id, "--reason", "욕설")
    for client in (one, other):
        changed = client.wait_for_entry(kind="changed")["changed"]
        assert (changed["seq"], changed["deleted"]) == (seq, True)
        assert "text" not in changed
    for client in (one, other):
        client.close()


@pytest.mark.stack_only
def test_who_is_suspended_is_out_at_once_and_stays_out_until_then(
    stack_site: Site, stack_operator: Any
) -> None:
    from chalicelib.tables import ReportSideRow, UserRow

    browser, reporter = new_person(stack_site), new_person(stack_site).chat()
    tabs = browser.chat(), browser.chat()
    room_id, other_id = room_of(tabs[0], reporter), my_id(tabs[0])
    reporter.ask("report.send", room_id=room_id, user_id=other_id, reason="fraud")
    (row,) = reports_of(my_id(reporter))
    told(stack_operator, "suspend", row.report_id, "--days", "3", "--reason", "사기")
    for tab in tabs:
        assert tab.closed.wait(20)
    with pytest.raises(ConnectionRefusedWithStatusError):
        browser.connect()
    assert not browser.get("/api/session").json["signed_in"]
    person = UserRow.get(other_id, consistent_read=True)
    until = person.suspended_until
    assert until is not None
    again = {"person": person.provider_id}
    # Kakao lets them in, this site does not; nor if they withdrew meanwhile.
    for _ in range(2):
        location = browser.sign_in("사기꾼", **again).location
        path, _, wait = location.partition("&retry_after_ms=")
        assert path == "/sign-in?error=suspended"
        assert 0 < int(wait) <= 3 * 86_400_000
        assert not browser.get("/api/session").json["signed_in"]
        UserRow(other_id).delete()
    # It ends by itself.
    ended = ReportSideRow(ReportSideRow.suspension_key(other_id), until=until - 3 * 86_400_000)
    ended.save()
    assert browser.sign_in("지민", **again).location == "/rooms"
    browser.chat().close()
    reporter.close()


def test_hello_refuses_who_is_suspended(guest: Browser) -> None:
    """Between the decision and the end of the sessions."""
    from chalicelib.clock import now_ms
    from chalicelib.tables import UserRow

    client = guest.chat()
    row = UserRow(my_id(client))
    row.update([UserRow.suspended_until.set(now_ms() + 60_000)])
    reply = client.begin("session.hello").result(20)
    assert reply["code"] == "suspended"
    assert 0 < reply["retry_after_ms"] <= 60_000
    row.update([UserRow.suspended_until.set(now_ms())])
    client.ask("session.hello")


def test_a_chat_on_its_way_when_its_writer_is_suspended_is_refused(
    host: ChatClient,
    handlers: HandlerSite,
    room: tuple[str, ChatClient, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not begun when the connection was ended is not done any more."""
    from chalicelib import connections, jobs

    room_id, other, other_id = room
    monkeypatch.setattr(jobs, "SETTLED_SECONDS", 0)

    def suspend() -> None:
        handlers.management.invoke("background", {"job": "end_sessions", "user_id": other_id})
        handlers.management.finish_jobs()

    before(monkeypatch, connections, "find", suspend)
    frame = {"type": "chat.send", "ref": "1", "room_id": room_id, "text": "말", "cid": "cid-late-1"}
    answer = handlers.call_message(other.transport.connection_id, json.dumps(frame))
    assert json.loads(answer)["code"] == "signed_out"
    page = host.ask("chat.history", room_id=room_id)
    assert [entry for entry in page["entries"] if entry.get("text")] == []
