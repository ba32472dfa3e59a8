"""AWS's errors: which code and status a service uses, and the form in which it says them."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from infra.local.faults.aws_call import AwsCall, Protocol
from infra.local.faults.aws_models import MANAGEMENT


@dataclass(frozen=True)
class AwsError:
    """An error of a service: HTTP status and AWS's error code."""

    status: int
    code: str


#: What each service says when it is asked too much. Sources:
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
#: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
#: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/connections-connectionid.html
#: https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_THROTTLES: Final = {
    "dynamodb": AwsError(400, "ProvisionedThroughputExceededException"),
    "lambda": AwsError(429, "TooManyRequestsException"),
    MANAGEMENT: AwsError(429, "LimitExceededException"),
    "ssm": AwsError(400, "ThrottlingException"),
    "s3": AwsError(503, "SlowDown"),
    "sqs": AwsError(403, "RequestThrottled"),
}
#: What the others say.
_THROTTLE_OF: Final = {
    Protocol.JSON: AwsError(400, "ThrottlingException"),
    Protocol.REST_JSON: AwsError(429, "TooManyRequestsException"),
    Protocol.REST_XML: AwsError(503, "SlowDown"),
    Protocol.QUERY: AwsError(400, "Throttling"),
    Protocol.CBOR: AwsError(400, "ThrottlingException"),
}

#: The code of a 5xx.
_FAILURES: Final = {
    "dynamodb": "InternalServerError",
    "lambda": "ServiceException",
    MANAGEMENT: "InternalServerErrorException",
    "ssm": "InternalServerError",
    "s3": "InternalError",
}

#: What stands before the code in `__type`; clients cut it off.
_NAMESPACES: Final = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
}


def throttled(call: AwsCall, code: str | None = None) -> AwsError:
    """How a service refuses a call that is one too many."""
    usual = _THROTTLES.get(call.service, _THROTTLE_OF[call.protocol])
    return AwsError(usual.status, code or usual.code)


def failed(call: AwsCall, status: int | None = None, code: str | None = None) -> AwsError:
    """How a service says that it could not do it."""
    status = status or 500
    usual = "ServiceUnavailable" if status == 503 else _FAILURES.get(call.service)
    return AwsError(status, code or usual or "InternalFailure")


def gone() -> AwsError:
    """How the management API says that a connection has ended."""
    return AwsError(410, "GoneException")


def render(
    call: AwsCall, error: AwsError, message: str, request_id: str
) -> tuple[dict[str, str], bytes]:
    """Headers and body of an error, in the form that the call's clients read."""
    headers = {"x-amzn-RequestId": request_id}
    if call.protocol is Protocol.REST_XML:
        body = (
            f"<Error><Code>{escape(error.code)}</Code><Message>{escape(message)}</Message>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        return {"x-amz-request-id": request_id, "Content-Type": "application/xml"}, body.encode()
    if call.protocol is Protocol.QUERY:
        kind = "Receiver" if error.status >= 500 else "Sender"
        body = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return {**headers, "Content-Type": "text/xml"}, body.encode()
    if call.protocol is Protocol.REST_JSON:
        headers |= {"x-amzn-ErrorType": error.code, "Content-Type": "application/json"}
        return headers, json.dumps({"message": message}).encode()
    fields = {"__type": _NAMESPACES.get(call.service, "") + error.code, "message": message}
    if call.protocol is Protocol.CBOR:
        headers |= {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
        return headers, _cbor(fields)
    answer = json.dumps(fields).encode()
    headers["Content-Type"] = call.content_type or "application/x-amz-json-1.0"
    if call.service == "dynamodb":  # some clients check it
        headers["x-amz-crc32"] = str(zlib.crc32(answer))
    if call.service == "sqs":
        # For clients that know the codes of SQS's older protocol.
        side = "Receiver" if error.status >= 500 else "Sender"
        headers["x-amzn-query-error"] = f"{error.code};{side}"
    return headers, answer


def _cbor(fields: dict[str, str]) -> bytes:
    """A small map of texts in CBOR: https://www.rfc-editor.org/rfc/rfc8949#section-3.1."""
    encoded = bytes([0xA0 | len(fields)])
    for text in (text for item in fields.items() for text in item):
        content = text.encode()
        encoded += b"\x79" + len(content).to_bytes(2, "big") + content
    return encoded
