"""What MiniStack computes anew for each request, although its arguments say it all: done once."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias

from ministack.core import iam_evaluator, sigv4
from ministack.services import dynamodb

Json: TypeAlias = dict[str, Any]

#: Results of each function that are remembered; an app has some dozens of expressions.
REMEMBERED: Final = 512


def mend() -> None:
    """Remember signing keys, parsed policies and parsed expressions in this process.

    Nothing becomes stale: which policies a role has is still looked up for each request.
    """
    remember = functools.lru_cache(REMEMBERED)
    sigv4.derive_signing_key = remember(sigv4.derive_signing_key)
    # A Query evaluates its condition for each item, parsing included.
    dynamodb._condition_syntax_error = remember(dynamodb._condition_syntax_error)
    tokenize = dynamodb._tokenize
    tokens = remember(lambda expression: tuple(tokenize(expression)))

    @functools.wraps(tokenize)
    def copied(expression: str) -> list[Any]:
        return list(tokens(expression))

    dynamodb._tokenize = copied
    parse = iam_evaluator.parse_policy_document
    parse_text = remember(parse)

    @functools.wraps(parse)
    def parse_policy_document(document: str | Json) -> Any:
        return parse_text(document) if isinstance(document, str) else parse(document)

    iam_evaluator.parse_policy_document = parse_policy_document
