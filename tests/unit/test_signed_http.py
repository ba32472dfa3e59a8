"""Calls of AWS's JSON services over TLS, and of SSM."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.httpsession import get_cert_path

from chalicelib import aws, secret_values
from chalicelib.channels import Tls
from chalicelib.settings import settings
from chalicelib.signed_http import Answer, Service
from tests.support.management_stub import ManagementStub, answer, make_certificates

SECRETS = {
    "kakao_client_id": "id",
    "kakao_client_secret": "",
    "kakao_admin_key": "admin",
    "identity_key": "identity",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def stub(certificates: tuple[Path, Any]) -> Iterator[ManagementStub]:
    """A server with TLS, from a CA of its own."""
    with ManagementStub(certificates[1]) as stub:
        yield stub


def bundle(directory: Path, ca_file: Path, label: str) -> str:
    """All known CAs and one more, of that name."""
    known = Path(str(get_cert_path(True))).read_text(encoding="utf-8")
    file = directory / "cacert.pem"
    file.write_text(f'{known}\n# Label: "{label}"\n# Serial: 1\n{ca_file.read_text()}')
    return str(file)


def post(url: str) -> tuple[Answer, int]:
    service = Service("dynamodb", url.removesuffix("/ws"), "us-east-1")
    return service.post("/", "", b"{}", {}, is_passing=lambda _: False)


@pytest.mark.parametrize(("label", "repeats"), [("Amazon Root CA 9", 0), ("Another CA", 1)])
def test_amazons_cas_are_read_first_and_the_others_when_needed(
    stub: ManagementStub,
    certificates: tuple[Path, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    label: str,
    repeats: int,
) -> None:
    tls = Tls(bundle(tmp_path, certificates[0], label), "Amazon Root CA")
    monkeypatch.setattr(aws, "tls", lambda _host: tls)
    found, repeated = post(stub.url)
    assert (found.status, repeated) == (200, repeats)
    read = len(tls.context.get_ca_certs())
    assert read > 50 if repeats else read == 5


def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(
    stub: ManagementStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with pytest.raises(HTTPClientError, match="CERTIFICATE_VERIFY_FAILED"):
        post(stub.url)
    assert not stub.requests


def test_nothing_is_sent_to_a_server_of_another_name(
    stub: ManagementStub, certificates: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates[0]))
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", stub.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [here])
    with pytest.raises(HTTPClientError, match="Hostname mismatch"):
        post(stub.url.replace("localhost", "dynamodb.us-east-1.amazonaws.com"))
    assert not stub.requests


def test_all_of_awss_hosts_share_a_context_and_others_have_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    dynamodb = aws.tls("dynamodb.us-east-1.amazonaws.com")
    assert aws.tls("abc.execute-api.us-east-1.amazonaws.com") is dynamodb
    assert aws.tls("ssm.cn-north-1.amazonaws.com.cn") is dynamodb
    assert len(dynamodb.context.get_ca_certs()) == 4
    for host in ("localhost", "amazonaws.com.evil.com", "evilamazonaws.com"):
        assert aws.tls(host) is not dynamodb


def test_on_lambda_no_session_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("a botocore session takes 10 ms of a cold start")

    monkeypatch.setattr(aws, "session", refuse)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "message")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    assert aws.region() == "eu-west-3"
    assert aws.credentials().access_key == "AKID"
    assert aws.tls("dynamodb.eu-west-3.amazonaws.com")


# --- SSM -------------------------------------------------------------------------------------


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagementStub]:
    with ManagementStub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", stub.url.removesuffix("/ws"))
        secret_values.secret_values.cache_clear()
        yield stub
        secret_values.secret_values.cache_clear()


def test_the_keys_are_one_parameter_decrypted_and_read_once(ssm: ManagementStub) -> None:
    body = json.dumps({"Parameter": {"Value": json.dumps(SECRETS), "Type": "SecureString"}})
    ssm.plan = lambda _request, _before: answer(200, body=body.encode())
    assert secret_values.secret_values().kakao_admin_key == "admin"
    assert secret_values.secret_values() is secret_values.secret_values()
    (request,) = ssm.requests
    assert json.loads(request.body) == {"Name": settings.secrets_parameter, "WithDecryption": True}
    assert request.headers["x-amz-target"] == "AmazonSSM.GetParameter"
    assert request.headers["content-type"] == "application/x-amz-json-1.1"
    assert "/ssm/aws4_request" in request.headers["authorization"]


def test_without_keys_it_is_said_why(ssm: ManagementStub) -> None:
    body = b'{"__type": "ParameterNotFound", "message": "no such parameter"}'
    ssm.plan = lambda _request, _before: answer(400, body=body)
    with pytest.raises(ClientError, match=r"ParameterNotFound.*GetParameter.*no such parameter"):
        secret_values.secret_values()
    assert len(ssm.requests) == 1


def test_keys_that_are_throttled_are_asked_for_again(ssm: ManagementStub) -> None:
    kept = json.dumps({"Parameter": {"Value": json.dumps(SECRETS)}}).encode()
    throttled = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    ssm.plan = lambda _request, before: (
        answer(200, body=kept) if before else answer(400, body=throttled)
    )
    assert secret_values.secret_values().identity_key == "identity"
    assert len(ssm.requests) == 2
