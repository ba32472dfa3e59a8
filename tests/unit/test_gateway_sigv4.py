"""Signature Version 4, compared with botocore's.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from typing import Any
from unittest import mock
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from infra.local.gateway.sigv4 import SKEW_SECONDS, Credentials, Signature, is_valid, sign

HOST = "localhost:4566"
KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
REGION = "us-east-1"

secrets = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1)
segments = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=20)
tokens = st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=20)


def by_botocore(
    method: str, path: str, body: bytes, key: Credentials = KEY, **headers: str
) -> CIMultiDict[str]:
    """The headers of a request that botocore has signed."""
    request = AWSRequest(method, f"http://{HOST}{path}", data=body, headers=headers)
    credentials = BotoCredentials(
        key.access_key_id, key.secret_access_key, key.session_token or None
    )
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return CIMultiDict({"Host": HOST, **{name: str(v) for name, v in request.headers.items()}})


def check(headers: CIMultiDict[str], **changes: Any) -> bool:
    """Whether a request is valid; changes may be made after it was signed."""
    request: dict[str, Any] = {"secret": KEY.secret_access_key, "method": "POST", "query": ""}
    request |= {"path": "/prod", "body": b"body", "headers": headers} | changes
    return is_valid(Signature.parse(headers["Authorization"]), **request)


@settings(derandomize=True, max_examples=100)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    names=st.lists(segments, min_size=1, max_size=4),
    query=st.lists(st.tuples(segments, st.one_of(st.just(b""), st.binary())), max_size=3),
    body=st.binary(max_size=100),
    secret=secrets,
    token=tokens,
)
def test_what_botocore_signs_is_valid(
    method: str,
    names: list[str],
    query: list[tuple[str, bytes]],
    body: bytes,
    secret: str,
    token: str,
) -> None:
    path = "".join("/" + quote(name, safe="") for name in names if name not in (".", ".."))
    path = path or "/"
    pairs = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)
    key = Credentials("AKIDEXAMPLE", secret, token)
    headers = by_botocore(method, f"{path}?{pairs}" if pairs else path, body, key)
    assert check(headers, method=method, path=path, query=pairs, body=body, secret=secret)
    assert not check(
        headers, method=method, path=path, query=pairs, body=body + b"!", secret=secret
    )


@settings(derandomize=True, max_examples=100)
@given(
    name=segments,
    value=st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1),
    body=st.binary(max_size=100),
    secret=secrets,
    token=tokens,
)
def test_a_signature_is_as_botocore_makes_it(
    name: str, value: str, body: bytes, secret: str, token: str
) -> None:
    path = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
    if name in (".", ".."):
        return
    key = Credentials("AKIDEXAMPLE", secret, token)
    ours = sign(
        "POST",
        path,
        {"host": HOST, "x-amzn-trace-id": value},
        body,
        credentials=key,
        region=REGION,
        service="execute-api",
    )
    # At the same second as ours.
    at = time.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%SZ")
    with mock.patch("botocore.auth.get_current_datetime", return_value=_datetime(at)):
        theirs = by_botocore("POST", path, body, key, **{"x-amzn-trace-id": value})
    assert "x-amzn-trace-id" not in ours
    # botocore leaves the trace header out of the signature, so it is compared by our check.
    headers = CIMultiDict({"host": HOST, "x-amzn-trace-id": value} | ours)
    assert check(headers, path=path, body=body, secret=secret)
    assert ours["x-amz-date"] == theirs["X-Amz-Date"]
    assert ours.get("x-amz-security-token", "") == (token or "")
    plain = sign(
        "POST",
        path,
        {"host": HOST},
        body,
        credentials=key,
        region=REGION,
        service="execute-api",
    )
    if plain["x-amz-date"] == theirs["X-Amz-Date"]:
        assert plain["authorization"] == theirs["Authorization"]


def _datetime(at: time.struct_time) -> Any:
    return datetime(*at[:6])  # noqa: DTZ001 # botocore's is naive, too


def test_a_changed_request_is_not_valid() -> None:
    signed = by_botocore("POST", "/prod", b"body")
    assert check(signed)
    for changes in (
        *({"body": b""}, {"path": "/prod/"}, {"path": "/%70rod"}, {"query": "a=b"}),
        *({"method": "GET"}, {"secret": "another"}),
    ):
        assert not check(signed, **changes), changes
    for name, value in (("Host", "localhost:1"), ("X-Amz-Date", "20260101T000000Z")):
        headers = signed.copy()
        headers[name] = value
        assert not check(headers), name
    unsigned = signed.copy()
    unsigned["X-Not-Signed"] = "anything"
    assert check(unsigned)


@pytest.mark.parametrize(
    ("seconds", "valid"),
    {0: True, SKEW_SECONDS - 5: True, SKEW_SECONDS + 5: False, 86_400: False}.items(),
)
@pytest.mark.parametrize("direction", [1, -1])
def test_clocks_may_differ_by_five_minutes(seconds: int, valid: bool, direction: int) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""
    at = _datetime(time.gmtime(time.time() + direction * seconds))
    with mock.patch("botocore.auth.get_current_datetime", return_value=at):
        signed = by_botocore("POST", "/prod", b"body")
    assert check(signed) is valid


@pytest.mark.parametrize("date", ["", "20261122", "2026-11-22T00:00:00Z", "한", "99999999T999999Z"])
def test_a_date_that_is_none_is_not_valid(date: str) -> None:
    signed = by_botocore("POST", "/prod", b"body")
    signed["X-Amz-Date"] = date
    assert not check(signed)


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    signed = by_botocore("POST", "/prod", b"body")
    assert not check(signed, path="/\udcff", query="\udcff=\udcff")
    signed["Host"] = "\udcff"
    assert not check(signed)


def test_a_signature_without_the_host_is_not_valid() -> None:
    """The host header must be signed, or a signature would do for any endpoint."""
    headers = CIMultiDict(
        sign("POST", "/prod", {}, b"body", credentials=KEY, region=REGION, service="execute-api")
    )
    assert not check(headers)


@settings(derandomize=True, max_examples=200)
@given(st.text())
def test_any_header_can_be_read(header: str) -> None:
    with contextlib.suppress(ValueError):
        Signature.parse(f"AWS4-HMAC-SHA256 {header}")


def test_a_header_is_read() -> None:
    signed = by_botocore("POST", "/prod", b"body", Credentials("AKID", "secret", "token"))
    signature = Signature.parse(signed["Authorization"])
    assert (signature.access_key_id, signature.region) == ("AKID", REGION)
    assert signature.service == "execute-api"
    assert set(signature.signed_headers) == {"host", "x-amz-date", "x-amz-security-token"}
    assert urlsplit(f"http://{HOST}").netloc == signed["Host"]
