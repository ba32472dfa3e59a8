"""The supervisor's side of the emulator: a process that says anything, or nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from infra.errors import InfraError
from infra.local import emulator, emulator_process
from infra.local.emulator_process import EmulatorProcess

Make: TypeAlias = Callable[..., EmulatorProcess]

#: Says what it is told to say, then what the program below it does.
BEGINNING = """
import json, sys, time

def say(message):
    print(json.dumps(message), flush=True)

say({"port": 1})
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an emulator that is a program of a test's own."""

    def made(program: str, take: Callable[[dict[str, Any]], None] = print) -> EmulatorProcess:
        code, command = tmp_path / "emulator.py", tmp_path / "python"
        python = sys.executable
        code.write_text(BEGINNING + textwrap.dedent(program))
        command.write_text(f'#!/bin/sh\nexec {python} "{code}"\n')
        command.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(command))
        return EmulatorProcess(tmp_path / "state", take)

    return made


def test_a_message_that_cannot_be_taken_ends_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[Any] = []

    def take(invocation: dict[str, Any]) -> None:
        if invocation["bad"]:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        taken.append(invocation)

    process = make(
        """
        say({"invocation": {"bad": True}})
        print("no JSON", flush=True)
        print("x" * (17 << 20), flush=True)
        say({"invocation": {"bad": False}})
        """,
        take,
    )

    async def scenario() -> int:
        await process.start()
        status = await process.ended()
        await process.stop()
        return status

    assert asyncio.run(scenario()) == 0
    assert taken == [{"bad": False}]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) >= 3


def test_a_question_without_an_answer_has_an_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator_process, "ANSWER_SECONDS", 0.05)
    process = make("sys.stdin.read()")

    async def scenario() -> None:
        await process.start()
        with pytest.raises(InfraError, match=r"has not answered within .* authorize"):
            await process.authorize("key", "", "action", "resource")
        await process.stop()

    asyncio.run(scenario())


def test_a_reader_that_fails_is_told(make: Make) -> None:
    process = make("sys.stdin.read()")

    async def scenario() -> None:
        await process.start()
        assert process._process is not None
        assert process._process.stdout is not None
        process._process.stdout.set_exception(OSError("the pipe broke"))
        with pytest.raises(InfraError, match="the pipe broke"):
            await asyncio.wait_for(process.ended(), 10)
        await process.stop()

    asyncio.run(scenario())


def test_a_long_save_is_waited_for_and_told(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(emulator_process, "STOP_SECONDS", 0.05)
    go, saved = tmp_path / "go", tmp_path / "saved"
    process = make(
        f"""
        import pathlib
        sys.stdin.read()
        while not pathlib.Path({str(go)!r}).exists():
            time.sleep(0.01)
        pathlib.Path({str(saved)!r}).touch()
        """
    )

    async def scenario() -> None:
        await process.start()
        stopping = asyncio.create_task(process.stop())
        while "still saving" not in caplog.text:
            await asyncio.sleep(0.01)
        go.touch()
        await stopping

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert saved.exists()


def test_no_message_is_longer_than_a_line_may_be() -> None:
    long = "\N{GRINNING FACE}" * 9_000_000
    invocation = {"error": long, "trace": long, "what": long, "log": "\0" * (1 << 20)}
    said = json.dumps(emulator.shortened({"invocation": {**invocation, "calls": [{"a": long}]}}))
    assert len(said) < emulator_process.LINE_BYTES_MAX
    assert "9000000 characters" in said
    assert json.loads(said)["invocation"]["log"] == invocation["log"]
