"""Following a message through the gateway, its Lambdas, their calls and posts."""

from __future__ import annotations

import json
from typing import Any

from infra.local.tracing import STEPS_MAX, TRACES_MAX, Tracer, header_parts, labels

ROOT = "1-6b02f6eb-ba9d0f49a099f7757e9093e5"
SEGMENT = "00f067aa0ba902b7"


def message(tracer: Tracer, body: str, root: str = ROOT) -> None:
    tracer.gateway(
        "message", {"trace_id": root, "connection_id": "c1=", "route": "$default", "body": body}
    )


def post(tracer: Tracer, status: int = 200) -> None:
    tracer.gateway(
        "post",
        {
            "connection_id": "c2=",
            "status": status,
            "ms": 1.25,
            "trace": f"Root={ROOT};Parent={SEGMENT};Sampled=0",
        },
    )


def invocation(**more: Any) -> dict[str, Any]:
    call = {"service": "dynamodb", "operation": "PutItem", "table": "chats", "ms": 2, "status": 200}
    return {
        "function": "message",
        "started": 1_700_000_000.0,
        "duration_ms": 12.0,
        "status": 200,
        "cold": False,
        "error": None,
        "trace_id": ROOT,
        "segment": SEGMENT,
        "calls": [call],
        **more,
    }


def test_a_chat_is_found_by_its_ref_with_all_that_it_led_to() -> None:
    tracer = Tracer()
    message(tracer, json.dumps({"type": "chat.send", "ref": "17", "text": "secret"}))
    post(tracer)
    tracer.invocation(invocation())
    tracer.invocation(invocation(function="background", started=1_700_000_001.0))
    (trace,) = tracer.find("17")
    text = "\n".join(trace.lines())
    assert "gateway: $default" in text
    assert "message: 12.0 ms, 200" in text
    assert "dynamodb PutItem chats: 2.0 ms" in text
    assert "post c2=: 1.2 ms, 200" in text
    assert "background: 12.0 ms, 200" in text
    assert "secret" not in text
    assert tracer.find("18") == []
    assert tracer.find(ROOT) == [trace]


def test_followed_traces_are_told_as_they_happen_and_others_are_not() -> None:
    said: list[str] = []
    tracer = Tracer("abc", said.append)
    message(tracer, '{"ref": "other"}', root="1-other")
    assert said == []
    message(tracer, '{"ref": "abc"}')
    post(tracer, 410)
    tracer.fault(
        {
            "rules": ("aws rule 1",),
            "what": "throttle",
            "operation": "PutItem",
            "trace_id": f"Root={ROOT};Parent=1",
        }
    )
    assert said[0] == f"following {ROOT}"
    assert [line for line in said if "410" in line]
    assert [line for line in said if "throttle (aws rule 1), PutItem" in line]


def test_posts_are_counted_for_the_invocation_that_made_them() -> None:
    tracer = Tracer()
    for status in (200, 200, 410):
        post(tracer, status)
    assert tracer.posts(SEGMENT) == {"200": 2, "410": 1}
    assert tracer.posts(SEGMENT) == {}


def test_memory_is_bounded() -> None:
    tracer = Tracer()
    for number in range(TRACES_MAX + 10):
        message(tracer, f'{{"ref": "r{number}"}}', root=f"1-{number}")
    assert tracer.find("r0") == []
    assert len(tracer.find(f"r{TRACES_MAX}")) == 1
    for _ in range(STEPS_MAX + 10):
        post(tracer)
    (trace,) = tracer.find(ROOT)
    assert len(trace.steps) == STEPS_MAX


def test_labels_are_the_short_values_of_a_message() -> None:
    assert labels('{"ref": "17", "n": 5, "deep": [{"cid": "x"}]}') == {"17", "5", "x"}
    assert labels("plain") == {"plain"}
    assert labels("[" * 100_000) == frozenset()
    assert labels(json.dumps({"text": "x" * 65})) == frozenset()


def test_a_header_without_parts_has_none() -> None:
    assert header_parts("") == {}
    assert header_parts("Root=1-2-3;Parent=4") == {"Root": "1-2-3", "Parent": "4"}


def test_what_was_said_is_not_kept() -> None:
    tracer = Tracer("followed")
    message(tracer, json.dumps({"text": "a secret", "lone": "\ud800"}))
    assert len(tracer.find("a secret")) == 1
    assert "a secret" not in repr(vars(tracer))
    # Another run's hashes are others.
    other = Tracer()
    message(other, '{"text": "a secret"}')
    assert not tracer.find(ROOT)[0].labels & other.find(ROOT)[0].labels
