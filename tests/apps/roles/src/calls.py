"""Handlers."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError


def connect(_event: Any, _context: Any) -> dict[str, int]:
    return {"statusCode": 200}


def call(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Make the call that the event describes; what went wrong, or nothing."""
    client = boto3.client(event["service"], endpoint_url=event.get("endpoint"))
    try:
        getattr(client, event["operation"])(**event["arguments"])
    except ClientError as error:
        told = error.response
        status = told["ResponseMetadata"]["HTTPStatusCode"]
        return {"status": status, "code": told["Error"]["Code"], "text": told["Error"]["Message"]}
    return {}
