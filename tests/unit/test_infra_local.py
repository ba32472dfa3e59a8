"""The local stack's own parts, none of them running: ports, secrets, headers, log, adaption."""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.aws import template as templates
from infra.errors import InfraError
from infra.local import log
from infra.local.claims import claim_directory, claim_port
from infra.local.headers import security_headers
from infra.local.ministack import summary, what
from infra.local.pingpong import app_log
from infra.local.pingpong.adapt import DROPPED, adapt
from infra.local.pingpong.command import parse
from infra.local.secrets import KakaoKeys, load_secrets


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InfraError) as caught:
            claim_port(port, "the site", "PORT={port} make run")
    message = str(caught.value)
    assert f"port {port} is taken" in message
    assert "the site" in message
    assert re.search(r"PORT=\d+ make run", message)


def test_port_zero_becomes_a_free_one() -> None:
    assert claim_port(0, "the site", "--port {port}") > 0


def test_ports_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("KAKAO_PORT", "9001")
    options = parse(["--no-watch"])
    assert (options.port, options.kakao_port, options.watch) == (9000, 9001, False)


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.json"
    made = load_secrets(path, None)
    assert load_secrets(path, None) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.identity_key) == 64


def test_kakaos_own_keys_are_used_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = load_secrets(path, None)
    given = {"KAKAO_CLIENT_ID": "id", "KAKAO_CLIENT_SECRET": "shh", "KAKAO_ADMIN_KEY": "admin"}
    used = load_secrets(path, KakaoKeys.from_environment(given))
    assert (used.kakao_client_id, used.kakao_client_secret) == ("id", "shh")
    assert used.identity_key == made.identity_key
    assert "shh" not in path.read_text()


def test_half_of_kakaos_keys_are_not_enough() -> None:
    with pytest.raises(InfraError, match="KAKAO_CLIENT_SECRET and KAKAO_ADMIN_KEY"):
        KakaoKeys.from_environment({"KAKAO_CLIENT_ID": "id"})


def test_headers_are_the_templates_without_what_needs_tls() -> None:
    template = templates.merge_template()
    template["Resources"] = {k: v for k, v in template["Resources"].items() if "Type" in v}
    headers = security_headers(template, https=False)
    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "upgrade-insecure-requests" not in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Permissions-Policy"].startswith("camera=()")
    assert "Strict-Transport-Security" in security_headers(template, https=True)


def test_the_emulator_gets_all_but_what_it_cannot_do() -> None:
    template = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Table": {"Type": "AWS::DynamoDB::Table", "DependsOn": ["Bucket"]},
            "Function": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Environment": {"Variables": {"MANAGEMENT_ENDPOINT": "https"}}},
            },
        },
        "Outputs": {"Bucket": {"Value": {"Ref": "Bucket"}}, "Name": {"Value": "x"}},
    }
    adapted = adapt(template, management_endpoint="http://127.0.0.1:4566/ws")
    assert set(adapted["Resources"]) == {"Table", "Function"}
    assert "DependsOn" not in adapted["Resources"]["Table"]
    assert set(adapted["Outputs"]) == {"Name"}
    variables = adapted["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    assert variables["MANAGEMENT_ENDPOINT"] == "http://127.0.0.1:4566/ws"


def test_what_stays_may_not_need_what_is_dropped() -> None:
    template = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"X": {"Ref": "Bucket"}}},
        }
    }
    with pytest.raises(InfraError, match="Table needs Bucket"):
        adapt(template, management_endpoint="http://127.0.0.1:1/ws")


def test_every_omission_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in DROPPED.values())


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"requestContext": {"httpMethod": "GET"}, "path": "/health"}, "GET /health"),
        (
            {"requestContext": {"eventType": "MESSAGE"}, "body": '{"type": "chat.send"}'},
            "chat.send",
        ),
        ({"requestContext": {"eventType": "MESSAGE"}, "body": "]"}, "$default"),
        (
            {
                "requestContext": {"eventType": "MESSAGE", "routeKey": "order"},
                "body": '{"type": "x"}',
            },
            "order",
        ),
        ({"requestContext": {"http": {"method": "GET", "path": "/x"}}}, "GET /x"),
        ({"detail-type": "Scheduled Event"}, "Scheduled Event"),
        ({"requestContext": {"eventType": "CONNECT", "routeKey": "$connect"}}, "$connect"),
        ({"job": "erase_room", "room_id": "r"}, "erase_room"),
        ("anything", ""),
    ],
)
def test_invocations_are_told_apart_by_what_was_asked(event: object, expected: str) -> None:
    assert what(event) == expected


def test_an_invocations_summary_has_no_body_and_no_cookie() -> None:
    event = {
        "requestContext": {"eventType": "MESSAGE"},
        "headers": {"cookie": "session=shh"},
        "body": '{"type": "chat.send", "text": "hush"}',
    }
    made = summary("f", 0.0, event, {"result": {"statusCode": 200, "body": "hush"}})
    assert "shh" not in json.dumps(made)
    assert "hush" not in json.dumps(made)


def lines(posts: Mapping[str, int] | None = None, **more: object) -> list[str]:
    base = {"function": "api", "started": 0.0, "duration_ms": 12.3, "what": "GET /x"}
    rest = {"status": 200, "cold": False, "error": None, "trace": None, "log": ""}
    found = {**base, **rest, **more}
    return log.invocation_lines(found, posts or {}, app_log.digest)


def test_an_invocation_is_one_line() -> None:
    said = json.dumps({"level": "info", "event": "http", "ms": 3, "outcome": "late"})
    calls = [{"operation": name} for name in ("GetItem", "PutItem", "GetItem")]
    (line,) = lines({"200": 3, "410": 1}, calls=calls, log=said)
    assert re.search(
        r"api +GET /x +12 ms  200  GetItem:2 PutItem:1; posts:4 410:1; outcome=late$", line
    )


def test_tracebacks_are_printed_whole() -> None:
    error = json.dumps({"level": "error", "event": "ws", "traceback": "Traceback:\n  a\nE: b\n"})
    found = lines(log=error, status=500)
    assert [line.strip() for line in found[1:]] == ["error ws", "Traceback:", "a", "E: b"]


def test_a_failed_invocation_says_so() -> None:
    first, *rest = lines(error="boom", trace="Traceback\nboom", status=None)
    assert first.endswith("failed")
    assert [line.strip() for line in rest] == ["Traceback", "boom"]


def test_what_a_client_names_itself_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(what="\ud800 \x1b[2J\n")
    log.say(line)
    log.say("\ud800")
    said = capsys.readouterr().out
    assert r"\ud800 \x1b[2J\n " in said
    assert said.endswith("\\ud800\n")


def test_a_log_with_endless_brackets_is_printed_as_it_is() -> None:
    assert lines(log="[" * 30_000)[1].strip() == "[" * 30_000


def test_the_state_is_for_its_owner_only(tmp_path: Path) -> None:
    state, shared = tmp_path / "state", tmp_path / "shared"
    state.mkdir(mode=0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    for path, mode in ((state, 0o700), (tmp_path / "new", 0o700), (shared, 0o1777)):
        with claim_directory(path):
            assert stat.S_IMODE(path.stat().st_mode) == mode


def test_another_apps_log_is_printed_as_it_is() -> None:
    text = json.dumps({"level": "info", "event": "chat", "status": "sent", "count": 0})
    found = {"function": "f", "started": 0.0, "duration_ms": 1, "what": "", "status": 200}
    more = {"cold": False, "error": None, "trace": None, "log": f"{text}\n"}
    assert log.invocation_lines({**found, **more}, {})[1].strip() == text


def test_a_long_log_is_cut() -> None:
    found = {"function": "f", "started": 0.0, "duration_ms": 1, "what": "", "status": 200}
    more = {"cold": False, "error": None, "trace": None, "log": "y\n" * 10_000}
    said = log.invocation_lines({**found, **more}, {})
    assert len(said) == log.LINES_MAX + 2
    assert "9500 more lines" in said[-1]
