"""docs/deploy.md against the Makefile and the command line: what it names is there."""

from __future__ import annotations

import re
import subprocess

import pytest

from infra.aws.arguments import parser
from infra.aws.package import ROOT
from infra.aws.template import merge_template

TEXT = (ROOT / "docs" / "deploy.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_make_target_that_it_names_is_there() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", TEXT)) - {"and"}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert {"deploy", "rollback", "status", "logs", "failed-jobs", "smoke", "destroy"} <= named
    assert named <= targets


def test_every_command_and_option_that_it_names_is_there() -> None:
    lines = re.findall(r"-m infra\.aws ([^\n\\]*(?:\\\n[^\n\\]*)*)", TEXT)
    assert len(lines) >= 2
    for line in lines:
        parser().parse_args(line.replace("\\\n", " ").split())


def test_every_parameter_that_it_sets_is_the_templates() -> None:
    named = set(re.findall(r"\b([A-Z][a-z]+[A-Z]?\w*)=\w+", TEXT)) - {"Action"}
    assert {"FramePaceMs", "AccessLogs", "Rollout"} <= named
    assert named <= set(merge_template()["Parameters"])


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (["status"], "-m infra.aws status --stage dev"),
        (
            ["deploy", "STAGE=prod", "ACCOUNT=1", "REGION=r", "YES=1"],
            "-m infra.aws deploy --stage prod --region r --account 1 --yes",
        ),
        (["rollback", "TO=abc"], "-m infra.aws rollback --stage dev --to abc"),
        (
            ["logs", "SINCE=2h", "FUNCTION=message", "GREP=a|b", "FOLLOW=1"],
            "-m infra.aws logs --stage dev --since 2h --function message --grep 'a|b' --follow",
        ),
        (["failed-jobs", "RETRY=1"], "-m infra.aws failed-jobs --stage dev --retry"),
        (["destroy", "STAGE=x", "YES=1"], "-m infra.aws destroy --stage x --yes"),
    ],
)
def test_makes_variables_become_options(variables: list[str], expected: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--silent", "--assume-old=.venv/.installed", *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    text = " ".join(done.stdout.replace("\\\n", " ").split())
    assert text.endswith(expected)
