"""The local stack stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.site import new_person
from tests.support.stack import ROOT, LocalStack, own_stack


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LocalStack]:
    with own_stack(tmp_path) as stack:
        yield stack


def processes_of_session(session: int) -> list[str]:
    """Command lines of the processes that a stack has started and that still live."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            command = (entry / "cmdline").read_text().replace("\0", " ")
        except (OSError, IndexError):
            continue
        if entry.name.isdigit() and int(fields[3]) == session and fields[0] != "Z":
            found.append(command)
    return found


def wait_until_gone(session: int) -> None:
    deadline = time.monotonic() + 15
    while processes_of_session(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of_session(session) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_nothing_acknowledged_is_lost_by_a_restart(own: LocalStack, end: str) -> None:
    site = own.site
    jimin, haeun = new_person(site, "지민"), new_person(site, "하은")
    host, guest = jimin.chat(), haeun.chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    said = [say(host, room_id, f"{number}")["seq"] for number in range(5)]
    session = own.pid
    if end == "stopped":
        own.stop()
    else:
        os.kill(own.pid, signal.SIGKILL)
    assert host.closed.wait(10)
    wait_until_gone(session)

    own.start()
    # The same cookies, the same people, the same log; and it goes on.
    back = haeun.chat()
    position = {"room_id": room_id, "after": said[0]}
    missed = back.ask("room.sync", rooms=[position])["rooms"][0]
    assert [entry["seq"] for entry in missed["entries"]] == said[1:]
    again = jimin.chat()
    entry = say(again, room_id, "다시 왔어요")
    assert back.wait_for_entry(seq=entry["seq"])["text"] == "다시 왔어요"
    assert texts_of(back.ask("chat.history", room_id=room_id))[-1] == "다시 왔어요"


def test_a_taken_port_is_said_clearly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [
            sys.executable,
            "-m",
            "infra.local.pingpong",
            "--port",
            port,
            "--kakao-port",
            "0",
        ]
        command += ["--state-dir", str(tmp_path / "state")]
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert result.returncode != 0
    assert port in result.stderr
    assert "PORT=" in result.stderr
    assert "Traceback" not in result.stderr
