"""Selection expressions: which route a message takes.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from infra.errors import InfraError

#: One step of a JSONPath: ``.name``, ``[0]``, ``['name']``.
_STEP: Final = r"\.[\w-]+|\[\d+\]|\['[^']+'\]"
_STEPS: Final = re.compile(_STEP)
#: What an expression is made of: ``\$``, ``${request.body.path}``, ``$request.body.path``, text.
_PART: Final = re.compile(
    rf"(?P<escaped>\\\$)|\$\{{request\.body(?P<braced>(?:{_STEP})+)\}}"
    rf"|\$request\.body(?P<bare>(?:{_STEP})+)|(?P<text>[^$\\]+)"
)


@dataclass(frozen=True)
class _Variable:
    """A place in a message's JSON: names of members and numbers of items."""

    path: tuple[str | int, ...]


def check_selection(expression: str) -> None:
    """Check that an expression can be evaluated.

    Raises:
        InfraError: it can't: it names something other than ``request.body``, or has a JSONPath
            beyond names and numbers.
    """
    _parse(expression)


def select_key(expression: str, body: str) -> str | None:
    """What an expression makes of a message.

    What the message has not is empty, as documented. None if it can't be evaluated, as the
    message is no JSON.
    """
    parts = _parse(expression)
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str))
    try:
        content: Any = json.loads(body)
        return "".join(
            part if isinstance(part, str) else _text(_find(content, part.path)) for part in parts
        )
    except (ValueError, RecursionError):
        return None


@functools.lru_cache(maxsize=64)
def _parse(expression: str) -> tuple[str | _Variable, ...]:
    parts: list[str | _Variable] = []
    position = 0
    while position < len(expression):
        match = _PART.match(expression, position)
        if match is None:
            raise InfraError(
                f"selection expression {expression!r}: {expression[position:]!r} is not supported "
                "here, only $request.body with names and numbers of members"
            )
        path = match["braced"] or match["bare"]
        if path:
            parts.append(_Variable(tuple(_step(step) for step in _STEPS.findall(path))))
        else:
            parts.append(match["text"] or "$")
        position = match.end()
    return tuple(parts)


def _step(step: str) -> str | int:
    if step.startswith("."):
        return step[1:]
    inner = step[1:-1]
    return inner[1:-1] if inner.startswith("'") else int(inner)


def _find(content: Any, path: tuple[str | int, ...]) -> Any:
    """What is there; None if nothing."""
    for step in path:
        if isinstance(step, str) and isinstance(content, dict):
            content = content.get(step)
        elif isinstance(step, int) and isinstance(content, list) and step < len(content):
            content = content[step]
        else:
            return None
    return content


def _text(value: Any) -> str:
    """A value as text: an array of two is documented to become ``[item1, item2]``."""
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
