"""A bill: amounts of things that have a price, what they come to, and how they were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.cost.prices import Prices


@dataclass(frozen=True)
class Item:
    """So much of something in a month."""

    price: str
    amount: float
    #: The arithmetic, for people.
    how: str


@dataclass(frozen=True)
class Line:
    """An item at its price."""

    item: Item
    service: str
    unit: str
    #: Dollars, what is free for ever taken off; and without taking it off.
    dollars: float
    dollars_unfree: float
    verified: bool


@dataclass(frozen=True)
class Bill:
    """Of a month."""

    name: str
    lines: tuple[Line, ...]

    def total(self, *, free_tier: bool = True) -> float:
        """Dollars."""
        return sum(line.dollars if free_tier else line.dollars_unfree for line in self.lines)

    def services(self, *, free_tier: bool = True) -> Mapping[str, float]:
        """Dollars by service, the dearest first."""
        found: dict[str, float] = {}
        for line in self.lines:
            dollars = line.dollars if free_tier else line.dollars_unfree
            found[line.service] = found.get(line.service, 0.0) + dollars
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    @property
    def unverified(self) -> list[str]:
        """Prices that were not found in any source and that matter here."""
        return [line.item.price for line in self.lines if not line.verified and line.dollars > 0]


def of(name: str, items: Iterable[Item], prices: Prices) -> Bill:
    """The bill of items. Several of one price are one line, as what is free is free once."""
    together: dict[str, Item] = {}
    for item in items:
        if item.price in together:
            known = together[item.price]
            item = Item(item.price, known.amount + item.amount, f"{known.how}; {item.how}")
        together[item.price] = item
    lines = []
    for item in together.values():
        price = prices[item.price]
        lines.append(
            Line(
                item,
                price.service,
                price.unit,
                price.dollars(item.amount, free_tier=True),
                price.dollars(item.amount),
                price.verified,
            )
        )
    lines.sort(key=lambda line: (-line.dollars, -line.dollars_unfree, line.item.price))
    return Bill(name, tuple(lines))
