"""An AWS account for tests of infra.aws: MiniStack's, or a server that answers as a test says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.aws.account import Account
from infra.local.emulator_process import SERVICES, EmulatorProcess

REGION = "ap-northeast-2"
KAKAO = {
    "kakao_client_id": "id-of-app",
    "kakao_client_secret": "shh",
    "kakao_admin_key": "administrator",
}
#: Beside the stack's own services: what only a deployment to AWS uses.
DEPLOYED_SERVICES = (
    *SERVICES,
    *("cloudfront", "acm", "route53", "sqs", "monitoring", "sns", "budgets"),
)


def use_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Have boto3 reach AWS there, as anybody's key."""
    # tests/conftest.py sends Lambda's calls of other tests elsewhere.
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def emulated_account(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    services: Sequence[str] = DEPLOYED_SERVICES,
) -> Iterator[Account]:
    """An account of an empty AWS, reached as boto3 reaches any endpoint."""
    with asyncio.Runner() as runner:
        process = EmulatorProcess(directory / "aws", lambda made: None, services=services)
        runner.run(process.start())
        use_endpoint(monkeypatch, process.endpoint)
        try:
            yield Account.from_environment(REGION)
        finally:
            runner.run(process.stop())


class Answering:
    """A person who gives these answers, by the question's first words."""

    def __init__(self, **answers: str) -> None:
        self._answers = {name.replace("_", " "): value for name, value in answers.items()}
        self.questions: list[str] = []

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return next(
            (value for name, value in self._answers.items() if question.startswith(name)), ""
        )

    ask_secret = ask


#: Takes the action (``DescribeCertificate``), answers with a status and a body.
Answerer = Callable[[str], tuple[int, str]]


class StubbedAws:
    """AWS's answers that no emulator gives, in its documented wire formats."""

    def __init__(self, answer: Answerer) -> None:
        outer = self
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                target = self.headers.get("X-Amz-Target", "")
                action = target.rpartition(".")[2] or body.partition("Action=")[2].split("&")[0]
                outer.asked.append(action)
                status, text = answer(action)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def stubbed_aws(monkeypatch: pytest.MonkeyPatch, answer: Answerer) -> Iterator[StubbedAws]:
    """The stub as boto3's AWS."""
    made = StubbedAws(answer)
    use_endpoint(monkeypatch, made.endpoint)
    try:
        yield made
    finally:
        made.stop()


def query_error(code: str, message: str, status: int = 403) -> tuple[int, str]:
    """An error of the query protocol (STS, CloudFormation)."""
    return status, (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )


def json_error(code: str, message: str, status: int = 400) -> tuple[int, str]:
    """An error of the JSON protocols (SSM, ACM)."""
    return status, json.dumps({"__type": code, "message": message})


def identity(account: str = "123456789012") -> tuple[int, str]:
    """STS's GetCallerIdentity."""
    return 200, (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/somebody</Arn>"
        f"<UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult>"
        "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
