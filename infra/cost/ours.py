"""What Ping-Pong uses in a month: counts per command, times how often people's pages ask."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from infra.cost import day
from infra.cost.bill import Item
from infra.cost.load import Load
from infra.cost.measured import VCPU_GB, Command, Measured
from infra.cost.template import TemplateFacts

GB: Final = 1024**3
#: Lambda's own START, END and REPORT of an invocation, with CloudWatch's 26 bytes for each event.
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
LAMBDA_LINES_BYTES: Final = 360
LOG_EVENT_BYTES: Final = 26
#: CloudWatch stores logs compressed, to 0.15 of what was taken in as its price list has it.
LOG_COMPRESSION: Final = 0.15
#: A WebSocket frame's header and TLS's around it; a small answer's headers.
FRAMING_BYTES: Final = 30
HEADERS_BYTES: Final = 700
#: DynamoDB asks KMS once in 5 minutes for a table that is used.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
KMS_SECONDS: Final = 300
#: The default rule of X-Ray: a request a second of each Lambda, and 5 % of the others.
TRACED_SHARE: Final = 0.05
CHAT: Final = "chat.send"


@dataclass(frozen=True)
class Deeds:
    """A command as often as all people give it in a month, and what that takes."""

    command: str
    times: float
    #: WebSocket messages, either way: asked, answered, and posted.
    frames: float
    posts: float
    rest: float
    writes: float
    reads: float
    #: By Lambda: invocations and GB-seconds.
    invocations: float
    gb_seconds: float
    workers: float
    bytes_in: float
    bytes_out: float
    log_bytes: float
    stored_bytes: float
    why: str

    @property
    def messages(self) -> float:
        """What API Gateway bills."""
        return self.frames + self.posts


def deeds(load: Load, measured: Measured, facts: TemplateFacts) -> list[Deeds]:
    """All that people's pages ask in a month."""
    found = []
    for deed in day.of(load, measured):
        command = measured.commands[deed.command]
        times = deed.times * load.users * load.days
        if deed.command == CHAT:
            found.append(_chats(load, measured, facts, command, times, deed.why))
        else:
            found.append(_others(load, measured, facts, command, times, deed))
    return found


def _others(
    load: Load,
    measured: Measured,
    facts: TemplateFacts,
    command: Command,
    times: float,
    deed: day.Deed,
) -> Deeds:
    more = deed.rooms or (load.room if command.name == "room.members" else 0)
    others = load.listeners - 1
    grown = {name: each * more for name, each in command.growth.items()}
    reads = command.rru + grown.get("rru", 0)
    if not command.name.endswith("in a large room"):
        audience = measured.audience_units(load.listeners)
        reads += command.audience_queries * (audience - measured.audience_units(measured.people))
    posts = command.posts_per_other * others
    asked = command.request_bytes + grown.get("request_bytes", 0)
    answered = command.reply_bytes + grown.get("reply_bytes", 0)
    is_frame = command.function == "websocket_message"
    is_http = command.function == "api_handler"
    workers = measured.workers(others) if command.posts else 0
    ms = _ms(measured, facts, command, 0 if workers else posts)
    gb_seconds = ms / 1000 * facts.memory_gb[command.function]
    if workers:
        gb_seconds += _push_seconds(measured, posts, workers) * facts.memory_gb["push"]
    return Deeds(
        command=command.name,
        times=times,
        frames=times * (_parts(measured, asked) + _parts(measured, answered)) if is_frame else 0,
        posts=times * posts * _parts(measured, command.push_bytes),
        rest=times if is_http else 0,
        writes=times * (command.wru + grown.get("wru", 0)),
        reads=times * reads,
        invocations=times * (1 + workers),
        gb_seconds=times * gb_seconds,
        workers=times * workers,
        bytes_in=times * (asked + (FRAMING_BYTES if is_frame else HEADERS_BYTES)),
        bytes_out=times
        * (
            answered
            + (FRAMING_BYTES if is_frame else HEADERS_BYTES)
            + posts * (command.push_bytes + FRAMING_BYTES)
        ),
        log_bytes=times * _log_bytes(command) * (1 + workers),
        stored_bytes=times * command.stored_bytes,
        why=deed.why,
    )


def _chats(
    load: Load, measured: Measured, facts: TemplateFacts, command: Command, times: float, why: str
) -> Deeds:
    """Chats, which a busy room shares frames of; docs/decisions/0014-room-lease.md."""
    pace = facts.frame_pace_ms if load.frame_pace_ms is None else load.frame_pace_ms
    busy = measured.busy_chat(load.room_rate, pace)
    others = load.listeners - 1
    posts = busy.posts_per_other * others
    # A frame with several chats; each chat goes once to everybody in any case.
    size = command.push_bytes / max(busy.posts_per_other, 1e-9)
    memory = facts.memory_gb
    ms = _ms(measured, facts, command, posts) + (
        busy.message_seconds * 1000 - measured.busy_chat(0, 0).message_seconds * 1000
    )
    worker_seconds, workers = busy.worker_seconds, busy.workers
    if parts := busy.frames * measured.workers(others):
        workers += parts
        worker_seconds += _push_seconds(measured, posts, parts)
        ms = _ms(measured, facts, command, 0)
    return Deeds(
        command=command.name,
        times=times,
        frames=times
        * (_parts(measured, command.request_bytes) + _parts(measured, command.reply_bytes)),
        posts=times * posts * _parts(measured, size),
        rest=0,
        writes=times * busy.writes,
        reads=times
        * (
            1
            + busy.log_reads
            + busy.names_read / 2
            + busy.frames * measured.audience_units(load.listeners)
        ),
        invocations=times * (1 + workers),
        gb_seconds=times
        * (ms / 1000 * memory["websocket_message"] + worker_seconds * memory["push"]),
        workers=times * workers,
        bytes_in=times * (command.request_bytes + FRAMING_BYTES),
        bytes_out=times
        * (
            command.reply_bytes
            + FRAMING_BYTES
            + others * command.push_bytes
            + posts * FRAMING_BYTES
        ),
        log_bytes=times * _log_bytes(command) * (1 + workers),
        stored_bytes=times * command.stored_bytes,
        why=f"{why}; {load.room_rate:.3f}/s in a room while it talks: "
        f"{busy.posts_per_other:.2f} posts per listener and chat",
    )


def _parts(measured: Measured, size: float) -> int:
    """So many messages a frame is billed as."""
    return max(1, math.ceil(size / measured.limits["frame_bytes"]))


def _ms(measured: Measured, facts: TemplateFacts, command: Command, posts: float) -> float:
    """For how long an invocation is billed.

    Its CPU, slower in a Lambda that has less than a vCPU; its calls of DynamoDB, one after
    another; its posts, which are answered together. Half a ms more, as a ms begun is billed.
    """
    share = min(1.0, facts.memory_gb[command.function] / VCPU_GB)
    cpu = command.cpu_ms + (posts - command.posts) * measured.post_cpu_ms
    waits = command.calls * measured.call_ms + (measured.post_ms if posts else 0)
    return max(cpu, 0) / share + waits + 0.5


def _push_seconds(measured: Measured, posts: float, workers: float) -> float:
    """What workers are billed for who share posts, each on a vCPU of its own."""
    waits = workers * (measured.call_ms + measured.post_ms)
    return (posts * measured.post_cpu_ms + waits) / 1000


def _log_bytes(command: Command) -> float:
    return command.log_bytes + LOG_EVENT_BYTES + LAMBDA_LINES_BYTES


def items(load: Load, measured: Measured, facts: TemplateFacts) -> list[Item]:
    """What is billed for that, and for what stands there anyway."""
    all_deeds = deeds(load, measured, facts)
    return [*_used(load, measured, all_deeds), *_standing(load, measured, facts, all_deeds)]


def idle_items(load: Load, measured: Measured, facts: TemplateFacts) -> list[Item]:
    """What remains to be paid when nobody comes any more: what is stored, and what watches.

    Logs go after their days, and metrics, keys and requests are billed only while used.
    """
    used = ("metric", "kms_request", "log_gb_month", "trace")
    all_deeds = deeds(load, measured, facts)
    standing = _standing(load, measured, facts, all_deeds)
    return [item for item in standing if item.price not in used]


def _used(load: Load, measured: Measured, all_deeds: list[Deeds]) -> Iterator[Item]:
    """What grows with what people do."""

    def total(name: str, price: str, scale: float = 1.0) -> Item:
        by_command: dict[str, float] = defaultdict(float)
        for deed in all_deeds:
            by_command[deed.command] += getattr(deed, name) / scale
        shown = sorted(by_command.items(), key=lambda each: -each[1])
        how = " + ".join(f"{command} {amount:,.4g}" for command, amount in shown if amount)
        return Item(price, sum(by_command.values()), how)

    yield total("messages", "websocket_message")
    minutes = load.users * load.hours_online * 60 * load.days
    yield Item(
        "websocket_minute",
        minutes,
        f"{load.users:,} people × {load.hours_online:g} h × 60 × {load.days} days",
    )
    yield total("rest", "rest_request")
    yield total("invocations", "lambda_request")
    yield total("gb_seconds", "lambda_arm_gb_second")
    yield total("writes", "dynamodb_write")
    yield total("reads", "dynamodb_read")
    yield total("log_bytes", "log_gb", GB)
    yield total("bytes_out", "cloudfront_gb", GB)
    yield total("bytes_in", "cloudfront_to_origin_gb", GB)
    yield from _page_loads(load, measured, all_deeds)


def _page_loads(load: Load, measured: Measured, all_deeds: list[Deeds]) -> Iterator[Item]:
    """The site's files: index.html at each visit, the rest once in a release."""
    visits = load.users * load.habits.visits * load.days
    site, releases = measured.site, load.habits.releases
    whole = min(visits, load.users * releases)
    files = visits + whole * (site["requests"] - 1)
    other = sum(deed.times for deed in all_deeds if deed.rest or deed.command == "connect")
    yield Item(
        "cloudfront_gb",
        (whole * site["first_load_bytes"] + visits * HEADERS_BYTES) / GB,
        f"the site: {whole:,.0f} × {site['first_load_bytes']:,} bytes "
        f"and {visits:,.0f} times that index.html is new or not",
    )
    yield Item(
        "cloudfront_request",
        files + other,
        f"{files:,.0f} files, {other:,.0f} requests and connections",
    )
    yield Item("cloudfront_function", files, f"{files:,.0f} files")
    yield Item("s3_get", visits, f"index.html, once in each of {visits:,.0f} visits")


def stored_gb(load: Load, all_deeds: list[Deeds]) -> float:
    """In the tables, after the months that it has been so."""
    return sum(deed.stored_bytes for deed in all_deeds) * load.months / GB


def _standing(
    load: Load, measured: Measured, facts: TemplateFacts, all_deeds: list[Deeds]
) -> Iterator[Item]:
    """What is stored, and what watches."""
    stored = stored_gb(load, all_deeds)
    how = f"rows of {load.months} months that stay, mostly chats"
    yield Item("dynamodb_gb_month", stored, how)
    yield Item("dynamodb_pitr_gb_month", stored, how)
    logs = sum(deed.log_bytes for deed in all_deeds) / GB / load.days
    kept = min(load.months * load.days, facts.log_days)
    yield Item(
        "log_gb_month",
        logs * kept * LOG_COMPRESSION,
        f"{logs:.3g} GB a day × {kept} days × {LOG_COMPRESSION} compressed",
    )
    site_gb = measured.site["stored_bytes"] / GB
    yield Item("s3_gb_month", site_gb, "the site's files")
    yield Item("metric", measured.custom_metrics, "chalicelib/metrics.py")
    yield Item("alarm", facts.alarm_metrics, "metrics that the template's alarms look at")
    yield Item("dashboard", facts.dashboards, "the template's")
    in_use = 24 * 3600 * load.days / KMS_SECONDS * facts.tables
    yield Item(
        "kms_request",
        in_use,
        f"at most one in {KMS_SECONDS} s for each of {facts.tables} tables",
    )
    workers = sum(deed.workers for deed in all_deeds)
    yield Item("sqs_request", 0, f"none of {workers:,.0f} jobs is given up")
    yield Item("sns_email", 0, "no alarm")
    if load.tracing:
        yield _traces(load, all_deeds)
    if load.domain:
        yield Item("hosted_zone", 1, "the domain's")


def _traces(load: Load, all_deeds: list[Deeds]) -> Item:
    """By X-Ray's own sampling, of requests that come at random times."""
    seconds = 24 * 3600 * load.days
    requests = sum(deed.invocations for deed in all_deeds)
    first = seconds * (1 - math.exp(-requests / seconds))
    traces = first + TRACED_SHARE * (requests - first)
    return Item("trace", traces, f"the first of a second and 5 % of {requests:,.0f} invocations")
