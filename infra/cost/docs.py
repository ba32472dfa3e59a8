"""The examples in docs/costs.md: `python -m infra.cost.docs` writes them anew."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.cost import __main__ as command
from infra.errors import InfraError

FILE: Final = Path(__file__).parents[2] / "docs" / "costs.md"
#: What follows is the output of a command: `<!-- python -m infra.cost … -->` and a code block.
_EXAMPLE: Final = re.compile(
    r"(<!-- python -m infra\.cost(?P<arguments>[^\n]*?) -->\n```text\n)(?P<shown>.*?)(?=^```$)",
    re.MULTILINE | re.DOTALL,
)


def renewed(content: str) -> str:
    """A page with its examples as they are now.

    Raises:
        InfraError: it has no examples, or one's command is refused.
    """
    if not _EXAMPLE.search(content):
        raise InfraError(f"{FILE}: has no example of `python -m infra.cost` any more")
    return _EXAMPLE.sub(lambda found: found[1] + _output(found["arguments"].split()), content)


def _output(arguments: Sequence[str]) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        status = command.main(arguments)
    if status:
        raise InfraError(f"{FILE}: the command of an example is refused: {' '.join(arguments)}")
    return shown.getvalue()


if __name__ == "__main__":
    FILE.write_text(renewed(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"written: {FILE}", file=sys.stderr)
