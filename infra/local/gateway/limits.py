"""API Gateway's limits for WebSocket APIs; settable, so that tests can make them small.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from infra.errors import InfraError


@dataclass(frozen=True)
class Limits:
    """What the gateway allows. Bytes, seconds, and numbers per second."""

    #: A frame from the client above it closes the connection with 1009.
    frame_bytes: int = 32 * 1024
    #: So does a message, be it in several frames. A post above it is refused with 413.
    message_bytes: int = 128 * 1024
    #: Without a frame in either direction for so long, a connection is closed.
    idle_seconds: float = 10 * 60
    #: And after so long in any case.
    connection_seconds: float = 2 * 60 * 60
    #: How long a Lambda may take to answer an event.
    integration_seconds: float = 29.0
    #: New connections a second in the account; a handshake above it is refused with 429.
    connects_per_second: float = 500
    #: Messages and calls of the management API in the account, a second and at once.
    requests_per_second: float = 10_000
    request_burst: int = 5_000
    #: Characters of the URL.
    url_characters: int = 4096
    #: What an authorizer may return.
    authorizer_bytes: int = 8 * 1024

    # AWS publishes no figure for the rest.
    #: A client that does not read is cut off when so much waits for it.
    unread_bytes: int = 1024 * 1024
    #: While so many of its messages are being handled, no more is read from a client.
    messages_at_once: int = 256
    #: How long a closing client may take to answer the close frame.
    closing_seconds: float = 2.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value <= 0:
                raise InfraError(f"limit {field.name} must be above 0 and finite, not {value}")

    @classmethod
    def from_pairs(cls, pairs: Iterable[str]) -> Self:
        """Limits from texts such as ``idle_seconds=5``; what is not named keeps AWS's value.

        Raises:
            InfraError: names the text and what is wrong with it.
        """
        types = typing.get_type_hints(cls)
        values: dict[str, float] = {}
        for pair in pairs:
            name, _, text = pair.partition("=")
            if name not in types:
                close = difflib.get_close_matches(name, types, 1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(types)}"
                raise InfraError(f"limit {name!r} does not exist; {hint}")
            try:
                values[name] = types[name](text)
            except ValueError as error:
                raise InfraError(f"limit {name} must be a number, not {text!r}") from error
        return cls(**values)  # type: ignore[arg-type] # checked by from_pairs' own conversion
