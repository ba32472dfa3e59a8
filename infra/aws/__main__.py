"""`python -m infra.aws`: package, deploy, watch and remove Ping-Pong on AWS."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from infra.aws.arguments import parser
from infra.aws.commands import COMMANDS
from infra.aws.console import Console
from infra.aws.refusals import told_plainly
from infra.errors import InfraError

#: What a shell says of a command that Ctrl-C ended: 128 + SIGINT.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 1 and a message if it does not work."""
    options = parser().parse_args(arguments)
    console = Console()
    try:
        with told_plainly(getattr(options, "region", None) or ""):
            COMMANDS[options.command](options, console)
    except InfraError as error:
        console.live("")
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        console.live("")
        return INTERRUPTED
    except BrokenPipeError:
        # `make logs | head`: nobody reads any more, nor what Python would flush at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
