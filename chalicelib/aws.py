"""Who and where the process is on AWS, and what its connections there have in common.

On Lambda all of it is in the environment. botocore, which knows every other place, is asked
when something is not: making a session takes 10 ms of a cold start.
"""

from __future__ import annotations

import functools
import os
from typing import Final
from urllib.parse import quote

import botocore.session
from botocore.exceptions import NoCredentialsError, NoRegionError
from botocore.httpsession import get_cert_path

from chalicelib.channels import Tls
from chalicelib.sigv4 import Credentials

#: Lambdas have 10 s; a call that hangs must leave time for another try.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 3.0


@functools.cache
def session() -> botocore.session.Session:
    """The process's botocore session."""
    return botocore.session.get_session()


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

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

    Raises:
        BotoCoreError: none is set.
    """
    name = os.environ.get("AWS_DEFAULT_REGION") or session().get_config_variable("region")
    if not name:
        raise NoRegionError
    return str(name)


def tls(host: str) -> Tls:
    """What TLS connections to a host have in common; all of AWS's hosts share one."""
    # https://www.amazontrust.com/repository/ has all that AWS's own certificates begin with.
    is_aws = host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    return _tls(_ca_bundle(), "Amazon Root CA" if is_aws else "")


#: Reading the CAs and making a context is 3 to 30 ms of a cold start.
_tls: Final = functools.cache(Tls)


def _ca_bundle() -> str:
    """The file of the CAs that botocore trusts."""
    configured = os.environ.get("AWS_CA_BUNDLE")
    if not configured and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        configured = session().get_config_variable("ca_bundle")
    return str(configured or get_cert_path(True))
