"""Keys that are in no code, template or environment: one SSM SecureString, as JSON."""

from __future__ import annotations

import functools

import msgspec

from chalicelib import aws
from chalicelib.settings import settings


class SecretValues(msgspec.Struct, frozen=True):
    """What the parameter holds; docs/settings.md says where each comes from."""

    kakao_client_id: str
    kakao_client_secret: str
    kakao_admin_key: str
    #: Key of the ids made from Kakao's ids; changing it makes everybody a new person.
    identity_key: str

    def __repr__(self) -> str:
        return "SecretValues(…)"


@functools.cache
def secret_values() -> SecretValues:
    """The keys, read once per process (one GetParameter)."""
    found = aws.client("ssm").get_parameter(Name=settings.secrets_parameter, WithDecryption=True)
    return msgspec.json.decode(found["Parameter"]["Value"], type=SecretValues)
