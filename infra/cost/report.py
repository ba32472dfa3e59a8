"""What `make cost` prints: tables of at most 100 columns, and the same as JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from infra.cost import compare, ours
from infra.cost.bill import Bill
from infra.cost.compare import Cheaper, Crossing, Way, World
from infra.cost.load import Load
from infra.cost.ours import Deeds

WIDTH: Final = 100
#: Lines of less than this share of the whole are added up.
SMALL_SHARE: Final = 0.005


def dollars(amount: float) -> str:
    """Rounded as it matters: cents below 100, then whole dollars."""
    if math.isinf(amount):
        return "-"
    if amount and amount < 0.005:
        return "< 0.01"
    return f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"


def count(amount: float) -> str:
    """A number of something, with three digits or so."""
    for limit, sign in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if amount >= limit:
            return f"{amount / limit:.3g}{sign}" if amount < 1000 * limit else f"{amount:.3g}"
    return f"{amount:.3g}"


def text(world: World, load: Load, *, explain: bool = False) -> str:
    """Everything, for people."""
    month = world.ours(load)
    lines = [
        *_wrapped(_title(world, load), ""),
        "",
        *_table(world, load, month),
        "",
        *drivers(world, load, month),
        "",
        *_comparison(world, load),
        "",
        *_idle(world, load),
    ]
    if explain:
        lines += ["", *_arithmetic(world, load, month)]
    lines += ["", *_notes(world, load, month)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _title(world: World, load: Load) -> str:
    return (
        f"{load.users:,} people, {load.chats_per_user:,g} chats a day each, in rooms of "
        f"{load.room:,}, {load.hours_online:g} h a day online; {world.prices.region}, "
        f"{world.prices.date}"
    )


def _table(world: World, load: Load, month: Bill) -> Iterator[str]:
    total = world.dollars(month)
    head = "with" if world.free_tier else "without"
    row = "{:<23} {:>10} {:>6} {:>13}  {}"
    yield row.format(f"{load.days} days", "$", "share", "no free tier", f"{head} the free tier")
    small, small_unfree, small_services = 0.0, 0.0, set()
    shown = sorted(month.lines, key=lambda line: -_of(world, line))
    for line in shown:
        amount = _of(world, line)
        if amount < SMALL_SHARE * total and line.dollars_unfree < SMALL_SHARE * total:
            small, small_unfree = small + amount, small_unfree + line.dollars_unfree
            if line.dollars_unfree:
                small_services.add(line.service)
            continue
        what = f"{count(line.item.amount)} × {line.unit}"
        share = f"{amount / total:.0%}" if total else ""
        yield row.format(line.service, dollars(amount), share, dollars(line.dollars_unfree), what)[
            :WIDTH
        ]
    yield row.format(
        "all else", dollars(small), f"{small / total:.0%}", dollars(small_unfree), ""
    ) + _fitting(sorted(small_services), WIDTH - 58)
    yield row.format(
        "together",
        dollars(total),
        "",
        dollars(month.total(free_tier=False)),
        f"${total / load.users:.3g} a person, " + _per_thousand(total, load),
    )


def _fitting(names: list[str], width: int) -> str:
    shown = ", ".join(names)
    return shown if len(shown) <= width else shown[: width - 2].rsplit(",", 1)[0] + " …"


def _per_thousand(total: float, load: Load) -> str:
    return f"${total / load.chats * 1000:.3g} per 1,000 chats" if load.chats else "no chats"


def _of(world: World, line: Any) -> float:
    amount: float = line.dollars if world.free_tier else line.dollars_unfree
    return amount


def drivers(world: World, load: Load, month: Bill, most: int = 3) -> Iterator[str]:
    """The commands that cost most, each with why; at first prices, nothing free."""
    by_command: dict[str, tuple[float, float, Deeds]] = {}
    for deed in ours.deeds(load, world.measured, world.facts):
        amount, times, _ = by_command.get(deed.command, (0.0, 0.0, deed))
        by_command[deed.command] = (amount + price(world, deed), times + deed.times, deed)
    whole = month.total(free_tier=False)
    dearest = sorted(by_command.items(), key=lambda each: -each[1][0])[:most]
    yield f"The {most} dearest things people do, of ${dollars(whole)} before anything is free:"
    for number, (command, (amount, times, deed)) in enumerate(dearest, 1):
        messages = deed.messages / deed.times
        yield from _wrapped(
            f"{number}. {command}: ${dollars(amount)}, {amount / whole:.0%}: {count(times)} times "
            f"({deed.why}), each of {messages:.3g} messages.",
            "",
        )


def price(world: World, deed: Deeds) -> float:
    """Dollars of a command, as often as it is given."""
    each = world.prices.each
    return (
        deed.messages * each("websocket_message")
        + deed.rest * each("rest_request")
        + deed.writes * each("dynamodb_write")
        + deed.reads * each("dynamodb_read")
        + deed.invocations * each("lambda_request")
        + deed.gb_seconds * each("lambda_arm_gb_second")
        + deed.log_bytes / ours.GB * each("log_gb")
        + deed.bytes_out / ours.GB * each("cloudfront_gb")
        + deed.bytes_in / ours.GB * each("cloudfront_to_origin_gb")
    )


def _comparison(world: World, load: Load) -> Iterator[str]:
    row = "{:<36} {:>8} {:>8}  {}"
    yield row.format("the same load", "$", "idle, $", "ours is cheaper")
    for way in compare.ways(world):
        month = way.bill(load)
        when = ranges(compare.crossings(world, way, load)) if way.is_other else ""
        cells = (dollars(world.dollars(month)), dollars(world.dollars(way.idle(load))), when)
        yield row.format(way.name, *cells)
        if month and way.is_other and month.name != way.name:
            yield f"    {month.name}"


def ranges(crossings: list[Crossing]) -> str:
    """For how many people ours is the cheaper one."""
    found = []
    first, last = crossings[0].users, crossings[-1]
    carries = ""
    if last.cheaper is Cheaper.NO_OTHER:
        carries = f"; carries up to {last.users - 1:,}"
        crossings = crossings[:-1]
    if not crossings:
        return "that way can't carry this"
    ends = [each.users for each in crossings[1:]] + [None]
    for each, end in zip(crossings, ends, strict=True):
        if each.cheaper is not Cheaper.OURS:
            continue
        if end is None:
            found.append("always" if each.users == first else f"from {each.users:,} people on")
        elif each.users == first:
            found.append(f"below {end:,} people")
        else:
            found.append(f"{each.users:,} to {end - 1:,}")
    if not found:
        return "never" + carries
    return ", ".join(found[:2]) + (" …" if len(found) > 2 else "") + carries


def _idle(world: World, load: Load) -> Iterator[str]:
    idle = world.idle(load)
    parts = [
        f"{line.service} {line.unit.split(',')[0]} ${dollars(_of(world, line))}"
        for line in idle.lines
        if _of(world, line) > 0
    ]
    yield (
        f"Idle, with {load.months} months of this in the tables, ${dollars(world.dollars(idle))} "
        "a month remain:"
    )
    for part in parts:
        yield f"- {part}"


def _arithmetic(world: World, load: Load, month: Bill) -> Iterator[str]:
    yield "The arithmetic"
    for line in month.lines:
        item = line.item
        found = world.prices[item.price]
        tiers = ", ".join(f"${rate:g} from {start:,.0f} on" for start, rate in found.tiers)
        free = f", {found.free:,.0f} free" if found.free else ""
        yield ""
        yield f"{line.service}, {line.unit}: {item.amount:,.4f}"
        yield f"  at {tiers} for {found.per:,}{free}: ${_of(world, line):,.4f}"
        yield from _wrapped(item.how)
    yield ""
    yield "What somebody does on a day"
    for deed in ours.deeds(load, world.measured, world.facts):
        times = deed.times / load.users / load.days
        yield f"  {deed.command:<28} {times:>10,.3f}  {deed.why}"[:WIDTH]
        yield (
            f"    each: {deed.messages / deed.times:.4g} messages, {deed.writes / deed.times:.4g} "
            f"WRU, {deed.reads / deed.times:.4g} RRU, "
            f"{deed.gb_seconds / deed.times * 1000:.4g} GB-ms, "
            f"${price(world, deed) / deed.times:.3g}"
        )
    yield ""
    yield "Assumed, and to be changed with HABITS"
    for name, value in asdict(load.habits).items():
        why = type(load.habits).__dataclass_fields__[name].metadata["why"]
        yield f"  {name:<16} {value:>7g}  {why}"[:WIDTH]


def _wrapped(how: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(how, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _notes(world: World, load: Load, month: Bill) -> Iterator[str]:
    measured = world.measured
    yield from _wrapped(
        f"Counted by tests on {measured.date}. The CPU is that of {measured.machine}, at load "
        f"{measured.load:g}, not that of a Graviton. Servers: nobody's time, no logs, no alarms.",
        "",
    )
    unverified = sorted(set(month.unverified))
    if unverified:
        yield "Prices that are not verified (infra/cost/prices.toml):"
        yield from _wrapped(", ".join(unverified))


def as_json(world: World, load: Load) -> dict[str, Any]:
    """The same, for programs."""
    month, idle = world.ours(load), world.idle(load)

    def of_bill(found: Bill | None) -> dict[str, Any] | None:
        if found is None:
            return None
        return {
            "name": found.name,
            "dollars": round(world.dollars(found), 4),
            "dollars_without_free_tier": round(found.total(free_tier=False), 4),
            "lines": [
                {
                    "price": line.item.price,
                    "service": line.service,
                    "unit": line.unit,
                    "amount": round(line.item.amount, 6),
                    "dollars": round(_of(world, line), 4),
                    "verified": line.verified,
                }
                for line in found.lines
            ],
        }

    def of_way(way: Way) -> dict[str, Any]:
        return {
            "name": way.name,
            "bill": of_bill(way.bill(load)),
            "idle_dollars": round(world.dollars(way.idle(load)), 4),
            "cheaper": [
                {"from_users": each.users, "is": each.cheaper.value}
                for each in compare.crossings(world, way, load)
            ],
        }

    return {
        "load": asdict(load),
        "region": world.prices.region,
        "prices_of": world.prices.date.isoformat(),
        "free_tier": world.free_tier,
        "measured": world.measured.date,
        "bill": of_bill(month),
        "idle": of_bill(idle),
        "others": [of_way(way) for way in compare.ways(world) if way.is_other],
    }
