"""The command line of `python -m infra.local APP`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from infra.errors import InfraError
from infra.local.announcement import claim_ready_file
from infra.local.apps import find_app
from infra.local.gateway.limits import Limits
from infra.local.permission_modes import ENFORCE, MODE, MODES
from infra.local.supervisor import Options, Supervisor

PORT_MAX: Final = 65_535

DESCRIPTION: Final = """\
Run an app with an API Gateway WebSocket API on this machine, as it would be deployed: its
template goes to an emulated AWS (MiniStack, without Docker and account), its Lambdas run as
processes with their roles enforced, and its APIs are on one port:

  ws://localhost:PORT/STAGE                         the WebSocket API
  http://localhost:PORT/STAGE/...                   its REST or HTTP API, if it has one
  http://localhost:PORT/STAGE/@connections/ID       posts to connections, for your own tools

Lambdas need no changes: https://{domainName}/{stage} from their event is the management API,
and boto3 without an endpoint talks to the emulated AWS. Saved changes are live at once, and
connections stay open.
"""

EPILOG: Final = """\
examples:
  python -m infra.local my-app/template.yaml --parameter TableName=chats
  python -m infra.local my-chalice-app --stage dev --merge-template my-chalice-app/tables.json
  python -m infra.local my-app/.aws-sam/build --port 9000 --no-watch --limit idle_seconds=30

Python Lambdas run on this Python with its installed libraries (and what `sam build` put beside
them); Node.js Lambdas on the `node` in PATH. docs/local-gateway.md says what differs from AWS.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "app",
        type=Path,
        metavar="APP",
        help="a SAM or CloudFormation template (YAML or JSON), a directory with template.yaml, "
        "or a Chalice project (a directory with .chalice/config.json)",
    )
    parser.add_argument(
        "--state-dir", type=Path, help="where data and logs are kept (default: .local in the app)"
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a parameter of the template; may be repeated",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an environment variable for every Lambda; may be repeated",
    )
    parser.add_argument(
        "--stage", default="dev", help="the stage of a Chalice project (default: dev)"
    )
    parser.add_argument(
        "--merge-template",
        type=Path,
        metavar="FILE",
        help="merged into a Chalice project's template, as by `chalice package`: tables, say",
    )
    parser.add_argument(
        "--port", type=port_number, default=8000, help="the port (default: 8000; 0: any free one)"
    )
    add_common_options(parser)
    return parser.parse_args(arguments)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options that every local stack has."""
    parser.add_argument(
        "--no-watch", dest="watch", action="store_false", help="do not follow changes of the code"
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value than AWS's for a limit of the gateway, such as idle_seconds=30; "
        "a wrong name lists them; may be repeated",
    )
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="what is to go wrong: docs/faults.md"
    )
    parser.add_argument(
        "--permissions",
        choices=MODES,
        default=os.environ.get(MODE) or ENFORCE,
        help="what a Lambda's role does not allow is refused, as on AWS, or only told "
        f"(default: {MODE} or {ENFORCE})",
    )
    parser.add_argument(
        "--trace",
        metavar="TEXT",
        help="print all that a message leads to, if TEXT is a value in its JSON",
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="JSON with addresses and names, written when all is up and removed at the end",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="print what takes how long while starting"
    )


def port_number(text: str) -> int:
    """A TCP port; argparse says what is wrong with it."""
    port = int(text)
    if not 0 <= port <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to {PORT_MAX}")
    return port


def permission_mode(text: str) -> str:
    """A mode of permission_modes.py, which may come from the environment.

    Raises:
        InfraError: there is no such mode.
    """
    if text not in MODES:
        raise InfraError(f"{MODE} must be {' or '.join(MODES)}, not {text!r}")
    return text


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping.

    Raises:
        InfraError: one has no ``=``.
    """
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise InfraError(f"{option} must be like NAME=VALUE, not {text!r}")
        found[name] = value
    return found


def common_options(given: argparse.Namespace, port: int, parameters: dict[str, str]) -> Options:
    """What `add_common_options` has parsed.

    Raises:
        InfraError: a limit is wrong.
    """
    return Options(
        port=port,
        parameters=parameters,
        ready_file=given.ready_file,
        watch=given.watch,
        verbose=given.verbose,
        limits=Limits.from_pairs(given.limit),
        faults=given.faults,
        trace=given.trace,
        permissions=permission_mode(given.permissions),
    )


def supervisor_of(given: argparse.Namespace) -> Supervisor:
    """The stack that the command line asks for.

    Raises:
        InfraError: it asks for something that can't be.
    """
    app = find_app(
        given.app,
        state_dir=given.state_dir.resolve() if given.state_dir else None,
        stage=given.stage,
        merge_template=given.merge_template,
        environment=pairs(given.env, "--env"),
    )
    parameters = pairs(given.parameter, "--parameter")
    return Supervisor(app, common_options(given, given.port, parameters))


def run(make: Callable[[], Supervisor], ready_file: Path | None) -> int:
    """Run until interrupted; 1 and a message if something does not work."""

    async def bring() -> None:
        await make().run()

    try:
        with claim_ready_file(ready_file) if ready_file is not None else nullcontext():
            asyncio.run(bring())
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """The command."""
    given = parse()
    return run(lambda: supervisor_of(given), given.ready_file)
