"""Secrets as `make secrets` stores them, and as the Lambdas read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib import secret_values, settings
from infra.aws.account import Account
from tests.support.site import unique

pytestmark = pytest.mark.localstack

KAKAO = {"kakao_client_id": "id", "kakao_client_secret": "비밀", "kakao_admin_key": "admin"}


@pytest.fixture
def ssm() -> Any:
    return boto3.client("ssm", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


@pytest.fixture
def parameter(ssm: Any) -> Iterator[str]:
    name = f"/{unique('secrets')}/secrets"
    yield name
    ssm.delete_parameter(Name=name)


def test_lambdas_read_what_was_stored_and_a_new_key_changes_no_person(
    ssm: Any, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(boto3.session.Session())
    assert account.read_secrets(parameter) is None
    account.write_secrets(parameter, KAKAO)
    monkeypatch.setattr(
        secret_values, "settings", replace(settings.settings, secrets_parameter=parameter)
    )
    # The one that keeps what it has read is the whole process's.
    read = secret_values.secret_values.__wrapped__
    first = read()
    assert (first.kakao_client_id, first.kakao_client_secret) == ("id", "비밀")

    account.write_secrets(parameter, {**KAKAO, "kakao_admin_key": "another"})
    second = read()
    assert (second.kakao_admin_key, second.identity_key) == ("another", first.identity_key)
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Type"] == "SecureString"
