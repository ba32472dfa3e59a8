"""The one botocore session and the clients made from it.

Making a session and a client costs tens of milliseconds of a cold start, so there
is one session, and a client of each service is made at its first use.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import botocore.config
import botocore.session

#: Lambdas have 10 s; a call that hangs must leave time for another try.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 3.0


@functools.cache
def session() -> botocore.session.Session:
    """The process's botocore session."""
    return botocore.session.get_session()


@functools.cache
def client(service: str, endpoint_url: str | None = None, *, attempts: int = 3) -> Any:
    """The process's client of a service.

    Args:
        service: botocore's name of it.
        endpoint_url: where it is, if not at AWS's or AWS_ENDPOINT_URL's address.
        attempts: how often a call is tried in all.
    """
    return session().create_client(
        service,
        endpoint_url=endpoint_url,
        config=botocore.config.Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=64,
        ),
    )
