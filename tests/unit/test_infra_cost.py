"""What `make cost` says: sums done by hand, rules of what may be asked, and other people's ways."""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cost import __main__ as command
from infra.cost import bill, compare, day, docs, measured, ours, prices, report, servers, template
from infra.cost.bill import Item
from infra.cost.compare import Cheaper, Crossing, World
from infra.cost.load import Habits, Load, LoadError, parse
from infra.cost.measured import Measured
from infra.cost.prices import PricesError
from infra.cost.servers import SIZES, Machines, Work
from infra.errors import InfraError

CORE = Path(__file__).parents[2] / "frontend" / "src" / "core"
#: Read once: it is YAML, and examples are many.
FACTS = template.read()
QUIET = Habits(looking=0, typing_seconds=0, changes=0, reactions=0, drops=0, joins=0)


@pytest.fixture(scope="module")
def counted() -> Measured:
    return measured.load()


@pytest.fixture(scope="module")
def world(counted: Measured) -> World:
    return World(prices.load("us-east-1"), counted, FACTS)


# --- Prices -------------------------------------------------------------------------------


def test_an_amount_is_paid_tier_by_tier_and_the_free_part_first() -> None:
    price = prices.load("us-east-1")["websocket_message"]
    # A billion at $1.00 a million, and half a billion at $0.80.
    assert price.dollars(1.5e9) == pytest.approx(1000 + 400)
    requests = prices.load("us-east-1")["lambda_request"]
    # Three millions, one of them free, at $0.20.
    assert requests.dollars(3e6, free_tier=True) == pytest.approx(0.40)
    assert requests.dollars(3e6) == pytest.approx(0.60)
    assert requests.dollars(5e5, free_tier=True) == 0


@pytest.mark.parametrize(
    ("what", "with_", "where"),
    [
        ("date = 2026-11-22", 'date = "today"', "date"),
        ("date = 2026-11-22", "date = ", "file"),
        ('regions = ["ap-northeast-2", "us-east-1"]', "regions = 1", "regions"),
        ("[prices.alarm]", "[prices.alarms]", "prices.alarm"),
        ("[prices.alarm]", "[prices.another]\n[prices.alarm]", "prices.another"),
        ("us-east-1 = { dollars = 0.625,", "us-east-1 = { dollars = -1,", "prices.dynamodb_write"),
        ("us-east-1 = { dollars = 0.625,", 'us-east-1 = { dollars = "1",', "prices.dynamodb_write"),
        ("us-east-1 = { dollars = 0.625,", "us-east-1 = { dollars = nan,", "prices.dynamodb_write"),
        ("us-east-1 = { dollars = 0.625,", "us-east-1 = {", "prices.dynamodb_write"),
        ("us-east-1 = { dollars = 0.625,", "us-east-1 = { euros = 1,", "prices.dynamodb_write"),
        ("us-east-1 = { dollars = 0.625,", "us-east-2 = { dollars = 1,", "prices.dynamodb_write"),
        ('source = "xray" }', 'source = "hearsay" }', "prices.trace"),
        ("[[0, 1.00], [1_000_000_000, 0.80]]", "[[5, 1.00]]", "prices.websocket_message"),
        ("[[0, 1.00], [1_000_000_000, 0.80]]", "[[0, 1], [0, 2]]", "prices.websocket_message"),
        ("[[0, 1.00], [1_000_000_000, 0.80]]", "[1]", "prices.websocket_message"),
        ("free = 25", "free = true", "prices.dynamodb_gb_month.free"),
        ("per = 100_000", "per = 0", "prices.sns_email.per"),
        ("https://aws.amazon.com/xray/pricing/", "somewhere", "sources"),
    ],
)
def test_a_file_of_prices_that_is_wrong_is_refused_with_the_place(
    tmp_path: Path, what: str, with_: str, where: str
) -> None:
    content = prices.FILE.read_text()
    assert what in content
    path = tmp_path / "prices.toml"
    path.write_text(content.replace(what, with_))
    with pytest.raises(PricesError) as caught:
        prices.load("ap-northeast-2", path)
    assert caught.value.where.startswith(where)
    assert str(path) in str(caught.value)


def test_a_region_without_prices_is_refused_with_those_that_have() -> None:
    with pytest.raises(PricesError, match="ap-northeast-2, us-east-1, not 'mars-1'"):
        prices.load("mars-1")


def test_no_price_is_written_anywhere_else() -> None:
    """Numbers of which the file has the only copy."""
    root = Path(__file__).parents[2]
    code = [
        path
        for folder in ("infra", "tests/benchmarks", "chalicelib")
        for path in (root / folder).rglob("*.py")
    ]
    assert len(code) > 50
    for path in code:
        found = re.findall(r"0\.0000133334|0\.625|\b0\.0416|0\.000000\d|1\.00e-6", path.read_text())
        assert not found, path


# --- Bills --------------------------------------------------------------------------------


def test_a_bill_is_the_sum_of_amounts_at_their_prices() -> None:
    items = [
        Item("websocket_message", 90e6, "a"),
        Item("websocket_message", 10e6, "b"),
        Item("lambda_request", 1.5e6, "c"),
        Item("dynamodb_write", 4e6, "d"),
    ]
    found = bill.of("x", items, prices.load("us-east-1"))
    # 100 million messages; half a million invocations that are not free; 4 million writes.
    assert found.total() == pytest.approx(100 * 1.00 + 0.5 * 0.20 + 4 * 0.625)
    assert found.total(free_tier=False) == pytest.approx(100 + 1.5 * 0.20 + 4 * 0.625)
    assert [line.item.price for line in found.lines][:2] == ["websocket_message", "dynamodb_write"]
    assert found.lines[0].item.how == "a; b"
    assert next(iter(found.services())) == "API Gateway WebSocket"


# --- Ours: sums by hand -------------------------------------------------------------------


def deed(load: Load, counted: Measured, name: str) -> ours.Deeds:
    """A command's month; where a command is given for two reasons, the first."""
    found = ours.deeds(load, counted, FACTS)
    return next(each for each in found if each.command == name)


def test_a_chat_in_a_room_of_eight_is_nine_messages_three_writes_and_two_reads(
    counted: Measured,
) -> None:
    # So seldom that nothing is shared: 10 × 8 ÷ 3 chats in 24 × 0.25 hours.
    load = Load(users=100, chats_per_user=10, room=8, hours_online=24, habits=QUIET)
    chats = deed(load, counted, "chat.send")
    sent = 100 * 10 * 30
    assert chats.times == sent
    # In, the reply, and seven posts.
    assert chats.messages == pytest.approx(sent * 9)
    # The place, the claim, the chat; the connection and the audience of one page.
    assert chats.writes == pytest.approx(sent * 3, rel=0.01)
    assert chats.reads == pytest.approx(sent * 2, rel=0.01)
    assert chats.invocations == sent


def test_a_room_of_a_hundred_takes_two_reads_more_and_ninety_nine_posts(counted: Measured) -> None:
    load = Load(users=100, chats_per_user=1, room=100, hours_online=24, habits=QUIET)
    chats = deed(load, counted, "chat.send")
    # 100 rows of 103 bytes are three times 4 KB.
    assert chats.reads == pytest.approx(3000 * (1 + 3), rel=0.01)
    assert chats.posts == pytest.approx(3000 * 99, rel=0.01)


def test_a_room_of_thousands_is_shared_among_workers(counted: Measured) -> None:
    load = Load(users=2501, chats_per_user=1, room=2501, hours_online=24, habits=QUIET)
    load = replace(load, frame_pace_ms=0)
    chats = deed(load, counted, "chat.send")
    # The first says that there are more than a thousand: 1,001 rows of 103 bytes are 26 units.
    # All 2,501 are 63; and the connection.
    assert chats.reads == pytest.approx(chats.times * (26 + 63 + 1))
    # 2,500 others: two full thousands, and the rest.
    assert chats.workers == pytest.approx(chats.times * 3)
    assert chats.invocations == pytest.approx(chats.times * 4)
    push = 2500 * counted.post_cpu_ms + 3 * (5 + 20)
    asked = deed(replace(load, room=1), counted, "chat.send").gb_seconds / 2501 / 30
    assert chats.gb_seconds / chats.times == pytest.approx(
        asked + push / 1000 * 1769 / 1024, rel=0.02
    )


def test_an_hour_in_sight_is_84_requests_for_what_was_missed(counted: Measured) -> None:
    load = Load(users=1, chats_per_user=0, room=1, hours_online=1, habits=replace(QUIET, visible=1))
    found = ours.deeds(load, counted, FACTS)
    beats = [each for each in found if each.command == "room.sync"]
    # Every 45 s × 0.95, of which every sixth is about all three rooms and not two.
    assert sum(each.times for each in beats) == pytest.approx(30 * 3600 / 42.75)
    assert sum(each.reads for each in beats) == pytest.approx(30 * 3600 / 42.75 * (5 + 2 / 6))
    assert sum(each.messages for each in beats) == pytest.approx(2 * 30 * 3600 / 42.75)


def test_typing_and_read_marks_are_told_in_small_rooms_only(counted: Measured) -> None:
    habits = replace(QUIET, looking=0.5, typing_seconds=5)
    small = Load(users=200, chats_per_user=4, room=20, hours_online=24, habits=habits)
    typing, read = (deed(small, counted, name) for name in ("typing.signal", "room.read"))
    # Two signals while one types for 5 s, each told to 19.
    assert typing.posts == pytest.approx(200 * 4 * 30 * 19)
    # Of 19 chats heard for each one said, half are seen; what comes within 0.4 s is one mark.
    marks = 200 * 30 * 4 * 19 * 0.5 / (1 + 0.4 * small.room_rate)
    assert read.times == pytest.approx(marks)
    assert read.posts == pytest.approx(marks * 19)
    large = ours.deeds(replace(small, room=21), counted, FACTS)
    told = {each.command: each.posts for each in large}
    assert told["typing.signal in a large room"] == told["room.read in a large room"] == 0


def test_lambda_is_billed_for_slow_cpu_calls_and_posts(counted: Measured) -> None:
    load = Load(users=10, chats_per_user=0, room=2, hours_online=1, habits=QUIET)
    goodbye, command_ = deed(load, counted, "disconnect"), counted.commands["disconnect"]
    # 512 MB are 512/1769 of a vCPU; 3 calls of 5 ms; half a ms of rounding up.
    ms = command_.cpu_ms / (512 / 1769) + 3 * 5 + 0.5
    assert goodbye.gb_seconds == pytest.approx(goodbye.times * ms / 1000 * 0.5)


def test_storage_grows_with_the_months_and_restoring_is_paid_for_all_of_it(world: World) -> None:
    load = Load(habits=QUIET, months=12)
    found = {line.item.price: line for line in world.ours(load).lines}
    row = world.measured.commands["chat.send"].stored_bytes
    gb = 1000 * 50 * 30 * 12 * row / 1024**3
    assert found["dynamodb_gb_month"].item.amount == pytest.approx(gb)
    # 25 GB are free; none of what can be restored is.
    assert found["dynamodb_gb_month"].dollars == 0
    assert found["dynamodb_pitr_gb_month"].dollars == pytest.approx(gb * 0.20)


def test_idle_leaves_storage_and_alarms_beyond_ten(world: World) -> None:
    load = Load(domain=True)
    idle = world.idle(load)
    left = {line.item.price: line.dollars for line in idle.lines if line.dollars}
    assert set(left) <= {
        "dynamodb_pitr_gb_month",
        "dynamodb_gb_month",
        "alarm",
        "s3_gb_month",
        "hosted_zone",
    }
    assert left["alarm"] == pytest.approx(max(0, world.facts.alarm_metrics - 10) * 0.10)
    assert left["hosted_zone"] == 0.50


def test_tracing_costs_a_trace_a_second_and_a_twentieth_of_the_rest(world: World) -> None:
    load = replace(Load(users=200_000), tracing=True)
    month = world.ours(load)
    requests = next(each for each in month.lines if each.item.price == "lambda_request")
    traces = next(each for each in month.lines if each.item.price == "trace")
    seconds = 30 * 86_400
    # So busy that every second has a request.
    assert traces.item.amount == pytest.approx(
        seconds + 0.05 * (requests.item.amount - seconds), rel=1e-3
    )


# --- Busy rooms ---------------------------------------------------------------------------


def test_a_point_that_was_simulated_is_as_it_was(counted: Measured) -> None:
    content = json.loads(measured.FILE.read_text())["busy"]
    for pace, row in zip(content["paces_ms"], content["chat"], strict=True):
        for rate, point in zip(content["rates"], row, strict=True):
            found = vars(counted.busy_chat(rate, pace))
            assert found == pytest.approx(point), (rate, pace)


def test_between_points_the_logarithm_of_the_rate_counts(counted: Measured) -> None:
    low, high = (counted.busy_chat(rate, 200).posts_per_other for rate in (5, 20))
    ten = counted.busy_chat(10, 200).posts_per_other
    assert low > ten > high
    middle = counted.busy_chat(math.sqrt(5 * 10), 200).posts_per_other
    assert middle == pytest.approx((low + ten) / 2)


def test_beyond_the_busiest_point_frames_are_as_many_a_second(counted: Measured) -> None:
    busiest, twice = (counted.busy_chat(rate, 200) for rate in (100, 200))
    assert twice.frames * 200 == pytest.approx(busiest.frames * 100)
    # But each chat is written.
    assert twice.writes == pytest.approx(3, abs=0.05)
    # Without a pace nothing is shared, however busy.
    assert counted.busy_chat(1000, 0).frames == 1


def test_a_busy_room_costs_what_the_benchmark_says(world: World) -> None:
    """P4, simulated: $ per million delivered chats, 100 listening, 50 chats a second."""
    from tests.benchmarks import busy_model, busy_talk

    model = busy_model.talk(busy_talk.poisson(50, 500), 100, 200)
    delivered = 500 * 99
    load = Load(
        users=100,
        room=100,
        chats_per_user=50 * 3600 / 100,
        hours_online=1,
        days=1,
        frame_pace_ms=200,
        habits=replace(QUIET, talking=1, rooms=1, rooms_opened=1),
    )
    assert load.room_rate == pytest.approx(50)
    chats = deed(load, world.measured, "chat.send")
    each = world.prices.each
    found = {
        "posts": chats.posts * each("websocket_message"),
        "frames": chats.frames * each("websocket_message"),
        "dynamodb": chats.writes * each("dynamodb_write") + chats.reads * each("dynamodb_read"),
    }
    per_million = {name: value / (chats.times * 99) * 1e6 for name, value in found.items()}
    wanted = {name: getattr(model.bill, name) / delivered * 1e6 for name in found}
    assert per_million == pytest.approx(wanted, rel=0.04)


# --- What the site does -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("pulse.ts", "VISIBLE_MS", day.VISIBLE_MS),
        ("pulse.ts", "PULSE_MS", day.PULSE_MS),
        ("connection.ts", "TAKEOVER_MS", day.TAKEOVER_MS),
        ("reads.ts", "READ_FIRST_MS", day.READ_FIRST_MS),
        ("reads.ts", "READ_PAUSE_MS", day.READ_PAUSE_MS),
    ],
)
def test_times_are_those_of_the_site(file: str, name: str, value: int) -> None:
    found = re.search(rf"const {name} = ([\d_ *]+);", (CORE / file).read_text())
    assert found is not None
    product = math.prod(int(factor.replace("_", "")) for factor in found[1].split("*"))
    assert product == value


def test_a_day_has_only_commands_that_were_counted(counted: Measured) -> None:
    for room in (2, 50):
        for each in day.of(Load(room=room), counted):
            assert each.command in counted.commands
            assert each.times > 0
            assert each.why


def test_long_visits_dial_again_before_two_hours_are_over(counted: Measured) -> None:
    # 12 hours in two visits: each is dialled again after 110, 220 and 330 minutes.
    load = Load(hours_online=12, habits=replace(QUIET, visits=2))
    connects = next(each for each in day.of(load, counted) if each.command == "connect")
    assert connects.times == 2 + 2 * 3


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"users": "0"}, "USERS: must be a whole number from 1 to 10,000,000, not 0"),
        ({"users": "-5"}, "USERS: must be a whole number from 1 to 10,000,000, not -5"),
        ({"users": "1000000000"}, "USERS: must be a whole number from 1 to 10,000,000"),
        ({"users": "many"}, "USERS: must be a whole number from 1 to 10,000,000, not 'many'"),
        ({"users": "1.5"}, "USERS: must be a whole number"),
        ({"chats_per_user": "-1"}, "CHATS_PER_USER: must be a number from 0 to 10,000, not -1"),
        ({"chats_per_user": "nan"}, "CHATS_PER_USER: must be a number"),
        ({"chats_per_user": "1e9"}, "CHATS_PER_USER: must be a number"),
        ({"room": "0"}, "ROOM: must be a whole number from 1 to 10,000"),
        ({"room": "10001", "users": "20000"}, "ROOM: must be a whole number from 1 to 10,000"),
        ({"room": "11", "users": "10"}, "ROOM: must be at most USERS, which is 10, not 11"),
        ({"hours_online": "24.1"}, "HOURS_ONLINE: must be a number from 0.01 to 24, not 24.1"),
        ({"hours_online": "0"}, "HOURS_ONLINE: must be a number from 0.01 to 24, not 0"),
        ({"days": "32"}, "DAYS: must be a whole number from 1 to 31, not 32"),
        ({"frame_pace_ms": "5001"}, "FRAME_PACE_MS: must be a whole number from 0 to 5,000"),
        ({"months": "inf"}, "MONTHS: must be a whole number from 1 to 120, not 'inf'"),
    ],
)
def test_a_load_that_can_not_be_is_refused_with_field_and_rule(
    asked: dict[str, str], message: str
) -> None:
    with pytest.raises(LoadError) as caught:
        parse(asked, {})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("habits", "message"),
    [
        ({"smoking": "1"}, "HABITS: must name one of rooms, visits"),
        ({"looking": "1.1"}, "looking: must be a number from 0 to 1, not 1.1"),
        ({"peak": "x"}, "peak: must be a number from 1 to 24, not 'x'"),
        ({"rooms": "1"}, "rooms_opened: must be at most rooms, which is 1, not 2"),
    ],
)
def test_a_habit_that_can_not_be_is_refused(habits: dict[str, str], message: str) -> None:
    with pytest.raises(LoadError) as caught:
        parse({}, habits)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--users", "x"], "USERS: must be"),
        (["--region", "mars-1"], "REGION must be one of"),
        (["--habits", "looking"], "HABITS: must be pairs as looking=0.3, not 'looking'"),
    ],
)
def test_the_command_says_what_is_wrong_and_nothing_else(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert command.main(arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_counts_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    for content in ("", "{}", "[]"):
        path.write_text(content)
        with pytest.raises(InfraError, match="measure_counts"):
            measured.load(path)


# --- More is never cheaper ----------------------------------------------------------------

LOADS = st.builds(
    Load,
    users=st.integers(100, 100_000),
    chats_per_user=st.floats(0, 500),
    room=st.integers(1, 100),
    hours_online=st.floats(0.1, 12),
)


@settings(max_examples=60, deadline=None)
@given(LOADS, st.sampled_from(["users", "chats_per_user", "months", "days"]))
def test_more_of_anything_is_never_cheaper(load: Load, what: str) -> None:
    world = World(prices.load("ap-northeast-2"), measured.load(), FACTS)
    more = replace(load, **{what: getattr(load, what) + 1})
    for free_tier in (True, False):
        less_dollars, more_dollars = (
            world.ours(each).total(free_tier=free_tier) for each in (load, more)
        )
        # A busier room shares more: of chats alone, one more may be nearly free, but not less.
        assert more_dollars >= less_dollars * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(LOADS)
def test_what_is_free_makes_nothing_dearer_and_lines_add_up(load: Load) -> None:
    world = World(prices.load("ap-northeast-2"), measured.load(), FACTS)
    month = world.ours(load)
    assert 0 <= month.total() <= month.total(free_tier=False)
    assert all(line.dollars >= 0 and line.item.amount >= 0 for line in month.lines)
    assert sum(month.services().values()) == pytest.approx(month.total())
    assert world.idle(load).total() <= month.total() + 1e-9


# --- Others -------------------------------------------------------------------------------


def test_the_sample_scans_all_connections_for_each_chat(world: World) -> None:
    load = Load(users=12_000, chats_per_user=10, room=8, hours_online=2)
    way = next(each for each in compare.ways(world) if each.name == "simple-websockets-chat-app")
    month = way.bill(load)
    assert month is not None
    found = {line.item.price: line.item.amount for line in month.lines}
    # 12,000 × 2 ÷ 24 connections on average, twice that when people chat: halfway to the peak.
    connections = 2000
    chats = 12_000 * 10 * 30
    assert found["websocket_message"] == pytest.approx(chats * (1 + connections))
    # 2,000 rows of 28 bytes are 14 pages, at half a unit each.
    assert found["dynamodb_read"] == pytest.approx(chats * 7)


def test_servers_hold_the_connections_and_have_the_cpu() -> None:
    needed = Work(
        connections=5_000,
        connects_per_second=1,
        sends_per_second=900,
        commands_per_second=100,
        bytes_in=0,
        bytes_out=0,
        stored_gb=10,
    )
    # 15,000 connections at the peak: 8 t4g.micro of 2,000 each, or 3 small of 7,000, or one
    # medium of 17,000. CPU: 0.1 + 0.1 on average, 0.6 at the peak. A medium is 4 micros.
    assert servers.app_servers(needed, 3, 1) == Machines(1, SIZES[2])
    assert servers.app_servers(needed, 3, 2) == Machines(3, SIZES[1])
    # 0.2 + 0.5 GB are read often, for which a small has (2 - 0.6) × 0.5.
    assert servers.database_servers(needed, 3, 1) == Machines(1, SIZES[1])
    assert servers.database_servers(needed, 3, 3) == Machines(3, SIZES[1])


def test_servers_stand_there_when_nobody_comes(world: World) -> None:
    plan = servers.plan(replace(Load(), users=0), world.measured, world.facts, spare=False)
    assert plan is not None
    assert plan.apps == plan.databases == Machines(1, SIZES[0])
    # 720 hours of two quarters of a medium, of the balancer and of 4 addresses; 20 GB of disk.
    by_hand = 720 * (0.0336 * 2 / 4 + 0.0225 + 4 * 0.005) + 20 * 0.08
    assert bill.of("", plan.items, world.prices).total() == pytest.approx(by_hand)


def test_atlas_carries_no_more_than_it_can(world: World) -> None:
    few, many = Load(), Load(users=1_000_000)
    for load, possible in ((few, True), (many, False)):
        plan = servers.plan(load, world.measured, world.facts, spare=False, atlas=True)
        assert (plan is not None) is possible


def test_a_break_even_is_where_the_cheaper_one_changes(world: World) -> None:
    load = Load()
    found_any = False
    for way in compare.ways(world):
        if not way.is_other:
            continue
        found = compare.crossings(world, way, load)
        assert found[0].users == load.room
        for before, at in itertools.pairwise(found):
            found_any = True
            assert before.cheaper is not at.cheaper
            for users, cheaper in ((at.users - 1, before.cheaper), (at.users, at.cheaper)):
                other = way.bill(load.of(users))
                if other is None:
                    assert cheaper is Cheaper.NO_OTHER
                    continue
                mine = world.dollars(world.ours(load.of(users)))
                assert (mine <= world.dollars(other)) is (cheaper is Cheaper.OURS)
    assert found_any


@pytest.mark.parametrize(
    ("crossings", "told"),
    [
        ([(8, "ours")], "always"),
        ([(8, "other")], "never"),
        ([(8, "no other")], "that way can't carry this"),
        ([(8, "ours"), (400, "other")], "below 400 people"),
        ([(8, "other"), (400, "ours")], "from 400 people on"),
        ([(8, "other"), (400, "ours"), (500, "other")], "400 to 499"),
        ([(8, "ours"), (400, "other"), (900, "no other")], "below 400 people; carries up to 899"),
    ],
)
def test_a_break_even_is_told_in_words(crossings: list[tuple[int, str]], told: str) -> None:
    found = [Crossing(users, Cheaper(which)) for users, which in crossings]
    assert report.ranges(found) == told


# --- What is shown ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--users", "10000000", "--room", "10000", "--chats-per-user", "10000"],
        ["--users", "1", "--room", "1", "--chats-per-user", "0", "--no-free-tier"],
        ["--domain", "--tracing", "--region", "us-east-1", "--explain"],
    ],
)
def test_the_table_fits_into_a_hundred_columns(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert command.main(arguments) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= report.WIDTH
    assert "nan" not in shown
    assert "inf" not in shown.replace("infra", "")


def test_prices_that_nobody_verified_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    command.main([])
    shown = capsys.readouterr().out
    assert "not verified" in shown
    assert "websocket_minute" in shown


def test_json_has_the_same_sum(capsys: pytest.CaptureFixture[str], world: World) -> None:
    command.main(["--json", "--region", "us-east-1"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["bill"]["dollars"] == pytest.approx(world.ours(Load()).total(), abs=0.01)
    lines = sum(line["dollars"] for line in found["bill"]["lines"])
    assert lines == pytest.approx(found["bill"]["dollars"], abs=0.01)
    assert {each["name"] for each in found["others"]} >= {"EC2, one of each"}


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0.00"), (0.001, "< 0.01"), (9.994, "9.99"), (123.4, "123"), (12345.6, "12,346")],
)
def test_dollars_are_rounded_as_it_matters(amount: float, shown: str) -> None:
    assert report.dollars(amount) == shown


def test_every_habit_says_why() -> None:
    assert all(each.metadata["why"] for each in fields(Habits))


def test_the_examples_in_the_documentation_are_what_is_printed() -> None:
    """If not: `python -m infra.cost.docs` writes them anew."""
    content = docs.FILE.read_text(encoding="utf-8")
    assert docs.renewed(content) == content


def test_a_page_without_examples_is_not_taken_for_one_that_is_up_to_date() -> None:
    with pytest.raises(InfraError, match="no example"):
        docs.renewed("# What a command costs\n")
