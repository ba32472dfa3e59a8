"""`python -m infra.local`: what it does before anything runs, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.local.announcement import claim_ready_file
from tests.support.stack import ROOT

ECHO = ROOT / "tests" / "apps" / "echo"
SECONDS = 60


@pytest.mark.parametrize("module", ["infra.local", "infra.local.pingpong"])
def test_an_interrupt_while_it_imports_ends_it_without_a_word(tmp_path: Path, module: str) -> None:
    (tmp_path / "boto3.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", module, str(ECHO)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        # What a shell runs in the background ignores interrupts, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # A shell's 130.
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_ready_file_that_can_not_be_written_is_told_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = tmp_path / "state"
    command = [sys.executable, "-m", "infra.local", str(ECHO), "--state-dir", str(state)]
    done = subprocess.run(
        [*command, "--ready-file", str(tmp_path / "file" / "ready.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"--ready-file {tmp_path}/file/ready.json can't be written: ")
    assert done.stderr.count("\n") == 1
    assert not state.exists()


def test_a_directory_is_no_ready_file(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="can't be written"), claim_ready_file(tmp_path):
        pass


def test_a_ready_file_ends_with_its_stack(tmp_path: Path) -> None:
    path = tmp_path / "below" / "ready.json"
    with claim_ready_file(path):
        path.write_text(json.dumps({"pid": os.getpid()}))
    assert list(path.parent.iterdir()) == []
    with claim_ready_file(path):
        path.write_text(json.dumps({"pid": 1}))
    assert path.exists()  # another stack's
    with claim_ready_file(path):
        assert not path.exists()  # left by one that was killed
