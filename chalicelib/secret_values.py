"""Keys that are in no code, template or environment: one SSM SecureString, as JSON."""

from __future__ import annotations

import functools

import msgspec

from chalicelib import signed_http
from chalicelib.settings import settings
from chalicelib.signed_http import Answer


class SecretValues(msgspec.Struct, frozen=True):
    """What the parameter holds; docs/settings.md says where each comes from."""

    kakao_client_id: str
    kakao_client_secret: str
    kakao_admin_key: str
    #: Key of the ids made from Kakao's ids; changing it makes everybody a new person.
    identity_key: str

    def __repr__(self) -> str:
        return "SecretValues(…)"


class _Parameter(msgspec.Struct, rename="pascal"):
    value: str


class _GetParameterResult(msgspec.Struct, rename="pascal"):
    parameter: _Parameter


@functools.cache
def secret_values() -> SecretValues:
    """The keys, read once per process (one GetParameter).

    Without botocore's client: making one takes more than the rest of a sign-in's cold start.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html

    Raises:
        ClientError: SSM refuses.
        HTTPClientError: it can't be reached, or does not answer.
    """
    answer, repeats = signed_http.service("ssm").post(
        "/",
        "",
        msgspec.json.encode({"Name": settings.secrets_parameter, "WithDecryption": True}),
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonSSM.GetParameter",
        },
        is_passing=_is_passing,
    )
    if answer.status != 200:
        raise signed_http.refusal("GetParameter", answer, repeats)
    found = msgspec.json.decode(answer.data, type=_GetParameterResult)
    return msgspec.json.decode(found.parameter.value, type=SecretValues)


def _is_passing(refusal: Answer) -> bool:
    return refusal.status >= 500 or signed_http.error_of(refusal)[0] == "ThrottlingException"
