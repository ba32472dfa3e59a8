"""Signatures: equal to botocore's, whatever is signed."""

from __future__ import annotations

import datetime
import string
from unittest.mock import patch

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.utils import percent_encode
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib import sigv4
from chalicelib.channels import Endpoint
from chalicelib.sigv4 import Credentials, Signer

TOKEN_CHARACTERS = string.ascii_letters + string.digits + "+/="

times = st.integers(1_400_000_000, 4_000_000_000).map(
    lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.UTC)
)
#: As API Gateway makes them, and worse.
connection_ids = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{14,15}=", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
).filter(lambda text: text not in (".", ".."))  # which botocore's signature leaves out
hosts = st.sampled_from(
    [
        "https://abc123.execute-api.ap-northeast-2.amazonaws.com",
        "https://ABC123.execute-api.us-east-1.amazonaws.com:443",
        "https://localhost:8443",
        "http://localhost",
        "http://localhost:80",
        "http://127.0.0.1:4566",
        "http://[::1]:4566",
    ]
)
stages = st.sampled_from(["", "/ws", "/ws/", "/dev/v1", "/a~b", "/$default", "/a+b", "/%2D"])


@given(
    url=hosts,
    stage=stages,
    connection_id=connection_ids,
    method=st.sampled_from(["POST", "DELETE"]),
    body=st.binary(max_size=300),
    time=times,
    access_key=st.text(string.ascii_uppercase, min_size=1, max_size=20),
    secret_key=st.text(min_size=1, max_size=40, alphabet=TOKEN_CHARACTERS),
    token=st.text(TOKEN_CHARACTERS, max_size=60),
    region=st.sampled_from(["us-east-1", "ap-northeast-2"]),
)
@example(
    url="https://abc123.execute-api.us-east-1.amazonaws.com",
    stage="/ws",
    connection_id="L0SM9cOFvHcCIhw=",
    method="POST",
    body="안녕하세요".encode(),
    time=datetime.datetime(2026, 11, 22, 23, 59, 59, tzinfo=datetime.UTC),
    access_key="AKIDEXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    token="token==",
    region="us-east-1",
)
def test_a_signature_is_botocores(
    url: str,
    stage: str,
    connection_id: str,
    method: str,
    body: bytes,
    time: datetime.datetime,
    access_key: str,
    secret_key: str,
    token: str,
    region: str,
) -> None:
    segment = percent_encode(connection_id)
    theirs = AWSRequest(method, f"{url}{stage.rstrip('/')}/@connections/{segment}", data=body)
    identity = BotocoreCredentials(access_key, secret_key, token or None)
    with patch.object(botocore.auth, "get_current_datetime", lambda: time):
        botocore.auth.SigV4Auth(identity, "execute-api", region).add_auth(theirs)

    endpoint = Endpoint.parse(url + stage)
    signer = Signer(
        Credentials(access_key, secret_key, token),
        region=region,
        service="execute-api",
        method=method,
        host=endpoint.authority,
        directory=f"{endpoint.path}/@connections/",
        body=body,
        at=time.timestamp(),
    )
    ours = signer.headers | {"Authorization": signer.authorization(segment)}
    assert ours == dict(theirs.headers)


def test_the_key_of_a_day_is_derived_once() -> None:
    sigv4.signing_key.cache_clear()
    for second in range(3):
        for body in (b"a", b"b"):
            Signer(
                Credentials("key", "secret"),
                region="us-east-1",
                service="execute-api",
                method="POST",
                host="localhost",
                directory="/ws/@connections/",
                body=body,
                at=1_800_000_000 + second,
            ).authorization("id")
    assert sigv4.signing_key.cache_info().misses == 1


def test_a_key_does_not_outlive_its_day_or_secret() -> None:
    keys = {
        sigv4.signing_key(secret, date, region, "execute-api")
        for secret in ("one", "other")
        for date in ("20261122", "20261123")
        for region in ("us-east-1", "us-east-2")
    }
    assert len(keys) == 8


def test_credentials_are_not_shown() -> None:
    shown = repr(Credentials("AKID", "secret-secret", "token-token"))
    assert "secret-secret" not in shown
    assert "token-token" not in shown
