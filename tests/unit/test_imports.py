"""Who may import whom."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Each module may import from those above it only.
LAYERS = [
    {"limits", "clock", "ids", "settings", "protocol", "sigv4", "http1", "metrics"},
    {"letters", "devices"},
    {"metering", "words"},
    {"log"},
    {"errors", "aws", "channels"},
    {"pace"},
    {"steps"},
    {"fanout", "signed_http", "writing", "matching"},
    {"dynamodb", "invocations", "pushing"},
    {"texts", "secret_values", "tables", "sender", "workers"},
    {"rows", "listing"},
    {"dynamodb_steps"},
    {"ruling", "masking"},
    {"users", "sessions", "kakao", "chats", "members", "connections"},
    {"names"},
    {"moderation", "invites", "passcodes", "room_words"},
    {"access", "admission"},
    {
        "rooms",
        "renaming",
        "nicknaming",
        "delivery",
        "changes",
        "pairs",
        "blocks",
        "directory",
        "newcomers",
    },
    {"match_steps", "reports"},
    {"joining", "presence", "push_worker", "edge", "export"},
    {"expelling"},
    {"background"},
    {"withdrawal", "log_commands", "match_commands", "moderation_commands", "directory_commands"},
    {"invite_commands"},
    {"jobs", "commands"},
    {"realtime", "http", "account_http"},
]


def imports(path: Path) -> set[str]:
    """The modules that a file imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("folder", ["infra/local", "infra/aws"])
def test_infrastructure_fits_any_app(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert not [name for name in imports(path) if name.split(".")[0] == "chalicelib"], path


def test_the_app_knows_nothing_of_where_it_runs() -> None:
    for path in [ROOT / "app.py", *(ROOT / "chalicelib").glob("*.py")]:
        assert not [name for name in imports(path) if name.split(".")[0] in ("infra", "tests")]


def test_every_module_has_its_layer() -> None:
    modules = {path.stem for path in (ROOT / "chalicelib").glob("*.py")} - {"__init__"}
    assert modules == set().union(*LAYERS)


def test_imports_go_one_way() -> None:
    for number, layer in enumerate(LAYERS):
        allowed = set().union(*LAYERS[:number]) | layer
        for module in layer:
            found = imports(ROOT / "chalicelib" / f"{module}.py")
            used = {name.split(".")[1] for name in found if name.startswith("chalicelib.")}
            assert used <= allowed, f"{module} imports {used - allowed}"


def test_a_message_does_not_wait_for_what_only_sign_in_needs() -> None:
    code = "import sys, app; print(*sorted(sys.modules))"
    environment = {**os.environ, "TABLE_PREFIX": "test-", "SITE_ORIGIN": "http://localhost:8000"}
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"authlib", "requests", "cryptography", "joserfc", "boto3"} & set(output)
