"""``make conformance``: run the cases on each emulator there is, and write what was found."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.integration.conformance import table
from tests.integration.conformance.case import all_topics
from tests.integration.conformance.deviations import DEVIATIONS

NEEDS = {
    "localstack": "LOCALSTACK_ENDPOINT",
    "dynamodb-local": "DYNAMODB_LOCAL_JAR",
}


def main() -> int:
    """1 if a case did not do what is known of it; nothing is written then."""
    runs = table.read()
    for site in ("stack", *NEEDS):
        variable = NEEDS.get(site)
        if variable is not None and not os.environ.get(variable):
            print(f"{site}: {variable} is not set; its column stays as it is")
            continue
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory) / "report.xml"
            failed = run_cases(site, report)
            if failed:
                print(f"{site}: not all cases are as deviations.py says; nothing is written")
                return 1
            name, run = read_report(ElementTree.parse(report).getroot())
        runs[name] = run
    table.write(runs)
    table.PAGE.write_text(table.page(all_topics(), runs, DEVIATIONS), "utf-8")
    print(f"written: {table.PAGE}")
    return 0


def run_cases(site: str, report: Path) -> int:
    """Run pytest, in one process; its status."""
    command = [sys.executable, "-m", "pytest", "-q", f"--site={site}", f"--junitxml={report}"]
    return subprocess.run([*command, str(Path(__file__).parent)], check=False).returncode


def read_report(root: ElementTree.Element) -> tuple[str, table.Run]:
    """The emulator's name and the run, from pytest's JUnit report."""
    properties = {each.attrib["name"]: each.attrib["value"] for each in root.iter("property")}
    run = table.Run(properties["title"])
    for name, outcome in sorted(_outcomes(root)):
        getattr(run, outcome).append(name)
    return properties["emulator"], run


def _outcomes(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for test in root.iter("testcase"):
        skipped = test.find("skipped")
        if skipped is None:
            yield test.attrib["name"], "held"
        elif skipped.attrib.get("type") == "pytest.xfail":
            yield test.attrib["name"], "differed"
        else:
            yield test.attrib["name"], "skipped"


if __name__ == "__main__":
    sys.exit(main())
