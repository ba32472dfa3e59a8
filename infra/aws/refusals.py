"""AWS's refusals in words for whoever runs a command: what is wrong, and what to do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError

SIGN_IN: Final = (
    "Sign in with `aws sso login` or `aws configure`, and choose a profile with AWS_PROFILE."
)

#: Codes of credentials that AWS does not accept.
#: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_BAD_CREDENTIALS: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "InvalidAccessKeyId",
        "IncompleteSignature",
    }
)
_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_FORBIDDEN: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
)
_QUOTA: Final = frozenset(
    {
        "LimitExceededException",
        "LimitExceeded",
        "TooManyBuckets",
        "ServiceQuotaExceededException",
        "TooManyDistributions",
        "TooManyCachePolicies",
        "TooManyResponseHeadersPolicies",
    }
)

#: What a resource's reason in CloudFormation says, and what to do about it. The first that
#: fits is shown. The reasons are the services' own error texts, so codes are looked for.
_HINTS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"ConcurrentExecution.*minimum|UnreservedConcurrentExecution",
        "A new account has few concurrent executions of Lambda. Ask for more: Service Quotas → "
        "AWS Lambda → Concurrent executions (https://console.aws.amazon.com/servicequotas).",
    ),
    (
        r"LimitExceeded|TooMany[A-Z]|quota|[Mm]aximum number of|limit exceeded",
        "A quota of the account is used up. Remove what is not needed any more (`make destroy` "
        "for another stage), or ask for more: https://console.aws.amazon.com/servicequotas.",
    ),
    (
        r"CNAMEAlreadyExists|[Oo]ne or more of the CNAMEs",
        "Another CloudFront distribution has this domain (perhaps another stage, or another "
        "account). Take it away there first: "
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html",
    ),
    (
        r"InvalidViewerCertificate|ViewerCertificate|certificate",
        "CloudFront takes certificates of us-east-1 only, issued, and for this very domain. "
        "`make setup-aws` finds or requests the right one.",
    ),
    (
        r"BucketAlreadyExists|BucketAlreadyOwnedByYou",
        "Names of buckets are taken world-wide. If an earlier stage left this one, delete it or "
        "choose another stage name.",
    ),
    (
        r"AlreadyExists|already exists|ResourceInUseException",
        "Something with this name is there but belongs to no stack: an earlier stage has left it "
        "(prod keeps its tables, docs/deploy.md). Import it, rename or delete it, or choose "
        "another stage name.",
    ),
    (
        r"[Dd]eletion.?[Pp]rotection",
        "The table is protected against deletion. If its data may really go: "
        "aws dynamodb update-table --table-name NAME --no-deletion-protection-enabled",
    ),
    (
        r"BucketNotEmpty|bucket you tried to delete is not empty",
        "The bucket still has files; empty it and repeat the command.",
    ),
    (
        # CloudFront says so in an AccessDenied.
        r"account must be verified",
        "AWS has not yet verified this new account for CloudFront: open a case at "
        "https://console.aws.amazon.com/support (Account) with this message, then repeat.",
    ),
    (
        r"A version for this Lambda function exists",
        "An earlier, failed release left that version: aws lambda delete-function "
        "--function-name NAME --qualifier N, then repeat.",
    ),
    (
        r"not authorized to perform|AccessDenied|is not authorized",
        "Your credentials (or CloudFormation's role) lack this permission; "
        "infra/aws/deployer-policy.json has all that a deployment needs.",
    ),
    (
        r"CloudWatch Logs role ARN must be set",
        "API Gateway writes access logs by a role that is set once per account and Region: "
        "docs/deploy.md, Access logs.",
    ),
    (
        r"Rate exceeded|Throttling",
        "AWS was asked too often at once; repeat the command.",
    ),
)


def hint(reason: str) -> str:
    """What to do about a reason that a resource gave; empty if it is not a known one."""
    return next((advice for pattern, advice in _HINTS if re.search(pattern, reason)), "")


@contextlib.contextmanager
def told_plainly(region: str = "") -> Iterator[None]:
    """Have what AWS refuses, or botocore can't do, end in an InfraError."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise InfraError(explained(error, region)) from error


def code_of(error: ClientError) -> str:
    """The error code that a service answered with."""
    details: Any = error.response.get("Error", {})
    return str(details.get("Code", ""))


def explained(error: BotoCoreError | ClientError, region: str = "") -> str:
    """An error of a call in words, with what to do about it."""
    return _answered(error, region) if isinstance(error, ClientError) else _local(error)


def _answered(error: ClientError, region: str) -> str:
    """What a service answered."""
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message", error))
    if code in _EXPIRED:
        return f"the AWS credentials have expired. {SIGN_IN}"
    if code in _BAD_CREDENTIALS:
        return f"AWS does not accept the credentials ({code}). {SIGN_IN}"
    if code in _FORBIDDEN or "not authorized to perform" in message:
        named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)", message)
        action = named[1] if named else error.operation_name
        return (
            f"your credentials may not do {action}:\n  {message}\n"
            "infra/aws/deployer-policy.json has all that these commands need (docs/deploy.md)."
        )
    if code == "OptInRequired" or "is not subscribed" in message:
        return f"the Region {region} is not enabled for this account: {message}"
    if code in _QUOTA:
        return f"{error.operation_name} was refused: {message}\n{hint('LimitExceeded')}"
    return f"{error.operation_name} was refused: {message} ({code})"


def _local(error: BotoCoreError) -> str:
    """What botocore could not do."""
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}. `aws configure list-profiles` shows those that there are."
    if isinstance(
        error, aws.UnauthorizedSSOTokenError | aws.SSOTokenLoadError | aws.TokenRetrievalError
    ):
        return f"the AWS SSO session has expired or was never begun ({error}). {SIGN_IN}"
    if isinstance(
        error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.CredentialRetrievalError
    ):
        return f"no valid AWS credentials ({error}).\n{SIGN_IN}"
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        return f"AWS can't be reached ({error}).\nIs this machine online, and the Region right?"
    return f"AWS can't be used: {error}"
