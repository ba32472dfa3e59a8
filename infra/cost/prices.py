"""The prices, read from prices.toml, and what an amount of something costs.

Nothing else in the repository has a price: benchmarks take theirs from here, too.
"""

from __future__ import annotations

import datetime
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.errors import InfraError

FILE: Final = Path(__file__).with_name("prices.toml")

#: What the bills are made of; the file has each of them, and no other.
NAMES: Final = frozenset(
    {
        "websocket_message",
        "websocket_minute",
        "rest_request",
        "lambda_request",
        "lambda_arm_gb_second",
        "lambda_x86_gb_second",
        "dynamodb_write",
        "dynamodb_read",
        "dynamodb_gb_month",
        "dynamodb_pitr_gb_month",
        "cloudfront_gb",
        "cloudfront_to_origin_gb",
        "cloudfront_request",
        "cloudfront_function",
        "s3_gb_month",
        "s3_get",
        "log_gb",
        "log_gb_month",
        "metric",
        "alarm",
        "dashboard",
        "trace",
        "kms_request",
        "sqs_request",
        "sns_email",
        "hosted_zone",
        "t4g_medium_hour",
        "ebs_gb_month",
        "snapshot_gb_month",
        "alb_hour",
        "alb_lcu_hour",
        "ipv4_hour",
        "transfer_out_gb",
        "transfer_zone_gb",
        "atlas_m10_hour",
    }
)


class PricesError(InfraError):
    """The file of prices is not as it must be: which entry, and the rule."""

    def __init__(self, path: Path, where: str, rule: str) -> None:
        super().__init__(f"{path}: {where}: {rule}")
        self.where = where


@dataclass(frozen=True)
class Price:
    """What something costs in one Region."""

    name: str
    service: str
    unit: str
    #: Dollars are for so many units.
    per: int
    #: From so many units of a month on, dollars for ``per``.
    tiers: tuple[tuple[float, float], ...]
    #: Units of a month that cost nothing, in every account and for ever.
    free: float
    source: str
    verified: bool

    @property
    def each(self) -> float:
        """Dollars of one unit, of the first ones of a month and none free."""
        return self.tiers[0][1] / self.per

    def dollars(self, amount: float, *, free_tier: bool = False) -> float:
        """Dollars of so many units of a month. What is free takes from the first tier."""
        taken = min(amount, self.free) if free_tier else 0.0
        total = 0.0
        ends = [start for start, _ in self.tiers[1:]] + [math.inf]
        for (start, dollars), end in zip(self.tiers, ends, strict=True):
            total += max(0.0, min(amount, end) - max(taken, start)) * dollars / self.per
        return total


@dataclass(frozen=True)
class Prices:
    """All prices of a Region."""

    region: str
    date: datetime.date
    of: Mapping[str, Price]

    def __getitem__(self, name: str) -> Price:
        return self.of[name]

    def each(self, name: str) -> float:
        """Dollars of one unit of something."""
        return self.of[name].each


def load(region: str, path: Path = FILE) -> Prices:
    """The prices of a Region.

    Raises:
        PricesError: the file is no TOML or lacks something, or has no such Region.
    """
    file = _File(path)
    if region not in file.regions:
        known = ", ".join(file.regions)
        raise PricesError(path, "regions", f"REGION must be one of {known}, not {region!r}")
    # All of them, so that a mistake is found whichever is asked for.
    found = {each: {price.name: price for price in file.prices(each)} for each in file.regions}
    return Prices(region, file.date, found[region])


class _File:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PricesError(path, "file", f"is not TOML: {error}") from error
        date, regions = self._content.get("date"), self._content.get("regions")
        if not isinstance(date, datetime.date):
            raise self._wrong("date", "must be the day of the prices, as 2026-11-22")
        self.date: datetime.date = date
        if not isinstance(regions, list) or not all(isinstance(each, str) for each in regions):
            raise self._wrong("regions", "must be a list of Regions")
        self.regions: list[str] = regions
        sources = self._content.get("sources")
        if not isinstance(sources, dict) or not all(
            isinstance(each, str) and each.startswith("https://") for each in sources.values()
        ):
            raise self._wrong("sources", "must be a table of addresses with https://")
        self._sources: dict[str, str] = sources
        entries = self._content.get("prices")
        if not isinstance(entries, dict):
            raise self._wrong("prices", "must be a table")
        for name in sorted(NAMES - set(entries)):
            raise self._wrong(f"prices.{name}", "is missing")
        for name in sorted(set(entries) - NAMES):
            raise self._wrong(f"prices.{name}", "is a price of nothing that is billed here")
        self._entries = entries

    def prices(self, region: str) -> Iterator[Price]:
        for name, entry in self._entries.items():
            where = f"prices.{name}"
            if not isinstance(entry, dict):
                raise self._wrong(where, "must be a table")
            service, unit = (self._text(entry, where, key) for key in ("service", "unit"))
            per = entry.get("per")
            if not isinstance(per, int) or isinstance(per, bool) or per < 1:
                raise self._wrong(f"{where}.per", "must be a whole number of at least 1")
            free = self._number(entry.get("free", 0), f"{where}.free")
            here = entry.get(region)
            if not isinstance(here, dict):
                raise self._wrong(f"{where}.{region}", "is missing")
            unknown = set(here) - {"dollars", "tiers", "source", "verified"}
            if unknown:
                raise self._wrong(f"{where}.{region}", f"has unknown {', '.join(sorted(unknown))}")
            source = self._sources.get(str(here.get("source")))
            if source is None:
                raise self._wrong(f"{where}.{region}.source", "must be one of [sources]")
            verified = here.get("verified", True)
            if not isinstance(verified, bool):
                raise self._wrong(f"{where}.{region}.verified", "must be true or false")
            tiers = self._tiers(here, f"{where}.{region}")
            yield Price(name, service, unit, per, tiers, free, source, verified)

    def _tiers(self, here: Mapping[str, Any], where: str) -> tuple[tuple[float, float], ...]:
        if ("dollars" in here) == ("tiers" in here):
            raise self._wrong(where, "must have either dollars or tiers")
        if "dollars" in here:
            return ((0.0, self._number(here["dollars"], f"{where}.dollars")),)
        tiers = here["tiers"]
        rule = "must be pairs of a first unit and dollars, from 0 upwards"
        if not isinstance(tiers, list) or not tiers:
            raise self._wrong(f"{where}.tiers", rule)
        found = []
        for tier in tiers:
            if not isinstance(tier, list) or len(tier) != 2:
                raise self._wrong(f"{where}.tiers", rule)
            found.append(
                (
                    self._number(tier[0], f"{where}.tiers"),
                    self._number(tier[1], f"{where}.tiers"),
                )
            )
        starts = [start for start, _ in found]
        if starts[0] != 0 or sorted(set(starts)) != starts:
            raise self._wrong(f"{where}.tiers", rule)
        return tuple(found)

    def _text(self, entry: Mapping[str, Any], where: str, key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(f"{where}.{key}", "must be a text")
        return value

    def _number(self, value: object, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(where, "must be a number")
        if not 0 <= value < math.inf:
            raise self._wrong(where, "must not be negative, and finite")
        return float(value)

    def _wrong(self, where: str, rule: str) -> PricesError:
        return PricesError(self.path, where, rule)
