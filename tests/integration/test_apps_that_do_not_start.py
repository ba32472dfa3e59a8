"""What is wrong with an app and shows only when it is deployed: told, and the command ends."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.support.stack import ROOT, StackProcess

APPS = ROOT / "tests" / "apps"


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    copied = tmp_path / "echo"
    shutil.copytree(APPS / "echo", copied)
    return copied


def refusal(app: Path, *options: str, port: int = 0) -> str:
    """What is said instead of starting."""
    stack = StackProcess(app.parent, "infra.local", str(app), "--port", str(port), *options)
    try:
        with pytest.raises(RuntimeError) as refused:
            stack.start()
    finally:
        stack.stop()
    return str(refused.value)


def test_a_handler_that_does_not_import_is_told_with_its_traceback(echo: Path) -> None:
    handler = echo / "src" / "echo.py"
    handler.write_text(
        "def handler(event, context): ...\n\n\nTABLE = __import__('os').environ['TABLE']\n"
    )
    said = refusal(echo)
    assert f'File "{handler}", line 4, in <module>' in said
    assert "KeyError: 'TABLE'" in said
    assert "infra/local" not in said


def test_a_variable_that_is_given_lets_it_start(echo: Path) -> None:
    (echo / "src" / "echo.py").write_text("import os\nhandler = os.environ['TABLE'].format\n")
    stack = StackProcess(echo.parent, "infra.local", str(echo), "--port", "0", "--env", "TABLE=x")
    try:
        stack.start()
        assert stack.ready["websocket"].endswith("/prod")
    finally:
        stack.stop()


def test_a_taken_port_is_told_with_a_way_out(echo: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(echo, port=port)
    assert f"port {port} is taken" in said
    assert f"--port {port + 10}" in said
    assert "Traceback" not in said


def test_what_the_emulator_lacks_is_left_out_if_nothing_needs_it(echo: Path) -> None:
    template = echo / "template.yaml"
    detector = "  Guard:\n    Type: AWS::GuardDuty::Detector\n    Properties: {Enable: true}\n"
    whole = template.read_text()
    template.write_text(whole.replace("\nOutputs:", f"\n{detector}\nOutputs:"))
    stack = StackProcess(echo.parent, "infra.local", str(echo), "--port", "0")
    try:
        stack.start()
    finally:
        stack.stop()
    said = stack.log_path.read_text()
    assert "left out, because the emulator has nothing like it: AWS::GuardDuty::Detector" in said

    needy = whole.replace("Name: echo", "Name: !Ref Guard")
    template.write_text(needy.replace("\nOutputs:", f"\n{detector}\nOutputs:"))
    assert "EchoApi needs Guard (AWS::GuardDuty::Detector): the emulator has" in refusal(echo)


def test_a_stack_that_can_not_be_made_is_told_with_the_reason(echo: Path) -> None:
    template = echo / "template.yaml"
    whole = template.read_text()
    template.write_text(whole.replace("      StageName: prod\n", "      StageName: [prod]\n"))
    said = refusal(echo)
    assert "Traceback" not in said
    assert "Stage" in said
