"""What the bill is made of (infra/cost/measured.json) is what the code does.

If one of these fails, the code has changed what it costs: look whether that is wanted, then write
the file anew with `python -m tests.benchmarks.measure_counts`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import limits
from infra.cost import measured
from tests.benchmarks import busy_law, counts, units
from tests.support.handlers import HandlerSite
from tests.support.site import new_person

#: Dozens of people sign in.
pytestmark = pytest.mark.timeout(300)

#: Counted, so exactly the same on every machine.
EXACT = (
    "function",
    "calls",
    "wru",
    "rru",
    "audience_queries",
    "posts",
    "posts_per_other",
)
#: What grows with something.
GROWTH = ("per_member", "per_room")
#: Ids and times in them differ by a few characters.
SIMILAR = {"request_bytes": 0.05, "reply_bytes": 0.05, "push_bytes": 0.05, "stored_bytes": 0.05}
#: Lines say how many ms something took, and other things by the way.
SIMILAR_LOGS = {"log_bytes": 0.2}

MANY = 45


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The file."""
    content: dict[str, Any] = json.loads(measured.FILE.read_text())
    return content


def test_every_command_takes_what_the_file_says(
    handlers: HandlerSite, written: dict[str, Any]
) -> None:
    counted = counts.measure(handlers)
    assert set(counted["commands"]) == set(written["commands"])
    wrong: dict[str, tuple[Any, Any]] = {}
    for name, count in counted["commands"].items():
        known = written["commands"][name]
        for key, share in (dict.fromkeys(EXACT, 0.0) | SIMILAR | SIMILAR_LOGS).items():
            if not _alike(known[key], count[key], share):
                wrong[f"{name}: {key}"] = (known[key], count[key])
        for key in GROWTH:
            assert (key in known) is (key in count), name
            for part, value in count.get(key, {}).items():
                if not _alike(known[key][part], value, SIMILAR.get(part, 0.0)):
                    wrong[f"{name}: {key}, {part}"] = (known[key][part], value)
    assert not wrong, "(in the file, counted)"
    for key in ("people", "audience_row_bytes", "limits", "custom_metrics"):
        assert counted[key] == written[key], key


def _alike(known: Any, counted: Any, share: float) -> bool:
    """Equal, or bytes that differ by such a share or by some."""
    return bool(counted == pytest.approx(known, rel=share, abs=4) if share else counted == known)


def test_a_larger_room_takes_what_the_law_says(handlers: HandlerSite) -> None:
    """Of the file's laws the one that is most of the bill: posts, and reads of the audience."""
    known = measured.load()
    people = [new_person(handlers).chat() for _ in range(MANY)]
    act = counts.COMMANDS["chat.send"].prepare(counts.Scene(handlers, people))
    posted = len(handlers.management.posts)
    with units.recorded() as calls:
        act()
    send = known.commands["chat.send"]
    assert len(handlers.management.posts) - posted == send.posts_per_other * (MANY - 1)
    found = units.total(calls)
    audience = known.audience_units(MANY) - known.audience_units(known.people)
    assert audience == 1
    assert (found.writes, found.reads) == (send.wru, send.rru + audience)


def test_a_room_of_more_than_a_lambda_posts_to_takes_workers(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIENCE_INLINE_MAX", 3)
    people = [new_person(handlers).chat() for _ in range(8)]
    act = counts.COMMANDS["chat.send"].prepare(counts.Scene(handlers, people))
    handlers.management.finish_jobs()
    invoked, posted = len(handlers.management.invocations), len(handlers.management.posts)
    act()
    handlers.management.finish_jobs()
    assert len(handlers.management.posts) - posted == 7
    known = measured.load()
    known = replace(known, limits={**known.limits, "audience_inline_max": 3})
    assert len(handlers.management.invocations) - invoked == known.workers(7) == 3


@pytest.mark.parametrize(("rate", "pace_ms"), [(0.5, 200), (10, 200), (50, 1000), (50, 0)])
def test_a_busy_room_shares_what_the_file_says(
    written: dict[str, Any], rate: float, pace_ms: int
) -> None:
    busy = written["busy"]
    known = busy["chat"][busy["paces_ms"].index(pace_ms)][busy["rates"].index(rate)]
    assert busy_law.point(rate, pace_ms) == known
