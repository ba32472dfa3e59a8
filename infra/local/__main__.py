"""`python -m infra.local APP`: run a WebSocket app on this machine."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """The command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until there is something to stop, Ctrl-C ends the process at once and without a word;
        # importing takes a while.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.local.command import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
