"""The log: one line per invocation, its metrics, and nothing of what people write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from botocore.exceptions import ClientError
from chalice.app import Chalice
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import log, metering, metrics
from chalicelib.errors import RoomNotFoundError
from chalicelib.metrics import Metric
from chalicelib.settings import settings
from tests.support.log_lines import Line, check_embedded_metrics, lines_of, metrics_of

SECRET = "hunter2-비밀"


@pytest.fixture(autouse=True)
def counts_of_its_own() -> Iterator[None]:
    """What a test counts is nobody else's."""
    metering.reset()
    yield
    metering.reset()


def read(capsys: pytest.CaptureFixture[str]) -> list[Line]:
    return lines_of(capsys.readouterr().out)


# --- The line -----------------------------------------------------------------------------


def test_an_invocation_is_one_line_of_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    with log.invocation("message", connection_id="abc=") as line:
        line["type"] = "chat.send"
        metering.count_dynamodb("GetItem")
    (said,) = read(capsys)
    assert said.pop("ms") >= 0
    assert said == {
        "level": "info",
        "event": "message",
        "outcome": "ok",
        "connection_id": "abc=",
        "type": "chat.send",
        "dynamodb": {"GetItem": 1},
    }


def test_what_is_not_known_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with log.invocation("message", connection_id="") as line:
        line["room_id"] = None
    assert read(capsys)[0].keys() == {"level", "event", "outcome", "ms"}


def test_counting_begins_anew_with_each_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    for number in (2, 1):
        with log.invocation("message"):
            metering.count(Metric.CHATS, number)
            metering.count_post("ok", number)
            metering.note_push_lag(number)
    assert [metrics_of(line) for line in read(capsys)] == [
        {"Chats": 2, "Posts": 2, "PushLag": 2},
        {"Chats": 1, "Posts": 1, "PushLag": 1},
    ]


# --- Which invocation ------------------------------------------------------------------------


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Chalice:
    """An app whose handlers write a line each, in a Lambda's environment."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"{settings.table_prefix}message")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-6741-abc;Parent=53995c3f42cd8ad8;Sampled=1")
    monkeypatch.setattr(log, "_is_cold", True)
    made = Chalice(app_name="test-log")
    made.experimental_feature_flags.update(["WEBSOCKETS"])
    made.register_middleware(log.per_invocation)

    @made.on_ws_message(name="message")
    def message(event: Any) -> dict[str, Any]:
        log.warning("said")
        return {"statusCode": 200}

    @made.lambda_function(name="job")
    def job(event: Any, context: Any) -> None:
        log.warning("said")

    @made.route("/")
    def index() -> dict[str, Any]:
        log.warning("said")
        return {}

    return made


CONTEXT = SimpleNamespace(aws_request_id="79a0d8b0")
REST = {
    "httpMethod": "GET",
    "resource": "/",
    "requestContext": {"resourcePath": "/", "httpMethod": "GET", "requestId": "gateway-1"},
    "headers": {},
    "pathParameters": None,
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "stageVariables": None,
    "body": None,
    "isBase64Encoded": False,
}
WEBSOCKET = {
    "requestContext": {
        "connectionId": "c=",
        "apiId": "a",
        "stage": "ws",
        "domainName": "localhost",
        "requestId": "gateway-1",
    }
}
COMMON = {
    "level": "warning",
    "event": "said",
    "function": "message",
    "version": "7",
    "request_id": "79a0d8b0",
    "trace_id": "1-6741-abc",
}


@pytest.mark.parametrize(
    ("call", "more"),
    [
        (lambda app: app(REST, CONTEXT), {"gateway_request_id": "gateway-1"}),
        (
            lambda app: app.handler_map["message"](WEBSOCKET, CONTEXT),
            {"gateway_request_id": "gateway-1"},
        ),
        (lambda app: app.handler_map["job"]({"job": "x"}, CONTEXT), {}),
        # A job may be anything, and tests call handlers without a context.
        (lambda app: app.handler_map["job"]([], CONTEXT), {}),
    ],
    ids=["http", "websocket", "lambda", "list"],
)
def test_every_line_names_its_invocation(
    app: Chalice,
    capsys: pytest.CaptureFixture[str],
    call: Callable[[Chalice], object],
    more: dict[str, str],
) -> None:
    for cold in ({"cold": True}, {}):
        call(app)
        assert read(capsys) == [COMMON | cold | more]
    # Nothing of it stays for what comes after.
    log.warning("said")
    assert read(capsys) == [{"level": "warning", "event": "said"}]


def test_without_lambdas_environment_there_is_nothing_to_name(
    app: Chalice, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "_X_AMZN_TRACE_ID"):
        monkeypatch.delenv(name)
    app.handler_map["job"]({}, None)
    assert read(capsys) == [{"level": "warning", "event": "said", "cold": True}]


# --- Errors -------------------------------------------------------------------------------


def refusal(code: str, message: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        # What DynamoDB adds with ReturnValuesOnConditionCheckFailure.
        "Item": {"text": {"S": SECRET}},
    }
    return ClientError(response, "PutItem")


def fail_in_msgspec() -> None:
    msgspec.json.decode(json.dumps({"kind": SECRET}), type=dict[str, Metric])


def fail_in_a_key() -> None:
    nothing: dict[str, str] = {}
    nothing.pop(SECRET)  # the error's message is the key


def fail_in_aws() -> None:
    raise refusal("ValidationException", f"The parameter cannot be a number: {SECRET}")


def fail_in_several_steps() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise LookupError(f"no {SECRET}") from error


def fail_while_dealing_with_it() -> None:
    try:
        int(SECRET)
    except ValueError:
        fail_in_aws()


def fail_in_urllib3() -> None:
    import urllib3

    pool = urllib3.HTTPConnectionPool("127.0.0.1", port=1, timeout=1, retries=False)
    pool.request("GET", f"/oauth/token?code={SECRET}")


def fail_in_requests() -> None:
    import requests

    requests.get(f"http://127.0.0.1:1/?code={SECRET}", timeout=1)


def fail_in_pynamodb() -> None:
    from pynamodb.exceptions import PutError

    raise PutError(f"Failed to put item: {SECRET}", refusal("ValidationException", SECRET))


FAILING = [
    fail_in_msgspec,
    fail_in_a_key,
    fail_in_aws,
    fail_in_several_steps,
    fail_while_dealing_with_it,
    fail_in_urllib3,
    fail_in_requests,
    fail_in_pynamodb,
]


@pytest.mark.parametrize("fail", FAILING)
def test_a_traceback_has_where_and_what_kind_but_no_values(
    capsys: pytest.CaptureFixture[str], fail: Callable[[], None]
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011  # any, and each has a secret in it
        fail()
    log.exception("test_failed", raised.value, room_id="r1")
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    (line,) = lines_of(printed)
    assert (line["level"], line["event"], line["room_id"]) == ("error", "test_failed", "r1")
    kind = type(raised.value)
    assert line["error"].endswith(kind.__qualname__)
    assert f"in {fail.__name__}\n" in line["traceback"]
    assert line["traceback"].count("Traceback (most recent call last):") == 1
    # (The test itself has a secret in the source of the line that fails.)
    assert kind.__qualname__ in line["traceback"].splitlines()[-1]


def test_what_led_to_an_error_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LookupError) as raised:
        fail_in_several_steps()
    log.exception("test_failed", raised.value)
    (line,) = read(capsys)
    told = [part for part in line["traceback"].splitlines() if not part.startswith(" ")]
    assert told == ["Traceback (most recent call last):", "ValueError", "led to:", "LookupError"]


def test_a_loop_of_causes_ends(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    log.exception("test_failed", first)
    assert read(capsys)[0]["traceback"].count("ValueError") == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            refusal("AccessDeniedException", "User: arn is not authorized to perform: x"),
            "PutItem: AccessDeniedException, User: arn is not authorized to perform: x",
        ),
        (refusal("ValidationException", SECRET), "PutItem: ValidationException"),
        (RoomNotFoundError("r1"), "room_id: no open room 'r1'"),
    ],
)
def test_messages_that_name_no_values_are_kept(
    capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    log.exception("test_failed", error)
    assert read(capsys)[0]["traceback"].splitlines()[-1].partition(": ")[2] == told


def test_lambda_gets_no_message_but_ours_to_write_into_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(log.InvocationFailedError) as raised, log.invocation("job"):
        fail_in_several_steps()
    assert str(raised.value) == "LookupError"
    assert raised.value.__suppress_context__
    error, line = read(capsys)
    assert error["event"] == "job_failed"
    assert (line["event"], line["outcome"], metrics_of(line)) == (
        "job",
        log.FAILED,
        {"Failures": 1},
    )


def test_our_own_errors_go_on_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RoomNotFoundError), log.invocation("job"):
        raise RoomNotFoundError("r1")
    assert read(capsys)[1]["outcome"] == log.FAILED


# --- Metrics ------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.sampled_from(sorted(set(Metric) - {Metric.PUSH_LAG})), st.integers(1, 10**9)
    ),
    st.lists(st.integers(-(10**6), 10**6), max_size=450),
)
def test_all_that_is_counted_is_as_cloudwatch_wants_it(
    counts: dict[Metric, int], lags: list[int]
) -> None:
    metering.reset()
    of_posts = {"Posts": "ok", "GoneConnections": "gone", "FailedPosts": "failed"}
    for metric, number in counts.items():
        if metric in of_posts:
            metering.count_post(of_posts[metric], number)
        else:
            metering.count(metric, number)
    for lag in lags:
        metering.note_push_lag(lag)
    members = metrics.embedded(metering.metrics(), "prod", 1_764_000_000_000)
    if not counts and not lags:
        assert members == {}
        return
    line = check_embedded_metrics(json.dumps(members))
    found = metrics_of(line)
    told = found.pop("PushLag", None)
    assert found == counts
    assert line["Stage"] == "prod"
    assert (told is not None) == bool(lags)
    if 1 < len(lags) <= metrics.VALUES_MAX:
        assert told == [max(0, lag) for lag in lags]


@pytest.mark.parametrize("number", [100, 101, 199, 200, 201, 250, 1000, 100_000])
def test_of_many_lags_every_nth_is_told(number: int) -> None:
    for lag in range(number):
        metering.note_push_lag(lag)
    told = metering.metrics()[Metric.PUSH_LAG]
    assert isinstance(told, list)
    stride = told[1] - told[0]
    assert told == list(range(0, number, stride))
    assert 50 <= len(told) <= metrics.VALUES_MAX


@pytest.mark.parametrize(
    "broken",
    [
        {"Timestamp": 1_764_000_000},
        {"Timestamp": "1764000000000"},
        {"CloudWatchMetrics": [{"Namespace": "", "Dimensions": [["Stage"]], "Metrics": []}]},
        {"CloudWatchMetrics": []},
    ],
)
def test_the_check_finds_what_cloudwatch_would_not_take(broken: dict[str, Any]) -> None:
    members = metrics.embedded({Metric.CHATS: 1}, "prod", 1_764_000_000_000)
    check_embedded_metrics(json.dumps(members))
    members["_aws"] |= broken
    with pytest.raises(jsonschema.ValidationError):
        check_embedded_metrics(json.dumps(members))


@pytest.mark.parametrize("value", ["1", None, [], list(range(101)), {"Sum": 1}])
def test_the_check_finds_values_that_are_none(value: object) -> None:
    members = metrics.embedded({Metric.CHATS: 1}, "prod", 1_764_000_000_000)
    with pytest.raises(jsonschema.ValidationError):
        check_embedded_metrics(json.dumps(members | {"Chats": value}))
