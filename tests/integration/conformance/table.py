"""docs/conformance.md: which case holds on which emulator, as the last runs found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tests.integration.conformance.case import Case, Topic

#: What the runs found; written by ``make conformance``.
RUNS: Final = Path(__file__).with_name("runs.json")
PAGE: Final = Path(__file__).parents[3] / "docs" / "conformance.md"

INTRODUCTION: Final = """\
# What the emulators do as AWS documents it, and what they don't

Written by `make conformance` from runs of `tests/integration/conformance`; not by hand. Each row
is a case: a sentence of AWS's documentation, and a test of it. ✓: it holds there. A number: it
does not, and below the table is how; the test then expects that, and fails when it changes
(`deviations.py`). –: there is no such service. Nothing here was run on AWS itself.

LocalStack's DynamoDB is AWS's own DynamoDB Local behind LocalStack's front. Its container has the
latest; a LocalStack without Docker has what it was given, and one of 2020 has a column of its own.
No table has a stream and nothing reads one, so there is no case of streams.
"""


@dataclass
class Run:
    """What a run on an emulator found: names of cases."""

    title: str
    held: list[str] = field(default_factory=list)
    differed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


Runs = dict[str, Run]


def read(path: Path = RUNS) -> Runs:
    """The last run on each emulator, by the emulator's name."""
    if not path.exists():
        return {}
    return {name: Run(**run) for name, run in json.loads(path.read_text("utf-8")).items()}


def write(runs: Runs, path: Path = RUNS) -> None:
    """Keep runs."""
    text = json.dumps({name: asdict(run) for name, run in sorted(runs.items())}, indent=1)
    path.write_text(text + "\n", "utf-8")


def page(topics: Iterable[Topic], runs: Runs, deviations: Mapping[str, Mapping[str, str]]) -> str:
    """The page. Emulators come in the order of `deviations`."""
    names = [name for name in deviations if name in runs]
    parts = [INTRODUCTION, _summary(names, runs)]
    parts += [_table(topic, names, runs, deviations) for topic in topics]
    return "\n".join(parts)


def _summary(names: list[str], runs: Runs) -> str:
    lines = ["| emulator | holds | differs |", "|---|---|---|"]
    lines += [
        f"| {runs[name].title} | {len(runs[name].held)} | {len(runs[name].differed)} |"
        for name in names
    ]
    return "\n".join(lines) + "\n"


def _table(
    topic: Topic,
    names: list[str],
    runs: Runs,
    deviations: Mapping[str, Mapping[str, str]],
) -> str:
    notes: list[str] = []

    def cell(name: str, case: Case) -> str:
        run = runs[name]
        if case.name in run.held:
            return "✓"
        if case.name in run.skipped:
            return "–"
        note = deviations[name][case.name]
        if note not in notes:
            notes.append(note)
        return str(notes.index(note) + 1)

    lines = [
        f"## {topic.title}",
        "",
        "| " + " | ".join(["case", *(runs[name].title for name in names)]) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for case in topic.cases:
        told = f"{case.says} [AWS]({case.url})"
        lines.append("| " + " | ".join([told, *(cell(name, case) for name in names)]) + " |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines).rstrip() + "\n"
