"""Plans of faults: what they say, how they are read, and what they decide."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import InfraError
from infra.local.faults.aws_call import AwsCall
from infra.local.faults.injector import CallFault, FaultInjector
from infra.local.faults.killing import PLAN_VARIABLE, injector_from
from infra.local.faults.plan_file import parse_plan, read_plan, to_toml, write_plan
from infra.local.faults.rules import (
    AwsFault,
    AwsRule,
    FaultPlan,
    GatewayFault,
    GatewayRule,
    keys,
)
from infra.local.faults.session import Faults

EXAMPLE = Path(__file__).parents[2] / "infra" / "local" / "faults" / "example.toml"

GET_ITEM = AwsCall("dynamodb", "GetItem")
PUT_ITEM = AwsCall("dynamodb", "PutItem")


def struck(injector: FaultInjector, call: AwsCall, events: int) -> list[bool]:
    return [injector.call(call) is not None for _ in range(events)]


def strikes(rule: AwsRule, events: int = 12) -> list[int]:
    decided = struck(FaultInjector(FaultPlan(aws=(rule,))), GET_ITEM, events)
    return [number for number, hit in enumerate(decided, 1) if hit]


# --- when a rule strikes --------------------------------------------------------------


def test_a_rule_strikes_always_unless_it_says_otherwise() -> None:
    assert strikes(AwsRule(fault=AwsFault.CUT), 4) == [1, 2, 3, 4]


def test_after_lets_the_first_events_through() -> None:
    assert strikes(AwsRule(fault=AwsFault.CUT, after=10)) == [11, 12]


def test_every_strikes_each_such_event_of_the_others() -> None:
    assert strikes(AwsRule(fault=AwsFault.CUT, every=5)) == [5, 10]
    assert strikes(AwsRule(fault=AwsFault.CUT, every=5, after=1)) == [6, 11]


def test_times_limits_the_strikes_and_not_the_events() -> None:
    assert strikes(AwsRule(fault=AwsFault.CUT, every=2, times=3)) == [2, 4, 6]


def test_probability_is_kept_over_many_events() -> None:
    hits = len(strikes(AwsRule(fault=AwsFault.CUT, probability=0.25), 4000))
    assert 900 < hits < 1100


def test_a_rule_sees_only_what_it_matches() -> None:
    rule = AwsRule(fault=AwsFault.CUT, service="dynamodb", operation=("Put*", "DeleteItem"))
    injector = FaultInjector(FaultPlan(aws=(rule,)))
    assert injector.call(GET_ITEM) is None
    assert injector.call(AwsCall("s3", "PutObject")) is None
    assert injector.call(PUT_ITEM) is not None
    assert injector.call(AwsCall("dynamodb", "DeleteItem")) is not None


def test_a_rule_for_a_table_sees_calls_about_that_table() -> None:
    rule = AwsRule(fault=AwsFault.THROTTLE, table="*-rooms")
    injector = FaultInjector(FaultPlan(aws=(rule,)))

    def meets(body: str) -> bool:
        return injector.call(AwsCall("dynamodb", "Any", body=body.encode())) is not None

    assert meets('{"TableName": "app-rooms"}')
    assert meets('{"TableName": "arn:aws:dynamodb:eu-west-1:1:table/app-rooms"}')
    assert meets('{"RequestItems": {"app-users": [], "app-rooms": []}}')
    assert meets('{"TransactItems": [{"Put": {"TableName": "app-rooms"}}]}')
    assert not meets('{"TableName": "app-users"}')
    for malformed in ("", "[]", "{", '{"TableName": 3, "TransactItems": [7, {"Put": 1}]}'):
        assert not meets(malformed)


# --- the same decisions ---------------------------------------------------------------


CHANCE = AwsRule(fault=AwsFault.LATENCY, ms=(1, 1000), probability=0.3)


def test_the_same_seed_decides_the_same() -> None:
    def decided(seed: int) -> list[CallFault | None]:
        injector = FaultInjector(FaultPlan(aws=(CHANCE,), seed=seed))
        return [injector.call(GET_ITEM) for _ in range(50)]

    assert decided(7) == decided(7)
    assert decided(7) != decided(8)


@given(st.lists(st.sampled_from([GET_ITEM, PUT_ITEM]), max_size=40), st.integers())
def test_other_events_and_rules_change_no_decision(events: list[AwsCall], seed: int) -> None:
    of_puts = AwsRule(fault=AwsFault.CUT, operation="PutItem", service="dynamodb", probability=0.5)
    of_all = AwsRule(fault=AwsFault.CUT, probability=0.5)
    alone = FaultInjector(FaultPlan(aws=(of_puts,), seed=seed))
    among = FaultInjector(FaultPlan(aws=(of_puts, of_all), seed=seed))
    decided = [among.call(event) for event in events]
    puts = [fault for event, fault in zip(events, decided, strict=True) if event is PUT_ITEM]
    by_first_rule = [fault is not None and "aws rule 1" in fault.rules for fault in puts]
    assert by_first_rule == struck(alone, PUT_ITEM, len(puts))


def test_decisions_do_not_touch_the_random_numbers_of_others() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    struck(FaultInjector(FaultPlan(aws=(CHANCE,))), GET_ITEM, 5)
    assert random.random() == expected


def test_threads_count_each_event_once() -> None:
    injector = FaultInjector(FaultPlan(aws=(AwsRule(fault=AwsFault.CUT, every=4, times=100),)))
    threads = [threading.Thread(target=struck, args=(injector, GET_ITEM, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert injector.injected == {"aws rule 1": 100}
    assert injector.report() == ["aws rule 1 (cut * *): struck 100 times in 800 events"]


# --- what happens ---------------------------------------------------------------------


def call_fault(*rules: AwsRule, call: AwsCall = GET_ITEM) -> CallFault:
    fault = FaultInjector(FaultPlan(aws=rules)).call(call)
    assert fault is not None
    return fault


def test_each_fault_is_before_or_after_the_execution() -> None:
    executed = {
        fault: call_fault(
            AwsRule(
                fault=fault,
                ms=1 if fault is AwsFault.LATENCY else None,
                service="apigatewaymanagementapi",
            ),
            call=AwsCall("apigatewaymanagementapi", "PostToConnection"),
        ).executed
        for fault in AwsFault
    }
    assert {fault for fault in AwsFault if executed[fault]} == {
        AwsFault.LATENCY,
        AwsFault.CUT_AFTER,
        AwsFault.ERROR_AFTER,
    }


def test_delays_add_up_and_the_first_other_fault_shows() -> None:
    late = AwsRule(fault=AwsFault.LATENCY, ms=20)
    cut, throttle = AwsRule(fault=AwsFault.CUT), AwsRule(fault=AwsFault.THROTTLE)
    injector = FaultInjector(FaultPlan(aws=(late, cut, late, throttle)))
    fault = injector.call(GET_ITEM)
    assert fault is not None
    assert (fault.seconds, fault.cut, fault.error) == (0.04, True, None)
    assert fault.rules == ("aws rule 1", "aws rule 2", "aws rule 3")
    assert injector.injected["aws rule 4"] == 0


def test_a_range_of_latency_is_drawn_from() -> None:
    injector = FaultInjector(FaultPlan(aws=(AwsRule(fault=AwsFault.LATENCY, ms=(10, 20)),)))
    seconds = [fault.seconds for _ in range(50) if (fault := injector.call(GET_ITEM))]
    assert len(set(seconds)) == 50
    assert all(0.010 <= each <= 0.020 for each in seconds)


def test_posts_meet_the_rules_of_the_management_api() -> None:
    rules = (
        AwsRule(fault=AwsFault.GONE, operation="PostToConnection", times=1),
        AwsRule(fault=AwsFault.ERROR_AFTER, service="apigatewaymanagementapi", after=1, times=1),
        AwsRule(fault=AwsFault.THROTTLE, service="apigateway*", after=2, times=1),
    )
    injector = FaultInjector(FaultPlan(aws=rules))
    found = [injector.post("POST") for _ in range(4)]
    statuses = [fault.error.status for fault in found if fault and fault.error]
    assert statuses == [410, 500, 429]
    assert [fault.executed for fault in found if fault] == [False, True, False]
    assert found[3] is None


def test_messages_are_duplicated_and_swapped_by_route() -> None:
    rules = (
        GatewayRule(fault=GatewayFault.DUPLICATE, route="chat.*", ms=30),
        GatewayRule(fault=GatewayFault.SWAP, route="chat.send"),
    )
    injector = FaultInjector(FaultPlan(gateway=rules))
    both = injector.message("chat.send")
    assert both is not None
    assert (both.copies, both.copy_seconds, both.hold_seconds) == (2, 0.03, 0.2)
    one = injector.message("chat.read")
    assert one is not None
    assert (one.copies, one.hold_seconds) == (2, 0.0)
    assert injector.message("$default") is None


def test_disconnects_get_lost_and_lambdas_are_killed() -> None:
    rules = (
        GatewayRule(fault=GatewayFault.LOSE_DISCONNECT, every=2),
        GatewayRule(fault=GatewayFault.KILL, function="app-*", ms=40),
        GatewayRule(fault=GatewayFault.KILL, function="app-message"),
    )
    injector = FaultInjector(FaultPlan(gateway=rules))
    assert [injector.disconnect() for _ in range(4)] == [False, True, False, True]
    kill = injector.invocation("app-message")
    assert kill is not None
    assert (kill.rule, kill.seconds) == ("gateway rule 2", 0.04)
    assert injector.invocation("other") is None
    assert injector.message("$default") is None


# --- files ----------------------------------------------------------------------------


def test_the_example_is_a_plan() -> None:
    plan = read_plan(EXAMPLE)
    assert {rule.fault for rule in plan.aws} == set(AwsFault)
    assert {rule.fault for rule in plan.gateway} == set(GatewayFault)


WHEN = st.fixed_dictionaries(
    {
        "probability": st.floats(0.001, 1),
        "after": st.integers(0, 9),
        "every": st.integers(1, 9),
        "times": st.none() | st.integers(1, 9),
        "note": st.text(),
    }
)
TIMES = st.floats(0, 1000) | st.tuples(st.floats(0, 10), st.floats(10, 20))


@given(
    st.integers(),
    st.lists(st.builds(lambda when, ms: (when, ms), WHEN, TIMES), max_size=3),
    st.lists(st.builds(lambda when, ms: (when, ms), WHEN, TIMES), max_size=3),
)
def test_a_written_plan_reads_the_same(seed: int, aws: Any, gateway: Any) -> None:
    plan = FaultPlan(
        aws=tuple(
            AwsRule(fault=AwsFault.LATENCY, table="t", operation=("*", "P*"), ms=ms, **when)
            for when, ms in aws
        ),
        gateway=tuple(
            GatewayRule(fault=GatewayFault.SWAP, route='"\\x', ms=ms, **when)
            for when, ms in gateway
        ),
        seed=seed,
    )
    assert parse_plan(to_toml(plan), Path("plan.toml")) == plan


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed = ", "plan.toml: is no TOML: Invalid value"),
        ("seed = 1.5", "plan.toml: seed: must be a whole number, not 1.5"),
        ("sed = 1", "plan.toml: sed: unknown; did you mean 'seed'"),
        ("aws = 3", r"plan.toml: aws: must be rules, each under \[\[aws\]\]"),
        ("[[aws]]", r"\[\[aws\]\] rule 1, fault: is missing; it is one of latency, throttle"),
        (
            "[[aws]]\nfault = 'throtle'",
            "fault: 'throtle' is none of latency, .*; did you mean 'throttle'",
        ),
        ("[[aws]]\nfault = 3", "fault: 3 is none of"),
        ("[[aws]]\nfault = 'kill'", "fault: 'kill' is none of latency, "),
        (
            "[[gateway]]\nfault = 'kill'\n[[gateway]]\nfault = 'swap'\nfunction = 'f'",
            r"\[\[gateway\]\] rule 2, function: has no meaning for swap",
        ),
        ("[[aws]]\nfault = 'cut'\nservise = 'x'", "servise: unknown; did you mean 'service'"),
        ("[[aws]]\nfault = 'cut'\nservice = 'dynamo'", "no service 'dynamo'; did you mean 'dyn"),
        ("[[aws]]\nfault = 'cut'\nservice = ''", "service: must be a text, not ''"),
        (
            "[[aws]]\nfault = 'cut'\nservice = 'dynamodb'\noperation = 'putitem'",
            "operation: dynamodb has no 'putitem'; did you mean 'PutItem'",
        ),
        ("[[aws]]\nfault = 'cut'\noperation = 'GetItem'", "service: is needed with operation"),
        ("[[aws]]\nfault = 'cut'\noperation = [1]", "operation: must be a text, not 1"),
        ("[[aws]]\nfault = 'gone'\nservice = 'ssm'", "fault: only apigatewaymanagementapi"),
        ("[[aws]]\nfault = 'cut'\nservice = 'ssm'\ntable = 't'", "table: only calls of dynamodb"),
        ("[[aws]]\nfault = 'cut'\nfunction = 'f'\ntable = 't'", "function: only calls of lambda"),
        ("[[aws]]\nfault = 'cut'\nms = 3", "ms: has no meaning for cut"),
        ("[[aws]]\nfault = 'latency'", "ms: latency needs it"),
        ("[[aws]]\nfault = 'latency'\nms = [3, 2]", r"ms: the shortest comes first, not \[3, 2\]"),
        ("[[aws]]\nfault = 'latency'\nms = [3]", "ms: must be milliseconds or"),
        ("[[aws]]\nfault = 'latency'\nms = -1", "ms: must be a number from 0 to 900000, not -1"),
        ("[[aws]]\nfault = 'latency'\nms = true", "ms: must be a number"),
        ("[[aws]]\nfault = 'latency'\nms = nan", "ms: must be a number"),
        ("[[aws]]\nfault = 'error'\nstatus = 200", "status: must be a whole number from 400 to"),
        ("[[aws]]\nfault = 'error'\nstatus = 404", "code: must say what a 404 means"),
        ("[[aws]]\nfault = 'cut'\nprobability = 1.5", "probability: must be a number from 0 to 1"),
        ("[[aws]]\nfault = 'cut'\nprobability = 0", "probability: .* never strikes"),
        ("[[aws]]\nfault = 'cut'\nevery = 0", "every: must be a whole number of 1 or more, not 0"),
        ("[[aws]]\nfault = 'cut'\ntimes = true", "times: must be a whole number"),
        ("[[aws]]\nfault = 'cut'\nafter = '3'", "after: must be a whole number"),
        ("[[aws]]\nfault = 'cut'\nnote = 3", "note: must be a text"),
    ],
)
def test_a_bad_plan_is_refused_with_place_and_reason(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(InfraError, match=complaint):
        read_plan(path)


def test_a_plan_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=r"nowhere\.toml: can't be read: No such file"):
        read_plan(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InfraError, match=r"binary\.toml: is no UTF-8 text"):
        read_plan(tmp_path / "binary.toml")


# --- the emulator's copy --------------------------------------------------------------


def test_the_emulator_gets_the_same_plan(tmp_path: Path) -> None:
    plan = FaultPlan(gateway=(GatewayRule(fault=GatewayFault.KILL, probability=0.5),), seed=3)
    write_plan(plan, tmp_path / "plan.toml")
    environment = {PLAN_VARIABLE: str(tmp_path / "plan.toml")}
    injector = injector_from(environment)
    assert injector is not None
    assert injector.plan == plan
    assert environment == {}
    assert injector_from(environment) is None


def test_kills_that_the_emulator_reports_are_counted(tmp_path: Path) -> None:
    plan = FaultPlan(gateway=(GatewayRule(fault=GatewayFault.KILL, note="hosts fail"),))
    faults = Faults(plan, tmp_path)
    faults.note_invocation({"function": "f", "fault": "gateway rule 1"})
    faults.note_invocation({"function": "f", "fault": ""})
    faults.note_invocation({"function": "f"})
    assert faults.report() == ["gateway rule 1 (kill: hosts fail): struck 1 times"]


def test_the_documentation_has_every_fault_and_key() -> None:
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
    named = {*AwsFault, *GatewayFault, *keys(AwsRule), *keys(GatewayRule)}
    assert [name for name in named if f"`{name}`" not in text and f"{name} = " not in text] == []


@pytest.mark.parametrize(
    ("fault", "route"),
    [
        (GatewayFault.DUPLICATE, "$connect"),
        (GatewayFault.SWAP, "$connect"),
        (GatewayFault.SWAP, "$disconnect"),
    ],
)
def test_events_that_a_fault_cannot_happen_to_are_refused(fault: GatewayFault, route: str) -> None:
    with pytest.raises(InfraError, match=rf"^route: .*: no {fault}$"):
        GatewayRule(fault=fault, route=route)


def test_a_kill_that_came_too_late_is_none_of_its_times() -> None:
    injector = FaultInjector(FaultPlan(gateway=(GatewayRule(fault=GatewayFault.KILL, times=1),)))
    first = injector.invocation("f")
    assert first is not None
    assert injector.invocation("f") is None
    injector.spare(first)
    assert injector.injected["gateway rule 1"] == 0
    assert injector.invocation("f") is not None
    assert injector.invocation("f") is None
