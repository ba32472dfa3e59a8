"""The AWS account to deploy into: who one is there, where packages are uploaded, the secrets."""

from __future__ import annotations

import difflib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.aws.refusals import code_of, explained, told_plainly
from infra.errors import InfraError

#: Seoul: where the people are.
DEFAULT_REGION: Final = "ap-northeast-2"

#: How long connecting to AWS may take, in seconds; botocore's own is a minute.
CONNECT_SECONDS: Final = 10

#: What chalicelib/secret_values.py reads.
SECRET_NAMES: Final = ("kakao_client_id", "kakao_client_secret", "kakao_admin_key", "identity_key")


@dataclass
class Account:
    """An account and Region, by boto3's usual credentials (AWS_PROFILE and so on)."""

    session: boto3.session.Session

    @classmethod
    def from_environment(cls, region: str | None, expected: str = "") -> Account:
        """The account that the environment's credentials are for.

        Args:
            region: its name; the configuration's, else Seoul's if None.
            expected: the number of the account that is meant; any if empty.

        Raises:
            InfraError: there are no credentials, AWS does not accept them, they are another
                account's, or there is no such Region.
        """
        with told_plainly(region or ""):
            region = region or boto3.session.Session().region_name or DEFAULT_REGION
            session = boto3.session.Session(region_name=region)
            _require_region(session, region)
            account = cls(session)
            found = account.id  # asks AWS, so that nothing starts without it
        if expected and found != expected:
            raise InfraError(
                f"these credentials are for account {found}, not {expected}: choose another "
                "profile with AWS_PROFILE. Nothing was changed."
            )
        return account

    def client(self, service: Any, region: str | None = None) -> Any:
        """A client that is patient with throttling; for another Region if one is named."""
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=CONNECT_SECONDS
        )
        return self.session.client(service, region_name=region, config=config)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        # No patience here: without a network people should hear of it soon.
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=CONNECT_SECONDS
        )
        return dict(self.session.client("sts", config=config).get_caller_identity())

    @property
    def id(self) -> str:
        """The account's number."""
        return str(self._identity["Account"])

    @property
    def arn(self) -> str:
        """Who one is there."""
        return str(self._identity["Arn"])

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
            # Somebody else could have made a bucket of this name, which can be guessed.
            s3.head_bucket(Bucket=name, ExpectedBucketOwner=self.id)
        except ClientError as error:
            if code_of(error) not in ("404", "NoSuchBucket"):
                raise InfraError(
                    f"the bucket {name} cannot be used: {explained(error, self.region)}"
                ) from error
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


def _require_region(session: boto3.session.Session, region: str) -> None:
    """Refuse the name of a Region that there is none of.

    Raises:
        InfraError: with the one that was probably meant.
    """
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("cloudformation", partition_name=partition)
    ]
    if region not in known:
        close = difflib.get_close_matches(region, known, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise InfraError(f"there is no AWS Region {region}{meant}")
