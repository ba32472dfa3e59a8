"""The AWS account to deploy into: who one is there, where packages are uploaded, the secrets."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError

#: Seoul: where the people are.
DEFAULT_REGION: Final = "ap-northeast-2"

#: What chalicelib/secret_values.py reads.
SECRET_NAMES: Final = ("kakao_client_id", "kakao_client_secret", "kakao_admin_key", "identity_key")


@dataclass
class Account:
    """An account and Region, by boto3's usual credentials (AWS_PROFILE and so on)."""

    session: boto3.session.Session

    @classmethod
    def from_environment(cls, region: str | None) -> Account:
        """The account that the environment's credentials are for.

        Raises:
            InfraError: there are none, or AWS does not accept them.
        """
        try:
            region = region or boto3.session.Session().region_name or DEFAULT_REGION
            account = cls(boto3.session.Session(region_name=region))
            account.id  # noqa: B018 -- asks AWS, so that nothing starts without it
        except (BotoCoreError, ClientError) as error:
            raise InfraError(
                f"no valid AWS credentials ({error}).\n"
                "Sign in with `aws sso login` or `aws configure`, and choose a profile with "
                "AWS_PROFILE."
            ) from error
        return account

    def client(self, service: Any) -> Any:
        """A client that is patient with throttling."""
        config = Config(retries={"mode": "adaptive", "total_max_attempts": 8})
        return self.session.client(service, config=config)

    @cached_property
    def id(self) -> str:
        """The account's number."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def region(self) -> str:
        """The Region's name."""
        return str(self.session.region_name)

    def artifacts_bucket(self) -> str:
        """The private bucket for packages, made if there is none yet.

        Nothing in it expires: CloudFormation needs an old release's code to roll back.
        """
        name = f"pingpong-artifacts-{self.id}-{self.region}"
        s3 = self.client("s3")
        try:
            s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
                raise InfraError(f"the bucket {name} cannot be used: {error}") from error
        else:
            return name
        place = {"LocationConstraint": self.region}
        # us-east-1 is the one Region that must not be named.
        more = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": place}
        s3.create_bucket(Bucket=name, **more)
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        return name

    def read_secrets(self, parameter: str) -> dict[str, str] | None:
        """The JSON in the SSM parameter; None if there is no such parameter.

        Raises:
            InfraError: it is not the JSON that it should be.
        """
        ssm = self.client("ssm")
        try:
            found = ssm.get_parameter(Name=parameter, WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            return None
        try:
            values = json.loads(found["Parameter"]["Value"])
            return {name: str(values[name]) for name in SECRET_NAMES}
        except (ValueError, KeyError, TypeError) as error:
            # Never the value itself in a message.
            raise InfraError(
                f"the SSM parameter {parameter} must be a JSON object with "
                f"{', '.join(SECRET_NAMES)}: write it again with `python -m infra.aws secrets`"
            ) from error

    def write_secrets(self, parameter: str, kakao: Mapping[str, str]) -> None:
        """Store the Kakao keys; keep the identity key, or make one at the first time.

        With another identity key everybody would be a new person.
        """
        known = self.read_secrets(parameter) or {"identity_key": secrets.token_hex(32)}
        values = {**known, **kakao}
        self.client("ssm").put_parameter(
            Name=parameter, Value=json.dumps(values), Type="SecureString", Overwrite=True
        )
