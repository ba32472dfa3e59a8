"""The command line of `python -m infra.local.pingpong`."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Final

from infra.aws.package import ROOT
from infra.local.command import add_common_options, common_options, pairs, run
from infra.local.pingpong.app import STACK_NAME, PingPong
from infra.local.pingpong.companion import PingPongCompanion, SiteOptions
from infra.local.pingpong.on_localstack import LocalStackData
from infra.local.supervisor import Supervisor

STATE_DIR: Final = ROOT / ".local"
LOCALSTACK_STATE_DIR: Final = STATE_DIR / "localstack"

#: The longest resource's name, an IAM role's or a Lambda's, has 64 characters.
NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")


def stack_name(text: str) -> str:
    """A stack's name; argparse says what is wrong with it."""
    if not NAME_PATTERN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: small letters, digits and hyphens, a letter first, 41 at most"
        )
    return text


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
        help="where data, secrets and logs are kept (default: .local, or .local/localstack)",
    )
    parser.add_argument(
        "--site-dir",
        type=Path,
        default=ROOT / "frontend" / "dist",
        help="the built site (default: frontend/dist)",
    )
    parser.add_argument(
        "--aws",
        choices=("embedded", "localstack"),
        default="embedded",
        help="where tables and secrets are: in the embedded emulator, or on the LocalStack at "
        "LOCALSTACK_ENDPOINT (default: http://127.0.0.1:4566), which is left as it is at the end",
    )
    parser.add_argument(
        "--name",
        type=stack_name,
        default=STACK_NAME,
        help=f"the stack's, which its tables' and Lambdas' names begin with ({STACK_NAME})",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a parameter of the template; may be repeated",
    )
    add_common_options(parser)
    return parser.parse_args(arguments)


def supervisor_of(given: argparse.Namespace) -> Supervisor:
    """The stack that the command line asks for.

    Raises:
        InfraError: it asks for something that can't be.
    """
    on_localstack = given.aws == "localstack"
    # The embedded stack's data stays where it is while another one runs.
    state_dir = given.state_dir or (LOCALSTACK_STATE_DIR if on_localstack else STATE_DIR)
    site = SiteOptions(given.port, given.kakao_port, state_dir, given.site_dir)
    data = LocalStackData(given.name, os.environ) if on_localstack else None
    return Supervisor(
        PingPong(state_dir, name=given.name),
        common_options(given, port=0, parameters=pairs(given.parameter, "--parameter")),
        PingPongCompanion(site, os.environ, given.name, data),
    )


def main() -> int:
    """The command."""
    given = parse()
    return run(lambda: supervisor_of(given), given.ready_file)
