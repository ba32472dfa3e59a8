"""Which service, operation, table or function a signed HTTP request is about."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local.faults import aws_models

#: Names in credential scopes that are not boto3's.
_BOTO3_NAMES: Final = {
    "execute-api": aws_models.MANAGEMENT,
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
}

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
_SCOPE: Final = re.compile(r"Credential=[^/,]+/\d{8}/(?:[^/,]+/)?([^/,]+)/aws4_request")

#: Where a connection's id begins; before it there are the endpoint's path and the stage.
_CONNECTIONS: Final = "/@connections/"


class Protocol(Enum):
    """The forms in which AWS's services take requests and give errors.

    https://smithy.io/2.0/aws/protocols/index.html
    """

    JSON = auto()
    REST_JSON = auto()
    REST_XML = auto()
    QUERY = auto()
    CBOR = auto()


@dataclass(frozen=True)
class AwsCall:
    """A call of AWS as far as rules can tell calls apart.

    Args:
        service: boto3's name of it, or "" where the request does not say it.
        operation: as AWS writes it, or "".
        protocol: in which its errors are answered.
        path: still percent-encoded.
        content_type: of the request.
        body: of the request.
    """

    service: str
    operation: str
    protocol: Protocol = Protocol.REST_JSON
    path: str = "/"
    content_type: str = ""
    body: bytes = b""

    @functools.cached_property
    def tables(self) -> frozenset[str]:
        """The names of the DynamoDB tables that it is about."""
        if self.service != "dynamodb":
            return frozenset()
        try:
            request = json.loads(self.body)
        except ValueError:
            return frozenset()
        return frozenset(_table_name(name) for name in _table_names(request))

    @functools.cached_property
    def function(self) -> str | None:
        """The name of the Lambda that it is about."""
        found = re.match(r"/\d{4}-\d\d-\d\d/functions/([^/?]+)", self.path)
        if self.service != "lambda" or found is None:
            return None
        # A name, "name:version", or an ARN, whole or in part.
        parts = unquote(found[1]).split(":")
        return parts[parts.index("function") + 1 if "function" in parts[:-1] else 0]


def identify(method: str, target: str, headers: Mapping[str, str], body: bytes) -> AwsCall:
    """Find out what a request calls.

    Args:
        method: of HTTP.
        target: path and query, as sent.
        headers: a mapping that ignores case.
        body: all of it.
    """
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    content_type = headers.get("Content-Type", "")
    scope = _SCOPE.search(
        headers.get("Authorization") or f"Credential={query.get('X-Amz-Credential', '')}"
    )
    name = scope[1] if scope else ""
    service = _BOTO3_NAMES.get(name, name)
    if aim := headers.get("X-Amz-Target"):
        prefix, _, operation = aim.rpartition(".")
        if prefix.startswith("DynamoDBStreams"):  # signed as dynamodb
            service = "dynamodbstreams"
        protocol = Protocol.JSON
    elif headers.get("Smithy-Protocol") == "rpc-v2-cbor":
        # https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#requests
        operation = parts.path.rpartition("/operation/")[2]
        protocol = Protocol.CBOR
    elif content_type.startswith("application/x-www-form-urlencoded"):
        operation = dict(parse_qsl(body.decode("utf-8", "replace"))).get("Action", "")
        protocol = Protocol.QUERY
    else:
        path = parts.path
        if _CONNECTIONS in path:
            service = aws_models.MANAGEMENT
            path = path[path.rindex(_CONNECTIONS) :]
        operation = aws_models.rest_operation(
            service, method, path, query, {header.lower() for header in headers}
        )
        protocol = Protocol.REST_XML if service == "s3" else Protocol.REST_JSON
    return AwsCall(service, operation, protocol, parts.path, content_type, body)


def _table_names(request: Any) -> set[str]:
    """Tables of a request of DynamoDB: of one item, of a batch, or of a transaction.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html
    """
    if not isinstance(request, dict):
        return set()
    names = {request.get("TableName")}
    batch = request.get("RequestItems")
    if isinstance(batch, dict):
        names |= batch.keys()
    transaction = request.get("TransactItems")
    for item in transaction if isinstance(transaction, list) else []:
        actions = item.values() if isinstance(item, dict) else []
        names |= {action.get("TableName") for action in actions if isinstance(action, dict)}
    return {name for name in names if isinstance(name, str)}


def _table_name(name: str) -> str:
    """A table may be named by its ARN: ``arn:aws:dynamodb:<region>:<account>:table/<name>``."""
    return name.split("/")[1] if name.startswith("arn:") and "/" in name else name
