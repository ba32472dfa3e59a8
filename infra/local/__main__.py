"""`python -m infra.local`: run Ping-Pong on this machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from infra.aws.package import ROOT
from infra.errors import InfraError
from infra.local.supervisor import Options, Supervisor


def parse(arguments: list[str] | None = None) -> Options:
    """Options from the command line; PORT and KAKAO_PORT are defaults of two."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
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
    parser.add_argument(
        "--ready-file", type=Path, help="JSON with addresses and names, written when all is up"
    )
    parser.add_argument(
        "--no-watch", dest="watch", action="store_false", help="do not follow changes of the code"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="print what takes how long while starting"
    )
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Run until interrupted; 1 and a message if something does not work."""
    options = parse()
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)

    async def run() -> None:
        await Supervisor(options).run()

    try:
        asyncio.run(run())
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
