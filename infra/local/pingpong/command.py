"""The command line of `python -m infra.local.pingpong`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from infra.aws.package import ROOT
from infra.local.command import add_common_options, common_options, run
from infra.local.pingpong.app import PingPong
from infra.local.pingpong.companion import PingPongCompanion, SiteOptions
from infra.local.supervisor import Supervisor


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the command line says; PORT and KAKAO_PORT are defaults of two options."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.pingpong",
        description="Run Ping-Pong on this machine: an emulated AWS with the real template "
        "deployed, one origin in front of it, and a stand-in for Kakao. With KAKAO_CLIENT_ID, "
        "KAKAO_CLIENT_SECRET and KAKAO_ADMIN_KEY in the environment, people sign in at Kakao "
        "itself.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("PORT") or 8000),
        help="port of the site (default: PORT or 8000; 0: any free one)",
    )
    parser.add_argument(
        "--kakao-port",
        type=int,
        default=int(os.environ.get("KAKAO_PORT") or 8001),
        help="port of the Kakao stand-in (default: KAKAO_PORT or 8001; 0: any free one)",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=ROOT / ".local",
        help="where data, secrets and logs are kept (default: .local)",
    )
    parser.add_argument(
        "--site-dir",
        type=Path,
        default=ROOT / "frontend" / "dist",
        help="the built site (default: frontend/dist)",
    )
    add_common_options(parser)
    return parser.parse_args(arguments)


def supervisor_of(given: argparse.Namespace) -> Supervisor:
    """The stack that the command line asks for.

    Raises:
        InfraError: it asks for something that can't be.
    """
    site = SiteOptions(given.port, given.kakao_port, given.state_dir, given.site_dir)
    return Supervisor(
        PingPong(given.state_dir),
        common_options(given, port=0, parameters={}),
        PingPongCompanion(site, os.environ),
    )


def main() -> int:
    """The command."""
    given = parse()
    return run(lambda: supervisor_of(given), given.ready_file)
