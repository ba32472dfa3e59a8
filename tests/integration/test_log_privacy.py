"""Nothing that people write, or sign in with, gets into the log: in this process and on the stack.

Whatever has a mark in it is sent: every field of every command, good and bad; names, e-mails and
texts; headers, cookies, paths and queries; jobs. Then all that was printed is searched.
"""

from __future__ import annotations

import contextlib
import json
import typing
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError
from msgspec import inspect

from chalicelib import protocol
from tests.integration.test_conversation import open_room, say
from tests.support.chat import (
    ChatClient,
    CommandRefusedError,
    ConnectionRefusedWithStatusError,
)
from tests.support.handlers import HandlerSite
from tests.support.log_lines import lines_of
from tests.support.site import Browser, Site, new_person, unique
from tests.support.stack import LocalStack

#: In everything below; id-shaped, so that it is taken where ids are.
MARK = "sEcReT0bserved"
COMMANDS = typing.get_args(protocol.AnyCommand)


def commands() -> Iterator[dict[str, Any]]:
    """Each command with a mark in one field, and with one in all."""
    for command in COMMANDS:
        info = inspect.type_info(command)
        assert isinstance(info, inspect.StructType)
        names = [field.encode_name for field in info.fields if field.encode_name != "ref"]
        for marked in [[name] for name in names] + [names]:
            for value in (MARK, [MARK], {MARK: MARK}, f"{MARK}\ud800"):
                yield {"type": info.tag, "ref": MARK} | dict.fromkeys(marked, value)


def talk(client: ChatClient, room_id: str) -> None:
    """Say the mark in all ways that succeed, and in all that do not."""
    said = say(client, room_id, f"말 {MARK}", cid=unique(MARK))
    about = {"room_id": room_id, "seq": said["seq"]}
    client.ask("chat.edit", **about, text=f"고친 {MARK}")
    client.ask("profile.update", nickname=MARK)
    say(client, room_id, f"<@{MARK}> {MARK}", cid=unique(MARK), reply_to=said["seq"])
    client.ask("chat.delete", **about)
    client.ask("room.rename", room_id=room_id, name=f"{MARK} {unique('n')}"[:40])
    client.ask("room.set_nickname", room_id=room_id, nickname=MARK)
    client.ask("room.open", name=f"{MARK} {unique('r')}"[:40])
    for type_, fields in (
        ("chat.react", {**about, "emoji": MARK}),
        ("room.enter", {"room_id": MARK}),
        ("room.rename", {"room_id": room_id, "name": f"{MARK}\u202e"}),
        ("room.rename", {"room_id": MARK, "name": MARK}),
        ("room.set_nickname", {"room_id": room_id, "nickname": f"{MARK}\u202e"}),
        ("room.mute", {"room_id": MARK}),
        ("room.kick", {"room_id": room_id, "user_id": MARK, "ban": True}),
        ("room.silence", {"room_id": room_id, "user_id": MARK, "seconds": 60}),
        ("room.set_role", {"room_id": room_id, "user_id": MARK, "role": "manager"}),
        ("room.transfer", {"room_id": room_id, "user_id": MARK}),
        ("room.unban", {"room_id": room_id, "user_id": MARK}),
        ("room.bans", {"room_id": room_id, "after": MARK}),
        ("room.enter", {"room_id": room_id, "invite": MARK * 2}),
        ("room.set_access", {"room_id": room_id, "access": "passcode", "passcode": MARK}),
        ("invite.revoke", {"room_id": room_id, "invite_id": MARK}),
        ("user.block", {"user_id": MARK}),
        ("user.blocks", {"after": MARK}),
        ("report.send", {"room_id": room_id, "user_id": MARK, "reason": "spam", "note": MARK}),
        ("report.send", {**about, "user_id": MARK, "reason": MARK, "note": f"{MARK}\x00"}),
        ("chat.send", {"room_id": MARK, "text": MARK, "cid": MARK}),
        ("room.leave", {"room_id": room_id, "successor_id": MARK}),
    ):
        with contextlib.suppress(CommandRefusedError):
            client.ask(type_, **fields)
    for frame in commands():
        text = json.dumps(frame)
        client.send_raw(text, protocol.ref_of(text))
    for text in (MARK, f'"{MARK}"', f'{{"{MARK}":', f'{{"{MARK}": 1}}'):
        client.send_raw(text)


def browse(site: Site) -> Browser:
    """Sign in with the mark, and fail to, in all places that take a text."""
    browser = Browser(site)
    browser.sign_in(MARK, f"{MARK.lower()}@example.com")
    other = Browser(site, {"session": MARK, "sign-in": f"{MARK}.{MARK}"})
    for path in (
        f"/api/auth/kakao?next=/{MARK}",
        f"/api/auth/kakao/callback?code={MARK}&state={MARK}",
        f"/api/auth/kakao/callback?error={MARK}&state={MARK}",
        f"/api/session?{MARK}={MARK}",
        f"/api/auth/kakao/unlinked?user_id={MARK}",
        f"/api/invitation?room_id={MARK}&token={MARK}",
        f"/api/auth/kakao/unlinked?user_id={quote('비밀')}{MARK}",
    ):
        other.get(path, Authorization=f"KakaoAK {MARK}", **{"User-Agent": MARK, "Referer": MARK})
    for path in ("/api/auth/logout", "/api/auth/withdraw"):
        other.post(path)
        other.post(path, origin=f"https://{MARK}.example")
    # A code of Kakao's own that is refused: the right state, and the mark for a code.
    refused = Browser(site)
    url = refused.decide(refused.start(f"/{MARK}"), MARK)
    refused.finish(url.replace("code=", f"code={MARK}"))
    for headers in ({"Cookie": f"session={MARK}"}, {"Origin": f"https://{MARK}.example"}):
        with pytest.raises(ConnectionRefusedWithStatusError):
            site.connect({"Origin": site.origin, **headers})
    return browser


def assert_unseen(printed: str, *secrets: str) -> None:
    for secret in (MARK, MARK.lower(), *secrets):
        at = printed.find(secret)
        assert at == -1, printed[max(0, at - 500) : at + 200]


# --- In this process ------------------------------------------------------------------------


@pytest.mark.localstack
@pytest.mark.stack_only
def test_what_people_write_is_not_in_the_log(
    handlers: HandlerSite, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = browse(handlers)
    client = browser.chat()
    talk(client, open_room(client))
    client.send_raw(f'{{"type": "{MARK}"}}')
    user_id = client.ask("session.hello")["me"]["user_id"]
    client.close()
    handlers.management.finish_jobs()
    captured = capfd.readouterr()
    lines = lines_of(captured.out)
    # All of it was done, and some of it failed in every way there is.
    outcomes = {line["outcome"] for line in lines if "outcome" in line}
    assert {"ok", "invalid_field", "invalid_frame", "unknown_type", "not_member"} <= outcomes
    assert {"sign_in_expired", "signed_out", "forbidden_origin"} <= outcomes
    asked = {line.get("type") for line in lines if line["event"] == "message"}
    assert {
        "chat.send",
        "chat.edit",
        "chat.delete",
        "profile.update",
        "room.open",
        "room.rename",
    } <= asked
    assert_unseen(captured.out + captured.err, user_id, *browser.cookies.values())


def everything_fails(operation: str, arguments: dict[str, Any]) -> Any:
    """DynamoDB as it refuses what it can't take: with the whole request in its message."""
    response: Any = {
        "Error": {"Code": "ValidationException", "Message": f"bad value in {arguments}"},
        "Item": arguments,
    }
    raise ClientError(response, operation)


@pytest.mark.parametrize(
    "operations",
    [
        {"UpdateItem", "PutItem", "TransactWriteItems"},
        {"BatchGetItem", "Query", "BatchWriteItem"},
        {"GetItem"},
    ],
    ids=lambda names: min(names),
)
def test_nor_is_it_when_dynamodb_repeats_it_in_its_errors(
    handlers: HandlerSite,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    operations: set[str],
) -> None:
    from chalicelib import dynamodb

    host, guest = new_person(handlers).chat(), new_person(handlers).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    call = dynamodb.Client.call

    def fail(self: dynamodb.Client, operation: str, arguments: dict[str, Any]) -> Any:
        # A connection's own row is found, or nothing would be reached.
        if operation in operations and "connections" not in str(arguments.get("TableName")):
            everything_fails(operation, arguments)
        return call(self, operation, arguments)

    capfd.readouterr()
    monkeypatch.setattr(dynamodb.Client, "call", fail)
    reported = {"room_id": room_id, "user_id": "x" * 22, "reason": "spam"}
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("chat.send", {"room_id": room_id, "text": MARK, "cid": f"{MARK}-1"}),
        ("chat.send", {"room_id": room_id, "text": MARK, "cid": f"{MARK}-2", "reply_to": 1}),
        ("chat.edit", {"room_id": room_id, "seq": 1, "text": MARK}),
        ("room.rename", {"room_id": room_id, "name": MARK}),
        ("room.set_nickname", {"room_id": room_id, "nickname": MARK}),
        ("room.mute", {"room_id": room_id}),
        ("report.send", {**reported, "note": MARK}),
        ("report.send", {**reported, "seq": 1, "note": MARK}),
        ("room.kick", {"room_id": room_id, "user_id": MARK, "ban": True}),
        ("room.slow", {"room_id": room_id, "seconds": 5}),
        ("profile.update", {"nickname": MARK}),
        ("room.open", {"name": MARK}),
        ("chat.history", {"room_id": room_id}),
        ("session.hello", {}),
    )
    for type_, fields in asked:
        with contextlib.suppress(CommandRefusedError):
            host.ask(type_, **fields)
    browser = Browser(handlers)
    browser.sign_in(MARK, f"{MARK.lower()}@example.com")
    with contextlib.suppress(Exception):
        browser.connect()
    monkeypatch.undo()
    handlers.management.finish_jobs()
    captured = capfd.readouterr()
    failed = [line for line in lines_of(captured.out) if line["level"] == "error"]
    assert failed
    assert all("ValidationException" in line["traceback"] for line in failed)
    assert_unseen(captured.out + captured.err)


# --- On the stack ---------------------------------------------------------------------------


def test_what_people_write_is_not_in_what_the_stack_prints(
    stack: LocalStack, stack_site: Site
) -> None:
    """The stack prints what its Lambdas print, in short; warnings and tracebacks whole.

    (And by itself, for who runs it, the types that frames and jobs give themselves: no mark there.)
    """
    browser = browse(stack_site)
    client = browser.chat()
    talk(client, open_room(client))
    user_id = client.ask("session.hello")["me"]["user_id"]
    lambda_: Any = boto3.client("lambda", endpoint_url=stack.ready["aws_endpoint"])
    for function in ("push", "background"):
        for fields in ({"room_id": [MARK]}, {MARK: MARK}):
            job = {"job": "push_to_all", **fields}
            answer = lambda_.invoke(
                FunctionName=f"{stack.ready['table_prefix']}{function}",
                Payload=json.dumps(job),
            )
            # What Lambda itself would write into the log.
            assert MARK not in answer["Payload"].read().decode()
            assert "FunctionError" in answer
    client.close()
    printed = stack.log_path.read_text(encoding="utf-8", errors="replace")
    assert "http" in printed or "api" in printed
    assert_unseen(printed, user_id, *browser.cookies.values())
