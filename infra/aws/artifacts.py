"""Where packages and releases are kept for CloudFormation to fetch: the artifacts bucket."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.aws import template as templates
from infra.aws.package import Package
from infra.aws.refusals import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Artifacts:
    """The bucket; what is in it is named by its content, so equal things are kept once."""

    s3: S3Client
    bucket: str

    def upload(self, package: Package) -> str:
        """Upload a package.

        Returns:
            Key of the template, which has its functions' code at S3.
        """
        key = f"code/{package.digest}.zip"
        self.keep(key, package.code)
        template = copy.deepcopy(package.template)
        for function in templates.of_type(template, "AWS::Serverless::Function").values():
            function["Properties"]["CodeUri"] = {"Bucket": self.bucket, "Key": key}
        text = templates.serialise(template).encode()
        # Inline a template may have 51,200 bytes only.
        name = f"template/{hashlib.sha256(text).hexdigest()}.json"
        self.keep(name, text)
        return name

    def keep(self, key: str, content: bytes) -> None:
        """Put an object whose key follows from its content, unless it is there."""
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if code_of(error) not in ("404", "NoSuchKey", "NotFound"):
                raise
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None if there is none."""
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None

    def url(self, key: str) -> str:
        """The address by which CloudFormation fetches an object."""
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"
