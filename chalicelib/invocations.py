"""Asynchronous invocations of our own Lambdas."""

from __future__ import annotations

import functools
from urllib.parse import quote

import msgspec
from botocore.exceptions import ClientError

from chalicelib import signed_http
from chalicelib.signed_http import Answer, Service


def start(function: str, job: msgspec.Struct) -> None:
    """Have a Lambda do a job; returns when Lambda has taken it over.

    Args:
        function: its name, on AWS with the alias: ``name:live``.
        job: what it gets as its event.

    A call that is repeated because its answer got lost may do the job twice.
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

    Raises:
        ClientError: Lambda refuses.
        HTTPClientError: it can't be reached, or does not answer.
    """
    answer, _ = _lambda().post(
        f"/2015-03-31/functions/{quote(function, safe='')}/",
        "invocations",
        msgspec.json.encode(job),
        {"X-Amz-Invocation-Type": "Event"},
        is_passing=_is_passing,
    )
    if answer.status != 202:
        code = answer.headers.get("x-amzn-errortype", str(answer.status))
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "Invoke")


def _is_passing(refusal: Answer) -> bool:
    return refusal.status == 429 or refusal.status >= 500


@functools.cache
def _lambda() -> Service:
    return signed_http.service("lambda")
