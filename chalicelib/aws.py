"""The one botocore session and the clients made from it.

Making a session and a client costs tens of milliseconds of a cold start, so there
is one session, and a client of each service is made at its first use.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Final
from urllib.parse import quote

import botocore.config
import botocore.session
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.httpsession import get_cert_path

from chalicelib.sigv4 import Credentials

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


def credentials() -> Credentials:
    """Who the process is, as of now.

    Raises:
        BotoCoreError: it is nobody, or credentials that expired could not be renewed.
    """
    # A Lambda's are in its environment; botocore would keep what it found there at first.
    access_key = os.environ.get("AWS_ACCESS_KEY_ID")
    if access_key:
        secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN", ""))
    found = session().get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token or "")


def trace_headers() -> dict[str, str]:
    """What a request of a Lambda sends, as botocore does, so that loops and traces are noticed.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    trace_id = os.environ.get("_X_AMZN_TRACE_ID")
    if not trace_id or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return {}
    return {"X-Amzn-Trace-Id": quote(trace_id, safe="-=;:+&[]{}\"',")}


def region() -> str:
    """The process's Region.

    Raises:
        BotoCoreError: none is set.
    """
    name = session().get_config_variable("region")
    if not name:
        raise NoRegionError
    return str(name)


def ca_bundle() -> str:
    """The file of the CAs that botocore trusts."""
    return str(session().get_config_variable("ca_bundle") or get_cert_path(True))
