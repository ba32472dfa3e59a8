"""What is asked by REST."""

import json
import os
from typing import Any

import boto3

orders = boto3.resource("dynamodb").Table(os.environ["ORDERS"])


def read(event: dict[str, Any], _context: object) -> dict[str, Any]:
    found = orders.get_item(Key={"id": event["pathParameters"]["id"]}).get("Item")
    if found is None:
        return {"statusCode": 404, "body": json.dumps({"message": "no such order"})}
    return {"statusCode": 200, "body": json.dumps(found)}
