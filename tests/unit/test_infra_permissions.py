"""The local stack's option for what roles do not allow, and what it prints."""

from __future__ import annotations

import pytest

from infra.errors import InfraError
from infra.local import command, log
from infra.local.permission_modes import MODE


def parsed(*options: str) -> str:
    given = command.parse(["app", *options])
    return command.common_options(given, 0, {}).permissions


def test_roles_are_enforced_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODE, raising=False)
    assert parsed() == "enforce"
    assert parsed("--permissions", "warn") == "warn"
    monkeypatch.setenv(MODE, "warn")
    assert parsed() == "warn"
    assert parsed("--permissions", "enforce") == "enforce"
    monkeypatch.setenv(MODE, "")
    assert parsed() == "enforce"


def test_another_mode_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("--permissions", "off")
    assert "'off'" in capsys.readouterr().err
    # argparse does not look at a default.
    monkeypatch.setenv(MODE, "off")
    with pytest.raises(InfraError, match="LOCAL_PERMISSIONS must be enforce or warn, not 'off'"):
        parsed()


def test_all_lines_of_what_is_missing_are_printed() -> None:
    lines = log.permission_lines({"missing_permission": "a may not do b\n  this would:"})
    first, second = lines.splitlines()
    assert first.endswith("permission a may not do b")
    assert second == "            this would:"
    assert log.permission_lines({"unknown_permission": "a: b"}).endswith("permission a: b")
