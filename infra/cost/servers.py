"""The same load on servers, as the original has it: NestJS with Socket.IO, and MongoDB.

EC2's t4g behind a load balancer. How large is a function of the load, by assumptions that are in
its favour: no logs, metrics or alarms are billed, nobody's time to run it, and no updates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from infra.cost import ours
from infra.cost.bill import Item
from infra.cost.load import Load
from infra.cost.measured import Measured
from infra.cost.ours import FRAMING_BYTES, GB
from infra.cost.template import TemplateFacts

HOURS_A_DAY: Final = 24
#: Socket.IO pings in such a time, and is answered.
#: https://socket.io/docs/v4/server-options/#pinginterval
PING_SECONDS: Final = 25
#: A connection of Socket.IO with what a NestJS app keeps of it. Assumed; memory is linear in
#: connections: https://socket.io/docs/v4/memory-usage/. One who measured had 1,300 on 1 GB:
#: https://www.techracers.com/performance-test-nodejs-socket-io-artillery
CONNECTIONS_PER_GIB: Final = 5_000
#: Of each server's memory, for the system and Node.js itself. Assumed.
BASE_GIB: Final = 0.6
#: Messages that a core sends in a second: http://drewww.github.io/socket.io-benchmarking/
SENDS_PER_SECOND: Final = 9_000
#: CPU of a command: validation, a session, MongoDB's driver; and in MongoDB. Assumed.
COMMAND_SECONDS: Final = 0.001
QUERY_SECONDS: Final = 0.001
#: So much of the CPU at the busiest time; beyond, answers wait.
FULL: Final = 0.6
#: Of MongoDB's memory, for indexes and what is read often, which are such a share of the data.
CACHE: Final = 0.5
HOT_SHARE: Final = 0.05
ROOT_GB: Final = 10
#: A disk is as large as this many times its data.
DISK_ROOM: Final = 2
ATLAS_M10_GIB: Final = 2
ATLAS_M10_VCPU: Final = 2 * 0.2
#: A capacity unit of the load balancer, per hour.
#: https://aws.amazon.com/elasticloadbalancing/pricing/
LCU_NEW_PER_SECOND: Final = 25
LCU_ACTIVE: Final = 3_000
LCU_GB: Final = 1
#: Zones that the load balancer is in, with an address in each.
ZONES: Final = 2


@dataclass(frozen=True)
class Size:
    """A size of t4g."""

    name: str
    vcpus: int
    gib: float
    #: Of a vCPU, on average over a day, without more to pay.
    #: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
    baseline: float
    #: Hours of a t4g.medium that one of its hours costs.
    mediums: float


SIZES: Final = (
    Size("t4g.micro", 2, 1, 0.1, 0.25),
    Size("t4g.small", 2, 2, 0.2, 0.5),
    Size("t4g.medium", 2, 4, 0.2, 1),
    Size("t4g.large", 2, 8, 0.3, 2),
    Size("t4g.xlarge", 4, 16, 0.4, 4),
    Size("t4g.2xlarge", 8, 32, 0.4, 8),
)


@dataclass(frozen=True)
class Machines:
    """Servers of one size."""

    number: int
    size: Size

    @property
    def mediums(self) -> float:
        """What an hour of all costs, in hours of a t4g.medium."""
        return self.number * self.size.mediums

    def __str__(self) -> str:
        return f"{self.number} {self.size.name}"


@dataclass(frozen=True)
class Work:
    """What the servers have to do, on average over the day."""

    connections: float
    connects_per_second: float
    sends_per_second: float
    commands_per_second: float
    bytes_in: float
    bytes_out: float
    stored_gb: float


def work(load: Load, measured: Measured, facts: TemplateFacts) -> Work:
    """The same chats, read marks and typing; pings instead of what our pages ask for."""
    at_once = replace(load, frame_pace_ms=0)
    deeds = [
        deed
        for deed in ours.deeds(at_once, measured, facts)
        if deed.command not in ("room.sync", "disconnect")
    ]
    seconds = HOURS_A_DAY * 3600 * load.days
    pings = load.mean_connections / PING_SECONDS
    sends = sum(deed.posts + deed.frames / 2 + deed.rest for deed in deeds) / seconds
    site = load.users * load.habits.releases * measured.site["first_load_bytes"]
    ping_bytes = pings * seconds * FRAMING_BYTES
    return Work(
        connections=load.mean_connections,
        connects_per_second=sum(d.times for d in deeds if d.command == "connect") / seconds,
        sends_per_second=sends + pings,
        commands_per_second=sum(deed.times for deed in deeds) / seconds,
        bytes_in=sum(deed.bytes_in for deed in deeds) + ping_bytes,
        bytes_out=sum(deed.bytes_out for deed in deeds) + ping_bytes + site,
        stored_gb=ours.stored_gb(load, deeds),
    )


def app_servers(needed: Work, peak: float, at_least: int) -> Machines:
    """The cheapest that hold the connections and have the CPU, at the busiest time."""
    cpus = needed.sends_per_second / SENDS_PER_SECOND
    cpus += needed.commands_per_second * COMMAND_SECONDS

    def number(size: Size) -> int:
        held = (size.gib - BASE_GIB) * CONNECTIONS_PER_GIB
        return max(
            at_least,
            math.ceil(needed.connections * peak / held),
            math.ceil(cpus * peak / (size.vcpus * FULL)),
            math.ceil(cpus / (size.vcpus * size.baseline)),
        )

    return _cheapest({size: number(size) for size in SIZES})


def database_servers(needed: Work, peak: float, copies: int) -> Machines:
    """The cheapest that have the memory and the CPU; more than `copies` are shards."""
    cpus = needed.commands_per_second * QUERY_SECONDS
    hot = _hot_gib(needed)

    def number(size: Size) -> int:
        shards = max(
            1,
            math.ceil(hot / ((size.gib - BASE_GIB) * CACHE)),
            math.ceil(cpus * peak / (size.vcpus * FULL)),
            math.ceil(cpus / (size.vcpus * size.baseline)),
        )
        return shards * copies

    return _cheapest({size: number(size) for size in SIZES})


def _hot_gib(needed: Work) -> float:
    return 0.2 + needed.stored_gb * HOT_SHARE


def _cheapest(numbers: dict[Size, int]) -> Machines:
    # Of those that cost the same, few and large ones.
    machines = [Machines(number, size) for size, number in numbers.items()]
    return min(machines, key=lambda each: (each.mediums, each.number))


@dataclass(frozen=True)
class Servers:
    """A way of having servers."""

    apps: Machines
    #: None: MongoDB Atlas.
    databases: Machines | None
    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.apps} + " + (f"{self.databases} MongoDB" if self.databases else "Atlas M10")


def plan(
    load: Load, measured: Measured, facts: TemplateFacts, *, spare: bool, atlas: bool = False
) -> Servers | None:
    """Servers for a load, and their month; None if that way can't carry it.

    Args:
        spare: any server may fail: two of the app's, three of MongoDB's.
        atlas: MongoDB as a service, its smallest for production, instead of servers for it.
    """
    needed, peak = work(load, measured, facts), load.habits.peak
    apps = app_servers(needed, peak, 2 if spare else 1)
    databases = None
    if atlas:
        cpus = needed.commands_per_second * QUERY_SECONDS
        if _hot_gib(needed) > ATLAS_M10_GIB * CACHE or cpus > ATLAS_M10_VCPU:
            return None
    else:
        databases = database_servers(needed, peak, 3 if spare else 1)
    return Servers(apps, databases, tuple(_items(load, needed, apps, databases, spare=spare)))


def _items(
    load: Load, needed: Work, apps: Machines, databases: Machines | None, *, spare: bool
) -> Iterator[Item]:
    hours = HOURS_A_DAY * load.days
    machines = apps.number + (databases.number if databases else 0)
    yield Item("t4g_medium_hour", apps.mediums * hours, f"{apps} for the app × {hours} h")
    if databases:
        yield Item(
            "t4g_medium_hour", databases.mediums * hours, f"{databases} for MongoDB × {hours} h"
        )
    else:
        yield Item("atlas_m10_hour", hours, f"{hours} h")
    if apps.number > 1:
        # Socket.IO's servers tell each other by Redis.
        micro = SIZES[0]
        machines += 1
        yield Item(
            "t4g_medium_hour", micro.mediums * hours, f"1 {micro.name} for Redis × {hours} h"
        )
    yield Item("alb_hour", hours, f"{hours} h")
    gb = (needed.bytes_in + needed.bytes_out) / GB
    units = max(
        needed.connects_per_second / LCU_NEW_PER_SECOND,
        needed.connections / LCU_ACTIVE,
        gb / hours / LCU_GB,
    )
    yield Item(
        "alb_lcu_hour",
        units * hours,
        f"the largest of {needed.connects_per_second:.3g} new connections/s ÷ 25, "
        f"{needed.connections:,.0f} active ÷ 3,000 and {gb / hours:.3g} GB/h, × {hours} h",
    )
    # Without an address of their own, servers need a NAT gateway, which is dearer.
    yield Item(
        "ipv4_hour", (ZONES + machines) * hours, f"{ZONES} + {machines} addresses × {hours} h"
    )
    copies = databases.number if databases else 0
    disks = machines * ROOT_GB + copies * DISK_ROOM * needed.stored_gb
    yield Item("ebs_gb_month", disks, f"{machines} × {ROOT_GB} GB, and data × {DISK_ROOM}")
    yield Item("snapshot_gb_month", needed.stored_gb if copies else 0, "the data, once")
    yield Item("transfer_out_gb", needed.bytes_out / GB, "chats, marks, typing, pings, the site")
    if spare:
        yield Item("transfer_zone_gb", gb, "half of it changes zones, paid at both ends")
